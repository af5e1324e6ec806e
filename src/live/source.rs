//! The sources of subscriptions: what they show, and what has changed since a version.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use entity::{Columns, ProcessingState, job, job_run};
use sea_orm::DbErr;
use tokio::time::sleep;
use uuid::Uuid;

use super::tick::Tick;
use super::view::{Update, View};
use crate::jobs::counts::{self, Counts};
use crate::jobs::rows;
use crate::jobs::scope::Scope;

/// The delay before a failed read is retried.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// What a subscription shows, and the state that its subscribers have seen.
#[derive(Debug)]
pub enum Source {
    /// The executing jobs in the scope.
    Executing { scope: Scope, seen: Option<u64> },
    /// A run in the scope, by its own id or its job's.
    Run {
        scope: Scope,
        id: Uuid,
        columns: Columns<job_run::Entity>,
        last: Option<LastSent<Run>>,
        /// No run or job has this id, so a change of any job may create it.
        is_unknown: bool,
    },
    /// The counts of the jobs in the scope.
    Counts { scope: Scope, last: Option<LastSent<Counts>> },
}

/// A run, if there is one.
type Run = Option<Arc<job_run::Model>>;

/// The last value sent, and how many times it has changed.
#[derive(Debug)]
pub struct LastSent<T> {
    value: T,
    version: u64,
}

/// What a subscription sends.
#[derive(Clone, Debug)]
pub enum Event {
    Executing(Arc<Update>),
    Run(Run),
    Counts(Counts),
}

/// An event and the version of the state that it shows.
#[derive(Clone, Debug)]
pub struct Versioned {
    pub event: Event,
    pub version: u64,
    /// No event follows.
    pub is_last: bool,
}

/// The events to send now, all of them from the same state.
#[derive(Debug, Default)]
pub struct Step {
    /// For subscribers that have seen the previous state.
    pub changes: Option<Versioned>,
    /// For subscribers that are new (`None`) or have seen a version.
    pub catch_up: Vec<(Option<u64>, Versioned)>,
}

impl Source {
    pub fn executing(scope: Scope) -> Self {
        Self::Executing { scope, seen: None }
    }

    /// A run, with the columns that are shown.
    pub fn run(scope: Scope, id: Uuid, columns: Columns<job_run::Entity>) -> Self {
        use job_run::Column::{AgentState, JobId, ProcessingState};
        let columns = columns.with(JobId).with(AgentState).with(ProcessingState);
        Self::Run { scope, id, columns, last: None, is_unknown: true }
    }

    pub fn counts(scope: Scope) -> Self {
        Self::Counts { scope, last: None }
    }

    /// The changes of a tick, and the events for subscribers that catch up. Retries while the database
    /// cannot be read.
    pub async fn step(
        &mut self,
        view: &View,
        tick: Option<&Tick>,
        catch_up: &BTreeSet<Option<u64>>,
    ) -> Step {
        loop {
            match self.try_step(view, tick, catch_up).await {
                Ok(step) => return step,
                Err(error) => tracing::warn!(%error, "failed to read the state of a subscription"),
            }
            sleep(RETRY_DELAY).await;
        }
    }

    async fn try_step(
        &mut self,
        view: &View,
        tick: Option<&Tick>,
        catch_up: &BTreeSet<Option<u64>>,
    ) -> Result<Step, DbErr> {
        match self {
            Self::Executing { scope, seen } => Ok(executing(view, scope, seen, catch_up)),
            Self::Run { scope, id, columns, last, is_unknown } => {
                let known = last.as_ref().and_then(|last| last.value.as_ref());
                let may_have_changed = tick.is_some_and(|tick| {
                    *is_unknown
                        || tick.may_have_changed(*id)
                        || known.is_some_and(|run| tick.may_have_changed(run.job_id))
                });
                if !may_have_changed && (catch_up.is_empty() || last.is_some()) {
                    return Ok(replay(last.as_ref(), catch_up, Event::Run, is_finished));
                }
                let reader = view.db().reader();
                let run = rows::run_of(reader, scope, *id, *columns).await?;
                *is_unknown = run.is_none()
                    && rows::by_ids::<job::Entity>(reader, scope, &[*id], Columns::none())
                        .await?
                        .is_empty();
                Ok(refresh(last, run.map(Arc::new), catch_up, Event::Run, is_finished))
            }
            Self::Counts { scope, last } => {
                if tick.is_none() && (catch_up.is_empty() || last.is_some()) {
                    return Ok(replay(last.as_ref(), catch_up, Event::Counts, |_| false));
                }
                let counts = counts::read(view.db().reader(), scope, None).await?;
                Ok(refresh(last, counts, catch_up, Event::Counts, |_| false))
            }
        }
    }
}

fn executing(
    view: &View,
    scope: &Scope,
    seen: &mut Option<u64>,
    catch_up: &BTreeSet<Option<u64>>,
) -> Step {
    let executing = view.executing();
    let version = executing.version();
    let versioned = |update| Versioned { event: Event::Executing(update), version, is_last: false };
    let since = |since| view.update_since(&executing, scope, since);
    // Before the first event no subscriber has seen a version.
    let changes = seen.filter(|seen| *seen != version).map(|seen| since(Some(seen)));
    let changes = changes.filter(|update| {
        update.is_snapshot || !update.jobs.is_empty() || !update.removed.is_empty()
    });
    *seen = Some(version);
    Step {
        changes: changes.map(versioned),
        catch_up: catch_up.iter().map(|version| (*version, versioned(since(*version)))).collect(),
    }
}

/// A run is finished when both of its phases are. Without submitted data there is no second phase.
fn is_finished(run: &Run) -> bool {
    run.as_ref().is_some_and(|run| {
        let processing = run.processing_state;
        run.agent_state.is_terminal()
            && matches!(
                processing,
                None | Some(ProcessingState::Completed | ProcessingState::Failed)
            )
    })
}

/// The last value, for subscribers that have not seen it.
fn replay<T: Clone>(
    last: Option<&LastSent<T>>,
    catch_up: &BTreeSet<Option<u64>>,
    event: impl Fn(T) -> Event,
    is_last: impl Fn(&T) -> bool,
) -> Step {
    let Some(last) = last else { return Step::default() };
    let versioned = Versioned {
        event: event(last.value.clone()),
        version: last.version,
        is_last: is_last(&last.value),
    };
    let catch_up = catch_up.iter().map(|since| (*since, versioned.clone())).collect();
    Step { changes: None, catch_up }
}

/// Takes the current value, which is a change unless it equals the last one.
fn refresh<T: Clone + PartialEq>(
    last: &mut Option<LastSent<T>>,
    value: T,
    catch_up: &BTreeSet<Option<u64>>,
    event: impl Fn(T) -> Event,
    is_last: impl Fn(&T) -> bool,
) -> Step {
    let before = last.take();
    let is_same = before.as_ref().is_some_and(|before| before.value == value);
    let version = before.as_ref().map_or(0, |before| before.version) + u64::from(!is_same);
    let is_first = before.is_none();
    *last = Some(LastSent { value: value.clone(), version });
    let mut step = replay(last.as_ref(), catch_up, &event, &is_last);
    // Before the first value no subscriber has seen any.
    if !is_same && !is_first {
        let is_last = is_last(&value);
        step.changes = Some(Versioned { event: event(value), version, is_last });
    }
    step
}
