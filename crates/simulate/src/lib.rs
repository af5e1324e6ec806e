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
mod world;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use entity::clock;
use synth::{History, Shape};

pub use api::{Api, Unreachable};
pub use figures::Figures;
pub use world::Options;

use agent::Agent;
use platform::Platform;
use world::World;

/// Agents at work.
pub struct Simulation {
    tasks: JoinSet<()>,
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
