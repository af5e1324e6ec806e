//! The one place that asks what time it is; everything else is told.

use chrono::Utc;

use crate::Timestamp;

/// The present moment.
#[expect(clippy::disallowed_methods, reason = "this is the edge where time comes in")]
pub fn now() -> Timestamp {
    Timestamp::new(Utc::now())
}
