//! Statistics of what finished.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entity::Timestamp;

use super::super::context::{Now, scope};
use super::super::object::JobStatistics;
use crate::db::Db;
use crate::error::ApiError;
use crate::jobs::conditions::Conditions;
use crate::jobs::filter::JobFilter;
use crate::jobs::statistics::query::{Bucket, GroupBy, Query};
use crate::jobs::statistics::read;

#[derive(Default)]
pub struct StatisticsQuery;

#[Object]
impl StatisticsQuery {
    /// What finished between two moments: runs by outcome, how long they waited and took, their tasks and
    /// clues. One entry for each bucket of time and each group, sorted by both; those in which nothing
    /// finished are left out. They stay when jobs are removed for their age, and cost the same however many
    /// runs there are.
    async fn job_statistics(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "Only runs of jobs that match; null: all. Statistics know `configurationIds`, `providers`, \
                    `agentIds`, `states` and `excludeStates` (those in which runs ended), and `search` (in \
                    names); other conditions are errors."
        )]
        filter: Option<JobFilter>,
        #[graphql(
            desc = "What ended at this moment or later: from the beginning of its hour if the buckets are \
                    hours, else of its day in UTC. Null: 30 days before `to`."
        )]
        from: Option<Timestamp>,
        #[graphql(
            desc = "What ended before this moment: to the end of its hour or day likewise. Null: now."
        )]
        to: Option<Timestamp>,
        #[graphql(
            desc = "The length of a bucket; at most 1,100 fit between `from` and `to`. Null: the whole time is one."
        )]
        bucket: Option<Bucket>,
        #[graphql(desc = "What to tell apart; null or empty: nothing but the buckets.")]
        group_by: Option<Vec<GroupBy>>,
    ) -> Result<Vec<JobStatistics>, ApiError> {
        let conditions = Conditions::new(filter.unwrap_or_default(), None)?.into_statistics()?;
        let now = context.data_unchecked::<Arc<Now>>().get();
        let group_by = group_by.unwrap_or_default();
        let query = Query::new(conditions, from, to, bucket, group_by, now)?;
        let db = context.data_unchecked::<Db>();
        let _permit = db.long_query_permit().await;
        let found = read::read(db, scope(context), &query).await?;
        Ok(found.into_iter().map(JobStatistics::from).collect())
    }
}
