//! Removal of old finished jobs, in batches.

use entity::{JobState, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use uuid::Uuid;

use super::statistics;
use crate::db::{Db, Sql};

/// "agentret": the key of the advisory lock that removal holds.
const LOCK: i64 = 0x6167_656e_7472_6574;

/// How many jobs a transaction removes, with their runs and history. It holds SQLite's only writer
/// for some milliseconds.
const BATCH: usize = 200;

/// A keyset cursor in the list of jobs by their last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(Timestamp, Uuid);

/// The outcome of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    pub jobs: u64,
    /// Where the next batch begins; `None` after the last.
    pub next: Option<Position>,
}

/// Removes a batch of finished jobs after a position that have not changed since `before`, with all of
/// their runs. On PostgreSQL it does nothing while another replica removes. Triggers update the counters
/// and the change feed, as for any change.
pub async fn remove(db: &Db, before: Timestamp, after: Option<Position>) -> Result<Removed, DbErr> {
    let finished = JobState::ALL.iter().filter(|state| state.is_terminal());
    let finished: Vec<_> = finished.map(|state| format!("'{}'", state.name())).collect();
    let finished = format!("state IN ({})", finished.join(", "));
    // The index `job_by_updated` in its order.
    let mut sql = Sql::new(db.backend());
    sql.push("SELECT id, coalesce(update_date, created_date) FROM job");
    sql.push(" WHERE coalesce(update_date, created_date) < ").bind(before);
    if let Some(Position(date, id)) = after {
        sql.push(" AND (coalesce(update_date, created_date), id) > (").bind(date);
        sql.push(", ").bind(id).push(")");
    }
    sql.push(&format!(
        " AND {finished} ORDER BY coalesce(update_date, created_date), id LIMIT {BATCH}"
    ));
    let rows = sql.all(db.reader()).await?;
    let mut ids = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in &rows {
        let (id, date) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        ids.push(id);
        last = Some(Position(date, id));
    }
    if ids.is_empty() {
        return Ok(Removed { jobs: 0, next: None });
    }
    // In one order, so that two writers cannot deadlock.
    ids.sort_unstable();
    let transaction = db.begin_write().await?;
    if db.backend() == DbBackend::Postgres && !lock(&transaction).await? {
        transaction.rollback().await?;
        return Ok(Removed { jobs: 0, next: None });
    }
    // The state is checked again, since a job may have been retried meanwhile. On PostgreSQL the jobs are
    // locked first, so that what the statistics keep is what is removed.
    let ids = lock_finished(&transaction, &finished, &ids).await?;
    for keep in statistics::facts::keep(db.backend(), &ids) {
        keep.execute(&transaction).await?;
    }
    let mut sql = Sql::new(db.backend());
    sql.push("DELETE FROM job WHERE id").any_uuid(&ids);
    let removed = sql.execute(&transaction).await?.rows_affected();
    transaction.commit().await?;
    Ok(Removed { jobs: removed, next: last.filter(|_| rows.len() == BATCH) })
}

/// Those of the jobs that are finished, which stay so until the transaction ends.
async fn lock_finished(
    transaction: &impl ConnectionTrait,
    finished: &str,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, DbErr> {
    let mut sql = Sql::new(transaction.get_database_backend());
    sql.push(&format!("SELECT id FROM job WHERE {finished} AND id")).any_uuid(ids);
    sql.push(" ORDER BY id").push_either("", " FOR UPDATE");
    sql.all(transaction).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

async fn lock(transaction: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let mut sql = Sql::new(DbBackend::Postgres);
    sql.push("SELECT pg_try_advisory_xact_lock(").bind(LOCK).push(")");
    sql.one(transaction).await?.map_or(Ok(false), |row| row.try_get_by_index(0))
}
