//! Where the statistics have an hour.

use chrono::{DateTime, Datelike as _};
use entity::Timestamp;
use run_statistics::Slot;
use uuid::Uuid;

use super::event::Event;

/// Stands for a missing id in the rows' keys. It sorts last, and no row has it.
pub const NONE: Uuid = Uuid::max();

const HOURS_OF_DAY: i64 = 24;

const SECONDS_OF_HOUR: i64 = 3_600;

/// How much of a name the statistics have, in characters: PostgreSQL's indexes take no long texts.
const NAME_LENGTH: usize = 200;

/// What the slots of a row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A row has a day.
    Hour,
    /// A row has a month.
    Day,
}

/// What rows are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// Everything.
    Total,
    /// Each configuration.
    Configuration,
    /// Each name and agent of each configuration.
    NameAndAgent,
}

/// A kind of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tier {
    pub unit: Unit,
    pub detail: Detail,
}

impl Tier {
    /// Each event is in a row of each of these.
    pub fn all() -> impl Iterator<Item = Self> {
        let details = [Detail::Total, Detail::Configuration, Detail::NameAndAgent];
        let of_unit = move |unit| details.map(|detail| Self { unit, detail });
        [Unit::Hour, Unit::Day].into_iter().flat_map(of_unit)
    }

    /// Its number in the database.
    pub fn number(self) -> i32 {
        self.unit as i32 * 3 + self.detail as i32
    }
}

/// Whether the rows of the tier with this number are about everything.
pub fn is_total(tier: i32) -> bool {
    Tier::all().any(|each| each.detail == Detail::Total && each.number() == tier)
}

/// The key of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub tier: i32,
    /// The day that it begins with, counted from 1970.
    pub start: i32,
    pub configuration_id: Uuid,
    /// Empty for none.
    pub name: String,
    pub agent_id: Uuid,
    /// Whether it is about what was removed for its age.
    pub is_removed: bool,
}

impl Key {
    /// The row of a tier that an event belongs to, and the slot in it.
    pub fn of(event: &Event, tier: Tier) -> (Self, Slot) {
        let day = day_of(event.hour);
        let (start, time) = match tier.unit {
            Unit::Hour => (day, event.hour.rem_euclid(HOURS_OF_DAY)),
            Unit::Day => {
                let start = month_of(day);
                (start, i64::from(day - start))
            }
        };
        let configuration = event.configuration_id;
        let (configuration, name, agent) = match tier.detail {
            Detail::Total => (None, None, None),
            Detail::Configuration => (configuration, None, None),
            Detail::NameAndAgent => (configuration, event.name.as_deref(), event.agent_id),
        };
        let key = Self {
            tier: tier.number(),
            start,
            configuration_id: configuration.unwrap_or(NONE),
            name: name.unwrap_or_default().to_owned(),
            agent_id: agent.unwrap_or(NONE),
            is_removed: event.is_removed(),
        };
        let time = u8::try_from(time).expect("at most 30");
        (key, Slot { time, outcome: event.outcome as u8 })
    }
}

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
