//! Writing a made-up history into a database: for the demo, benchmarks and tests.

use entity::{Columns, Table as _, job, job_run};
use sea_orm::{ConnectionTrait, DbErr, ModelTrait as _};
use synth::History;
use uuid::Uuid;

use crate::jobs::store::{self, Null, RowSet};

/// Jobs that are written in one statement's reach.
const JOBS_AT_ONCE: usize = 2_000;

/// Writes the history's configurations and agents, and its next `jobs` jobs with their runs.
/// Rows that exist stay as they are.
pub async fn fill(
    db: &impl ConnectionTrait,
    history: &mut History,
    jobs: usize,
) -> Result<(), DbErr> {
    store::prefer_indexes(db).await?;
    store::models::<entity::configuration::Entity>(db, history.configurations()).await?;
    store::models::<entity::agent::Entity>(db, history.agents()).await?;
    let mut left = jobs;
    while left > 0 {
        let (jobs, runs): (Vec<_>, Vec<_>) = history.by_ref().take(left.min(JOBS_AT_ONCE)).unzip();
        if jobs.is_empty() {
            break;
        }
        left -= jobs.len();
        store::models::<job::Entity>(db, &jobs).await?;
        store::models::<job_run::Entity>(db, &runs.concat()).await?;
    }
    Ok(())
}

/// Gives runs an attempt token, their own id: a client that knows it may report on them.
pub async fn hand_over(
    db: &impl ConnectionTrait,
    runs: impl IntoIterator<Item = Uuid>,
) -> Result<(), DbErr> {
    let row = |id| {
        let run = job_run::Model { id, attempt_token: Some(id), ..job_run::Model::default() };
        job_run::Entity::fields().iter().map(|field| run.get(field.column)).collect()
    };
    let columns = Columns::from_iter([job_run::Column::Id, job_run::Column::AttemptToken]);
    let set = RowSet::<job_run::Entity> { columns, rows: runs.into_iter().map(row).collect() };
    store::update(db, set, Null::Keeps).await
}
