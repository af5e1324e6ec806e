//! agent-jobs answers what background agents' jobs are doing, over GraphQL.
//!
//! - [`app`] starts and stops all that runs in a serving process.
//! - [`access`] is who may see and do what.
//! - [`db`] opens SQLite or PostgreSQL and builds statements for either.
//! - [`jobs`] is the domain: plain functions that read jobs and runs. It knows no GraphQL and no
//!   HTTP.
//! - [`graphql`] is the API: object types, root fields, loaders. It holds no SQL.
//! - [`live`] is what happens now, for all who watch.
//! - [`reports`] is where agents report and operators act: the rules, and the one writer.
//! - [`http`] serves the API and the bundled pages.
//! - [`limits`] is what a request may ask for.
//! - [`metrics`] and [`telemetry`] are what the process tells of itself: figures, log and traces.
//! - [`transfer`] imports and exports the tables as files.
//! - [`cli`] is the command line.
//! - [`samples`] writes a made-up history into a database.
//! - [`upkeep`] is what a serving process does beside answering.
//! - [`output`] prints without panicking.
//! - [`error`] is what can go wrong with a request; [`clock`] is where time comes in; [`names`] is how
//!   people spell names.

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
pub mod metrics;
pub mod names;
pub mod output;
pub mod reports;
pub mod samples;
pub mod telemetry;
pub mod transfer;
pub mod upkeep;

pub use entity::clock;
