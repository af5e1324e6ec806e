//! How much a run has to do.

use rand::Rng;

use super::processing::Processing;
use super::providers::{Family, Provider};
use super::random::{Draw, float, share, whole};

/// The kind of work that a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    Crawl,
    /// Only what changed since the last crawl.
    Incremental,
    /// Everything, whether it changed or not.
    Full,
    /// Takes back what is gone from the source.
    Delete,
}

impl JobKind {
    /// A kind, as often as it occurs.
    pub fn draw(rng: &mut impl Rng) -> Self {
        match rng.random_range(0..100) {
            0..45 => Self::Crawl,
            45..80 => Self::Incremental,
            80..92 => Self::Full,
            _ => Self::Delete,
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Crawl, Self::Incremental, Self::Full, Self::Delete]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// What jobs store as their type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crawl => "Crawl",
            Self::Incremental => "Incremental crawl",
            Self::Full => "Full crawl",
            Self::Delete => "Delete",
        }
    }

    /// How long the agent phase takes, in milliseconds: from twenty seconds to days.
    pub fn draw_duration(self, rng: &mut impl Rng) -> i64 {
        let median = match self {
            Self::Crawl => 360_000.0,
            Self::Incremental => 100_000.0,
            Self::Full => 1_500_000.0,
            Self::Delete => 150_000.0,
        };
        whole(rng.log_normal(median, 1.65)).max(20_000)
    }
}

/// How fast an agent is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub tasks_per_second: f64,
    /// Clues that it finds in a task.
    pub clues_per_task: f64,
}

impl Pace {
    /// About as fast as agents of this provider are.
    pub fn draw(provider: &Provider, kind: JobKind, rng: &mut impl Rng) -> Self {
        let tasks_per_second = rng.log_normal(provider.tasks_per_second, 0.7);
        let clues_per_task = rng.log_normal(provider.clues_per_task, 0.8);
        // Much of what an incremental crawl looks at has not changed, at times all of it.
        let changed = match kind {
            JobKind::Incremental if rng.chance(0.1) => 0.0,
            JobKind::Incremental => rng.between(0.01, 0.4),
            _ => 1.0,
        };
        Self { tasks_per_second, clues_per_task: clues_per_task * changed }
    }

    /// The pace of a database's export in bulk: in half a day it passes 2^31 clues.
    pub fn draw_bulk(rng: &mut impl Rng) -> Self {
        Self { tasks_per_second: rng.between(5.0, 9.0), clues_per_task: 10_000.0 }
    }

    /// Whether a source's tables are ever exported in bulk.
    pub fn can_be_bulk(provider: &Provider, kind: JobKind) -> bool {
        provider.family == Family::Database && matches!(kind, JobKind::Crawl | JobKind::Full)
    }
}

/// What a run has to do from its beginning to its end, should it get there, and how it does it.
#[derive(Clone, Debug)]
pub struct Work {
    /// The agent's tasks in all.
    pub tasks: i64,
    /// The clues in all.
    pub clues: i64,
    /// Whether the agent knows beforehand how many tasks there are.
    pub expects_tasks: bool,
    /// Whether it can say how far it is.
    pub says_percent: bool,
    /// What part of its tasks fails.
    pub task_failures: f64,
    /// What part of the clues cannot be submitted.
    pub clue_failures: f64,
    /// In how many batches the clues are submitted. At least one.
    pub batches: i64,
    /// The part of the agent phase that passes before anything is submitted.
    pub head: f64,
    /// What part of the agent phase is left when the agent has done all its tasks, and submits
    /// what it still holds.
    pub tail: f64,
    pub processing: Processing,
}

impl Work {
    /// What an agent of this pace does in so many seconds.
    pub fn draw(pace: Pace, seconds: f64, rng: &mut impl Rng) -> Self {
        let tasks = (pace.tasks_per_second * seconds).max(1.0);
        let clues = tasks * pace.clues_per_task;
        Self {
            tasks: whole(tasks),
            clues: whole(clues),
            expects_tasks: rng.chance(0.75),
            says_percent: rng.chance(0.85),
            task_failures: if rng.chance(0.3) { rng.between(0.0, 0.03) } else { 0.0 },
            clue_failures: if rng.chance(0.25) { rng.between(0.0, 0.004) } else { 0.0 },
            batches: rng.random_range(12..240),
            head: rng.between(0.005, 0.08),
            tail: rng.between(0.02, 0.12),
            processing: Processing::draw(seconds, rng),
        }
    }

    /// How many tasks the agent has dealt with, well or not, when this part of its work is done.
    pub(super) fn tasks_done(&self, part: f64) -> i64 {
        share(self.tasks, part)
    }

    /// How many tasks it has found by then: it looks ahead.
    pub(super) fn tasks_found(&self, part: f64) -> i64 {
        share(self.tasks, part * (2.0 - part)).max(self.tasks_done(part))
    }

    /// How many of the tasks that it has dealt with failed.
    pub(super) fn tasks_failed(&self, done: i64) -> i64 {
        share(done, self.task_failures)
    }

    /// How many clues it has found when this part of its work is done.
    pub(super) fn clues_found(&self, part: f64) -> i64 {
        share(self.clues, part)
    }

    /// How far it then says it is, from 0 to 100.
    pub(super) fn percent(&self, part: f64) -> f64 {
        let done = float(self.tasks_done(part)) / float(self.tasks.max(1));
        (done * 1_000.0).floor() / 10.0
    }
}
