//! Attempts at a task before they have dates.

use std::sync::Arc;

use rand::Rng;
use uuid::Uuid;

use super::dates::{HOUR, MINUTE, SECOND};
use super::messages::{Onset, cancellation_message, failure_message, success_message};
use super::plan::{Ending, RunPlan};
use super::random::{Draw, float, whole};
use super::task::Task;
use super::work::{Pace, Work};

/// For how long a run makes no progress before it is ended for it, in milliseconds.
const STALL: i64 = 10 * MINUTE;

/// Which run it is, and whose.
#[derive(Clone, Debug)]
pub struct Who {
    pub id: Uuid,
    pub job_id: Uuid,
    pub agent_id: Uuid,
    pub agent_key: Arc<str>,
}

/// An attempt at a task, with lengths of time in milliseconds that may yet be squeezed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// From the job's creation, or from the end of the attempt before, until it is queued.
    pub delay: i64,
    /// From then until an agent begins.
    pub wait: i64,
    pub duration: i64,
    pub ending: Ending,
    /// When it goes wrong, if it fails.
    pub onset: Onset,
}

impl Draft {
    /// An attempt that ends like this, without delay.
    pub fn draw(task: &Task, ending: Ending, rng: &mut impl Rng) -> Self {
        let onset = match rng.random_range(0..20) {
            0..7 => Onset::AtOnce,
            7..18 => Onset::Midway,
            _ => Onset::Stalled,
        };
        let usual = task.kind.draw_duration(rng);
        let duration = match (ending, onset) {
            (Ending::Completed, _) if task.bulk => whole(rng.between(12.0, 40.0) * float(HOUR)),
            (Ending::Failed, Onset::AtOnce) => whole(rng.log_normal(4_000.0, 0.8)),
            (Ending::Failed, Onset::Stalled) => usual + STALL,
            _ => usual,
        };
        let wait = whole(rng.log_normal(9_000.0, 1.3));
        Self { delay: 0, wait, duration, ending, onset }
    }

    /// How long it takes in all.
    pub fn length(&self) -> i64 {
        self.delay + self.wait + self.duration
    }

    /// Makes it take no more than this part of its time.
    pub fn squeeze(&mut self, part: f64) {
        for length in [&mut self.delay, &mut self.wait, &mut self.duration] {
            *length = whole(float(*length) * part);
        }
        self.duration = self.duration.max(1);
        if self.onset == Onset::Stalled && self.duration < STALL + MINUTE {
            self.onset = Onset::Midway;
        }
    }

    /// All that the attempt will be if it is queued at this moment, in milliseconds since 1970.
    pub fn plan(&self, who: Who, task: &Task, queued: i64, rng: &mut impl Rng) -> RunPlan {
        let reach = self.reach(rng);
        let work = self.work(task, reach, rng);
        let cancelled_at = rng.between(0.5, 0.99);
        RunPlan {
            id: who.id,
            job_id: who.job_id,
            agent_id: who.agent_id,
            agent_key: who.agent_key,
            queued,
            started: queued + self.wait,
            duration: self.duration.max(1),
            quiet: self.quiet(rng),
            ending: self.ending,
            reach,
            cancelled_at: (self.ending == Ending::Cancelled).then_some(cancelled_at),
            last_word: self.last_word(task, &work, rng),
            work,
        }
    }

    /// For how long before its end it makes no progress.
    fn quiet(&self, rng: &mut impl Rng) -> i64 {
        let quiet = whole(float(self.duration) * rng.between(0.0, 0.015));
        if self.stalls() { STALL } else { quiet }
    }

    /// What part of the work it does.
    fn reach(&self, rng: &mut impl Rng) -> f64 {
        let part = rng.between(0.03, 0.95);
        match (self.ending, self.onset) {
            (Ending::Completed, _) => 1.0,
            (Ending::Failed, Onset::AtOnce) => 0.0,
            _ => part,
        }
    }

    /// The work that it does a part of.
    fn work(&self, task: &Task, reach: f64, rng: &mut impl Rng) -> Work {
        let pace = if task.bulk && self.ending == Ending::Completed {
            Pace::draw_bulk(rng)
        } else {
            Pace::draw(task.provider, task.kind, rng)
        };
        let seconds = float(self.duration) / float(SECOND);
        Work::draw(pace, if reach > 0.0 { seconds / reach } else { 60.0 }, rng)
    }

    /// What the agent says at the end.
    fn last_word(&self, task: &Task, work: &Work, rng: &mut impl Rng) -> Option<String> {
        match self.ending {
            Ending::Completed => success_message(work, rng),
            Ending::Cancelled => cancellation_message(rng),
            Ending::Failed => Some(failure_message(task.provider, self.onset, rng)),
        }
    }

    fn stalls(&self) -> bool {
        self.ending == Ending::Failed && self.onset == Onset::Stalled
    }
}
