//! What mutations return.

use async_graphql::{ComplexObject, Context, SimpleObject};
use entity::{Long, Millis, Timestamp};
use uuid::Uuid;

use crate::error::ApiError;
use crate::graphql::object::{Agent, Configuration, Job, JobRun, load};
use crate::reports::LeasePolicy;
use crate::reports::op::{self, Outcome, Receipt, Refusal, ReportReceipt, ReportStatus};

/// The answer to `registerAgent`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct RegisterAgentPayload {
    #[graphql(skip)]
    pub id: Option<Uuid>,
    /// Why it was not done. Null if it was.
    pub refusal: Option<Refusal>,
}

#[ComplexObject]
impl RegisterAgentPayload {
    /// The agent as it is known now. Null if it was refused.
    async fn agent(&self, context: &Context<'_>) -> Result<Option<Agent>, ApiError> {
        match self.id {
            Some(id) => load(context, id).await,
            None => Ok(None),
        }
    }
}

/// The answer to `saveConfiguration`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct SaveConfigurationPayload {
    #[graphql(skip)]
    pub id: Option<Uuid>,
    /// Why it was not done. Null if it was.
    pub refusal: Option<Refusal>,
}

#[ComplexObject]
impl SaveConfigurationPayload {
    /// The configuration as it is now. Null if it was refused.
    async fn configuration(
        &self,
        context: &Context<'_>,
    ) -> Result<Option<Configuration>, ApiError> {
        match self.id {
            Some(id) => load(context, id).await,
            None => Ok(None),
        }
    }
}

/// What became of one job.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct JobResult {
    /// The job. Null if none was made.
    pub job_id: Option<Uuid>,
    /// It was so before: the request is a repeat.
    pub is_repeat: bool,
    /// Why it was not done. Null if it was.
    pub refusal: Option<Refusal>,
}

#[ComplexObject]
impl JobResult {
    /// The job as it is now. Null if there is none.
    async fn job(&self, context: &Context<'_>) -> Result<Option<Job>, ApiError> {
        match self.job_id {
            Some(id) => load(context, id).await,
            None => Ok(None),
        }
    }
}

impl JobResult {
    /// The outcome for the job with this id.
    pub fn of(job_id: Option<Uuid>, outcome: Outcome) -> Self {
        match outcome {
            Ok(Receipt::Job { job_id, is_repeat }) => {
                Self { job_id: Some(job_id), is_repeat, refusal: None }
            }
            Ok(_) => Self { job_id, is_repeat: false, refusal: None },
            Err(refusal) => Self { job_id, is_repeat: false, refusal: Some(refusal) },
        }
    }
}

/// The answer to `queueJobs`.
#[derive(SimpleObject)]
pub struct QueueJobsPayload {
    /// What became of each job, in the order of the input.
    pub results: Vec<JobResult>,
}

/// What became of several jobs.
#[derive(SimpleObject)]
pub struct JobsPayload {
    /// When the jobs were counted, by the server's clock. As `updatedBefore` of a later request it
    /// leaves out the jobs that finish, or are retried, after that.
    pub counted_at: Timestamp,
    /// How many jobs the input means, before any of them was touched. Where
    /// `matchedCountIsExact` is false, counting stopped here and there are more.
    pub matched_count: Long,
    /// Whether `matchedCount` is all of them.
    pub matched_count_is_exact: bool,
    /// What became of each job; empty for a dry run.
    pub results: Vec<JobResult>,
    /// Whether there are more than were touched: repeat the request for the next ones.
    pub has_more: bool,
}

/// An agent's attempt at a job: what it needs to report on it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Attempt {
    /// The run that its reports are about.
    run_id: Uuid,
    /// The job.
    job_id: Uuid,
    /// What each report shows.
    attempt_token: Uuid,
    /// The attempt had begun before: the request is a repeat.
    is_repeat: bool,
    /// After how many milliseconds to report.
    report_in: Millis,
    /// When the run's lease expires, and the run fails, unless the agent reports. Null: never.
    lease_end: Option<Timestamp>,
}

#[ComplexObject]
impl Attempt {
    /// The job to do.
    async fn job(&self, context: &Context<'_>) -> Result<Option<Job>, ApiError> {
        load(context, self.job_id).await
    }

    /// The run.
    async fn job_run(&self, context: &Context<'_>) -> Result<Option<JobRun>, ApiError> {
        load(context, self.run_id).await
    }
}

impl Attempt {
    fn new(attempt: op::Attempt, lease_policy: &LeasePolicy, now: Timestamp) -> Self {
        Self {
            run_id: attempt.run_id,
            job_id: attempt.job_id,
            attempt_token: attempt.token,
            is_repeat: attempt.is_repeat,
            report_in: report_in(lease_policy),
            lease_end: lease_end(lease_policy, now),
        }
    }
}

/// The answer to `claimJob` and `startJobRun`.
#[derive(SimpleObject)]
pub struct AttemptPayload {
    /// The agent's attempt. Null if no job is due or it was refused.
    attempt: Option<Attempt>,
    /// Why it was refused. Null if it was not.
    refusal: Option<Refusal>,
}

impl AttemptPayload {
    pub fn new(outcome: Outcome, lease_policy: &LeasePolicy, now: Timestamp) -> Self {
        match outcome {
            Ok(Receipt::Attempt(attempt)) => {
                Self { attempt: Some(Attempt::new(attempt, lease_policy, now)), refusal: None }
            }
            Ok(_) => Self { attempt: None, refusal: None },
            Err(refusal) => Self { attempt: None, refusal: Some(refusal) },
        }
    }
}

/// What became of a report, and what the agent should know.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReportResult {
    #[graphql(skip)]
    id: Option<Uuid>,
    /// The run, as the report named it.
    run_id: String,
    /// Whether it is saved.
    status: ReportStatus,
    /// Why it changed nothing. Null unless `status` is `REFUSED`.
    refusal: Option<Refusal>,
    /// The sequence of the newest report that was accepted. Null if there is none.
    last_sequence: Option<Long>,
    /// Whether someone has asked to cancel: the agent stops and finishes with the outcome
    /// `CANCELLED`.
    cancellation_requested: bool,
    /// After how many milliseconds to report again. Null: not any more.
    report_in: Option<Millis>,
    /// When the run's lease expires, and the run fails, unless the agent reports again. Null: never.
    lease_end: Option<Timestamp>,
}

#[ComplexObject]
impl ReportResult {
    /// The run as it is now. Null if there is none with this id.
    async fn job_run(&self, context: &Context<'_>) -> Result<Option<JobRun>, ApiError> {
        match self.id {
            Some(id) => load(context, id).await,
            None => Ok(None),
        }
    }
}

impl ReportResult {
    pub fn new(
        run_id: String,
        outcome: Outcome,
        has_lease: bool,
        lease_policy: &LeasePolicy,
        now: Timestamp,
    ) -> Self {
        let receipt = match outcome {
            Ok(Receipt::Report(receipt)) => receipt,
            Ok(_) => ReportReceipt::refused(None),
            Err(refusal) => ReportReceipt::refused(Some(refusal)),
        };
        let lease_end = if has_lease { lease_end(lease_policy, now) } else { None };
        Self {
            id: Uuid::parse_str(&run_id).ok(),
            run_id,
            status: receipt.status,
            refusal: receipt.refusal,
            last_sequence: receipt.last_sequence.map(Long),
            cancellation_requested: receipt.cancellation_requested,
            report_in: receipt.is_active.then(|| report_in(lease_policy)),
            lease_end: lease_end
                .filter(|_| receipt.is_active && receipt.status == ReportStatus::Accepted),
        }
    }
}

/// The answer to `reportJobRuns` and `reportProcessing`.
#[derive(SimpleObject)]
pub struct ReportPayload {
    /// What became of each report, in the order of the input.
    pub results: Vec<ReportResult>,
}

/// The answer to `finishJobRun`.
#[derive(SimpleObject)]
pub struct FinishJobRunPayload {
    /// What became of it.
    pub result: ReportResult,
}

fn report_in(lease_policy: &LeasePolicy) -> Millis {
    Millis(i64::try_from(lease_policy.report_every().as_millis()).unwrap_or(i64::MAX))
}

fn lease_end(lease_policy: &LeasePolicy, now: Timestamp) -> Option<Timestamp> {
    let lease = i64::try_from(lease_policy.lease?.as_micros()).ok()?;
    Timestamp::from_micros(now.micros().checked_add(lease)?)
}
