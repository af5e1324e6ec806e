//! GraphQL over HTTP, server-sent events, multipart and WebSockets: authentication and the limits of
//! clients around the transports of [`graphql_server::http`].

mod execute;
mod handlers;
mod outcome;
mod session;

pub use handlers::{get, limit, other_method, post};
