//! Where the statistics have an hour.

use run_statistics::Slot;
use uuid::Uuid;

use super::event::Event;
use super::values::HOURS_OF_DAY;
pub use super::values::{day_of, hour_of, moment_of, month_of, name_of, valid_hour};

/// Stands for a missing id in the rows' keys. It sorts last, and no row has it.
pub const NONE: Uuid = Uuid::max();

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
