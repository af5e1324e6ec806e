//! In what order a list shows jobs.

use async_graphql::{Enum, InputObject};
use clap::{Args, ValueEnum};

/// What a list is sorted by. Ties go by the id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum, ValueEnum)]
#[graphql(name = "JobOrderField")]
#[value(rename_all = "PascalCase")]
pub enum OrderField {
    /// When the job was created.
    #[default]
    CreatedDate,
    /// When the job last changed, or was created if it never did.
    UpdateDate,
    /// Its name, by code points; jobs without a name come first.
    Name,
    /// When the job is due, as agents claim it: its `scheduledDate`, or its `createdDate` if it is
    /// not scheduled.
    ScheduledDate,
    /// When the agent of the current run began. Jobs that no agent has begun count as the earliest: they
    /// come last in descending order.
    StartedDate,
    /// When the job finished: the end of the current run's agent or, if that is not known, the last
    /// change of the job. Jobs that have not finished count as the earliest.
    FinishedDate,
    /// How long the agent of the current run worked, of finished jobs. The others count as the shortest.
    Duration,
    /// The priority; of the same priority, when the job was created.
    Priority,
}

impl OrderField {
    pub const ALL: [Self; 8] = [
        Self::CreatedDate,
        Self::UpdateDate,
        Self::Name,
        Self::ScheduledDate,
        Self::StartedDate,
        Self::FinishedDate,
        Self::Duration,
        Self::Priority,
    ];

    /// What is compared, before the id. The indexes have the same expressions.
    pub(super) fn keys(self, is_postgres: bool) -> &'static [&'static str] {
        match (self, is_postgres) {
            (Self::CreatedDate, _) => &["created_date"],
            (Self::UpdateDate, _) => &["coalesce(update_date, created_date)"],
            (Self::Name, _) => &["coalesce(name, '')"],
            (Self::ScheduledDate, _) => &["coalesce(scheduled_date, created_date)"],
            (Self::StartedDate, false) => &["coalesce(started_date, -210866803200000000)"],
            (Self::StartedDate, true) => {
                &["coalesce(started_date, '4714-11-24 00:00:00+00 BC'::timestamptz)"]
            }
            (Self::FinishedDate, false) => &["coalesce(finished_date, -210866803200000000)"],
            (Self::FinishedDate, true) => {
                &["coalesce(finished_date, '4714-11-24 00:00:00+00 BC'::timestamptz)"]
            }
            (Self::Duration, _) => &["coalesce(duration, -9007199254740992)"],
            (Self::Priority, _) => &["priority", "created_date"],
        }
    }

    /// The first of the keys, which conditions compare.
    pub(super) fn key(self, is_postgres: bool) -> &'static str {
        self.keys(is_postgres)[0]
    }
}

/// Microseconds of Julian day 0, before which PostgreSQL knows no moments: in the place of a date that
/// is null.
pub(super) const NO_TIME: i64 = -210_866_803_200_000_000;

/// In the place of a duration that is null: less than any.
pub(super) const NO_DURATION: i64 = -9_007_199_254_740_992;

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum SortDirection {
    /// The smallest, oldest or alphabetically first comes first.
    Asc,
    /// The largest, newest or alphabetically last comes first.
    Desc,
}

/// The order as options of the command line.
#[derive(Clone, Copy, Debug, Args)]
pub struct OrderOptions {
    /// What jobs are sorted by. Without it they go out by id.
    #[arg(long, value_enum, value_name = "FIELD", ignore_case = true)]
    order_by: Option<OrderField>,
    /// Which way. The largest or newest come first unless it says otherwise.
    #[arg(long, value_enum, value_name = "DIRECTION", ignore_case = true, requires = "order_by")]
    direction: Option<SortDirection>,
}

impl OrderOptions {
    pub fn order(self) -> Option<Order> {
        Some(Order {
            field: self.order_by?,
            direction: self.direction.or(Some(SortDirection::Desc)),
        })
    }
}

/// What a list of jobs is sorted by. Jobs that are equal in it are sorted by their ids.
#[derive(Clone, Copy, Debug, InputObject)]
#[graphql(name = "JobOrder")]
pub struct Order {
    /// The value that is compared.
    pub field: OrderField,
    /// Which way.
    #[graphql(default_with = "Some(SortDirection::Desc)")]
    direction: Option<SortDirection>,
}

/// Newest first.
impl Default for Order {
    fn default() -> Self {
        Self::descending(OrderField::CreatedDate)
    }
}

impl Order {
    pub fn new(field: OrderField, direction: SortDirection) -> Self {
        Self { field, direction: Some(direction) }
    }

    pub fn ascending(field: OrderField) -> Self {
        Self { field, direction: Some(SortDirection::Asc) }
    }

    pub fn descending(field: OrderField) -> Self {
        Self { field, direction: Some(SortDirection::Desc) }
    }

    pub fn is_descending(self) -> bool {
        self.direction != Some(SortDirection::Asc)
    }

    pub(super) fn reversed(self) -> Self {
        if self.is_descending() {
            Self::ascending(self.field)
        } else {
            Self::descending(self.field)
        }
    }

    pub(super) fn direction(self) -> &'static str {
        if self.is_descending() { "DESC" } else { "ASC" }
    }
}
