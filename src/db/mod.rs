//! The database: connecting, transactions, and what differs between SQLite and PostgreSQL.

mod connect;
pub mod migrate;
mod sql;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics;
pub use connect::{ConnectError, Target, connect, connect_within};
pub use sql::Sql;

/// What went wrong below SeaORM, if anything did.
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

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    /// For statements that only read.
    reader: DatabaseConnection,
    /// The same for work that holds connections for long, so that other readers always find one.
    heavy_reader: DatabaseConnection,
    /// For write transactions. SQLite has one writer at a time, so there it is one connection,
    /// and writers queue in this process instead of failing on the file's lock.
    writer: DatabaseConnection,
    statements: Arc<AtomicU64>,
    /// What statements that take long wait for, so that one client has one of them at a time.
    queue: Option<Arc<Semaphore>>,
}

impl Db {
    fn new(
        mut reader: DatabaseConnection,
        mut heavy_reader: DatabaseConnection,
        mut writer: DatabaseConnection,
    ) -> Self {
        let statements = Arc::new(AtomicU64::new(0));
        for connection in [&mut reader, &mut heavy_reader, &mut writer] {
            let statements = Arc::clone(&statements);
            connection.set_metric_callback(move |info| {
                statements.fetch_add(1, Ordering::Relaxed);
                metrics::statement(info.failed, info.elapsed);
                if info.elapsed.as_millis() >= 1000 {
                    let milliseconds = u64::try_from(info.elapsed.as_millis()).unwrap_or(u64::MAX);
                    // The start says which one it is; those that write many rows are long.
                    let sql: String = info.statement.sql.chars().take(300).collect();
                    tracing::warn!(milliseconds, sql, "slow statement");
                }
            });
        }
        Self { reader, heavy_reader, writer, statements, queue: None }
    }

    /// The same database for work that takes long. Statements that are found to take long wait in
    /// this queue, which has a single permit.
    pub fn for_heavy_work(&self, queue: Arc<Semaphore>) -> Self {
        Self { reader: self.heavy_reader.clone(), queue: Some(queue), ..self.clone() }
    }

    /// Waits until none of the client's other statements that take long is running. Until what this
    /// gives is dropped, the next one waits. Work that is short does not wait.
    pub async fn alone(&self) -> Option<OwnedSemaphorePermit> {
        let queue = self.queue.as_ref()?;
        Arc::clone(queue).acquire_owned().await.ok()
    }

    pub fn backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }

    /// Where single reading statements go.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Where single writing statements go.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Begins a transaction that writes.
    ///
    /// On SQLite it takes the write lock at once: a transaction that reads first and then writes
    /// would fail without waiting if another process had written in between.
    pub async fn begin_write(&self) -> Result<DatabaseTransaction, DbErr> {
        self.writer
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await
    }

    /// Begins a transaction in which all statements see the same state of the database.
    pub async fn begin_snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = match self.backend() {
            DbBackend::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
            _ => TransactionOptions::default(),
        };
        self.reader.begin_with_options(options).await
    }

    /// How many statements ran so far.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Closes all connections, the last of which makes SQLite tidy its log into the file.
    pub async fn close(self) {
        for connection in [self.reader, self.heavy_reader, self.writer] {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "closing the database");
            }
        }
    }
}
