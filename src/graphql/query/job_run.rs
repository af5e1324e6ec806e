//! Runs.

use async_graphql::{Context, Object};

use super::super::context::{reader, scope};
use super::super::object::JobRun;
use super::super::selection::columns;
use crate::error::ApiError;
use crate::jobs::argument::UuidArgument;
use crate::jobs::rows;

#[derive(Default)]
pub struct JobRunQuery;

#[Object]
impl JobRunQuery {
    /// A run: a job's current run, or any run. Null if there is none.
    async fn job_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A job's id, for its current run, or a run's own id.")] id: UuidArgument,
    ) -> Result<Option<JobRun>, ApiError> {
        let run = rows::run_of(
            reader(context),
            scope(context),
            id.get("id")?,
            columns::<JobRun>(context),
        )
        .await?;
        Ok(run.map(JobRun::from))
    }
}
