use async_graphql::{ComplexObject, Context, SimpleObject};
use entity::{JobState, Long, Millis, Timestamp};
use run_statistics::Sketch;
use uuid::Uuid;

use super::{Agent, Configuration, load};
use crate::error::ApiError;
use crate::jobs::statistics::event::Outcome;
use crate::jobs::statistics::read::{Row, Summary};

/// What finished in a length of time, of one of the groups that were asked for. Each attempt at a job counts
/// when its run ends, and stays after the job was removed.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct JobStatistics {
    /// When the bucket begins, in UTC. Without `bucket`, when the time of the query begins.
    start: Timestamp,
    /// When it ends: the first moment after it.
    end: Timestamp,
    /// The configuration, if statistics are grouped by it. Null for jobs without one.
    configuration_id: Option<Uuid>,
    /// The provider, if statistics are grouped by it: the one that the configuration has now. Null for jobs
    /// whose configuration has none.
    provider: Option<String>,
    /// The agent, if statistics are grouped by it.
    agent_id: Option<Uuid>,
    /// The state, if statistics are grouped by it: `COMPLETED`, `FAILED` or `CANCELLED`.
    state: Option<JobState>,
    /// The jobs' name, if statistics are grouped by it. Null for jobs without one.
    name: Option<String>,
    #[graphql(skip)]
    summary: Summary,
    #[graphql(skip)]
    has_jobs: bool,
}

/// How many milliseconds something took. Each value is within 0.4 % of the exact one.
#[derive(SimpleObject)]
pub struct Percentiles {
    /// How many runs are known to have taken how long.
    count: Long,
    /// Half of the runs took this long or less.
    p50: Millis,
    /// 90 of 100 runs took this long or less.
    p90: Millis,
    /// 95 of 100 runs took this long or less.
    p95: Millis,
    /// 99 of 100 runs took this long or less.
    p99: Millis,
    /// The longest took this long.
    max: Millis,
}

/// How many jobs finished, each counted once in the state that it is in now. The sums over all time equal
/// `jobCounts`, together with the jobs that were removed since.
#[derive(SimpleObject)]
pub struct FinishedJobs {
    /// Jobs that finished successfully.
    completed: Long,
    /// Jobs that failed.
    failed: Long,
    /// Jobs that were cancelled, those that no agent had taken included.
    cancelled: Long,
}

impl From<Row> for JobStatistics {
    fn from(row: Row) -> Self {
        let group = row.group;
        Self {
            start: row.start,
            end: row.end,
            configuration_id: group.configuration_id,
            provider: group.provider.map(|provider| provider.to_string()),
            agent_id: group.agent_id,
            state: group.outcome.map(Outcome::state),
            name: group.name.map(|name| name.to_string()),
            summary: row.summary,
            has_jobs: row.has_jobs,
        }
    }
}

impl Percentiles {
    fn of(sketch: &Sketch) -> Option<Self> {
        let (count, [p50, p90, p95, p99, max]) = sketch.quantiles([0.5, 0.9, 0.95, 0.99, 1.0])?;
        let [p50, p90, p95, p99, max] = [p50, p90, p95, p99, max].map(Millis);
        Some(Self { count: Long(count), p50, p90, p95, p99, max })
    }
}

#[ComplexObject]
impl JobStatistics {
    /// The configuration, if statistics are grouped by it.
    async fn configuration(
        &self,
        context: &Context<'_>,
    ) -> Result<Option<Configuration>, ApiError> {
        match self.configuration_id {
            Some(id) => load(context, id).await,
            None => Ok(None),
        }
    }

    /// The agent, if statistics are grouped by it.
    async fn agent(&self, context: &Context<'_>) -> Result<Option<Agent>, ApiError> {
        match self.agent_id {
            Some(id) => load(context, id).await,
            None => Ok(None),
        }
    }

    /// How many runs ended: completed, failed and cancelled.
    async fn finished(&self) -> Long {
        Long(self.summary.finished())
    }

    /// How many runs ended successfully.
    async fn completed(&self) -> Long {
        Long(self.summary.runs_of(Outcome::Completed))
    }

    /// How many runs failed.
    async fn failed(&self) -> Long {
        Long(self.summary.runs_of(Outcome::Failed))
    }

    /// How many runs were cancelled.
    async fn cancelled(&self) -> Long {
        Long(self.summary.runs_of(Outcome::Cancelled))
    }

    /// Of the runs that completed or failed, the part that failed, from 0 to 1. Null without any.
    async fn failure_rate(&self) -> Option<f64> {
        self.summary.failure_rate()
    }

    /// How long runs had waited for their agent, in milliseconds. Null where it is not known of any.
    async fn wait(&self) -> Option<Percentiles> {
        Percentiles::of(&self.summary.total.wait)
    }

    /// How long agents worked on runs, in milliseconds. Null where it is not known of any.
    async fn duration(&self) -> Option<Percentiles> {
        Percentiles::of(&self.summary.total.duration)
    }

    /// How many tasks agents completed in the runs.
    async fn tasks(&self) -> Long {
        Long(self.summary.total.tasks)
    }

    /// How many clues agents submitted in the runs.
    async fn clues(&self) -> Long {
        Long(self.summary.total.clues)
    }

    /// How many jobs finished, by the state that they are in now. Null where statistics are grouped or filtered
    /// by agent.
    async fn jobs(&self) -> Option<FinishedJobs> {
        let count = |outcome: Outcome| Long(self.summary.jobs_of(outcome));
        self.has_jobs.then(|| FinishedJobs {
            completed: count(Outcome::Completed),
            failed: count(Outcome::Failed),
            cancelled: count(Outcome::Cancelled),
        })
    }
}
