//! The history, one job at a time.

use std::sync::Arc;

use entity::{JobState, Timestamp, agent, configuration, job, job_run};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::agents::Agents;
use super::attempts::{Attempts, Case};
use super::dates::{DAY, HOUR, MINUTE, SECOND, millis, moment};
use super::draft::Who;
use super::fate::{Fate, Fates};
use super::plan::RunPlan;
use super::random::{Draw, float, whole};
use super::rhythm::Rhythm;
use super::sources::Sources;
use super::task::Task;
use super::{Shape, ids};

/// The newest job was created this long before now, in milliseconds, or longer: time enough for
/// a run.
const YOUNGEST: i64 = 20 * SECOND;

/// A made-up history: an iterator over its jobs, the oldest first, each with its runs, the oldest
/// first. It keeps nothing of the jobs it has handed out.
pub struct History {
    shape: Shape,
    /// In milliseconds since 1970.
    now: i64,
    /// Each job draws from a stream of its own.
    rng: ChaCha8Rng,
    sources: Sources,
    agents: Agents,
    fates: Fates,
    rhythm: Rhythm,
    next: u32,
}

impl History {
    /// The history of this shape that ends now.
    pub fn new(shape: Shape, now: Timestamp) -> Self {
        let now = millis(now);
        let rng = ChaCha8Rng::seed_from_u64(shape.seed);
        let mut first = rng.clone();
        let days = i64::from(shape.days.max(1));
        Self {
            shape,
            now,
            sources: Sources::new(&shape, now, &mut first),
            agents: Agents::new(&shape, now, &mut first),
            fates: Fates::new(&shape, &mut first),
            rhythm: Rhythm::new(now - days * DAY, now - YOUNGEST),
            rng,
            next: 0,
        }
    }

    /// What the configurations are like.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The configurations that the jobs belong to.
    pub fn configurations(&self) -> &[configuration::Model] {
        &self.sources.configurations
    }

    /// The agents that the runs name.
    pub fn agents(&self) -> &[agent::Model] {
        &self.agents.models
    }

    /// The keys of the agents, in the same order.
    pub fn agent_keys(&self) -> &[Arc<str>] {
        &self.agents.keys
    }

    /// The runs that agents are at as the history ends, with what is to become of them; those whose
    /// agents fell silent left out. Only before jobs are taken from it.
    pub fn under_way(mut self) -> Vec<RunPlan> {
        let reporting = self.fates.reporting();
        let plans = reporting.into_iter().filter_map(|rank| {
            let index = self.shape.jobs.checked_sub(rank + 1)?;
            self.draw(index).1?.plans.pop()
        });
        plans.collect()
    }

    fn job(&mut self, index: u32) -> (job::Model, Vec<job_run::Model>) {
        let (mut job, attempts) = self.draw(index);
        let Some(attempts) = attempts else { return (job, Vec::new()) };
        let runs = attempts.runs();
        let (queued, since) = attempts.newest();
        job.scheduled_date = attempts.scheduled.map(moment);
        job.queued_date = Some(moment(queued));
        job.update_date = Some(moment(since));
        if let Some(newest) = runs.last() {
            job.state = newest.agent_state;
            job.current_run_id = Some(newest.id);
        }
        (job, runs)
    }

    /// A job as it was created, and the attempts at it if there are any.
    fn draw(&mut self, index: u32) -> (job::Model, Option<Attempts>) {
        let mut rng = self.rng.clone();
        rng.set_stream(u64::from(index) + 1);
        let id = ids::job(index, &mut rng);
        let run_ids = ids::runs(index, &mut rng);
        let jitter = u64::from(rng.random::<u16>());
        let part = (u64::from(index) << 16) + jitter;
        let created = self.rhythm.at(part, u64::from(self.shape.jobs) << 16);

        let source = self.sources.pick(&mut rng);
        let configuration_id = self.sources.configurations[source].id;
        let source = &self.sources.each[source];
        let task = Task::draw(source.provider, &mut rng);
        let mut job = job::Model {
            id,
            configuration_id: Some(configuration_id),
            name: Some(task.name()),
            r#type: Some(task.kind.name().to_owned()),
            priority: task.priority,
            state: JobState::Queued,
            created_date: moment(created),
            queued_date: Some(moment(created)),
            update_date: Some(moment(created)),
            ..job::Model::default()
        };

        let fate = self.fates.of(self.shape.jobs - 1 - index, &mut rng);
        match fate {
            Fate::Waiting => return (job, None),
            Fate::Scheduled => {
                let ahead = whole(rng.log_normal(float(6 * HOUR), 1.1)).max(10 * MINUTE);
                // People schedule for round times.
                let date = (self.now + ahead) / (5 * MINUTE) * (5 * MINUTE);
                job.scheduled_date = Some(moment(date));
                return (job, None);
            }
            Fate::Active { .. } | Fate::Over => {}
        }

        let case = Case { task: &task, fate, flakiness: source.flakiness, created, now: self.now };
        let attempts = Attempts::draw(&case, &mut rng, |nth, rng| {
            // Two agents share a configuration's jobs.
            let agent = (source.agent + usize::from(rng.chance(0.3))) % self.agents.models.len();
            Who {
                id: run_ids[nth],
                job_id: id,
                agent_id: self.agents.models[agent].id,
                agent_key: Arc::clone(&self.agents.keys[agent]),
            }
        });
        (job, Some(attempts))
    }
}

impl Iterator for History {
    type Item = (job::Model, Vec<job_run::Model>);

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.next;
        if index >= self.shape.jobs {
            return None;
        }
        self.next += 1;
        Some(self.job(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.shape.jobs - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for History {}
