//! The jobs that execute, with their current runs, as they are now: read once for all who watch.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use entity::{Columns, JobState, job, job_run};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use crate::db::Sql;
use crate::jobs::scope::Scope;

/// How many departures are remembered for watchers that are behind.
const DEPARTURES: usize = 20_000;

/// A job with its current run.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    pub job: Arc<job::Model>,
    pub run: Option<Arc<job_run::Model>>,
}

/// A job that executes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    pub job_id: Uuid,
    /// The state it left to; `Unknown` if it is no more.
    pub state: JobState,
}

/// All jobs that execute. Each change has a number, the picture's version from then on.
#[derive(Debug, Default)]
pub struct Picture {
    version: u64,
    jobs: HashMap<Uuid, Present>,
    departures: HashMap<Uuid, Gone>,
    /// The newest change of each job.
    changes: BTreeMap<u64, Uuid>,
    /// Departures up to this version are forgotten.
    forgotten: u64,
}

#[derive(Debug)]
struct Present {
    watched: Watched,
    version: u64,
    /// Other configurations that it belonged to while it executed.
    was_in: Vec<Option<Uuid>>,
}

#[derive(Debug)]
struct Gone {
    state: JobState,
    version: u64,
    configurations: Vec<Option<Uuid>>,
}

/// What has changed since a version.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub jobs: Vec<Watched>,
    pub left: Vec<Departure>,
}

impl Picture {
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The scope's jobs that execute, the newest first.
    pub fn all(&self, scope: &Scope) -> Vec<Watched> {
        let matching = self
            .jobs
            .values()
            .map(|present| &present.watched)
            .filter(|watched| scope.sees(watched.job.configuration_id));
        let mut all: Vec<_> = matching.cloned().collect();
        sort(&mut all);
        all
    }

    /// The changes after a version to the scope's jobs; `None` if some are forgotten.
    pub fn since(&self, version: u64, scope: &Scope) -> Option<Changes> {
        if version < self.forgotten {
            return None;
        }
        let mut changes = Changes::default();
        for id in self.changes.range(version + 1..).map(|(_, id)| id) {
            if let Some(present) = self.jobs.get(id) {
                if scope.sees(present.watched.job.configuration_id) {
                    changes.jobs.push(present.watched.clone());
                } else if present.was_in.iter().any(|of| scope.sees(*of)) {
                    let state = present.watched.job.state;
                    changes.left.push(Departure { job_id: *id, state });
                }
            } else if let Some(gone) = self.departures.get(id)
                && gone.configurations.iter().any(|of| scope.sees(*of))
            {
                // Of a job that moved elsewhere before, only that it did.
                let last = gone.configurations.last().copied().flatten();
                let state = if scope.sees(last) { gone.state } else { JobState::Executing };
                changes.left.push(Departure { job_id: *id, state });
            }
        }
        sort(&mut changes.jobs);
        Some(changes)
    }

    /// The ids of the jobs that execute.
    pub fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.jobs.keys().copied()
    }

    /// Takes over what these jobs are now; one that is not among `found` exists no more.
    pub fn update(&mut self, ids: &[Uuid], mut found: HashMap<Uuid, Watched>) {
        for id in ids {
            match found.remove(id) {
                Some(watched) if watched.job.state == JobState::Executing => {
                    self.put(*id, watched);
                }
                other => self.remove(*id, other.map_or(JobState::Unknown, |each| each.job.state)),
            }
        }
        self.forget();
    }

    fn put(&mut self, id: Uuid, watched: Watched) {
        let mut was_in = Vec::new();
        if let Some(before) = self.jobs.get_mut(&id) {
            if before.watched == watched {
                return;
            }
            self.changes.remove(&before.version);
            was_in = std::mem::take(&mut before.was_in);
            let (old, new) = (before.watched.job.configuration_id, watched.job.configuration_id);
            was_in.retain(|of| *of != new);
            if old != new {
                was_in.push(old);
            }
        } else if let Some(gone) = self.departures.remove(&id) {
            self.changes.remove(&gone.version);
            was_in = gone.configurations;
            was_in.retain(|of| *of != watched.job.configuration_id);
        }
        self.version += 1;
        self.changes.insert(self.version, id);
        self.jobs.insert(id, Present { watched, version: self.version, was_in });
    }

    fn remove(&mut self, id: Uuid, state: JobState) {
        let configurations = match self.jobs.remove(&id) {
            Some(before) => {
                self.changes.remove(&before.version);
                let mut configurations = before.was_in;
                configurations.push(before.watched.job.configuration_id);
                configurations
            }
            None => return,
        };
        self.version += 1;
        self.changes.insert(self.version, id);
        self.departures.insert(id, Gone { state, version: self.version, configurations });
    }

    /// Forgets the oldest departures.
    fn forget(&mut self) {
        let surplus = self.departures.len().saturating_sub(DEPARTURES);
        if surplus == 0 {
            return;
        }
        let departures = &self.departures;
        let gone = self.changes.iter().filter(|(_, id)| departures.contains_key(id));
        let oldest: Vec<_> = gone.take(surplus).map(|(version, id)| (*version, *id)).collect();
        for (version, id) in oldest {
            self.changes.remove(&version);
            self.departures.remove(&id);
            self.forgotten = self.forgotten.max(version);
        }
    }
}

fn sort(jobs: &mut [Watched]) {
    jobs.sort_by_key(|each| Reverse((each.job.created_date, each.job.id)));
}

/// Reads jobs with their current runs: these, or all that execute.
pub async fn read(
    db: &impl ConnectionTrait,
    ids: Option<&[Uuid]>,
) -> Result<HashMap<Uuid, Watched>, DbErr> {
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
        Ok((job.id, Watched { job: Arc::new(job), run }))
    };
    sql.all(db).await?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(n: u128, state: JobState, configuration: Option<u128>) -> Watched {
        let job = job::Model {
            id: Uuid::from_u128(n),
            state,
            configuration_id: configuration.map(Uuid::from_u128),
            ..job::Model::default()
        };
        Watched { job: Arc::new(job), run: None }
    }

    fn update(picture: &mut Picture, jobs: &[Watched]) {
        let ids: Vec<_> = jobs.iter().map(|each| each.job.id).collect();
        picture.update(&ids, jobs.iter().map(|each| (each.job.id, each.clone())).collect());
    }

    fn ids(jobs: &[Watched]) -> Vec<u128> {
        jobs.iter().map(|each| each.job.id.as_u128()).collect()
    }

    fn left(changes: &Changes) -> Vec<(u128, JobState)> {
        changes.left.iter().map(|each| (each.job_id.as_u128(), each.state)).collect()
    }

    use JobState::{Completed, Executing};

    #[test]
    fn changes_are_the_newest_of_each_job() {
        let mut picture = Picture::default();
        update(
            &mut picture,
            &[job(1, Executing, None), job(2, Executing, None), job(3, Completed, None)],
        );
        assert_eq!(ids(&picture.all(&Scope::All)), [2, 1]);
        let start = picture.version();
        update(&mut picture, &[job(1, Executing, None)]);
        assert_eq!(picture.version(), start, "nothing has changed");
        update(&mut picture, &[job(1, Executing, Some(7))]);
        update(&mut picture, &[job(1, Completed, Some(7)), job(4, Executing, None)]);
        let changes = picture.since(start, &Scope::All).unwrap();
        assert_eq!((ids(&changes.jobs), left(&changes)), (vec![4], vec![(1, Completed)]));
        let nothing = picture.since(picture.version(), &Scope::All).unwrap();
        assert!(nothing.jobs.is_empty() && nothing.left.is_empty());
        // One that is no more, and comes back.
        picture.update(&[Uuid::from_u128(2)], HashMap::new());
        assert_eq!(
            left(&picture.since(start, &Scope::All).unwrap()),
            [(1, Completed), (2, JobState::Unknown)]
        );
        update(&mut picture, &[job(2, Executing, None)]);
        let changes = picture.since(start, &Scope::All).unwrap();
        assert_eq!((ids(&changes.jobs), left(&changes)), (vec![4, 2], vec![(1, Completed)]));
    }

    #[test]
    fn who_moves_leaves_its_configuration() {
        let mut picture = Picture::default();
        let (a, b) = (Scope::only([Uuid::from_u128(100)]), Scope::only([Uuid::from_u128(200)]));
        update(&mut picture, &[job(1, Executing, Some(100))]);
        let start = picture.version();
        update(&mut picture, &[job(1, Executing, Some(200))]);
        assert_eq!(left(&picture.since(start, &a).unwrap()), [(1, Executing)]);
        assert_eq!(ids(&picture.since(start, &b).unwrap().jobs), [1]);
        update(&mut picture, &[job(1, Completed, Some(200))]);
        assert_eq!(left(&picture.since(start, &a).unwrap()), [(1, Executing)]);
        assert_eq!(left(&picture.since(start, &b).unwrap()), [(1, Completed)]);
    }

    #[test]
    fn what_is_forgotten_is_told() {
        let mut picture = Picture::default();
        for n in 0..DEPARTURES as u128 + 10 {
            update(&mut picture, &[job(n, Executing, None)]);
            update(&mut picture, &[job(n, Completed, None)]);
        }
        assert!(picture.since(1, &Scope::All).is_none());
        let late = picture.version() - 100;
        assert_eq!(picture.since(late, &Scope::All).unwrap().left.len(), 50);
        assert!(picture.changes.len() <= DEPARTURES);
    }
}
