//! Agents, played over the API: to try a deployment, to load it, and to bring a demo to life.
//!
//! A [`Simulation`] is a platform that queues jobs and a number of agents that claim and do them,
//! each with the pipeline behind it. What they report is made by [`synth`]; they only know
//! what the API tells them, and behave as agents should: what was not answered is sent again, and
//! who is told to stop stops.

mod agent;
mod api;
mod figures;
mod platform;
mod run;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use entity::clock;
use synth::{History, RunPlan, Shape};

pub use api::{Api, Unreachable};
pub use figures::Figures;

use agent::Agent;
use platform::Platform;

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

/// Agents at work.
pub struct Simulation {
    tasks: JoinSet<()>,
    stopping: CancellationToken,
}

/// What agents and the platform share.
struct World {
    api: Api,
    options: Options,
    history: History,
    /// How many jobs the platform should queue.
    wanted: AtomicI64,
    stopping: CancellationToken,
}

impl Simulation {
    /// Starts the agents.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses the configurations that the jobs are to have.
    pub async fn start(api: Api, options: Options) -> Result<Self, Unreachable> {
        let stopping = api.stopping().clone();
        // What the demo's history has, so that a demo goes on with what it was filled with.
        let history = History::new(Shape { seed: options.seed, ..Shape::default() }, clock::now());
        let world = Arc::new(World {
            api,
            history,
            wanted: AtomicI64::new(0),
            stopping: stopping.clone(),
            options,
        });
        let rng = |stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(world.options.seed);
            rng.set_stream(stream);
            rng
        };
        let platform = Platform::prepare(Arc::clone(&world), rng(0)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(platform.run());
        for number in 0..world.options.agents {
            let agent = Agent::new(Arc::clone(&world), number, rng(number as u64 + 1));
            tasks.spawn(agent.run());
        }
        Ok(Self { tasks, stopping })
    }

    /// Stops the agents, which end their runs as cancelled, and waits for them. Who takes longer
    /// than this leaves its runs behind.
    pub async fn stop(mut self, limit: Duration) {
        self.stopping.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            self.tasks.abort_all();
        }
    }
}
