//! What a service written by hand for two questions would be: a handler that runs one SQL
//! statement with sqlx and writes the rows as JSON.

use std::sync::Arc;

use agent_jobs::db::Db;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use entity::{Kind, Table, Timestamp, job, job_run};
use sea_orm::DbBackend;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{ColumnIndex, Decode, Row, Type};
use uuid::Uuid;

/// Answers `/jobs` with the newest 20 jobs and their current runs, and `/jobs/{id}/run` with a
/// job's current run; of either with these columns.
pub fn router(db: &Db, job_columns: &[&str], run_columns: &[&str]) -> Router {
    let pool = match db.backend() {
        DbBackend::Postgres => Pool::Postgres(db.reader().get_postgres_connection_pool().clone()),
        _ => Pool::Sqlite(db.reader().get_sqlite_connection_pool().clone()),
    };
    let newest = "ORDER BY created_date DESC, job.id DESC LIMIT 20";
    let list = Statement::new(&pool, job_columns, run_columns, newest);
    let run = Statement::new(&pool, &[], run_columns, "WHERE job.id = $1");
    Router::new()
        .route("/jobs", get(async |State(list): State<Arc<Statement>>| list.answer(None).await))
        .with_state(list)
        .merge(
            Router::new()
                .route(
                    "/jobs/{id}/run",
                    get(async |State(run): State<Arc<Statement>>, Path(id): Path<Uuid>| {
                        run.answer(Some(id)).await
                    }),
                )
                .with_state(run),
        )
}

/// The connections that the service itself has.
#[derive(Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

struct Statement {
    pool: Pool,
    sql: &'static str,
    columns: Vec<(&'static str, Kind)>,
}

impl Statement {
    fn new(pool: &Pool, job_columns: &[&str], run_columns: &[&str], rest: &str) -> Arc<Self> {
        let of_job = job_columns.iter().map(|name| column::<job::Entity>(name));
        let of_run = run_columns.iter().map(|name| column::<job_run::Entity>(name));
        let columns: Vec<_> = of_job.chain(of_run).collect();
        let tables = job_columns.iter().map(|_| "job").chain(run_columns.iter().map(|_| "run"));
        let list: Vec<_> =
            tables.zip(&columns).map(|(table, (name, _))| format!("{table}.{name}")).collect();
        let sql = format!(
            "SELECT {} FROM job LEFT JOIN job_run AS run ON run.id = job.current_run_id {rest}",
            list.join(", ")
        );
        Arc::new(Self { pool: pool.clone(), sql: sql.leak(), columns })
    }

    async fn answer(&self, id: Option<Uuid>) -> Response {
        let json = match (&self.pool, id) {
            (Pool::Sqlite(pool), None) => {
                let rows = sqlx::query(self.sql).fetch_all(pool).await;
                rows.map(|rows| self.json(&rows, sqlite_moment))
            }
            (Pool::Sqlite(pool), Some(id)) => {
                let row = sqlx::query(self.sql).bind(id).fetch_optional(pool).await;
                row.map(|row| self.json(row.as_slice(), sqlite_moment))
            }
            (Pool::Postgres(pool), None) => {
                let rows = sqlx::query(self.sql).fetch_all(pool).await;
                rows.map(|rows| self.json(&rows, postgres_moment))
            }
            (Pool::Postgres(pool), Some(id)) => {
                let row = sqlx::query(self.sql).bind(id).fetch_optional(pool).await;
                row.map(|row| self.json(row.as_slice(), postgres_moment))
            }
        };
        match json {
            Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }

    fn json<R: Row>(&self, rows: &[R], moment: fn(&R, usize) -> Option<DateTime<Utc>>) -> String
    where
        usize: ColumnIndex<R>,
        for<'r> Uuid: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> bool: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> i32: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> f64: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> &'r str: Decode<'r, R::Database> + Type<R::Database>,
    {
        let mut json = Writer(Vec::with_capacity(4096));
        json.push("[");
        for (number, row) in rows.iter().enumerate() {
            json.push(if number == 0 { "{" } else { "},{" });
            for (index, (name, kind)) in self.columns.iter().enumerate() {
                json.push(if index == 0 { "\"" } else { ",\"" });
                json.push(name);
                json.push("\":");
                match kind {
                    Kind::Uuid => json.value(row.get::<Option<Uuid>, _>(index)),
                    Kind::Bool => json.value(row.get::<Option<bool>, _>(index)),
                    Kind::Integer => json.value(row.get::<Option<i32>, _>(index)),
                    Kind::Float => json.value(row.get::<Option<f64>, _>(index)),
                    Kind::Count | Kind::Duration => json.value(row.get::<Option<i64>, _>(index)),
                    Kind::Timestamp => json
                        .value(moment(row, index).map(|moment| Timestamp::new(moment).to_string())),
                    Kind::Text | Kind::JobState | Kind::ProcessingState => {
                        json.value(row.get::<Option<&str>, _>(index));
                    }
                }
            }
        }
        json.push(if rows.is_empty() { "]" } else { "}]" });
        String::from_utf8(json.0).expect("JSON is UTF-8")
    }
}

fn column<E: Table>(name: &str) -> (&'static str, Kind) {
    let field = &E::fields()[E::place(name)];
    (field.name, field.kind)
}

struct Writer(Vec<u8>);

impl Writer {
    fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn value(&mut self, value: impl serde::Serialize) {
        serde_json::to_writer(&mut self.0, &value).expect("writing to memory cannot fail");
    }
}

fn sqlite_moment(row: &SqliteRow, index: usize) -> Option<DateTime<Utc>> {
    row.get::<Option<i64>, _>(index).and_then(DateTime::from_timestamp_micros)
}

fn postgres_moment(row: &PgRow, index: usize) -> Option<DateTime<Utc>> {
    row.get(index)
}
