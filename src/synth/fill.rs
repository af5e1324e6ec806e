//! Writing a history into a database.

use entity::{job, job_run};
use sea_orm::{ConnectionTrait, DbErr};

use super::History;
use crate::jobs::store;

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
