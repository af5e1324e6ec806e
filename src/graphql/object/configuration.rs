use async_graphql::{ComplexObject, Context};
use entity::JobState;
use entity::configuration::Column;

use super::{Job, JobCounts, object};
use crate::error::ApiError;
use crate::graphql::loader::{CountsOf, JobsOf, RowLoader};
use crate::graphql::selection::{Selectable, columns};
use crate::jobs::argument::take_of;
use crate::jobs::conditions::Conditions;
use crate::jobs::filter::JobFilter;

object! {
    /// One configured source that jobs crawl. Platforms also call it a provider definition.
    Configuration: configuration
}

impl Selectable for Configuration {
    type Entity = entity::configuration::Entity;
    const DERIVED: &'static [(&'static str, &'static [Column])] =
        &[("counts", &[Column::Id]), ("jobs", &[Column::Id])];
}

#[ComplexObject]
impl Configuration {
    /// How many jobs it has, by state.
    async fn counts(&self, context: &Context<'_>) -> Result<JobCounts, ApiError> {
        let loader = context.data_unchecked::<RowLoader>();
        let counts = loader.load_one(CountsOf(self.row.id)).await?;
        Ok(JobCounts(counts.unwrap_or_default()))
    }

    /// Its newest jobs. The query `jobs` pages through all of them.
    async fn jobs(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "How many at most, from 1 to 200.")] take: Option<i32>,
        #[graphql(desc = "Only jobs in one of these states; null or empty: in any.")]
        states: Option<Vec<JobState>>,
    ) -> Result<Vec<Job>, ApiError> {
        let conditions = Conditions::new(JobFilter { states, ..JobFilter::default() }, None)?;
        let key = JobsOf {
            configuration_id: self.row.id,
            states: conditions.states().map(<[_]>::to_vec),
            take: take_of("take", take.unwrap_or(20))?,
            columns: columns::<Job>(context),
        };
        let jobs = context.data_unchecked::<RowLoader>().load_one(key).await?;
        Ok(jobs.into_iter().flatten().map(Job::from).collect())
    }
}
