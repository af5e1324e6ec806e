//! Another program that writes into the tables, with no code of ours.

use std::str::FromStr as _;
use std::time::Duration;

use entity::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _,
    SqliteConnection,
};
use uuid::Uuid;

use super::{Kind, TestDatabase};

/// A connection of its own, for SQL in text.
pub enum ForeignWriter {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl ForeignWriter {
    pub async fn connect(database: &TestDatabase) -> Self {
        Self::try_connect(database).await.expect("connecting")
    }

    /// Connects unless the database is away.
    pub async fn try_connect(database: &TestDatabase) -> Option<Self> {
        Some(match database.kind {
            Kind::Sqlite => Self::Sqlite(
                SqliteConnectOptions::from_str(database.url())
                    .expect("a URL")
                    // The file is gone after the test, whatever became of the power.
                    .synchronous(SqliteSynchronous::Off)
                    .busy_timeout(Duration::from_mins(1))
                    .pragma("recursive_triggers", "ON")
                    .connect()
                    .await
                    .ok()?,
            ),
            Kind::Postgres => Self::Postgres(PgConnection::connect(database.url()).await.ok()?),
        })
    }

    /// Runs statements that must work, and returns how many rows they changed.
    pub async fn execute(&mut self, sql: &str) -> u64 {
        self.try_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn try_execute(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(connection) => connection.execute(sql).await?.rows_affected(),
            Self::Postgres(connection) => connection.execute(sql).await?.rows_affected(),
        })
    }

    /// How many jobs there really are of each state as it is stored, counted one by one.
    pub async fn count_jobs(&mut self, condition: &str) -> Vec<(String, i64)> {
        let sql = AssertSqlSafe(format!(
            "SELECT state, count(*) FROM job WHERE {condition} GROUP BY state ORDER BY state"
        ));
        match self {
            Self::Sqlite(connection) => {
                let rows = connection.fetch_all(sql).await.expect("counting");
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
            Self::Postgres(connection) => {
                let rows = connection.fetch_all(sql).await.expect("counting");
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
        }
    }

    /// Adds a configuration with nothing but its id.
    pub async fn insert_configuration(&mut self, id: Uuid) {
        let (id, now) = (self.uuid(id), self.second(0));
        self.execute(&format!("INSERT INTO configuration (id, created_date) VALUES ({id}, {now})"))
            .await;
    }

    /// Adds a job.
    pub async fn insert_job(&mut self, id: Uuid, configuration: Option<Uuid>, state: &str) {
        let values = self.job(id, configuration, state);
        self.execute(&format!("INSERT INTO job {values}")).await;
    }

    /// Adds a job or overwrites the one that is there, in the way of the database at hand.
    pub async fn replace_job(&mut self, id: Uuid, configuration: Option<Uuid>, state: &str) {
        let values = self.job(id, configuration, state);
        let sql = match self {
            Self::Sqlite(_) => format!("INSERT OR REPLACE INTO job {values}"),
            Self::Postgres(_) => format!(
                "INSERT INTO job {values} ON CONFLICT (id) DO UPDATE \
                 SET configuration_id = excluded.configuration_id, state = excluded.state"
            ),
        };
        self.execute(&sql).await;
    }

    fn job(&self, id: Uuid, configuration: Option<Uuid>, state: &str) -> String {
        let configuration = configuration.map_or("NULL".to_owned(), |id| self.uuid(id));
        let (id, now) = (self.uuid(id), self.second(0));
        format!(
            "(id, configuration_id, state, created_date) \
             VALUES ({id}, {configuration}, '{state}', {now})"
        )
    }

    /// The id as a literal.
    pub fn uuid(&self, id: Uuid) -> String {
        match self {
            Self::Sqlite(_) => format!("x'{}'", id.simple()),
            Self::Postgres(_) => format!("'{id}'"),
        }
    }

    /// The moment of [`super::second`] as a literal.
    pub fn second(&self, n: i64) -> String {
        self.moment(super::second(n))
    }

    /// The moment as a literal.
    pub fn moment(&self, moment: Timestamp) -> String {
        match self {
            Self::Sqlite(_) => moment.micros().to_string(),
            Self::Postgres(_) => format!("'{moment}'"),
        }
    }
}
