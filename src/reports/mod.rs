//! The writing side: agents report, and operators queue, cancel and retry.
//!
//! - [`machine`] is the state machine of jobs and runs, as a pure function.
//! - [`op`] defines the operations and their outcomes.
//! - [`write_queue`] is where requests submit operations and await their commit.
//! - [`fair_queue`] schedules the clients' operations round-robin into batches.
//! - [`writer`] commits batches: progress by the [`fast_path`], all else by a [`unit_of_work`], which
//!   loads rows, applies the rules in memory and saves what changed.
//! - [`last_seen`] records when agents were last seen, and writes it at intervals.
//! - [`lease_reaper`] fails runs whose lease has expired; [`clock_watch`] tells it when the silence may
//!   be this service's own fault.

mod clock_watch;
mod fair_queue;
mod fast_path;
mod last_seen;
pub mod lease_reaper;
pub mod machine;
pub mod op;
mod phase;
mod unit_of_work;
mod write_queue;
mod writer;

use std::time::Duration;

use entity::Timestamp;

pub use write_queue::{Submitter, WriteQueue};
pub use writer::Writer;

/// How long the service waits for reports before it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeasePolicy {
    /// Without a report for this long a run is stale. `None`: never.
    pub stale_after: Option<Duration>,
    /// Without a report for this long the lease expires and the run fails. `None`: never.
    pub lease: Option<Duration>,
    /// A cancellation that the agent has not confirmed for this long is forced. `None`: never.
    pub cancel_after: Option<Duration>,
}

impl Default for LeasePolicy {
    fn default() -> Self {
        Self {
            stale_after: Some(Duration::from_mins(1)),
            lease: Some(Duration::from_mins(10)),
            cancel_after: Some(Duration::from_mins(3)),
        }
    }
}

impl LeasePolicy {
    /// The moment since which an agent must have reported, or its run is stale; `None` if none ever is.
    pub fn stale_before(&self, now: Timestamp) -> Option<Timestamp> {
        let after = i64::try_from(self.stale_after?.as_micros()).ok()?;
        Timestamp::from_micros(now.micros().checked_sub(after)?)
    }

    /// The interval of reports that agents are told: short enough that one lost report makes no run
    /// stale.
    pub fn report_every(&self) -> Duration {
        let shortest = self.stale_after.into_iter().chain(self.lease).min();
        shortest
            .map_or(Duration::from_secs(15), |time| time / 4)
            .clamp(Duration::from_millis(100), Duration::from_secs(15))
    }
}
