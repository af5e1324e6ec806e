//! Opening the database that a URL names.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use sea_orm::{DatabaseConnection, SqlxSqliteConnector};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteError, SqliteJournalMode, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tokio::sync::watch;
use tokio::time::timeout;

use super::checkpoint;
use super::pool::Pool;
use super::postgres::{CONNECT_TIMEOUT, Pooling, PostgresPool, Renewal, Settings};
use super::{Db, Failure, Listening, Observer, WriteHealth};

/// Clients pick columns freely, so there are more distinct statements than the default of 100
/// that a connection keeps prepared.
const PREPARED_STATEMENTS: usize = 500;

/// How long a request waits for a free connection, and for PostgreSQL's first response.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Readers of the SQLite file in this process, one for the change feed and one for checkpoints.
const SQLITE_READERS: u32 = 6;

/// Additional readers, on either database, for long queries.
const LONG_READERS: u32 = 2;

/// How long a query may wait for one of them. Requests have less time.
const LONG_ACQUIRE_TIMEOUT: Duration = Duration::from_mins(2);

/// The timeout of the second connection, by which a pooler is recognised.
const POOLER_TIMEOUT: Duration = Duration::from_secs(1);

/// The form of a PostgreSQL URL, and the encoding of its user and password.
const POSTGRES_FORM: &str = "expected postgres://user:password@host:5432/database; in the user and \
    the password write %23 for #, %2F for /, %3F for ?, %40 for @ and %25 for %";

/// A database, as a URL names it.
#[derive(Clone, Debug)]
pub enum Target {
    /// `sqlite://agent-jobs.db`, relative to the working folder, or `sqlite:///var/lib/jobs.db`.
    Sqlite(PathBuf),
    /// `postgres://user:password@host:5432/database`.
    Postgres(Box<PgConnectOptions>),
}

impl FromStr for Target {
    type Err = ConnectError;

    fn from_str(url: &str) -> Result<Self, ConnectError> {
        let invalid = |reason: &str| ConnectError::Url(reason.to_owned());
        // Files with secrets often end with a line break.
        let url = url.trim();
        if url.contains(char::is_control) {
            return Err(invalid("it contains a control character, such as a line break or a tab"));
        }
        match url.split_once(':') {
            Some(("sqlite", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.is_empty() || path.contains(":memory:") {
                    return Err(invalid(
                        "SQLite needs a file, as in sqlite://agent-jobs.db; a database in memory would not outlive a connection",
                    ));
                }
                if path.contains('?') {
                    return Err(invalid("a SQLite URL takes no parameters after the file's path"));
                }
                Ok(Self::Sqlite(path.into()))
            }
            Some(("postgres" | "postgresql", _)) => postgres_options(url)
                .map(|options| Self::Postgres(Box::new(options)))
                .ok_or_else(|| invalid(POSTGRES_FORM)),
            _ => Err(invalid(
                "expected sqlite://FILE or postgres://user:password@host:5432/database",
            )),
        }
    }
}

/// The options in a PostgreSQL URL; `None` if it is malformed.
fn postgres_options(url: &str) -> Option<PgConnectOptions> {
    let (scheme, rest) = url.split_once("://")?;
    if rest.contains('#') {
        return None;
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // The password has a raw `/` or `?` if the `@` before the host comes after it.
    let before_values = tail.split('=').next().unwrap_or_default();
    if before_values.split_once('@').is_some_and(|(_, host)| host.contains('/')) {
        return None;
    }
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let options = match user {
        // libpq allows a user without a host, which `host=` or the default gives; URLs do not.
        Some(user) if host.is_empty() || host.starts_with(':') => {
            PgConnectOptions::from_str(&format!("{scheme}://{user}@localhost{host}{tail}"))
        }
        _ => PgConnectOptions::from_str(url),
    };
    let options = options.ok()?;
    // The driver looks up the host's name with the brackets.
    let address = options.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Some(match address.map(ToOwned::to_owned) {
        Some(address) => options.host(&address),
        None => options,
    })
}

/// The address, without the password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite file {}", path.display()),
            Self::Postgres(options) => {
                let database = options.get_database().unwrap_or_else(|| options.get_username());
                write!(f, "PostgreSQL database {database} at ")?;
                let (host, port) = (options.get_host(), options.get_port());
                match options.get_socket() {
                    Some(folder) => write!(f, "{}, port {port}", folder.display()),
                    None if host.contains(':') => write!(f, "[{host}]:{port}"),
                    None => write!(f, "{host}:{port}"),
                }
            }
        }
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is invalid.
    #[error("invalid database URL: {0}")]
    Url(String),
    /// It refused the connection, or the file cannot be used.
    #[error("cannot open {target}: {reason}")]
    Open { target: String, reason: String },
    /// The database server cannot be reached, or is starting or stopping. A later try may work.
    #[error("cannot open {target}: {reason}")]
    Unreachable { target: String, reason: String },
}

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The database cancels statements of readers that take longer than this. Dropping a statement
    /// whose client has disconnected would not end it.
    pub statement_timeout: Option<Duration>,
    /// Connections to PostgreSQL, at least [`ConnectOptions::MIN_CONNECTIONS`]: an eighth for reads
    /// that take long, a quarter for writes, the rest for other reads. SQLite ignores it.
    pub connections: u32,
    /// Where changes are listened to, if not at the database's own address.
    pub listen: Option<Target>,
}

impl ConnectOptions {
    pub const MIN_CONNECTIONS: u32 = 4;
    pub const DEFAULT_CONNECTIONS: u32 = 16;
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { statement_timeout: None, connections: Self::DEFAULT_CONNECTIONS, listen: None }
    }
}

/// Opens the database; on SQLite creates the file unless it exists.
///
/// # Errors
/// If it cannot be reached, refuses the user, or the file is no SQLite database.
pub async fn connect(target: &Target) -> Result<Db, ConnectError> {
    connect_with(target, &ConnectOptions::default()).await
}

/// Opens the database with options.
///
/// # Errors
/// As [`connect`].
pub async fn connect_with(target: &Target, options: &ConnectOptions) -> Result<Db, ConnectError> {
    let opened = match target {
        Target::Sqlite(path) => {
            if path.is_dir() {
                return Err(ConnectError::Open {
                    target: target.to_string(),
                    reason: "it is a folder".to_owned(),
                });
            }
            sqlite(path, options.statement_timeout).await
        }
        Target::Postgres(address) => postgres(address, options).await,
    };
    opened.map_err(|error| {
        let is_unreachable = matches!(target, Target::Postgres(_)) && is_unreachable(&error);
        let (target, reason) = (target.to_string(), reason(&error));
        if is_unreachable {
            ConnectError::Unreachable { target, reason }
        } else {
            ConnectError::Open { target, reason }
        }
    })
}

/// The reason for a SQLite file that cannot be written.
const READ_ONLY_FILE: &str = "the file is read-only; let the user that runs agent-jobs write the file \
    and its folder, and mount its file system read-write";

/// The reason for a PostgreSQL database that rejects writes.
const READ_ONLY_DATABASE: &str = "the database is read-only (a standby?)";

/// Opens the database for a process that writes.
///
/// # Errors
/// As [`connect`]; and if the database is read-only, which a standby is until it is promoted:
/// [`ConnectError::Unreachable`].
pub async fn connect_writable(
    target: &Target,
    options: &ConnectOptions,
) -> Result<Db, ConnectError> {
    let db = connect_with(target, options).await?;
    let read_only = match db.is_read_only().await {
        Ok(false) => return Ok(db),
        Ok(true) => None,
        // Another process writes the file, or the server is unreachable: the caller finds out later.
        Err(error) if Failure::of(&error).is_temporary() => return Ok(db),
        Err(error) => Some(error.to_string()),
    };
    db.close().await;
    let is_postgres = matches!(target, Target::Postgres(_));
    let default = if is_postgres { READ_ONLY_DATABASE } else { READ_ONLY_FILE };
    let (is_read_only, target) = (read_only.is_none(), target.to_string());
    let reason = read_only.unwrap_or_else(|| default.to_owned());
    Err(if is_postgres && is_read_only {
        ConnectError::Unreachable { target, reason }
    } else {
        ConnectError::Open { target, reason }
    })
}

async fn sqlite(path: &PathBuf, statement_timeout: Option<Duration>) -> Result<Db, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Acknowledged changes survive a power failure.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        // Without it INSERT OR REPLACE deletes rows without running the counters' triggers.
        .pragma("recursive_triggers", "ON")
        .pragma("wal_autocheckpoint", checkpoint::LIMIT)
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(PREPARED_STATEMENTS)
        .disable_statement_logging();
    let pool = |connections: u32| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .max_lifetime(None)
            .idle_timeout(None)
    };
    // SQLite rolls back by itself when the disk is full or fails, which the driver does not notice: it
    // could never begin another transaction on this connection.
    let writer = pool(1).before_acquire(|connection, _| {
        let is_usable = !connection.is_in_transaction();
        Box::pin(async move { Ok(is_usable) })
    });
    // The writer is opened first: it creates the file and puts it into WAL mode.
    let writer = writer.connect_with(options.clone()).await?;
    let mut readers = pool(SQLITE_READERS);
    if let Some(time) = statement_timeout {
        readers = readers
            .after_connect(move |connection, _| Box::pin(limit_sqlite(connection, time)))
            .before_acquire(move |connection, _| {
                Box::pin(async move { limit_sqlite(connection, time).await.map(|()| true) })
            });
    }
    let options = options.create_if_missing(false).pragma("query_only", "ON");
    let long = readers
        .clone()
        .max_connections(LONG_READERS)
        .acquire_timeout(LONG_ACQUIRE_TIMEOUT)
        .connect_lazy_with(options.clone());
    let reader = readers.connect_with(options).await?;
    let (change_sender, changes) = watch::channel(());
    tokio::spawn(checkpoint::run(changes, reader.clone()));
    let observer = Observer::default();
    let observe = |pool, changes: Option<watch::Sender<()>>| {
        let mut connection: DatabaseConnection = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool);
        let observer = observer.clone();
        connection.set_metric_callback(move |info| {
            observer.observe(&info.statement.sql, info.elapsed, info.failed);
            if let Some(changes) = &changes {
                changes.send_replace(());
            }
        });
        Pool::Sqlite(connection)
    };
    let (reader, long_reader) = (observe(reader, None), observe(long, None));
    let writer = observe(writer, Some(change_sender));
    let write_health = WriteHealth::default();
    Ok(Db { reader, long_reader, writer, observer, write_health, postgres: None, queue: None })
}

/// The number of virtual-machine instructions between two checks of the time limit: a fraction of a
/// millisecond.
const INSTRUCTIONS: i32 = 10_000;

/// Limits the time of the connection's next statement. A connection is taken from the pool for each
/// statement.
async fn limit_sqlite(
    connection: &mut SqliteConnection,
    time: Duration,
) -> Result<(), sqlx::Error> {
    let end = Instant::now() + time;
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(INSTRUCTIONS, move || Instant::now() < end);
    Ok(())
}

async fn postgres(address: &PgConnectOptions, options: &ConnectOptions) -> Result<Db, sqlx::Error> {
    let address = with_settings(address);
    // A pool retries until its timeout, and does not return the reason of the failure.
    let (address, pooling) = timeout(CONNECT_TIMEOUT, try_postgres(address))
        .await
        .map_err(|_| sqlx::Error::PoolTimedOut)??;
    // Behind a busy pooler it may not be recognised.
    let pooling = if options.listen.is_some() { Pooling::Transaction } else { pooling };
    let address = match pooling {
        Pooling::Session => address,
        // Statements with names are left on the pooler's server connections, for other clients.
        Pooling::Transaction => address.statement_cache_capacity(0),
    };
    let listening = match (&options.listen, pooling) {
        (Some(Target::Postgres(listen)), _) => Listening::Direct(Box::new(with_settings(listen))),
        (_, Pooling::Session) => Listening::Direct(Box::new(address.clone())),
        (_, Pooling::Transaction) => Listening::Polling,
    };
    let (renewal, observer) = (Renewal::new(), Observer::default());
    let pool = |connections: u32, wait: Duration, is_reader: bool| {
        let settings = Settings {
            connections,
            wait,
            // Writes have no limit: they are short unless they wait for locks.
            statement_timeout: options.statement_timeout.filter(|_| is_reader),
            is_reader,
            pooling,
        };
        Pool::Postgres(PostgresPool::new(address.clone(), settings, &renewal, &observer))
    };
    let connections = options.connections.max(ConnectOptions::MIN_CONNECTIONS);
    // The writer, the lease reaper and maintenance use one connection each, now and then; an import's
    // two queues use one each all the time.
    let writers = (connections / 4).max(2);
    let long_readers = (connections / 8).max(1);
    Ok(Db {
        reader: pool(connections - writers - long_readers, ACQUIRE_TIMEOUT, true),
        long_reader: pool(long_readers, LONG_ACQUIRE_TIMEOUT, true),
        writer: pool(writers, ACQUIRE_TIMEOUT, false),
        postgres: Some((listening, renewal)),
        observer,
        write_health: WriteHealth::default(),
        queue: None,
    })
}

/// What every connection has.
fn with_settings(address: &PgConnectOptions) -> PgConnectOptions {
    address
        .clone()
        .application_name("agent-jobs")
        .statement_cache_capacity(PREPARED_STATEMENTS)
        // Values come in PostgreSQL's binary form, and PgBouncer refuses parameters that it does not
        // know.
        .extra_float_digits(None)
        .disable_statement_logging()
}

/// Connects once; returns the options that worked.
///
/// The connection to a server on this machine is private, so encryption that is only preferred is
/// left out: sqlx 0.9.0 leaves Nagle's algorithm on, which holds up the last of several TLS
/// records by 40 ms (<https://github.com/transact-rs/sqlx/issues/4335>). A server that insists
/// on encryption gets it.
async fn try_postgres(
    options: PgConnectOptions,
) -> Result<(PgConnectOptions, Pooling), sqlx::Error> {
    let is_preferred = matches!(options.get_ssl_mode(), PgSslMode::Prefer);
    let is_local = options.get_socket().is_some() || is_this_machine(options.get_host());
    if is_preferred && is_local {
        let plain = options.clone().ssl_mode(PgSslMode::Disable);
        if let Ok(connection) = plain.connect().await {
            let pooling = pooling(&plain, connection).await?;
            return Ok((plain, pooling));
        }
    }
    let connection = options.connect().await?;
    let pooling = pooling(&options, connection).await?;
    Ok((options, pooling))
}

/// Finds out whether a pooler in transaction mode is in between, by whether two connections share
/// server processes. In other modes each keeps the one that it has.
async fn pooling(
    options: &PgConnectOptions,
    mut first: PgConnection,
) -> Result<Pooling, sqlx::Error> {
    async fn process(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
        connection.fetch_one("SELECT pg_backend_pid()").await?.try_get(0)
    }
    let own = process(&mut first).await?;
    // A pooler in session mode may have no server connection for the second.
    let second = timeout(POOLER_TIMEOUT, async {
        let mut second = options.connect().await?;
        let other = process(&mut second).await?;
        Ok::<_, sqlx::Error>((second, other))
    });
    let Ok(Ok((mut second, other))) = second.await else {
        first.close().await?;
        return Ok(Pooling::Session);
    };
    let mut pooling = Pooling::Session;
    // Other clients of the pooler may come between.
    for _ in 0..5 {
        // Each keeps a server connection from the other for a moment.
        second.execute("BEGIN").await?;
        let held = process(&mut second).await?;
        let next = timeout(POOLER_TIMEOUT, process(&mut first)).await;
        let next = match next {
            Ok(next) => next?,
            // The pooler has but one.
            Err(_) => held,
        };
        second.execute("ROLLBACK").await?;
        if held == own || held != other || next != own || next == held {
            pooling = Pooling::Transaction;
            break;
        }
    }
    second.close().await?;
    first.close().await?;
    Ok(pooling)
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Whether PostgreSQL cannot be reached, or takes no connections at the moment. A failure of TLS is one
/// of the configuration.
fn is_unreachable(error: &sqlx::Error) -> bool {
    !matches!(error, sqlx::Error::Tls(_)) && Failure::of_driver(error) == Failure::Unavailable
}

fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) if error.message().contains("unable to open") => {
            "the file cannot be created or opened; does its folder exist, and may this user write there?"
                .to_owned()
        }
        sqlx::Error::Database(database)
            if database.try_downcast_ref::<SqliteError>().is_some()
                && Failure::of_driver(error) == Failure::ReadOnly =>
        {
            READ_ONLY_FILE.to_owned()
        }
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::PoolTimedOut => {
            format!("no response within {} seconds", ACQUIRE_TIMEOUT.as_secs())
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        match url.parse::<Target>() {
            Ok(target) => target.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn surrounding_whitespace_is_ignored() {
        assert_eq!(shown("sqlite://jobs.db\n"), "SQLite file jobs.db");
        assert_eq!(shown(" sqlite:///var/lib/my jobs.db\r\n"), "SQLite file /var/lib/my jobs.db");
        assert_eq!(shown("postgres://me@db/jobs\n"), "PostgreSQL database jobs at db:5432");
    }

    #[test]
    fn control_characters_are_refused() {
        for url in ["sqlite://jobs\n.db", "sqlite://jobs\0.db", "postgres://me:sec\tret@db/jobs"] {
            let message = shown(url);
            assert!(message.contains("a control character"), "{message}");
            assert!(!message.contains("sec"), "{message}");
        }
    }

    #[test]
    fn ipv6_addresses_and_sockets_are_understood() {
        for (url, expected) in [
            ("postgres://me@[::1]/jobs", "[::1]:5432"),
            ("postgres://me:secret@[::1]:5433/jobs?sslmode=disable", "[::1]:5433"),
            ("postgres:///jobs?host=/var/run/postgresql", "/var/run/postgresql, port 5432"),
            ("postgres://me@/jobs?host=/var/run/postgresql", "/var/run/postgresql, port 5432"),
            ("postgres://me:secret@:5433/jobs?host=/run/a@b/c", "/run/a@b/c, port 5433"),
            ("postgresql://me:se%23c%40%2F%3F@%2Frun%2Fdb/jobs", "/run/db, port 5432"),
            ("postgres://me:se@cret@db/jobs", "db:5432"),
        ] {
            assert_eq!(shown(url), format!("PostgreSQL database jobs at {expected}"), "{url}");
        }
    }

    #[test]
    fn special_characters_in_a_password_need_encoding() {
        for password in ["sec#ret", "sec/ret", "sec?ret", "12/34", "12?34", "sec@/ret", "#secret"] {
            let message = shown(&format!("postgres://me:{password}@db/jobs"));
            assert!(message.contains("write %23 for #"), "{password}: {message}");
            assert!(!message.contains(password) && !message.contains("ret@"), "{message}");
        }
    }
}
