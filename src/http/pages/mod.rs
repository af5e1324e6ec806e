//! Pages: the embedded dashboard and GraphiQL, and a few rendered by the server.

pub mod assets;
pub mod headers;
pub mod html;
pub mod slash;
pub mod static_pages;
