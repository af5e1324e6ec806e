//! Subscriptions.

use async_graphql::{Context, SimpleObject};
use entity::JobState;
use futures_util::Stream;
use futures_util::stream::StreamExt as _;
use uuid::Uuid;

use super::context::principal;
use super::object::{Job, JobCounts, JobRun};
use super::selection::columns;
use crate::error::ApiError;
use crate::jobs::argument::UuidArgument;
use crate::live::executing_jobs::{LiveJob, Removal};
use crate::live::source::{Event, Source};

fn open(context: &Context<'_>, source: Source) -> impl Stream<Item = Event> + use<> {
    graphql_server::open(context, source)
}

/// A change to the executing jobs.
#[derive(SimpleObject)]
pub struct ExecutingJobsUpdate {
    /// Whether `jobs` are all executing jobs and replace those received before. True for the first
    /// update, and after a long interruption.
    is_snapshot: bool,
    /// The added and changed jobs, newest first.
    jobs: Vec<Job>,
    /// The jobs that are no longer executing.
    removed: Vec<RemovedJob>,
}

/// A job that is no longer executing.
#[derive(SimpleObject)]
pub struct RemovedJob {
    /// The job's id.
    id: Uuid,
    /// Its new state. `EXECUTING` if it moved to a configuration outside the subscription, `UNKNOWN` if
    /// it was deleted.
    state: JobState,
}

impl From<LiveJob> for Job {
    fn from(live_job: LiveJob) -> Self {
        Self::with_run(live_job.job, live_job.run.map(JobRun::from))
    }
}

impl From<Removal> for RemovedJob {
    fn from(removal: Removal) -> Self {
        Self { id: removal.job_id, state: removal.state }
    }
}

/// Subscriptions.
pub struct Subscription;

/// Subscriptions.
#[async_graphql::Subscription]
#[expect(clippy::unused_async, reason = "required by async-graphql")]
impl Subscription {
    /// The jobs in the state `EXECUTING`: first a snapshot of all, then batches of changes with the latest
    /// state of each job. A job changes when one of its own fields or of its current run's fields does,
    /// not when other related objects do.
    async fn executing_jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only jobs of this configuration.")] configuration_id: Option<
            UuidArgument,
        >,
    ) -> Result<impl Stream<Item = ExecutingJobsUpdate> + use<>, ApiError> {
        let id = UuidArgument::get_optional(configuration_id, "configurationId")?;
        Ok(open(context, Source::executing(principal(context).scope().narrowed(id))).filter_map(
            async |event| match event {
                Event::Executing(update) => Some(ExecutingJobsUpdate {
                    is_snapshot: update.is_snapshot,
                    jobs: update.jobs.iter().cloned().map(Job::from).collect(),
                    removed: update.removed.iter().copied().map(RemovedJob::from).collect(),
                }),
                Event::Run(_) | Event::Counts(_) => None,
            },
        ))
    }

    /// A run: its current state, and again after each change, until both of its phases are finished.
    /// Null while there is no run.
    async fn job_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A job's id, for its current run, or a run's own id.")] id: UuidArgument,
    ) -> Result<impl Stream<Item = Option<JobRun>> + use<>, ApiError> {
        let source = Source::run(
            principal(context).scope().clone(),
            id.get("id")?,
            columns::<JobRun>(context),
        );
        Ok(open(context, source).filter_map(async |event| match event {
            Event::Run(run) => Some(run.map(JobRun::from)),
            Event::Executing(_) | Event::Counts(_) => None,
        }))
    }

    /// The number of jobs by state: the current counts, and again after each change.
    async fn job_counts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only jobs of this configuration.")] configuration_id: Option<
            UuidArgument,
        >,
    ) -> Result<impl Stream<Item = JobCounts> + use<>, ApiError> {
        let id = UuidArgument::get_optional(configuration_id, "configurationId")?;
        Ok(open(context, Source::counts(principal(context).scope().narrowed(id))).filter_map(
            async |event| match event {
                Event::Counts(counts) => Some(JobCounts(counts)),
                Event::Executing(_) | Event::Run(_) => None,
            },
        ))
    }
}
