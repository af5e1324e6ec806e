//! Checkpoints of SQLite's write-ahead log in the background.
//!
//! SQLite copies the log into the file within the commit that makes the log too long, and reports wait
//! for that commit. The copy takes some ten milliseconds, so it is made on another connection, beside
//! which the writer goes on (<https://www.sqlite.org/wal.html>, "Avoiding Excessively Large WAL Files").

use std::time::Duration;

use sqlx::SqlitePool;
use tokio::sync::watch;
use tokio::time::sleep;

/// The time between two checkpoints, and between a write and the next one.
const INTERVAL: Duration = Duration::from_millis(500);

/// The length of the log, in pages, at which a commit makes the checkpoint after all: when other
/// processes write, or writes are faster than the checkpoints.
pub const LIMIT: &str = "8000";

/// Makes a checkpoint after writes, as `written` tells them, until its sender is dropped or the pool is
/// closed.
pub async fn run(mut written: watch::Receiver<()>, pool: SqlitePool) {
    while written.changed().await.is_ok() {
        // A statement is told before it is committed.
        sleep(INTERVAL).await;
        written.mark_unchanged();
        // A passive checkpoint waits for no other connection.
        match sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&pool).await {
            Ok(_) => {}
            Err(sqlx::Error::PoolClosed) => break,
            Err(error) => tracing::debug!(%error, "a checkpoint has failed"),
        }
    }
}
