//! Whether the database can be written, for readiness and metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::{Db, Failure};
use crate::metrics;

/// Time between two tries to write a database that could not be written.
const RETRY: Duration = Duration::from_secs(1);

/// How long such a try may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How much a try writes, in bytes: more than most transactions do, so that it does not succeed where
/// they fail.
const SIZE: usize = 256 * 1024;

/// Whether the last writes failed. Cheap to clone; all clones of a [`Db`] share it.
#[derive(Clone, Debug, Default)]
pub struct WriteHealth(Arc<State>);

#[derive(Debug, Default)]
struct State {
    failure: Mutex<Option<Failure>>,
    failed: Notify,
}

impl WriteHealth {
    /// Why nothing can be written at the moment; `None` as far as is known.
    pub fn failure(&self) -> Option<Failure> {
        *self.lock()
    }

    /// A write failed. Only a temporary failure counts, except that others were at the same rows.
    pub fn record(&self, error: &DbErr) {
        let failure = Failure::of(error);
        metrics::failed_write(failure.label());
        if failure.is_temporary() && failure != Failure::Conflict {
            let before = self.lock().replace(failure);
            if before != Some(failure) {
                tracing::warn!(%error, "the database cannot be written: {}", failure.reason());
            }
            self.0.failed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Failure>> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds out when a database that could not be written can be again. Runs until it is dropped.
///
/// It tries by itself: a service that is not ready gets no requests that would write. Successful writes
/// of others are no proof, since on a full disk small ones succeed where larger ones fail.
pub async fn recover(db: &Db) {
    let health = db.write_health();
    loop {
        health.0.failed.notified().await;
        while health.failure().is_some() {
            match timeout(LIMIT, try_write(db)).await {
                Ok(Ok(())) => {
                    *health.lock() = None;
                    tracing::info!("the database can be written again");
                }
                // This way of trying is refused; the next write tells.
                Ok(Err(error)) if !Failure::of(&error).is_temporary() => {
                    tracing::warn!(%error, "cannot try whether the database can be written");
                    *health.lock() = None;
                }
                Ok(Err(error)) => {
                    health.record(&error);
                    sleep(RETRY).await;
                }
                Err(_) => {}
            }
        }
    }
}

/// Writes so much, and leaves nothing of it.
async fn try_write(db: &Db) -> Result<(), DbErr> {
    if db.backend() == DbBackend::Postgres {
        // Without a commit: the rows have taken their place on the disk by then.
        let transaction = db.begin_write().await?;
        transaction
            .execute_unprepared(&format!(
                "CREATE TEMP TABLE agent_jobs_write_check AS \
                 SELECT repeat('x', 1000) AS content FROM generate_series(1, {})",
                SIZE / 1000
            ))
            .await?;
        return transaction.rollback().await;
    }
    // SQLite writes to the disk when it commits. A process that ended in between left the table.
    for statement in [
        "DROP TABLE IF EXISTS agent_jobs_write_check".to_owned(),
        format!("CREATE TABLE agent_jobs_write_check AS SELECT zeroblob({SIZE}) AS content"),
        "DROP TABLE agent_jobs_write_check".to_owned(),
    ] {
        let transaction = db.begin_write().await?;
        transaction.execute_unprepared(&statement).await?;
        transaction.commit().await?;
    }
    Ok(())
}
