//! Moving tables in and out as files.

mod csv;
pub mod export;
pub mod import;
mod input;
mod json;
mod layout;
pub mod output_file;
mod progress;
mod source;
#[cfg(test)]
mod source_tests;
pub mod statistics;
pub mod tables;
pub mod text;

pub use source::ReadOptions;
