//! What is read of the statistics, and what that costs.

use async_graphql::Enum;
use chrono::{DateTime, Datelike as _, Months};
use entity::Timestamp;

use super::place::{self, Detail, Tier, Unit, day_of, hour_of, month_of};
use crate::db::Sql;
use crate::error::ApiError;
use crate::jobs::conditions::{COUNT, SCAN, StatisticsConditions};
use crate::jobs::scope::Scope;
use crate::jobs::search::push_contains;

/// How many buckets a query has at most.
pub const MAX_BUCKETS: i64 = 1_100;

/// How many groups, of all buckets together, a response has at most.
pub const MAX_GROUPS: usize = 20_000;

/// What a query reads without `from`, in days.
const DEFAULT_DAYS: i64 = 30;

const HOURS_OF_DAY: i64 = 24;

const HOURS_OF_WEEK: i64 = 7 * HOURS_OF_DAY;

const MICROS_OF_HOUR: i64 = 3_600_000_000;

/// A length of time that statistics are summed up over, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, clap::ValueEnum)]
#[graphql(name = "StatisticsBucket")]
pub enum Bucket {
    /// An hour.
    Hour,
    /// A day, from midnight in UTC.
    Day,
    /// A week, from Monday.
    Week,
}

/// What statistics are told apart by, beside their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, clap::ValueEnum)]
#[graphql(name = "StatisticsGroup")]
pub enum GroupBy {
    /// The configuration.
    Configuration,
    /// The provider that the configuration has now.
    Provider,
    /// The agent.
    Agent,
    /// The state in which it ended.
    State,
    /// The job's name, up to its 200th character.
    Name,
}

/// What to sum up.
#[derive(Clone, Debug)]
pub struct Query {
    pub(super) conditions: StatisticsConditions,
    /// `None` for the whole time as one.
    bucket: Option<Bucket>,
    group_by: Vec<GroupBy>,
    /// In hours since 1970; the end is not part of it.
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Query {
    /// Checks the arguments of a query. Times are widened to whole hours, or to whole days if the buckets
    /// are not hours.
    ///
    /// # Errors
    /// The argument that is not as expected.
    pub fn new(
        conditions: StatisticsConditions,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        bucket: Option<Bucket>,
        group_by: Vec<GroupBy>,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let to = to.unwrap_or(now).micros();
        let from = from.map_or(
            to.saturating_sub(DEFAULT_DAYS * HOURS_OF_DAY * MICROS_OF_HOUR),
            Timestamp::micros,
        );
        if from >= to {
            return Err(ApiError::invalid("to", "expected a moment after `from`"));
        }
        let unit = if bucket == Some(Bucket::Hour) { 1 } else { HOURS_OF_DAY };
        let from = from.div_euclid(MICROS_OF_HOUR).div_euclid(unit) * unit;
        let to = (to - 1).div_euclid(MICROS_OF_HOUR).div_euclid(unit) * unit + unit;
        let query = Self { conditions, bucket, group_by, from, to };
        // Without buckets the time is limited by the months that a statement names.
        let buckets = match bucket {
            Some(_) => query.bucket_count(),
            None => (to - from) / (HOURS_OF_DAY * 30),
        };
        if buckets > MAX_BUCKETS {
            let message = format!(
                "expected at most {MAX_BUCKETS} buckets between `from` and `to`, not {buckets}"
            );
            return Err(ApiError::invalid("from", message));
        }
        if [query.from, query.to].iter().any(|hour| place::valid_hour(*hour) != *hour) {
            return Err(ApiError::invalid("from", "expected a time between the years 1 and 9999"));
        }
        Ok(query)
    }

    /// About how many groups the response has, of all buckets together.
    pub fn groups(&self) -> u64 {
        let of_group = |group: &GroupBy| match group {
            GroupBy::State => 3,
            GroupBy::Provider => 5,
            GroupBy::Configuration | GroupBy::Agent | GroupBy::Name => 20,
        };
        let buckets = self.bucket_count().unsigned_abs();
        let groups = self.group_by.iter().map(of_group).fold(buckets, u64::saturating_mul);
        groups.min(MAX_GROUPS as u64)
    }

    /// What finding them costs, in values of a response: as much as a scan at most.
    pub fn cost(&self, scope: &Scope) -> u64 {
        let tier = self.tier(scope);
        // The rows of a month: one, or one of each configuration, or of each name and agent.
        let of_start = match tier.detail {
            Detail::Total => COUNT / 10,
            Detail::Configuration => COUNT,
            Detail::NameAndAgent => 4 * COUNT,
        };
        (self.starts(tier.unit).len() as u64).saturating_mul(of_start).min(SCAN)
    }

    fn bucket_count(&self) -> i64 {
        let length = match self.bucket {
            None => return 1,
            Some(Bucket::Hour) => 1,
            Some(Bucket::Day) => HOURS_OF_DAY,
            Some(Bucket::Week) => HOURS_OF_WEEK,
        };
        (self.to - self.from + length - 1) / length
    }

    pub(super) fn is_grouped_by(&self, group: GroupBy) -> bool {
        self.group_by.contains(&group)
    }

    /// The rows that have all that the query needs.
    pub(super) fn tier(&self, scope: &Scope) -> Tier {
        let conditions = &self.conditions;
        let is_by = |groups: &[GroupBy]| groups.iter().any(|group| self.is_grouped_by(*group));
        let detail = if is_by(&[GroupBy::Agent, GroupBy::Name])
            || conditions.search.is_some()
            || !conditions.agents.is_empty()
        {
            Detail::NameAndAgent
        } else if is_by(&[GroupBy::Configuration, GroupBy::Provider])
            || scope.within(&conditions.configurations) != Scope::All
            || !conditions.providers.is_empty()
        {
            Detail::Configuration
        } else {
            Detail::Total
        };
        let unit = if self.bucket == Some(Bucket::Hour) { Unit::Hour } else { Unit::Day };
        Tier { unit, detail }
    }

    /// The days with which the rows of the time begin.
    pub(super) fn starts(&self, unit: Unit) -> Vec<i32> {
        let (first, last) = (day_of(self.from), day_of(self.to - 1));
        match unit {
            Unit::Hour => (first..=last).collect(),
            Unit::Day => {
                let mut starts = vec![month_of(first)];
                while let Some(next) = starts.last().map(|start| next_month(*start))
                    && next <= last
                {
                    starts.push(next);
                }
                starts
            }
        }
    }

    /// The first hour of the bucket of an hour within the time.
    pub(super) fn bucket_of(&self, hour: i64) -> i64 {
        match self.bucket {
            None => self.from,
            Some(Bucket::Hour) => hour,
            Some(Bucket::Day) => hour.div_euclid(HOURS_OF_DAY) * HOURS_OF_DAY,
            // 1970 began on a Thursday.
            Some(Bucket::Week) => {
                let monday = 4 * HOURS_OF_DAY;
                (hour - monday).div_euclid(HOURS_OF_WEEK) * HOURS_OF_WEEK + monday
            }
        }
    }

    pub(super) fn bucket_end(&self, start: i64) -> i64 {
        match self.bucket {
            None => self.to,
            Some(Bucket::Hour) => start + 1,
            Some(Bucket::Day) => start + HOURS_OF_DAY,
            Some(Bucket::Week) => start + HOURS_OF_WEEK,
        }
    }

    /// Adds the conditions on the configuration, name and agent of rows with such columns.
    pub(super) fn push_conditions(&self, sql: &mut Sql, scope: &Scope) {
        let StatisticsConditions { configurations, providers, agents, search, states: _ } =
            &self.conditions;
        scope.within(configurations).push(sql, "t.configuration_id");
        if !providers.is_empty() {
            sql.push(
                " AND t.configuration_id IN (SELECT c.id FROM configuration AS c WHERE c.provider",
            )
            .any_text(providers)
            .push(")");
        }
        if !agents.is_empty() {
            sql.push(" AND t.agent_id").any_uuid(agents);
        }
        if let Some(text) = search {
            sql.push(" AND ");
            push_contains(sql, "t.name", text);
        }
    }
}

fn next_month(day: i32) -> i32 {
    let moment = DateTime::from_timestamp(hour_of(day) * 3_600, 0).expect("before the year 10,000");
    let next = moment + Months::new(1);
    i32::try_from(next.with_day(1).unwrap_or(next).timestamp() / 86_400).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(from: &str, to: &str, bucket: Option<Bucket>) -> Result<Query, ApiError> {
        let moment = |text: &str| Some(text.parse().expect("a moment"));
        let conditions = StatisticsConditions::default();
        Query::new(conditions, moment(from), moment(to), bucket, Vec::new(), Timestamp::default())
    }

    #[test]
    fn times_are_widened_to_whole_hours_or_days() {
        for (bucket, from, to, count) in [
            (Some(Bucket::Hour), "2026-05-01T10:00:00Z", "2026-05-02T12:00:00Z", 26),
            (Some(Bucket::Day), "2026-05-01T00:00:00Z", "2026-05-03T00:00:00Z", 2),
            (Some(Bucket::Week), "2026-05-01T00:00:00Z", "2026-05-03T00:00:00Z", 1),
            (None, "2026-05-01T00:00:00Z", "2026-05-03T00:00:00Z", 1),
        ] {
            let query =
                query("2026-05-01T10:59:00Z", "2026-05-02T11:00:00.000001Z", bucket).unwrap();
            let hour = |text: &str| text.parse::<Timestamp>().unwrap().micros() / MICROS_OF_HOUR;
            assert_eq!((query.from, query.to), (hour(from), hour(to)), "{bucket:?}");
            assert_eq!(query.bucket_count(), count, "{bucket:?}");
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        let query = query("2026-05-01", "2026-06-01", Some(Bucket::Week)).unwrap();
        // 2026-05-01 is a Friday.
        let monday = query.bucket_of(query.from);
        assert_eq!(query.from - monday, 4 * HOURS_OF_DAY);
        assert_eq!(query.bucket_of(monday), monday);
        assert_eq!(query.bucket_of(monday + HOURS_OF_WEEK - 1), monday);
        assert_eq!(query.bucket_of(monday - 1), monday - HOURS_OF_WEEK);
    }

    #[test]
    fn rows_of_each_month_are_read() {
        let starts =
            query("2024-01-31", "2024-03-02", Some(Bucket::Day)).unwrap().starts(Unit::Day);
        assert_eq!(starts, [19_723, 19_754, 19_783]);
    }

    #[test]
    fn too_many_buckets_are_refused() {
        assert!(query("2026-01-01", "2026-02-01", Some(Bucket::Hour)).is_ok());
        for (from, to, bucket) in [
            ("2026-01-01", "2026-03-01", Some(Bucket::Hour)),
            ("2020-01-01", "2026-01-01", Some(Bucket::Day)),
            ("1000-01-01", "2026-01-01", None),
            ("2026-01-02", "2026-01-02", None),
        ] {
            assert!(query(from, to, bucket).is_err(), "{from} {to} {bucket:?}");
        }
    }
}
