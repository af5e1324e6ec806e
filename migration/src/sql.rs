//! What the steps share: column types on both databases, and running statements.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

/// A column's type.
#[derive(Clone, Copy)]
pub enum Type {
    Uuid,
    Text,
    Bool,
    /// 32 bits.
    Int,
    /// 64 bits: counts, and lengths of time in milliseconds.
    Long,
    Float,
    /// A moment in UTC.
    Time,
}

/// Whether a column takes nulls, and what it is when nothing is said.
#[derive(Clone, Copy)]
pub enum Null {
    Yes,
    No,
    NoDefault(&'static str),
}

/// A column's definition.
///
/// On SQLite the tables are `STRICT`, UUIDs are blobs of 16 bytes and moments are integers,
/// microseconds since 1970: a writer that would store another form is refused, instead of
/// leaving rows that no filter finds.
fn column(backend: DbBackend, (name, ty, null): (&str, Type, Null)) -> String {
    let postgres = backend == DbBackend::Postgres;
    let ty_name = match ty {
        Type::Uuid if postgres => "uuid",
        Type::Uuid => "BLOB",
        // The "C" collation sorts as SQLite does, so that cursors mean the same on both.
        Type::Text if postgres => "text COLLATE \"C\"",
        Type::Text => "TEXT",
        Type::Bool if postgres => "boolean",
        Type::Int if postgres => "integer",
        Type::Long if postgres => "bigint",
        Type::Float if postgres => "double precision",
        Type::Float => "REAL",
        Type::Time if postgres => "timestamptz",
        Type::Bool | Type::Int | Type::Long | Type::Time => "INTEGER",
    };
    let mut sql = format!("\"{name}\" {ty_name}");
    match null {
        Null::Yes => {}
        Null::No => sql.push_str(" NOT NULL"),
        Null::NoDefault(value) => {
            sql.push_str(" NOT NULL DEFAULT ");
            sql.push_str(value);
        }
    }
    if !postgres {
        match ty {
            Type::Uuid => {
                sql.push_str(&format!(" CHECK (\"{name}\" IS NULL OR length(\"{name}\") = 16)"));
            }
            Type::Bool => sql.push_str(&format!(" CHECK (\"{name}\" IN (0, 1))")),
            _ => {}
        }
    }
    sql
}

/// Creates a table of these columns.
pub async fn create_table(
    manager: &SchemaManager<'_>,
    name: &str,
    columns: &[(&str, Type, Null)],
    constraints: &[&str],
    postgres_options: &str,
) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    let parts: Vec<String> = columns
        .iter()
        .map(|spec| column(backend, *spec))
        .chain(constraints.iter().map(|constraint| (*constraint).to_owned()))
        .collect();
    let options = match backend {
        DbBackend::Postgres => postgres_options,
        _ => "STRICT",
    };
    run(manager, &format!("CREATE TABLE {name} (\n  {}\n) {options}", parts.join(",\n  "))).await
}

/// Adds a column to a table.
pub async fn add_column(
    manager: &SchemaManager<'_>,
    table: &str,
    spec: (&str, Type, Null),
) -> Result<(), DbErr> {
    let column = column(manager.get_database_backend(), spec);
    run(manager, &format!("ALTER TABLE {table} ADD COLUMN {column}")).await
}

/// Runs one statement, or several that take no parameters.
pub async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(sql).await?;
    Ok(())
}

/// Runs the statement for the database at hand.
pub async fn run_either(
    manager: &SchemaManager<'_>,
    sqlite: &str,
    postgres: &str,
) -> Result<(), DbErr> {
    match manager.get_database_backend() {
        DbBackend::Postgres => run(manager, postgres).await,
        _ => run(manager, sqlite).await,
    }
}

/// The schema of the tables on PostgreSQL, quoted. Functions of triggers name it, since other writers may
/// have another search path.
pub async fn current_schema(manager: &SchemaManager<'_>) -> Result<String, DbErr> {
    let sql = "SELECT quote_ident(current_schema())";
    let row = manager
        .get_connection()
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?
        .ok_or_else(|| DbErr::Custom("there is no current schema".to_owned()))?;
    row.try_get_by_index(0)
}

/// That a job or a run with this state is finished. SQLite makes a table of a list of three names each
/// time, which every heartbeat would pay for.
pub fn finished(state: &str) -> String {
    format!("({state} = 'Completed' OR {state} = 'Cancelled' OR {state} = 'Failed')")
}
