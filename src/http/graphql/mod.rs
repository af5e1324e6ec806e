//! GraphQL over HTTP, server-sent events, multipart and WebSockets.

mod close_code;
mod execute;
mod handlers;
mod negotiate;
mod parameters;
pub mod response;
mod socket;
mod stream;
mod websocket;

pub use close_code::CloseCode;
pub use handlers::{get, limit, other_method, post};
