//! How long runs are expected to take: an estimate for each configuration and name, from its newest completed
//! runs. Failed and cancelled runs do not count.
//!
//! The estimates are renewed as completed runs are added to the statistics, so that reading one costs a look-up.

use std::collections::{BTreeSet, HashMap};

use entity::JobState;
use run_statistics::forecast::{Estimate, MAX_SAMPLES};
use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DbErr, Value};
use uuid::Uuid;

use super::scope::Scope;
use super::states::quoted;
use crate::db::Sql;

/// Of the run `r`: how long the agent worked, in milliseconds, by its own account or from its start to its end.
const DURATION_SQLITE: &str = "coalesce(r.agent_elapsed_execution_time, \
     (r.agent_end_time - r.agent_start_time) / 1000)";
const DURATION_POSTGRES: &str = "coalesce(r.agent_elapsed_execution_time, \
     CASE WHEN isfinite(r.agent_start_time) AND isfinite(r.agent_end_time) THEN CAST(trunc( \
     extract(epoch FROM r.agent_end_time - r.agent_start_time) * 1000) AS bigint) END)";

/// Beyond 300 years no run is waited for.
const LONGEST: f64 = 1e13;

/// How many estimates a statement renews at most.
const BATCH: usize = 500;

/// A configuration and the name of its jobs, empty for none.
pub type Source = (Uuid, String);

/// How long a run is expected to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunEstimate {
    pub estimate: Estimate,
    /// After how many milliseconds it is overdue.
    pub overdue_after: i64,
}

/// The condition on the job `j` that it ends by itself. Continuous jobs, which the platform numbers 16, run
/// until they are stopped.
const ENDS: &str =
    "lower(coalesce(j.type, '')) NOT LIKE '%continuous%' AND coalesce(j.type, '') <> '16'";

/// Adds the condition on a row of `job` that its current run is overdue by the database's clock, as
/// [`super::derived::is_overdue`] has it.
pub fn push_overdue(sql: &mut Sql) {
    let active = quoted(JobState::ALL.iter().filter(|state| state.is_active()));
    let elapsed = if sql.is_postgres() {
        "CASE WHEN isfinite(r.agent_start_time) \
         THEN extract(epoch FROM clock_timestamp() - r.agent_start_time) * 1000 END"
    } else {
        "CAST(unixepoch('subsec') * 1000 AS INTEGER) - r.agent_start_time / 1000"
    };
    sql.push(&format!(
        "EXISTS (SELECT 1 FROM job AS j JOIN job_run AS r ON r.id = j.current_run_id \
         JOIN run_estimate AS e ON e.configuration_id = j.configuration_id \
         AND e.name = coalesce(j.name, '') WHERE j.id = job.id AND r.agent_state IN ({active}) \
         AND {elapsed} > e.overdue_after AND {ENDS})"
    ));
}

/// The estimates of the runs of these jobs that the scope has. A job without enough completed runs like its own
/// has none, nor has a continuous one.
pub async fn of_jobs(
    db: &impl ConnectionTrait,
    scope: &Scope,
    job_ids: &[Uuid],
) -> Result<HashMap<Uuid, RunEstimate>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(
        "SELECT j.id, e.mean, e.spread, e.samples, e.overdue_after FROM job AS j JOIN run_estimate AS e \
         ON e.configuration_id = j.configuration_id AND e.name = coalesce(j.name, '') WHERE ",
    );
    sql.push(ENDS).push(" AND j.id").any_uuid(job_ids);
    scope.push(&mut sql, "j.configuration_id");
    sql.all(db)
        .await?
        .iter()
        .map(|row| {
            let samples: i32 = row.try_get_by_index(3)?;
            let estimate = Estimate {
                mean: row.try_get_by_index(1)?,
                spread: row.try_get_by_index(2)?,
                samples: usize::try_from(samples).unwrap_or_default(),
            };
            let overdue_after = row.try_get_by_index(4)?;
            Ok((row.try_get_by_index(0)?, RunEstimate { estimate, overdue_after }))
        })
        .collect()
}

/// Renews the estimates of these sources.
pub async fn renew(db: &impl ConnectionTrait, sources: BTreeSet<Source>) -> Result<(), DbErr> {
    let sources: Vec<_> = sources.into_iter().collect();
    for sources in sources.chunks(BATCH) {
        let mut estimates = Vec::with_capacity(sources.len());
        for (source, durations) in durations(db, sources).await? {
            if let Some(estimate) = Estimate::of(&durations) {
                estimates.push((source, estimate));
            }
        }
        let mut sql = Sql::new(db.get_database_backend());
        sql.push("DELETE FROM run_estimate WHERE (configuration_id, name) IN (SELECT k.* FROM ");
        push_sources(&mut sql, sources);
        sql.push(")");
        sql.execute(db).await?;
        if !estimates.is_empty() {
            insert(db, &estimates).await?;
        }
    }
    Ok(())
}

/// Renews the estimates of all sources.
pub async fn renew_all(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    db.execute_unprepared("DELETE FROM run_estimate").await?;
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(
        "SELECT DISTINCT configuration_id, coalesce(name, '') FROM job \
         WHERE state = 'Completed' AND configuration_id IS NOT NULL",
    );
    let rows = sql.all(db).await?;
    let sources: Result<_, DbErr> =
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect();
    renew(db, sources?).await
}

/// The durations of the newest completed runs of each source, the oldest first.
async fn durations(
    db: &impl ConnectionTrait,
    sources: &[Source],
) -> Result<Vec<(Source, Vec<i64>)>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT k.configuration_id, k.name, (SELECT ")
        .push_either("json_group_array(d.duration)", "CAST(json_agg(d.duration) AS text)")
        .push(" FROM (SELECT ")
        .push_either(DURATION_SQLITE, DURATION_POSTGRES)
        .push(&format!(
            " AS duration FROM job AS h JOIN job_run AS r ON r.id = h.current_run_id \
             WHERE h.state = 'Completed' AND r.agent_state = 'Completed' \
             AND h.configuration_id = k.configuration_id AND coalesce(h.name, '') = k.name \
             ORDER BY coalesce(h.update_date, h.created_date) DESC LIMIT {MAX_SAMPLES}) AS d) FROM "
        ));
    push_sources(&mut sql, sources);
    let mut found = Vec::with_capacity(sources.len());
    for row in sql.all(db).await? {
        let source = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let durations: Option<String> = row.try_get_by_index(2)?;
        let durations: Vec<Option<i64>> =
            serde_json::from_str(durations.as_deref().unwrap_or("[]"))
                .map_err(|error| DbErr::Json(error.to_string()))?;
        found.push((source, durations.into_iter().rev().flatten().collect()));
    }
    Ok(found)
}

/// Adds a table `k` of these sources.
fn push_sources(sql: &mut Sql, sources: &[Source]) {
    if sql.is_postgres() {
        let ids: Vec<_> = sources.iter().map(|(id, _)| *id).collect();
        let names = sources.iter().map(|(_, name)| name.as_str().into()).collect();
        sql.push("(SELECT unnest(").bind_uuids(&ids).push(") AS configuration_id, unnest(");
        sql.bind(Value::Array(ArrayType::String, Some(Box::new(names)))).push(") AS name) AS k");
    } else {
        let sources: Vec<_> =
            sources.iter().map(|(id, name)| (id.simple().to_string(), name)).collect();
        let json = serde_json::to_string(&sources).expect("sources are JSON");
        sql.push(
            "(SELECT unhex(value ->> 0) AS configuration_id, value ->> 1 AS name FROM json_each(",
        );
        sql.bind(json).push(")) AS k");
    }
}

async fn insert(db: &impl ConnectionTrait, estimates: &[(Source, Estimate)]) -> Result<(), DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(
        "INSERT INTO run_estimate (configuration_id, name, samples, mean, spread, overdue_after) VALUES ",
    );
    for (number, ((configuration, name), estimate)) in estimates.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "it is clamped")]
        let overdue_after = estimate.overdue_after().min(LONGEST) as i64;
        let samples = i32::try_from(estimate.samples).unwrap_or(i32::MAX);
        sql.push(if number > 0 { ", (" } else { "(" }).bind(*configuration).push(", ");
        sql.bind(name.as_str()).push(", ").bind(samples).push(", ").bind(estimate.mean);
        sql.push(", ").bind(estimate.spread).push(", ").bind(overdue_after).push(")");
    }
    // Another process may have added one meanwhile.
    sql.push(
        " ON CONFLICT (configuration_id, name) DO UPDATE SET samples = excluded.samples, \
         mean = excluded.mean, spread = excluded.spread, overdue_after = excluded.overdue_after",
    );
    sql.execute(db).await?;
    Ok(())
}
