//! The operations that agents and operators submit, and their outcomes.

use std::sync::Arc;

use entity::{Timestamp, agent, configuration, job, job_run};
use sea_orm::{ModelTrait as _, Value};
use uuid::Uuid;

use super::machine::{Ending, Phase};
use crate::error::documented;
use crate::jobs::scope::Scope;

/// An operation. Each is applied as a whole or not at all.
#[derive(Clone, Debug)]
pub enum Op {
    Agent(AgentReport),
    Processing(ProcessingReport),
    Queue(NewJob),
    Claim(Claim),
    Start(Start),
    Cancel(Cancel),
    Retry {
        job_id: Uuid,
        reason: Option<String>,
        by: Actor,
    },
    /// Fails a run whose lease has expired.
    Expire(ExpiredLease),
    Register(Registration),
    Configure(configuration::Model),
    /// When agents were last seen.
    RecordSightings(Vec<(Uuid, Timestamp)>),
}

impl Op {
    /// Its estimated cost of writing, relative to a report of progress.
    pub fn cost(&self) -> u32 {
        match self {
            Self::Agent(AgentReport {
                transition: Transition::Stay | Transition::Reach(Phase::Executing),
                ..
            })
            | Self::Processing(ProcessingReport {
                state: None | Some(entity::ProcessingState::Executing),
                ..
            }) => 1,
            Self::Processing(_) => 5,
            // They find a job, write a run and its history, and change the job.
            Self::Claim(_) | Self::Start(_) => 120,
            Self::Agent(_)
            | Self::Queue(_)
            | Self::Cancel(_)
            | Self::Retry { .. }
            | Self::Expire(_)
            | Self::Register(_)
            | Self::Configure(_)
            | Self::RecordSightings(_) => 40,
        }
    }

    /// Whether it is an operator's. Such ops come in bulk, and each is expensive.
    pub fn is_of_operator(&self) -> bool {
        matches!(self, Self::Queue(_) | Self::Cancel(_) | Self::Retry { .. })
    }
}

/// Who changed a job, for its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    Agent,
    /// With the principal's name; `None` where there is no access control.
    Operator(Option<Arc<str>>),
    Service,
}

impl Actor {
    /// Its kind.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Operator(_) => "operator",
            Self::Service => "service",
        }
    }

    /// The name of the principal.
    pub fn principal(&self) -> Option<&str> {
        match self {
            Self::Operator(name) => name.as_deref(),
            Self::Agent | Self::Service => None,
        }
    }
}

/// New values of a run's columns.
pub type RunValues = Vec<(job_run::Column, Value)>;

/// An agent's report on its run.
#[derive(Clone, Debug)]
pub struct AgentReport {
    pub run_id: Uuid,
    pub token: Uuid,
    /// Increases with each report, so that a late one changes nothing.
    pub sequence: i64,
    pub progress: RunValues,
    pub transition: Transition,
}

/// The state that a report names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// None: a heartbeat, with or without progress.
    Stay,
    Reach(Phase),
    Finish(Ending),
}

/// The pipeline's report on the processing of a run.
#[derive(Clone, Debug)]
pub struct ProcessingReport {
    pub run_id: Uuid,
    /// Increases with each report of the pipeline.
    pub sequence: i64,
    pub state: Option<entity::ProcessingState>,
    pub progress: RunValues,
}

/// A job to queue.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The job, except for its id and dates.
    pub job: job::Model,
    pub by: Actor,
}

/// An agent to create or update.
#[derive(Clone, Debug)]
pub struct Registration {
    pub agent: agent::Model,
    /// The configurations that the agent is added to.
    pub scope: Scope,
}

/// An agent's request for the next due job.
#[derive(Clone, Debug)]
pub struct Claim {
    pub agent_id: Uuid,
    /// Only jobs of these configurations.
    pub configurations: Scope,
    /// The attempt's token, chosen by the agent, which makes the claim idempotent; `None` to have one
    /// generated.
    pub token: Option<Uuid>,
}

/// An agent's start of a job that it was assigned elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    pub job_id: Uuid,
    pub agent_id: Uuid,
    pub token: Uuid,
}

/// A cancellation of a job.
#[derive(Clone, Debug)]
pub struct Cancel {
    pub job_id: Uuid,
    pub reason: Option<String>,
    pub by: Actor,
    /// Ends the job without waiting for the agent.
    pub force: bool,
}

/// A run whose lease has expired.
#[derive(Clone, Debug)]
pub struct ExpiredLease {
    pub run_id: Uuid,
    /// The last heartbeat that the reaper saw. A later one keeps the run.
    pub last_heartbeat: Option<Timestamp>,
    pub message: String,
}

/// What an operation did.
#[derive(Clone, Debug)]
pub enum Receipt {
    Report(ReportReceipt),
    /// An agent has the job.
    Attempt(Attempt),
    /// No job is due.
    NoJob,
    /// The agent or configuration is saved.
    Saved,
    /// The job was queued, cancelled or retried; `is_repeat` if an earlier request did so.
    Job {
        job_id: Uuid,
        is_repeat: bool,
    },
}

pub type Outcome = Result<Receipt, Refusal>;

/// The outcome of a report.
#[derive(Clone, Debug)]
pub struct ReportReceipt {
    pub status: ReportStatus,
    pub refusal: Option<Refusal>,
    /// The sequence of the newest accepted report.
    pub last_sequence: Option<i64>,
    pub cancellation_requested: bool,
    /// Whether more reports are expected.
    pub is_active: bool,
}

impl ReportReceipt {
    /// The outcome of a report on an unknown run.
    pub fn refused(refusal: Option<Refusal>) -> Self {
        Self {
            status: ReportStatus::Refused,
            refusal,
            last_sequence: None,
            cancellation_requested: false,
            is_active: false,
        }
    }
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum ReportStatus {
    /// It is saved.
    Accepted,
    /// It, or a later one, was saved before. It changes nothing, and nothing is wrong.
    Repeated,
    /// It changes nothing; `refusal` says why.
    Refused,
}

/// An agent's attempt at a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub run_id: Uuid,
    pub job_id: Uuid,
    pub token: Uuid,
    /// An earlier request started it.
    pub is_repeat: bool,
}

/// Why an operation was refused, for a program to act on.
#[derive(Clone, Debug, PartialEq, Eq, async_graphql::SimpleObject)]
pub struct Refusal {
    /// The reason.
    pub code: RefusalCode,
    /// The invalid input field. Null if it is none in particular.
    pub field: Option<&'static str>,
    /// The reason in words: what was expected.
    pub message: String,
}

impl Refusal {
    pub fn new(
        code: RefusalCode,
        field: Option<&'static str>,
        message: impl std::fmt::Display,
    ) -> Self {
        Self { code, field, message: message.to_string() }
    }

    pub fn not_found(field: &'static str, what: &str) -> Self {
        Self::new(
            RefusalCode::NotFound,
            Some(field),
            format_args!("there is no {what} with this id"),
        )
    }
}

documented! {
    /// Why an operation was refused.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
    pub enum RefusalCode {
        /// There is no such run, job, agent or configuration, or it is outside the token's scope.
        ///
        /// Stop. If it is the agent, register again.
        NotFound,
        /// The token is not that of the run's attempt: the run is another agent's, or a newer attempt
        /// has started.
        ///
        /// Stop this run.
        WrongToken,
        /// Another attempt at the job is running.
        ///
        /// Claim another job.
        Conflict,
        /// The job or run has already finished.
        ///
        /// Stop this run.
        AlreadyFinished,
        /// The job has not finished, so it cannot be retried.
        ///
        /// Wait, or cancel it.
        NotFinished,
        /// The job is not queued.
        ///
        /// Claim another job.
        NotQueued,
        /// No agent has started the job.
        ///
        /// Start it first.
        NotStarted,
        /// The state cannot follow the current one.
        ///
        /// Correct the agent.
        InvalidTransition,
        /// A value is invalid.
        ///
        /// Correct the field that is named.
        InvalidValue,
    }
}

/// The longest text, in characters.
pub const MESSAGE_LENGTH: usize = 10_000;

/// How far an agent's clock may be ahead of ours, in seconds.
const CLOCK_TOLERANCE: i64 = 300;

/// Checks reported values, as far as possible without the run.
///
/// A counter may be smaller than in the previous report: agents restart counting, and late reports are
/// recognised by their sequence.
pub fn check(progress: &RunValues, sequence: i64, now: Timestamp) -> Result<(), Refusal> {
    let wrong =
        |field, message: String| Err(Refusal::new(RefusalCode::InvalidValue, Some(field), message));
    if sequence < 0 {
        return wrong("sequence", format!("expected 0 or more, not {sequence}"));
    }
    for (column, value) in progress {
        let field = graphql_name(*column);
        match value {
            Value::BigInt(Some(count)) if *count < 0 => {
                return wrong(field, format!("expected 0 or more, not {count}"));
            }
            Value::Double(Some(percent)) if !(0.0..=100.0).contains(percent) => {
                return wrong(field, format!("expected a number from 0 to 100, not {percent}"));
            }
            Value::ChronoDateTimeUtc(Some(moment))
                if (*moment - now.utc()).num_seconds() > CLOCK_TOLERANCE =>
            {
                return wrong(
                    field,
                    format!("expected no moment in the future, but it is {now} here"),
                );
            }
            Value::String(Some(text)) => check_text(field, text)?,
            _ => {}
        }
    }
    Ok(())
}

/// Checks a text from a client.
pub fn check_text(field: &'static str, text: &str) -> Result<(), Refusal> {
    let length = text.chars().count();
    let message = if length > MESSAGE_LENGTH {
        format!("expected at most {MESSAGE_LENGTH} characters, not {length}")
    } else if text.contains('\0') {
        "expected a text without NUL characters".to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::new(RefusalCode::InvalidValue, Some(field), message))
}

/// Checks the dates in a report against each other and against the run: none is before its start.
pub fn check_order(progress: &RunValues, run: &job_run::Model) -> Result<(), Refusal> {
    use job_run::Column::{
        AgentEndTime, AgentLastSubmittedDate, AgentStartTime, ProcessingEndTime,
        ProcessingStartTime,
    };

    let reported = |wanted: job_run::Column| {
        let (_, value) = progress.iter().find(|(column, _)| *column as usize == wanted as usize)?;
        moment_of(value)
    };
    let effective = |column| reported(column).or_else(|| moment_of(&run.get(column)));
    for (column, start) in [
        (AgentEndTime, AgentStartTime),
        (AgentLastSubmittedDate, AgentStartTime),
        (ProcessingEndTime, ProcessingStartTime),
    ] {
        // If the report also sets the start, the other date is named.
        if let (Some(moment), Some(start)) = (reported(column), effective(start))
            && moment < start
        {
            return Err(Refusal::new(
                RefusalCode::InvalidValue,
                Some(graphql_name(column)),
                format_args!("expected no moment before the start, {start}"),
            ));
        }
    }
    Ok(())
}

fn moment_of(value: &Value) -> Option<Timestamp> {
    if let Value::ChronoDateTimeUtc(moment) = value { moment.map(Timestamp::new) } else { None }
}

/// The name of a run's column in the API.
fn graphql_name(column: job_run::Column) -> &'static str {
    use entity::Table as _;
    use sea_orm::IdenStatic as _;

    let fields = job_run::Entity::fields();
    &fields[job_run::Entity::place(column.as_str())].graphql
}
