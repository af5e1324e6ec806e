//! What agents and operators ask of the writing side, and what they are told.

use entity::{Timestamp, agent, configuration, job, job_run};
use sea_orm::{ModelTrait as _, Value};
use uuid::Uuid;

use super::machine::{Ending, Phase};
use crate::jobs::scope::Scope;

/// One thing to write. Each is applied as a whole or not at all.
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
        by: By,
    },
    Lose(Lost),
    Register(Registration),
    Configure(configuration::Model),
    /// When agents were last seen.
    Seen(Vec<(Uuid, Timestamp)>),
}

impl Op {
    /// About how much writing it takes, where a report of mere progress takes 1.
    pub fn cost(&self) -> u32 {
        match self {
            Self::Agent(AgentReport {
                step: Step::Stay | Step::Reach(Phase::Executing), ..
            })
            | Self::Processing(ProcessingReport {
                state: None | Some(entity::ProcessingState::Executing),
                ..
            }) => 1,
            Self::Processing(_) => 5,
            Self::Agent(_)
            | Self::Queue(_)
            | Self::Claim(_)
            | Self::Start(_)
            | Self::Cancel(_)
            | Self::Retry { .. }
            | Self::Lose(_)
            | Self::Register(_)
            | Self::Configure(_)
            | Self::Seen(_) => 40,
        }
    }

    /// Whether operators ask for it. Such ops come in bulk, and each is dear.
    pub fn is_of_operator(&self) -> bool {
        matches!(self, Self::Queue(_) | Self::Cancel(_) | Self::Retry { .. })
    }
}

/// Who makes a job change, for its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Agent,
    Operator,
    Service,
}

impl By {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }
}

/// New values of a run's columns.
pub type Progress = Vec<(job_run::Column, Value)>;

/// What an agent says of its phase of a run.
#[derive(Clone, Debug)]
pub struct AgentReport {
    pub run_id: Uuid,
    pub token: Uuid,
    /// Counts up with each report, so that a late one changes nothing.
    pub sequence: i64,
    pub progress: Progress,
    pub step: Step,
}

/// What a report says of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Stay,
    Reach(Phase),
    Finish(Ending),
}

/// What the pipeline says of its phase of a run.
#[derive(Clone, Debug)]
pub struct ProcessingReport {
    pub run_id: Uuid,
    /// Counts up with each report of the pipeline.
    pub sequence: i64,
    pub state: Option<entity::ProcessingState>,
    pub progress: Progress,
}

/// A job to queue.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The job as it will be, but for its id and dates.
    pub job: job::Model,
    pub by: By,
}

/// An agent to create, or what is new of one.
#[derive(Clone, Debug)]
pub struct Registration {
    pub agent: agent::Model,
    /// The configurations that are to know it.
    pub scope: Scope,
}

/// An agent that wants the next job.
#[derive(Clone, Debug)]
pub struct Claim {
    pub agent_id: Uuid,
    /// Only jobs of these.
    pub configurations: Scope,
    /// The attempt's token, made up by the agent, for which a repeat returns the same attempt;
    /// `None` to be given one.
    pub token: Option<Uuid>,
}

/// An agent that begins a job it was told of elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    pub job_id: Uuid,
    pub agent_id: Uuid,
    pub token: Uuid,
}

/// A job that is to stop.
#[derive(Clone, Debug)]
pub struct Cancel {
    pub job_id: Uuid,
    pub reason: Option<String>,
    pub by: By,
    /// Do not wait for the agent.
    pub force: bool,
}

/// A run whose agent is taken for lost.
#[derive(Clone, Debug)]
pub struct Lost {
    pub run_id: Uuid,
    /// When its agent last reported, as far as the judge knew.
    pub heard: Option<Timestamp>,
    pub message: String,
}

/// What was done.
#[derive(Clone, Debug)]
pub enum Receipt {
    Report(ReportReceipt),
    /// An agent has the job.
    Attempt(Attempt),
    /// No job is due.
    NoJob,
    /// The agent or configuration is saved.
    Saved,
    /// The job was queued, cancelled or retried; `is_repeat` if it was before.
    Job {
        job_id: Uuid,
        is_repeat: bool,
    },
}

pub type Outcome = Result<Receipt, Refusal>;

/// The answer to a report.
#[derive(Clone, Debug)]
pub struct ReportReceipt {
    pub status: ReportStatus,
    pub refusal: Option<Refusal>,
    /// The number of the newest report that was accepted.
    pub last_sequence: Option<i64>,
    pub cancellation_requested: bool,
    /// Whether the agent is expected to report again.
    pub goes_on: bool,
}

impl ReportReceipt {
    /// The answer to a report on a run that is not known.
    pub fn refused(refusal: Option<Refusal>) -> Self {
        Self {
            status: ReportStatus::Refused,
            refusal,
            last_sequence: None,
            cancellation_requested: false,
            goes_on: false,
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
    /// It had begun before.
    pub is_repeat: bool,
}

/// Why something was not done, for a program to act on.
#[derive(Clone, Debug, PartialEq, Eq, async_graphql::SimpleObject)]
pub struct Refusal {
    /// The reason.
    pub code: RefusalCode,
    /// The input field that is at fault. Null if it is none in particular.
    pub field: Option<&'static str>,
    /// The reason for people: what was expected.
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

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum RefusalCode {
    /// There is no such run, job, agent or configuration.
    NotFound,
    /// The token is not that of the run's attempt: the run is another agent's, or an older
    /// attempt's.
    WrongToken,
    /// Another attempt at the job is under way.
    Conflict,
    /// The job or run is over. An agent that is told so stops.
    Over,
    /// The job is not over, so it cannot be tried again.
    NotOver,
    /// The job does not wait for an agent.
    NotQueued,
    /// No agent has begun the job.
    NotStarted,
    /// The state cannot follow the present one.
    InvalidTransition,
    /// A value is not what was expected.
    InvalidValue,
}

/// What a text may be long, in characters.
pub const MESSAGE_LENGTH: usize = 10_000;

/// How far ahead of ours an agent's clock may be, in seconds.
const CLOCK_TOLERANCE: i64 = 300;

/// Checks values that an agent or the pipeline reports, as far as they can be without the run.
///
/// A counter may be smaller than in the report before: agents count again after a restart, and a
/// report that is merely late is told by its sequence.
pub fn check(progress: &Progress, sequence: i64, now: Timestamp) -> Result<(), Refusal> {
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

/// Checks a text that somebody wrote.
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

/// Checks the moments in a report against each other and against the run: nothing happens before
/// the agent began.
pub fn check_order(progress: &Progress, run: &job_run::Model) -> Result<(), Refusal> {
    use job_run::Column::{
        AgentEndTime, AgentLastSubmittedDate, AgentStartTime, ProcessingEndTime,
        ProcessingStartTime,
    };

    let reported = |wanted: job_run::Column| {
        let (_, value) = progress.iter().find(|(column, _)| *column as usize == wanted as usize)?;
        moment_of(value)
    };
    let known = |column| reported(column).or_else(|| moment_of(&run.get(column)));
    for (column, start) in [
        (AgentEndTime, AgentStartTime),
        (AgentLastSubmittedDate, AgentStartTime),
        (ProcessingEndTime, ProcessingStartTime),
    ] {
        // A new start is as wrong as what comes before it, but the latter is named.
        if let (Some(moment), Some(start)) = (reported(column), known(start))
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
