//! Showing in a terminal what the server streams: the simplest real client of its subscriptions.
//!
//! - [`client`] is the connection: it subscribes, and again when the connection was lost.
//! - [`executing_jobs`] applies the updates.
//! - [`view`] renders the jobs as lines of text.
//! - [`screen`] is the terminal.

pub mod client;
pub mod executing_jobs;
pub mod screen;
pub mod view;
