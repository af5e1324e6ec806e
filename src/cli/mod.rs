//! The command line: a file for each command.

mod access;
mod config;
mod counts;
mod demo;
mod export;
mod import;
mod listen_address;
mod migrate;
mod reference;
mod schema;
mod serve;
mod simulate;
mod token;
mod watch;

use std::fmt;
use std::io;
use std::panic::{self, UnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use reqwest::Url;
use reqwest::header::{HeaderValue, InvalidHeaderValue};
use tokio::time::sleep;

use crate::db::migrate::MigrateError;
use crate::db::{self, ConnectError, ConnectOptions, Db, Target};
use crate::output;
use crate::telemetry::{self, LogFormat};
use crate::transfer::output_file::sqlite_files;

/// What background agents' jobs are doing, over GraphQL.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_long_help = exit_codes())]
pub struct Cli {
    #[command(flatten)]
    common: CommonOptions,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What all commands have.
#[derive(Args)]
struct CommonOptions {
    /// A TOML file with options by their names, such as `listen = "0.0.0.0:8080"`. The command line
    /// and the environment go before it.
    #[arg(long, global = true, value_name = "FILE", env = "AGENT_JOBS_CONFIG")]
    config: Option<PathBuf>,
    /// How log lines are written. What is logged, AGENT_JOBS_LOG says.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        env = "AGENT_JOBS_LOG_FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,
    /// Send traces to the OpenTelemetry collector with this URL, such as http://collector:4318, by
    /// OTLP over HTTP: to its path /v1/traces.
    #[arg(long, global = true, value_name = "URL", env = "AGENT_JOBS_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default).
    Serve(serve::Options),
    /// Serve a made-up history: fills the database with one if it is empty.
    Demo(demo::Options),
    /// Play agents that work and report over the API, to try or to load a server.
    Simulate(simulate::Options),
    /// Show the jobs that a server's agents work on, live in the terminal.
    Watch(watch::Options),
    /// Read exports of configurations, agents, jobs, job runs and job events into the database.
    Import(import::Options),
    /// Write configurations, agents, jobs, job runs or job events to a file.
    Export(export::Options),
    /// Apply, take back or list the steps of the database's schema.
    Migrate(migrate::Options),
    /// Check or mend the counters of jobs, after a restore for example.
    Counts(counts::Options),
    /// Print the options that `serve` would have, and where each is from.
    Config(serve::Options),
    /// Make, list and revoke API tokens.
    Token(token::Options),
    /// Print the GraphQL schema.
    Schema,
    /// Print a generated document: `docs/configuration.md` or `docs/errors.md`.
    #[command(hide = true)]
    Reference(reference::Options),
}

/// The server that a command is a client of.
#[derive(Args)]
pub struct ServerOptions {
    /// The server.
    #[arg(long, env = "AGENT_JOBS_URL", default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// The token to show the server, if it asks for one.
    #[arg(long, value_name = "TOKEN", env = "AGENT_JOBS_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl ServerOptions {
    /// The header that shows the token.
    fn authorization(&self) -> Result<Option<HeaderValue>, Failure> {
        if !matches!(self.url.scheme(), "http" | "https") {
            return Err(Failure::new(Failure::USAGE, "--url: expected http:// or https://"));
        }
        let Some(token) = &self.token else { return Ok(None) };
        let wrong = |_| Failure::new(Failure::USAGE, "--token: expected a token, as it was shown");
        bearer(token).map_err(wrong).map(Some)
    }
}

/// The header that shows a token.
fn bearer(token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Time between two tries to reach the database.
const DATABASE_RETRY: Duration = Duration::from_secs(1);

/// Which database.
#[derive(Args)]
struct DatabaseOptions {
    /// sqlite://FILE (created unless it exists) or postgres://user:password@host:5432/database.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite://agent-jobs.db"
    )]
    database_url: String,
    /// Connections to PostgreSQL at most, from 4 to 1,000; a replica takes one more to listen to changes. An eighth
    /// is for reads that take long, a quarter for writes, the rest for other reads. SQLite takes no
    /// notice.
    #[arg(
        long,
        global = true,
        value_name = "N",
        env = "AGENT_JOBS_DATABASE_CONNECTIONS",
        default_value_t = ConnectOptions::DEFAULT_CONNECTIONS,
        value_parser = clap::value_parser!(u32).range(i64::from(ConnectOptions::MIN_CONNECTIONS)..=1000)
    )]
    database_connections: u32,
    /// Where to listen to changes of a PostgreSQL database, if --database-url leads to a pooler in
    /// transaction mode, which passes none on: the server's own postgres:// URL. Without it the
    /// database is asked every second whether anything was written. With it, --database-url is taken
    /// to lead to such a pooler, which a server under load may not recognize by itself.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "AGENT_JOBS_DATABASE_LISTEN_URL",
        hide_env_values = true
    )]
    database_listen_url: Option<String>,
}

impl DatabaseOptions {
    /// The files that the database is in, if it is in files.
    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        Ok(match self.database_url.parse::<Target>()? {
            Target::Sqlite(path) => sqlite_files(&path),
            Target::Postgres(_) => Vec::new(),
        })
    }

    fn connect_options(&self) -> Result<ConnectOptions, Failure> {
        let wrong = |reason: String| {
            Failure::new(Failure::USAGE, format!("--database-listen-url: {reason}"))
        };
        let listen = match self.database_listen_url.as_deref().map(str::parse) {
            None => None,
            Some(Ok(target @ Target::Postgres(_))) => Some(target),
            Some(Ok(Target::Sqlite(_))) => {
                return Err(wrong("expected a postgres:// URL".to_owned()));
            }
            Some(Err(error)) => return Err(wrong(error.to_string())),
        };
        let connections = self.database_connections;
        Ok(ConnectOptions { connections, listen, statement_timeout: None })
    }

    async fn connect(&self) -> Result<Db, Failure> {
        let target = self.database_url.parse::<Target>()?;
        Ok(db::connect_with(&target, &self.connect_options()?).await?)
    }

    /// Connects to answer requests, as [`Self::connect_within`], and waits up to `limit` for a database
    /// that cannot be reached or written yet.
    async fn connect_waiting(
        &self,
        limit: Duration,
        statement_timeout: Duration,
    ) -> Result<Db, Failure> {
        let target = self.database_url.parse::<Target>()?;
        let options = ConnectOptions {
            statement_timeout: Some(statement_timeout),
            ..self.connect_options()?
        };
        let deadline = Instant::now() + limit;
        let mut logged = None;
        loop {
            let (error, reason) = match db::connect_writable(&target, &options).await {
                Err(ConnectError::Unreachable { target, reason }) => {
                    (ConnectError::Unreachable { target, reason: reason.clone() }, reason)
                }
                connected => return Ok(connected?),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(error.into());
            }
            if logged.as_ref() != Some(&reason) {
                tracing::warn!(reason, "waiting for the {target}");
                logged = Some(reason);
            }
            sleep(left.min(DATABASE_RETRY)).await;
        }
    }

    /// Connects for answering requests: a statement that reads may take this long at most.
    async fn connect_within(&self, statement_timeout: Duration) -> Result<Db, Failure> {
        let target = self.database_url.parse::<Target>()?;
        let options = ConnectOptions {
            statement_timeout: Some(statement_timeout),
            ..self.connect_options()?
        };
        Ok(db::connect_with(&target, &options).await?)
    }

    /// Connects and brings the schema up to date.
    async fn open(&self) -> Result<Db, Failure> {
        let db = self.connect().await?;
        db::migrate::up(&db).await?;
        Ok(db)
    }
}

/// Why a command ends without having done its work: what it says, and its exit code.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    const CHECK: u8 = 1;
    const USAGE: u8 = 2;
    const DATA: u8 = 65;
    const NO_INPUT: u8 = 66;
    const DATABASE: u8 = 69;
    const SERVER: u8 = 69;
    const DEFECT: u8 = 70;
    const OUTPUT: u8 = 74;
    const LISTEN: u8 = 71;

    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { message: message.into(), code }
    }
}

/// The exit codes and their meanings.
const EXIT_CODES: [(u8, &str); 9] = [
    (0, "it worked"),
    (Failure::CHECK, "a check found something"),
    (Failure::USAGE, "the command line is wrong"),
    (Failure::DATA, "the data is wrong"),
    (Failure::NO_INPUT, "an input file cannot be read"),
    (Failure::DATABASE, "the database or server cannot be used"),
    (Failure::DEFECT, "a defect of the program"),
    (Failure::LISTEN, "the address cannot be listened on"),
    (Failure::OUTPUT, "output cannot be written"),
];

/// The exit codes as the help shows them.
fn exit_codes() -> String {
    let codes: Vec<_> = EXIT_CODES.iter().map(|(code, what)| format!("{code} {what}")).collect();
    format!("Exit codes: {}.", codes.join("; "))
}

/// Prints a line to standard output.
fn print(line: impl fmt::Display) -> Result<(), Failure> {
    written(output::print(line))
}

/// What became of writing to standard output. A reader that has closed it wants no more, which is
/// no failure of the command.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| {
            Failure::new(Failure::OUTPUT, format!("cannot write to standard output: {error}"))
        }),
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let code = if matches!(error, ConnectError::Url(_)) { Self::USAGE } else { Self::DATABASE };
        Self::new(code, error.to_string())
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        Self::new(Self::DATABASE, error.to_string())
    }
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::new(Self::DATABASE, format!("the database failed: {error}"))
    }
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    exit_code(run)
}

/// The exit code of a command. A panic has written its message to standard error already.
fn exit_code(command: impl FnOnce() -> Result<(), Failure> + UnwindSafe) -> ExitCode {
    match panic::catch_unwind(command) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            output::note(format_args!("agent-jobs: {}", failure.message));
            ExitCode::from(failure.code)
        }
        Err(_) => ExitCode::from(Failure::DEFECT),
    }
}

#[tokio::main]
async fn run() -> Result<(), Failure> {
    let Some(parsed) = config::parse()? else { return Ok(()) };
    if matches!(parsed.cli.command, Some(Command::Config(_))) {
        return parsed.print();
    }
    let Cli { common, command } = parsed.cli;
    let telemetry = telemetry::start(common.log_format, common.otlp_endpoint.as_deref())
        .map_err(|error| Failure::new(Failure::USAGE, format!("--otlp-endpoint: {error}")))?;
    let done = match command {
        Some(Command::Serve(options)) => serve::run(options).await,
        Some(Command::Demo(options)) => demo::run(options).await,
        Some(Command::Simulate(options)) => simulate::run(options).await,
        Some(Command::Watch(options)) => watch::run(options).await,
        Some(Command::Import(options)) => import::run(options).await,
        Some(Command::Export(options)) => export::run(options).await,
        Some(Command::Migrate(options)) => migrate::run(options).await,
        Some(Command::Counts(options)) => counts::run(options).await,
        Some(Command::Token(options)) => token::run(options).await,
        Some(Command::Schema) => schema::run(),
        Some(Command::Reference(options)) => reference::run(&options),
        Some(Command::Config(_)) | None => Ok(()),
    };
    // Sends what is left, which may wait for the collector.
    _ = tokio::task::spawn_blocking(|| drop(telemetry)).await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_with_70() {
        assert_eq!(exit_code(|| panic!("a defect")), ExitCode::from(70));
        assert_eq!(exit_code(|| Err(Failure::new(65, "wrong"))), ExitCode::from(65));
        assert_eq!(exit_code(|| Ok(())), ExitCode::SUCCESS);
    }
}
