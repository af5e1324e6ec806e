//! The GraphQL API: object types over the tables' columns, the root fields, and the execution of
//! requests. It contains no SQL.

mod api;
mod bridge;
mod context;
mod cost;
mod execution;
mod loader;
mod mutation;
mod object;
mod operation;
mod query;
mod scalars;
mod schema;
mod selection;
mod subscribe;
mod subscription;

pub use api::Api;
pub use execution::errors_to_json;
pub use graphql_server::{Kind, Parameters, Persisted, Prepared, Rules};
pub use schema::sdl;
pub use subscribe::SubscriptionStream;
