//! What measuring a server takes: a database to fill, a cheap client, and something to compare
//! with.

#![allow(dead_code, reason = "each benchmark uses its part")]

use std::str::FromStr;

pub mod client;
pub mod crowd;
pub mod database;
pub mod first_pages;
pub mod frames;
pub mod plain;
pub mod plain_socket;
pub mod process;

/// What a variable of the environment says, or else the default.
pub fn number<T: FromStr>(name: &str, default: T) -> Result<T, T::Err> {
    std::env::var(name).map_or(Ok(default), |value| value.parse())
}

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
