//! Which jobs changed, whoever changed them: this process, another replica, `psql`.
//!
//! A feed never skips a change in silence. When it may have missed some, it says
//! [`News::Everything`], and whoever listens compares with the database.

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

/// What a feed tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// These jobs changed, or one of their runs.
    Jobs(Vec<Uuid>),
    /// Any job may have changed.
    Everything,
}

const CHANNEL: &str = "agent_jobs";

/// After this long without a notice the connection is checked.
const CHECK_AFTER: Duration = Duration::from_secs(2);

/// How long connecting, or a check, may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a database that cannot be listened to is asked whether anything was written.
const POLL: Duration = Duration::from_secs(1);

/// How long to wait before connecting again.
const RECONNECT: Duration = Duration::from_millis(100);

/// How often the SQLite file is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// How many changes are read at a time.
const CHANGES_AT_ONCE: usize = 10_000;

/// How many changes SQLite keeps for readers that are behind.
const KEPT_CHANGES: i64 = 100_000;

/// Why a feed begins anew.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Failed(#[from] sqlx::Error),
    #[error(transparent)]
    Database(#[from] DbErr),
    #[error("its connection was lost")]
    Lost,
    #[error("its connection is silent")]
    Silent,
    #[error("its server has become a standby")]
    Standby,
    #[error("connections are opened anew")]
    Renewed,
}

/// Tells news until nobody listens any more, and whether it hears of any.
pub async fn run(db: Db, news: mpsc::Sender<News>, is_connected: Arc<AtomicBool>) {
    if let Some((Listening::Polling, _)) = db.postgres() {
        tracing::info!(
            "the database is behind a pooler in transaction mode, which passes no notifications on: \
             changes are polled for every second; --database-listen-url names the server itself"
        );
    }
    while !news.is_closed() {
        let connected = || is_connected.store(true, Ordering::Relaxed);
        let ended = match db.postgres() {
            Some((Listening::Direct(options), renewal)) => {
                listen(options, renewal, &news, connected).await
            }
            Some((Listening::Polling, _)) => poll(&db, &news, connected).await,
            None => tail(&db, &news, connected).await,
        };
        is_connected.store(false, Ordering::Relaxed);
        if let Err(error) = ended {
            tracing::warn!(%error, "the change feed is interrupted");
        }
        sleep(RECONNECT).await;
    }
}

/// Listens to PostgreSQL's notices until the connection is lost.
async fn listen(
    options: &PgConnectOptions,
    renewal: &Renewal,
    news: &mpsc::Sender<News>,
    connected: impl FnOnce(),
) -> Result<(), Interrupted> {
    let mut renewals = renewal.subscribe();
    let options = options.clone().application_name("agent-jobs feed");
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let connecting = async {
        let mut listener = PgListener::connect_with(&pool).await?;
        // What is sent while it is lost is lost, too: the feed begins anew.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    let mut listener =
        timeout(CHECK_TIMEOUT, connecting).await.map_err(|_| Interrupted::Silent)??;
    connected();
    // From here on nothing is missed; what came before may be.
    _ = news.send(News::Everything).await;
    let receiving = async {
        loop {
            match timeout(CHECK_AFTER, listener.try_recv()).await {
                Ok(Ok(Some(notice))) => {
                    let told = read_notice(notice.payload());
                    if told != News::Jobs(Vec::new()) && news.send(told).await.is_err() {
                        return Ok(());
                    }
                }
                Ok(Err(error)) => return Err(error.into()),
                Ok(Ok(None)) => return Err(Interrupted::Lost),
                // Nothing has happened, or the connection is silent.
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
        // After a failover the connection may be to the server that was in use before.
        _ = renewals.changed() => Err(Interrupted::Renewed),
        () = news.closed() => Ok(()),
    }
}

/// Asks PostgreSQL whether anything was written, where no notices come through. Two snapshots are
/// the same only if no transaction with a write has ended between them, in any of the server's
/// databases.
async fn poll(db: &Db, news: &mpsc::Sender<News>, connected: impl Fn()) -> Result<(), Interrupted> {
    let mut last = String::new();
    let mut polls = interval(POLL);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = polls.tick() => {}
            () = news.closed() => return Ok(()),
        }
        let mut sql = Sql::new(DbBackend::Postgres);
        sql.push("SELECT CAST(pg_current_snapshot() AS text)");
        let Some(row) = sql.one(db.reader()).await? else { continue };
        let snapshot: String = row.try_get_by_index(0)?;
        connected();
        if snapshot != last && news.send(News::Everything).await.is_err() {
            return Ok(());
        }
        last = snapshot;
    }
}

/// Reads ids of 32 hexadecimal digits each. Whatever else is sent on the channel may mean anything.
fn read_notice(payload: &str) -> News {
    let bytes = payload.as_bytes();
    if !bytes.len().is_multiple_of(32) {
        return News::Everything;
    }
    let ids: Result<Vec<_>, _> = bytes.chunks(32).map(Uuid::try_parse_ascii).collect();
    ids.map_or(News::Everything, News::Jobs)
}

/// Reads on in SQLite's table of changes, on a connection that never writes: only then does
/// `data_version` tell of every commit.
async fn tail(
    db: &Db,
    news: &mpsc::Sender<News>,
    connected: impl FnOnce(),
) -> Result<(), Interrupted> {
    // From the pool, which waits for it when it is closed: SQLite tidies its log into the file only
    // when the last connection is closed.
    let mut connection = db.reader().get_sqlite_connection_pool().acquire().await?;
    // The limit is for a single statement.
    connection.lock_handle().await?.remove_progress_handler();
    let mut version = data_version(&mut connection).await?;
    let mut last = last_change(&mut connection).await?;
    connected();
    _ = news.send(News::Everything).await;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_more = false;
    while !news.is_closed() {
        looks.tick().await;
        let present = data_version(&mut connection).await?;
        if present == version && !has_more {
            continue;
        }
        version = present;
        let rows =
            sqlx::query("SELECT seq, job_id FROM job_change WHERE seq > ? ORDER BY seq LIMIT ?")
                .bind(last)
                .bind(i64::try_from(CHANGES_AT_ONCE).unwrap_or(i64::MAX))
                .fetch_all(&mut *connection)
                .await?;
        has_more = rows.len() == CHANGES_AT_ONCE;
        let before = last;
        last = match rows.last() {
            Some(row) => row.try_get(0)?,
            // Never beyond what was read: more may have been written since.
            None => before.min(last_change(&mut connection).await?),
        };
        let first: Option<i64> = rows.first().map(|row| row.try_get(0)).transpose()?;
        // Others may have been removed before they were read; a database that was restored is behind.
        let told = if last < before || first.is_some_and(|first| first != before + 1) {
            News::Everything
        } else {
            let ids: Result<Vec<Uuid>, _> = rows.iter().map(|row| row.try_get(1)).collect();
            let mut ids = ids?;
            ids.sort_unstable();
            ids.dedup();
            News::Jobs(ids)
        };
        if told != News::Jobs(Vec::new()) && news.send(told).await.is_err() {
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

/// Removes changes that all readers have long read. Nothing to do on PostgreSQL.
pub async fn tidy(db: &Db) -> Result<(), DbErr> {
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
    fn a_notice_names_jobs() {
        let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
        let payload = format!("{}{}", a.simple(), b.simple());
        assert_eq!(read_notice(&payload), News::Jobs(vec![a, b]));
        assert_eq!(read_notice(""), News::Jobs(Vec::new()));
        for other in ["*", "hello", &"x".repeat(32), &payload[1..]] {
            assert_eq!(read_notice(other), News::Everything, "{other}");
        }
    }
}
