//! The GraphQL API: object types over the tables' columns, the root fields, and the execution of
//! requests. It contains no SQL.

mod analyze;
mod api;
mod batches;
mod bridge;
mod context;
pub mod cost;
mod execution;
mod inputs;
mod loader;
mod mutation;
mod object;
mod operation;
mod parse_cache;
mod persisted;
mod query;
mod request;
mod response;
mod root_field;
mod rules;
mod schema;
mod selection;
mod subscribe;
mod subscription;
mod syntax_error;
mod tokens;

pub use api::Api;
pub use execution::errors_to_json;
pub use persisted::Persisted;
pub use request::{Kind, Parameters, Prepared};
pub use rules::Rules;
pub use schema::sdl;
pub use subscribe::SubscriptionStream;
