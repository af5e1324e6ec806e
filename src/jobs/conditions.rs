//! What a [`JobFilter`] means in SQL, and what that costs.

use entity::JobState;
use uuid::Uuid;

use super::argument::UuidArgument;
use super::filter::JobFilter;
use super::order::{Order, OrderField};
use super::scope::Scope;
use super::search;
use super::states::{processing_in, push_states, quoted};
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
    /// Sorted, each once. `None`: any state.
    states: Option<Vec<JobState>>,
}

/// All jobs.
impl Default for Conditions {
    fn default() -> Self {
        Self {
            filter: JobFilter::default(),
            configurations: Scope::All,
            agents: Vec::new(),
            states: None,
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

/// One condition of a filter on a row of `job`.
struct Condition<'a> {
    /// The order whose index has the matching jobs side by side; `None` if no index has them.
    index: Option<OrderField>,
    push: Box<dyn Fn(&mut Sql) + 'a>,
}

impl<'a> Condition<'a> {
    /// A condition that is checked on one job after the other.
    fn scanned(push: impl Fn(&mut Sql) + 'a) -> Self {
        Self { index: None, push: Box::new(push) }
    }

    /// A condition on the job's current run, the row `job_run`.
    fn of_run(push: impl Fn(&mut Sql) + 'a) -> Self {
        Self::scanned(move |sql| push_current_run(sql, &push))
    }

    /// A condition on the value that an order sorts by.
    fn indexed(order: OrderField, push: impl Fn(&mut Sql) + 'a) -> Self {
        Self { index: Some(order), push: Box::new(push) }
    }
}

impl Conditions {
    /// Checks a filter.
    ///
    /// # Errors
    /// The first value that is not what its field expects.
    pub fn new(mut filter: JobFilter) -> Result<Self, ApiError> {
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
            states: None,
            filter,
        };
        if let Some(states) = conditions.filter.states.take().filter(|states| !states.is_empty()) {
            conditions.retain_states(|state| states.contains(&state));
        }
        if let Some(excluded) = conditions.filter.exclude_states.take() {
            conditions.retain_states(|state| !excluded.contains(&state));
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

    /// The part of a scope that matches.
    pub(super) fn scope(&self, scope: &Scope) -> Scope {
        scope.within(&self.configurations)
    }

    /// The conditions besides those on the state and the configuration. A field of the filter that is
    /// added has its condition here.
    fn others(&self) -> Vec<Condition<'_>> {
        let JobFilter {
            states: _,
            exclude_states: _,
            configuration_ids: _,
            agent_ids: _,
            providers,
            priority,
            search,
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
        } = &self.filter;
        let mut all = Vec::new();
        if !self.agents.is_empty() {
            // By the index on runs of an agent, or while the list is read: the databases choose.
            all.push(Condition::scanned(|sql| {
                sql.push("(id, current_run_id) IN (SELECT job_run.job_id, job_run.id")
                    .push(" FROM job_run WHERE job_run.agent_id");
                match self.agents.as_slice() {
                    [agent] => sql.push(" = ").bind(*agent),
                    agents => sql.any_uuid(agents),
                };
                sql.push(")");
            }));
        }
        if let Some(providers) = providers.as_ref().filter(|providers| !providers.is_empty()) {
            all.push(Condition::scanned(|sql| {
                sql.push("configuration_id IN (SELECT configuration.id FROM configuration")
                    .push(" WHERE configuration.provider")
                    .any_text(providers)
                    .push(")");
            }));
        }
        if let Some(priority) = priority {
            all.push(Condition::scanned(|sql| {
                sql.push("priority = ").bind(*priority);
            }));
        }
        if let Some(text) = search {
            all.push(Condition::scanned(|sql| search::push_search(sql, text)));
        }
        if let Some(moment) = created_after {
            all.push(Condition::indexed(OrderField::CreatedDate, |sql| {
                sql.push("created_date >= ").bind(*moment);
            }));
        }
        if let Some(moment) = created_before {
            all.push(Condition::indexed(OrderField::CreatedDate, |sql| {
                sql.push("created_date < ").bind(*moment);
            }));
        }
        for (moment, comparison) in [(started_after, ">="), (started_before, "<")] {
            if let Some(moment) = moment {
                all.push(Condition::of_run(move |sql| {
                    sql.push(&format!("job_run.agent_start_time {comparison} ")).bind(*moment);
                }));
            }
        }
        for (moment, comparison) in [(finished_after, ">="), (finished_before, "<")] {
            if let Some(moment) = moment {
                all.push(Condition::scanned(move |sql| {
                    push_finished(sql);
                    sql.push(" AND coalesce((SELECT job_run.agent_end_time FROM job_run")
                        .push(" WHERE job_run.id = job.current_run_id), job.update_date)")
                        .push(&format!(" {comparison} "))
                        .bind(*moment);
                }));
            }
        }
        for (duration, comparison) in [(min_duration, ">="), (max_duration, "<=")] {
            if let Some(duration) = duration {
                all.push(Condition::scanned(move |sql| {
                    push_finished(sql);
                    sql.push(" AND ");
                    push_current_run(sql, |sql| {
                        sql.push_either(DURATION_SQLITE, DURATION_POSTGRES)
                            .push(&format!(" {comparison} "))
                            .bind(duration.0);
                    });
                }));
            }
        }
        if let Some(text) = message_contains {
            all.push(Condition::of_run(|sql| {
                search::push_contains(sql, "job_run.agent_result_message", text);
            }));
        }
        if let Some(moment) = scheduled_after {
            // The second follows from the first, and is what the index on due jobs has.
            all.push(Condition::scanned(|sql| {
                sql.push("scheduled_date >= ").bind(*moment);
                sql.push(&format!(" AND {} >= ", OrderField::ScheduledDate.expression()));
                sql.bind(*moment);
            }));
        }
        if let Some(moment) = updated_before {
            all.push(Condition::indexed(OrderField::UpdateDate, |sql| {
                sql.push(&format!("{} < ", OrderField::UpdateDate.expression())).bind(*moment);
            }));
        }
        if let Some(states) = processing_states.as_ref().filter(|states| !states.is_empty()) {
            // With the job's id, by which it is found from the few runs whose processing failed.
            all.push(Condition::scanned(|sql| {
                sql.push("(id, current_run_id) IN (SELECT job_run.job_id, job_run.id FROM job_run")
                    .push(&format!(" WHERE {})", processing_in(states)));
            }));
        }
        if let Some(are_missing) = clues_missing {
            all.push(Condition::scanned(|sql| {
                sql.push(if *are_missing { "" } else { "NOT " });
                push_current_run(sql, |sql| _ = sql.push(CLUES_MISSING));
            }));
        }
        all
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
        self.is_counted() && self.states.is_none() && self.configurations == Scope::All
    }

    /// Whether the counters know how many jobs match.
    pub(super) fn is_counted(&self) -> bool {
        self.others().is_empty()
    }

    /// What a list of the scope's jobs that match and their count cost, in values of an answer, beside
    /// the jobs that are read.
    ///
    /// The indexes have the jobs of a configuration, of a state and of both in the order of their
    /// creation, and those of a state in the order in which they are due. The other orders have one
    /// index, without conditions.
    pub fn cost(&self, order: Order, scope: &Scope) -> u64 {
        let scope = self.scope(scope);
        let configurations = match &scope {
            Scope::All => 1,
            Scope::Only(ids) => ids.len(),
        };
        let others = self.others();
        let states = self.states.as_ref().map_or(0, Vec::len);
        let is_narrowed = scope != Scope::All;
        let is_sorted = match order.field {
            OrderField::CreatedDate => true,
            OrderField::ScheduledDate => states > 0 && !is_narrowed,
            OrderField::UpdateDate | OrderField::Name => states == 0 && !is_narrowed,
        };
        let is_scanned = others.iter().any(|condition| condition.index != Some(order.field))
            || !is_sorted
            // The names of unknown states are in no statement, so the index on states is not used.
            || self.states.as_ref().is_some_and(|states| states.contains(&JobState::Unknown))
            || configurations.saturating_mul(states.max(1)) > MAX_SCANS;
        match (is_scanned, others.is_empty()) {
            (true, _) => SCAN,
            (false, false) => COUNT,
            (false, true) => 0,
        }
    }

    /// What the newest jobs of each of several configurations cost. They are found one configuration
    /// after the other, in the index on its jobs, or on its jobs of a single state.
    pub fn cost_of_each(&self) -> u64 {
        let is_indexed = match self.states.as_deref() {
            None => true,
            Some(states) => states.len() <= 1 && !states.contains(&JobState::Unknown),
        };
        if is_indexed && self.is_counted() { 0 } else { SCAN }
    }

    /// Adds the conditions on the scope's jobs, ` WHERE …`.
    pub fn push_where(&self, sql: &mut Sql, scope: &Scope) {
        self.push_part(sql, &self.scope(scope), self.states());
    }

    /// Adds the conditions on the jobs of a part of the scope that are in a part of the states.
    pub(super) fn push_part(&self, sql: &mut Sql, scope: &Scope, states: Option<&[JobState]>) {
        sql.push(" WHERE true");
        scope.push(sql, "configuration_id");
        push_states(sql, states);
        for condition in self.others() {
            sql.push(" AND ");
            (condition.push)(sql);
        }
    }
}

/// The ids of a list.
fn ids(name: &'static str, list: Option<&[UuidArgument]>) -> Result<Vec<Uuid>, ApiError> {
    let list = list.unwrap_or_default();
    limit(name, list.len())?;
    list.iter().map(|id| id.get(name)).collect()
}

/// Checks the length of a list.
fn limit(name: &'static str, length: usize) -> Result<(), ApiError> {
    if length <= LIST_LENGTH {
        return Ok(());
    }
    let message = format!("expected at most {LIST_LENGTH} values, not {length}");
    Err(ApiError::invalid(name, message))
}

/// A text without the white space around it; `None` if nothing is left.
fn text(name: &'static str, text: Option<String>) -> Result<Option<String>, ApiError> {
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

/// Adds the condition that a job has a current run, the row `job_run`, for which another holds.
fn push_current_run(sql: &mut Sql, push: impl Fn(&mut Sql)) {
    sql.push("EXISTS (SELECT 1 FROM job_run WHERE job_run.id = job.current_run_id AND ");
    push(sql);
    sql.push(")");
}

/// Adds the condition that a job is finished.
fn push_finished(sql: &mut Sql) {
    let finished = JobState::ALL.iter().filter(|state| state.is_terminal());
    sql.push(&format!("state IN ({})", quoted(finished)));
}

/// Of a run: how long the agent worked, in milliseconds, by its own account or from its start to its end.
const DURATION_SQLITE: &str = "coalesce(job_run.agent_elapsed_execution_time, \
     (job_run.agent_end_time - job_run.agent_start_time) / 1000)";
const DURATION_POSTGRES: &str = "coalesce(job_run.agent_elapsed_execution_time, \
     CAST(trunc(extract(epoch FROM job_run.agent_end_time - job_run.agent_start_time) * 1000) AS bigint))";

/// Of a run: its processing has ended, and received fewer clues than the agent submitted. Before that,
/// clues are in transit.
const CLUES_MISSING: &str = "job_run.processing_state IN ('Completed', 'Failed') \
     AND job_run.processing_tasks_received_clues_count < job_run.agent_clues_completed_count";

#[cfg(test)]
mod tests {
    use super::*;
    use entity::{ProcessingState, Timestamp};

    #[test]
    fn filters_without_an_index_cost_a_scan() {
        let (id, moment) = (Uuid::from_u128(1), Some(Timestamp::default()));
        let ids = Some(vec![UuidArgument::from(id)]);
        let none = JobFilter::default;
        let states = |states: &[JobState]| Some(states.to_vec());
        let two = states(&[JobState::Failed, JobState::Queued]);
        for (filter, created, due, updated, name) in [
            (none(), 0, SCAN, 0, 0),
            (JobFilter { configuration_ids: ids.clone(), ..none() }, 0, SCAN, SCAN, SCAN),
            (JobFilter { states: states(&[JobState::Failed]), ..none() }, 0, 0, SCAN, SCAN),
            (JobFilter { states: states(&[]), ..none() }, 0, SCAN, 0, 0),
            (JobFilter { states: two.clone(), ..none() }, 0, 0, SCAN, SCAN),
            (
                JobFilter { exclude_states: states(&[JobState::Unknown]), ..none() },
                0,
                0,
                SCAN,
                SCAN,
            ),
            (
                JobFilter { states: two, configuration_ids: ids.clone(), ..none() },
                0,
                SCAN,
                SCAN,
                SCAN,
            ),
            (JobFilter { created_after: moment, ..none() }, COUNT, SCAN, SCAN, SCAN),
            (JobFilter { created_before: moment, ..none() }, COUNT, SCAN, SCAN, SCAN),
            (JobFilter { updated_before: moment, ..none() }, SCAN, SCAN, COUNT, SCAN),
            (JobFilter { states: states(&[JobState::Unknown]), ..none() }, SCAN, SCAN, SCAN, SCAN),
            (JobFilter { agent_ids: ids, ..none() }, SCAN, SCAN, SCAN, SCAN),
            (JobFilter { search: Some("x".to_owned()), ..none() }, SCAN, SCAN, SCAN, SCAN),
            (JobFilter { search: Some(" ".to_owned()), ..none() }, 0, SCAN, 0, 0),
            (JobFilter { scheduled_after: moment, ..none() }, SCAN, SCAN, SCAN, SCAN),
            (JobFilter { clues_missing: Some(true), ..none() }, SCAN, SCAN, SCAN, SCAN),
            (JobFilter { finished_after: moment, ..none() }, SCAN, SCAN, SCAN, SCAN),
            (JobFilter { priority: Some(2), ..none() }, SCAN, SCAN, SCAN, SCAN),
            (JobFilter { providers: Some(vec![]), ..none() }, 0, SCAN, 0, 0),
            (JobFilter { processing_states: Some(vec![]), ..none() }, 0, SCAN, 0, 0),
            (
                JobFilter { processing_states: Some(vec![ProcessingState::Failed]), ..none() },
                SCAN,
                SCAN,
                SCAN,
                SCAN,
            ),
        ] {
            for (order, expected) in [
                (OrderField::CreatedDate, created),
                (OrderField::ScheduledDate, due),
                (OrderField::UpdateDate, updated),
                (OrderField::Name, name),
            ] {
                let conditions = Conditions::new(filter.clone()).unwrap();
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
            Conditions::new(filter).unwrap()
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
