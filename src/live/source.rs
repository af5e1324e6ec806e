//! What there is to watch, and what has changed of it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use entity::{Columns, ProcessingState, job, job_run};
use sea_orm::DbErr;
use tokio::time::sleep;
use uuid::Uuid;

use super::picture::{Departure, Picture, Watched};
use super::{Live, Tick};
use crate::jobs::counts::{self, Counts};
use crate::jobs::rows;
use crate::jobs::scope::Scope;

/// How long to wait before the database is asked again.
const RETRY: Duration = Duration::from_millis(200);

/// What a subscription watches, and what its watchers were shown last.
#[derive(Debug)]
pub enum Source {
    /// The scope's jobs that execute.
    Executing { scope: Scope, seen: Option<u64> },
    /// A run of the scope's, by its own id or its job's.
    Run {
        scope: Scope,
        id: Uuid,
        columns: Columns<job_run::Entity>,
        shown: Option<Shown<Run>>,
        /// There is nothing with this id. It may become the run of any job.
        is_unknown: bool,
    },
    /// The numbers of the scope's jobs.
    Counts { scope: Scope, shown: Option<Shown<Counts>> },
}

/// A run, if there is one.
type Run = Option<Arc<job_run::Model>>;

/// What was shown last, and how many times it has changed.
#[derive(Debug)]
pub struct Shown<T> {
    value: T,
    version: u64,
}

/// Something to show.
#[derive(Clone, Debug)]
pub enum Event {
    Executing(Arc<Update>),
    Run(Run),
    Counts(Counts),
}

/// What has changed of the jobs that execute.
#[derive(Debug, Default)]
pub struct Update {
    /// Whether `jobs` are all that execute.
    pub is_snapshot: bool,
    pub jobs: Vec<Watched>,
    pub left: Vec<Departure>,
}

/// An event, and at which version it is so.
#[derive(Clone, Debug)]
pub struct Versioned {
    pub event: Event,
    pub version: u64,
    /// There is nothing after it.
    pub is_last: bool,
}

/// What is to be shown now, all of it from the same state of things.
#[derive(Debug, Default)]
pub struct Step {
    /// For all who have seen what there was before.
    pub changes: Option<Versioned>,
    /// For those who have seen nothing, or nothing since a version.
    pub catch_up: Vec<(Option<u64>, Versioned)>,
}

impl Source {
    pub fn executing(scope: Scope) -> Self {
        Self::Executing { scope, seen: None }
    }

    /// A run of which these columns are shown.
    pub fn run(scope: Scope, id: Uuid, columns: Columns<job_run::Entity>) -> Self {
        use job_run::Column::{AgentState, JobId, ProcessingState};
        let columns = columns.with(JobId).with(AgentState).with(ProcessingState);
        Self::Run { scope, id, columns, shown: None, is_unknown: true }
    }

    pub fn counts(scope: Scope) -> Self {
        Self::Counts { scope, shown: None }
    }

    /// What a tick has changed, and what those are to see who have asked. Waits for as long as the
    /// database cannot tell.
    pub async fn step(
        &mut self,
        live: &Live,
        tick: Option<&Tick>,
        asked: &BTreeSet<Option<u64>>,
    ) -> Step {
        loop {
            match self.try_step(live, tick, asked).await {
                Ok(step) => return step,
                Err(error) => tracing::warn!(%error, "reading what is watched"),
            }
            sleep(RETRY).await;
        }
    }

    async fn try_step(
        &mut self,
        live: &Live,
        tick: Option<&Tick>,
        asked: &BTreeSet<Option<u64>>,
    ) -> Result<Step, DbErr> {
        match self {
            Self::Executing { scope, seen } => Ok(executing(live, scope, seen, asked)),
            Self::Run { scope, id, columns, shown, is_unknown } => {
                let known = shown.as_ref().and_then(|shown| shown.value.as_ref());
                let is_told = tick.is_some_and(|tick| {
                    *is_unknown
                        || tick.may_have_changed(*id)
                        || known.is_some_and(|run| tick.may_have_changed(run.job_id))
                });
                if !is_told && (asked.is_empty() || shown.is_some()) {
                    return Ok(again(shown.as_ref(), asked, Event::Run, is_over));
                }
                let reader = live.db().reader();
                let run = rows::run_of(reader, scope, *id, *columns).await?;
                *is_unknown = run.is_none()
                    && rows::by_ids::<job::Entity>(reader, scope, &[*id], Columns::none())
                        .await?
                        .is_empty();
                Ok(renew(shown, run.map(Arc::new), asked, Event::Run, is_over))
            }
            Self::Counts { scope, shown } => {
                if tick.is_none() && (asked.is_empty() || shown.is_some()) {
                    return Ok(again(shown.as_ref(), asked, Event::Counts, |_| false));
                }
                let counts = counts::read(live.db().reader(), scope, None).await?;
                Ok(renew(shown, counts, asked, Event::Counts, |_| false))
            }
        }
    }
}

fn executing(
    live: &Live,
    scope: &Scope,
    seen: &mut Option<u64>,
    asked: &BTreeSet<Option<u64>>,
) -> Step {
    let picture = live.picture();
    let version = picture.version();
    let versioned = |update| Versioned { event: Event::Executing(update), version, is_last: false };
    let since = |since| live.updates().since(&picture, scope, since);
    // Before anything was shown nobody needs what has changed.
    let changes = seen.filter(|seen| *seen != version).map(|seen| since(Some(seen)));
    let changes = changes
        .filter(|update| update.is_snapshot || !update.jobs.is_empty() || !update.left.is_empty());
    *seen = Some(version);
    Step {
        changes: changes.map(versioned),
        catch_up: asked.iter().map(|version| (*version, versioned(since(*version)))).collect(),
    }
}

/// How many updates are kept for others who want the same.
const UPDATES: usize = 8;

/// The updates of late: many subscriptions want the same.
#[derive(Debug, Default)]
pub struct Updates(VecDeque<(UpdateKey, Arc<Update>)>);

/// Of what, since when, and until when.
type UpdateKey = (Scope, Option<u64>, u64);

impl Updates {
    /// What has changed since a version, or all there is.
    fn since(&mut self, picture: &Picture, scope: &Scope, since: Option<u64>) -> Arc<Update> {
        let key = (scope.clone(), since, picture.version());
        if let Some((_, update)) = self.0.iter().rev().find(|(each, _)| *each == key) {
            return Arc::clone(update);
        }
        let changes = since.and_then(|since| picture.since(since, scope));
        let update = Arc::new(match changes {
            Some(changes) => Update { is_snapshot: false, jobs: changes.jobs, left: changes.left },
            None => Update { is_snapshot: true, jobs: picture.all(scope), left: Vec::new() },
        });
        if self.0.len() >= UPDATES {
            self.0.pop_front();
        }
        self.0.push_back((key, Arc::clone(&update)));
        update
    }
}

/// A run is over when both of its phases are; without anything submitted there is no second one.
fn is_over(run: &Run) -> bool {
    run.as_ref().is_some_and(|run| {
        let processing = run.processing_state;
        run.agent_state.is_terminal()
            && matches!(
                processing,
                None | Some(ProcessingState::Completed | ProcessingState::Failed)
            )
    })
}

/// What was shown last, for those who have not seen it.
fn again<T: Clone>(
    shown: Option<&Shown<T>>,
    asked: &BTreeSet<Option<u64>>,
    event: impl Fn(T) -> Event,
    is_last: impl Fn(&T) -> bool,
) -> Step {
    let Some(shown) = shown else { return Step::default() };
    let versioned = Versioned {
        event: event(shown.value.clone()),
        version: shown.version,
        is_last: is_last(&shown.value),
    };
    let catch_up = asked.iter().map(|since| (*since, versioned.clone())).collect();
    Step { changes: None, catch_up }
}

/// Takes a new value, which is a change unless it is the same.
fn renew<T: Clone + PartialEq>(
    shown: &mut Option<Shown<T>>,
    value: T,
    asked: &BTreeSet<Option<u64>>,
    event: impl Fn(T) -> Event,
    is_last: impl Fn(&T) -> bool,
) -> Step {
    let before = shown.take();
    let is_same = before.as_ref().is_some_and(|before| before.value == value);
    let version = before.as_ref().map_or(0, |before| before.version) + u64::from(!is_same);
    let is_first = before.is_none();
    *shown = Some(Shown { value: value.clone(), version });
    let mut step = again(shown.as_ref(), asked, &event, &is_last);
    // Before the first value nobody has seen any.
    if !is_same && !is_first {
        let is_last = is_last(&value);
        step.changes = Some(Versioned { event: event(value), version, is_last });
    }
    step
}
