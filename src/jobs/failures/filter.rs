//! Which failure groups a list shows, and in what order.

use async_graphql::{Enum, InputObject};
use clap::{Args, ValueEnum};
use entity::Timestamp;

use crate::jobs::argument::UuidArgument;

/// Conditions on failure groups, which all hold. Null and an empty list are no condition.
#[derive(Clone, Debug, Default, InputObject, Args)]
pub struct FailureGroupFilter {
    /// Only failures of one of these configurations: the groups have their counts and dates alone.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub configuration_ids: Option<Vec<UuidArgument>>,
    /// Only failures of configurations of one of these providers, such as `hubspot`: the groups have
    /// their counts and dates alone.
    #[arg(long, value_name = "PROVIDER", value_delimiter = ',')]
    pub providers: Option<Vec<String>>,
    /// Only groups whose title contains this, in upper or lower case.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only groups whose last failure was at this moment or later.
    #[arg(long, value_name = "TIME")]
    pub last_seen_after: Option<Timestamp>,
    /// Only groups whose first failure was at this moment or later.
    #[arg(long, value_name = "TIME")]
    pub first_seen_after: Option<Timestamp>,
    /// True: only groups that are acknowledged. False: only the others.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub is_acknowledged: Option<bool>,
    /// True: also groups that have no failed jobs any more, because they were retried or removed.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub include_empty: Option<bool>,
}

/// What a list of failure groups is sorted by, the largest or newest first. Ties go by the id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum FailureGroupOrder {
    /// When the last failure was.
    #[default]
    LastSeen,
    /// When the first failure was.
    FirstSeen,
    /// How many jobs have failed of it.
    JobCount,
}

impl FailureGroupOrder {
    /// The key of a row of the groups' sums; failures of unknown dates come last.
    pub(super) fn expression(self) -> &'static str {
        match self {
            Self::LastSeen => "last_seen",
            Self::FirstSeen => "first_seen",
            Self::JobCount => "jobs",
        }
    }
}
