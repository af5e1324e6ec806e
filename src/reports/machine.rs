//! The state machine of a job and its run: a pure function from state and event to next states.
//!
//! ```text
//!              Claim              Report              Report
//!   Queued ----------> Executing --------> Execution- --------> Submitting
//!     ^  \                 |    \          Completed                |
//!     |   \ Cancel         |     \ Cancel      |     \ Cancel       | Finish
//!     |    \               |      `----------> Cancelling <---------+
//!   Retry   `-> Cancelled <+-------------------´   |                |
//!     |                    | Finish, LeaseExpired  | Finish         |
//!     `--- Completed, Failed, Cancelled <----------´----------------´
//! ```

use entity::JobState::{
    self, Cancelled, Cancelling, Completed, Executing, ExecutionCompleted, Failed, Queued,
    Submitting, Unknown,
};

use super::op::{Refusal, RefusalCode};
pub use super::phase::{Ending, Phase};

/// What can happen to a job and its current run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An agent claims the job.
    Claim,
    /// The agent reports, without naming a phase.
    Heartbeat,
    /// The agent reports its phase.
    Report(Phase),
    /// The agent reports how it ended.
    Finish(Ending),
    /// An operator cancels it. A queued job is cancelled at once; an agent is told in the response to
    /// its next report.
    Cancel,
    /// An operator ends it without waiting for the agent.
    ForceCancel,
    /// The agent has not reported within its lease.
    LeaseExpired,
    /// An operator requests another attempt.
    Retry,
}

/// The states that an event leads through, in order; none if it changes nothing.
///
/// A report may be lost while a later one arrives, so an agent that appears to skip a state has passed
/// through it.
#[expect(clippy::match_same_arms, reason = "each arm is a rule")]
pub fn next(state: JobState, event: Event) -> Result<&'static [JobState], Refusal> {
    use Event::{Cancel, Claim, Finish, ForceCancel, Heartbeat, LeaseExpired, Report, Retry};

    match (state, event) {
        (Queued, Claim) => Ok(&[Executing]),
        (_, Claim) => Err(Refusal::new(RefusalCode::NotQueued, None, "the job is not queued")),

        (Completed | Cancelled | Failed, Retry) => Ok(&[Queued]),
        (_, Retry) => Err(Refusal::new(RefusalCode::NotFinished, None, "the job has not finished")),
        (Completed | Cancelled | Failed, _) => {
            Err(Refusal::new(RefusalCode::AlreadyFinished, None, "it has already finished"))
        }

        (Queued, Cancel | ForceCancel) => Ok(&[Cancelled]),
        (Queued, _) => {
            Err(Refusal::new(RefusalCode::NotStarted, None, "no agent has started it yet"))
        }

        // The agent of a cancelled run keeps reporting until it stops.
        (_, Heartbeat) | (Cancelling, Report(_) | Cancel) => Ok(&[]),
        (_, Cancel) => Ok(&[Cancelling]),
        (Cancelling, ForceCancel | LeaseExpired | Finish(Ending::Cancelled)) => Ok(&[Cancelled]),
        (_, ForceCancel | Finish(Ending::Cancelled)) => Ok(&[Cancelling, Cancelled]),
        (_, LeaseExpired | Finish(Ending::Failed)) => Ok(&[Failed]),
        (_, Finish(Ending::Completed)) => Ok(&[Completed]),

        (Executing, Report(Phase::Executing))
        | (ExecutionCompleted, Report(Phase::ExecutionCompleted))
        | (Submitting, Report(Phase::Submitting)) => Ok(&[]),
        (Unknown, Report(Phase::Executing)) => Ok(&[Executing]),
        (Executing | Unknown, Report(Phase::ExecutionCompleted)) => Ok(&[ExecutionCompleted]),
        (Executing, Report(Phase::Submitting)) => Ok(&[ExecutionCompleted, Submitting]),
        (ExecutionCompleted | Unknown, Report(Phase::Submitting)) => Ok(&[Submitting]),
        (ExecutionCompleted | Submitting, Report(_)) => Err(Refusal::new(
            RefusalCode::InvalidTransition,
            Some("agentState"),
            format_args!("expected {} or a later state", state.name()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 12] = [
        Event::Claim,
        Event::Heartbeat,
        Event::Report(Phase::Executing),
        Event::Report(Phase::ExecutionCompleted),
        Event::Report(Phase::Submitting),
        Event::Finish(Ending::Completed),
        Event::Finish(Ending::Failed),
        Event::Finish(Ending::Cancelled),
        Event::Cancel,
        Event::ForceCancel,
        Event::LeaseExpired,
        Event::Retry,
    ];

    /// Each event in the order of EVENTS: the states it leads through, `=` for none, or why not.
    #[rustfmt::skip]
    const TABLE: [(JobState, [&str; 12]); 9] = [
        (Unknown, [
            "NotQueued", "=", "Executing", "ExecutionCompleted", "Submitting", "Completed",
            "Failed", "Cancelling Cancelled", "Cancelling", "Cancelling Cancelled", "Failed",
            "NotFinished",
        ]),
        (Queued, [
            "Executing", "NotStarted", "NotStarted", "NotStarted", "NotStarted", "NotStarted",
            "NotStarted", "NotStarted", "Cancelled", "Cancelled", "NotStarted", "NotFinished",
        ]),
        (Executing, [
            "NotQueued", "=", "=", "ExecutionCompleted", "ExecutionCompleted Submitting",
            "Completed", "Failed", "Cancelling Cancelled", "Cancelling", "Cancelling Cancelled", "Failed",
            "NotFinished",
        ]),
        (ExecutionCompleted, [
            "NotQueued", "=", "InvalidTransition", "=", "Submitting", "Completed", "Failed",
            "Cancelling Cancelled", "Cancelling", "Cancelling Cancelled", "Failed", "NotFinished",
        ]),
        (Cancelling, [
            "NotQueued", "=", "=", "=", "=", "Completed", "Failed", "Cancelled", "=", "Cancelled",
            "Cancelled", "NotFinished",
        ]),
        (Submitting, [
            "NotQueued", "=", "InvalidTransition", "InvalidTransition", "=", "Completed", "Failed",
            "Cancelling Cancelled", "Cancelling", "Cancelling Cancelled", "Failed", "NotFinished",
        ]),
        (Completed, [
            "NotQueued", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished",
            "AlreadyFinished", "Queued",
        ]),
        (Cancelled, [
            "NotQueued", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished",
            "AlreadyFinished", "Queued",
        ]),
        (Failed, [
            "NotQueued", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished", "AlreadyFinished",
            "AlreadyFinished", "Queued",
        ]),
    ];

    #[test]
    fn every_state_answers_every_event() {
        assert_eq!(TABLE.map(|(state, _)| state), *JobState::ALL);
        for (state, row) in TABLE {
            for (event, expected) in EVENTS.into_iter().zip(row) {
                let answer = match next(state, event) {
                    Ok([]) => "=".to_owned(),
                    Ok(path) => path.iter().map(|state| state.name()).collect::<Vec<_>>().join(" "),
                    Err(refusal) => format!("{:?}", refusal.code),
                };
                assert_eq!(answer, expected, "{state:?} {event:?}");
            }
        }
    }

    /// Each transition is one that the domain allows.
    #[test]
    fn every_step_is_allowed() {
        let may_become = |from: JobState| -> &[JobState] {
            match from {
                Unknown => JobState::ALL,
                Queued => &[Executing, Cancelled, Failed],
                Executing => &[ExecutionCompleted, Cancelling, Failed, Completed],
                ExecutionCompleted => &[Submitting, Completed, Cancelling, Failed],
                Cancelling => &[Cancelled, Completed, Failed],
                Submitting => &[Completed, Cancelling, Failed],
                Completed | Cancelled | Failed => &[],
            }
        };
        for state in JobState::ALL {
            for event in EVENTS.into_iter().filter(|event| *event != Event::Retry) {
                let mut from = *state;
                for to in next(*state, event).unwrap_or_default() {
                    assert!(may_become(from).contains(to), "{from:?} -> {to:?} by {event:?}");
                    from = *to;
                }
            }
        }
    }
}
