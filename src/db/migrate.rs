//! Bringing the schema up to date, by one process at a time.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};

use super::Db;

/// "agentjob" in ASCII: the key of the advisory lock that keeps migrations apart.
const LOCK: i64 = 0x6167_656e_746a_6f62;

/// Applies the steps that are missing. Processes that start at the same time wait for each
/// other; a step that fails leaves nothing behind.
///
/// # Errors
/// [`MigrateError::Newer`] if the schema has steps that this version does not know.
pub async fn up(db: &Db) -> Result<(), MigrateError> {
    if is_current(db).await? {
        return Ok(());
    }
    let transaction = lock(db).await?;
    Migrator::up(&transaction, None).await?;
    transaction.commit().await?;
    Ok(())
}

/// Takes back the newest `steps`.
///
/// # Errors
/// [`MigrateError::Newer`] if the schema has steps that this version does not know, and so cannot
/// take back.
pub async fn down(db: &Db, steps: u32) -> Result<(), MigrateError> {
    is_current(db).await?;
    let transaction = lock(db).await?;
    Migrator::down(&transaction, Some(steps)).await?;
    transaction.commit().await?;
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

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer version was here.
    #[error(
        "the database was migrated by a newer version of agent-jobs (it has {0}); start that version or restore a backup"
    )]
    Newer(String),
    /// The database refused.
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

async fn lock(db: &Db) -> Result<DatabaseTransaction, DbErr> {
    let transaction = db.begin_write().await?;
    if db.backend() == DbBackend::Postgres {
        transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    }
    Ok(transaction)
}
