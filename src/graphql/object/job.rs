use std::sync::Arc;

use async_graphql::{ComplexObject, Context};
use entity::job::Column;
use entity::job_event;

use super::job_run::OVERDUE;
use super::{Configuration, JobRun, load, object};
use crate::error::ApiError;
use crate::graphql::loader::{ById, HistoryOf, RowLoader, RunsOf};
use crate::graphql::selection::{Selectable, columns};
use crate::jobs::argument::take_of;
use crate::jobs::page::ListedJob;
use crate::jobs::rows::RunOwner;

object! {
    /// One piece of work for a configuration, such as "crawl HubSpot EU". Each attempt at it is
    /// a job run.
    Job: job { current_run: Option<JobRun> }
}

impl Job {
    /// A job whose current run was read with it.
    pub fn with_run(row: Arc<entity::job::Model>, current_run: Option<JobRun>) -> Self {
        Self { current_run, ..Self::from(row) }
    }
}

impl From<ListedJob> for Job {
    fn from(listed: ListedJob) -> Self {
        Self::with_run(Arc::new(listed.job), listed.run.map(JobRun::from))
    }
}

impl Selectable for Job {
    type Entity = entity::job::Entity;
    const DERIVED: &'static [(&'static str, &'static [Column])] = &[
        ("configuration", &[Column::ConfigurationId]),
        ("currentRun", &[Column::CurrentRunId]),
        ("runs", &[Column::Id]),
        ("history", &[Column::Id]),
        ("isOverdue", &[Column::CurrentRunId]),
    ];
}

#[ComplexObject]
impl Job {
    /// The configuration it works for. Null for a job that is only known from its runs.
    async fn configuration(
        &self,
        context: &Context<'_>,
    ) -> Result<Option<Configuration>, ApiError> {
        match self.row.configuration_id {
            Some(id) => load(context, id).await,
            None => Ok(None),
        }
    }

    /// Its newest run. Null until an agent has taken it.
    async fn current_run(&self, context: &Context<'_>) -> Result<Option<JobRun>, ApiError> {
        match (&self.current_run, self.row.current_run_id) {
            // Lists read it with the job.
            (Some(run), _) => Ok(Some(run.clone())),
            (None, Some(id)) => load(context, id).await,
            (None, None) => Ok(None),
        }
    }

    /// Its runs, the newest first. A job that was retried has several.
    async fn runs(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "How many at most, from 1 to 200.")] take: Option<i32>,
    ) -> Result<Vec<JobRun>, ApiError> {
        let key = RunsOf {
            owner: RunOwner::Job,
            id: self.row.id,
            take: take_of("take", take.unwrap_or(20))?,
            columns: columns::<JobRun>(context),
        };
        let runs = context.data_unchecked::<RowLoader>().load_one(key).await?;
        Ok(runs.into_iter().flatten().map(JobRun::from).collect())
    }

    /// Whether its current run is active and has taken longer than completed runs of the same configuration
    /// and name do. See `JobRun.isOverdue`.
    async fn is_overdue(&self, context: &Context<'_>) -> Result<bool, ApiError> {
        let Some(id) = self.row.current_run_id else { return Ok(false) };
        let key: ById<entity::job_run::Entity> = (id, OVERDUE.iter().copied().collect());
        match context.data_unchecked::<RowLoader>().load_one(key).await? {
            Some(run) => JobRun::from(run).is_late(context).await,
            None => Ok(false),
        }
    }

    /// Each change of its state, the oldest first, whatever the attempt. Empty for a job that was
    /// never changed here.
    async fn history(&self, context: &Context<'_>) -> Result<Vec<job_event::Model>, ApiError> {
        let loader = context.data_unchecked::<RowLoader>();
        let events = loader.load_one(HistoryOf(self.row.id)).await?.unwrap_or_default();
        Ok(events.to_vec())
    }
}
