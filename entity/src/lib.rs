//! The tables, each in a file of its own, and what their columns mean.
//!
//! A column is written once, as a field of its table's `Model`: its name gives the database
//! column (`snake_case`), the GraphQL field (`camelCase`) and the import, export and REST name
//! (`PascalCase`); its type gives its [`Kind`]; its doc comment is the GraphQL description.

pub mod access_token;
pub mod agent;
pub mod clock;
pub mod configuration;
pub mod job;
pub mod job_event;
pub mod job_run;

mod json;
mod scalar;
mod state;
mod table;

pub use json::to_json;
pub use scalar::{Long, LongInput, Millis, Timestamp};
pub use state::{JobState, ProcessingState};
pub use table::{Columns, Field, Kind, Table, camel_case, pascal_case, snake_case};
