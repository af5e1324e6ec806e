//! Importing rows: they come in any order and more than once, and the tables end the same.

use std::collections::{BTreeMap, HashSet};

use entity::{Columns, JobState, Table, Timestamp, agent, configuration, job, job_event, job_run};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Value};
use uuid::Uuid;

use super::row_set::{RowSet, moment, uuid};
use super::write::{insert, upsert};
use crate::db::{Sql, sql};
use crate::jobs::rows::NEWEST_RUN;

/// Prepares a transaction for the writes below.
///
/// PostgreSQL knows nothing yet of tables that are being filled, and would choose to read them
/// through for every batch. Everything here goes by id.
pub async fn prefer_indexes(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
             SET LOCAL enable_mergejoin = off",
        )
        .await?;
    }
    Ok(())
}

/// Writes configurations.
pub async fn configurations(
    db: &impl ConnectionTrait,
    mut set: RowSet<configuration::Entity>,
    now: Timestamp,
) -> Result<(), DbErr> {
    set.deduplicate();
    upsert(db, set, &[("created_date", now.into())]).await
}

/// Writes agents.
pub async fn agents(
    db: &impl ConnectionTrait,
    mut set: RowSet<agent::Entity>,
    now: Timestamp,
) -> Result<(), DbErr> {
    set.deduplicate();
    upsert(db, set, &[("created_date", now.into())]).await
}

/// Writes jobs, whose configurations exist.
pub async fn jobs(db: &impl ConnectionTrait, mut set: RowSet<job::Entity>) -> Result<(), DbErr> {
    set.deduplicate();
    set.date_rows();
    let ids = set.ids("id");
    upsert(db, set, &[("state", "Unknown".into()), ("priority", 2.into())]).await?;
    reconcile_current_runs(db, &ids).await
}

/// Writes runs, whose agents exist. Jobs that are not known yet are made, with what the runs tell.
pub async fn runs(
    db: &impl ConnectionTrait,
    mut set: RowSet<job_run::Entity>,
    now: Timestamp,
) -> Result<(), DbErr> {
    set.deduplicate();
    let jobs = set.ids("job_id");
    let unknown = unknown::<job::Entity>(db, &jobs).await?;
    make_jobs(db, &set, &unknown, now).await?;
    let defaults =
        [("agent_key", "".into()), ("agent_result_is_cancellation_requested", false.into())];
    upsert(db, set, &defaults).await?;
    reconcile_current_runs(db, &jobs).await
}

/// Writes events, which never change: those that exist stay as they are. Jobs that are not known yet
/// are made.
pub async fn events(
    db: &impl ConnectionTrait,
    mut set: RowSet<job_event::Entity>,
) -> Result<(), DbErr> {
    let [id, job_id, date] = ["id", "job_id", "date"].map(job_event::Entity::place);
    set.rows.sort_by_key(|row| uuid(&row[id]));
    set.rows.dedup_by(|later, kept| later[id] == kept[id]);
    let unknown = unknown::<job::Entity>(db, &set.ids("job_id")).await?;
    let mut created = BTreeMap::<Uuid, Timestamp>::new();
    for row in &set.rows {
        let job = uuid(&row[job_id]).filter(|id| unknown.contains(id));
        if let (Some(job), Some(date)) = (job, moment(&row[date])) {
            let first = created.entry(job).or_insert(date);
            *first = date.min(*first);
        }
    }
    // Not the events' last state: a job that is queued would be given to an agent.
    let jobs = created
        .into_iter()
        .map(|(job, date)| [job.into(), date.into(), "Unknown".into(), Value::Uuid(None)]);
    insert_unknown_jobs(db, jobs).await?;
    insert(db, set, " ON CONFLICT (id) DO NOTHING").await?;
    Ok(())
}

/// How many jobs an agent has begun and not ended, without a token with which it could report.
pub async fn stranded(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let states: Vec<_> = JobState::ALL
        .iter()
        .filter(|state| state.is_active())
        .map(|state| state.name().to_owned())
        .collect();
    let text = "SELECT count(*) FROM job JOIN job_run ON job_run.id = job.current_run_id \
                WHERE job.state IN (:states) AND job_run.attempt_token IS NULL";
    let row = sql!(db, text, states = &states).one(db).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}

/// Writes whole rows that agree with each other already. Those that exist stay as they are.
pub async fn models<E: Table>(db: &impl ConnectionTrait, models: &[E::Model]) -> Result<(), DbErr> {
    insert(db, RowSet::<E>::whole(models), " ON CONFLICT (id) DO NOTHING").await?;
    Ok(())
}

/// Inserts placeholder rows, with nothing but an id, for the ids that do not exist.
pub async fn insert_placeholders<E: Table>(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<(), DbErr> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("INSERT INTO {} (id, created_date) SELECT id, ", E::NAME)).bind(now);
    sql.push(" FROM ");
    push_ids(&mut sql, ids);
    sql.push(" WHERE true ON CONFLICT (id) DO NOTHING");
    sql.execute(db).await?;
    Ok(())
}

/// Adds a table `ids` of these, each in a row of its own.
fn push_ids(sql: &mut Sql, ids: &[Uuid]) {
    if sql.is_postgres() {
        sql.push("(SELECT unnest(").bind_uuids(ids).push(") AS id) AS ids");
    } else {
        sql.push("(SELECT unhex(value) AS id FROM json_each(").bind_uuids(ids).push(")) AS ids");
    }
}

/// Those of the ids that no row has.
async fn unknown<E: Table>(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT ids.id FROM ");
    push_ids(&mut sql, ids);
    sql.push(&format!(" WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE t.id = ids.id)", E::NAME));
    sql.all(db).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Makes the jobs that are only known from their runs, as these runs tell.
async fn make_jobs(
    db: &impl ConnectionTrait,
    set: &RowSet<job_run::Entity>,
    unknown: &HashSet<Uuid>,
    now: Timestamp,
) -> Result<(), DbErr> {
    let [id, job_id, state, queued, started, updated] =
        ["id", "job_id", "agent_state", "agent_queued_date", "agent_start_time", "update_date"]
            .map(job_run::Entity::place);
    // By job: the run that is the newest in the sense of NEWEST_RUN, and when the first began.
    let mut jobs = BTreeMap::<Uuid, ((Option<Timestamp>, &Vec<Value>), Timestamp)>::new();
    for row in &set.rows {
        let Some(job) = uuid(&row[job_id]).filter(|id| unknown.contains(id)) else { continue };
        let begun = moment(&row[queued]).or_else(|| moment(&row[started]));
        let created = begun.or_else(|| moment(&row[updated])).unwrap_or(now);
        let job = jobs.entry(job).or_insert(((begun, row), created));
        // Rows come by id, so the later of equals is the newer.
        if begun >= job.0.0 {
            job.0 = (begun, row);
        }
        job.1 = job.1.min(created);
    }
    let jobs = jobs.into_iter().map(|(job, ((_, run), created))| {
        [job.into(), created.into(), run[state].clone(), run[id].clone()]
    });
    insert_unknown_jobs(db, jobs).await
}

/// Creates placeholder jobs with an id, a creation date, a state and a current run.
async fn insert_unknown_jobs(
    db: &impl ConnectionTrait,
    jobs: impl Iterator<Item = [Value; 4]>,
) -> Result<(), DbErr> {
    let columns = ["id", "created_date", "state", "current_run_id"].map(job::Entity::place);
    let mut set = RowSet::<job::Entity> { columns: Columns::none(), rows: Vec::new() };
    for place in columns {
        set.columns.insert_at(place);
    }
    let nulls: Vec<_> = job::Entity::fields().iter().map(|field| field.kind.null()).collect();
    for values in jobs {
        let mut row = nulls.clone();
        for (place, value) in columns.into_iter().zip(values) {
            row[place] = value;
        }
        set.rows.push(row);
    }
    insert(db, set, " ON CONFLICT (id) DO NOTHING").await?;
    Ok(())
}

/// Reconciles jobs with their runs: the current run is the newest, and the job's state is that run's. A
/// run from before the job was last queued is not current: the job waits for the next one. A job that is
/// only known from its runs was created when the first of them began.
async fn reconcile_current_runs(db: &impl ConnectionTrait, job_ids: &[Uuid]) -> Result<(), DbErr> {
    const BEGUN: &str = "coalesce(t.agent_queued_date, t.agent_start_time)";
    let newest = |selected: &str, job: &str| {
        format!(
            "SELECT {selected} FROM job_run AS t WHERE t.job_id = {job} ORDER BY {NEWEST_RUN} LIMIT 1"
        )
    };
    let first_begun = |job: &str| {
        format!(
            "CASE WHEN {job}.update_date IS NULL THEN (SELECT min(coalesce({BEGUN}, t.update_date)) \
             FROM job_run AS t WHERE t.job_id = {job}.id) END"
        )
    };
    let mut sql = Sql::new(db.get_database_backend());
    if db.get_database_backend() == DbBackend::Postgres {
        let newest = newest(&format!("t.id, t.agent_state, {BEGUN} AS begun"), "ids.id");
        let first_begun = first_begun("job");
        let state = "CASE WHEN t.begun < job.queued_date THEN job.state ELSE t.agent_state END";
        let run_id = "CASE WHEN t.begun < job.queued_date THEN NULL ELSE t.id END";
        sql.push(&format!(
            "UPDATE job SET state = {state}, current_run_id = {run_id}, \
             created_date = least(job.created_date, {first_begun}) FROM "
        ));
        push_ids(&mut sql, job_ids);
        sql.push(&format!(
            " CROSS JOIN LATERAL ({newest}) AS t WHERE job.id = ids.id AND (job.state <> {state} \
             OR job.current_run_id IS DISTINCT FROM {run_id} OR {first_begun} < job.created_date)"
        ));
        sql.execute(db).await?;
        return Ok(());
    }
    // SQLite renews the entries in all indexes that have an assigned column, changed or not. Most
    // jobs only get another run, which no index has, and which one index tells.
    let newest =
        newest(&format!("CASE WHEN {BEGUN} < j.queued_date THEN NULL ELSE t.id END"), "j.id");
    sql.push(&format!(
        "UPDATE job AS j SET current_run_id = ({newest}) \
         WHERE j.current_run_id IS NOT ({newest}) AND j.id"
    ));
    sql.any_uuid(job_ids);
    sql.execute(db).await?;
    let mut sql = Sql::new(db.get_database_backend());
    let first_begun = first_begun("j");
    sql.push(&format!(
        "UPDATE job SET state = settled.state, \
         created_date = min(job.created_date, coalesce(settled.first_begun, job.created_date)) \
         FROM (SELECT j.id, coalesce(t.agent_state, j.state) AS state, {first_begun} AS first_begun \
         FROM job AS j LEFT JOIN job_run AS t ON t.id = j.current_run_id \
         WHERE (j.update_date IS NULL OR t.agent_state <> j.state) AND j.id"
    ));
    sql.any_uuid(job_ids);
    sql.push(
        ") AS settled WHERE job.id = settled.id \
         AND (job.state <> settled.state OR settled.first_begun < job.created_date)",
    );
    sql.execute(db).await?;
    Ok(())
}
