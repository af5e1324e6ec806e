//! Failure groups: failed runs whose messages have the same cause.
//!
//! A failed run is grouped by its [`fingerprint`]: with the failure by the writer, or soon after by
//! [`grouping`], which also groups anew what an older version of the fingerprint has grouped. Triggers
//! derive the groups of jobs and the counts.

pub mod acknowledgement;
pub mod counts;
pub mod cursor;
pub mod filter;
pub mod grouping;
pub mod list;
pub mod parts;

use entity::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use crate::db::Sql;

/// Stands for no configuration where jobs without one are counted.
pub const NONE: Uuid = Uuid::max();

/// Creates groups that do not exist, by their ids and titles.
pub async fn create(
    db: &impl ConnectionTrait,
    groups: &std::collections::BTreeMap<Uuid, String>,
    now: Timestamp,
) -> Result<(), DbErr> {
    if groups.is_empty() {
        return Ok(());
    }
    // Ordered by id, so that replicas cannot deadlock.
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("INSERT INTO failure_group (id, title, created_date) VALUES ");
    for (index, (id, title)) in groups.iter().enumerate() {
        sql.push(if index > 0 { ", (" } else { "(" }).bind(*id).push(", ");
        sql.bind(title.as_str()).push(", ").bind(now).push(")");
    }
    sql.push(" ON CONFLICT (id) DO NOTHING");
    sql.execute(db).await?;
    Ok(())
}
