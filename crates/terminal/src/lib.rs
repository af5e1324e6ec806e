//! Showing in a terminal what the server streams: the simplest real client of its subscriptions.
//!
//! - [`client`] is the connection: it subscribes, and again when the connection was lost.
//! - [`board`] is what the updates add up to.
//! - [`picture`] puts that into lines of text.
//! - [`screen`] is the terminal.

pub mod board;
pub mod client;
pub mod picture;
pub mod screen;
