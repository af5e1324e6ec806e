//! Fetching the rows that a batch of ops is about, and writing those that it changed.
//!
//! Rows are locked in one order, runs before jobs and each by id, so that replicas that work on the
//! same rows wait for each other and never in a circle. Claims lock jobs without waiting.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use entity::{Columns, Table, Timestamp, job, job_event, job_run};
use sea_orm::{ConnectionTrait, DbErr, ModelTrait as _, Value};
use uuid::Uuid;

use super::desk::{Desk, Kept};
use super::op::{Op, Registration, Step};
use crate::db::Sql;
use crate::jobs::scope::Scope;
use crate::jobs::store::{self, RowSet};

/// The columns of a run that rules look at.
const RUN: [job_run::Column; 19] = [
    job_run::Column::Id,
    job_run::Column::JobId,
    job_run::Column::AgentId,
    job_run::Column::AgentState,
    job_run::Column::AgentResultIsCancellationRequested,
    job_run::Column::AgentResultMessage,
    job_run::Column::AgentStartTime,
    job_run::Column::AgentEndTime,
    job_run::Column::AgentElapsedExecutionTime,
    job_run::Column::AgentLastSubmittedDate,
    job_run::Column::ProcessingState,
    job_run::Column::ProcessingQueuedDate,
    job_run::Column::ProcessingStartTime,
    job_run::Column::ProcessingEndTime,
    job_run::Column::AttemptToken,
    job_run::Column::AgentSequence,
    job_run::Column::ProcessingSequence,
    job_run::Column::AgentReportDate,
    job_run::Column::CancellationRequestedDate,
];

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Another replica was quicker; trying again helps.
    #[error("another writer was at the same rows")]
    Raced,
    #[error(transparent)]
    Database(#[from] DbErr),
}

fn unique<T: Ord + Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.collect::<HashSet<_>>().into_iter().collect();
    items.sort_unstable();
    items
}

/// Fetches what the ops are about.
pub async fn fetch(
    db: &impl ConnectionTrait,
    ops: &[&Op],
    now: Timestamp,
) -> Result<Desk, BatchError> {
    let mut desk = Desk::new(now);
    let ops = || ops.iter().copied();

    let by_job: Vec<Uuid> = unique(ops().filter_map(|op| match op {
        Op::Start(start) => Some(start.job_id),
        Op::Cancel(cancel) => Some(cancel.job_id),
        Op::Retry { job_id, .. } => Some(*job_id),
        _ => None,
    }));
    let current_runs = current_runs(db, &by_job).await?;
    let run_ids: Vec<Uuid> = unique(
        ops()
            .filter_map(|op| match op {
                Op::Agent(report) => Some(report.run_id),
                Op::Processing(report) => Some(report.run_id),
                Op::Lose(lost) => Some(lost.run_id),
                _ => None,
            })
            .chain(current_runs),
    );
    fetch_runs(db, &mut desk, &run_ids).await?;

    // Progress is no change of the job, so its row is left alone.
    let moving = ops().filter_map(|op| match op {
        Op::Agent(report) if report.step != Step::Stay => Some(report.run_id),
        Op::Lose(lost) => Some(lost.run_id),
        _ => None,
    });
    let job_ids = unique(
        moving.filter_map(|id| Some(desk.runs.get(&id)?.row.job_id)).chain(by_job.iter().copied()),
    );
    fetch_jobs(db, &mut desk, &job_ids).await?;
    for job in by_job.iter().filter_map(|id| desk.jobs.get(id)) {
        // Between the two looks at the job another attempt has begun.
        if job.row.current_run_id.is_some_and(|id| !desk.runs.contains_key(&id))
            && !is_missing(db, job.row.current_run_id).await?
        {
            return Err(BatchError::Raced);
        }
    }

    let tokens = unique(ops().filter_map(|op| match op {
        Op::Start(start) => Some(start.token),
        Op::Claim(claim) => claim.token,
        _ => None,
    }));
    fetch_attempts(db, &mut desk, &tokens).await?;
    fetch_due(db, &mut desk, &ops().collect::<Vec<_>>()).await?;
    fetch_names(db, &mut desk, &ops().collect::<Vec<_>>()).await?;
    Ok(desk)
}

/// The current runs of jobs, as they are now.
async fn current_runs(db: &impl ConnectionTrait, jobs: &[Uuid]) -> Result<Vec<Uuid>, DbErr> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT current_run_id FROM job WHERE current_run_id IS NOT NULL AND id");
    sql.any_uuid(jobs);
    sql.all(db).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Whether a job names a run that does not exist.
async fn is_missing(db: &impl ConnectionTrait, run: Option<Uuid>) -> Result<bool, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT 1 FROM job_run WHERE id = ").bind(run);
    Ok(sql.one(db).await?.is_none())
}

fn push_lock(sql: &mut Sql) {
    // SQLite's transaction is the only one that writes.
    sql.push_either("", " ORDER BY t.id FOR NO KEY UPDATE OF t");
}

async fn fetch_runs(db: &impl ConnectionTrait, desk: &mut Desk, ids: &[Uuid]) -> Result<(), DbErr> {
    if ids.is_empty() {
        return Ok(());
    }
    let columns = Columns::<job_run::Entity>::from_iter(RUN);
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job_run AS t WHERE t.id", columns.select("t"))).any_uuid(ids);
    push_lock(&mut sql);
    for row in sql.all(db).await? {
        let run = columns.read(&row, 0)?;
        desk.runs.insert(run.id, Kept::stored(run));
    }
    Ok(())
}

async fn fetch_jobs(db: &impl ConnectionTrait, desk: &mut Desk, ids: &[Uuid]) -> Result<(), DbErr> {
    if ids.is_empty() {
        return Ok(());
    }
    let columns = Columns::<job::Entity>::all();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job AS t WHERE t.id", columns.select("t"))).any_uuid(ids);
    push_lock(&mut sql);
    for row in sql.all(db).await? {
        let job = columns.read(&row, 0)?;
        desk.jobs.insert(job.id, Kept::stored(job));
    }
    Ok(())
}

/// Finds the runs that began with these tokens.
async fn fetch_attempts(
    db: &impl ConnectionTrait,
    desk: &mut Desk,
    tokens: &[Uuid],
) -> Result<(), DbErr> {
    if tokens.is_empty() {
        return Ok(());
    }
    let columns = Columns::<job_run::Entity>::from_iter(RUN);
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job_run AS t WHERE t.attempt_token", columns.select("t")));
    // PostgreSQL does not see by itself that the index is only without nulls.
    sql.any_uuid(tokens).push(" AND t.attempt_token IS NOT NULL");
    for row in sql.all(db).await? {
        let run = columns.read(&row, 0)?;
        if let Some(token) = run.attempt_token {
            desk.attempts.insert(token, run.id);
        }
        // One that is current is there already, and locked.
        desk.runs.entry(run.id).or_insert_with(|| Kept::stored(run));
    }
    Ok(())
}

/// Finds the jobs that are due, for each choice of configurations that somebody claims from.
async fn fetch_due(db: &impl ConnectionTrait, desk: &mut Desk, ops: &[&Op]) -> Result<(), DbErr> {
    let mut claims = HashMap::<&Scope, usize>::new();
    for op in ops {
        if let Op::Claim(claim) = op {
            *claims.entry(&claim.configurations).or_default() += 1;
        }
    }
    // Two choices may overlap, so each gets as many as there are claims in all.
    let limit: usize = claims.values().sum();
    let columns = Columns::<job::Entity>::all();
    for configurations in claims.keys() {
        let mut sql = Sql::new(db.get_database_backend());
        // The index `job_claimable` in its order.
        sql.push(&format!("SELECT {} FROM job AS t WHERE t.state = 'Queued'", columns.select("t")))
            .push(" AND coalesce(t.scheduled_date, t.created_date) <= ")
            .bind(desk.now);
        configurations.push(&mut sql, "t.configuration_id");
        sql.push(" ORDER BY t.priority DESC, coalesce(t.scheduled_date, t.created_date), t.id");
        sql.push(&format!(" LIMIT {limit}"));
        sql.push_either("", " FOR NO KEY UPDATE OF t SKIP LOCKED");
        let mut due = std::collections::VecDeque::with_capacity(limit);
        for row in sql.all(db).await? {
            let job = columns.read(&row, 0)?;
            due.push_back(job.id);
            desk.jobs.entry(job.id).or_insert_with(|| Kept::stored(job));
        }
        desk.due.insert((*configurations).clone(), due);
    }
    Ok(())
}

/// Looks up agents, configurations and earlier requests.
async fn fetch_names(db: &impl ConnectionTrait, desk: &mut Desk, ops: &[&Op]) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let agents = unique(ops.iter().filter_map(|op| match op {
        Op::Claim(claim) => Some(claim.agent_id),
        Op::Start(start) => Some(start.agent_id),
        _ => None,
    }));
    if !agents.is_empty() {
        let mut sql = Sql::new(backend);
        sql.push("SELECT id, agent_key FROM agent WHERE id").any_uuid(&agents);
        for row in sql.all(db).await? {
            desk.agents.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
    }
    let new = || {
        ops.iter().filter_map(|op| match op {
            Op::Queue(new) => Some(&new.job),
            _ => None,
        })
    };
    let configurations = unique(new().filter_map(|job| job.configuration_id));
    if !configurations.is_empty() {
        let mut sql = Sql::new(backend);
        sql.push("SELECT id FROM configuration WHERE id").any_uuid(&configurations);
        for row in sql.all(db).await? {
            desk.configurations.insert(row.try_get_by_index(0)?);
        }
    }
    let requests = unique(new().filter_map(|job| job.client_request_id.clone()));
    if !requests.is_empty() {
        let mut sql = Sql::new(backend);
        sql.push("SELECT client_request_id, configuration_id, id FROM job");
        sql.push(" WHERE client_request_id ").any_text(&requests);
        sql.push(" AND configuration_id").any_uuid(&configurations);
        for row in sql.all(db).await? {
            let request = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            desk.requests.insert(request, row.try_get_by_index(2)?);
        }
    }
    Ok(())
}

/// Writes what has changed.
pub async fn write(db: &impl ConnectionTrait, mut desk: Desk) -> Result<(), BatchError> {
    // In one order, as all rows. What is saved twice keeps its order.
    desk.saved_configurations.sort_by_key(|row| row.id);
    for row in &desk.saved_configurations {
        store::save_configuration(db, row).await?;
    }
    desk.registrations.sort_by_key(|registration| registration.agent.id);
    for Registration { agent, scope } in &desk.registrations {
        store::save_agent(db, agent).await?;
        store::introduce_agent(db, agent.id, scope).await?;
    }
    store::save_last_seen(db, &desk.seen).await?;
    let (new_jobs, jobs) = split(desk.jobs);
    let (new_runs, runs) = split(desk.runs);
    if !new_jobs.is_empty() {
        let set = RowSet::<job::Entity>::whole(new_jobs.iter().map(|kept| &kept.row));
        let conflict = " ON CONFLICT (client_request_id, configuration_id) \
                        WHERE client_request_id IS NOT NULL DO NOTHING";
        if store::insert(db, set, conflict).await? < new_jobs.len() as u64 {
            return Err(BatchError::Raced);
        }
    }
    if !new_runs.is_empty() {
        let set = RowSet::<job_run::Entity>::whole(new_runs.iter().map(|kept| &kept.row));
        store::insert(db, set, "").await?;
    }
    // A report takes nothing back, so that a run's nulls are what it did not change.
    if let Some(set) = changes(&runs, Blank::Null) {
        store::update(db, set, store::Null::Keeps).await?;
    }
    if let Some(set) = changes(&jobs, Blank::Value) {
        store::update(db, set, store::Null::Clears).await?;
    }
    adopt(db, &desk.adopted).await?;
    if !desk.events.is_empty() {
        let set = RowSet::<job_event::Entity>::whole(&desk.events);
        store::insert(db, set, "").await?;
    }
    Ok(())
}

/// The new rows, and those that were there, by id.
fn split<E: Table>(kept: HashMap<Uuid, Kept<E>>) -> (Vec<Kept<E>>, Vec<Kept<E>>) {
    let mut all: Vec<_> = kept.into_iter().collect();
    all.sort_unstable_by_key(|(id, _)| *id);
    all.into_iter().map(|(_, kept)| kept).partition(|kept| kept.is_new)
}

/// What a row has in a column that changed in others, but not in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blank {
    Null,
    Value,
}

fn changes<E: Table>(rows: &[Kept<E>], blank: Blank) -> Option<RowSet<E>> {
    let columns =
        rows.iter().fold(Columns::none(), |columns: Columns<E>, kept| columns.union(kept.changed));
    let nulls: Vec<Value> = E::fields().iter().map(|field| field.kind.null()).collect();
    let id = E::place("id");
    let row = |kept: &Kept<E>| {
        let mut row = nulls.clone();
        let written = if blank == Blank::Null { kept.changed } else { columns };
        for place in written.places().chain([id]) {
            row[place] = kept.row.get(E::fields()[place].column);
        }
        row
    };
    let changed = rows.iter().filter(|kept| kept.changed != Columns::none());
    let rows: Vec<_> = changed.map(row).collect();
    (!rows.is_empty()).then_some(RowSet { columns, rows })
}

/// Gives the events of jobs that waited to the runs that they led to.
async fn adopt(db: &impl ConnectionTrait, adopted: &[(Uuid, Uuid)]) -> Result<(), DbErr> {
    if adopted.is_empty() {
        return Ok(());
    }
    let (jobs, runs): (Vec<_>, Vec<_>) = adopted.iter().copied().unzip();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("UPDATE job_event SET run_id = v.run_id FROM (SELECT ");
    if sql.is_postgres() {
        sql.push("* FROM unnest(").bind_uuids(&jobs).push(", ").bind_uuids(&runs);
        sql.push(") AS r(job_id, run_id)");
    } else {
        sql.push("unhex(j.value) AS job_id, unhex(r.value) AS run_id FROM json_each(");
        sql.bind_uuids(&jobs).push(") AS j JOIN json_each(").bind_uuids(&runs);
        sql.push(") AS r ON r.key = j.key");
    }
    sql.push(") AS v WHERE job_event.job_id = v.job_id AND job_event.run_id IS NULL");
    if sql.is_postgres() {
        // While statistics are old, PostgreSQL would rather read the whole table than join by the index.
        sql.push(" AND job_event.job_id").any_uuid(&jobs);
    }
    sql.execute(db).await?;
    Ok(())
}
