//! The phases of an agent's work, and how it ends.

use entity::JobState;

/// The phase of an agent's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Executing,
    ExecutionCompleted,
    Submitting,
}

/// How an agent's work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Completed,
    Cancelled,
    Failed,
}

impl Ending {
    pub const fn state(self) -> JobState {
        match self {
            Self::Completed => JobState::Completed,
            Self::Cancelled => JobState::Cancelled,
            Self::Failed => JobState::Failed,
        }
    }
}
