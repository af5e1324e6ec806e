use async_graphql::{ComplexObject, Context};
use entity::agent::Column;
use entity::{Columns, Timestamp, job_run};

use super::{JobRun, object};
use crate::error::ApiError;
use crate::graphql::context::principal;
use crate::graphql::loader::{RowLoader, RunsOf};
use crate::graphql::selection::{Selectable, columns};
use crate::jobs::argument::take_of;
use crate::jobs::rows::RunOwner;
use crate::jobs::scope::Scope;

object! {
    /// A program that runs jobs near a data source.
    Agent: agent
}

impl Selectable for Agent {
    type Entity = entity::agent::Entity;
    const DERIVED: &'static [(&'static str, &'static [Column])] =
        &[("runs", &[Column::Id]), ("lastSeen", &[Column::Id, Column::LastSeen])];
}

#[ComplexObject]
impl Agent {
    /// When the service last received anything from it: a registration, a claim for a job, a report;
    /// up to 20 seconds late. For an agent that files or other programs wrote, when its newest run
    /// last changed, for principals that may see all configurations. Null when not known.
    async fn last_seen(&self, context: &Context<'_>) -> Result<Option<Timestamp>, ApiError> {
        // A limited scope's runs are found by passing over those of others.
        if self.row.last_seen.is_some() || *principal(context).scope() != Scope::All {
            return Ok(self.row.last_seen);
        }
        let key = RunsOf {
            owner: RunOwner::Agent,
            id: self.row.id,
            take: 1,
            columns: Columns::none().with(job_run::Column::UpdateDate),
        };
        let runs = context.data_unchecked::<RowLoader>().load_one(key).await?.unwrap_or_default();
        Ok(runs.first().and_then(|run| run.update_date))
    }

    /// Its newest runs.
    async fn runs(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "How many at most, from 1 to 200.")] take: Option<i32>,
    ) -> Result<Vec<JobRun>, ApiError> {
        let key = RunsOf {
            owner: RunOwner::Agent,
            id: self.row.id,
            take: take_of("take", take.unwrap_or(20))?,
            columns: columns::<JobRun>(context),
        };
        let runs = context.data_unchecked::<RowLoader>().load_one(key).await?;
        Ok(runs.into_iter().flatten().map(JobRun::from).collect())
    }
}
