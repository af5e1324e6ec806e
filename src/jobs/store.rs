//! Writing many rows at once, as imports do: rows come in any order and more than once, and the
//! tables end the same.

use std::collections::{BTreeMap, HashSet};
use std::mem;

use entity::{
    Columns, JobState, Kind, Table, Timestamp, agent, configuration, job, job_event, job_run,
};
use futures_util::future::join;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ModelTrait as _, Value};
use uuid::Uuid;

use super::rows::NEWEST_RUN;
use super::scope::{Scope, Scoped as _};
use crate::db::Sql;

/// SQLite takes up to 32,766 parameters; smaller statements are quicker to prepare.
const SQLITE_PARAMETERS: usize = 8_000;

/// Rows that have the same columns.
pub struct RowSet<E: Table> {
    /// Those that are written.
    pub columns: Columns<E>,
    /// Whole rows of the table, null in the columns that are not written.
    pub rows: Vec<Vec<Value>>,
}

impl<E: Table> RowSet<E> {
    /// Rows with all of their columns.
    pub fn whole<'a>(models: impl IntoIterator<Item = &'a E::Model>) -> Self
    where
        E::Model: 'a,
    {
        let row = |model: &E::Model| {
            E::fields().iter().map(|field| model.get(field.column)).collect::<Vec<_>>()
        };
        Self { columns: Columns::all(), rows: models.into_iter().map(row).collect() }
    }

    /// Partitions the rows, so that those with the same id in `column` are in the same part.
    pub fn partition(self, column: &str, parts: usize) -> Vec<Self> {
        let place = E::place(column);
        let mut sets: Vec<_> =
            (0..parts).map(|_| Self { columns: self.columns, rows: Vec::new() }).collect();
        for row in self.rows {
            // The last byte is random in all versions of UUIDs in use.
            let part = uuid(&row[place]).map_or(0, |id| usize::from(id.as_bytes()[15]) % parts);
            sets[part].rows.push(row);
        }
        sets
    }

    /// The ids in a column.
    pub fn ids(&self, name: &str) -> Vec<Uuid> {
        let place = E::place(name);
        let ids: HashSet<_> = self.rows.iter().filter_map(|row| uuid(&row[place])).collect();
        // Sorted, so that two writers cannot deadlock.
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable();
        ids
    }

    /// Keeps one row for each id, as if they were written one after the other: a row that is
    /// older than one before it changes nothing. Sorts them by id, which is the order of the
    /// table's index.
    fn deduplicate(&mut self) {
        let (id, date) = (E::place("id"), E::place("update_date"));
        // Stable: rows of the same id stay in the file's order.
        self.rows.sort_by_key(|row| uuid(&row[id]));
        self.rows.dedup_by(|later, kept| {
            if later[id] != kept[id] {
                return false;
            }
            let is_older = matches!(
                (moment(&kept[date]), moment(&later[date])), (Some(a), Some(b)) if b < a
            );
            if !is_older {
                mem::swap(later, kept);
            }
            true
        });
    }

    /// As many rows as one statement takes. One array holds any number on PostgreSQL.
    pub fn chunks(&mut self, backend: DbBackend) -> impl Iterator<Item = &mut [Vec<Value>]> {
        let size = match backend {
            DbBackend::Postgres => self.rows.len(),
            _ => SQLITE_PARAMETERS / self.columns.places().count().max(1),
        };
        self.rows.chunks_mut(size.max(1))
    }

    /// Gives a column that must not be null a value where the rows have none.
    fn default_to(&mut self, name: &str, default: &Value) {
        let place = E::place(name);
        let null = E::fields()[place].kind.null();
        for value in self.rows.iter_mut().map(|row| &mut row[place]) {
            if *value == null {
                *value = default.clone();
            }
        }
    }
}

impl RowSet<job::Entity> {
    /// Gives every job a date of its last change, if need be that of its creation: a job without
    /// one is known from its runs alone.
    fn date_rows(&mut self) {
        let [created, updated] = ["created_date", "update_date"].map(job::Entity::place);
        self.columns.insert_at(updated);
        for row in &mut self.rows {
            if moment(&row[updated]).is_none() {
                row[updated] = row[created].clone();
            }
        }
    }
}

fn uuid(value: &Value) -> Option<Uuid> {
    if let Value::Uuid(id) = value { *id } else { None }
}

fn moment(value: &Value) -> Option<Timestamp> {
    if let Value::ChronoDateTimeUtc(moment) = value { moment.map(Timestamp::new) } else { None }
}

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
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(
        "SELECT count(*) FROM job JOIN job_run ON job_run.id = job.current_run_id WHERE job.state",
    );
    sql.any_text(&states).push(" AND job_run.attempt_token IS NULL");
    let row = sql.one(db).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}

/// Writes whole rows that agree with each other already. Those that exist stay as they are.
pub async fn models<E: Table>(db: &impl ConnectionTrait, models: &[E::Model]) -> Result<(), DbErr> {
    insert(db, RowSet::<E>::whole(models), " ON CONFLICT (id) DO NOTHING").await?;
    Ok(())
}

/// Creates an agent, or changes what is not null.
pub async fn save_agent(db: &impl ConnectionTrait, row: &agent::Model) -> Result<(), DbErr> {
    save::<agent::Entity>(db, row, &["name", "agent_key", "last_seen"]).await
}

/// Writes when agents were last seen, unless a later moment is known. Agents that another writer has
/// locked are passed over, so that nothing waits for it: the next sighting of them is soon.
pub async fn save_last_seen(
    db: &impl ConnectionTrait,
    seen: &[(Uuid, Timestamp)],
) -> Result<(), DbErr> {
    if seen.is_empty() {
        return Ok(());
    }
    let [id, last_seen] = ["id", "last_seen"].map(agent::Entity::place);
    let nulls: Vec<_> = agent::Entity::fields().iter().map(|field| field.kind.null()).collect();
    let row = |(agent, moment): &(Uuid, Timestamp)| {
        let mut row = nulls.clone();
        (row[id], row[last_seen]) = ((*agent).into(), (*moment).into());
        row
    };
    let columns = [agent::Column::Id, agent::Column::LastSeen].into_iter().collect();
    let mut set = RowSet::<agent::Entity> { columns, rows: seen.iter().map(row).collect() };
    let ids = set.ids("id");
    for rows in set.chunks(db.get_database_backend()) {
        let mut sql = Sql::new(db.get_database_backend());
        push_update(&mut sql, columns, Columns::none(), rows, Null::Keeps);
        sql.push(" AND (agent.last_seen IS NULL OR agent.last_seen < v.last_seen)");
        if sql.is_postgres() {
            sql.push(" AND agent.id IN (SELECT t.id FROM agent AS t WHERE t.id").any_uuid(&ids);
            sql.push(" ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED)");
        }
        sql.execute(db).await?;
    }
    Ok(())
}

/// Lets the scope's configurations know an agent, as if it had worked for them.
pub async fn introduce_agent(
    db: &impl ConnectionTrait,
    agent_id: Uuid,
    scope: &Scope,
) -> Result<(), DbErr> {
    if *scope == Scope::All {
        return Ok(());
    }
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("INSERT INTO agent_configuration (agent_id, configuration_id) SELECT ");
    // PostgreSQL takes a parameter in a select list for a text.
    sql.bind(agent_id).push_either("", "::uuid").push(", t.id FROM configuration AS t WHERE true");
    configuration::Entity::push_scope(&mut sql, scope, "t");
    sql.push(" ON CONFLICT DO NOTHING");
    sql.execute(db).await?;
    Ok(())
}

/// Creates a configuration, or changes what is not null.
pub async fn save_configuration(
    db: &impl ConnectionTrait,
    row: &configuration::Model,
) -> Result<(), DbErr> {
    save::<configuration::Entity>(db, row, &["name", "provider"]).await
}

async fn save<E: Table>(
    db: &impl ConnectionTrait,
    row: &E::Model,
    changeable: &[&str],
) -> Result<(), DbErr> {
    let table = E::NAME;
    let mut conflict =
        " ON CONFLICT (id) DO UPDATE SET update_date = excluded.update_date".to_owned();
    for name in changeable {
        conflict.push_str(&format!(", {name} = coalesce(excluded.{name}, {table}.{name})"));
    }
    insert(db, RowSet::<E>::whole([row]), &conflict).await?;
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

/// Inserts rows, or updates those that exist and are not newer. `defaults` are for columns that
/// must not be null, where the set does not have them or has a null; they never replace a value
/// of a column that the set does not have.
async fn upsert<E: Table>(
    db: &impl ConnectionTrait,
    mut set: RowSet<E>,
    defaults: &[(&str, Value)],
) -> Result<(), DbErr> {
    let table = E::NAME;
    let mut assignments = Vec::new();
    for field in set.columns.fields().filter(|field| field.name != "id") {
        let name = field.name;
        assignments.push(if name == "update_date" {
            format!("\"{name}\" = coalesce(excluded.\"{name}\", {table}.\"{name}\")")
        } else {
            format!("\"{name}\" = excluded.\"{name}\"")
        });
    }
    let conflict = if assignments.is_empty() {
        " ON CONFLICT (id) DO NOTHING".to_owned()
    } else {
        format!(
            " ON CONFLICT (id) DO UPDATE SET {} WHERE excluded.update_date IS NULL \
             OR {table}.update_date IS NULL OR excluded.update_date >= {table}.update_date",
            assignments.join(", ")
        )
    };
    for (name, default) in defaults {
        set.columns.insert_at(E::place(name));
        set.default_to(name, default);
    }
    insert(db, set, &conflict).await?;
    Ok(())
}

/// Inserts rows, and tells how many were written; what happens to those that are there already
/// is up to `conflict`.
pub async fn insert<E: Table>(
    db: &impl ConnectionTrait,
    mut set: RowSet<E>,
    conflict: &str,
) -> Result<u64, DbErr> {
    let backend = db.get_database_backend();
    let columns = set.columns;
    let start = format!("INSERT INTO {} ({}) ", E::NAME, names(columns));
    let mut statements = set.chunks(backend).map(|rows| {
        let mut sql = Sql::new(backend);
        sql.push(&start);
        push_rows(&mut sql, columns, rows, Nulls::AsInTable);
        sql.push(conflict);
        sql
    });
    let mut written = 0;
    let mut next = statements.next();
    while let Some(sql) = next {
        // The next one is made while the database is at work.
        let (result, made) = join(sql.execute(db), async { statements.next() }).await;
        written += result?.rows_affected();
        next = made;
    }
    Ok(written)
}

/// What a null in a row of the set does to the row in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Null {
    /// The value stays as it is.
    Keeps,
    /// The value is null from then on.
    Clears,
}

/// Updates rows by their ids.
pub async fn update<E: Table>(
    db: &impl ConnectionTrait,
    mut set: RowSet<E>,
    null: Null,
) -> Result<(), DbErr> {
    set.columns.insert_at(E::place("id"));
    let columns = set.columns;
    for rows in set.chunks(db.get_database_backend()) {
        let mut sql = Sql::new(db.get_database_backend());
        push_update(&mut sql, columns, Columns::none(), rows, null);
        sql.execute(db).await?;
    }
    Ok(())
}

/// Adds a statement that updates the rows with these ids; a further condition may follow, for
/// which the new values are called `v`. Those of the columns that are `compared` are only for that.
pub fn push_update<E: Table>(
    sql: &mut Sql,
    columns: Columns<E>,
    compared: Columns<E>,
    rows: &mut [Vec<Value>],
    null: Null,
) {
    let table = E::NAME;
    sql.push(&format!("WITH v({}) AS (", names(columns)));
    push_rows(sql, columns, rows, Nulls::Anywhere);
    sql.push(&format!(") UPDATE {table} SET "));
    let mut is_first = true;
    for field in columns.fields() {
        let name = field.name;
        if name == "id" || compared.contains(field.column) {
            continue;
        }
        sql.push(if is_first { "" } else { ", " });
        sql.push(&match null {
            Null::Keeps => format!("\"{name}\" = coalesce(v.\"{name}\", {table}.\"{name}\")"),
            Null::Clears => format!("\"{name}\" = v.\"{name}\""),
        });
        is_first = false;
    }
    sql.push(&format!(" FROM v WHERE {table}.id = v.id"));
}

fn names<E: Table>(columns: Columns<E>) -> String {
    let names: Vec<_> = columns.fields().map(|field| format!("\"{}\"", field.name)).collect();
    names.join(", ")
}

/// Where rows that are written may have nulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nulls {
    /// In columns that take nulls.
    AsInTable,
    Anywhere,
}

/// Adds a query for the rows themselves.
///
/// On PostgreSQL it has one array for each column, so that it is the same statement for any
/// number of rows. They are taken apart in a select list, which makes row by row; in a FROM each
/// would be put by, and take three times as long. SeaORM's arrays hold no nulls: numbers and
/// moments have a value in their place that no row has, other kinds are sent as text.
fn push_rows<E: Table>(sql: &mut Sql, columns: Columns<E>, rows: &mut [Vec<Value>], nulls: Nulls) {
    if !sql.is_postgres() {
        sql.push("VALUES ");
        for (number, row) in rows.iter_mut().enumerate() {
            sql.push(if number == 0 { "(" } else { "), (" });
            for (index, place) in columns.places().enumerate() {
                if index > 0 {
                    sql.push(", ");
                }
                sql.bind(mem::replace(&mut row[place], Value::Bool(None)));
            }
        }
        sql.push(")");
        return;
    }
    sql.push("SELECT ");
    for (index, field) in columns.fields().enumerate() {
        if index > 0 {
            sql.push(", ");
        }
        let may_be_null = nulls == Nulls::Anywhere || field.nullable;
        match null_sentinel(field.kind).filter(|_| may_be_null && field.name != "id") {
            Some(sentinel) => {
                sql.push(&format!("nullif(r.\"{}\", ", field.name)).bind(sentinel).push(")");
            }
            None => {
                sql.push(&format!("r.\"{}\"", field.name));
            }
        }
    }
    sql.push(" FROM (SELECT ");
    for (index, place) in columns.places().enumerate() {
        let field = &E::fields()[place];
        sql.push(if index > 0 { ", unnest(" } else { "unnest(" });
        let may_be_null = (nulls == Nulls::Anywhere || field.nullable) && field.name != "id";
        let sentinel = null_sentinel(field.kind);
        let null = field.kind.null();
        if may_be_null && sentinel.is_none() && rows.iter().any(|row| row[place] == null) {
            sql.push("CAST(CAST(").bind(array_literal(rows.iter().map(|row| &row[place])));
            sql.push(&format!(" AS text) AS {}[])", field.kind.postgres_type()));
        } else {
            let take = |row: &mut Vec<Value>| {
                let value = mem::replace(&mut row[place], Value::Bool(None));
                match &sentinel {
                    Some(sentinel) if may_be_null && value == null => sentinel.clone(),
                    _ => value,
                }
            };
            let values = rows.iter_mut().map(take).collect();
            sql.bind(Value::Array(field.kind.array_type(), Some(Box::new(values))));
        }
        sql.push(&format!(") AS \"{}\"", field.name));
    }
    sql.push(") AS r");
}

/// What stands for null in PostgreSQL's arrays: a value that no row has.
fn null_sentinel(kind: Kind) -> Option<Value> {
    match kind {
        Kind::Count | Kind::Duration => Some((-7_017_280_452_178_374_499_i64).into()),
        Kind::Float => Some(f64::MIN.into()),
        // In the year -3989: before all that is written down, but a moment on PostgreSQL.
        Kind::Timestamp => Timestamp::from_micros(-188_000_000_000_000_000).map(Value::from),
        _ => None,
    }
}

/// PostgreSQL's text form of an array (its manual, section 8.15.6), which takes nulls.
fn array_literal<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    use std::fmt::Write as _;
    let mut literal = String::from("{");
    for value in values {
        if literal.len() > 1 {
            literal.push(',');
        }
        let written = match value {
            Value::Uuid(Some(id)) => write!(literal, "{id}"),
            Value::Bool(Some(value)) => write!(literal, "{value}"),
            Value::Int(Some(number)) => write!(literal, "{number}"),
            Value::BigInt(Some(number)) => write!(literal, "{number}"),
            Value::Double(Some(number)) => write!(literal, "{number}"),
            Value::ChronoDateTimeUtc(Some(moment)) => {
                write!(literal, "\"{}\"", Timestamp::new(*moment))
            }
            Value::String(Some(text)) => {
                literal.push('"');
                for letter in text.chars() {
                    if matches!(letter, '"' | '\\') {
                        literal.push('\\');
                    }
                    literal.push(letter);
                }
                literal.push('"');
                Ok(())
            }
            _ => {
                literal.push_str("NULL");
                Ok(())
            }
        };
        written.expect("writing to a String cannot fail");
    }
    literal.push('}');
    literal
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
