//! Which jobs a list shows, and in what order.

use entity::{JobState, ProcessingState, Timestamp};
use uuid::Uuid;

use super::list::MOST_WALKS;
use super::scope::Scope;
use super::search;
use crate::db::Sql;
use crate::error::ApiError;

/// What a search text may be long, in characters.
const SEARCH_LENGTH: usize = 200;

/// Conditions that all hold.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    pub configuration_id: Option<Uuid>,
    /// The agent of the current run.
    pub agent_id: Option<Uuid>,
    /// Any of these; empty for all states.
    pub states: Vec<JobState>,
    /// A part of the name in any case, or the beginning of the id.
    pub search: Option<String>,
    /// At or after this moment.
    pub created_after: Option<Timestamp>,
    /// Before this moment.
    pub created_before: Option<Timestamp>,
    /// Scheduled for this moment or later.
    pub scheduled_after: Option<Timestamp>,
    /// Last changed before this moment, or created then if never changed.
    pub updated_before: Option<Timestamp>,
    /// The current run's processing is in any of these; empty for every job.
    pub processing_states: Vec<ProcessingState>,
    /// Whether the current run's processing has ended and received fewer clues than the agent submitted.
    pub clues_missing: Option<bool>,
}

/// What a list is sorted by. Ties go by the id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "JobOrderField")]
pub enum OrderField {
    /// When the job was created.
    #[default]
    CreatedDate,
    /// When the job last changed, or was created if it never did.
    UpdateDate,
    /// Its name, by code points; jobs without a name come first.
    Name,
    /// When the job is due, as agents claim it: its `scheduledDate`, or its `createdDate` if it is
    /// not scheduled.
    ScheduledDate,
}

impl OrderField {
    pub(super) fn expression(self) -> &'static str {
        match self {
            Self::CreatedDate => "created_date",
            Self::UpdateDate => "coalesce(update_date, created_date)",
            Self::Name => "coalesce(name, '')",
            Self::ScheduledDate => "coalesce(scheduled_date, created_date)",
        }
    }
}

/// A list's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub field: OrderField,
    pub descending: bool,
}

/// Newest first.
impl Default for Order {
    fn default() -> Self {
        Self { field: OrderField::CreatedDate, descending: true }
    }
}

impl Order {
    pub(super) fn reversed(self) -> Self {
        Self { descending: !self.descending, ..self }
    }

    pub(super) fn direction(self) -> &'static str {
        if self.descending { "DESC" } else { "ASC" }
    }
}

/// What a statement costs that reads all jobs, because no index has the list, in values of an
/// answer. Such a statement takes 20 to 50 ms for 150,000 jobs, and an agent with 100,000 runs several
/// times that.
pub const SCAN: u64 = 5_000;

/// What it costs to count the jobs that match, up to [`super::page::COUNT_BOUND`], in an index: two or
/// three milliseconds.
pub const COUNT: u64 = 500;

/// The conditions of a filter, as far as they decide what a statement costs. They have the names that
/// they have in GraphQL, where the cost of a document is known before anything is executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Whether there are conditions besides those on the state.
    are_any: bool,
    is_scanned: bool,
    /// What counting costs where no scan is needed.
    counting: u64,
    has_configuration: bool,
    states: usize,
}

impl Conditions {
    /// Adds a condition that is given. One that is not known to be found by an index is not.
    pub fn add(&mut self, name: &str) {
        self.are_any = true;
        match name {
            "configurationId" => self.has_configuration = true,
            "createdAfter" | "createdBefore" => self.counting = COUNT,
            _ => self.is_scanned = true,
        }
    }

    /// Adds a condition on the state. `has_unknown` says whether `UNKNOWN` is among the states.
    pub fn add_states(&mut self, states: usize, has_unknown: bool) {
        self.states = states;
        // The names of unknown states are in no statement, so the index on states is not used.
        self.is_scanned |= has_unknown;
    }

    /// What a list of the scope's jobs that match and their count cost, beside the jobs that are read.
    ///
    /// The indexes have the jobs of a configuration, of a state and of both in the order of their
    /// creation, and those of a state in the order in which they are due. The other orders have one
    /// index, without conditions.
    pub fn cost(&self, order: OrderField, scope: &Scope) -> u64 {
        let configurations = match scope {
            Scope::Only(ids) if !self.has_configuration => ids.len(),
            _ => 1,
        };
        let is_narrowed = self.are_any || *scope != Scope::All;
        let is_sorted = match order {
            OrderField::CreatedDate => true,
            OrderField::ScheduledDate => self.states > 0 && !is_narrowed,
            OrderField::UpdateDate | OrderField::Name => self.states == 0 && !is_narrowed,
        };
        let is_scanned = self.is_scanned
            || !is_sorted
            || configurations.saturating_mul(self.states.max(1)) > MOST_WALKS;
        if is_scanned { SCAN } else { self.counting }
    }

    /// What the newest jobs of each of several configurations cost. They are found one configuration
    /// after the other, in the index on its jobs, or on its jobs of a single state.
    pub fn cost_of_each(&self) -> u64 {
        if self.is_scanned || self.states > 1 { SCAN } else { 0 }
    }
}

impl JobFilter {
    /// What a list of the scope's jobs that match and their count cost, in values of an answer, beside
    /// the jobs that are read.
    pub fn scan_cost(&self, order: Order, scope: &Scope) -> u64 {
        // Without `..`: a filter that is added has to be here.
        let Self {
            configuration_id,
            agent_id,
            states,
            search,
            created_after,
            created_before,
            scheduled_after,
            updated_before,
            processing_states,
            clues_missing,
        } = self;
        let mut conditions = Conditions::default();
        conditions.add_states(states.len(), states.contains(&JobState::Unknown));
        for (name, is_given) in [
            ("configurationId", configuration_id.is_some()),
            ("agentId", agent_id.is_some()),
            ("search", search.is_some()),
            ("createdAfter", created_after.is_some()),
            ("createdBefore", created_before.is_some()),
            ("scheduledAfter", scheduled_after.is_some()),
            ("updatedBefore", updated_before.is_some()),
            ("processingStates", !processing_states.is_empty()),
            ("cluesMissing", clues_missing.is_some()),
        ] {
            if is_given {
                conditions.add(name);
            }
        }
        conditions.cost(order.field, scope)
    }

    /// Checks what a client sent and brings it into the form that the rest relies on.
    pub fn validate(mut self) -> Result<Self, ApiError> {
        self.states.sort_unstable();
        self.states.dedup();
        if self.states.len() == JobState::ALL.len() {
            self.states.clear();
        }
        self.processing_states.sort_unstable();
        self.processing_states.dedup();
        if let Some(search) = &mut self.search {
            *search = search.trim().to_owned();
            if search.chars().count() > SEARCH_LENGTH {
                return Err(ApiError::invalid(
                    "search",
                    format_args!("expected at most {SEARCH_LENGTH} characters"),
                ));
            }
            if search.contains('\0') {
                return Err(ApiError::invalid("search", "a NUL character cannot be searched for"));
            }
        }
        self.search.take_if(|search| search.is_empty());
        Ok(self)
    }

    /// Whether it lets every job through.
    pub fn is_empty(&self) -> bool {
        self.is_counted() && self.states.is_empty() && self.configuration_id.is_none()
    }

    /// Whether the counters know how many jobs match.
    pub(super) fn is_counted(&self) -> bool {
        self.agent_id.is_none()
            && self.search.is_none()
            && self.created_after.is_none()
            && self.created_before.is_none()
            && self.scheduled_after.is_none()
            && self.updated_before.is_none()
            && self.processing_states.is_empty()
            && self.clues_missing.is_none()
    }

    /// Adds the conditions on the scope's jobs, ` WHERE …`, with these states in place of the
    /// filter's.
    pub fn push_where(&self, sql: &mut Sql, scope: &Scope, states: &[JobState]) {
        sql.push(" WHERE true");
        scope.narrowed(self.configuration_id).push(sql, "configuration_id");
        push_states(sql, states);
        if let Some(id) = self.agent_id {
            // By the index on runs of an agent, or beside a walk down the list: the databases
            // choose.
            sql.push(" AND (id, current_run_id) IN (SELECT job_run.job_id, job_run.id")
                .push(" FROM job_run WHERE job_run.agent_id = ")
                .bind(id)
                .push(")");
        }
        if let Some(moment) = self.created_after {
            sql.push(" AND created_date >= ").bind(moment);
        }
        if let Some(moment) = self.created_before {
            sql.push(" AND created_date < ").bind(moment);
        }
        if let Some(moment) = self.scheduled_after {
            // The second follows from the first, and is what the index on due jobs has.
            sql.push(" AND scheduled_date >= ").bind(moment);
            sql.push(&format!(" AND {} >= ", OrderField::ScheduledDate.expression())).bind(moment);
        }
        if let Some(moment) = self.updated_before {
            sql.push(&format!(" AND {} < ", OrderField::UpdateDate.expression())).bind(moment);
        }
        if !self.processing_states.is_empty() {
            // With the job's id, by which it is found from the few runs whose processing failed.
            sql.push(
                " AND (id, current_run_id) IN (SELECT job_run.job_id, job_run.id FROM job_run",
            )
            .push(&format!(" WHERE {})", processing_in(&self.processing_states)));
        }
        if let Some(are_missing) = self.clues_missing {
            let not = if are_missing { "" } else { "NOT " };
            sql.push(&format!(" AND {not}EXISTS (SELECT 1 FROM job_run"))
                .push(" WHERE job_run.id = job.current_run_id AND ")
                .push(CLUES_MISSING)
                .push(")");
        }
        if let Some(text) = &self.search {
            push_search(sql, text);
        }
    }
}

/// Of a run: its processing has ended, and received fewer clues than the agent submitted. Before that,
/// clues are in transit.
const CLUES_MISSING: &str = "job_run.processing_state IN ('Completed', 'Failed') \
     AND job_run.processing_tasks_received_clues_count < job_run.agent_clues_completed_count";

/// The condition on a run that its processing is in one of these states. `Unknown` stands for every name
/// that is not known.
fn processing_in(states: &[ProcessingState]) -> String {
    let either = states.iter().map(|state| match state {
        ProcessingState::Unknown => {
            let known = ProcessingState::ALL.iter().filter(|each| **each != *state);
            let known: Vec<_> = known.map(|state| format!("'{}'", state.name())).collect();
            format!("job_run.processing_state NOT IN ({})", known.join(", "))
        }
        state => format!("job_run.processing_state = '{}'", state.name()),
    });
    format!("({})", either.collect::<Vec<_>>().join(" OR "))
}

/// The names of all states but `Unknown`, which stands for every other name.
fn known_names() -> String {
    quoted(JobState::ALL.iter().filter(|state| **state != JobState::Unknown))
}

fn quoted<'a>(states: impl Iterator<Item = &'a JobState>) -> String {
    states.map(|state| format!("'{}'", state.name())).collect::<Vec<_>>().join(", ")
}

fn push_states(sql: &mut Sql, states: &[JobState]) {
    if states.is_empty() {
        return;
    }
    let known: Vec<_> = states.iter().filter(|state| **state != JobState::Unknown).collect();
    sql.push(" AND (");
    match known.as_slice() {
        [] => {}
        [one] => {
            sql.push(&format!("state = '{}'", one.name()));
        }
        several => {
            sql.push(&format!("state IN ({})", quoted(several.iter().copied())));
        }
    }
    if known.len() < states.len() {
        if !known.is_empty() {
            sql.push(" OR ");
        }
        // The counters name the unknown states, so that the index can find their jobs.
        let unknown = format!("state NOT IN ({})", known_names());
        sql.push("state IN (SELECT state FROM job_count WHERE configuration_id = ")
            .bind(super::counts::ALL)
            .push(&format!(" AND {unknown}"));
        if sql.is_postgres() {
            sql.push(&format!(" UNION SELECT state FROM job_count_delta WHERE {unknown}"));
        }
        sql.push(")");
    }
    sql.push(")");
}

/// Adds a condition on counters' rows.
pub(super) fn push_counted_states(sql: &mut Sql, states: &[JobState]) {
    if states.is_empty() {
        return;
    }
    sql.push(&format!(" WHERE (state IN ({})", quoted(states.iter())));
    if states.contains(&JobState::Unknown) {
        sql.push(&format!(" OR state NOT IN ({})", known_names()));
    }
    sql.push(")");
}

fn push_search(sql: &mut Sql, text: &str) {
    sql.push(" AND (");
    search::push_contains(sql, "name", text);
    if let Some((first, last)) = id_range(text) {
        sql.push(" OR id BETWEEN ").bind(first).push(" AND ").bind(last);
    }
    sql.push(")");
}

/// The first and the last id that begin with `text`, if it is the beginning of one.
fn id_range(text: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let fill = |digit: &str| {
        let rest = digit.repeat(32 - digits.len());
        Uuid::parse_str(&(digits.clone() + &rest)).ok()
    };
    Some((fill("0")?, fill("f")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_without_an_index_cost_a_scan() {
        let (id, moment) = (Some(Uuid::from_u128(1)), Some(Timestamp::default()));
        let none = JobFilter::default;
        let by = |field| Order { field, descending: false };
        let two = vec![JobState::Failed, JobState::Queued];
        for (filter, created, due, other) in [
            (none(), 0, SCAN, 0),
            (JobFilter { configuration_id: id, ..none() }, 0, SCAN, SCAN),
            (JobFilter { states: vec![JobState::Failed], ..none() }, 0, 0, SCAN),
            (JobFilter { states: two.clone(), ..none() }, 0, 0, SCAN),
            (JobFilter { states: two, configuration_id: id, ..none() }, 0, SCAN, SCAN),
            (JobFilter { created_after: moment, ..none() }, COUNT, SCAN, SCAN),
            (JobFilter { created_before: moment, ..none() }, COUNT, SCAN, SCAN),
            (JobFilter { states: vec![JobState::Unknown], ..none() }, SCAN, SCAN, SCAN),
            (JobFilter { agent_id: id, ..none() }, SCAN, SCAN, SCAN),
            (JobFilter { search: Some("x".to_owned()), ..none() }, SCAN, SCAN, SCAN),
            (JobFilter { scheduled_after: moment, ..none() }, SCAN, SCAN, SCAN),
            (JobFilter { clues_missing: Some(true), ..none() }, SCAN, SCAN, SCAN),
            (
                JobFilter { processing_states: vec![ProcessingState::Failed], ..none() },
                SCAN,
                SCAN,
                SCAN,
            ),
        ] {
            for (order, expected) in [
                (OrderField::CreatedDate, created),
                (OrderField::ScheduledDate, due),
                (OrderField::UpdateDate, other),
                (OrderField::Name, other),
            ] {
                let found = filter.scan_cost(by(order), &Scope::All);
                assert_eq!(found, expected, "{filter:?} by {order:?}");
            }
        }
    }

    #[test]
    fn an_id_prefix_is_a_range_of_ids() {
        let (first, last) = id_range("018f-a").unwrap();
        assert_eq!(first.to_string(), "018fa000-0000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "018fafff-ffff-ffff-ffff-ffffffffffff");
        let whole = "018fa000-0000-7000-8000-0000000000aa";
        assert_eq!(id_range(whole), Some((whole.parse().unwrap(), whole.parse().unwrap())));
        for text in ["", "hubspot", "018g", "-", &"0".repeat(33)] {
            assert_eq!(id_range(text), None, "{text:?}");
        }
    }
}
