//! Removing old jobs that are over, a few at a time.

use entity::{JobState, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use uuid::Uuid;

use crate::db::{Db, Sql};

/// "agentret": the key of the advisory lock of whoever removes.
const LOCK: i64 = 0x6167_656e_7472_6574;

/// How many jobs a transaction removes, with their runs and history. It holds SQLite's only writer
/// for some milliseconds.
const BATCH: usize = 200;

/// A place in the list of jobs by their last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(Timestamp, Uuid);

/// What a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub removed: u64,
    /// Where to go on; `None` if there is nothing more.
    pub next: Option<Place>,
}

/// Removes the first jobs after a place that are over and have not changed since `before`, with all
/// of their runs. On PostgreSQL nothing is done while another replica is at it. The counters follow,
/// and whoever watches hears of it, as of any change.
pub async fn remove(db: &Db, before: Timestamp, after: Option<Place>) -> Result<Step, DbErr> {
    let over = JobState::ALL.iter().filter(|state| state.is_terminal());
    let over: Vec<_> = over.map(|state| format!("'{}'", state.name())).collect();
    let over = format!("state IN ({})", over.join(", "));
    // The index `job_by_updated` in its order.
    let mut sql = Sql::new(db.backend());
    sql.push("SELECT id, coalesce(update_date, created_date) FROM job");
    sql.push(" WHERE coalesce(update_date, created_date) < ").bind(before);
    if let Some(Place(date, id)) = after {
        sql.push(" AND (coalesce(update_date, created_date), id) > (").bind(date);
        sql.push(", ").bind(id).push(")");
    }
    sql.push(&format!(
        " AND {over} ORDER BY coalesce(update_date, created_date), id LIMIT {BATCH}"
    ));
    let rows = sql.all(db.reader()).await?;
    let mut ids = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in &rows {
        let (id, date) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        ids.push(id);
        last = Some(Place(date, id));
    }
    if ids.is_empty() {
        return Ok(Step { removed: 0, next: None });
    }
    // In one order, so that two writers do not wait for each other in a circle.
    ids.sort_unstable();
    let transaction = db.begin_write().await?;
    if db.backend() == DbBackend::Postgres && !lock(&transaction).await? {
        transaction.rollback().await?;
        return Ok(Step { removed: 0, next: None });
    }
    // One that was retried meanwhile is not over any more.
    let mut sql = Sql::new(db.backend());
    sql.push(&format!("DELETE FROM job WHERE {over} AND id")).any_uuid(&ids);
    let removed = sql.execute(&transaction).await?.rows_affected();
    transaction.commit().await?;
    Ok(Step { removed, next: last.filter(|_| ids.len() == BATCH) })
}

async fn lock(transaction: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let mut sql = Sql::new(DbBackend::Postgres);
    sql.push("SELECT pg_try_advisory_xact_lock(").bind(LOCK).push(")");
    sql.one(transaction).await?.map_or(Ok(false), |row| row.try_get_by_index(0))
}
