//! GraphQL over HTTP, server-sent events, multipart and WebSockets, for a service on [`axum`].

mod close_code;
mod negotiate;
mod parameters;
mod response;
mod socket;
mod stream;
mod websocket;

pub use close_code::CloseCode;
pub use negotiate::{Accept, MediaType};
pub use parameters::{Batch, UrlParameters, check_content_type, read_body, read_url};
pub use response::{ErrorStatus, Outcome, Rejection, respond_all, text};
pub use socket::Upgrade;
pub use stream::StreamFormat;
pub use websocket::{Operation, Session, upgrade};
