//! The GraphQL API: object types over the tables' columns, the root fields, and the execution of
//! requests. It contains no SQL.

mod api;
mod context;
mod cost;
mod execution;
mod loader;
mod mutation;
mod object;
mod query;
mod scalars;
mod schema;
mod selection;
mod subscribe;
mod subscription;

pub use api::Api;
pub use graphql_server::{Persisted, Rules};
pub use schema::sdl;
