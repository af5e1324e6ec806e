use async_graphql::{Object, SimpleObject};
use entity::{JobState, Long};

use crate::jobs::counts::Counts;

/// How many jobs are in each state. A count always equals the length of the list of jobs that is
/// filtered by that state.
pub struct JobCounts(pub Counts);

/// How many jobs are in one state.
#[derive(SimpleObject)]
pub struct JobStateCount {
    /// The state.
    state: JobState,
    /// The number of jobs in it.
    count: Long,
}

impl JobCounts {
    fn count(&self, state: JobState) -> Long {
        Long(self.0.of(state))
    }
}

/// How many jobs are in each state. A count always equals the length of the list of jobs that is
/// filtered by that state.
#[Object]
impl JobCounts {
    /// Jobs that finished successfully.
    async fn completed(&self) -> Long {
        self.count(JobState::Completed)
    }

    /// Jobs that an agent works on.
    async fn executing(&self) -> Long {
        self.count(JobState::Executing)
    }

    /// Jobs that failed.
    async fn failed(&self) -> Long {
        self.count(JobState::Failed)
    }

    /// Jobs that wait for an agent or for their time.
    async fn queued(&self) -> Long {
        self.count(JobState::Queued)
    }

    /// Jobs that were cancelled.
    async fn cancelled(&self) -> Long {
        self.count(JobState::Cancelled)
    }

    /// Jobs in a state that this version of the service does not know.
    async fn unknown(&self) -> Long {
        self.count(JobState::Unknown)
    }

    /// Jobs whose agent is done while not everything is submitted yet.
    async fn execution_completed(&self) -> Long {
        self.count(JobState::ExecutionCompleted)
    }

    /// Jobs whose agent has not yet confirmed that it stops.
    async fn cancelling(&self) -> Long {
        self.count(JobState::Cancelling)
    }

    /// Jobs whose last results are being submitted.
    async fn submitting(&self) -> Long {
        self.count(JobState::Submitting)
    }

    /// All jobs.
    async fn total(&self) -> Long {
        Long(self.0.total())
    }

    /// The same counts as a list: every state, in the order a job goes through them.
    async fn by_state(&self) -> Vec<JobStateCount> {
        JobState::ALL
            .iter()
            .map(|state| JobStateCount { state: *state, count: self.count(*state) })
            .collect()
    }
}
