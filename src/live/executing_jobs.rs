//! A materialised view of the executing jobs with their current runs, shared by all subscribers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use entity::{Columns, JobState, job, job_run};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use crate::db::Sql;
use crate::jobs::scope::Scope;

/// Tombstones that are kept for subscribers that are behind.
const MAX_TOMBSTONES: usize = 20_000;

/// A job with its current run.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveJob {
    pub job: Arc<job::Model>,
    pub run: Option<Arc<job_run::Model>>,
}

/// A job that is no longer executing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    pub job_id: Uuid,
    /// Its new state; `Unknown` if it was deleted.
    pub state: JobState,
}

/// The executing jobs. Each change increments the version.
#[derive(Debug, Default)]
pub struct ExecutingJobs {
    version: u64,
    jobs: HashMap<Uuid, Entry>,
    tombstones: HashMap<Uuid, Tombstone>,
    /// The version of the last change of each job or tombstone.
    changes: BTreeMap<u64, Uuid>,
    /// Tombstones up to this version are dropped.
    dropped: u64,
}

#[derive(Debug)]
struct Entry {
    live_job: LiveJob,
    version: u64,
    /// Other configurations that the job belonged to while executing.
    former_configurations: Vec<Option<Uuid>>,
}

/// A removed job.
#[derive(Debug)]
struct Tombstone {
    state: JobState,
    version: u64,
    /// The configurations that the job belonged to while executing, the last one at the end.
    configurations: Vec<Option<Uuid>>,
}

/// The changes since a version.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub jobs: Vec<LiveJob>,
    pub removed: Vec<Removal>,
}

impl ExecutingJobs {
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The executing jobs in the scope, newest first.
    pub fn all(&self, scope: &Scope) -> Vec<LiveJob> {
        let matching = self
            .jobs
            .values()
            .map(|entry| &entry.live_job)
            .filter(|live_job| scope.sees(live_job.job.configuration_id));
        let mut all: Vec<_> = matching.cloned().collect();
        sort(&mut all);
        all
    }

    /// The changes to jobs in the scope after a version; `None` if a tombstone of them was dropped.
    pub fn since(&self, version: u64, scope: &Scope) -> Option<Changes> {
        if version < self.dropped {
            return None;
        }
        let mut changes = Changes::default();
        for id in self.changes.range(version + 1..).map(|(_, id)| id) {
            if let Some(entry) = self.jobs.get(id) {
                if scope.sees(entry.live_job.job.configuration_id) {
                    changes.jobs.push(entry.live_job.clone());
                } else if entry.former_configurations.iter().any(|of| scope.sees(*of)) {
                    let state = entry.live_job.job.state;
                    changes.removed.push(Removal { job_id: *id, state });
                }
            } else if let Some(tombstone) = self.tombstones.get(id)
                && tombstone.configurations.iter().any(|of| scope.sees(*of))
            {
                // If the job moved out of the scope first, its final state is not visible.
                let last = tombstone.configurations.last().copied().flatten();
                let state = if scope.sees(last) { tombstone.state } else { JobState::Executing };
                changes.removed.push(Removal { job_id: *id, state });
            }
        }
        sort(&mut changes.jobs);
        Some(changes)
    }

    /// The ids of the executing jobs.
    pub fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.jobs.keys().copied()
    }

    /// Applies the current state of these jobs. A job that is not in `found` was deleted.
    pub fn update(&mut self, ids: &[Uuid], mut found: HashMap<Uuid, LiveJob>) {
        for id in ids {
            match found.remove(id) {
                Some(live_job) if live_job.job.state == JobState::Executing => {
                    self.put(*id, live_job);
                }
                other => self.remove(*id, other.map_or(JobState::Unknown, |each| each.job.state)),
            }
        }
        self.drop_old_tombstones();
    }

    fn put(&mut self, id: Uuid, live_job: LiveJob) {
        let mut former = Vec::new();
        if let Some(before) = self.jobs.get_mut(&id) {
            if before.live_job == live_job {
                return;
            }
            self.changes.remove(&before.version);
            former = std::mem::take(&mut before.former_configurations);
            let (old, new) = (before.live_job.job.configuration_id, live_job.job.configuration_id);
            former.retain(|of| *of != new);
            if old != new {
                former.push(old);
            }
        } else if let Some(tombstone) = self.tombstones.remove(&id) {
            self.changes.remove(&tombstone.version);
            former = tombstone.configurations;
            former.retain(|of| *of != live_job.job.configuration_id);
        }
        self.version += 1;
        self.changes.insert(self.version, id);
        let entry = Entry { live_job, version: self.version, former_configurations: former };
        self.jobs.insert(id, entry);
    }

    fn remove(&mut self, id: Uuid, state: JobState) {
        let configurations = match self.jobs.remove(&id) {
            Some(before) => {
                self.changes.remove(&before.version);
                let mut configurations = before.former_configurations;
                configurations.push(before.live_job.job.configuration_id);
                configurations
            }
            None => return,
        };
        self.version += 1;
        self.changes.insert(self.version, id);
        self.tombstones.insert(id, Tombstone { state, version: self.version, configurations });
    }

    /// Drops the oldest tombstones beyond the limit.
    fn drop_old_tombstones(&mut self) {
        let surplus = self.tombstones.len().saturating_sub(MAX_TOMBSTONES);
        if surplus == 0 {
            return;
        }
        let tombstones = &self.tombstones;
        let removed = self.changes.iter().filter(|(_, id)| tombstones.contains_key(id));
        let oldest: Vec<_> = removed.take(surplus).map(|(version, id)| (*version, *id)).collect();
        for (version, id) in oldest {
            self.changes.remove(&version);
            self.tombstones.remove(&id);
            self.dropped = self.dropped.max(version);
        }
    }
}

fn sort(jobs: &mut [LiveJob]) {
    jobs.sort_by_key(|each| Reverse((each.job.created_date, each.job.id)));
}

/// Reads jobs with their current runs: these, or all executing jobs.
pub async fn read(
    db: &impl ConnectionTrait,
    ids: Option<&[Uuid]>,
) -> Result<HashMap<Uuid, LiveJob>, DbErr> {
    let (jobs, runs) = (Columns::<job::Entity>::all(), Columns::<job_run::Entity>::all());
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!(
        "SELECT {}, run.id, {} FROM job LEFT JOIN job_run AS run ON run.id = job.current_run_id",
        jobs.select("job"),
        runs.select("run")
    ));
    match ids {
        Some(ids) => _ = sql.push(" WHERE job.id").any_uuid(ids),
        None => _ = sql.push(" WHERE job.state = 'Executing'"),
    }
    let run_id = jobs.places().count();
    let read = |row: &QueryResult| {
        let job = jobs.read(row, 0)?;
        let run = match row.try_get_by_index::<Option<Uuid>>(run_id)? {
            Some(_) => Some(Arc::new(runs.read(row, run_id + 1)?)),
            None => None,
        };
        Ok((job.id, LiveJob { job: Arc::new(job), run }))
    };
    sql.all(db).await?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(n: u128, state: JobState, configuration: Option<u128>) -> LiveJob {
        let job = job::Model {
            id: Uuid::from_u128(n),
            state,
            configuration_id: configuration.map(Uuid::from_u128),
            ..job::Model::default()
        };
        LiveJob { job: Arc::new(job), run: None }
    }

    fn update(view: &mut ExecutingJobs, jobs: &[LiveJob]) {
        let ids: Vec<_> = jobs.iter().map(|each| each.job.id).collect();
        view.update(&ids, jobs.iter().map(|each| (each.job.id, each.clone())).collect());
    }

    fn ids(jobs: &[LiveJob]) -> Vec<u128> {
        jobs.iter().map(|each| each.job.id.as_u128()).collect()
    }

    fn removed(changes: &Changes) -> Vec<(u128, JobState)> {
        changes.removed.iter().map(|each| (each.job_id.as_u128(), each.state)).collect()
    }

    use JobState::{Completed, Executing};

    #[test]
    fn only_the_newest_change_of_each_job_is_kept() {
        let mut view = ExecutingJobs::default();
        update(
            &mut view,
            &[job(1, Executing, None), job(2, Executing, None), job(3, Completed, None)],
        );
        assert_eq!(ids(&view.all(&Scope::All)), [2, 1]);
        let start = view.version();
        update(&mut view, &[job(1, Executing, None)]);
        assert_eq!(view.version(), start, "nothing has changed");
        update(&mut view, &[job(1, Executing, Some(7))]);
        update(&mut view, &[job(1, Completed, Some(7)), job(4, Executing, None)]);
        let changes = view.since(start, &Scope::All).unwrap();
        assert_eq!((ids(&changes.jobs), removed(&changes)), (vec![4], vec![(1, Completed)]));
        let nothing = view.since(view.version(), &Scope::All).unwrap();
        assert!(nothing.jobs.is_empty() && nothing.removed.is_empty());
        // A deleted job that is created again.
        view.update(&[Uuid::from_u128(2)], HashMap::new());
        assert_eq!(
            removed(&view.since(start, &Scope::All).unwrap()),
            [(1, Completed), (2, JobState::Unknown)]
        );
        update(&mut view, &[job(2, Executing, None)]);
        let changes = view.since(start, &Scope::All).unwrap();
        assert_eq!((ids(&changes.jobs), removed(&changes)), (vec![4, 2], vec![(1, Completed)]));
    }

    #[test]
    fn a_job_that_moves_is_removed_from_its_former_configuration() {
        let mut view = ExecutingJobs::default();
        let (a, b) = (Scope::only([Uuid::from_u128(100)]), Scope::only([Uuid::from_u128(200)]));
        update(&mut view, &[job(1, Executing, Some(100))]);
        let start = view.version();
        update(&mut view, &[job(1, Executing, Some(200))]);
        assert_eq!(removed(&view.since(start, &a).unwrap()), [(1, Executing)]);
        assert_eq!(ids(&view.since(start, &b).unwrap().jobs), [1]);
        update(&mut view, &[job(1, Completed, Some(200))]);
        assert_eq!(removed(&view.since(start, &a).unwrap()), [(1, Executing)]);
        assert_eq!(removed(&view.since(start, &b).unwrap()), [(1, Completed)]);
    }

    #[test]
    fn a_version_before_a_dropped_tombstone_needs_a_snapshot() {
        let mut view = ExecutingJobs::default();
        for n in 0..MAX_TOMBSTONES as u128 + 10 {
            update(&mut view, &[job(n, Executing, None)]);
            update(&mut view, &[job(n, Completed, None)]);
        }
        assert!(view.since(1, &Scope::All).is_none());
        let late = view.version() - 100;
        assert_eq!(view.since(late, &Scope::All).unwrap().removed.len(), 50);
        assert!(view.changes.len() <= MAX_TOMBSTONES);
    }
}
