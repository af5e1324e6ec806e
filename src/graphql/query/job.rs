//! One job.

use async_graphql::{Context, Object};

use super::super::object::{self, Job};
use crate::error::ApiError;
use crate::jobs::argument::UuidArgument;

#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// A job. Null if there is none with this id.
    async fn job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job's id.")] id: UuidArgument,
    ) -> Result<Option<Job>, ApiError> {
        object::load(context, id.get("id")?).await
    }
}
