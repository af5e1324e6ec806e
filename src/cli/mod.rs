//! The command line: a file for each command.

mod access;
mod counts;
mod demo;
mod export;
mod import;
mod migrate;
mod schema;
mod serve;
mod simulate;
mod token;
mod watch;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::db::migrate::MigrateError;
use crate::db::{self, ConnectError, Db, Target};

/// What background agents' jobs are doing, over GraphQL.
///
/// Exit codes: 0 it worked; 1 a check found something; 2 the command line is wrong; 65 the data
/// is wrong; 66 an input file cannot be read; 69 the database or server cannot be used; 71 the
/// address cannot be listened on; 74 writing a file failed; 101 a defect.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
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
    /// Read exports of configurations, agents, jobs and job runs into the database.
    Import(import::Options),
    /// Write configurations, agents, jobs or job runs to a file.
    Export(export::Options),
    /// Apply, take back or list the steps of the database's schema.
    Migrate(migrate::Options),
    /// Check or mend the counters of jobs, after a restore for example.
    Counts(counts::Options),
    /// Make, list and revoke API tokens.
    Token(token::Options),
    /// Print the GraphQL schema.
    Schema,
}

/// Which database.
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
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
            Failure::new(Failure::USAGE, "--token: expected a token, as it was shown")
        })?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}

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
}

impl DatabaseOptions {
    async fn connect(&self) -> Result<Db, Failure> {
        Ok(db::connect(&self.database_url.parse::<Target>()?).await?)
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
    const OUTPUT: u8 = 74;
    const LISTEN: u8 = 71;

    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { message: message.into(), code }
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

/// Runs the command.
pub async fn run(cli: Cli) -> ExitCode {
    let command = cli.command.unwrap_or_else(|| {
        // As if `serve` had been written out, environment and all.
        Cli::parse_from(["agent-jobs", "serve"]).command.expect("it was given")
    });
    let done = match command {
        Command::Serve(options) => serve::run(options).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Simulate(options) => simulate::run(options).await,
        Command::Watch(options) => watch::run(options).await,
        Command::Import(options) => import::run(options).await,
        Command::Export(options) => export::run(options).await,
        Command::Migrate(options) => migrate::run(options).await,
        Command::Counts(options) => counts::run(options).await,
        Command::Token(options) => token::run(options).await,
        Command::Schema => schema::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("agent-jobs: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}
