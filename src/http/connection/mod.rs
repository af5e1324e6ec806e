//! Connections: listening, accepting, timeouts, shutdown.

mod head_timer;
pub mod linger;
pub mod listener;
pub mod server;
mod write_timeout;
