use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject};
use entity::job_run::Column;
use entity::{Millis, Timestamp, job_event};

use super::{Agent, FailureGroup, Job, load, object};
use crate::error::ApiError;
use crate::graphql::context::{Now, lease_policy, principal};
use crate::graphql::loader::{EstimateOf, HistoryOf, RowLoader};
use crate::graphql::selection::Selectable;
use crate::jobs::derived::{self, Figure};
use crate::jobs::estimates::RunEstimate;

object! {
    /// One attempt at a job, by one agent. It has two phases, which overlap: in the agent phase
    /// the agent finds records and submits them as clues; in the processing phase the server's
    /// pipeline turns what was submitted into records. Fields are null while their value is not
    /// known.
    JobRun: job_run
}

impl Selectable for JobRun {
    type Entity = entity::job_run::Entity;
    const DERIVED: &'static [(&'static str, &'static [Column])] = &[
        ("job", &[Column::JobId]),
        ("agent", &[Column::AgentId]),
        ("isActive", &[Column::AgentState]),
        (
            "isStale",
            &[
                Column::AgentState,
                Column::UpdateDate,
                Column::AgentStartTime,
                Column::AgentQueuedDate,
                Column::AgentReportDate,
                Column::AttemptToken,
            ],
        ),
        ("history", &[Column::Id, Column::JobId]),
        ("failureGroup", &[Column::FailureGroupId]),
        of_figure(Figure::PercentCompleted),
        of_figure(Figure::TasksPerMinute),
        (Figure::EstimatedRemaining.graphql(), FORECAST),
        ("forecast", FORECAST),
        ("isOverdue", OVERDUE),
    ];
}

/// What [`JobRun::end`] and the pace of a run read.
const FORECAST: &[Column] = &[
    Column::JobId,
    Column::AgentState,
    Column::UpdateDate,
    Column::AgentStartTime,
    Column::AgentEndTime,
    Column::AgentQueuedDate,
    Column::AgentReportDate,
    Column::AttemptToken,
    Column::AgentElapsedExecutionTime,
    Column::AgentTasksCompletedCount,
    Column::AgentTasksFailedCount,
    Column::AgentExpectedTasksCount,
    Column::AgentPercentCompleted,
];

/// What [`JobRun::is_overdue`] reads.
pub const OVERDUE: &[Column] = &[Column::JobId, Column::AgentState, Column::AgentStartTime];

/// When a run will end, estimated from completed runs of the same configuration and name, the time that it has
/// taken already, and its own pace.
#[derive(SimpleObject)]
pub struct RunForecast {
    /// One of ten runs like it ends before.
    earliest: Timestamp,
    /// Half of the runs like it end before.
    likely: Timestamp,
    /// One of ten runs like it ends after. Eight of ten end between `earliest` and `latest`.
    latest: Timestamp,
    /// From how many completed runs this was estimated: at least 5, at most the newest 50.
    sample_size: i32,
}

impl JobRun {
    /// How long runs like it take. `None` if it is not active, or too few are known.
    async fn estimate(&self, context: &Context<'_>) -> Result<Option<RunEstimate>, ApiError> {
        if !derived::is_active(&self.row) {
            return Ok(None);
        }
        context.data_unchecked::<RowLoader>().load_one(EstimateOf(self.row.job_id)).await
    }

    /// When it will end. `None` if that cannot be said.
    async fn end(&self, context: &Context<'_>) -> Result<Option<derived::RunForecast>, ApiError> {
        let now = now(context);
        if derived::is_stale(&self.row, now, lease_policy(context).stale_after) {
            return Ok(None);
        }
        let estimate = self.estimate(context).await?;
        Ok(estimate.and_then(|known| derived::forecast(&self.row, now, known.estimate)))
    }

    /// Whether it takes longer than runs like it.
    pub async fn is_late(&self, context: &Context<'_>) -> Result<bool, ApiError> {
        let estimate = self.estimate(context).await?;
        Ok(estimate
            .is_some_and(|known| derived::is_overdue(&self.row, now(context), known.overdue_after)))
    }
}

const fn of_figure(figure: Figure) -> (&'static str, &'static [Column]) {
    (figure.graphql(), figure.columns())
}

fn now(context: &Context<'_>) -> Timestamp {
    context.data_unchecked::<Arc<Now>>().get()
}

#[ComplexObject]
impl JobRun {
    /// The key of that agent, which is sensitive: in the source platform agents sign in with it.
    /// Shown in full to admins. To others it is a fingerprint, `fp_` and ten characters: the same
    /// for the same key, and of no use to find out the key.
    async fn agent_key(&self, context: &Context<'_>) -> String {
        principal(context).agent_key(&self.row.agent_key).into_owned()
    }

    /// The job it is an attempt at.
    async fn job(&self, context: &Context<'_>) -> Result<Option<Job>, ApiError> {
        load(context, self.row.job_id).await
    }

    /// The agent that took it.
    async fn agent(&self, context: &Context<'_>) -> Result<Option<Agent>, ApiError> {
        load(context, self.row.agent_id).await
    }

    /// Whether an agent is at it: executing, done but not everything submitted, submitting, or
    /// asked to cancel.
    async fn is_active(&self) -> bool {
        derived::is_active(&self.row)
    }

    /// Whether the run is active but its agent has not reported for too long: a minute, unless the
    /// service is told otherwise.
    async fn is_stale(&self, context: &Context<'_>) -> bool {
        derived::is_stale(&self.row, now(context), lease_policy(context).stale_after)
    }

    /// Each state that it came into, the oldest first, with those of the job while it waited for
    /// this attempt. Empty for a run whose agent did not report here.
    async fn history(&self, context: &Context<'_>) -> Result<Vec<job_event::Model>, ApiError> {
        let loader = context.data_unchecked::<RowLoader>();
        let events = loader.load_one(HistoryOf(self.row.job_id)).await?.unwrap_or_default();
        let own = events.iter().filter(|event| event.run_id == Some(self.row.id));
        Ok(own.cloned().collect())
    }

    /// The failures with the same cause. Null if it has not failed, and for moments after it failed.
    async fn failure_group(&self, context: &Context<'_>) -> Result<Option<FailureGroup>, ApiError> {
        match self.row.failure_group_id {
            Some(id) => FailureGroup::load(context, id).await,
            None => Ok(None),
        }
    }

    /// How far the agent is, from 0 to 100: by its own account, or else by the tasks it expects, failed
    /// ones included; at most 99.9 then, since it may find more. Null when neither is known.
    async fn percent_completed(&self) -> Option<f64> {
        derived::percent_completed(&self.row)
    }

    /// The agent's tasks done per minute of its work, failed ones included. Null before it can
    /// be said.
    async fn tasks_per_minute(&self) -> Option<f64> {
        derived::tasks_per_minute(&self.row)
    }

    /// How much longer the agent will work, in milliseconds: until the likely end of its `forecast`, or else at
    /// its present pace, by the tasks it expects or its percentage. Null when it is not at work or it cannot be
    /// said.
    async fn estimated_remaining(&self, context: &Context<'_>) -> Result<Option<Millis>, ApiError> {
        let remaining = match self.end(context).await? {
            Some(end) => Some((end.likely.utc() - now(context).utc()).num_milliseconds().max(0)),
            None => derived::estimated_remaining(&self.row),
        };
        Ok(remaining.map(Millis))
    }

    /// When it will end. Null for runs that are not active or stale, with fewer than 5 completed runs of the
    /// same configuration and name, and for continuous jobs.
    async fn forecast(&self, context: &Context<'_>) -> Result<Option<RunForecast>, ApiError> {
        let end = self.end(context).await?;
        Ok(end.map(|end| RunForecast {
            earliest: end.earliest,
            likely: end.likely,
            latest: end.latest,
            sample_size: i32::try_from(end.samples).unwrap_or(i32::MAX),
        }))
    }

    /// Whether it is active and has taken longer than completed runs of the same configuration and name do,
    /// with a margin for how much these vary: about one of 100 runs does without anything being wrong. False
    /// where `forecast` knows too few.
    async fn is_overdue(&self, context: &Context<'_>) -> Result<bool, ApiError> {
        self.is_late(context).await
    }
}
