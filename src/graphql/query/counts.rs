//! Counts of jobs.

use async_graphql::{Context, Object};

use super::super::context::{reader, scope};
use super::super::object::JobCounts;
use crate::error::ApiError;
use crate::jobs::argument::UuidArgument;
use crate::jobs::counts;

#[derive(Default)]
pub struct CountsQuery;

#[Object]
impl CountsQuery {
    /// How many jobs there are, by state. Costs the same however many there are.
    async fn job_counts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only jobs of this configuration.")] configuration_id: Option<
            UuidArgument,
        >,
    ) -> Result<JobCounts, ApiError> {
        let id = UuidArgument::get_optional(configuration_id, "configurationId")?;
        Ok(JobCounts(counts::read(reader(context), scope(context), id).await?))
    }
}
