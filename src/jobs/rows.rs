//! Rows by their ids and by what they belong to, many at once: what loaders ask for.

use std::collections::HashMap;

use entity::{Columns, JobState, Table, job, job_event, job_run};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use super::filter::JobFilter;
use super::list::push_limit;
use crate::db::Sql;

/// The rows that have these ids.
pub async fn by_ids<E: Table>(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    columns: Columns<E>,
) -> Result<HashMap<Uuid, E::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT t.id, {} FROM {} AS t WHERE t.id", columns.select("t"), E::NAME))
        .any_uuid(ids);
    sql.all(db)
        .await?
        .iter()
        .map(|row| Ok((row.try_get_by_index(0)?, columns.read(row, 1)?)))
        .collect()
}

/// The run that `id` means: a job's current run, or the run with that id.
pub async fn run_of(
    db: &impl ConnectionTrait,
    id: Uuid,
    columns: Columns<job_run::Entity>,
) -> Result<Option<job_run::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job_run WHERE id = coalesce(", columns.select("job_run")))
        .push("(SELECT current_run_id FROM job WHERE id = ")
        .bind(id)
        .push("), ")
        .bind(id)
        .push(")");
    sql.one(db).await?.map(|row| columns.read(&row, 0)).transpose()
}

/// The newest rows of each owner.
async fn newest<E: Table>(
    db: &impl ConnectionTrait,
    owners: &[Uuid],
    (owner_column, order): (&str, &str),
    push_where: impl Fn(&mut Sql),
    take: i64,
    columns: Columns<E>,
) -> Result<HashMap<Uuid, Vec<E::Model>>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let (table, list) = (E::NAME, columns.select("t"));
    sql.push(&format!("SELECT owner.id, {list} FROM "));
    // The same on both: for each owner a walk down the index that has the owner's rows in
    // order. PostgreSQL says it with LATERAL, which SQLite does not have.
    if sql.is_postgres() {
        sql.push("unnest(").bind_uuids(owners).push(") AS owner(id) CROSS JOIN LATERAL (");
        sql.push(&format!("SELECT * FROM {table}"));
    } else {
        sql.push("(SELECT unhex(value) AS id FROM json_each(").bind_uuids(owners);
        sql.push(&format!(")) AS owner CROSS JOIN {table} AS t ON t.id IN ("));
        sql.push(&format!("SELECT id FROM {table}"));
    }
    push_where(&mut sql);
    let inner_order = order.replace("t.", "");
    sql.push(&format!(" AND {owner_column} = owner.id ORDER BY {inner_order}"));
    push_limit(&mut sql, take, 0);
    sql.push(")").push_either("", " AS t");
    sql.push(&format!(" ORDER BY {order}"));
    group(&sql.all(db).await?, columns)
}

fn group<E: Table>(
    rows: &[QueryResult],
    columns: Columns<E>,
) -> Result<HashMap<Uuid, Vec<E::Model>>, DbErr> {
    let mut groups = HashMap::<Uuid, Vec<E::Model>>::new();
    for row in rows {
        groups.entry(row.try_get_by_index(0)?).or_default().push(columns.read(row, 1)?);
    }
    Ok(groups)
}

/// What runs belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunOwner {
    Job,
    Agent,
}

/// The newest runs of each job or agent.
pub async fn newest_runs(
    db: &impl ConnectionTrait,
    owner: RunOwner,
    ids: &[Uuid],
    take: i64,
    columns: Columns<job_run::Entity>,
) -> Result<HashMap<Uuid, Vec<job_run::Model>>, DbErr> {
    let column = match owner {
        RunOwner::Job => "job_id",
        RunOwner::Agent => "agent_id",
    };
    newest(db, ids, (column, NEWEST_RUN), |sql| _ = sql.push(" WHERE true"), take, columns).await
}

/// A job's runs, of a table called `t`, by attempt: the index on runs read backwards.
pub(super) const NEWEST_RUN: &str =
    "coalesce(t.agent_queued_date, t.agent_start_time) DESC NULLS LAST, t.id DESC";

/// The newest jobs of each configuration, in any of these states; in all if there are none.
pub async fn newest_jobs(
    db: &impl ConnectionTrait,
    configuration_ids: &[Uuid],
    states: &[JobState],
    take: i64,
    columns: Columns<job::Entity>,
) -> Result<HashMap<Uuid, Vec<job::Model>>, DbErr> {
    let filter = JobFilter::default();
    let push_where = |sql: &mut Sql| filter.push_where(sql, states);
    let order = ("configuration_id", "t.created_date DESC, t.id DESC");
    newest(db, configuration_ids, order, push_where, take, columns).await
}

/// What has happened to each of these jobs, the oldest first.
pub async fn history(
    db: &impl ConnectionTrait,
    job_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<job_event::Model>>, DbErr> {
    let columns = Columns::<job_event::Entity>::all();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT t.job_id, {} FROM job_event AS t", columns.select("t")))
        .push(" WHERE t.job_id")
        .any_uuid(job_ids)
        .push(" ORDER BY t.date, t.id");
    group(&sql.all(db).await?, columns)
}

/// A page of a table with names: configurations, agents. Sorted by name, those without one
/// first; `search` is a part of the name.
pub async fn named_page<E: Table>(
    db: &impl ConnectionTrait,
    (offset, take): (i64, i64),
    columns: Columns<E>,
) -> Result<(Vec<E::Model>, bool), DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM {} AS t", columns.select("t"), E::NAME))
        .push(" ORDER BY coalesce(name, ''), id");
    push_limit(&mut sql, take + 1, offset);
    let mut rows: Vec<E::Model> =
        sql.all(db).await?.iter().map(|row| columns.read(row, 0)).collect::<Result<_, _>>()?;
    let limit = usize::try_from(take).unwrap_or(usize::MAX);
    let has_next = rows.len() > limit;
    rows.truncate(limit);
    Ok((rows, has_next))
}

/// Whether a table has no rows.
pub async fn is_empty<E: Table>(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT 1 FROM {} LIMIT 1", E::NAME));
    Ok(sql.one(db).await?.is_none())
}

/// How many rows a small table has.
pub async fn count<E: Table>(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT count(*) FROM {}", E::NAME));
    sql.one(db).await?.map_or(Ok(0), |row| row.try_get_by_index(0))
}
