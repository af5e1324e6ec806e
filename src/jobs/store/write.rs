//! Statements that write many rows.

use std::mem;

use entity::{Columns, Kind, Table, Timestamp};
use futures_util::future::join;
use sea_orm::{ConnectionTrait, DbErr, Value};

use super::row_set::RowSet;
use crate::db::Sql;

/// Inserts rows, or updates those that exist and are not newer. `defaults` are for columns that
/// must not be null, where the set does not have them or has a null; they never replace a value
/// of a column that the set does not have.
pub async fn upsert<E: Table>(
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
