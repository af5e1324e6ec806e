//! Operation of the service: health, metrics, request logs.

pub mod health;
pub mod metrics;
pub mod observe;
