//! What sources read: the executing jobs in memory, and the database.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use sea_orm::DbErr;
use uuid::Uuid;

use super::executing_jobs::{self, ExecutingJobs, LiveJob, Removal};
use crate::db::Db;
use crate::jobs::scope::Scope;

/// Jobs that are read in one statement.
const READ_BATCH: usize = 2_000;

/// Recent updates that are kept for other sources with the same scope.
const CACHED_UPDATES: usize = 8;

/// Changes to the executing jobs.
#[derive(Debug, Default)]
pub struct Update {
    /// Whether `jobs` are all executing jobs.
    pub is_snapshot: bool,
    pub jobs: Vec<LiveJob>,
    pub removed: Vec<Removal>,
}

/// The executing jobs in memory, and the database.
#[derive(Debug)]
pub struct View {
    db: Db,
    executing: RwLock<ExecutingJobs>,
    updates: Mutex<UpdateCache>,
}

impl View {
    pub fn new(db: Db) -> Self {
        Self { db, executing: RwLock::default(), updates: Mutex::default() }
    }

    pub fn db(&self) -> &Db {
        &self.db
    }

    pub fn executing(&self) -> RwLockReadGuard<'_, ExecutingJobs> {
        self.executing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The changes in `executing` since a version, or a snapshot.
    pub fn update_since(
        &self,
        executing: &ExecutingJobs,
        scope: &Scope,
        since: Option<u64>,
    ) -> Arc<Update> {
        self.updates().since(executing, scope, since)
    }

    /// Frees what is kept for subscribers.
    pub fn clear_cache(&self) {
        *self.updates() = UpdateCache::default();
    }

    fn updates(&self) -> MutexGuard<'_, UpdateCache> {
        self.updates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads these jobs, or with `None` all executing jobs, from the database.
    pub async fn refresh(&self, jobs: Option<&HashSet<Uuid>>) -> Result<(), DbErr> {
        let reader = self.db.reader();
        let ids: Vec<Uuid> = if let Some(jobs) = jobs {
            jobs.iter().copied().collect()
        } else {
            let found = executing_jobs::read(reader, None).await?;
            let missing: Vec<_> = {
                let executing = self.executing();
                executing.ids().filter(|id| !found.contains_key(id)).collect()
            };
            let ids: Vec<_> = found.keys().copied().collect();
            self.executing.write().unwrap_or_else(PoisonError::into_inner).update(&ids, found);
            missing
        };
        for ids in ids.chunks(READ_BATCH) {
            let found = executing_jobs::read(reader, Some(ids)).await?;
            self.executing.write().unwrap_or_else(PoisonError::into_inner).update(ids, found);
        }
        Ok(())
    }
}

/// Recent updates: many subscriptions need the same.
#[derive(Debug, Default)]
struct UpdateCache(VecDeque<(UpdateKey, Arc<Update>)>);

/// The scope, the version since which changes are included, and the current version.
type UpdateKey = (Scope, Option<u64>, u64);

impl UpdateCache {
    fn since(
        &mut self,
        executing: &ExecutingJobs,
        scope: &Scope,
        since: Option<u64>,
    ) -> Arc<Update> {
        let key = (scope.clone(), since, executing.version());
        if let Some((_, update)) = self.0.iter().rev().find(|(each, _)| *each == key) {
            return Arc::clone(update);
        }
        let changes = since.and_then(|since| executing.since(since, scope));
        let update = Arc::new(match changes {
            Some(changes) => {
                Update { is_snapshot: false, jobs: changes.jobs, removed: changes.removed }
            }
            None => Update { is_snapshot: true, jobs: executing.all(scope), removed: Vec::new() },
        });
        if self.0.len() >= CACHED_UPDATES {
            self.0.pop_front();
        }
        self.0.push_back((key, Arc::clone(&update)));
        update
    }
}
