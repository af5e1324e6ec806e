//! What triggers append: that a run or a job counts as finished, or no longer does.

use entity::JobState;
use run_statistics::Cell;
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use super::values::{name_of, valid_hour};
use crate::jobs::estimates::Source;

/// How a run or a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    Completed = 0,
    Cancelled = 1,
    Failed = 2,
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Completed, Self::Cancelled, Self::Failed];

    pub fn state(self) -> JobState {
        match self {
            Self::Completed => JobState::Completed,
            Self::Cancelled => JobState::Cancelled,
            Self::Failed => JobState::Failed,
        }
    }

    pub fn of(state: JobState) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.state() == state)
    }
}

/// The change of what is removed for its age.
pub const REMOVED: i32 = 2;

/// What a run or a job counts as.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// 1 to count it, -1 to take it back, [`REMOVED`] to count it among what was removed.
    change: i32,
    pub configuration_id: Option<Uuid>,
    pub name: Option<String>,
    pub agent_id: Option<Uuid>,
    pub outcome: Outcome,
    is_job: bool,
    /// When it ended, in hours since 1970.
    pub hour: i64,
    wait: Option<i64>,
    duration: Option<i64>,
    tasks: Option<i64>,
    clues: Option<i64>,
}

impl Event {
    /// The columns that [`Self::read`] expects, in their order.
    pub const COLUMNS: &str = "change, configuration_id, name, agent_id, state, is_job, hour, wait, duration, \
         tasks, clues";

    /// How many columns they are.
    pub const COLUMN_COUNT: usize = 11;

    pub fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let state: JobState = row.try_get_by_index(4)?;
        let outcome = Outcome::of(state)
            .ok_or_else(|| DbErr::Type(format!("{} is no outcome", state.name())))?;
        Ok(Self {
            change: row.try_get_by_index(0)?,
            configuration_id: row.try_get_by_index(1)?,
            name: name_of(row.try_get_by_index(2)?),
            agent_id: row.try_get_by_index(3)?,
            outcome,
            is_job: row.try_get_by_index(5)?,
            hour: valid_hour(row.try_get_by_index(6)?),
            wait: row.try_get_by_index(7)?,
            duration: row.try_get_by_index(8)?,
            tasks: row.try_get_by_index(9)?,
            clues: row.try_get_by_index(10)?,
        })
    }

    /// Whose completed runs are others from now on, if they are. Names that are cut off have no runs.
    pub fn completed_source(&self) -> Option<Source> {
        let configuration = self.configuration_id?;
        let is_completed = self.outcome == Outcome::Completed && !self.is_removed();
        is_completed.then(|| (configuration, self.name.clone().unwrap_or_default()))
    }

    /// Whether it counts a run, or takes one back.
    pub fn is_of_run(&self) -> bool {
        !self.is_job && !self.is_removed()
    }

    /// Whether it is about a row that was removed for its age.
    pub fn is_removed(&self) -> bool {
        self.change == REMOVED
    }

    /// Adds it to a cell.
    pub fn add_to(&self, cell: &mut Cell) {
        let times = if self.is_removed() { 1 } else { i64::from(self.change) };
        if self.is_job {
            cell.jobs += times;
            return;
        }
        cell.runs += times;
        for (sum, count) in [(&mut cell.tasks, self.tasks), (&mut cell.clues, self.clues)] {
            *sum = sum.wrapping_add(count.unwrap_or(0).wrapping_mul(times));
        }
        for (sketch, time) in [(&mut cell.wait, self.wait), (&mut cell.duration, self.duration)] {
            if let Some(time) = time {
                sketch.add(time, times);
            }
        }
    }
}
