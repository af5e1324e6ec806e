//! agent-jobs serves the job runs of background agents over GraphQL.
//!
//! - [`app`] starts and stops all that runs in a serving process.
//! - [`access`] authenticates requests and defines roles.
//! - [`db`] opens SQLite or PostgreSQL and builds statements for either.
//! - [`jobs`] is the domain: plain functions that read jobs and runs. It knows no GraphQL and no
//!   HTTP.
//! - [`graphql`] is the API: object types, root fields, loaders. It holds no SQL.
//! - [`live`] follows changes in the database and keeps the executing jobs for subscriptions.
//! - [`reports`] is the writing side: the state machine, the writer, leases.
//! - [`http`] serves the API and the bundled pages.
//! - [`limits`] defines the limits of requests.
//! - [`metrics`] and [`telemetry`] are the process's metrics, log and traces.
//! - [`transfer`] imports and exports the tables as files.
//! - [`cli`] is the command line.
//! - [`samples`] writes a generated history into a database.
//! - [`maintenance`] runs the background tasks of a serving process.
//! - [`output`] prints without panicking.
//! - [`error`] defines the errors of requests; [`clock`] is the current time.

// `output` prints without panicking.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod access;
pub mod app;
pub mod cli;
pub mod db;
pub mod error;
pub mod graphql;
pub mod http;
pub mod jobs;
pub mod limits;
pub mod live;
pub mod maintenance;
pub mod metrics;
pub mod output;
pub mod reports;
pub mod samples;
pub mod telemetry;
pub mod transfer;

pub use entity::clock;
