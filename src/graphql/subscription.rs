//! Subscriptions.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, SimpleObject};
use entity::JobState;
use futures_util::Stream;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use super::arguments::UuidArgument;
use super::object::{Job, JobCounts, JobRun};
use super::selection::columns;
use super::viewer;
use crate::error::Error;
use crate::live::picture::{Departure, Watched};
use crate::live::source::{Event, Source};

/// Where an operation says what it watches, and gets the events of that.
pub struct Stage {
    source: Mutex<Option<Source>>,
    events: Mutex<Option<mpsc::Receiver<Event>>>,
    is_open: Notify,
}

impl Stage {
    pub fn new(events: mpsc::Receiver<Event>) -> Arc<Self> {
        let events = Mutex::new(Some(events));
        Arc::new(Self { source: Mutex::default(), events, is_open: Notify::new() })
    }

    /// What the operation watches, once it has begun.
    pub async fn source(&self) -> Source {
        loop {
            let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
            match source {
                Some(source) => return source,
                None => self.is_open.notified().await,
            }
        }
    }

    fn open(&self, source: Source) -> impl Stream<Item = Event> + use<> {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.is_open.notify_one();
        // One operation has one root field, so the events are there.
        stream::unfold(events, async |events| {
            let mut events = events?;
            Some((events.recv().await?, Some(events)))
        })
    }
}

fn watch(context: &Context<'_>, source: Source) -> impl Stream<Item = Event> + use<> {
    context.data_unchecked::<Arc<Stage>>().open(source)
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

impl From<Watched> for Job {
    fn from(watched: Watched) -> Self {
        Self::with_run(watched.job, watched.run.map(JobRun::from))
    }
}

impl From<Departure> for JobDeparture {
    fn from(departure: Departure) -> Self {
        Self { id: departure.job_id, state: departure.state }
    }
}

/// Subscriptions.
pub struct Subscription;

/// Subscriptions.
#[async_graphql::Subscription]
#[expect(clippy::unused_async, reason = "the library wants it so")]
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
        Ok(watch(context, Source::executing(viewer(context).scope().narrowed(id))).filter_map(
            async |event| match event {
                Event::Executing(update) => Some(ExecutingJobsUpdate {
                    is_snapshot: update.is_snapshot,
                    jobs: update.jobs.iter().cloned().map(Job::from).collect(),
                    left: update.left.iter().copied().map(JobDeparture::from).collect(),
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
        Ok(watch(context, source).filter_map(async |event| match event {
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
        Ok(watch(context, Source::counts(viewer(context).scope().narrowed(id))).filter_map(
            async |event| match event {
                Event::Counts(counts) => Some(JobCounts(counts)),
                Event::Executing(_) | Event::Run(_) => None,
            },
        ))
    }
}
