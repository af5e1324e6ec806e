//! The command line: a file for each command.

mod access;
mod config;
mod counts;
mod database_options;
mod demo;
mod export;
mod failure;
mod import;
mod listen_address;
mod migrate;
mod reference;
mod schema;
mod serve;
mod server_options;
mod simulate;
mod token;
mod watch;

use std::panic::{self, UnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::output;
use crate::telemetry::{self, LogFormat};
use failure::{Failure, exit_codes};

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
    let Some(parsed) = config::parse::<Cli>()? else { return Ok(()) };
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
        Some(Command::Reference(options)) => reference::run(&options, &Cli::command()),
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
