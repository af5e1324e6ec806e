//! Where agents report, and operators queue, cancel and retry.
//!
//! - [`machine`] says which states follow which.
//! - [`op`] is what can be asked for, and the answers.
//! - [`desk`] holds the rules, in memory; [`tables`] fetches the rows that they need and writes
//!   those that they changed.
//! - [`quiet`] is the short way for reports of mere progress.
//! - [`queue`] lets clients take turns, a piece of what each has waiting at a time.
//! - [`last_seen`] notes when agents were seen, and has it written now and then.
//! - [`writer`] writes what waits in batches.
//! - [`sweep`] finds runs whose agents are lost.

mod clock_watch;
mod desk;
mod last_seen;
pub mod machine;
pub mod op;
mod queue;
mod quiet;
pub mod sweep;
mod tables;
mod writer;

use std::time::Duration;

pub use writer::{Reports, Submitter, Writer};

/// How long the service waits for agents before it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Without a report for this long a run is stale. `None`: never.
    pub stale_after: Option<Duration>,
    /// Without a report for this long its agent is lost: a run's lease. `None`: never.
    pub lost_after: Option<Duration>,
    /// Without the agent's word for this long a cancelled run is ended. `None`: never.
    pub cancel_after: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            stale_after: Some(Duration::from_mins(1)),
            lost_after: Some(Duration::from_mins(10)),
            cancel_after: Some(Duration::from_mins(3)),
        }
    }
}

impl Patience {
    /// How often an agent should report: often enough that one lost report makes no run stale.
    pub fn report_every(&self) -> Duration {
        let shortest = self.stale_after.into_iter().chain(self.lost_after).min();
        shortest
            .map_or(Duration::from_secs(15), |time| time / 4)
            .clamp(Duration::from_millis(100), Duration::from_secs(15))
    }
}
