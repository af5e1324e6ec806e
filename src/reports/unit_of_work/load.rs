//! Loading the rows that a batch of ops refers to.
//!
//! Rows are locked in one order, runs before jobs and each by id, so that replicas that change the same
//! rows cannot deadlock. Claims skip locked jobs.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use entity::{Columns, Timestamp, job, job_run};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::{BatchError, Tracked, UnitOfWork};
use crate::db::Sql;
use crate::jobs::scope::Scope;
use crate::reports::op::{Op, Transition};

/// The columns of a run that the rules read.
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

fn unique<T: Ord + Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.collect::<HashSet<_>>().into_iter().collect();
    items.sort_unstable();
    items
}

impl UnitOfWork {
    /// Loads the rows that the ops refer to.
    pub async fn load(
        db: &impl ConnectionTrait,
        ops: &[&Op],
        now: Timestamp,
    ) -> Result<Self, BatchError> {
        let mut unit = Self::new(now);
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
                    Op::Expire(expired) => Some(expired.run_id),
                    _ => None,
                })
                .chain(current_runs),
        );
        fetch_runs(db, &mut unit, &run_ids).await?;

        // Progress does not change the job, so its row is not loaded.
        let moving = ops().filter_map(|op| match op {
            Op::Agent(report) if report.transition != Transition::Stay => Some(report.run_id),
            Op::Expire(expired) => Some(expired.run_id),
            _ => None,
        });
        let job_ids = unique(
            moving
                .filter_map(|id| Some(unit.runs.get(&id)?.row.job_id))
                .chain(by_job.iter().copied()),
        );
        fetch_jobs(db, &mut unit, &job_ids).await?;
        for job in by_job.iter().filter_map(|id| unit.jobs.get(id)) {
            // Another attempt has started since the first read of the job.
            if job.row.current_run_id.is_some_and(|id| !unit.runs.contains_key(&id))
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
        fetch_attempts(db, &mut unit, &tokens).await?;
        fetch_due(db, &mut unit, &ops().collect::<Vec<_>>()).await?;
        fetch_names(db, &mut unit, &ops().collect::<Vec<_>>()).await?;
        Ok(unit)
    }
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

async fn fetch_runs(
    db: &impl ConnectionTrait,
    unit: &mut UnitOfWork,
    ids: &[Uuid],
) -> Result<(), DbErr> {
    if ids.is_empty() {
        return Ok(());
    }
    let columns = Columns::<job_run::Entity>::from_iter(RUN);
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job_run AS t WHERE t.id", columns.select("t"))).any_uuid(ids);
    push_lock(&mut sql);
    for row in sql.all(db).await? {
        let run = columns.read(&row, 0)?;
        unit.runs.insert(run.id, Tracked::stored(run));
    }
    Ok(())
}

async fn fetch_jobs(
    db: &impl ConnectionTrait,
    unit: &mut UnitOfWork,
    ids: &[Uuid],
) -> Result<(), DbErr> {
    if ids.is_empty() {
        return Ok(());
    }
    let columns = Columns::<job::Entity>::all();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job AS t WHERE t.id", columns.select("t"))).any_uuid(ids);
    push_lock(&mut sql);
    for row in sql.all(db).await? {
        let job = columns.read(&row, 0)?;
        unit.jobs.insert(job.id, Tracked::stored(job));
    }
    Ok(())
}

/// Finds the runs that were started with these tokens.
async fn fetch_attempts(
    db: &impl ConnectionTrait,
    unit: &mut UnitOfWork,
    tokens: &[Uuid],
) -> Result<(), DbErr> {
    if tokens.is_empty() {
        return Ok(());
    }
    let columns = Columns::<job_run::Entity>::from_iter(RUN);
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job_run AS t WHERE t.attempt_token", columns.select("t")));
    // PostgreSQL needs the condition to use the partial index.
    sql.any_uuid(tokens).push(" AND t.attempt_token IS NOT NULL");
    for row in sql.all(db).await? {
        let run = columns.read(&row, 0)?;
        if let Some(token) = run.attempt_token {
            unit.attempts.insert(token, run.id);
        }
        // A current run is loaded and locked already.
        unit.runs.entry(run.id).or_insert_with(|| Tracked::stored(run));
    }
    Ok(())
}

/// Finds the due jobs of each scope that is claimed from.
async fn fetch_due(
    db: &impl ConnectionTrait,
    unit: &mut UnitOfWork,
    ops: &[&Op],
) -> Result<(), DbErr> {
    let mut claims = HashMap::<&Scope, usize>::new();
    for op in ops {
        if let Op::Claim(claim) = op {
            *claims.entry(&claim.configurations).or_default() += 1;
        }
    }
    // Scopes may overlap, so each gets as many as there are claims in all.
    let limit: usize = claims.values().sum();
    let columns = Columns::<job::Entity>::all();
    for configurations in claims.keys() {
        let mut sql = Sql::new(db.get_database_backend());
        // The index `job_claimable` in its order.
        sql.push(&format!("SELECT {} FROM job AS t WHERE t.state = 'Queued'", columns.select("t")))
            .push(" AND coalesce(t.scheduled_date, t.created_date) <= ")
            .bind(unit.now);
        configurations.push(&mut sql, "t.configuration_id");
        sql.push(" ORDER BY t.priority DESC, coalesce(t.scheduled_date, t.created_date), t.id");
        sql.push(&format!(" LIMIT {limit}"));
        sql.push_either("", " FOR NO KEY UPDATE OF t SKIP LOCKED");
        let mut due = VecDeque::with_capacity(limit);
        for row in sql.all(db).await? {
            let job = columns.read(&row, 0)?;
            due.push_back(job.id);
            unit.jobs.entry(job.id).or_insert_with(|| Tracked::stored(job));
        }
        unit.due.insert((*configurations).clone(), due);
    }
    Ok(())
}

/// Looks up agents, configurations and earlier requests.
async fn fetch_names(
    db: &impl ConnectionTrait,
    unit: &mut UnitOfWork,
    ops: &[&Op],
) -> Result<(), DbErr> {
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
            unit.agents.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
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
            unit.configurations.insert(row.try_get_by_index(0)?);
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
            unit.requests.insert(request, row.try_get_by_index(2)?);
        }
    }
    Ok(())
}
