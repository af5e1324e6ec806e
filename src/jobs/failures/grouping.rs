//! Grouping failed runs that have no group of the fingerprint's present version: those that imports and
//! other programs write, those without a message, and all after a new version.

use std::collections::BTreeMap;

use entity::{Columns, Table, Timestamp, job_run};
use fingerprint::{Fingerprint, Phase};
use sea_orm::{DbErr, Value};
use uuid::Uuid;

use super::create;
use crate::db::{Db, Sql};
use crate::jobs::store::{self, RowSet};

/// How many runs a transaction groups. It holds SQLite's only writer for some milliseconds.
const BATCH: usize = 200;

/// The failed runs that were grouped by an older version or not at all, in the order of their index. The
/// state is in the text, since only then is that index, which has no others, used.
const TO_GROUP: &str = "r.agent_state = 'Failed' AND coalesce(r.failure_group_version, 0) < ";

/// Groups a batch of runs. Returns how many it found; none, and all are grouped. Several replicas may do
/// so at once: they pass over the runs that another has locked.
pub async fn group(db: &Db, now: Timestamp) -> Result<usize, DbErr> {
    let mut sql = Sql::new(db.backend());
    sql.push(&format!("SELECT r.id FROM job_run AS r WHERE {TO_GROUP}{} ", fingerprint::VERSION))
        .push(&format!("ORDER BY coalesce(r.failure_group_version, 0), r.id LIMIT {BATCH}"));
    let rows = sql.all(db.reader()).await?;
    let mut ids: Vec<Uuid> =
        rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    ids.sort_unstable();

    let transaction = db.begin_write().await?;
    // With its lock a run keeps its message until the group is written. Waiting for neither runs nor jobs,
    // it is in no deadlock.
    let mut sql = Sql::new(db.backend());
    sql.push(
        "SELECT r.id, coalesce(r.agent_result_message, ''), r.agent_start_time IS NOT NULL, \
         r.agent_last_submitted_date IS NOT NULL, \
         (SELECT c.provider FROM configuration AS c WHERE c.id = j.configuration_id) \
         FROM job_run AS r JOIN job AS j ON j.id = r.job_id WHERE r.id",
    )
    .any_uuid(&ids)
    .push(&format!(" AND {TO_GROUP}{} ORDER BY r.id", fingerprint::VERSION))
    .push_either("", " FOR NO KEY UPDATE OF r, j SKIP LOCKED");
    let mut groups = BTreeMap::new();
    let mut rows = Vec::new();
    let nulls: Vec<Value> =
        job_run::Entity::fields().iter().map(|field| field.kind.null()).collect();
    for found in sql.all(&transaction).await? {
        let message: String = found.try_get_by_index(1)?;
        let group = match Fingerprint::of_message(&message) {
            Some(group) => group,
            None => {
                let phase = match (found.try_get_by_index(2)?, found.try_get_by_index(3)?) {
                    (_, true) => Phase::Submitting,
                    (true, false) => Phase::Executing,
                    (false, false) => Phase::Queued,
                };
                let provider: Option<String> = found.try_get_by_index(4)?;
                Fingerprint::without_message(provider.as_deref(), phase)
            }
        };
        let mut row = nulls.clone();
        row[job_run::Column::Id as usize] = found.try_get_by_index::<Uuid>(0)?.into();
        row[job_run::Column::FailureGroupId as usize] = group.id.into();
        row[job_run::Column::FailureGroupVersion as usize] = fingerprint::VERSION.into();
        rows.push(row);
        groups.insert(group.id, group.title);
    }
    create(&transaction, &groups, now).await?;
    let columns =
        Columns::from_iter([job_run::Column::FailureGroupId, job_run::Column::FailureGroupVersion]);
    if !rows.is_empty() {
        let set = RowSet::<job_run::Entity> { columns, rows };
        store::update(&transaction, set, store::Null::Keeps).await?;
    }
    transaction.commit().await?;
    Ok(ids.len())
}
