//! What measuring a server takes: a database to fill, a cheap client, and something to compare
//! with.

#![allow(dead_code, reason = "each benchmark uses its part")]

pub mod client;
pub mod crowd;
pub mod database;
pub mod frames;
pub mod plain;
pub mod plain_socket;
pub mod process;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
