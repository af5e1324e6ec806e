//! Names and times as the statistics have them.

use chrono::{DateTime, Datelike as _};
use entity::Timestamp;

pub const HOURS_OF_DAY: i64 = 24;

const SECONDS_OF_HOUR: i64 = 3_600;

/// How much of a name the statistics have, in characters: PostgreSQL's indexes take no long texts.
const NAME_LENGTH: usize = 200;

/// A name as the statistics have it; `None` for an empty one.
pub fn name_of(name: Option<String>) -> Option<String> {
    let name: String = name?.chars().take(NAME_LENGTH).collect();
    (!name.is_empty()).then_some(name)
}

/// The hour itself if it is in the years that calendars have, else that of what has no date.
pub fn valid_hour(hour: i64) -> i64 {
    let year = DateTime::from_timestamp(hour.saturating_mul(SECONDS_OF_HOUR), 0)
        .map(|moment| moment.year());
    if year.is_some_and(|year| (1..10_000).contains(&year)) { hour } else { 0 }
}

/// The day of a valid hour.
pub fn day_of(hour: i64) -> i32 {
    i32::try_from(hour.div_euclid(HOURS_OF_DAY)).expect("before the year 10,000")
}

/// The hour that a day begins with.
pub fn hour_of(day: i32) -> i64 {
    i64::from(day) * HOURS_OF_DAY
}

/// The moment that an hour begins with.
pub fn moment_of(hour: i64) -> Timestamp {
    Timestamp::from_micros(hour.saturating_mul(SECONDS_OF_HOUR * 1_000_000)).unwrap_or_default()
}

/// The day that the month of a day begins with.
pub fn month_of(day: i32) -> i32 {
    let moment = DateTime::from_timestamp(hour_of(day) * SECONDS_OF_HOUR, 0);
    let day_of_month = moment.expect("before the year 10,000").day0();
    day - i32::try_from(day_of_month).expect("at most 30")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_on_their_first_day() {
        // 1970-01-01, 1970-01-31, 1970-02-01, 2024-02-29, 2024-03-01, 1969-12-31.
        for (day, month) in
            [(0, 0), (30, 0), (31, 31), (19_782, 19_754), (19_783, 19_783), (-1, -31)]
        {
            assert_eq!(month_of(day), month, "{day}");
        }
        assert_eq!(day_of(-1), -1);
        assert_eq!(valid_hour(i64::MAX), 0);
        assert_eq!(valid_hour(490_000), 490_000);
    }
}
