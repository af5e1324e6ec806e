//! The executing jobs, from the updates of a subscription.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::Deserialize;
use serde_json::Value as Json;
use uuid::Uuid;

/// How many removed jobs are kept.
const MAX_RECENTLY_REMOVED: usize = 3;

/// The fields of a job that are subscribed to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    pub id: Uuid,
    pub name: Option<String>,
    pub current_run: Option<Run>,
    /// Why fields of it or of its run have no value: messages by the field's name.
    #[serde(skip)]
    pub errors: BTreeMap<String, String>,
}

/// The fields of a job's current run. Times are in milliseconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Run {
    pub percent_completed: Option<f64>,
    pub agent_tasks_count: Option<i64>,
    pub agent_tasks_completed_count: Option<i64>,
    pub agent_expected_tasks_count: Option<i64>,
    pub tasks_per_minute: Option<f64>,
    pub estimated_remaining: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct RemovedJob {
    pub id: Uuid,
    pub state: String,
}

/// Why a field of an update has no value.
#[derive(Clone, Debug, Deserialize)]
pub struct FieldError {
    pub message: String,
    /// From the response's root, such as `executingJobs`, `jobs`, 0, `name`.
    #[serde(default)]
    pub path: Vec<Json>,
}

/// An update.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Update {
    pub is_snapshot: bool,
    pub jobs: Vec<Job>,
    pub removed: Vec<RemovedJob>,
    #[serde(default)]
    pub errors: Vec<FieldError>,
}

impl Update {
    /// Hands each error to the job that it concerns.
    fn sort_errors(&mut self) {
        for FieldError { message, path } in self.errors.drain(..) {
            let [_, list, index, .., field] = path.as_slice() else { continue };
            let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
            let job = index.and_then(|index| self.jobs.get_mut(index));
            if let (Some(job), "jobs", Some(field)) =
                (job, list.as_str().unwrap_or_default(), field.as_str())
            {
                job.errors.insert(field.to_owned(), message);
            }
        }
    }
}

/// What an update changes.
#[derive(Clone, Debug)]
pub enum Change {
    /// A job was added or has changed.
    Executing(Job),
    /// A job is no longer executing. The state is `None` if it was removed during an interruption.
    Removed { name: String, state: Option<String> },
}

impl Job {
    /// The name, or the id, without control characters.
    pub fn label(&self) -> String {
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let label = name.map_or_else(|| self.id.to_string(), str::to_owned);
        label.chars().map(|each| if each.is_control() { '\u{fffd}' } else { each }).collect()
    }
}

/// The executing jobs.
#[derive(Debug, Default)]
pub struct ExecutingJobs {
    jobs: HashMap<Uuid, (i64, Job)>,
    /// The position of the next job, before all others.
    first: i64,
    recently_removed: VecDeque<(String, Option<String>)>,
}

impl ExecutingJobs {
    /// The jobs, the newest first.
    pub fn jobs(&self) -> Vec<&Job> {
        let mut jobs: Vec<_> = self.jobs.values().collect();
        jobs.sort_unstable_by_key(|(position, _)| *position);
        jobs.into_iter().map(|(_, job)| job).collect()
    }

    /// The names and states of the last removed jobs, the latest first.
    pub fn recently_removed(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.recently_removed.iter().map(|(name, state)| (name.as_str(), state.as_deref()))
    }

    /// Applies an update.
    pub fn apply(&mut self, mut update: Update) -> Vec<Change> {
        update.sort_errors();
        let mut changes = Vec::new();
        let mut before = HashMap::new();
        if update.is_snapshot {
            before = std::mem::take(&mut self.jobs);
        }
        for job in update.removed {
            if let Some((_, last)) = self.jobs.remove(&job.id) {
                changes.push(self.remove(&last, Some(job.state)));
            }
        }
        // They are sorted, the newest first: the oldest is inserted first.
        for job in update.jobs.into_iter().rev() {
            before.remove(&job.id);
            changes.push(Change::Executing(job.clone()));
            if let Some((_, known)) = self.jobs.get_mut(&job.id) {
                *known = job;
            } else {
                self.first -= 1;
                self.jobs.insert(job.id, (self.first, job));
            }
        }
        for (_, job) in before.into_values() {
            changes.push(self.remove(&job, None));
        }
        changes
    }

    fn remove(&mut self, job: &Job, state: Option<String>) -> Change {
        let name = job.label();
        self.recently_removed.push_front((name.clone(), state.clone()));
        self.recently_removed.truncate(MAX_RECENTLY_REMOVED);
        Change::Removed { name, state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(is_snapshot: bool, jobs: &[u128], removed: &[u128]) -> Update {
        let job = |n: &u128| Job { id: Uuid::from_u128(*n), ..Job::default() };
        let removed_job = |n: &u128| RemovedJob { id: Uuid::from_u128(*n), state: "FAILED".into() };
        Update {
            is_snapshot,
            jobs: jobs.iter().map(job).collect(),
            removed: removed.iter().map(removed_job).collect(),
            errors: Vec::new(),
        }
    }

    fn ids(executing: &ExecutingJobs) -> Vec<u128> {
        executing.jobs().iter().map(|job| job.id.as_u128()).collect()
    }

    #[test]
    fn updates_add_up() {
        let mut executing = ExecutingJobs::default();
        executing.apply(update(true, &[3, 2, 1], &[]));
        assert_eq!(ids(&executing), [3, 2, 1]);
        // One changes and keeps its place, two come.
        assert_eq!(executing.apply(update(false, &[5, 4, 2], &[3, 9])).len(), 4);
        assert_eq!(ids(&executing), [5, 4, 2, 1]);
        // After a break some are gone.
        let changes = executing.apply(update(true, &[6, 2], &[]));
        assert_eq!(ids(&executing), [6, 2]);
        let gone =
            changes.iter().filter(|change| matches!(change, Change::Removed { state: None, .. }));
        assert_eq!(gone.count(), 3);
        assert_eq!(executing.recently_removed().count(), MAX_RECENTLY_REMOVED);
    }

    #[test]
    fn errors_belong_to_the_job_in_their_path() {
        let errors = serde_json::json!([
            { "message": "too large", "path": ["executingJobs", "jobs", 1, "currentRun", "agentTasksCount"] },
            { "message": "no such job", "path": ["executingJobs", "jobs", 7, "name"] },
            { "message": "no such state", "path": ["executingJobs", "removed", 0, "state"] },
            { "message": "without a path" },
        ]);
        let errors = serde_json::from_value(errors).unwrap();
        let mut executing = ExecutingJobs::default();
        executing.apply(Update { errors, ..update(true, &[2, 1], &[]) });
        let errors: Vec<_> = executing.jobs().iter().map(|job| &job.errors).collect();
        assert!(errors[0].is_empty());
        assert_eq!(
            errors[1].iter().collect::<Vec<_>>(),
            [(&"agentTasksCount".to_owned(), &"too large".to_owned())]
        );
        // The next update of the job is without it.
        executing.apply(update(false, &[1], &[]));
        assert!(executing.jobs().iter().all(|job| job.errors.is_empty()));
    }

    #[test]
    fn names_are_fit_for_a_terminal() {
        let name = Some("\u{1b}[2JHub\nSpot".to_owned());
        let job = Job { name, ..Job::default() };
        assert_eq!(job.label(), "\u{fffd}[2JHub\u{fffd}Spot");
    }
}
