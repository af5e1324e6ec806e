//! Moments as whole milliseconds: the differences of such dates are exact in the two elapsed
//! times, which have no finer unit.

use entity::Timestamp;

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Milliseconds since 1970, rounded down.
pub fn millis(moment: Timestamp) -> i64 {
    moment.micros().div_euclid(1_000)
}

/// The moment this many milliseconds after 1970; the beginning of 1970 for one that no calendar
/// reaches.
pub fn moment(millis: i64) -> Timestamp {
    millis.checked_mul(1_000).and_then(Timestamp::from_micros).unwrap_or_default()
}
