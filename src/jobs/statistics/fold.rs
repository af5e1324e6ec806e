//! Adding events to the rows of statistics.

use std::collections::BTreeMap;

use entity::Timestamp;
use run_statistics::{Cell, Slot, decode, encode};
use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Value};

use super::event::Event;
use super::finished::{self, Finished};
use super::place::{Key, Tier};
use crate::db::{Db, Sql};
use crate::jobs::estimates;
use crate::jobs::store::prefer_indexes;

/// How many events a transaction folds. It holds SQLite's only writer.
const BATCH: i64 = 2_000;

/// "agentsta": the key of the advisory lock that folding holds.
const LOCK: i64 = 0x6167_656e_7473_7461;

/// How many rows a statement has on SQLite.
const SQLITE_ROWS: usize = 1_000;

/// Cells of several rows.
pub(super) type Rows = BTreeMap<Key, BTreeMap<Slot, Cell>>;

/// The outcome of folding a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// Whether there may be more events.
    pub has_more: bool,
    /// The runs that ended recently, by provider.
    pub finished: Vec<Finished>,
}

/// Folds the oldest events, unless another process is at it. Statistics read the same before and after. Returns
/// the runs that ended at `since` or later.
pub async fn fold(db: &Db, since: Option<Timestamp>) -> Result<Folded, DbErr> {
    let mut sql = Sql::new(db.backend());
    sql.push("SELECT 1 FROM job_statistics_event LIMIT 1");
    if sql.one(db.reader()).await?.is_none() {
        return Ok(Folded::default());
    }
    let transaction = db.begin_write().await?;
    if !lock(&transaction).await? {
        transaction.rollback().await?;
        return Ok(Folded::default());
    }
    let events = take(&transaction).await?;
    let mut rows = Rows::new();
    for event in &events {
        add(&mut rows, event);
    }
    merge(&transaction, rows).await?;
    let sources = events.iter().filter_map(Event::completed_source).collect();
    estimates::renew(&transaction, sources).await?;
    let finished = match since {
        Some(since) => finished::of(&transaction, &events, since).await?,
        None => Vec::new(),
    };
    transaction.commit().await?;
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    // Reading skips the space of removed events.
    if db.backend() == DbBackend::Postgres && count > 1_000 {
        db.writer().execute_unprepared("VACUUM job_statistics_event").await?;
    }
    Ok(Folded { has_more: count >= BATCH, finished })
}

/// Folds all events.
pub async fn fold_all(db: &Db) -> Result<(), DbErr> {
    while fold(db, None).await?.has_more {}
    Ok(())
}

/// Whether no other process folds until the transaction ends.
async fn lock(transaction: &impl ConnectionTrait) -> Result<bool, DbErr> {
    if transaction.get_database_backend() != DbBackend::Postgres {
        return Ok(true);
    }
    prefer_indexes(transaction).await?;
    let mut sql = Sql::new(DbBackend::Postgres);
    sql.push("SELECT pg_try_advisory_xact_lock(").bind(LOCK).push(")");
    sql.one(transaction).await?.map_or(Ok(false), |row| row.try_get_by_index(0))
}

/// Waits until no other process folds, and keeps them from it until the transaction ends.
pub(super) async fn wait_for_lock(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        let mut sql = Sql::new(DbBackend::Postgres);
        sql.push("SELECT pg_advisory_xact_lock(").bind(LOCK).push(")");
        sql.execute(transaction).await?;
    }
    Ok(())
}

/// Removes the oldest events and returns them.
async fn take(transaction: &impl ConnectionTrait) -> Result<Vec<Event>, DbErr> {
    let mut sql = Sql::new(transaction.get_database_backend());
    sql.push(&format!(
        "DELETE FROM job_statistics_event WHERE id IN \
         (SELECT id FROM job_statistics_event ORDER BY id LIMIT {BATCH}) RETURNING {}",
        Event::COLUMNS
    ));
    sql.all(transaction).await?.iter().map(Event::read).collect()
}

/// Adds an event to the rows of each tier.
pub(super) fn add(rows: &mut Rows, event: &Event) {
    for tier in Tier::all() {
        let (key, slot) = Key::of(event, tier);
        event.add_to(rows.entry(key).or_default().entry(slot).or_default());
    }
}

/// Adds rows to those of the database.
pub(super) async fn merge(transaction: &impl ConnectionTrait, mut rows: Rows) -> Result<(), DbErr> {
    let keys: Vec<_> = rows.keys().cloned().collect();
    for (key, bytes) in load(transaction, &keys).await? {
        let cells = rows.entry(key).or_default();
        for cell in decode(&bytes) {
            let cell = cell.map_err(|_| malformed())?;
            cell.add_to(cells.entry(cell.slot).or_default()).map_err(|_| malformed())?;
        }
    }
    let encoded = rows.into_iter().map(|(key, cells)| (key, encode(&cells)));
    let (kept, empty): (Vec<_>, Vec<_>) = encoded.partition(|(_, cells)| !cells.is_empty());
    save(transaction, kept).await?;
    if empty.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(transaction.get_database_backend());
    let empty: Vec<_> = empty.into_iter().map(|(key, _)| key).collect();
    sql.push("DELETE FROM job_statistics WHERE (tier, start, configuration_id, name, agent_id, is_removed) ")
        .push("IN (SELECT k.* FROM ");
    push_keys(&mut sql, &empty);
    sql.push(")");
    sql.execute(transaction).await?;
    Ok(())
}

pub(super) fn malformed() -> DbErr {
    DbErr::Type("the cells of a row of job_statistics are malformed".to_owned())
}

/// The encoded cells of the rows with these keys that exist.
async fn load(db: &impl ConnectionTrait, keys: &[Key]) -> Result<Vec<(Key, Vec<u8>)>, DbErr> {
    let mut found = Vec::with_capacity(keys.len());
    for keys in keys.chunks(SQLITE_ROWS) {
        let mut sql = Sql::new(db.get_database_backend());
        sql.push("SELECT s.tier, s.start, s.configuration_id, s.name, s.agent_id, s.is_removed, s.cells FROM ");
        push_keys(&mut sql, keys);
        // SQLite keeps the order of a CROSS JOIN: for each key it looks up the row.
        sql.push(
            " CROSS JOIN job_statistics AS s WHERE s.tier = k.tier AND s.start = k.start \
             AND s.configuration_id = k.configuration_id AND s.name = k.name \
             AND s.agent_id = k.agent_id AND s.is_removed = k.is_removed",
        );
        for row in sql.all(db).await? {
            let key = Key {
                tier: row.try_get_by_index(0)?,
                start: row.try_get_by_index(1)?,
                configuration_id: row.try_get_by_index(2)?,
                name: row.try_get_by_index(3)?,
                agent_id: row.try_get_by_index(4)?,
                is_removed: row.try_get_by_index(5)?,
            };
            found.push((key, row.try_get_by_index(6)?));
        }
    }
    Ok(found)
}

/// Adds a table `k` of these keys.
fn push_keys(sql: &mut Sql, keys: &[Key]) {
    if !sql.is_postgres() {
        let hexadecimal = |id: uuid::Uuid| id.simple().to_string();
        let keys: Vec<_> = keys
            .iter()
            .map(|key| {
                let ids = [key.configuration_id, key.agent_id].map(hexadecimal);
                (key.tier, key.start, ids, &key.name, key.is_removed)
            })
            .collect();
        let json = serde_json::to_string(&keys).expect("keys are JSON");
        sql.push(
            "(SELECT value ->> 0 AS tier, value ->> 1 AS start, \
             unhex(value ->> '$[2][0]') AS configuration_id, value ->> 3 AS name, \
             unhex(value ->> '$[2][1]') AS agent_id, value ->> 4 AS is_removed FROM json_each(",
        );
        sql.bind(json).push(")) AS k");
        return;
    }
    sql.push("(SELECT ");
    push_key_arrays(sql, keys);
    sql.push(") AS k");
}

/// Adds the columns of keys, taken apart from an array for each.
fn push_key_arrays(sql: &mut Sql, keys: &[Key]) {
    fn array(ty: ArrayType, values: impl Iterator<Item = Value>) -> Value {
        Value::Array(ty, Some(Box::new(values.collect())))
    }
    let each = keys.iter();
    let arrays = [
        ("tier", array(ArrayType::Int, each.clone().map(|key| key.tier.into()))),
        ("start", array(ArrayType::Int, each.clone().map(|key| key.start.into()))),
        (
            "configuration_id",
            array(ArrayType::Uuid, each.clone().map(|key| key.configuration_id.into())),
        ),
        ("name", array(ArrayType::String, each.clone().map(|key| key.name.as_str().into()))),
        ("agent_id", array(ArrayType::Uuid, each.clone().map(|key| key.agent_id.into()))),
        ("is_removed", array(ArrayType::Bool, each.map(|key| key.is_removed.into()))),
    ];
    for (index, (name, values)) in arrays.into_iter().enumerate() {
        sql.push(if index > 0 { ", unnest(" } else { "unnest(" }).bind(values);
        sql.push(&format!(") AS {name}"));
    }
}

/// Writes whole rows.
async fn save(db: &impl ConnectionTrait, rows: Vec<(Key, Vec<u8>)>) -> Result<(), DbErr> {
    for rows in rows.chunks(SQLITE_ROWS) {
        let mut sql = Sql::new(db.get_database_backend());
        sql.push(
            "INSERT INTO job_statistics \
             (tier, start, configuration_id, name, agent_id, is_removed, cells) ",
        );
        if sql.is_postgres() {
            let keys: Vec<_> = rows.iter().map(|(key, _)| key.clone()).collect();
            let cells = rows.iter().map(|(_, cells)| Value::from(cells.clone())).collect();
            sql.push("SELECT ");
            push_key_arrays(&mut sql, &keys);
            sql.push(", unnest(").bind(Value::Array(ArrayType::Bytes, Some(Box::new(cells))));
            sql.push(")");
        } else {
            for (number, (key, cells)) in rows.iter().enumerate() {
                sql.push(if number == 0 { "VALUES (" } else { ", (" });
                sql.bind(key.tier).push(", ").bind(key.start).push(", ");
                sql.bind(key.configuration_id).push(", ").bind(key.name.as_str()).push(", ");
                sql.bind(key.agent_id).push(", ").bind(key.is_removed).push(", ");
                sql.bind(cells.clone()).push(")");
            }
        }
        sql.push(
            " ON CONFLICT (tier, start, configuration_id, name, agent_id, is_removed) \
             DO UPDATE SET cells = excluded.cells",
        );
        sql.execute(db).await?;
    }
    Ok(())
}
