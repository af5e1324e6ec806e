//! What mutations take, and its way into ops.

use async_graphql::{Enum, InputObject};
use entity::{JobState, LongInput, ProcessingState, Timestamp, job, job_run};
use sea_orm::Value;
use uuid::Uuid;

use crate::jobs::argument::UuidArgument;
use crate::jobs::filter::JobFilter;
use crate::reports::machine::{Ending, Phase};
use crate::reports::op::{
    Actor, AgentReport, NewJob, Op, ProcessingReport, Refusal, RefusalCode, RunValues, Start,
    Transition, check_text,
};

/// What a name may be long, in characters.
const NAME_LENGTH: usize = 200;

/// Checks a name.
fn check_name(field: &'static str, name: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(name) = name else { return Ok(None) };
    check_text(field, &name)?;
    let length = name.chars().count();
    let message = if !(1..=NAME_LENGTH).contains(&length) {
        format!("expected 1 to {NAME_LENGTH} characters, not {length}")
    } else if name.chars().any(char::is_control) {
        "expected a text without control characters".to_owned()
    } else if name.trim().is_empty() {
        "expected more than blanks".to_owned()
    } else {
        return Ok(Some(name));
    };
    Err(Refusal::new(RefusalCode::InvalidValue, Some(field), message))
}

/// An id of an item of a list. An invalid one refuses the item, not the request.
fn id(field: &'static str, id: &UuidArgument) -> Result<Uuid, Refusal> {
    id.get(field).map_err(|error| Refusal::new(RefusalCode::InvalidValue, Some(field), error))
}

/// An agent, as it introduces itself.
#[derive(InputObject)]
pub struct RegisterAgentInput {
    /// The agent's own id, if it has one. Null: that of the token, or a new one.
    pub id: Option<UuidArgument>,
    /// Display name, 1 to 200 characters.
    name: Option<String>,
    /// Its key on its platform, which its runs show. Sensitive; not a password of this service.
    agent_key: Option<String>,
}

impl RegisterAgentInput {
    /// The row. A principal that is limited to the agent `own` can only register that.
    pub fn into_row(
        self,
        own: Option<Uuid>,
        now: Timestamp,
    ) -> Result<entity::agent::Model, Refusal> {
        let given = self.id.map(|value| id("id", &value)).transpose()?;
        let id = given.or(own).unwrap_or_else(Uuid::now_v7);
        if own.is_some_and(|own| own != id) {
            return Err(Refusal::not_found("id", "agent"));
        }
        Ok(entity::agent::Model {
            id,
            name: check_name("name", self.name)?,
            created_date: now,
            update_date: Some(now),
            agent_key: check_name("agentKey", self.agent_key)?,
            last_seen: Some(now),
        })
    }
}

/// A configured source of jobs.
#[derive(InputObject)]
pub struct SaveConfigurationInput {
    /// The configuration to change, or to create with this id. Null: a new one.
    pub id: Option<UuidArgument>,
    /// Display name, 1 to 200 characters. Null leaves it unchanged.
    name: Option<String>,
    /// The kind of source, such as `hubspot`. Null leaves it as it is.
    provider: Option<String>,
}

impl SaveConfigurationInput {
    pub fn into_row(self, now: Timestamp) -> Result<entity::configuration::Model, Refusal> {
        Ok(entity::configuration::Model {
            id: self.id.map_or_else(|| Ok(Uuid::now_v7()), |value| id("id", &value))?,
            name: check_name("name", self.name)?,
            provider: check_name("provider", self.provider)?,
            created_date: now,
            update_date: Some(now),
        })
    }
}

/// A job to queue.
#[derive(InputObject)]
pub struct QueueJobInput {
    /// The configuration that it works for.
    configuration_id: UuidArgument,
    /// What it is called: the component that does the work. 1 to 200 characters.
    name: Option<String>,
    /// The kind of work, in the platform's own words.
    r#type: Option<String>,
    /// Which of several queued jobs goes first, the higher one: 0 is low, 2 normal, 4 high.
    #[graphql(default = 2)]
    priority: i32,
    /// When it is to run. Null: as soon as an agent is free.
    scheduled_date: Option<Timestamp>,
    /// A name for this request, of your choice. A repeat with the same name for the same
    /// configuration returns the job that the first one made, so that a request whose answer was
    /// lost can be sent again.
    client_request_id: Option<String>,
}

impl QueueJobInput {
    pub fn into_op(self, by: Actor) -> Result<Op, Refusal> {
        if !(0..=100).contains(&self.priority) {
            return Err(Refusal::new(
                RefusalCode::InvalidValue,
                Some("priority"),
                format_args!("expected a number from 0 to 100, not {}", self.priority),
            ));
        }
        Ok(Op::Queue(NewJob {
            job: job::Model {
                configuration_id: Some(id("configurationId", &self.configuration_id)?),
                name: check_name("name", self.name)?,
                r#type: check_name("type", self.r#type)?,
                priority: self.priority,
                scheduled_date: self.scheduled_date,
                client_request_id: check_name("clientRequestId", self.client_request_id)?,
                ..job::Model::default()
            },
            by,
        }))
    }
}

/// An agent that wants a job.
#[derive(InputObject)]
pub struct ClaimJobInput {
    /// The agent, which has registered.
    pub agent_id: UuidArgument,
    /// Only jobs of these configurations; null or empty: of any.
    pub configuration_ids: Option<Vec<UuidArgument>>,
    /// A UUID that the agent has made up for this attempt, and that each report shows. Asked again
    /// with the same one, as when the answer was lost, it is given the same attempt. Null: the
    /// service makes one up.
    pub attempt_token: Option<UuidArgument>,
    /// For how long to wait for a job if none is due, in milliseconds from 0 to 60,000.
    #[graphql(default = 0)]
    pub wait: i32,
}

/// An agent that was told elsewhere which job to begin.
#[derive(InputObject)]
pub struct StartJobRunInput {
    /// The job, which is queued.
    job_id: UuidArgument,
    /// The agent, which has registered.
    agent_id: UuidArgument,
    /// A new UUID for this attempt, chosen by the sender. Each report carries it.
    attempt_token: UuidArgument,
}

impl StartJobRunInput {
    pub fn into_op(self) -> Result<Op, Refusal> {
        Ok(Op::Start(Start {
            job_id: id("jobId", &self.job_id)?,
            agent_id: id("agentId", &self.agent_id)?,
            token: id("attemptToken", &self.attempt_token)?,
        }))
    }
}

/// Defines an input object of columns that are reported.
macro_rules! progress_input {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$field_meta:meta])* $field:ident: $type:ty => $column:ident, )* }
    ) => {
        $(#[$meta])*
        #[derive(Default, InputObject)]
        pub struct $name {
            $( $(#[$field_meta])* $field: Option<$type>, )*
        }

        impl $name {
            fn into_progress(self) -> RunValues {
                let mut progress = RunValues::new();
                $(
                    if let Some(value) = self.$field {
                        progress.push((job_run::Column::$column, Value::from(value)));
                    }
                )*
                progress
            }
        }
    };
}

progress_input! {
    /// How far an agent is. Counters are totals of the run, never what was added: a report that is
    /// lost or comes twice does no harm. What is null stays as it was reported last.
    AgentProgressInput {
        /// The agent's last word: an error, or a summary. At most 10,000 characters.
        agent_result_message: String => AgentResultMessage,
        /// When the agent began, if it was not when it took the job.
        agent_start_time: Timestamp => AgentStartTime,
        /// When the agent ended, if it was not just now.
        agent_end_time: Timestamp => AgentEndTime,
        /// How long the agent has worked, in milliseconds.
        agent_elapsed_execution_time: LongInput => AgentElapsedExecutionTime,
        /// How far the agent is by its own account, from 0 to 100.
        agent_percent_completed: f64 => AgentPercentCompleted,
        /// When the agent last submitted clues.
        agent_last_submitted_date: Timestamp => AgentLastSubmittedDate,
        /// How many tasks the agent expects in all.
        agent_expected_tasks_count: LongInput => AgentExpectedTasksCount,
        /// How many tasks the agent has found so far.
        agent_tasks_count: LongInput => AgentTasksCount,
        /// Of these, those that wait.
        agent_tasks_queued_count: LongInput => AgentTasksQueuedCount,
        /// Of these, those that are done.
        agent_tasks_completed_count: LongInput => AgentTasksCompletedCount,
        /// Of these, those that failed.
        agent_tasks_failed_count: LongInput => AgentTasksFailedCount,
        /// How many clues the agent has found so far.
        agent_clues_count: LongInput => AgentCluesCount,
        /// Of these, those that wait to be submitted.
        agent_clues_queued_count: LongInput => AgentCluesQueuedCount,
        /// Of these, those that were submitted.
        agent_clues_completed_count: LongInput => AgentCluesCompletedCount,
        /// Of these, those that could not be submitted.
        agent_clues_failed_count: LongInput => AgentCluesFailedCount,
    }
}

progress_input! {
    /// How far the processing of a run is. Counters are totals of the run. What is null stays as
    /// it was reported last.
    ProcessingProgressInput {
        /// When the first submitted clue was queued for processing.
        processing_queued_date: Timestamp => ProcessingQueuedDate,
        /// When processing began.
        processing_start_time: Timestamp => ProcessingStartTime,
        /// When processing ended.
        processing_end_time: Timestamp => ProcessingEndTime,
        /// How many tasks processing has: one for each submitted clue.
        processing_tasks_count: LongInput => ProcessingTasksCount,
        /// Of these, those that wait.
        processing_tasks_queued_count: LongInput => ProcessingTasksQueuedCount,
        /// Of these, those that are done.
        processing_tasks_completed_count: LongInput => ProcessingTasksCompletedCount,
        /// Of these, those that failed.
        processing_tasks_failed_count: LongInput => ProcessingTasksFailedCount,
        /// Of these, those that were skipped.
        processing_tasks_skipped_count: LongInput => ProcessingTasksSkippedCount,
        /// How often a processing task was tried again.
        processing_task_retries_count: LongInput => ProcessingTaskRetriesCount,
        /// Tasks that changed nothing, since the record existed already.
        processing_tasks_already_exists_count: LongInput => ProcessingTasksAlreadyExistsCount,
        /// Tasks that changed nothing, since the record was up to date.
        processing_tasks_already_up_to_date_count: LongInput => ProcessingTasksAlreadyUpToDateCount,
        /// Tasks that changed nothing, since a rule ignores the record.
        processing_tasks_ignored_count: LongInput => ProcessingTasksIgnoredCount,
        /// How many payloads processing has received.
        processing_tasks_received_payloads_count: LongInput => ProcessingTasksReceivedPayloadsCount,
        /// How many clues processing has received.
        processing_tasks_received_clues_count: LongInput => ProcessingTasksReceivedCluesCount,
        /// How many log lines processing has received.
        processing_tasks_received_log_lines_count: LongInput => ProcessingTasksReceivedLogLinesCount,
    }
}

/// An agent's report on a run. It is the heartbeat, too: with nothing but the required fields it
/// says that the agent is alive.
#[derive(InputObject)]
pub struct JobRunReportInput {
    /// The run.
    pub run_id: UuidArgument,
    /// The attempt's token, from `claimJob` or `startJobRun`.
    attempt_token: UuidArgument,
    /// Counts up with each report on this run, from 0 or more. A report whose number is not above
    /// the last one is a repeat or late: it changes nothing, and that is no error.
    sequence: LongInput,
    /// Where the agent's work stands: `EXECUTING`, `EXECUTION_COMPLETED` or `SUBMITTING`, or
    /// `COMPLETED`, `FAILED` or `CANCELLED` when it has finished. Null: as before.
    agent_state: Option<JobState>,
    /// How far it is.
    progress: Option<AgentProgressInput>,
}

impl JobRunReportInput {
    pub fn into_op(self) -> Result<Op, Refusal> {
        let transition = match self.agent_state {
            None => Transition::Stay,
            Some(JobState::Executing) => Transition::Reach(Phase::Executing),
            Some(JobState::ExecutionCompleted) => Transition::Reach(Phase::ExecutionCompleted),
            Some(JobState::Submitting) => Transition::Reach(Phase::Submitting),
            Some(JobState::Completed) => Transition::Finish(Ending::Completed),
            Some(JobState::Cancelled) => Transition::Finish(Ending::Cancelled),
            Some(JobState::Failed) => Transition::Finish(Ending::Failed),
            Some(JobState::Unknown | JobState::Queued | JobState::Cancelling) => {
                let message = "expected a state that an agent can be in: EXECUTING, \
                     EXECUTION_COMPLETED, SUBMITTING, COMPLETED, FAILED or CANCELLED";
                return Err(Refusal::new(RefusalCode::InvalidValue, Some("agentState"), message));
            }
        };
        agent_report(&self.run_id, &self.attempt_token, self.sequence, transition, self.progress)
    }
}

fn agent_report(
    run_id: &UuidArgument,
    attempt_token: &UuidArgument,
    sequence: LongInput,
    transition: Transition,
    progress: Option<AgentProgressInput>,
) -> Result<Op, Refusal> {
    let progress = progress.unwrap_or_default();
    if transition == Transition::Finish(Ending::Failed) && progress.agent_result_message.is_none() {
        let message = "expected a message that says why it failed";
        return Err(Refusal::new(RefusalCode::InvalidValue, Some("agentResultMessage"), message));
    }
    Ok(Op::Agent(AgentReport {
        run_id: id("runId", run_id)?,
        token: id("attemptToken", attempt_token)?,
        sequence: sequence.0,
        progress: progress.into_progress(),
        transition,
    }))
}

/// How an agent's work ended.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum RunOutcome {
    /// Well.
    Completed,
    /// With an error, which the message tells.
    Failed,
    /// Because it was asked to cancel, or was stopped where it runs.
    Cancelled,
}

/// The end of an agent's work on a run.
#[derive(InputObject)]
pub struct FinishJobRunInput {
    /// The run.
    pub run_id: UuidArgument,
    /// The attempt's token, from `claimJob` or `startJobRun`.
    attempt_token: UuidArgument,
    /// Above the sequence of the report before.
    sequence: LongInput,
    /// How it ended.
    outcome: RunOutcome,
    /// How far it came. A failure needs `agentResultMessage`.
    progress: Option<AgentProgressInput>,
}

impl FinishJobRunInput {
    pub fn into_op(self) -> Result<Op, Refusal> {
        let ending = match self.outcome {
            RunOutcome::Completed => Ending::Completed,
            RunOutcome::Failed => Ending::Failed,
            RunOutcome::Cancelled => Ending::Cancelled,
        };
        let transition = Transition::Finish(ending);
        agent_report(&self.run_id, &self.attempt_token, self.sequence, transition, self.progress)
    }
}

/// The pipeline's report on a run.
#[derive(InputObject)]
pub struct ProcessingReportInput {
    /// The run.
    pub run_id: UuidArgument,
    /// Counts up with each report of the pipeline on this run, from 0 or more; it is another count
    /// than the agent's.
    sequence: LongInput,
    /// Where processing stands. Null: as before.
    processing_state: Option<ProcessingState>,
    /// How far it is.
    progress: Option<ProcessingProgressInput>,
}

impl ProcessingReportInput {
    pub fn into_op(self) -> Result<Op, Refusal> {
        if self.processing_state == Some(ProcessingState::Unknown) {
            let message = "expected QUEUED, EXECUTING, COMPLETED or FAILED";
            return Err(Refusal::new(RefusalCode::InvalidValue, Some("processingState"), message));
        }
        Ok(Op::Processing(ProcessingReport {
            run_id: id("runId", &self.run_id)?,
            sequence: self.sequence.0,
            state: self.processing_state,
            progress: self.progress.unwrap_or_default().into_progress(),
        }))
    }
}

/// Which jobs to cancel.
#[derive(InputObject)]
pub struct RequestCancellationInput {
    /// These jobs, at most 1,000. Either this or `filter` is given.
    pub job_ids: Option<Vec<UuidArgument>>,
    /// All jobs that match and are not over, the newest first, at most 1,000 at a time.
    pub filter: Option<JobFilter>,
    /// Why, for the history. At most 10,000 characters.
    pub reason: Option<String>,
    /// Only tell how many jobs it would be.
    #[graphql(default)]
    pub dry_run: bool,
}

/// Which jobs to end without their agents.
#[derive(InputObject)]
pub struct ForceCancelInput {
    /// These jobs, at most 1,000.
    pub job_ids: Vec<UuidArgument>,
    /// Why, for the history. At most 10,000 characters.
    pub reason: Option<String>,
}

/// Which jobs to try again.
#[derive(InputObject)]
pub struct RetryJobsInput {
    /// These jobs, at most 1,000. Either this or `filter` is given.
    pub job_ids: Option<Vec<UuidArgument>>,
    /// All matching jobs that have finished, the newest first, at most 1,000 at a time. Name the
    /// states `FAILED` and `CANCELLED` to leave out those that went well.
    pub filter: Option<JobFilter>,
    /// Why, for the history. At most 10,000 characters.
    pub reason: Option<String>,
    /// Only tell how many jobs it would be.
    #[graphql(default)]
    pub dry_run: bool,
}
