//! What the agents and the platform of a simulation share.

use std::sync::atomic::AtomicI64;

use synth::{History, RunPlan};
use tokio_util::sync::CancellationToken;

use crate::api::Api;

/// What to play.
#[derive(Clone, Debug)]
pub struct Options {
    /// The agents. At least one.
    pub agents: usize,
    /// The runs that each works at, at once. From 1 to 1,000, as many as a request reports.
    pub runs: usize,
    /// Agents' reports a second, of all of them together. `None`: as many as are answered.
    pub rate: Option<f64>,
    /// How many times as fast as in life the runs go.
    pub speed: f64,
    /// The parts of the runs whose agent vanishes, and of the reports that come late and twice.
    pub vanish: f64,
    pub late: f64,
    pub double: f64,
    /// Which random numbers.
    pub seed: u64,
    /// Runs that are under way, each with its own id as its attempt token, for the agents to go on
    /// with.
    pub under_way: Vec<RunPlan>,
}

/// What agents and the platform share.
pub struct World {
    pub api: Api,
    pub options: Options,
    pub history: History,
    /// How many jobs the platform should queue.
    pub wanted: AtomicI64,
    pub stopping: CancellationToken,
}
