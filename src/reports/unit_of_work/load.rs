//! Loading the rows that a batch of ops refers to.
//!
//! Rows are locked in one order, runs before jobs and each by id, so that replicas that change the same
//! rows cannot deadlock. Claims skip locked jobs.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use entity::{Columns, Table, Timestamp, job, job_run};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::{BatchError, Tracked, UnitOfWork};
use crate::db::sql;
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
        for run in lock(db, Columns::<job_run::Entity>::from_iter(RUN), &run_ids).await? {
            unit.runs.insert(run.id, Tracked::stored(run));
        }

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
        for job in lock(db, Columns::<job::Entity>::all(), &job_ids).await? {
            unit.jobs.insert(job.id, Tracked::stored(job));
        }
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
    let text = "SELECT current_run_id FROM job WHERE current_run_id IS NOT NULL AND id IN (:jobs)";
    sql!(db, text, jobs = jobs).all(db).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Whether a job names a run that does not exist.
async fn is_missing(db: &impl ConnectionTrait, run: Option<Uuid>) -> Result<bool, DbErr> {
    let found = sql!(db, "SELECT 1 FROM job_run WHERE id = :run", run = run).one(db).await?;
    Ok(found.is_none())
}

/// Reads and locks the rows with these ids.
async fn lock<E: Table>(
    db: &impl ConnectionTrait,
    columns: Columns<E>,
    ids: &[Uuid],
) -> Result<Vec<E::Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (selected, table) = (columns.select("t"), E::NAME);
    let mut sql =
        sql!(db, format!("SELECT {selected} FROM {table} AS t WHERE t.id IN (:ids)"), ids = ids);
    // SQLite's transaction is the only one that writes.
    sql.push_either("", " ORDER BY t.id FOR NO KEY UPDATE OF t");
    sql.all(db).await?.iter().map(|row| columns.read(row, 0)).collect()
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
    // PostgreSQL needs the second condition to use the partial index.
    let text = format!(
        "SELECT {} FROM job_run AS t \
         WHERE t.attempt_token IN (:tokens) AND t.attempt_token IS NOT NULL",
        columns.select("t")
    );
    for row in sql!(db, text, tokens = tokens).all(db).await? {
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
        // The index `job_claimable` in its order.
        let text = format!(
            "SELECT {} FROM job AS t \
             WHERE t.state = 'Queued' AND coalesce(t.scheduled_date, t.created_date) <= :now",
            columns.select("t")
        );
        let mut sql = sql!(db, text, now = unit.now);
        configurations.push(&mut sql, "t.configuration_id");
        sql.push(&format!(
            " ORDER BY t.priority DESC, coalesce(t.scheduled_date, t.created_date), t.id \
             LIMIT {limit}"
        ));
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
    let agents = unique(ops.iter().filter_map(|op| match op {
        Op::Claim(claim) => Some(claim.agent_id),
        Op::Start(start) => Some(start.agent_id),
        _ => None,
    }));
    if !agents.is_empty() {
        let text = "SELECT id, agent_key FROM agent WHERE id IN (:agents)";
        for row in sql!(db, text, agents = &agents).all(db).await? {
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
        let text = "SELECT id FROM configuration WHERE id IN (:configurations)";
        for row in sql!(db, text, configurations = &configurations).all(db).await? {
            unit.configurations.insert(row.try_get_by_index(0)?);
        }
    }
    let requests = unique(new().filter_map(|job| job.client_request_id.clone()));
    if !requests.is_empty() {
        let text = "SELECT client_request_id, configuration_id, id FROM job \
                    WHERE client_request_id IN (:requests) \
                    AND configuration_id IN (:configurations)";
        let sql = sql!(db, text, requests = &requests, configurations = &configurations);
        for row in sql.all(db).await? {
            let request = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            unit.requests.insert(request, row.try_get_by_index(2)?);
        }
    }
    Ok(())
}
