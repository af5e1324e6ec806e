//! A believable job history, generated from a seed: for the demo, benchmarks, tests and simulated
//! agents.
//!
//! - [`History`] is the history: configurations, agents, and jobs with their runs.
//! - [`RunPlan`] is all that a run will ever be; [`RunPlan::at`] is the run at some moment of it.
//!   The history is made of plans looked at now; a simulated agent looks at one again and again.
//! - A [`Task`] is what a job is to do and a [`Draft`] an attempt at it;
//!   [`Draft::plan`] makes a plan.
//!
//! All of it is a pure function of the seed and of now; the ids are one of the seed alone.

mod agents;
mod attempts;
pub mod dates;
mod draft;
mod fate;
mod history;
mod ids;
mod messages;
mod plan;
mod processing;
mod providers;
pub mod random;
mod rhythm;
mod run;
mod sources;
mod task;
#[cfg(test)]
mod tests;
mod work;

pub use draft::{Draft, Who};
pub use history::History;
pub use messages::{Onset, cancellation_message, failure_message, success_message};
pub use plan::{Ending, RunPlan};
pub use processing::Processing;
pub use providers::{Family, PROVIDERS, Provider};
pub use random::Draw;
pub use sources::{Source, Sources};
pub use task::Task;
pub use work::{JobKind, Pace, Work};

/// How large a history is, and which one of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Which history: another seed gives other ids, names and numbers.
    pub seed: u64,
    /// How many jobs.
    pub jobs: u32,
    /// How many days before now the oldest job was created. At least one.
    pub days: u32,
    /// How many configurations the jobs belong to. At least one.
    pub configurations: usize,
    /// How many agents ran them. At least one.
    pub agents: usize,
}

/// The demo.
impl Default for Shape {
    fn default() -> Self {
        Self { seed: 1, jobs: 20_000, days: 30, configurations: 40, agents: 12 }
    }
}
