//! Rows by their ids and by what they belong to, many at once: what loaders ask for.

use std::collections::{HashMap, HashSet};

use entity::{Columns, JobState, Table, job, job_event, job_run};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use super::argument::PageRequest;
use super::list::push_limit;
use super::scope::{Scope, Scoped};
use super::states::push_states;
use crate::db::Sql;

/// The rows that have these ids and belong to the scope.
pub async fn by_ids<E: Scoped>(
    db: &impl ConnectionTrait,
    scope: &Scope,
    ids: &[Uuid],
    columns: Columns<E>,
) -> Result<HashMap<Uuid, E::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT t.id, {} FROM {} AS t WHERE t.id", columns.select("t"), E::NAME))
        .any_uuid(ids);
    E::push_scope(&mut sql, scope, "t");
    sql.all(db)
        .await?
        .iter()
        .map(|row| Ok((row.try_get_by_index(0)?, columns.read(row, 1)?)))
        .collect()
}

/// Which of these ids are of rows that belong to the scope.
pub async fn visible<E: Scoped>(
    db: &impl ConnectionTrait,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, DbErr> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(by_ids::<E>(db, scope, ids, Columns::none()).await?.into_keys().collect())
}

/// Which of these ids are of runs that belong to the scope and, unless it is `None`, to the agent.
pub async fn reportable(
    db: &impl ConnectionTrait,
    scope: &Scope,
    agent: Option<Uuid>,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, DbErr> {
    let agent_id = Columns::none().with(job_run::Column::AgentId);
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let runs = by_ids::<job_run::Entity>(db, scope, ids, agent_id).await?;
    let own = runs.into_iter().filter(|(_, run)| agent.is_none_or(|agent| run.agent_id == agent));
    Ok(own.map(|(id, _)| id).collect())
}

/// The scope's run that `id` means: a job's current run, or the run with that id.
pub async fn run_of(
    db: &impl ConnectionTrait,
    scope: &Scope,
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
    job_run::Entity::push_scope(&mut sql, scope, "job_run");
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
    // The same on both: for each owner a scan of the index that has the owner's rows in order.
    // PostgreSQL has LATERAL for it, SQLite does not.
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

/// The newest of the scope's runs of each job or agent.
pub async fn newest_runs(
    db: &impl ConnectionTrait,
    scope: &Scope,
    owner: RunOwner,
    ids: &[Uuid],
    take: i64,
    columns: Columns<job_run::Entity>,
) -> Result<HashMap<Uuid, Vec<job_run::Model>>, DbErr> {
    let column = match owner {
        RunOwner::Job => "job_id",
        RunOwner::Agent => "agent_id",
    };
    let push_where = |sql: &mut Sql| {
        sql.push(" WHERE true");
        job_run::Entity::push_scope(sql, scope, "job_run");
    };
    newest(db, ids, (column, NEWEST_RUN), push_where, take, columns).await
}

/// A job's runs, of a table called `t`, by attempt: the index on runs read backwards.
pub(super) const NEWEST_RUN: &str =
    "coalesce(t.agent_queued_date, t.agent_start_time) DESC NULLS LAST, t.id DESC";

/// The newest jobs of each of the scope's configurations, in any of these states; `None` for all.
pub async fn newest_jobs(
    db: &impl ConnectionTrait,
    scope: &Scope,
    configuration_ids: &[Uuid],
    states: Option<&[JobState]>,
    take: i64,
    columns: Columns<job::Entity>,
) -> Result<HashMap<Uuid, Vec<job::Model>>, DbErr> {
    let push_where = |sql: &mut Sql| {
        sql.push(" WHERE true");
        scope.push(sql, "configuration_id");
        push_states(sql, states, "state");
    };
    let order = ("configuration_id", "t.created_date DESC, t.id DESC");
    newest(db, configuration_ids, order, push_where, take, columns).await
}

/// The newest failed job of the scope in each of these failure groups.
pub async fn newest_failed(
    db: &impl ConnectionTrait,
    scope: &Scope,
    group_ids: &[Uuid],
    columns: Columns<job::Entity>,
) -> Result<HashMap<Uuid, Vec<job::Model>>, DbErr> {
    let push_where = |sql: &mut Sql| {
        sql.push(" WHERE true");
        // With a sign SQLite does not take the index on configurations for it.
        let column = if sql.is_postgres() { "configuration_id" } else { "+configuration_id" };
        scope.push(sql, column);
    };
    let order = ("failure_group_id", "t.created_date DESC, t.id DESC");
    newest(db, group_ids, order, push_where, 1, columns).await
}

/// What has happened to each of these jobs of the scope, the oldest first.
pub async fn history(
    db: &impl ConnectionTrait,
    scope: &Scope,
    job_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<job_event::Model>>, DbErr> {
    let columns = Columns::<job_event::Entity>::all();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT t.job_id, {} FROM job_event AS t", columns.select("t")))
        .push(" WHERE t.job_id")
        .any_uuid(job_ids);
    job_event::Entity::push_scope(&mut sql, scope, "t");
    sql.push(" ORDER BY t.date, t.id");
    group(&sql.all(db).await?, columns)
}

/// A page of the scope's rows of a table with names: configurations, agents. Sorted by name, those
/// without one first.
pub async fn named_page<E: Scoped>(
    db: &impl ConnectionTrait,
    scope: &Scope,
    page: PageRequest,
    columns: Columns<E>,
) -> Result<(Vec<E::Model>, bool), DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM {} AS t WHERE true", columns.select("t"), E::NAME));
    E::push_scope(&mut sql, scope, "t");
    sql.push(" ORDER BY coalesce(name, ''), id");
    push_limit(&mut sql, page.size + 1, page.offset());
    let mut rows: Vec<E::Model> =
        sql.all(db).await?.iter().map(|row| columns.read(row, 0)).collect::<Result<_, _>>()?;
    let limit = usize::try_from(page.size).unwrap_or(usize::MAX);
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

/// How many rows of a small table the scope has.
pub async fn count<E: Scoped>(db: &impl ConnectionTrait, scope: &Scope) -> Result<i64, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT count(*) FROM {} AS t WHERE true", E::NAME));
    E::push_scope(&mut sql, scope, "t");
    sql.one(db).await?.map_or(Ok(0), |row| row.try_get_by_index(0))
}
