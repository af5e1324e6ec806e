//! DataLoaders for related rows: one statement for each relation and level.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use entity::{Columns, JobState, Table, Timestamp, job, job_event, job_run};
use graphql_server::Batches;
use uuid::Uuid;

use crate::db::Db;
use crate::error::ApiError;
use crate::jobs::counts::Counts;
use crate::jobs::estimates::RunEstimate;
use crate::jobs::failures::parts::{self, Group};
use crate::jobs::rows::RunOwner;
use crate::jobs::scope::{Scope, Scoped};
use crate::jobs::{counts, estimates, rows};

/// Loads rows in the scope from the database. It lives as long as the request, so nothing is shared
/// between principals.
pub struct Rows {
    db: Db,
    scope: Scope,
}

/// A request's loader.
pub type RowLoader = DataLoader<Rows>;

/// Creates a request's loader. Its batches run with the request.
///
/// The delay of zero requires a timer that is ready at once, which Tokio's is not: async-graphql's feature
/// `tokio-timer` must be off.
pub fn row_loader(db: Db, scope: Scope, batches: Batches) -> RowLoader {
    DataLoader::new(Rows { db, scope }, move |batch| batches.add(batch))
        .delay(Duration::ZERO)
        .max_batch_size(usize::MAX)
}

/// A row by its id, with at least these columns.
pub type ById<E> = (Uuid, Columns<E>);

impl<E: Scoped> Loader<ById<E>> for Rows
where
    E::Model: Send + Sync,
{
    type Value = Arc<E::Model>;
    type Error = ApiError;

    async fn load(&self, keys: &[ById<E>]) -> Result<HashMap<ById<E>, Self::Value>, ApiError> {
        let (ids, columns) = merge(keys.iter().copied());
        let rows: HashMap<_, _> = rows::by_ids(self.db.reader(), &self.scope, &ids, columns)
            .await?
            .into_iter()
            .map(|(id, row)| (id, Arc::new(row)))
            .collect();
        Ok(pick(keys, |key| rows.get(&key.0).cloned()))
    }
}

/// A configuration's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CountsOf(pub Uuid);

impl Loader<CountsOf> for Rows {
    type Value = Counts;
    type Error = ApiError;

    async fn load(&self, keys: &[CountsOf]) -> Result<HashMap<CountsOf, Counts>, ApiError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let counts = counts::by_configuration(self.db.reader(), &self.scope, &ids).await?;
        Ok(pick(keys, |key| Some(counts.get(&key.0).copied().unwrap_or_default())))
    }
}

/// The newest runs of a job or an agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunsOf {
    pub owner: RunOwner,
    pub id: Uuid,
    pub take: i64,
    pub columns: Columns<job_run::Entity>,
}

impl Loader<RunsOf> for Rows {
    type Value = Vec<Arc<job_run::Model>>;
    type Error = ApiError;

    async fn load(&self, keys: &[RunsOf]) -> Result<HashMap<RunsOf, Self::Value>, ApiError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (owner, take) in keys.iter().map(|key| (key.owner, key.take)).collect::<HashSet<_>>() {
            let same = || keys.iter().filter(|key| key.owner == owner && key.take == take);
            let (ids, columns) = merge(same().map(|key| (key.id, key.columns)));
            let runs = rows::newest_runs(self.db.reader(), &self.scope, owner, &ids, take, columns)
                .await?;
            let runs = share(runs);
            found.extend(pick(same(), |key| Some(runs.get(&key.id).cloned().unwrap_or_default())));
        }
        Ok(found)
    }
}

/// The newest jobs of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobsOf {
    pub configuration_id: Uuid,
    /// `None` for all states.
    pub states: Option<Vec<JobState>>,
    pub take: i64,
    pub columns: Columns<job::Entity>,
}

impl Loader<JobsOf> for Rows {
    type Value = Vec<Arc<job::Model>>;
    type Error = ApiError;

    async fn load(&self, keys: &[JobsOf]) -> Result<HashMap<JobsOf, Self::Value>, ApiError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (states, take) in keys.iter().map(|key| (&key.states, key.take)).collect::<HashSet<_>>()
        {
            let same = || keys.iter().filter(|key| key.states == *states && key.take == take);
            let (ids, columns) = merge(same().map(|key| (key.configuration_id, key.columns)));
            let (db, states) = (self.db.reader(), states.as_deref());
            let jobs = rows::newest_jobs(db, &self.scope, &ids, states, take, columns).await?;
            let jobs = share(jobs);
            found.extend(pick(same(), |key| {
                Some(jobs.get(&key.configuration_id).cloned().unwrap_or_default())
            }));
        }
        Ok(found)
    }
}

/// How long runs of a job are expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EstimateOf(pub Uuid);

impl Loader<EstimateOf> for Rows {
    type Value = RunEstimate;
    type Error = ApiError;

    async fn load(
        &self,
        keys: &[EstimateOf],
    ) -> Result<HashMap<EstimateOf, RunEstimate>, ApiError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let estimates = estimates::of_jobs(self.db.reader(), &self.scope, &ids).await?;
        Ok(pick(keys, |key| estimates.get(&key.0).copied()))
    }
}

/// The history of a job, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HistoryOf(pub Uuid);

impl Loader<HistoryOf> for Rows {
    type Value = Arc<[job_event::Model]>;
    type Error = ApiError;

    async fn load(&self, keys: &[HistoryOf]) -> Result<HashMap<HistoryOf, Self::Value>, ApiError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let events = rows::history(self.db.reader(), &self.scope, &ids).await?;
        Ok(events.into_iter().map(|(id, events)| (HistoryOf(id), events.into())).collect())
    }
}

/// A failure group, as much of it as a part of the principal's scope has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupOf {
    pub scope: Scope,
    pub id: Uuid,
}

impl Loader<GroupOf> for Rows {
    type Value = Arc<Group>;
    type Error = ApiError;

    async fn load(&self, keys: &[GroupOf]) -> Result<HashMap<GroupOf, Self::Value>, ApiError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (scope, ids) in by_scope(keys) {
            for (id, group) in parts::by_ids(self.db.reader(), scope, &ids).await? {
                found.insert(GroupOf { scope: scope.clone(), id }, Arc::new(group));
            }
        }
        Ok(found)
    }
}

/// The message of the newest job of a failure group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SampleOf(pub GroupOf);

impl Loader<SampleOf> for Rows {
    type Value = String;
    type Error = ApiError;

    async fn load(&self, keys: &[SampleOf]) -> Result<HashMap<SampleOf, String>, ApiError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (scope, ids) in by_scope(keys.iter().map(|key| &key.0)) {
            for (id, message) in parts::samples(self.db.reader(), scope, &ids).await? {
                found.insert(SampleOf(GroupOf { scope: scope.clone(), id }), message);
            }
        }
        Ok(found)
    }
}

/// The failures of a group by day, from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DaysOf {
    pub group: GroupOf,
    pub from: Timestamp,
}

impl Loader<DaysOf> for Rows {
    type Value = Vec<(Timestamp, i64)>;
    type Error = ApiError;

    async fn load(&self, keys: &[DaysOf]) -> Result<HashMap<DaysOf, Self::Value>, ApiError> {
        let mut found = HashMap::with_capacity(keys.len());
        for from in keys.iter().map(|key| key.from).collect::<HashSet<_>>() {
            let same = keys.iter().filter(|key| key.from == from);
            for (scope, ids) in by_scope(same.map(|key| &key.group)) {
                for (id, days) in parts::days(self.db.reader(), scope, &ids, from).await? {
                    found
                        .insert(DaysOf { group: GroupOf { scope: scope.clone(), id }, from }, days);
                }
            }
        }
        Ok(found)
    }
}

fn by_scope<'a>(keys: impl IntoIterator<Item = &'a GroupOf>) -> HashMap<&'a Scope, Vec<Uuid>> {
    let mut scopes = HashMap::<_, Vec<_>>::new();
    for key in keys {
        scopes.entry(&key.scope).or_default().push(key.id);
    }
    scopes
}

/// The distinct ids, and the union of the columns.
fn merge<E: Table>(keys: impl Iterator<Item = (Uuid, Columns<E>)>) -> (Vec<Uuid>, Columns<E>) {
    let mut ids = HashSet::new();
    let mut columns = Columns::none();
    for (id, wanted) in keys {
        ids.insert(id);
        columns = columns.union(wanted);
    }
    (ids.into_iter().collect(), columns)
}

fn share<T>(groups: HashMap<Uuid, Vec<T>>) -> HashMap<Uuid, Vec<Arc<T>>> {
    groups.into_iter().map(|(id, rows)| (id, rows.into_iter().map(Arc::new).collect())).collect()
}

fn pick<'a, K: Clone + Eq + Hash + 'a, V>(
    keys: impl IntoIterator<Item = &'a K>,
    value: impl Fn(&K) -> Option<V>,
) -> HashMap<K, V> {
    keys.into_iter().filter_map(|key| Some((key.clone(), value(key)?))).collect()
}
