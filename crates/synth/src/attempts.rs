//! The runs of a job, laid out between its creation and now.

use entity::{JobState, ProcessingState, job_run};
use rand::Rng;

use super::dates::{HOUR, MINUTE, SECOND, moment};
use super::draft::{Draft, Who};
use super::fate::Fate;
use super::ids::RUNS;
use super::plan::{Ending, RunPlan};
use super::random::{Draw, float, share, whole};
use super::task::Task;

/// From the end of a job's last run to now, in milliseconds, at least.
const MARGIN: i64 = 3 * SECOND;

/// The attempts at a job. Moments are in milliseconds since 1970.
pub struct Attempts {
    /// Oldest first; at least one.
    pub plans: Vec<RunPlan>,
    /// When the job was to run, if it was scheduled.
    pub scheduled: Option<i64>,
    /// When the last report came.
    heard: i64,
    /// The state of the newest run, which its plan does not know if it is `Unknown`.
    state: JobState,
}

/// A job that has runs.
pub struct Case<'a> {
    pub task: &'a Task,
    pub fate: Fate,
    /// How much more often than usual its runs fail.
    pub flakiness: f64,
    pub created: i64,
    pub now: i64,
}

impl Attempts {
    /// The attempts at a job; `who` says whose the nth run is.
    pub fn draw<R: Rng>(case: &Case<'_>, rng: &mut R, who: impl Fn(usize, &mut R) -> Who) -> Self {
        let mut drafts = case.drafts(rng);
        let heard = match case.fate {
            Fate::Active { silent: true, .. } => {
                let silence = whole(rng.between(2.0, 25.0) * float(MINUTE));
                case.now - silence.min((case.now - case.created) / 2)
            }
            Fate::Active { .. } => case.now - whole(rng.between(200.0, 8_000.0)),
            _ => case.now - whole(rng.between(200.0, 15_000.0)),
        };
        case.fit(&mut drafts, heard, rng);

        let scheduled = (drafts[0].delay > 0).then(|| case.created + drafts[0].delay);
        let mut end = case.created;
        let mut plans = Vec::with_capacity(drafts.len());
        for (nth, draft) in drafts.iter().enumerate() {
            let who = who(nth, rng);
            let plan = draft.plan(who, case.task, end + draft.delay, rng);
            end = plan.agent_end();
            plans.push(plan);
        }
        let newest = plans.len() - 1;
        let state = match case.fate {
            Fate::Active { state, .. } => {
                bring_to(&mut plans[newest], state, heard, rng);
                state
            }
            _ => plans[newest].ending.state(),
        };
        Self { plans, scheduled, heard, state }
    }

    /// The runs as they were last reported.
    pub fn runs(&self) -> Vec<job_run::Model> {
        let over = self.state.is_terminal();
        let last = self.plans.len() - 1;
        let rows = self.plans.iter().enumerate().map(|(nth, plan)| {
            // The end is always reported.
            let at = if over || nth < last { self.heard.max(plan.agent_end()) } else { self.heard };
            plan.at(moment(at))
        });
        let mut runs: Vec<_> = rows.collect();
        if self.state == JobState::Unknown {
            // What wrote an unknown state has others, too.
            runs[last].agent_state = JobState::Unknown;
            runs[last].processing_state =
                runs[last].processing_state.map(|_| ProcessingState::Unknown);
        }
        runs
    }

    /// When the newest run was queued, and when it came into its state.
    pub fn newest(&self) -> (i64, i64) {
        let plan = &self.plans[self.plans.len() - 1];
        let at = if self.state.is_terminal() { plan.agent_end() } else { self.heard };
        (plan.queued, plan.state(at).1)
    }
}

impl Case<'_> {
    fn drafts(&self, rng: &mut impl Rng) -> Vec<Draft> {
        let count = match rng.random_range(0..100) {
            0 => RUNS,
            1..4 => 2,
            _ => 1,
        };
        let draft = |nth| {
            let ending = if nth + 1 < count { setback(rng) } else { self.last_ending(rng) };
            let mut draft = Draft::draw(self.task, ending, rng);
            if nth > 0 {
                draft.delay = whole(rng.log_normal(float(10 * MINUTE), 1.2));
            } else if rng.chance(0.12) {
                draft.delay = whole(rng.log_normal(float(2 * HOUR), 1.2));
            }
            draft
        };
        (0..count).map(draft).collect()
    }

    fn last_ending(&self, rng: &mut impl Rng) -> Ending {
        let drawn = Ending::draw(self.flakiness, rng);
        match self.fate {
            Fate::Active { state: JobState::Cancelling, .. } => Ending::Cancelled,
            Fate::Active { .. } => Ending::Completed,
            _ => drawn,
        }
    }

    /// Squeezes the attempts into the time there was.
    fn fit(&self, drafts: &mut [Draft], heard: i64, rng: &mut impl Rng) {
        let (part, waited) = (rng.between(0.3, 0.95), rng.unit());
        let squeeze = |drafts: &mut [Draft], time: i64| {
            let length: i64 = drafts.iter().map(Draft::length).sum();
            if length > time {
                let part = float(time) / float(length) * part;
                for draft in drafts {
                    draft.squeeze(part);
                }
            }
        };
        if self.fate == Fate::Over {
            return squeeze(drafts, self.now - MARGIN - self.created);
        }
        let time = heard - self.created;
        if let Some((newest, earlier)) = drafts.split_last_mut() {
            squeeze(earlier, time / 2);
            let left = time - earlier.iter().map(Draft::length).sum::<i64>();
            newest.delay = newest.delay.min(left / 4);
            newest.wait = share(left - newest.delay, waited * waited * 0.6);
            newest.duration = left - newest.delay - newest.wait;
        }
    }
}

/// How an attempt ends that is followed by another.
fn setback(rng: &mut impl Rng) -> Ending {
    if rng.chance(0.75) { Ending::Failed } else { Ending::Cancelled }
}

/// Stretches a run that is under way so that it is in this state at that moment.
fn bring_to(plan: &mut RunPlan, state: JobState, at: i64, rng: &mut impl Rng) {
    let tail = plan.work.tail;
    let passed = match state {
        JobState::ExecutionCompleted => 1.0 - tail * rng.between(0.55, 0.95),
        JobState::Submitting => 1.0 - tail * rng.between(0.05, 0.45),
        JobState::Cancelling => rng.between(0.3, 0.95),
        JobState::Unknown => rng.between(0.5, 0.8),
        _ => rng.between(0.06, 0.95) * (1.0 - tail),
    };
    let elapsed = at - plan.started;
    plan.duration = whole(float(elapsed) / passed).max(elapsed + 1);
    plan.cancelled_at = plan.cancelled_at.map(|_| passed * rng.between(0.9, 0.999));
    let scale = 1.0 / passed;
    plan.work.tasks = whole(float(plan.work.tasks) * scale).max(1);
    plan.work.clues = whole(float(plan.work.clues) * scale);
    if rng.chance(0.15) {
        // The pipeline has a backlog: nothing of it is processed yet.
        plan.work.processing.lag = elapsed + 1;
    }
}
