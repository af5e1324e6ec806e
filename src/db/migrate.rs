//! Migrating the schema, by one process at a time.

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    SqlxPostgresConnector, TransactionOptions, TransactionTrait as _,
};

use super::postgres::Pooling;
use super::{Db, Pool};

/// "agentjob" in ASCII: the key of the advisory lock that keeps migrations apart.
const LOCK: i64 = 0x6167_656e_746a_6f62;

/// Applies the missing steps. Processes that start at the same time wait for each other. A failed step
/// is rolled back.
///
/// # Errors
/// [`MigrateError::Newer`] if the schema has steps of a newer version.
pub async fn up(db: &Db) -> Result<(), MigrateError> {
    if is_current(db).await? {
        return Ok(());
    }
    let transaction = begin(db).await?;
    Migrator::up(&transaction, None).await?;
    commit(db, transaction).await?;
    Ok(())
}

/// Reverts the newest `steps`.
///
/// # Errors
/// [`MigrateError::Newer`] if the schema has steps of a newer version, which this one cannot revert.
pub async fn down(db: &Db, steps: u32) -> Result<(), MigrateError> {
    is_current(db).await?;
    let transaction = begin(db).await?;
    Migrator::down(&transaction, Some(steps)).await?;
    commit(db, transaction).await?;
    Ok(())
}

/// Each step's name, and whether it is applied. Changes nothing.
pub async fn status(db: &Db) -> Result<Vec<(String, bool)>, MigrateError> {
    let applied = applied(db).await?;
    Ok(Migrator::migrations()
        .iter()
        .map(|step| (step.name().to_owned(), applied.iter().any(|name| name == step.name())))
        .collect())
}

/// Whether the schema is the one that this version works with.
pub async fn is_current(db: &Db) -> Result<bool, MigrateError> {
    let applied = applied(db).await?;
    let steps = Migrator::migrations();
    if let Some(name) = applied.iter().find(|name| !steps.iter().any(|step| step.name() == *name)) {
        return Err(MigrateError::Newer(name.clone()));
    }
    Ok(applied.len() == steps.len())
}

/// Why the schema could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer version has migrated it.
    #[error(
        "the database was migrated by a newer version of agent-jobs (it has {0}); start that version or restore a backup"
    )]
    Newer(String),
    /// A step failed.
    #[error("the migration failed: {0}")]
    Database(#[from] DbErr),
}

async fn applied(db: &Db) -> Result<Vec<String>, DbErr> {
    let table_exists = match db.backend() {
        DbBackend::Postgres => {
            "SELECT 1 FROM pg_tables WHERE tablename = 'seaql_migrations' AND schemaname = current_schema()"
        }
        _ => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'",
    };
    let mut sql = super::Sql::new(db.backend());
    sql.push(table_exists);
    if sql.one(db.reader()).await?.is_none() {
        return Ok(Vec::new());
    }
    let mut sql = super::Sql::new(db.backend());
    sql.push("SELECT version FROM seaql_migrations ORDER BY version");
    sql.all(db.reader()).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Begins a transaction of SeaORM's, as its steps require, and locks out other processes.
async fn begin(db: &Db) -> Result<DatabaseTransaction, DbErr> {
    match db.writer() {
        Pool::Sqlite(connection) => {
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            connection.begin_with_options(options).await
        }
        Pool::Postgres(pool) => {
            let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool.pool().clone());
            let transaction = connection.begin_with_options(TransactionOptions::default()).await?;
            let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
            transaction.execute_unprepared(&lock).await?;
            forget_statements(db, &transaction).await?;
            Ok(transaction)
        }
    }
}

async fn commit(db: &Db, transaction: DatabaseTransaction) -> Result<(), DbErr> {
    forget_statements(db, &transaction).await?;
    transaction.commit().await
}

/// SeaORM names its statements. Behind a pooler in transaction mode they stay on a server connection
/// that other clients use next, with the same names.
async fn forget_statements(db: &Db, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    if let Pool::Postgres(pool) = db.writer()
        && pool.pooling() == Pooling::Transaction
    {
        transaction.execute_unprepared("DEALLOCATE ALL").await?;
    }
    Ok(())
}
