//! Moving tables in and out as files.

pub mod export;
pub mod import;
mod progress;
mod source;
pub mod tables;
pub mod text;
