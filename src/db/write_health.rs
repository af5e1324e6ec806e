//! Whether the database can be written, for readiness and metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::{Db, Failure};
use crate::metrics;

/// The time between two attempts to write a database that could not be written.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The timeout of such an attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// How much an attempt writes, in bytes: more than most transactions, so that it does not succeed where
/// they fail.
const ATTEMPT_BYTES: usize = 256 * 1024;

/// Whether the last writes failed. Cheap to clone; all clones of a [`Db`] share it.
#[derive(Clone, Debug, Default)]
pub struct WriteHealth(Arc<State>);

#[derive(Debug, Default)]
struct State {
    failure: Mutex<Option<Failure>>,
    failed: Notify,
}

impl WriteHealth {
    /// Why nothing can be written at the moment; `None` if the last writes succeeded.
    pub fn failure(&self) -> Option<Failure> {
        *self.lock()
    }

    /// Records a failed write. Only temporary failures other than conflicts count.
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

/// Detects when a database that could not be written can be written again. Runs until it is dropped.
///
/// It makes its own attempts: a service that is not ready gets no requests that would write. Other
/// writes that succeed are no proof, since on a full disk small ones succeed where larger ones fail.
pub async fn recover(db: &Db) {
    let health = db.write_health();
    loop {
        health.0.failed.notified().await;
        while health.failure().is_some() {
            match timeout(ATTEMPT_TIMEOUT, try_write(db)).await {
                Ok(Ok(())) => {
                    *health.lock() = None;
                    tracing::info!("the database can be written again");
                }
                // Attempts of this kind are not allowed; the next write shows.
                Ok(Err(error)) if !Failure::of(&error).is_temporary() => {
                    tracing::warn!(%error, "cannot check whether the database can be written");
                    *health.lock() = None;
                }
                Ok(Err(error)) => {
                    health.record(&error);
                    sleep(RETRY_AFTER).await;
                }
                Err(_) => {}
            }
        }
    }
}

/// Writes [`ATTEMPT_BYTES`] and removes them.
async fn try_write(db: &Db) -> Result<(), DbErr> {
    if db.backend() == DbBackend::Postgres {
        // Without a commit: the rows are allocated on the disk by then.
        let transaction = db.begin_write().await?;
        transaction
            .execute_unprepared(&format!(
                "CREATE TEMP TABLE agent_jobs_write_check AS \
                 SELECT repeat('x', 1000) AS content FROM generate_series(1, {})",
                ATTEMPT_BYTES / 1000
            ))
            .await?;
        return transaction.rollback().await;
    }
    // SQLite writes to the disk when it commits. A process that ended in between left the table.
    for statement in [
        "DROP TABLE IF EXISTS agent_jobs_write_check".to_owned(),
        format!(
            "CREATE TABLE agent_jobs_write_check AS SELECT zeroblob({ATTEMPT_BYTES}) AS content"
        ),
        "DROP TABLE agent_jobs_write_check".to_owned(),
    ] {
        let transaction = db.begin_write().await?;
        transaction.execute_unprepared(&statement).await?;
        transaction.commit().await?;
    }
    Ok(())
}
