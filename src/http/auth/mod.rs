//! Authentication of requests, and which sites' pages may send them.

pub mod authenticate;
pub mod origin;
pub mod sign_in;
