//! Writing many rows at once, as imports do: rows come in any order and more than once, and the
//! tables end the same.

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::{Field, Kind, Table, Timestamp, agent, configuration, job, job_run};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ModelTrait as _, Value};
use uuid::Uuid;

use super::rows::NEWEST_RUN;
use crate::db::Sql;

/// SQLite takes up to 32,766 parameters; smaller statements are quicker to prepare.
const SQLITE_PARAMETERS: usize = 8_000;

/// Rows that have the same columns.
pub struct RowSet<E: Table> {
    pub columns: Vec<&'static Field<E>>,
    pub rows: Vec<Vec<Value>>,
}

impl<E: Table> RowSet<E> {
    fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|field| field.name == name)
    }

    /// The ids in a column.
    fn ids(&self, name: &str) -> HashSet<Uuid> {
        let Some(position) = self.position(name) else { return HashSet::new() };
        self.rows.iter().filter_map(|row| uuid(&row[position])).collect()
    }

    /// Keeps one row for each id, as if they were written one after the other: a row that is
    /// older than one before it changes nothing.
    fn deduplicate(&mut self) {
        let (Some(id), date) = (self.position("id"), self.position("update_date")) else { return };
        let moment = |row: &[Value]| date.and_then(|date| moment(&row[date]));
        let mut kept = HashMap::<Uuid, usize>::with_capacity(self.rows.len());
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(self.rows.len());
        for row in self.rows.drain(..) {
            let Some(key) = uuid(&row[id]) else { continue };
            match kept.get(&key) {
                Some(&index) => {
                    let is_older =
                        matches!((moment(&rows[index]), moment(&row)), (Some(a), Some(b)) if b < a);
                    if !is_older {
                        rows[index] = row;
                    }
                }
                None => {
                    kept.insert(key, rows.len());
                    rows.push(row);
                }
            }
        }
        self.rows = rows;
    }
}

impl RowSet<job::Entity> {
    /// Gives every job a date of its last change, if need be that of its creation: a job without
    /// one is known from its runs alone.
    fn date_rows(&mut self) {
        let Some(created) = self.position("created_date") else { return };
        let Some(updated) = self.position("update_date") else {
            self.columns.push(job::Entity::field("update_date").expect("it is a column of job"));
            for row in &mut self.rows {
                row.push(row[created].clone());
            }
            return;
        };
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
        db.execute_unprepared("SET LOCAL enable_seqscan = off").await?;
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
    upsert(db, &set, &[("created_date", now.into())]).await
}

/// Writes agents.
pub async fn agents(
    db: &impl ConnectionTrait,
    mut set: RowSet<agent::Entity>,
    now: Timestamp,
) -> Result<(), DbErr> {
    set.deduplicate();
    upsert(db, &set, &[("created_date", now.into())]).await
}

/// Writes jobs. Configurations that are not known yet are made, with nothing but their ids.
pub async fn jobs(
    db: &impl ConnectionTrait,
    mut set: RowSet<job::Entity>,
    now: Timestamp,
) -> Result<(), DbErr> {
    set.deduplicate();
    make_unknown::<configuration::Entity>(db, set.ids("configuration_id"), now).await?;
    set.date_rows();
    upsert(db, &set, &[("state", "Unknown".into()), ("priority", 2.into())]).await?;
    let jobs: Vec<_> = set.ids("id").into_iter().collect();
    settle(db, &jobs).await
}

/// Writes runs. Agents and jobs that are not known yet are made, with what the runs tell.
pub async fn runs(
    db: &impl ConnectionTrait,
    mut set: RowSet<job_run::Entity>,
    now: Timestamp,
) -> Result<(), DbErr> {
    set.deduplicate();
    make_unknown::<agent::Entity>(db, set.ids("agent_id"), now).await?;
    make_unknown_jobs(db, &set, now).await?;
    let defaults =
        [("agent_key", "".into()), ("agent_result_is_cancellation_requested", false.into())];
    upsert(db, &set, &defaults).await?;
    let jobs: Vec<_> = set.ids("job_id").into_iter().collect();
    settle(db, &jobs).await
}

/// Writes whole rows that agree with each other already. Those that exist stay as they are.
pub async fn models<E: Table>(db: &impl ConnectionTrait, models: &[E::Model]) -> Result<(), DbErr> {
    let set = RowSet::<E> {
        columns: E::fields().iter().collect(),
        rows: models
            .iter()
            .map(|model| E::fields().iter().map(|field| model.get(field.column)).collect())
            .collect(),
    };
    insert(db, &set, &[], " ON CONFLICT (id) DO NOTHING").await
}

/// Makes the rows that others refer to and that do not exist.
async fn make_unknown<E: Table>(
    db: &impl ConnectionTrait,
    ids: HashSet<Uuid>,
    now: Timestamp,
) -> Result<(), DbErr> {
    if ids.is_empty() {
        return Ok(());
    }
    // Sorted, so that two writers cannot wait for each other in a circle.
    let mut ids: Vec<_> = ids.into_iter().collect();
    ids.sort_unstable();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("INSERT INTO {} (id, created_date) SELECT id, ", E::NAME)).bind(now);
    sql.push(" FROM (");
    if sql.is_postgres() {
        sql.push("SELECT unnest(").bind_uuids(&ids).push(") AS id) AS ids");
    } else {
        sql.push("SELECT unhex(value) AS id FROM json_each(").bind_uuids(&ids).push(")) AS ids");
    }
    sql.push(" WHERE true ON CONFLICT (id) DO NOTHING");
    sql.execute(db).await?;
    Ok(())
}

/// Makes the jobs that are only known from their runs, as the first of these tells.
async fn make_unknown_jobs(
    db: &impl ConnectionTrait,
    set: &RowSet<job_run::Entity>,
    now: Timestamp,
) -> Result<(), DbErr> {
    let dates =
        ["agent_queued_date", "agent_start_time", "update_date"].map(|name| set.position(name));
    let (Some(job_id), Some(state)) = (set.position("job_id"), set.position("agent_state")) else {
        return Ok(());
    };
    let mut jobs = BTreeMap::<Uuid, (Timestamp, &Value)>::new();
    for row in &set.rows {
        let Some(id) = uuid(&row[job_id]) else { continue };
        let begun = dates.iter().flatten().find_map(|date| moment(&row[*date])).unwrap_or(now);
        let job = jobs.entry(id).or_insert((begun, &row[state]));
        job.0 = job.0.min(begun);
    }
    let columns = ["id", "created_date", "state"]
        .map(|name| job::Entity::field(name).expect("it is a column of job"));
    let set = RowSet {
        columns: columns.to_vec(),
        rows: jobs
            .into_iter()
            .map(|(id, (created, state))| vec![id.into(), created.into(), state.clone()])
            .collect(),
    };
    insert(db, &set, &[], " ON CONFLICT (id) DO NOTHING").await
}

/// Inserts rows, or updates those that exist and are not newer. `defaults` are for columns that
/// must not be null, where the set does not have them or has a null; they never replace a value.
async fn upsert<E: Table>(
    db: &impl ConnectionTrait,
    set: &RowSet<E>,
    defaults: &[(&str, Value)],
) -> Result<(), DbErr> {
    let table = E::NAME;
    let mut assignments = Vec::with_capacity(set.columns.len());
    for field in set.columns.iter().filter(|field| field.name != "id") {
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
    insert(db, set, defaults, &conflict).await
}

async fn insert<E: Table>(
    db: &impl ConnectionTrait,
    set: &RowSet<E>,
    defaults: &[(&str, Value)],
    conflict: &str,
) -> Result<(), DbErr> {
    let default_of =
        |name: &str| defaults.iter().find(|(default, _)| *default == name).map(|(_, value)| value);
    let missing: Vec<_> = defaults
        .iter()
        .filter(|(name, _)| set.position(name).is_none())
        .filter_map(|(name, value)| Some((E::field(name)?, value)))
        .collect();
    let columns: Vec<_> =
        set.columns.iter().copied().chain(missing.iter().map(|(field, _)| *field)).collect();
    // Each row's value of the column at `index`.
    let value = |row: &[Value], index: usize| -> Value {
        match row.get(index) {
            Some(value) if *value == columns[index].kind.null() => {
                default_of(columns[index].name).unwrap_or(value).clone()
            }
            Some(value) => value.clone(),
            None => missing[index - row.len()].1.clone(),
        }
    };
    let names: Vec<_> = columns.iter().map(|field| format!("\"{}\"", field.name)).collect();
    let start = format!("INSERT INTO {} ({}) ", E::NAME, names.join(", "));
    let backend = db.get_database_backend();

    if backend == DbBackend::Postgres {
        if set.rows.is_empty() {
            return Ok(());
        }
        // One array for each column: the statement is the same for any number of rows.
        let mut sql = Sql::new(backend);
        sql.push(&start).push("SELECT * FROM unnest(");
        for (index, field) in columns.iter().enumerate() {
            if index > 0 {
                sql.push(", ");
            }
            let literal = array_literal(field.kind, set.rows.iter().map(|row| value(row, index)));
            sql.push("CAST(CAST(").bind(literal);
            sql.push(&format!(" AS text) AS {}[])", field.kind.postgres_type()));
        }
        sql.push(")").push(conflict);
        sql.execute(db).await?;
        return Ok(());
    }
    for rows in set.rows.chunks((SQLITE_PARAMETERS / columns.len()).max(1)) {
        let mut sql = Sql::new(backend);
        sql.push(&start).push("VALUES ");
        for (number, row) in rows.iter().enumerate() {
            sql.push(if number == 0 { "(" } else { "), (" });
            for index in 0..columns.len() {
                if index > 0 {
                    sql.push(", ");
                }
                sql.bind(value(row, index));
            }
        }
        sql.push(")").push(conflict);
        sql.execute(db).await?;
    }
    Ok(())
}

/// PostgreSQL's text form of an array (its manual, section 8.15.6), which takes nulls.
fn array_literal(kind: Kind, values: impl Iterator<Item = Value>) -> String {
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
                write!(literal, "\"{}\"", Timestamp::new(moment))
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
            ref null => {
                debug_assert_eq!(*null, kind.null());
                literal.push_str("NULL");
                Ok(())
            }
        };
        written.expect("writing to a String cannot fail");
    }
    literal.push('}');
    literal
}

/// Makes the jobs agree with their runs: the current run is the newest, and the job's state is
/// that run's. A run from before the job was last queued is not current: the job waits for the
/// next one. A job that is only known from its runs was created when the first of them began.
async fn settle(db: &impl ConnectionTrait, job_ids: &[Uuid]) -> Result<(), DbErr> {
    let is_current = "(job.queued_date IS NULL OR newest.begun IS NULL \
                       OR newest.begun >= job.queued_date)";
    let is_earlier = "(job.update_date IS NULL AND newest.first_begun < job.created_date)";
    let run = format!("CASE WHEN {is_current} THEN newest.id END");
    let state = format!("CASE WHEN {is_current} THEN newest.agent_state ELSE job.state END");
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!(
        "UPDATE job SET current_run_id = {run}, state = {state}, created_date = \
         CASE WHEN {is_earlier} THEN newest.first_begun ELSE job.created_date END \
         FROM (SELECT t.id, t.job_id, t.agent_state, \
           coalesce(t.agent_queued_date, t.agent_start_time) AS begun, \
           min(coalesce(t.agent_queued_date, t.agent_start_time, t.update_date)) \
             OVER (PARTITION BY t.job_id) AS first_begun, \
           row_number() OVER (PARTITION BY t.job_id ORDER BY {NEWEST_RUN}) AS place \
           FROM job_run AS t WHERE t.job_id"
    ))
    .any_uuid(job_ids);
    sql.push(&format!(
        ") AS newest WHERE newest.place = 1 AND job.id = newest.job_id AND ({is_earlier} \
         OR job.current_run_id IS DISTINCT FROM {run} OR job.state <> {state})"
    ));
    sql.execute(db).await?;
    Ok(())
}
