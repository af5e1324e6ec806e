//! Acknowledging failure groups.
//!
//! An acknowledgement is kept for each configuration that has failures, so that none shows in another
//! scope. It holds up to the last failure that was seen: a later one reopens the group.

use entity::Timestamp;
use sea_orm::DbErr;
use uuid::Uuid;

use super::counts::push_counted;
use crate::db::{Db, Sql};
use crate::jobs::scope::Scope;

/// Acknowledges the scope's failures of a group. Returns whether there are any.
pub async fn acknowledge(
    db: &Db,
    scope: &Scope,
    group: Uuid,
    by: &str,
    note: Option<&str>,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let transaction = db.begin_write().await?;
    let mut sql = Sql::new(db.backend());
    sql.push("WITH ");
    push_counted(&mut sql, scope, Some(&[group]));
    sql.push(
        " INSERT INTO failure_group_count (group_id, configuration_id, acknowledged_date, \
         acknowledged_until, acknowledged_by, acknowledged_note) \
         SELECT group_id, configuration_id, ",
    );
    // PostgreSQL takes a parameter in a select list for a text.
    sql.bind(now).push_either("", "::timestamptz").push(", coalesce(last_seen, ").bind(now);
    sql.push("), ").bind(by).push_either("", "::text").push(", ");
    sql.bind(note.map(str::to_owned)).push_either("", "::text");
    sql.push(
        " FROM counted WHERE true ORDER BY configuration_id \
         ON CONFLICT (group_id, configuration_id) DO UPDATE SET \
         acknowledged_date = excluded.acknowledged_date, \
         acknowledged_until = excluded.acknowledged_until, \
         acknowledged_by = excluded.acknowledged_by, acknowledged_note = excluded.acknowledged_note",
    );
    let acknowledged = sql.execute(&transaction).await?.rows_affected();
    transaction.commit().await?;
    Ok(acknowledged > 0)
}

/// Takes back the scope's acknowledgements of a group.
pub async fn reopen(db: &Db, scope: &Scope, group: Uuid) -> Result<(), DbErr> {
    let transaction = db.begin_write().await?;
    let mut sql = Sql::new(db.backend());
    sql.push(
        "UPDATE failure_group_count SET acknowledged_date = NULL, acknowledged_until = NULL, \
         acknowledged_by = NULL, acknowledged_note = NULL WHERE group_id = ",
    );
    sql.bind(group);
    scope.push(&mut sql, "configuration_id");
    sql.execute(&transaction).await?;
    transaction.commit().await
}
