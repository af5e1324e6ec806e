//! The root fields, a file for each noun.

mod agent;
mod configuration;
mod counts;
mod failures;
mod job;
mod job_run;
mod jobs;
mod named_page;
mod principal;
mod statistics;

use async_graphql::MergedObject;

/// Queries.
#[derive(Default, MergedObject)]
pub struct Query(
    principal::PrincipalQuery,
    counts::CountsQuery,
    jobs::JobsQuery,
    job_run::JobRunQuery,
    job::JobQuery,
    configuration::ConfigurationQuery,
    agent::AgentQuery,
    failures::FailuresQuery,
    statistics::StatisticsQuery,
);
