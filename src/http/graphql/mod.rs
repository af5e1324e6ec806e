//! GraphQL over HTTP, server-sent events, multipart and WebSockets.

mod execute;
mod handlers;
mod negotiate;
mod parameters;
pub mod response;
mod socket;
mod stream;
mod websocket;

pub use handlers::{get, limit, other_method, post};
