//! The filter of jobs, as GraphQL, REST, CSV files and the command line take it.
//!
//! A field here is an input field of GraphQL, a parameter of REST and an option of the command line by
//! itself. [`super::conditions`] has what it means and costs.

use async_graphql::InputObject;
use clap::Args;
use entity::{JobState, LongInput, ProcessingState, Timestamp};

use super::argument::UuidArgument;

/// Conditions on jobs, which all hold. Null and an empty list are no condition.
#[derive(Clone, Debug, Default, InputObject, Args)]
pub struct JobFilter {
    /// Only jobs in one of these states.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub states: Option<Vec<JobState>>,
    /// Only jobs in none of these states.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub exclude_states: Option<Vec<JobState>>,
    /// Only jobs of one of these configurations.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub configuration_ids: Option<Vec<UuidArgument>>,
    /// Only jobs of configurations of one of these providers, such as `hubspot`.
    #[arg(long, value_name = "PROVIDER", value_delimiter = ',')]
    pub providers: Option<Vec<String>>,
    /// Only jobs of this priority: 0 is low, 2 normal, 4 high.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub priority: Option<i32>,
    /// Only jobs whose current run is by one of these agents.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub agent_ids: Option<Vec<UuidArgument>>,
    /// Only jobs whose name contains this, in upper or lower case, or whose id begins with it.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only jobs created at this moment or later.
    #[arg(long, value_name = "TIME")]
    pub created_after: Option<Timestamp>,
    /// Only jobs created before this moment.
    #[arg(long, value_name = "TIME")]
    pub created_before: Option<Timestamp>,
    /// Only jobs whose current run's agent began at this moment or later.
    #[arg(long, value_name = "TIME")]
    pub started_after: Option<Timestamp>,
    /// Only jobs whose current run's agent began before this moment.
    #[arg(long, value_name = "TIME")]
    pub started_before: Option<Timestamp>,
    /// Only finished jobs whose end was at this moment or later: that of the current run's agent or, if it
    /// is not known, the last change of the job.
    #[arg(long, value_name = "TIME")]
    pub finished_after: Option<Timestamp>,
    /// Only finished jobs whose end was before this moment.
    #[arg(long, value_name = "TIME")]
    pub finished_before: Option<Timestamp>,
    /// Only finished jobs whose current run's agent worked for this many milliseconds or longer.
    #[arg(long, value_name = "MILLISECONDS", allow_negative_numbers = true)]
    pub min_duration: Option<LongInput>,
    /// Only finished jobs whose current run's agent worked for this many milliseconds or less.
    #[arg(long, value_name = "MILLISECONDS", allow_negative_numbers = true)]
    pub max_duration: Option<LongInput>,
    /// Only jobs whose current run's message contains this, in upper or lower case. `jobs` looks through the
    /// 5,000 jobs that come first by the other conditions and the order, so combine it with conditions on
    /// dates and states. `jobsConnection` goes on from its `endCursor`; files and mutations look through all.
    #[arg(long, value_name = "TEXT")]
    pub message_contains: Option<String>,
    /// Only failed jobs of this failure group.
    #[arg(long, value_name = "ID")]
    pub failure_group_id: Option<UuidArgument>,
    /// Only jobs that are scheduled for this moment or later.
    #[arg(long, value_name = "TIME")]
    pub scheduled_after: Option<Timestamp>,
    /// Only jobs whose state last changed before this moment. With the moment at which the jobs were
    /// counted, jobs that finish meanwhile are left out.
    #[arg(long, value_name = "TIME")]
    pub updated_before: Option<Timestamp>,
    /// Only jobs whose current run's processing is in one of these states.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub processing_states: Option<Vec<ProcessingState>>,
    /// True: only jobs whose current run's processing has ended and received fewer clues than the agent
    /// submitted. False: only the others.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub clues_missing: Option<bool>,
    /// True: only jobs whose current run is active but whose agent has not reported for too long: a
    /// minute, unless the service is told otherwise. False: only the others.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub is_stale: Option<bool>,
    /// True: only jobs whose current run is active and has taken longer than completed runs of the same
    /// configuration and name do (`JobRun.isOverdue`). False: only the others.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub is_overdue: Option<bool>,
}
