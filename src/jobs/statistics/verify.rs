//! Comparing statistics with the tables, and making them anew.

use std::collections::BTreeMap;

use entity::Timestamp;
use run_statistics::{Cell, Slot, decode};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use uuid::Uuid;

use super::event::{Event, REMOVED};
use super::facts;
use super::fold::{self, Rows};
use super::place::{Key, NONE, hour_of, is_total, moment_of};
use crate::db::{Db, Sql};
use crate::jobs::estimates;

/// How many rows are read at once.
const PAGE: i64 = 10_000;

/// Statistics that differ from the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// When the row begins.
    pub start: Timestamp,
    /// The configuration; `None` for jobs without one, and for the totals of all.
    pub configuration_id: Option<Uuid>,
    pub is_total: bool,
    /// What the statistics have, and what the tables have: runs and jobs.
    pub counted: (i64, i64),
    pub found: (i64, i64),
}

/// The rows that the tables' runs and jobs make.
async fn recount(db: &impl ConnectionTrait) -> Result<Rows, DbErr> {
    let mut rows = Rows::new();
    for of_jobs in [false, true] {
        let mut last = None::<Uuid>;
        loop {
            let mut sql = Sql::new(db.get_database_backend());
            let id = if of_jobs { "j.id" } else { "r.id" };
            sql.push("SELECT 1, ");
            facts::push(&mut sql, of_jobs, &format!(", {id}"));
            if let Some(last) = last {
                sql.push(&format!(" AND {id} > ")).bind(last);
            }
            sql.push(&format!(" ORDER BY {id} LIMIT {PAGE}"));
            let found = sql.all(db).await?;
            for row in &found {
                fold::add(&mut rows, &Event::read(row)?);
                last = Some(row.try_get_by_index(Event::COLUMN_COUNT)?);
            }
            if i64::try_from(found.len()).is_ok_and(|count| count < PAGE) {
                break;
            }
        }
    }
    Ok(rows)
}

/// The rows of the database, with the events that are not folded yet, without those about removed rows.
async fn stored(db: &impl ConnectionTrait) -> Result<Rows, DbErr> {
    let mut rows = Rows::new();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(
        "SELECT tier, start, configuration_id, name, agent_id, cells FROM job_statistics \
         WHERE NOT is_removed",
    );
    for row in sql.all(db).await? {
        let key = Key {
            tier: row.try_get_by_index(0)?,
            start: row.try_get_by_index(1)?,
            configuration_id: row.try_get_by_index(2)?,
            name: row.try_get_by_index(3)?,
            agent_id: row.try_get_by_index(4)?,
            is_removed: false,
        };
        let bytes: Vec<u8> = row.try_get_by_index(5)?;
        let cells = rows.entry(key).or_default();
        for cell in decode(&bytes) {
            let cell = cell.map_err(|_| fold::malformed())?;
            cell.add_to(cells.entry(cell.slot).or_default()).map_err(|_| fold::malformed())?;
        }
    }
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job_statistics_event", Event::COLUMNS));
    for row in sql.all(db).await? {
        fold::add(&mut rows, &Event::read(&row)?);
    }
    rows.retain(|key, _| !key.is_removed);
    Ok(rows)
}

/// The numbers of runs and jobs in some cells.
fn counts(cells: Option<&BTreeMap<Slot, Cell>>) -> (i64, i64) {
    let cells = cells.into_iter().flat_map(BTreeMap::values);
    cells.fold((0, 0), |(runs, jobs), cell| (runs + cell.runs, jobs + cell.jobs))
}

/// Compares the statistics with the tables, which takes a look at every run and job. Those of removed runs
/// and jobs have nothing to be compared with.
pub async fn verify(db: &Db) -> Result<Vec<Drift>, DbErr> {
    fold::fold_all(db).await?;
    let snapshot = db.begin_snapshot().await?;
    let (mut stored, mut recounted) = (stored(&snapshot).await?, recount(&snapshot).await?);
    snapshot.rollback().await?;
    for rows in [&mut stored, &mut recounted] {
        for cells in rows.values_mut() {
            cells.retain(|_, cell| !cell.is_empty());
        }
        rows.retain(|_, cells| !cells.is_empty());
    }
    let only_recounted = recounted.iter().filter(|(key, _)| !stored.contains_key(*key));
    let drifts = stored
        .iter()
        .map(|(key, cells)| (key, Some(cells), recounted.get(key)))
        .chain(only_recounted.map(|(key, cells)| (key, None, Some(cells))))
        .filter(|(_, stored, recounted)| stored != recounted)
        .map(|(key, stored, recounted)| Drift {
            start: moment_of(hour_of(key.start)),
            configuration_id: Some(key.configuration_id).filter(|id| *id != NONE),
            is_total: is_total(key.tier),
            counted: counts(stored),
            found: counts(recounted),
        });
    Ok(drifts.collect())
}

/// Makes the statistics anew from the tables, for databases that were restored or written around the
/// triggers. What is known of removed runs and jobs stays. Writers wait until it is done.
pub async fn rebuild(db: &Db) -> Result<(), DbErr> {
    // What is removed and not folded yet must not be lost.
    fold::fold_all(db).await?;
    let transaction = db.begin_write().await?;
    if db.backend() == DbBackend::Postgres {
        transaction
            .execute_unprepared("LOCK TABLE job, job_run IN SHARE ROW EXCLUSIVE MODE")
            .await?;
    }
    fold::wait_for_lock(&transaction).await?;
    let removed = events_of_removed(&transaction).await?;
    transaction
        .execute_unprepared(
            "DELETE FROM job_statistics_event; DELETE FROM job_statistics WHERE NOT is_removed",
        )
        .await?;
    let mut rows = recount(&transaction).await?;
    for event in &removed {
        fold::add(&mut rows, event);
    }
    fold::merge(&transaction, rows).await?;
    estimates::renew_all(&transaction).await?;
    transaction.commit().await
}

/// The events about removed rows that are not folded yet.
async fn events_of_removed(db: &impl ConnectionTrait) -> Result<Vec<Event>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job_statistics_event WHERE change = ", Event::COLUMNS));
    sql.bind(REMOVED);
    sql.all(db).await?.iter().map(Event::read).collect()
}
