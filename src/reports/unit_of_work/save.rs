//! Saving the changes of a unit of work.

use std::collections::HashMap;

use entity::{Columns, Table, job, job_event, job_run};
use sea_orm::{ConnectionTrait, DbErr, ModelTrait as _, Value};
use uuid::Uuid;

use super::{BatchError, Tracked, UnitOfWork};
use crate::db::Sql;
use crate::jobs::failures;
use crate::jobs::store::{self, RowSet};
use crate::reports::op::Registration;

impl UnitOfWork {
    /// Writes all changes.
    pub async fn save(mut self, db: &impl ConnectionTrait) -> Result<(), BatchError> {
        // In one order, so that replicas cannot deadlock. The sort is stable, so the last save of a row wins.
        self.saved_configurations.sort_by_key(|row| row.id);
        for row in &self.saved_configurations {
            store::save_configuration(db, row).await?;
        }
        self.registrations.sort_by_key(|registration| registration.agent.id);
        for Registration { agent, scope } in &self.registrations {
            store::save_agent(db, agent).await?;
            store::introduce_agent(db, agent.id, scope).await?;
        }
        store::save_last_seen(db, &self.sightings).await?;
        let (new_jobs, jobs) = split(self.jobs);
        let (new_runs, runs) = split(self.runs);
        if !new_jobs.is_empty() {
            let set = RowSet::<job::Entity>::whole(new_jobs.iter().map(|tracked| &tracked.row));
            let conflict = " ON CONFLICT (client_request_id, configuration_id) \
                            WHERE client_request_id IS NOT NULL DO NOTHING";
            if store::insert(db, set, conflict).await? < new_jobs.len() as u64 {
                return Err(BatchError::Raced);
            }
        }
        if !new_runs.is_empty() {
            let set = RowSet::<job_run::Entity>::whole(new_runs.iter().map(|tracked| &tracked.row));
            store::insert(db, set, "").await?;
        }
        failures::create(db, &self.failure_groups, self.now).await?;
        // Reports never clear a column of a run, so null means unchanged.
        if let Some(set) = changes(&runs, Blank::Null) {
            store::update(db, set, store::Null::Keeps).await?;
        }
        if let Some(set) = changes(&jobs, Blank::Value) {
            store::update(db, set, store::Null::Clears).await?;
        }
        assign_events(db, &self.started).await?;
        if !self.events.is_empty() {
            let set = RowSet::<job_event::Entity>::whole(&self.events);
            store::insert(db, set, "").await?;
        }
        Ok(())
    }
}

/// The new and the existing rows, each sorted by id.
fn split<E: Table>(tracked: HashMap<Uuid, Tracked<E>>) -> (Vec<Tracked<E>>, Vec<Tracked<E>>) {
    let mut all: Vec<_> = tracked.into_iter().collect();
    all.sort_unstable_by_key(|(id, _)| *id);
    all.into_iter().map(|(_, tracked)| tracked).partition(|tracked| tracked.is_new)
}

/// The value of a column that changed in other rows, but not in this one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blank {
    Null,
    Value,
}

fn changes<E: Table>(rows: &[Tracked<E>], blank: Blank) -> Option<RowSet<E>> {
    let columns = rows
        .iter()
        .fold(Columns::none(), |columns: Columns<E>, tracked| columns.union(tracked.changed));
    let nulls: Vec<Value> = E::fields().iter().map(|field| field.kind.null()).collect();
    let id = E::place("id");
    let row = |tracked: &Tracked<E>| {
        let mut row = nulls.clone();
        let written = if blank == Blank::Null { tracked.changed } else { columns };
        for index in written.places().chain([id]) {
            row[index] = tracked.row.get(E::fields()[index].column);
        }
        row
    };
    let changed = rows.iter().filter(|tracked| tracked.changed != Columns::none());
    let rows: Vec<_> = changed.map(row).collect();
    (!rows.is_empty()).then_some(RowSet { columns, rows })
}

/// Assigns the events of queued jobs to the runs that started.
async fn assign_events(db: &impl ConnectionTrait, started: &[(Uuid, Uuid)]) -> Result<(), DbErr> {
    if started.is_empty() {
        return Ok(());
    }
    let (jobs, runs): (Vec<_>, Vec<_>) = started.iter().copied().unzip();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("UPDATE job_event SET run_id = v.run_id FROM (SELECT ");
    if sql.is_postgres() {
        sql.push("* FROM unnest(").bind_uuids(&jobs).push(", ").bind_uuids(&runs);
        sql.push(") AS r(job_id, run_id)");
    } else {
        sql.push("unhex(j.value) AS job_id, unhex(r.value) AS run_id FROM json_each(");
        sql.bind_uuids(&jobs).push(") AS j JOIN json_each(").bind_uuids(&runs);
        sql.push(") AS r ON r.key = j.key");
    }
    sql.push(") AS v WHERE job_event.job_id = v.job_id AND job_event.run_id IS NULL");
    if sql.is_postgres() {
        // With outdated statistics PostgreSQL would scan the whole table instead of joining by the index.
        sql.push(" AND job_event.job_id").any_uuid(&jobs);
    }
    sql.execute(db).await?;
    Ok(())
}
