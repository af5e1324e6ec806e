//! The conditions of a filter in SQL, each with the index that has the jobs which meet it.

use entity::{JobState, Timestamp};
use uuid::Uuid;

use super::estimates;
use super::filter::JobFilter;
use super::order::{NO_DURATION, NO_TIME, OrderField};
use super::probe::{Probe, Scan};
use super::search;
use super::states::{processing_in, processing_ranges, quoted};
use crate::db::Sql;

/// Where the jobs that meet a condition are side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    /// Nowhere: it is checked on one job after the other.
    None,
    /// In the index on names, by the names that have the text, if they are few.
    Names,
    /// Nowhere, and it takes the longest to check: a text in messages.
    Text,
    /// In the index of an order, whose key it bounds.
    Order(OrderField),
    /// In an index that has them by creation; of the priority, or of the jobs with missing clues.
    Priority,
    CluesMissing,
    /// In the index on the dates that jobs are scheduled for.
    Scheduled,
    /// In the index on runs by the state of their processing.
    Processing,
    /// In those of the configurations, which are looked up first.
    Providers,
}

/// Adds a condition on the row with an alias.
type Push<'a> = Box<dyn Fn(&mut Sql, &str) + 'a>;

/// One condition of a filter on a row of `job`.
pub(super) struct Condition<'a> {
    pub index: Index,
    push: Push<'a>,
}

/// Before a column in a condition, so that SQLite does not take an index that has it: it would rather
/// sort all that match than read the first in the list's order.
pub(super) fn no_index(sql: &Sql) -> &'static str {
    if sql.is_postgres() { "" } else { "+" }
}

impl Index {
    /// Whether it has the jobs in this order.
    pub fn has_order(self, field: OrderField) -> bool {
        match self {
            Self::None | Self::Text | Self::Providers => true,
            Self::Order(own) => own == field,
            Self::Priority => matches!(field, OrderField::CreatedDate | OrderField::Priority),
            Self::CluesMissing => field == OrderField::CreatedDate,
            Self::Scheduled | Self::Processing | Self::Names => false,
        }
    }

    /// The order in which it has them.
    fn order(self, is_postgres: bool) -> String {
        match self {
            Self::Order(field) => format!("{}, id", field.keys(is_postgres).join(", ")),
            Self::Scheduled => "scheduled_date, id".to_owned(),
            Self::None
            | Self::Text
            | Self::Names
            | Self::Priority
            | Self::CluesMissing
            | Self::Processing
            | Self::Providers => "created_date DESC, id DESC".to_owned(),
        }
    }

    /// The probe of this index by the conditions of a filter.
    pub fn probe(self, filter: &JobFilter) -> Probe<'_> {
        let push = move |sql: &mut Sql| {
            for condition in Condition::all(filter, None).iter().filter(|each| each.index == self) {
                sql.push(" AND ");
                condition.push(sql);
            }
        };
        let scans = match (self, &filter.search) {
            (Self::Processing, _) => {
                let states = filter.processing_states.iter().flatten();
                states.flat_map(|state| processing_ranges(*state)).map(Scan::Runs).collect()
            }
            (Self::Names, Some(text)) => {
                let mut scans = vec![Scan::Names(text)];
                if let Some((first, last)) = search::id_range(text) {
                    let push = move |sql: &mut Sql| {
                        sql.push(" AND id BETWEEN ").bind(first).push(" AND ").bind(last);
                        // Those are among the others.
                        sql.push(" AND NOT ");
                        search::push_contains(sql, "coalesce(name, '')", text);
                    };
                    let order = Box::new(|_| "id".to_owned());
                    scans.push(Scan::Jobs { order, push: Box::new(push) });
                }
                scans
            }
            _ => {
                let order = Box::new(move |is_postgres| self.order(is_postgres));
                vec![Scan::Jobs { order, push: Box::new(push) }]
            }
        };
        Probe { scans }
    }
}

impl<'a> Condition<'a> {
    fn new(index: Index, push: impl Fn(&mut Sql) + 'a) -> Self {
        Self { index, push: Box::new(move |sql, _| push(sql)) }
    }

    /// A condition on columns, to whose names a prefix is added.
    fn of_columns(index: Index, push: impl Fn(&mut Sql, &str) + 'a) -> Self {
        Self { index, push: Box::new(push) }
    }

    /// A condition on the value that an order sorts by.
    fn of_key(
        field: OrderField,
        comparison: &'static str,
        value: impl Into<sea_orm::Value>,
    ) -> Self {
        let value = value.into();
        Self::of_columns(Index::Order(field), move |sql, prefix| {
            let key = field.key(sql.is_postgres());
            sql.push(&format!("{prefix}{key} {comparison} ")).bind(value.clone());
        })
    }

    /// The same, of jobs whose value is not null.
    fn of_known_key(
        field: OrderField,
        comparison: &'static str,
        value: impl Into<sea_orm::Value>,
    ) -> Self {
        let value = value.into();
        Self::of_columns(Index::Order(field), move |sql, prefix| {
            let key = field.key(sql.is_postgres());
            sql.push(&format!("{prefix}{key} {comparison} ")).bind(value.clone());
            sql.push(&format!(" AND {prefix}{key} > "));
            match field {
                OrderField::Duration => sql.bind(NO_DURATION),
                _ => sql.bind(Timestamp::from_micros(NO_TIME)),
            };
        })
    }

    /// Adds it.
    pub fn push(&self, sql: &mut Sql) {
        (self.push)(sql, "");
    }

    /// Adds it for a list in this order, which is read in an index that has the order.
    pub fn push_in(&self, sql: &mut Sql, order: OrderField) {
        let prefix = if self.index.has_order(order) { "" } else { no_index(sql) };
        (self.push)(sql, prefix);
    }

    /// The conditions of a filter besides those on the state, the configuration, the agents and the
    /// failure group. A field
    /// of the filter that is added has its condition here.
    ///
    /// Those are first that leave the fewest jobs, as a rule.
    pub fn all(filter: &'a JobFilter, stale_before: Option<Timestamp>) -> Vec<Self> {
        use OrderField::{CreatedDate, Duration, FinishedDate, StartedDate, UpdateDate};

        let JobFilter {
            states: _,
            exclude_states: _,
            configuration_ids: _,
            agent_ids: _,
            failure_group_id: _,
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
            is_stale,
            is_overdue,
        } = filter;
        let mut all = Vec::new();
        if let Some(are_missing) = clues_missing {
            all.push(if *are_missing {
                Self::of_columns(Index::CluesMissing, |sql, prefix| {
                    sql.push(prefix).push("clues_missing");
                })
            } else {
                Self::new(Index::None, |sql| _ = sql.push("NOT clues_missing"))
            });
        }
        if let Some(moment) = scheduled_after {
            // The second follows from the first, and is what the index on due jobs has.
            all.push(Self::of_columns(Index::Scheduled, |sql, prefix| {
                let key = OrderField::ScheduledDate.key(sql.is_postgres());
                sql.push(&format!("{prefix}scheduled_date >= ")).bind(*moment);
                sql.push(&format!(" AND {key} >= ")).bind(*moment);
            }));
        }
        for (field, after, before) in [
            (FinishedDate, finished_after, finished_before),
            (StartedDate, started_after, started_before),
        ] {
            all.extend(after.map(|moment| Self::of_known_key(field, ">=", moment)));
            all.extend(before.map(|moment| Self::of_known_key(field, "<", moment)));
        }
        all.extend(created_after.map(|moment| Self::of_key(CreatedDate, ">=", moment)));
        all.extend(created_before.map(|moment| Self::of_key(CreatedDate, "<", moment)));
        all.extend(updated_before.map(|moment| Self::of_key(UpdateDate, "<", moment)));
        all.extend(min_duration.map(|least| Self::of_known_key(Duration, ">=", least.0)));
        all.extend(max_duration.map(|most| Self::of_known_key(Duration, "<=", most.0)));
        if let Some(states) = processing_states.as_ref().filter(|states| !states.is_empty()) {
            all.push(Self::new(Index::Processing, |sql| {
                push_current_run(sql, |sql| _ = sql.push(&processing_in(states)));
            }));
        }
        if let Some(priority) = priority {
            all.push(Self::of_columns(Index::Priority, |sql, prefix| {
                sql.push(&format!("{prefix}priority = ")).bind(*priority);
            }));
        }
        if let Some(providers) = providers.as_ref().filter(|providers| !providers.is_empty()) {
            all.push(Self::new(Index::Providers, |sql| {
                sql.push("configuration_id IN (SELECT configuration.id FROM configuration")
                    .push(" WHERE configuration.provider")
                    .any_text(providers)
                    .push(")");
            }));
        }
        if let Some(is_stale) = is_stale {
            all.push(Self::new(Index::None, move |sql| {
                sql.push(if *is_stale { "" } else { "NOT " });
                push_current_run(sql, |sql| push_stale(sql, stale_before));
            }));
        }
        if let Some(is_overdue) = is_overdue {
            all.push(Self::new(Index::None, move |sql| {
                sql.push(if *is_overdue { "" } else { "NOT " });
                estimates::push_overdue(sql);
            }));
        }
        if let Some(text) = search {
            all.push(Self::new(Index::Names, |sql| search::push_search(sql, text)));
        }
        if let Some(text) = message_contains {
            all.push(Self::new(Index::Text, |sql| {
                push_current_run(sql, |sql| {
                    search::push_contains(sql, "job_run.agent_result_message", text);
                });
            }));
        }
        all
    }
}

/// Adds the condition that a job's current run is by one of these agents, if there are any.
pub(super) fn push_agents(sql: &mut Sql, agents: &[Uuid], prefix: &str) {
    match agents {
        [] => {}
        [agent] => _ = sql.push(&format!(" AND {prefix}agent_id = ")).bind(*agent),
        agents => _ = sql.push(&format!(" AND {prefix}agent_id")).any_uuid(agents),
    }
}

/// Adds the condition that the clocks of others have dated something before the job's creation. These
/// jobs have an index.
pub(super) fn push_dated_before_creation(sql: &mut Sql) {
    sql.push(
        "(started_date < created_date OR finished_date < created_date \
         OR update_date < created_date)",
    );
}

/// Adds the condition that a job has a current run, the row `job_run`, for which another holds.
fn push_current_run(sql: &mut Sql, push: impl Fn(&mut Sql)) {
    sql.push("EXISTS (SELECT 1 FROM job_run WHERE job_run.id = job.current_run_id AND ");
    push(sql);
    sql.push(")");
}

/// Adds the condition that a run is stale, as [`super::derived::is_stale`] has it.
fn push_stale(sql: &mut Sql, before: Option<Timestamp>) {
    let Some(before) = before else {
        sql.push("false");
        return;
    };
    let last = "coalesce(job_run.agent_report_date, CASE WHEN job_run.attempt_token IS NOT NULL \
                THEN job_run.agent_start_time ELSE coalesce(job_run.update_date, \
                job_run.agent_start_time, job_run.agent_queued_date) END)";
    let active = quoted(JobState::ALL.iter().filter(|state| state.is_active()));
    sql.push(&format!("job_run.agent_state IN ({active}) AND ({last} IS NULL OR {last} < "));
    sql.bind(before).push(")");
}
