//! The change feed: which jobs changed, by any writer (this process, another replica, `psql`).
//!
//! A feed never drops a change silently. When it may have missed some, it sends [`Change::Resync`], and
//! the receiver reads the database again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{DbBackend, DbErr};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Executor as _, Row as _};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use crate::db::{Db, Listening, Renewal, Sql};

/// A notification of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These jobs changed, or one of their runs.
    Jobs(Vec<Uuid>),
    /// Any job may have changed.
    Resync,
}

const CHANNEL: &str = "agent_jobs";

/// The connection is checked after this long without a notification.
const CHECK_AFTER: Duration = Duration::from_secs(2);

/// How long connecting, or a check, may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a database without notifications is polled for changes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The delay before reconnecting.
const RECONNECT_DELAY: Duration = Duration::from_millis(100);

/// How often SQLite is polled for changes.
const SQLITE_POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Changes that are read in one statement.
const READ_BATCH: usize = 10_000;

/// Changes that SQLite keeps for readers that are behind.
const KEPT_CHANGES: i64 = 100_000;

/// Why a feed is restarted.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Failed(#[from] sqlx::Error),
    #[error(transparent)]
    Database(#[from] DbErr),
    #[error("the connection was lost")]
    Lost,
    #[error("the connection does not respond")]
    Silent,
    #[error("the server has become a standby")]
    Standby,
    #[error("database connections are being replaced")]
    Renewed,
}

/// Sends changes until the receiver is dropped. `is_connected` is true while none are missed.
pub async fn run(db: Db, changes: mpsc::Sender<Change>, is_connected: Arc<AtomicBool>) {
    if let Some((Listening::Polling, _)) = db.postgres() {
        tracing::info!(
            "the database is behind a pooler in transaction mode, which passes no notifications on: \
             changes are polled for every second; --database-listen-url names the server itself"
        );
    }
    while !changes.is_closed() {
        let connected = || is_connected.store(true, Ordering::Relaxed);
        let ended = match db.postgres() {
            Some((Listening::Direct(options), renewal)) => {
                listen(options, renewal, &changes, connected).await
            }
            Some((Listening::Polling, _)) => poll(&db, &changes, connected).await,
            None => tail(&db, &changes, connected).await,
        };
        is_connected.store(false, Ordering::Relaxed);
        if let Err(error) = ended {
            tracing::warn!(%error, "the change feed is interrupted");
        }
        sleep(RECONNECT_DELAY).await;
    }
}

/// Listens to PostgreSQL's notifications until the connection is lost.
async fn listen(
    options: &PgConnectOptions,
    renewal: &Renewal,
    changes: &mpsc::Sender<Change>,
    connected: impl FnOnce(),
) -> Result<(), Interrupted> {
    let mut renewals = renewal.subscribe();
    let options = options.clone().application_name("agent-jobs feed");
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let connecting = async {
        let mut listener = PgListener::connect_with(&pool).await?;
        // Notifications sent during a reconnect are lost, so the feed is restarted instead.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    let mut listener =
        timeout(CHECK_TIMEOUT, connecting).await.map_err(|_| Interrupted::Silent)??;
    connected();
    // From here on no change is missed; earlier changes may have been.
    _ = changes.send(Change::Resync).await;
    let receiving = async {
        loop {
            match timeout(CHECK_AFTER, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    let change = parse_notification(notification.payload());
                    if change != Change::Jobs(Vec::new()) && changes.send(change).await.is_err() {
                        return Ok(());
                    }
                }
                Ok(Err(error)) => return Err(error.into()),
                Ok(Ok(None)) => return Err(Interrupted::Lost),
                // No change, or a broken connection.
                Err(_) => {
                    let checking = listener.fetch_one("SELECT pg_is_in_recovery()");
                    let row = timeout(CHECK_TIMEOUT, checking).await;
                    let row = row.map_err(|_| Interrupted::Silent)??;
                    if row.try_get(0)? {
                        return Err(Interrupted::Standby);
                    }
                }
            }
        }
    };
    tokio::select! {
        ended = receiving => ended,
        // After a failover the connection may lead to the former primary.
        _ = renewals.changed() => Err(Interrupted::Renewed),
        () = changes.closed() => Ok(()),
    }
}

/// Polls PostgreSQL for writes where notifications are not passed on. Two snapshots are equal only if
/// no transaction with a write has ended between them, in any database of the server.
async fn poll(
    db: &Db,
    changes: &mpsc::Sender<Change>,
    connected: impl Fn(),
) -> Result<(), Interrupted> {
    let mut last = String::new();
    let mut polls = interval(POLL_INTERVAL);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = polls.tick() => {}
            () = changes.closed() => return Ok(()),
        }
        let mut sql = Sql::new(DbBackend::Postgres);
        sql.push("SELECT CAST(pg_current_snapshot() AS text)");
        let Some(row) = sql.one(db.reader()).await? else { continue };
        let snapshot: String = row.try_get_by_index(0)?;
        connected();
        if snapshot != last && changes.send(Change::Resync).await.is_err() {
            return Ok(());
        }
        last = snapshot;
    }
}

/// Parses ids of 32 hexadecimal digits each. Any other payload requires a resync.
fn parse_notification(payload: &str) -> Change {
    let bytes = payload.as_bytes();
    if !bytes.len().is_multiple_of(32) {
        return Change::Resync;
    }
    let ids: Result<Vec<_>, _> = bytes.chunks(32).map(Uuid::try_parse_ascii).collect();
    ids.map_or(Change::Resync, Change::Jobs)
}

/// Follows SQLite's table of changes. The connection must never write: `data_version` reports only the
/// commits of other connections.
async fn tail(
    db: &Db,
    changes: &mpsc::Sender<Change>,
    connected: impl FnOnce(),
) -> Result<(), Interrupted> {
    // From the pool, so that closing the pool waits for it: SQLite checkpoints its log only when the
    // last connection is closed.
    let mut connection = db.reader().get_sqlite_connection_pool().acquire().await?;
    // The progress handler limits the time of a single statement.
    connection.lock_handle().await?.remove_progress_handler();
    let mut version = data_version(&mut connection).await?;
    let mut last = last_change(&mut connection).await?;
    connected();
    _ = changes.send(Change::Resync).await;
    let mut polls = interval(SQLITE_POLL_INTERVAL);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_more = false;
    while !changes.is_closed() {
        polls.tick().await;
        let current = data_version(&mut connection).await?;
        if current == version && !has_more {
            continue;
        }
        version = current;
        let rows =
            sqlx::query("SELECT seq, job_id FROM job_change WHERE seq > ? ORDER BY seq LIMIT ?")
                .bind(last)
                .bind(i64::try_from(READ_BATCH).unwrap_or(i64::MAX))
                .fetch_all(&mut *connection)
                .await?;
        has_more = rows.len() == READ_BATCH;
        let before = last;
        last = match rows.last() {
            Some(row) => row.try_get(0)?,
            // Never beyond the last change read: more may have been written since.
            None => before.min(last_change(&mut connection).await?),
        };
        let first: Option<i64> = rows.first().map(|row| row.try_get(0)).transpose()?;
        // A gap: changes were removed before they were read. A lower number: the database was restored.
        let change = if last < before || first.is_some_and(|first| first != before + 1) {
            Change::Resync
        } else {
            let ids: Result<Vec<Uuid>, _> = rows.iter().map(|row| row.try_get(1)).collect();
            let mut ids = ids?;
            ids.sort_unstable();
            ids.dedup();
            Change::Jobs(ids)
        };
        if change != Change::Jobs(Vec::new()) && changes.send(change).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn data_version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query("PRAGMA data_version").fetch_one(connection).await?.try_get(0)
}

async fn last_change(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let row = sqlx::query("SELECT coalesce(max(seq), 0) FROM job_change").fetch_one(connection);
    row.await?.try_get(0)
}

/// Deletes changes that all readers have read long ago. Nothing to do on PostgreSQL.
pub async fn delete_old_changes(db: &Db) -> Result<(), DbErr> {
    if db.backend() == DbBackend::Postgres {
        return Ok(());
    }
    let mut sql = Sql::new(db.backend());
    sql.push("SELECT coalesce(max(seq) - min(seq), 0), coalesce(max(seq), 0) FROM job_change");
    let Some(row) = sql.one(db.reader()).await? else { return Ok(()) };
    let (length, last): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    if length > 2 * KEPT_CHANGES {
        let mut sql = Sql::new(db.backend());
        sql.push("DELETE FROM job_change WHERE seq < ").bind(last - KEPT_CHANGES);
        sql.execute(db.writer()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_are_parsed_to_job_ids() {
        let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
        let payload = format!("{}{}", a.simple(), b.simple());
        assert_eq!(parse_notification(&payload), Change::Jobs(vec![a, b]));
        assert_eq!(parse_notification(""), Change::Jobs(Vec::new()));
        for other in ["*", "hello", &"x".repeat(32), &payload[1..]] {
            assert_eq!(parse_notification(other), Change::Resync, "{other}");
        }
    }
}
