//! Which state each job is in.
//!
//! Only a job's place in the history decides, never its age, so that whatever now is the same
//! jobs have runs.

use std::collections::HashMap;

use entity::JobState;
use rand::Rng;

use super::Shape;
use super::random::{Draw, float, share, whole};

/// Where a job stands at the end of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Queued, and its date lies ahead.
    Scheduled,
    /// Queued, and due.
    Waiting,
    /// In a state in which an agent is at it, or `Unknown`.
    Active {
        state: JobState,
        /// Its agent fell silent minutes ago.
        silent: bool,
    },
    /// In a terminal state.
    Over,
}

/// The jobs that an agent is at, however long the history is.
const ACTIVE: [(JobState, usize); 5] = [
    (JobState::Executing, 40),
    (JobState::ExecutionCompleted, 6),
    (JobState::Submitting, 6),
    (JobState::Cancelling, 5),
    (JobState::Unknown, 5),
];
/// Of every so many that execute, one is silent.
const SILENT: usize = 9;

/// Every job's fate, by its rank: the newest job's is 0.
pub struct Fates {
    /// How many of the newest jobs may be waiting, and how many scheduled.
    waiting: f64,
    scheduled: f64,
    active: HashMap<i64, Fate>,
}

impl Fates {
    pub fn new(shape: &Shape, rng: &mut impl Rng) -> Self {
        let (jobs, days) = (f64::from(shape.jobs), f64::from(shape.days.max(1)));
        // An agent is only ever at jobs of the last hours, and not at most of those.
        let recent = whole(jobs * (0.3 / days).min(0.3));
        let wanted: usize = ACTIVE.iter().map(|(_, count)| count).sum();
        let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
        let room = (float(recent) / 3.0 / float(wanted)).min(1.0);
        let states: Vec<_> = ACTIVE
            .iter()
            .flat_map(|(state, count)| {
                let count = share(i64::try_from(*count).unwrap_or(0), room);
                (0..usize::try_from(count).unwrap_or(0)).map(|nth| Fate::Active {
                    state: *state,
                    silent: *state == JobState::Executing && nth % SILENT == SILENT - 1,
                })
            })
            .collect();
        let mut active = HashMap::with_capacity(states.len());
        for state in states {
            // The newer, the likelier; there is three times the room that is needed.
            let mut rank = || whole(float(recent) * rng.unit().powf(1.5));
            let mut free = rank();
            while active.contains_key(&free) {
                free = rank();
            }
            active.insert(free, state);
        }
        Self {
            waiting: jobs * (0.75 / days).min(0.025),
            scheduled: jobs * (2.0 / days).min(0.066),
            active,
        }
    }

    /// The ranks of the jobs whose agents go on reporting, the oldest first.
    pub fn reporting(&self) -> Vec<u32> {
        let reporting = self.active.iter().filter(|(_, fate)| {
            matches!(fate, Fate::Active { state, silent: false } if *state != JobState::Unknown)
        });
        let mut ranks: Vec<_> =
            reporting.filter_map(|(rank, _)| u32::try_from(*rank).ok()).collect();
        ranks.sort_unstable_by(|a, b| b.cmp(a));
        ranks
    }

    /// The fate of the job with this rank.
    pub fn of(&self, rank: u32, rng: &mut impl Rng) -> Fate {
        let (scheduled, waiting) = (rng.unit(), rng.unit());
        if let Some(active) = self.active.get(&i64::from(rank)) {
            return *active;
        }
        let rank = f64::from(rank);
        // The newer, the likelier that no agent came by yet.
        if waiting < 0.9 * (1.0 - rank / self.waiting) {
            Fate::Waiting
        } else if rank < self.scheduled && scheduled < 0.16 {
            Fate::Scheduled
        } else {
            Fate::Over
        }
    }
}
