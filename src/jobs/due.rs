//! How long due jobs have waited.

use entity::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};

use crate::db::Sql;

/// How many of the jobs that are first in line are looked at. A retried job is among the first, but has not
/// waited since its creation.
const LOOKED_AT: i64 = 1_000;

/// Since when the due job has waited that has waited longest. `None` if no job is due.
pub async fn oldest(db: &impl ConnectionTrait, now: Timestamp) -> Result<Option<Timestamp>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT min(since) FROM (SELECT ").push_either("max", "greatest").push(
        "(coalesce(queued_date, created_date), coalesce(scheduled_date, created_date)) AS since \
         FROM job WHERE state = 'Queued' AND coalesce(scheduled_date, created_date) <= ",
    );
    sql.bind(now).push(&format!(
        " ORDER BY coalesce(scheduled_date, created_date), id LIMIT {LOOKED_AT}) AS due"
    ));
    sql.one(db).await?.map_or(Ok(None), |row| row.try_get_by_index(0))
}
