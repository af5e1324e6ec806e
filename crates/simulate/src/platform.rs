//! The platform that wants the work done: it keeps jobs waiting for the agents.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::api::Unreachable;
use super::figures::Call;
use super::world::World;
use entity::clock;
use synth::dates::{millis, moment};
use synth::random::whole;
use synth::{Draw as _, Task};

/// How often to see whether jobs are wanted.
const LOOK: Duration = Duration::from_millis(100);

/// The jobs of one request.
const BATCH: i64 = 500;

/// What part of the jobs is scheduled for later, and for how long in life, in milliseconds, at
/// most.
const SCHEDULED: (f64, f64) = (0.05, 600_000.0);

const SAVE: &str = "mutation ($input: SaveConfigurationInput!) {
  saveConfiguration(input: $input) { refusal { code message } }
}";

const COUNTS: &str = "{ jobCounts { queued } }";

const QUEUE: &str = "mutation ($input: [QueueJobInput!]!) {
  queueJobs(input: $input) { results { refusal { code message } } }
}";

pub struct Platform {
    world: Arc<World>,
    rng: ChaCha8Rng,
}

impl Platform {
    /// Saves the configurations that the jobs belong to, and sees what waits already.
    pub async fn prepare(world: Arc<World>, rng: ChaCha8Rng) -> Result<Self, Unreachable> {
        for configuration in world.history.configurations() {
            let input = json!({
                "id": configuration.id,
                "name": configuration.name,
                "provider": configuration.provider,
            });
            let data = world.api.try_once(SAVE, json!({ "input": input })).await?;
            world.note_refusal(&data["saveConfiguration"]["refusal"]);
        }
        let counts = world.api.try_once(COUNTS, json!({})).await?;
        let queued = counts["jobCounts"]["queued"].as_i64().unwrap_or(0);
        let slots = world.options.agents * world.options.runs;
        let target = i64::try_from(slots + (slots / 2).max(8)).unwrap_or(i64::MAX);
        world.wanted.store((target - queued).max(0), Ordering::Relaxed);
        Ok(Self { world, rng })
    }

    /// Queues jobs as they are wanted.
    pub async fn run(mut self) {
        loop {
            let wanted = self.world.wanted.load(Ordering::Relaxed).min(BATCH);
            if wanted > 0 {
                self.world.wanted.fetch_sub(wanted, Ordering::Relaxed);
                let jobs: Vec<_> = (0..wanted).map(|_| self.job()).collect();
                let variables = json!({ "input": jobs });
                let Ok(data) = self.world.api.send(Call::Other, QUEUE, variables).await else {
                    return;
                };
                for result in data["queueJobs"]["results"].as_array().into_iter().flatten() {
                    self.world.note_refusal(&result["refusal"]);
                }
                self.world.api.figures().note(|seen| seen.queued += wanted.unsigned_abs());
            }
            if wanted < BATCH {
                tokio::select! {
                    () = self.world.stopping.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        }
    }

    fn job(&mut self) -> Json {
        let sources = self.world.history.sources();
        let source = sources.pick(&mut self.rng);
        let task = Task::draw(sources.each[source].provider, &mut self.rng);
        let scheduled = self.rng.chance(SCHEDULED.0).then(|| {
            let ahead = self.rng.between(0.0, SCHEDULED.1) / self.world.options.speed;
            moment(millis(clock::now()) + whole(ahead))
        });
        json!({
            "configurationId": sources.configurations[source].id,
            "name": task.name(),
            "type": task.kind.name(),
            "priority": task.priority,
            "scheduledDate": scheduled.map(|moment| moment.to_string()),
            // The request is sent until it is answered; only one of them makes the job.
            "clientRequestId": Uuid::now_v7(),
        })
    }
}

impl World {
    /// Notes a refusal, if it is one, of something that is never refused.
    pub(super) fn note_refusal(&self, refusal: &Json) {
        if let Some(code) = refusal["code"].as_str() {
            self.api.figures().wrong(code, refusal["message"].as_str().unwrap_or_default());
        }
    }
}
