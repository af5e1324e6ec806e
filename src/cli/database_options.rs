//! The database that a command uses.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::time::sleep;

use super::failure::Failure;
use crate::db::{self, ConnectError, ConnectOptions, Db, Target};
use crate::transfer::output_file::sqlite_files;

/// Time between two tries to reach the database.
const DATABASE_RETRY: Duration = Duration::from_secs(1);

/// The database that a command uses.
#[derive(Args)]
pub struct DatabaseOptions {
    /// sqlite://FILE (created unless it exists) or postgres://user:password@host:5432/database.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite://agent-jobs.db"
    )]
    pub database_url: String,
    /// Connections to PostgreSQL at most, from 4 to 1,000; a replica takes one more to listen to changes. An eighth
    /// is for reads that take long, a quarter for writes, the rest for other reads. SQLite takes no
    /// notice.
    #[arg(
        long,
        global = true,
        value_name = "N",
        env = "AGENT_JOBS_DATABASE_CONNECTIONS",
        default_value_t = ConnectOptions::DEFAULT_CONNECTIONS,
        value_parser = clap::value_parser!(u32).range(i64::from(ConnectOptions::MIN_CONNECTIONS)..=1000)
    )]
    database_connections: u32,
    /// Where to listen to changes of a PostgreSQL database, if --database-url leads to a pooler in
    /// transaction mode, which passes none on: the server's own postgres:// URL. Without it the
    /// database is asked every second whether anything was written. With it, --database-url is taken
    /// to lead to such a pooler, which a server under load may not recognize by itself.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "AGENT_JOBS_DATABASE_LISTEN_URL",
        hide_env_values = true
    )]
    database_listen_url: Option<String>,
}

impl DatabaseOptions {
    /// The files that the database is in, if it is in files.
    pub fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        Ok(match self.database_url.parse::<Target>()? {
            Target::Sqlite(path) => sqlite_files(&path),
            Target::Postgres(_) => Vec::new(),
        })
    }

    pub fn connect_options(&self) -> Result<ConnectOptions, Failure> {
        let wrong = |reason: String| {
            Failure::new(Failure::USAGE, format!("--database-listen-url: {reason}"))
        };
        let listen = match self.database_listen_url.as_deref().map(str::parse) {
            None => None,
            Some(Ok(target @ Target::Postgres(_))) => Some(target),
            Some(Ok(Target::Sqlite(_))) => {
                return Err(wrong("expected a postgres:// URL".to_owned()));
            }
            Some(Err(error)) => return Err(wrong(error.to_string())),
        };
        let connections = self.database_connections;
        Ok(ConnectOptions { connections, listen, statement_timeout: None })
    }

    pub async fn connect(&self) -> Result<Db, Failure> {
        let target = self.database_url.parse::<Target>()?;
        Ok(db::connect_with(&target, &self.connect_options()?).await?)
    }

    /// Connects to answer requests, as [`Self::connect_within`], and waits up to `limit` for a database
    /// that cannot be reached or written yet.
    pub async fn connect_waiting(
        &self,
        limit: Duration,
        statement_timeout: Duration,
    ) -> Result<Db, Failure> {
        let target = self.database_url.parse::<Target>()?;
        let options = ConnectOptions {
            statement_timeout: Some(statement_timeout),
            ..self.connect_options()?
        };
        let deadline = Instant::now() + limit;
        let mut logged = None;
        loop {
            let (error, reason) = match db::connect_writable(&target, &options).await {
                Err(ConnectError::Unreachable { target, reason }) => {
                    (ConnectError::Unreachable { target, reason: reason.clone() }, reason)
                }
                connected => return Ok(connected?),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(error.into());
            }
            if logged.as_ref() != Some(&reason) {
                tracing::warn!(reason, "waiting for the {target}");
                logged = Some(reason);
            }
            sleep(left.min(DATABASE_RETRY)).await;
        }
    }

    /// Connects for answering requests: a statement that reads may take this long at most.
    pub async fn connect_within(&self, statement_timeout: Duration) -> Result<Db, Failure> {
        let target = self.database_url.parse::<Target>()?;
        let options = ConnectOptions {
            statement_timeout: Some(statement_timeout),
            ..self.connect_options()?
        };
        Ok(db::connect_with(&target, &options).await?)
    }

    /// Connects and brings the schema up to date.
    pub async fn open(&self) -> Result<Db, Failure> {
        let db = self.connect().await?;
        db::migrate::up(&db).await?;
        Ok(db)
    }
}
