//! All that a run will ever be.

use std::sync::Arc;

use entity::{JobState, Timestamp};
use rand::Rng;
use uuid::Uuid;

use super::dates::moment;
use super::processing::Submitted;
use super::random::{Draw, float, share, whole};
use super::work::Work;

/// How the agent phase of a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Completed,
    Cancelled,
    Failed,
}

impl Ending {
    /// An ending, as often as it occurs; `flakiness` is how much more often than usual runs fail.
    pub fn draw(flakiness: f64, rng: &mut impl Rng) -> Self {
        let dice = rng.unit();
        if dice < 0.03 {
            Self::Cancelled
        } else if dice < 0.03 + 0.073 * flakiness {
            Self::Failed
        } else {
            Self::Completed
        }
    }

    /// The state it leaves the run in.
    pub const fn state(self) -> JobState {
        match self {
            Self::Completed => JobState::Completed,
            Self::Cancelled => JobState::Cancelled,
            Self::Failed => JobState::Failed,
        }
    }
}

/// A run from its beginning to its end. [`RunPlan::at`] makes its row at any moment.
///
/// Moments are milliseconds since 1970, lengths of time milliseconds.
#[derive(Clone, Debug)]
pub struct RunPlan {
    pub id: Uuid,
    pub job_id: Uuid,
    pub agent_id: Uuid,
    pub agent_key: Arc<str>,
    /// When it is queued for the agent.
    pub queued: i64,
    /// When the agent begins.
    pub started: i64,
    /// How long the agent phase takes. At least 1.
    pub duration: i64,
    /// For how long before the end of the agent phase nothing is submitted any more. Less than
    /// the duration.
    pub quiet: i64,
    pub ending: Ending,
    /// What part of its work the run has done when the agent phase ends: 1 if it completes.
    pub reach: f64,
    /// After what part of the agent phase cancellation is asked for. Only a run that ends
    /// cancelled has one.
    pub cancelled_at: Option<f64>,
    /// What the agent says at the end.
    pub last_word: Option<String>,
    pub work: Work,
}

impl RunPlan {
    /// When the agent phase ends.
    pub fn agent_end(&self) -> i64 {
        self.started + self.duration
    }

    /// When both phases have finished.
    pub fn end(&self) -> i64 {
        let processed = self.submitted(self.agent_end()).map(|s| self.work.processing.end(&s));
        processed.unwrap_or(0).max(self.agent_end())
    }

    /// Ends the agent phase at a moment of it. What is done by then stays done, and what is
    /// submitted is still processed.
    pub fn cut_short(&mut self, at: i64, ending: Ending, last_word: Option<String>) {
        let at = at.clamp(self.started + 1, self.agent_end());
        let submitted = float((at - self.started).min(self.span())) / float(self.span());
        self.reach = self.done(at).max(submitted * self.reach).min(1.0);
        self.duration = at - self.started;
        self.quiet = 0;
        self.ending = ending;
        self.cancelled_at = (ending == Ending::Cancelled).then_some(1.0);
        self.last_word = last_word;
    }

    /// When this part of the agent phase has passed.
    pub fn moment(&self, part: f64) -> Timestamp {
        moment(self.started + share(self.duration, part))
    }

    /// The state of the agent phase at a moment, and since when it is in it.
    pub fn state(&self, at: i64) -> (JobState, i64) {
        if at < self.started {
            return (JobState::Queued, self.queued);
        }
        if at >= self.agent_end() {
            return (self.ending.state(), self.agent_end());
        }
        let since = |part: f64| self.started + whole(float(self.duration) * part).max(1);
        let tail = self.work.tail;
        let steps = match self.ending {
            Ending::Completed => [
                (JobState::ExecutionCompleted, Some(1.0 - tail)),
                (JobState::Submitting, Some(1.0 - tail / 2.0)),
            ],
            Ending::Cancelled => {
                [(JobState::Cancelling, self.cancelled_at), (JobState::Unknown, None)]
            }
            Ending::Failed => [(JobState::Unknown, None); 2],
        };
        steps
            .into_iter()
            .filter_map(|(state, part)| Some((state, since(part?))))
            .rfind(|(_, since)| at >= *since)
            .unwrap_or((JobState::Executing, self.started))
    }

    /// What part of its work the agent has done at a moment.
    pub(super) fn done(&self, at: i64) -> f64 {
        if at >= self.agent_end() {
            return self.reach;
        }
        let passed = float((at - self.started).max(0)) / float(self.duration);
        // A run that completes has done its tasks before it has submitted everything.
        let part = passed * self.reach;
        if self.ending == Ending::Completed {
            (part / (1.0 - self.work.tail)).min(1.0)
        } else {
            part
        }
    }

    /// How many batches of clues are submitted at a moment.
    pub(super) fn batches(&self, at: i64) -> i64 {
        (at - self.started).clamp(0, self.span()) * self.work.batches / self.span()
    }

    /// When a batch was submitted.
    pub(super) fn batch_date(&self, batch: i64) -> i64 {
        let batches = self.work.batches;
        self.started + (batch * self.span() + batches - 1).div_euclid(batches)
    }

    /// How many clues so many batches hold, and how many of those could not be submitted.
    pub(super) fn clues_in(&self, batches: i64) -> (i64, i64) {
        let Work { head, clues, clue_failures, .. } = self.work;
        let part = float(batches) / float(self.work.batches) * self.reach;
        let tried = share(clues, (part - head) / (1.0 - head));
        (tried, share(tried, clue_failures))
    }

    /// What is submitted at a moment; `None` if nothing is yet.
    pub(super) fn submitted(&self, at: i64) -> Option<Submitted> {
        let submitted = |batches| {
            let (tried, failed) = self.clues_in(batches);
            tried - failed
        };
        let batches = self.batches(at);
        let clues = submitted(batches);
        if clues == 0 {
            return None;
        }
        let (mut empty, mut first) = (0, batches);
        while first - empty > 1 {
            let middle = i64::midpoint(empty, first);
            if submitted(middle) == 0 { empty = middle } else { first = middle }
        }
        let last = self.work.batches;
        Some(Submitted {
            first: self.batch_date(first),
            last: self.batch_date(last),
            clues,
            clues_in_all: submitted(last),
        })
    }

    /// The time in which clues are submitted.
    fn span(&self) -> i64 {
        (self.duration - self.quiet).max(1)
    }
}
