//! Where statements go, on either database.

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, IsolationLevel, QueryResult, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait as _,
};
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;

use super::postgres::{PostgresPool, PostgresTransaction};

/// Connections for one purpose. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Pool {
    Sqlite(DatabaseConnection),
    Postgres(PostgresPool),
}

impl Pool {
    /// The driver's pool. Panics on SQLite.
    pub fn get_postgres_connection_pool(&self) -> &PgPool {
        match self {
            Self::Sqlite(_) => panic!("this is SQLite"),
            Self::Postgres(pool) => pool.pool(),
        }
    }

    /// The driver's pool. Panics on PostgreSQL.
    pub fn get_sqlite_connection_pool(&self) -> &SqlitePool {
        match self {
            Self::Sqlite(connection) => connection.get_sqlite_connection_pool(),
            Self::Postgres(_) => panic!("this is PostgreSQL"),
        }
    }

    pub(super) async fn begin_write(&self) -> Result<Transaction, DbErr> {
        match self {
            Self::Sqlite(connection) => {
                let options = TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                };
                connection.begin_with_options(options).await.map(Transaction::Sqlite)
            }
            Self::Postgres(pool) => pool.begin("BEGIN").await.map(Transaction::Postgres),
        }
    }

    pub(super) async fn begin_snapshot(&self) -> Result<Transaction, DbErr> {
        match self {
            Self::Sqlite(connection) => {
                let begun = connection.begin_with_options(TransactionOptions::default()).await;
                begun.map(Transaction::Sqlite)
            }
            Self::Postgres(pool) => {
                let begin = format!(
                    "BEGIN ISOLATION LEVEL {} {}",
                    IsolationLevel::RepeatableRead,
                    AccessMode::ReadOnly
                );
                pool.begin(&begin).await.map(Transaction::Postgres)
            }
        }
    }

    pub(super) async fn close(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(pool) => {
                pool.pool().close().await;
                Ok(())
            }
        }
    }
}

/// A transaction. It is rolled back unless it is committed.
#[derive(Debug)]
pub enum Transaction {
    Sqlite(DatabaseTransaction),
    Postgres(PostgresTransaction),
}

impl Transaction {
    /// # Errors
    /// If the database refuses, or its response is lost: then it may be committed or not.
    pub async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.end("COMMIT").await,
        }
    }

    pub async fn rollback(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.rollback().await,
            Self::Postgres(transaction) => transaction.end("ROLLBACK").await,
        }
    }
}

/// Both have the same statements.
macro_rules! connection {
    ($type:ty) => {
        #[async_trait::async_trait]
        impl ConnectionTrait for $type {
            fn get_database_backend(&self) -> DbBackend {
                match self {
                    Self::Sqlite(_) => DbBackend::Sqlite,
                    Self::Postgres(_) => DbBackend::Postgres,
                }
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Sqlite(connection) => connection.execute_raw(statement).await,
                    Self::Postgres(connection) => {
                        connection.execute(&statement).await.map(|(result, _)| result.into())
                    }
                }
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Sqlite(connection) => connection.execute_unprepared(sql).await,
                    Self::Postgres(connection) => {
                        connection.execute_unprepared(sql).await.map(Into::into)
                    }
                }
            }

            async fn query_one_raw(
                &self,
                statement: Statement,
            ) -> Result<Option<QueryResult>, DbErr> {
                match self {
                    Self::Sqlite(connection) => connection.query_one_raw(statement).await,
                    Self::Postgres(connection) => {
                        let (_, rows) = connection.execute(&statement).await?;
                        Ok(rows.into_iter().next().map(Into::into))
                    }
                }
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                match self {
                    Self::Sqlite(connection) => connection.query_all_raw(statement).await,
                    Self::Postgres(connection) => {
                        let (_, rows) = connection.execute(&statement).await?;
                        Ok(rows.into_iter().map(Into::into).collect())
                    }
                }
            }
        }
    };
}
connection!(Pool);
connection!(Transaction);
