//! The database: connections, transactions, and the differences between SQLite and PostgreSQL.

mod checkpoint;
mod connect;
pub mod failure;
pub mod migrate;
mod pool;
mod postgres;
mod sql;
pub mod write_health;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, RuntimeErr};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics;
pub use connect::{ConnectError, ConnectOptions, Target, connect, connect_with, connect_writable};
pub use failure::Failure;
pub use pool::{Pool, Transaction};
pub use postgres::Renewal;
pub(crate) use sql::sql;
pub use sql::{Parameter, Sql};
pub use write_health::WriteHealth;

/// The driver's error below an error of SeaORM, if there is one.
pub fn driver_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// The database's own code of an error: PostgreSQL's SQLSTATE (its manual, appendix A) or SQLite's
/// result code.
pub fn error_code(error: &DbErr) -> Option<Cow<'_, str>> {
    driver_error(error)?.as_database_error()?.code()
}

/// Counts statements and logs slow ones.
#[derive(Clone, Debug, Default)]
struct Observer(Arc<AtomicU64>);

impl Observer {
    fn observe(&self, sql: &str, elapsed: Duration, has_failed: bool) {
        self.0.fetch_add(1, Ordering::Relaxed);
        metrics::statement(has_failed, elapsed);
        if elapsed.as_millis() >= 1000 {
            let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            // The start identifies it; statements that write many rows are long.
            let sql: String = sql.chars().take(300).collect();
            tracing::warn!(milliseconds, sql, "slow statement");
        }
    }
}

/// How the change feed learns of changes on PostgreSQL.
#[derive(Clone, Debug)]
pub enum Listening {
    /// On a connection of its own with these options.
    Direct(Box<PgConnectOptions>),
    /// By polling, since a pooler in transaction mode forwards no notifications.
    Polling,
}

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    /// For statements that only read.
    reader: Pool,
    /// For long queries, so that they do not use up the connections of others.
    long_reader: Pool,
    /// For write transactions. SQLite has one writer at a time, so there it is one connection,
    /// and writers queue in this process instead of failing on the file's lock.
    writer: Pool,
    observer: Observer,
    write_health: WriteHealth,
    /// `None` on SQLite.
    postgres: Option<(Listening, Renewal)>,
    /// The client's queue for long queries, with a single permit.
    queue: Option<Arc<Semaphore>>,
}

impl Db {
    /// The same database for long queries, which wait in this queue. It has a single permit.
    pub fn for_long_queries(&self, queue: Arc<Semaphore>) -> Self {
        Self { reader: self.long_reader.clone(), queue: Some(queue), ..self.clone() }
    }

    /// Waits until none of the client's other long queries is running, and holds the queue until the
    /// permit is dropped. `None` for requests without long queries, which do not wait.
    pub async fn long_query_permit(&self) -> Option<OwnedSemaphorePermit> {
        let queue = self.queue.as_ref()?;
        Arc::clone(queue).acquire_owned().await.ok()
    }

    pub fn backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }

    /// How the change feed learns of changes on PostgreSQL, and when connections are renewed. `None` on SQLite.
    pub fn postgres(&self) -> Option<(&Listening, &Renewal)> {
        self.postgres.as_ref().map(|(listening, renewal)| (listening, renewal))
    }

    /// The pool for single statements that read.
    pub fn reader(&self) -> &Pool {
        &self.reader
    }

    /// The pool for single statements that write.
    pub fn writer(&self) -> &Pool {
        &self.writer
    }

    /// Begins a transaction that writes.
    ///
    /// On SQLite it takes the write lock at once: a transaction that reads first and then writes
    /// would fail without waiting if another process had written in between.
    pub async fn begin_write(&self) -> Result<Transaction, DbErr> {
        self.writer.begin_write().await
    }

    /// Whether the last writes failed.
    pub fn write_health(&self) -> &WriteHealth {
        &self.write_health
    }

    /// Records why a write failed, for readiness.
    pub fn write_failed(&self, error: DbErr) -> DbErr {
        self.write_health.record(&error);
        error
    }

    /// Whether it rejects all writes: a standby of PostgreSQL, or a read-only file.
    pub async fn is_read_only(&self) -> Result<bool, DbErr> {
        let transaction = self.begin_write().await?;
        let is_read_only = if self.backend() == DbBackend::Postgres {
            let mut sql = Sql::new(self.backend());
            sql.push("SELECT current_setting('transaction_read_only') = 'on'");
            match sql.one(&transaction).await? {
                Some(row) => row.try_get_by_index(0)?,
                None => false,
            }
        } else {
            // BEGIN succeeds even on a read-only file.
            match transaction.execute_unprepared("CREATE TABLE agent_jobs_write_check (x)").await {
                Err(error) if Failure::of(&error) == Failure::ReadOnly => true,
                written => written.map(|_| false)?,
            }
        };
        transaction.rollback().await?;
        Ok(is_read_only)
    }

    /// Begins a transaction in which all statements see the same state of the database.
    pub async fn begin_snapshot(&self) -> Result<Transaction, DbErr> {
        self.reader.begin_snapshot().await
    }

    /// The number of statements executed so far.
    pub fn statements(&self) -> u64 {
        self.observer.0.load(Ordering::Relaxed)
    }

    /// Closes all connections. Closing the last one makes SQLite checkpoint its write-ahead log.
    pub async fn close(self) {
        for connection in [self.reader, self.long_reader, self.writer] {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "failed to close the database");
            }
        }
    }
}
