//! What a [`JobFilter`] means in SQL, and what that costs.

use entity::{JobState, Timestamp};
use uuid::Uuid;

use super::argument::UuidArgument;
use super::filter::JobFilter;
use super::order::{Order, OrderField};
use super::part::{Creation, Part};
use super::predicates::{Condition, Index, no_index, push_agents, push_dated_before_creation};
use super::probe::{Probe, Scan};
use super::scope::Scope;
use super::states::push_states;
use crate::db::Sql;
use crate::error::ApiError;

/// How long a text of a filter may be, in characters.
pub const TEXT_LENGTH: usize = 200;

/// How many values a list of a filter may have.
const LIST_LENGTH: usize = 1_000;

/// How many index scans one statement merges at most.
pub(super) const MAX_SCANS: usize = 64;

/// What a statement costs that reads all jobs, because no index has the list, in values of an
/// answer. Such a statement takes 20 to 50 ms for 150,000 jobs, and an agent with 100,000 runs several
/// times that.
pub const SCAN: u64 = 5_000;

/// What a statement costs that probes the index of a condition, beside that of the list's order, in
/// values of an answer: about 10 ms at a million jobs.
pub const PROBE: u64 = 1_500;

/// What it costs to count the jobs that match, up to [`super::page::COUNT_BOUND`], in an index: two or
/// three milliseconds.
pub const COUNT: u64 = 500;

/// A checked filter.
#[derive(Clone, Debug)]
pub struct Conditions {
    filter: JobFilter,
    /// The configurations of the filter; all if it names none.
    configurations: Scope,
    /// The agents of the filter; none for any.
    agents: Vec<Uuid>,
    /// The failure group of the filter. Its jobs are all failed.
    failure_group: Option<Uuid>,
    /// Sorted, each once. `None`: any state.
    states: Option<Vec<JobState>>,
    /// Runs whose agents last reported before are stale. `None`: no run is.
    stale_before: Option<Timestamp>,
}

/// All jobs.
impl Default for Conditions {
    fn default() -> Self {
        Self {
            filter: JobFilter::default(),
            configurations: Scope::All,
            agents: Vec::new(),
            failure_group: None,
            states: None,
            stale_before: None,
        }
    }
}

/// The conditions that statistics know: they have no jobs one by one.
#[derive(Clone, Debug)]
pub struct StatisticsConditions {
    pub(super) configurations: Scope,
    pub(super) providers: Vec<String>,
    pub(super) agents: Vec<Uuid>,
    /// `None`: any state.
    pub(super) states: Option<Vec<JobState>>,
    /// A part of the name.
    pub(super) search: Option<String>,
}

/// Everything.
impl Default for StatisticsConditions {
    fn default() -> Self {
        Self {
            configurations: Scope::All,
            providers: Vec::new(),
            agents: Vec::new(),
            states: None,
            search: None,
        }
    }
}

impl Conditions {
    /// Checks a filter. Runs whose agents last reported before `stale_before` are stale; none are if it
    /// is `None`.
    ///
    /// # Errors
    /// The first value that is not what its field expects.
    pub fn new(mut filter: JobFilter, stale_before: Option<Timestamp>) -> Result<Self, ApiError> {
        let configurations = ids("configurationIds", filter.configuration_ids.as_deref())?;
        filter.search = text("search", filter.search)?;
        filter.message_contains = text("messageContains", filter.message_contains)?;
        for provider in filter.providers.iter().flatten() {
            text("providers", Some(provider.clone()))?;
        }
        limit("providers", filter.providers.as_ref().map_or(0, Vec::len))?;
        let mut conditions = Self {
            configurations: match configurations.as_slice() {
                [] => Scope::All,
                ids => Scope::only(ids.iter().copied()),
            },
            agents: ids("agentIds", filter.agent_ids.as_deref())?,
            failure_group: UuidArgument::get_optional(
                filter.failure_group_id.take(),
                "failureGroupId",
            )?,
            states: None,
            stale_before,
            filter,
        };
        conditions.agents.sort_unstable();
        conditions.agents.dedup();
        if let Some(states) = conditions.filter.states.take().filter(|states| !states.is_empty()) {
            conditions.retain_states(|state| states.contains(&state));
        }
        if let Some(excluded) = conditions.filter.exclude_states.take() {
            conditions.retain_states(|state| !excluded.contains(&state));
        }
        if [conditions.filter.is_stale, conditions.filter.is_overdue].contains(&Some(true)) {
            conditions.retain_states(JobState::is_active);
        }
        Ok(conditions)
    }

    /// Jobs in this state.
    pub fn in_state(state: JobState) -> Self {
        let mut conditions = Self::default();
        conditions.retain_states(|each| each == state);
        conditions
    }

    /// Adds the condition that a job is in a state for which `is_kept` is true.
    pub fn retain_states(&mut self, is_kept: impl Fn(JobState) -> bool) {
        let mut states = self.states.take().unwrap_or_else(|| JobState::ALL.to_vec());
        states.retain(|state| is_kept(*state));
        self.states = Some(states).filter(|states| states.len() < JobState::ALL.len());
    }

    /// The states that match; `None` for any.
    pub fn states(&self) -> Option<&[JobState]> {
        self.states.as_deref()
    }

    /// The failure group whose jobs match; `None` for any.
    pub(super) fn failure_group(&self) -> Option<Uuid> {
        self.failure_group
    }

    /// The part of a scope that matches.
    pub(super) fn scope(&self, scope: &Scope) -> Scope {
        scope.within(&self.configurations)
    }

    /// The agents, sorted; none for any.
    pub(super) fn agents(&self) -> &[Uuid] {
        &self.agents
    }

    /// Whether a list by creation is read from the index on each agent's jobs.
    pub(super) fn is_by_agent(&self) -> bool {
        (1..=MAX_SCANS).contains(&self.agents.len())
    }

    /// The providers; `None` for any.
    pub(super) fn providers(&self) -> Option<&[String]> {
        self.filter.providers.as_deref().filter(|providers| !providers.is_empty())
    }

    /// The conditions besides those on the state, the configuration and the agents.
    fn others(&self) -> Vec<Condition<'_>> {
        Condition::all(&self.filter, self.stale_before)
    }

    /// The moment before which all matching jobs were created but those that have a date before their
    /// creation; `None` if the conditions imply none.
    pub(super) fn created_before(&self) -> Option<Timestamp> {
        let filter = &self.filter;
        [filter.started_before, filter.finished_before, filter.updated_before]
            .into_iter()
            .flatten()
            .min()
    }

    /// The same for statistics.
    ///
    /// # Errors
    /// The first condition that statistics do not know.
    pub fn into_statistics(self) -> Result<StatisticsConditions, ApiError> {
        let JobFilter {
            states: _,
            exclude_states: _,
            configuration_ids: _,
            agent_ids: _,
            providers,
            search,
            priority,
            created_after,
            created_before,
            started_after,
            started_before,
            finished_after,
            finished_before,
            min_duration,
            max_duration,
            message_contains,
            scheduled_after,
            updated_before,
            processing_states,
            clues_missing,
            is_stale,
            is_overdue,
            failure_group_id: _,
        } = self.filter;
        let processing_states = processing_states.filter(|states| !states.is_empty());
        for (name, is_given) in [
            ("priority", priority.is_some()),
            ("createdAfter", created_after.is_some()),
            ("createdBefore", created_before.is_some()),
            ("startedAfter", started_after.is_some()),
            ("startedBefore", started_before.is_some()),
            ("finishedAfter", finished_after.is_some()),
            ("finishedBefore", finished_before.is_some()),
            ("minDuration", min_duration.is_some()),
            ("maxDuration", max_duration.is_some()),
            ("messageContains", message_contains.is_some()),
            ("scheduledAfter", scheduled_after.is_some()),
            ("updatedBefore", updated_before.is_some()),
            ("processingStates", processing_states.is_some()),
            ("cluesMissing", clues_missing.is_some()),
            ("isStale", is_stale.is_some()),
            ("isOverdue", is_overdue.is_some()),
            ("failureGroupId", self.failure_group.is_some()),
        ] {
            if is_given {
                let message = "statistics are filtered by configurationIds, providers, agentIds, states, \
                     excludeStates and search alone";
                return Err(ApiError::invalid(name, message));
            }
        }
        Ok(StatisticsConditions {
            configurations: self.configurations,
            providers: providers.unwrap_or_default(),
            agents: self.agents,
            states: self.states,
            search,
        })
    }

    /// Whether every job matches.
    pub fn is_empty(&self) -> bool {
        self.is_counted()
            && self.failure_group.is_none()
            && self.states.is_none()
            && self.configurations == Scope::All
    }

    /// Whether the counters know how many jobs match.
    pub(super) fn is_counted(&self) -> bool {
        self.agents.is_empty() && self.others().is_empty()
    }

    /// What a list of the scope's jobs that match and their count cost, in values of an answer, beside
    /// the jobs that are read.
    ///
    /// The indexes have the jobs of a configuration, of a state and of both, and those of an agent, in
    /// the order of their creation, and those of a state in the order in which they are due. The other
    /// orders have one index, beside which the indexes of conditions are probed.
    pub fn cost(&self, order: Order, scope: &Scope) -> u64 {
        let scope = self.scope(scope);
        let configurations = match &scope {
            Scope::All => 1,
            Scope::Only(ids) => ids.len(),
        };
        let others = self.others();
        let states = self.states.as_ref().map_or(0, Vec::len);
        let is_scanned = others.iter().any(|condition| {
                matches!(condition.index, Index::None | Index::Text | Index::Names)
            })
            // The names of unknown states are in no statement, so the index on states is not used.
            || self.states.as_ref().is_some_and(|states| states.contains(&JobState::Unknown))
            || configurations.saturating_mul(states.max(1)) > MAX_SCANS
            || self.agents.len() > MAX_SCANS;
        if is_scanned {
            SCAN
        } else if !self.probes(order, &scope).is_empty() || self.providers().is_some() {
            PROBE
        } else if self.is_counted() {
            0
        } else {
            COUNT
        }
    }

    /// The jobs of a part of the list, by creation.
    fn scan<'a>(&'a self, part: Part<'a>) -> Scan<'a> {
        Scan::Jobs {
            order: Box::new(|_| "created_date DESC, id DESC".to_owned()),
            push: Box::new(move |sql| self.push_bounds(sql, &part, OrderField::CreatedDate)),
        }
    }

    /// The probes of the conditions whose indexes have another order than the list: those first that
    /// leave the fewest jobs.
    pub(super) fn probes(&self, order: Order, scope: &Scope) -> Vec<Probe<'_>> {
        let others = self.others();
        let is_created = order.field == OrderField::CreatedDate;
        let mut probes: Vec<Probe<'_>> = Vec::new();
        if !is_created && self.failure_group.is_some() {
            let whole = Part {
                scope: scope.clone(),
                states: self.states(),
                agents: &[],
                creation: Creation::Any,
            };
            probes.push(Probe { scans: vec![self.scan(whole)] });
        }
        if !is_created && self.is_by_agent() {
            let part =
                |agents| Part { scope: Scope::All, states: None, agents, creation: Creation::Any };
            let scans = self.agents.chunks(1).map(|agents| self.scan(part(agents)));
            probes.push(Probe { scans: scans.collect() });
        }
        let mut met = Vec::new();
        for condition in &others {
            let index = condition.index;
            if index.has_order(order.field) || met.contains(&index) {
                continue;
            }
            met.push(index);
            probes.push(index.probe(&self.filter));
        }
        let states = self.states.as_deref();
        let is_narrowed = states.is_some() || *scope != Scope::All;
        let has_index = match order.field {
            OrderField::CreatedDate => true,
            OrderField::ScheduledDate => *scope == Scope::All,
            _ => false,
        };
        if is_narrowed && !has_index {
            let states: Vec<_> = match states {
                Some(states) if states.len() > 1 => states.chunks(1).map(Some).collect(),
                states => vec![states],
            };
            let scopes = match scope {
                Scope::Only(ids) if ids.len() > 1 && ids.len() * states.len() <= MAX_SCANS => {
                    ids.iter().map(|id| Scope::only([*id])).collect()
                }
                _ => vec![scope.clone()],
            };
            let part = |scope: &Scope, states| Part {
                scope: scope.clone(),
                states,
                agents: &[],
                creation: Creation::Any,
            };
            let parts = scopes
                .iter()
                .flat_map(|scope| states.iter().map(move |states| part(scope, *states)));
            probes.push(Probe { scans: parts.map(|part| self.scan(part)).collect() });
        }
        probes
    }

    /// What the newest jobs of each of several configurations cost. They are found one configuration
    /// after the other, in the index on its jobs, or on its jobs of a single state.
    pub fn cost_of_each(&self) -> u64 {
        let is_indexed = match self.states.as_deref() {
            None => true,
            Some(states) => states.len() <= 1 && !states.contains(&JobState::Unknown),
        };
        let is_counted = self.is_counted() && self.failure_group.is_none();
        if is_indexed && is_counted { 0 } else { SCAN }
    }

    /// Adds the conditions on the scope's jobs, ` WHERE …`.
    pub fn push_where(&self, sql: &mut Sql, scope: &Scope) {
        sql.push(" WHERE true");
        self.push_all(sql, &self.scope(scope));
        self.push_text(sql);
    }

    /// Adds all conditions on the scope's jobs but that on messages, each after an ` AND `.
    pub(super) fn push_all(&self, sql: &mut Sql, scope: &Scope) {
        let (states, agents) = (self.states(), self.agents());
        let part = Part { scope: scope.clone(), states, agents, creation: Creation::Any };
        self.push_bounds(sql, &part, OrderField::CreatedDate);
        for condition in self.others().iter().filter(|each| each.index != Index::Text) {
            sql.push(" AND ");
            condition.push(sql);
        }
    }

    /// Adds the conditions on the jobs of a part of the list in this order, each after an ` AND `.
    pub(super) fn push_part(&self, sql: &mut Sql, part: &Part<'_>, order: OrderField) {
        self.push_bounds(sql, part, order);
        for condition in self.others().iter().filter(|each| each.index != Index::Text) {
            sql.push(" AND ");
            condition.push_in(sql, order);
        }
    }

    /// Whether a text in messages is looked for.
    pub(super) fn has_text(&self) -> bool {
        self.filter.message_contains.is_some()
    }

    /// Adds the conditions that [`Self::push_part`] leaves out.
    pub(super) fn push_text(&self, sql: &mut Sql) {
        for condition in self.others().iter().filter(|each| each.index == Index::Text) {
            sql.push(" AND ");
            condition.push(sql);
        }
    }

    /// Adds what the part of a list is, without the conditions that all jobs of it meet.
    pub(super) fn push_bounds(&self, sql: &mut Sql, part: &Part<'_>, order: OrderField) {
        let no_index = no_index(sql);
        if let Some(group) = self.failure_group {
            // The index of a group's jobs has them by creation.
            let by_created = if order == OrderField::CreatedDate { "" } else { no_index };
            sql.push(&format!(" AND {by_created}failure_group_id = ")).bind(group);
            part.scope.push(sql, &format!("{no_index}configuration_id"));
            push_agents(sql, part.agents, no_index);
            if part.states.is_some_and(|states| !states.contains(&JobState::Failed)) {
                sql.push(" AND false");
            }
            return;
        }
        let (by_created, by_due) = match order {
            OrderField::CreatedDate if part.agents.is_empty() => ("", ""),
            OrderField::ScheduledDate if part.scope == Scope::All => (no_index, ""),
            _ => (no_index, no_index),
        };
        part.scope.push(sql, &format!("{by_created}configuration_id"));
        push_states(sql, part.states, &format!("{by_due}state"));
        let is_created = order == OrderField::CreatedDate;
        push_agents(sql, part.agents, if is_created { "" } else { no_index });
        let bound = self.created_before();
        match (part.creation, bound) {
            (Creation::Any, _) | (_, None) => {}
            (Creation::BeforeBound, Some(bound)) => {
                sql.push(" AND created_date < ").bind(bound);
            }
            (Creation::Exceptions, Some(bound)) => {
                sql.push(" AND created_date >= ").bind(bound).push(" AND ");
                push_dated_before_creation(sql);
            }
        }
    }
}

/// The ids of a list.
pub(super) fn ids(
    name: &'static str,
    list: Option<&[UuidArgument]>,
) -> Result<Vec<Uuid>, ApiError> {
    let list = list.unwrap_or_default();
    limit(name, list.len())?;
    list.iter().map(|id| id.get(name)).collect()
}

/// Checks the length of a list.
pub(super) fn limit(name: &'static str, length: usize) -> Result<(), ApiError> {
    if length <= LIST_LENGTH {
        return Ok(());
    }
    let message = format!("expected at most {LIST_LENGTH} values, not {length}");
    Err(ApiError::invalid(name, message))
}

/// A text without the white space around it; `None` if nothing is left.
pub(super) fn text(name: &'static str, text: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    if text.chars().count() > TEXT_LENGTH {
        return Err(ApiError::invalid(
            name,
            format_args!("expected at most {TEXT_LENGTH} characters"),
        ));
    }
    if text.contains('\0') {
        return Err(ApiError::invalid(name, "a NUL character cannot be searched for"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::{ProcessingState, Timestamp};

    #[test]
    fn filters_cost_what_the_indexes_leave_to_do() {
        let (id, moment) = (Uuid::from_u128(1), Some(Timestamp::default()));
        let ids = Some(vec![UuidArgument::from(id)]);
        let none = JobFilter::default;
        let states = |states: &[JobState]| Some(states.to_vec());
        let two = states(&[JobState::Failed, JobState::Queued]);
        let filter = |states| JobFilter { states, ..none() };
        for (filter, created, due, updated, name) in [
            (none(), 0, 0, 0, 0),
            (JobFilter { configuration_ids: ids.clone(), ..none() }, 0, PROBE, PROBE, PROBE),
            (filter(states(&[JobState::Failed])), 0, 0, PROBE, PROBE),
            (filter(states(&[])), 0, 0, 0, 0),
            (filter(two.clone()), 0, 0, PROBE, PROBE),
            (
                JobFilter { exclude_states: states(&[JobState::Unknown]), ..none() },
                0,
                0,
                PROBE,
                PROBE,
            ),
            (
                JobFilter { states: two, configuration_ids: ids.clone(), ..none() },
                0,
                PROBE,
                PROBE,
                PROBE,
            ),
            (JobFilter { created_after: moment, ..none() }, COUNT, PROBE, PROBE, PROBE),
            (JobFilter { created_before: moment, ..none() }, COUNT, PROBE, PROBE, PROBE),
            (JobFilter { updated_before: moment, ..none() }, PROBE, PROBE, COUNT, PROBE),
            (filter(states(&[JobState::Unknown])), SCAN, SCAN, SCAN, SCAN),
            (JobFilter { agent_ids: ids, ..none() }, COUNT, PROBE, PROBE, PROBE),
            (
                JobFilter { failure_group_id: Some(UuidArgument::from(id)), ..none() },
                0,
                PROBE,
                PROBE,
                PROBE,
            ),
            (JobFilter { search: Some("x".to_owned()), ..none() }, SCAN, SCAN, SCAN, SCAN),
            (JobFilter { search: Some(" ".to_owned()), ..none() }, 0, 0, 0, 0),
            (JobFilter { scheduled_after: moment, ..none() }, PROBE, PROBE, PROBE, PROBE),
            (JobFilter { clues_missing: Some(true), ..none() }, COUNT, PROBE, PROBE, PROBE),
            (JobFilter { is_stale: Some(true), ..none() }, SCAN, SCAN, SCAN, SCAN),
            (JobFilter { finished_after: moment, ..none() }, PROBE, PROBE, PROBE, PROBE),
            (JobFilter { priority: Some(2), ..none() }, COUNT, PROBE, PROBE, PROBE),
            (JobFilter { providers: Some(vec![]), ..none() }, 0, 0, 0, 0),
            (
                JobFilter { providers: Some(vec!["hubspot".to_owned()]), ..none() },
                PROBE,
                PROBE,
                PROBE,
                PROBE,
            ),
            (JobFilter { processing_states: Some(vec![]), ..none() }, 0, 0, 0, 0),
            (
                JobFilter { processing_states: Some(vec![ProcessingState::Failed]), ..none() },
                PROBE,
                PROBE,
                PROBE,
                PROBE,
            ),
        ] {
            for (order, expected) in [
                (OrderField::CreatedDate, created),
                (OrderField::ScheduledDate, due),
                (OrderField::UpdateDate, updated),
                (OrderField::Name, name),
            ] {
                let conditions = Conditions::new(filter.clone(), None).unwrap();
                let found = conditions.cost(Order::ascending(order), &Scope::All);
                assert_eq!(found, expected, "{filter:?} by {order:?}");
            }
        }
    }

    #[test]
    fn conditions_on_the_state_combine() {
        use JobState::{Cancelled, Failed, Queued};
        let all = JobState::ALL;
        let filter = |states: &[JobState], excluded: &[JobState]| {
            let (states, exclude_states) = (Some(states.to_vec()), Some(excluded.to_vec()));
            let filter = JobFilter { states, exclude_states, ..JobFilter::default() };
            Conditions::new(filter, None).unwrap()
        };
        for (states, excluded, expected) in [
            (&[][..], &[][..], None),
            (all, &[], None),
            (&[Failed, Queued, Failed], &[], Some(&[Queued, Failed][..])),
            (&[Failed, Queued], &[Queued, Cancelled], Some(&[Failed])),
            (&[Failed], &[Failed], Some(&[])),
            (&[], all, Some(&[])),
        ] {
            assert_eq!(filter(states, excluded).states(), expected, "{states:?} {excluded:?}");
        }
        let mut conditions = filter(&[Failed, Queued], &[]);
        conditions.retain_states(JobState::is_terminal);
        assert_eq!(conditions.states(), Some(&[Failed][..]));
    }
}
