//! What measuring a server takes: a database to fill, a cheap client, and something to compare
//! with.

pub mod client;
pub mod database;
pub mod plain;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
