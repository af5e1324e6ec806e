//! Subscriptions.

use std::sync::Arc;

use async_graphql::{Context, SimpleObject};
use entity::JobState;
use futures_util::Stream;
use futures_util::stream::StreamExt as _;
use uuid::Uuid;

use super::arguments::UuidArgument;
use super::bridge::SubscriptionBridge;
use super::context::viewer;
use super::object::{Job, JobCounts, JobRun};
use super::selection::columns;
use crate::error::Error;
use crate::live::executing_jobs::{LiveJob, Removal};
use crate::live::source::{Event, Source};

fn open(context: &Context<'_>, source: Source) -> impl Stream<Item = Event> + use<> {
    context.data_unchecked::<Arc<SubscriptionBridge>>().open(source)
}

/// What has changed of the jobs that execute.
#[derive(SimpleObject)]
pub struct ExecutingJobsUpdate {
    /// Whether `jobs` are all that execute, in place of those known before. It is so at first, and
    /// after a long break.
    is_snapshot: bool,
    /// The jobs that came or changed, the newest first.
    jobs: Vec<Job>,
    /// The jobs that execute no more.
    left: Vec<JobDeparture>,
}

/// A job that executes no more.
#[derive(SimpleObject)]
pub struct JobDeparture {
    /// The job.
    id: Uuid,
    /// The state it left to. `EXECUTING` if it now belongs to another configuration than the one
    /// that is watched, `UNKNOWN` if it was removed.
    state: JobState,
}

impl From<LiveJob> for Job {
    fn from(live_job: LiveJob) -> Self {
        Self::with_run(live_job.job, live_job.run.map(JobRun::from))
    }
}

impl From<Removal> for JobDeparture {
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
    /// The jobs in the state `EXECUTING`: first all of them, then what changes, several changes at
    /// a time and the newest state of each job. A job changes when a field of its own or of its
    /// current run does, not when other objects do that it leads to.
    async fn executing_jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only jobs of this configuration.")] configuration_id: Option<
            UuidArgument,
        >,
    ) -> Result<impl Stream<Item = ExecutingJobsUpdate> + use<>, Error> {
        let id = UuidArgument::get_optional(configuration_id, "configurationId")?;
        Ok(open(context, Source::executing(viewer(context).scope().narrowed(id))).filter_map(
            async |event| match event {
                Event::Executing(update) => Some(ExecutingJobsUpdate {
                    is_snapshot: update.is_snapshot,
                    jobs: update.jobs.iter().cloned().map(Job::from).collect(),
                    left: update.removed.iter().copied().map(JobDeparture::from).collect(),
                }),
                Event::Run(_) | Event::Counts(_) => None,
            },
        ))
    }

    /// A run: as it is, and again whenever it changes, until both of its phases are over. Null while
    /// there is none.
    async fn job_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A job's id, for its current run, or a run's own id.")] id: UuidArgument,
    ) -> Result<impl Stream<Item = Option<JobRun>> + use<>, Error> {
        let source =
            Source::run(viewer(context).scope().clone(), id.get("id")?, columns::<JobRun>(context));
        Ok(open(context, source).filter_map(async |event| match event {
            Event::Run(run) => Some(run.map(JobRun::from)),
            Event::Executing(_) | Event::Counts(_) => None,
        }))
    }

    /// How many jobs there are, by state: at first, and again whenever it changes.
    async fn job_counts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only jobs of this configuration.")] configuration_id: Option<
            UuidArgument,
        >,
    ) -> Result<impl Stream<Item = JobCounts> + use<>, Error> {
        let id = UuidArgument::get_optional(configuration_id, "configurationId")?;
        Ok(open(context, Source::counts(viewer(context).scope().narrowed(id))).filter_map(
            async |event| match event {
                Event::Counts(counts) => Some(JobCounts(counts)),
                Event::Executing(_) | Event::Run(_) => None,
            },
        ))
    }
}
