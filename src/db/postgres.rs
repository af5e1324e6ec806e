//! Connections to PostgreSQL that are dropped as soon as they cannot be used: closed by the server,
//! silent, or to a server that is read-only since a failover.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{FutureExt as _, TryStreamExt as _};
use sea_orm::sea_query::Values;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{
    PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgQueryResult, PgRow, Postgres,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Either, Executor as _, Row as _};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::{Failure, Observer};

/// How long a statement waits for a connection to be opened.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A statement without a result for this long makes the service query whether the server still
/// executes it.
const SILENCE: Duration = Duration::from_secs(3);

/// The timeout of that query. Without a response the server cannot be reached.
const INQUIRY_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that was idle for longer is checked before it is used.
const UNCHECKED_IDLE: Duration = Duration::from_secs(5);

/// The timeout of that check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long an abandoned statement without a limit may take before its connection is closed.
const ABANDONED: Duration = Duration::from_secs(30);

/// The shortest time between two renewals because of a read-only server.
const READ_ONLY_RENEWAL: Duration = Duration::from_secs(1);

/// How connections reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    /// Each connection has a server process of its own, directly or through a pooler in session
    /// mode.
    Session,
    /// A pooler gives each transaction any server connection. Nothing that is set or prepared
    /// outlives a transaction.
    Transaction,
}

/// When connections were last found to be unusable. Older ones are not used again, since the same
/// failure has usually broken all of them.
#[derive(Clone, Debug)]
pub struct Renewal(Arc<watch::Sender<Option<Instant>>>);

impl Renewal {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Receives each renewal from now on.
    pub fn subscribe(&self) -> watch::Receiver<Option<Instant>> {
        self.0.subscribe()
    }

    /// Whether a connection of this age is from before the last renewal.
    fn is_outdated(&self, age: Duration) -> bool {
        self.0.borrow().is_some_and(|last| age > last.elapsed())
    }

    fn renew(&self, error: &sqlx::Error) {
        let last = self.0.send_replace(Some(Instant::now()));
        // All connections fail together; one line is enough.
        if last.is_none_or(|last| last.elapsed() > Duration::from_secs(1)) {
            tracing::warn!(%error, "lost a connection to the database; opening new ones");
        }
    }

    fn renew_read_only(&self, error: &sqlx::Error) {
        let is_due =
            |last: &Option<Instant>| last.is_none_or(|last| last.elapsed() > READ_ONLY_RENEWAL);
        let renewed = self.0.send_if_modified(|last| {
            let is_due = is_due(last);
            if is_due {
                *last = Some(Instant::now());
            }
            is_due
        });
        if renewed {
            tracing::warn!(%error, "the database is read-only; opening new connections");
        }
    }
}

/// The settings of a pool.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The largest number of connections.
    pub connections: u32,
    /// How long a statement waits for one while all are in use.
    pub wait: Duration,
    /// After which the server cancels a statement.
    pub statement_timeout: Option<Duration>,
    /// Whether statements outside of transactions only read, so that one whose connection was lost
    /// is executed once more.
    pub is_reader: bool,
    pub pooling: Pooling,
}

impl Settings {
    /// The settings of each session.
    ///
    /// Statements are short: compiling one takes longer than executing it, which PostgreSQL misjudges
    /// while its statistics are outdated. A scan uses one processor, so that others are left for other
    /// clients. Keepalives end sessions whose client is gone, so that they do not use up the server's
    /// connections.
    fn session(&self) -> String {
        let mut sql =
            "SET jit = off; SET max_parallel_workers_per_gather = 0; SET tcp_keepalives_idle = 10; \
             SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
             SET tcp_user_timeout = 20000"
                .to_owned();
        if let Some(time) = self.statement_timeout {
            _ = write!(sql, "; SET statement_timeout = {}", time.as_millis());
        }
        sql
    }

    /// A statement that begins a transaction, and sets what sessions cannot keep.
    fn begin(&self, begin: &str) -> String {
        let mut sql = begin.to_owned();
        if self.pooling == Pooling::Transaction {
            sql.push_str("; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0");
            if let Some(time) = self.statement_timeout {
                _ = write!(sql, "; SET LOCAL statement_timeout = {}", time.as_millis());
            }
        }
        sql
    }
}

/// A pool of connections, which are opened when they are needed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PostgresPool {
    pool: PgPool,
    /// One for each connection. Unlike the pool's own they distinguish waiting for a connection that is
    /// in use from waiting for the server.
    permits: Arc<Semaphore>,
    settings: Arc<Settings>,
    renewal: Renewal,
    observer: Observer,
}

/// The rows of a statement and how many it wrote.
pub(super) type Fetched = (PgQueryResult, Vec<PgRow>);

impl PostgresPool {
    pub(super) fn new(
        options: PgConnectOptions,
        settings: Settings,
        renewal: &Renewal,
        observer: &Observer,
    ) -> Self {
        let checked = renewal.clone();
        let mut pool = PgPoolOptions::new()
            .max_connections(settings.connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(move |connection, state| {
                let is_outdated = checked.is_outdated(state.age);
                Box::pin(async move {
                    if is_outdated {
                        return Ok(false);
                    }
                    if state.idle_for > UNCHECKED_IDLE {
                        timeout(CHECK_TIMEOUT, connection.ping()).await.map_err(|_| silent())??;
                    }
                    Ok(true)
                })
            });
        if settings.pooling == Pooling::Session {
            let sql = settings.session();
            pool = pool.after_connect(move |connection, _| {
                let sql = sql.clone();
                Box::pin(async move { connection.execute(AssertSqlSafe(sql)).await.map(|_| ()) })
            });
        }
        Self {
            pool: pool.connect_lazy_with(options),
            permits: Arc::new(Semaphore::new(settings.connections as usize)),
            settings: Arc::new(settings),
            renewal: renewal.clone(),
            observer: observer.clone(),
        }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(super) fn pooling(&self) -> Pooling {
        self.settings.pooling
    }

    /// Takes a connection.
    async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        let permit = timeout(self.settings.wait, Arc::clone(&self.permits).acquire_owned());
        let permit = permit.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        let live = match self.pool.acquire().await {
            Err(sqlx::Error::PoolTimedOut) => return Err(self.connect_error().await),
            acquired => acquired?,
        };
        Ok(Connection {
            live: Some((live, permit)),
            is_busy: false,
            is_in_transaction: false,
            abandoned: self.settings.statement_timeout.unwrap_or(ABANDONED) + CHECK_TIMEOUT,
        })
    }

    /// Why no connection could be opened: the pool retries without reporting the reason.
    async fn connect_error(&self) -> sqlx::Error {
        let options = self.pool.connect_options();
        match timeout(CHECK_TIMEOUT, options.connect()).await {
            Ok(Err(error)) => error,
            Ok(Ok(_)) | Err(_) => sqlx::Error::PoolTimedOut,
        }
    }

    /// Executes a statement outside of transactions.
    pub(super) async fn execute(&self, statement: &Statement) -> Result<Fetched, DbErr> {
        let mut has_failed = false;
        loop {
            let mut connection = self.acquire().await.map_err(acquire_error)?;
            match self.execute_on_any(&mut connection, statement).await {
                Err(error) if self.settings.is_reader && !has_failed && is_lost(&error) => {
                    if is_unreachable(&error) {
                        return Err(query_error(error));
                    }
                    has_failed = true;
                }
                executed => return executed.map_err(query_error),
            }
        }
    }

    async fn execute_on_any(
        &self,
        connection: &mut Connection,
        statement: &Statement,
    ) -> Result<Fetched, sqlx::Error> {
        if self.settings.pooling == Pooling::Session {
            return self.execute_on(connection, statement).await;
        }
        // Preparing and executing take a message each, which only a transaction sends to the same
        // server connection.
        self.begin_on(connection, "BEGIN").await?;
        let executed = self.execute_on(connection, statement).await?;
        self.end_on(connection, "COMMIT").await?;
        Ok(executed)
    }

    /// Executes SQL without parameters as it is, which may be several statements.
    pub(super) async fn execute_unprepared(&self, sql: &str) -> Result<PgQueryResult, DbErr> {
        let mut connection = self.acquire().await.map_err(acquire_error)?;
        self.command(&mut connection, sql).await.map_err(exec_error)
    }

    /// Begins a transaction with this statement.
    pub(super) async fn begin(&self, begin: &str) -> Result<PostgresTransaction, DbErr> {
        let mut has_failed = false;
        loop {
            let mut connection = self.acquire().await.map_err(acquire_error)?;
            match self.begin_on(&mut connection, begin).await {
                Ok(()) => {
                    return Ok(PostgresTransaction {
                        pool: self.clone(),
                        connection: Mutex::new(connection),
                    });
                }
                // Nothing has been done yet.
                Err(error) if !has_failed && is_lost(&error) && !is_unreachable(&error) => {
                    has_failed = true;
                }
                Err(error) => return Err(exec_error(error)),
            }
        }
    }

    async fn begin_on(&self, connection: &mut Connection, begin: &str) -> Result<(), sqlx::Error> {
        connection.is_in_transaction = true;
        self.command(connection, &self.settings.begin(begin)).await?;
        Ok(())
    }

    async fn end_on(&self, connection: &mut Connection, end: &str) -> Result<(), sqlx::Error> {
        self.command(connection, end).await?;
        connection.is_in_transaction = false;
        Ok(())
    }

    async fn execute_on(
        &self,
        connection: &mut Connection,
        statement: &Statement,
    ) -> Result<Fetched, sqlx::Error> {
        let values = statement.values.clone().unwrap_or_else(|| Values(Vec::new()));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
            .persistent(self.settings.pooling == Pooling::Session);
        let started = Instant::now();
        let live = connection.start()?;
        let fetching = async {
            let (mut result, mut rows) = (PgQueryResult::default(), Vec::new());
            let mut steps = live.fetch_many(query);
            while let Some(step) = steps.try_next().await? {
                match step {
                    Either::Left(done) => result.extend([done]),
                    Either::Right(row) => rows.push(row),
                }
            }
            Ok((result, rows))
        };
        let fetched = self.watch(&statement.sql, fetching).await;
        self.observer.observe(&statement.sql, started.elapsed(), fetched.is_err());
        self.finish(connection, fetched)
    }

    async fn command(
        &self,
        connection: &mut Connection,
        sql: &str,
    ) -> Result<PgQueryResult, sqlx::Error> {
        let live = connection.start()?;
        let executed = self.watch(sql, live.execute(AssertSqlSafe(sql.to_owned()))).await;
        self.finish(connection, executed)
    }

    /// Waits for what a connection does for as long as the server does it. A connection that loses
    /// its server without a word, as behind a firewall that has forgotten it, would wait for ever.
    async fn watch<T>(
        &self,
        sql: &str,
        work: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<T, sqlx::Error> {
        let mut work = Box::pin(work);
        loop {
            let inquiry = async {
                sleep(SILENCE).await;
                self.is_executing(sql).await
            };
            let executing = tokio::select! {
                biased;
                done = &mut work => return done,
                executing = inquiry => executing,
            };
            match (executing, (&mut work).now_or_never()) {
                (_, Some(done)) => return done,
                (Ok(true), None) => {}
                (Ok(false), None) => return Err(forgotten()),
                (Err(_), None) => return Err(silent()),
            }
        }
    }

    /// Asks the server, on another connection, whether it executes this statement.
    ///
    /// # Errors
    /// If the server cannot be reached.
    async fn is_executing(&self, sql: &str) -> Result<bool, sqlx::Error> {
        let options = self.pool.connect_options();
        let asking = async {
            let mut connection = match options.connect().await {
                // It responds, but has no free connection.
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("53300") => {
                    return Ok(true);
                }
                connected => connected?,
            };
            // For poolers that give a message each to different server connections.
            connection.execute("BEGIN").await?;
            // The server shows the beginning of a statement.
            let row = sqlx::query(
                "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                   WHERE state = 'active' AND pid <> pg_backend_pid() AND query <> ''
                     AND query_start < clock_timestamp() - interval '1 second'
                     AND starts_with($1, query))",
            )
            .bind(sql)
            .persistent(false)
            .fetch_one(&mut connection)
            .await?;
            let is_executing = row.try_get(0)?;
            connection.execute("ROLLBACK").await?;
            connection.close().await?;
            Ok(is_executing)
        };
        timeout(INQUIRY_TIMEOUT, asking).await.map_err(|_| silent())?
    }

    /// Gives up the connection if what it did shows that it is of no use any more.
    fn finish<T>(
        &self,
        connection: &mut Connection,
        outcome: Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        connection.is_busy = false;
        let Err(error) = outcome else { return outcome };
        if is_lost(&error) {
            connection.discard();
            self.renewal.renew(&error);
        } else if Failure::of_driver(&error) == Failure::ReadOnly {
            self.renewal.renew_read_only(&error);
        }
        Err(match error {
            // What a connection says that is cut in the middle.
            sqlx::Error::Protocol(message) => {
                io::Error::new(io::ErrorKind::ConnectionReset, message).into()
            }
            error => error,
        })
    }
}

/// A connection in use. Dropping it gives it back.
#[derive(Debug)]
struct Connection {
    /// `None` once it is dropped.
    live: Option<(PoolConnection<Postgres>, OwnedSemaphorePermit)>,
    /// Whether a response of the server is outstanding.
    is_busy: bool,
    is_in_transaction: bool,
    /// How long an abandoned statement may go on.
    abandoned: Duration,
}

impl Connection {
    fn start(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let (live, _) = self.live.as_mut().ok_or_else(forgotten)?;
        self.is_busy = true;
        Ok(live)
    }

    fn discard(&mut self) {
        if let Some((live, _permit)) = self.live.take() {
            drop(live.detach());
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some((mut live, permit)) = self.live.take() else { return };
        let (is_in_transaction, abandoned) = (self.is_in_transaction, self.abandoned);
        let limit = if self.is_busy { abandoned } else { CHECK_TIMEOUT };
        // The pool waits for the connection's response without a limit.
        tokio::spawn(async move {
            let releasing = async {
                if is_in_transaction && live.execute("ROLLBACK").await.is_err() {
                    drop(live.detach());
                    return;
                }
                live.return_to_pool().await;
            };
            if timeout(limit, releasing).await.is_err() {
                tracing::warn!("closed an unresponsive connection to the database");
            }
            drop(permit);
        });
    }
}

/// A transaction on a connection of its own. It is rolled back unless it is committed.
#[derive(Debug)]
pub struct PostgresTransaction {
    pool: PostgresPool,
    connection: Mutex<Connection>,
}

impl PostgresTransaction {
    pub(super) async fn execute(&self, statement: &Statement) -> Result<Fetched, DbErr> {
        let mut connection = self.connection.lock().await;
        self.pool.execute_on(&mut connection, statement).await.map_err(query_error)
    }

    pub(super) async fn execute_unprepared(&self, sql: &str) -> Result<PgQueryResult, DbErr> {
        let mut connection = self.connection.lock().await;
        self.pool.command(&mut connection, sql).await.map_err(exec_error)
    }

    pub(super) async fn end(self, end: &str) -> Result<(), DbErr> {
        let mut connection = self.connection.into_inner();
        self.pool.end_on(&mut connection, end).await.map_err(exec_error)
    }
}

fn acquire_error(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    }
}

fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn exec_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

fn silent() -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the database does not respond").into()
}

fn forgotten() -> sqlx::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the connection to the database is dead").into()
}

/// Whether new connections do not work either.
fn is_unreachable(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// Whether the connection is of no use any more: PostgreSQL's classes 08 (connection) and 57P
/// (shutdown), and failures on the way.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| ["08", "57P"].iter().any(|class| code.starts_with(class))),
        _ => false,
    }
}
