use async_graphql::{ComplexObject, Context};
use entity::agent::Column;

use super::{JobRun, object};
use crate::error::Error;
use crate::graphql::arguments::take_of;
use crate::graphql::loader::{RowLoader, RunsOf};
use crate::graphql::selection::{Selectable, columns};
use crate::jobs::rows::RunOwner;

object! {
    /// A program that runs jobs near a data source.
    Agent: agent
}

impl Selectable for Agent {
    type Entity = entity::agent::Entity;
    const DERIVED: &'static [(&'static str, &'static [Column])] = &[("runs", &[Column::Id])];
}

#[ComplexObject]
impl Agent {
    /// Its newest runs.
    async fn runs(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "How many at most, from 1 to 200.")] take: Option<i32>,
    ) -> Result<Vec<JobRun>, Error> {
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
