//! What fields cost beyond the values of their response: the rows that statements without an index read.
//!
//! A filter, wherever an argument or an input has one, is read as execution reads it, and says itself
//! what it costs ([`Conditions::cost`]).

use std::collections::HashMap;

use async_graphql::{InputType as _, Value};
use entity::{JobState, Timestamp};
use graphql_server::{FieldCosts, FieldUse};
use uuid::Uuid;

use crate::clock;
use crate::jobs::conditions::{COUNT, Conditions, SCAN};
use crate::jobs::failures;
use crate::jobs::filter::JobFilter;
use crate::jobs::order::Order;
use crate::jobs::scope::Scope;
use crate::jobs::statistics::query::{Bucket, GroupBy, Query};

/// The list of statistics.
const STATISTICS: &str = "jobStatistics";

/// The costs of fields for a principal with this scope.
pub struct JobCosts<'a> {
    pub scope: &'a Scope,
    /// How many jobs are executing.
    pub executing: u64,
}

impl FieldCosts for JobCosts<'_> {
    fn length(&self, field: &FieldUse<'_>) -> Option<u64> {
        statistics_of(field).map(|query| query.groups())
    }

    fn present_length(&self, field: &FieldUse<'_>) -> Option<u64> {
        // The number of executing jobs of one configuration is unknown.
        let is_all = field.name == "executingJobs" && field.argument("configurationId").is_none();
        is_all.then_some(self.executing)
    }

    fn rows(&self, field: &FieldUse<'_>) -> Option<u64> {
        if field.name == STATISTICS {
            return Some(statistics_of(field).map_or(0, |query| query.cost(self.scope)));
        }
        if !field.is_page {
            return None;
        }
        if field.name == "failureGroups" {
            return Some(failures::list::COST);
        }
        let (conditions, order) = (conditions_of(&field.arguments), order_of(&field.arguments));
        // Where the arguments cannot be used, the request is refused.
        let (Some(conditions), Some(order)) = (conditions, order) else { return Some(0) };
        if field.parent == "Query" {
            let configuration = field.arguments.get("configurationId").and_then(id_of);
            return Some(conditions.cost(order, &self.scope.narrowed(configuration)));
        }
        // Of an agent's runs, those of other configurations are passed over one by one.
        let passes_over = field.parent == "Agent" && *self.scope != Scope::All;
        Some(conditions.cost_of_each().max(if passes_over { SCAN } else { 0 }))
    }

    fn input(&self, type_name: &str, value: &Value) -> Option<u64> {
        if type_name != JobFilter::type_name() {
            return None;
        }
        let conditions = filter_of(value).unwrap_or_default();
        // They are counted in any case.
        Some(conditions.cost(Order::default(), self.scope).max(COUNT))
    }
}

/// The query of statistics; `None` if the field is another or its arguments cannot be used.
fn statistics_of(field: &FieldUse<'_>) -> Option<Query> {
    if field.name != STATISTICS {
        return None;
    }
    let given = |name: &str| field.argument(name).cloned();
    let conditions = given("filter").map_or(Some(Conditions::default()), |it| filter_of(&it))?;
    let moment = |name| Option::<Timestamp>::parse(given(name)).ok();
    let bucket = Option::<Bucket>::parse(given("bucket")).ok()?;
    let group_by = Option::<Vec<GroupBy>>::parse(given("groupBy")).ok()?.unwrap_or_default();
    let (from, to) = (moment("from")?, moment("to")?);
    Query::new(conditions.into_statistics().ok()?, from, to, bucket, group_by, clock::now()).ok()
}

/// The conditions of a list with these arguments; `None` if they cannot be used.
fn conditions_of(given: &HashMap<&str, Value>) -> Option<Conditions> {
    let mut conditions = match given.get("filter") {
        None | Some(Value::Null) => Conditions::default(),
        Some(filter) => filter_of(filter)?,
    };
    for states in ["state", "states"].iter().filter_map(|name| given.get(name)) {
        let states = Option::<Vec<JobState>>::parse(Some(states.clone())).ok()?;
        let states = JobFilter { states, ..JobFilter::default() };
        let states = Conditions::new(states, None).ok()?;
        let states = states.states();
        conditions.retain_states(|state| states.is_none_or(|states| states.contains(&state)));
    }
    Some(conditions)
}

fn filter_of(value: &Value) -> Option<Conditions> {
    Conditions::new(JobFilter::parse(Some(value.clone())).ok()?, None).ok()
}

fn order_of(given: &HashMap<&str, Value>) -> Option<Order> {
    let order = Option::<Order>::parse(given.get("orderBy").cloned()).ok()?;
    Some(order.unwrap_or_default())
}

fn id_of(value: &Value) -> Option<Uuid> {
    Option::<Uuid>::parse(Some(value.clone())).ok().flatten()
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use async_graphql::parser::parse_query;
    use graphql_server::cost::{Costs, LENGTH, RequestedOperation};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::jobs::argument::TAKE_MAX;

    fn cost_within(scope: &Scope, executing: u64, query: &str, variables: Json) -> u64 {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let variables = Variables::from_json(variables);
        let operation = RequestedOperation {
            document: &document,
            operation: &operation.node,
            variables: &variables,
        };
        Costs::of_schema(&crate::graphql::sdl(), TAKE_MAX.unsigned_abs().into())
            .present(&operation, &JobCosts { scope, executing })
    }

    fn cost_while(executing: u64, query: &str, variables: Json) -> u64 {
        cost_within(&Scope::All, executing, query, variables)
    }

    fn cost(query: &str, variables: Json) -> u64 {
        cost_while(LENGTH, query, variables)
    }

    #[test]
    fn lists_multiply_by_what_is_taken() {
        for (query, expected) in [
            ("{ jobCounts { total completed } }", 10 + 3),
            // The schema's default of 20.
            ("{ jobs { items { id name } totalCount } }", 10 + 1 + 20 * 3 + 1),
            ("{ jobs(take: 50) { items { id name } totalCount } }", 10 + 1 + 50 * 3 + 1),
            ("{ jobs(take: 50) { items { currentRun { id } } } }", 10 + 1 + 50 * 3),
            ("{ jobs(take: 50) { items { runs(take: 7) { id } } } }", 10 + 1 + 50 * (1 + 7 * 2)),
            (
                "{ jobsConnection(first: 5) { edges { cursor node { id } } nodes { id } } }",
                10 + 1 + 5 * 4 + 5 * 2,
            ),
            ("{ jobsConnection(last: 5) { nodes { id } } }", 10 + 1 + 5 * 2),
            ("{ jobsConnection { nodes { id } } }", 10 + 1 + 20 * 2),
            ("{ executingJobs { id } }", 10 + 20 * 2),
            (
                "{ failureGroups(first: 5) { nodes { id perDay { count } } totalCount } }",
                failures::list::COST + 10 + 1 + 5 * (1 + 1 + 20 * 2) + 1,
            ),
            ("{ jobs(filter: { search: \"x\" }) { page } }", SCAN + 10 + 2),
            ("{ jobs(filter: { search: null }) { page } }", 10 + 2),
            ("{ jobs(page: 30) { page } }", 10 + 30 * 20 / 20 + 2),
            ("{ jobs(page: 999999, take: 200) { page } }", 10 + 5_000 + 2),
            ("{ jobs(page: -1) { page } }", 10 + 2),
            // Larger pages are rejected later.
            ("{ jobs(take: 2147483647) { items { id } } }", 10 + 1 + 200 * 2),
            ("{ jobs(take: 99999999999999999999) { items { id } } }", 10 + 1),
            ("{ jobs(take: -5) { items { id } } }", 10 + 1),
            (
                "{ a: jobs(take: 3) { ...P } b: jobCounts { total } } fragment P on JobPage { items { id } ... { page } }",
                10 + 1 + 3 * 2 + 1 + 10 + 2,
            ),
            ("{ unknown { unknown } }", 10 + 2),
        ] {
            assert_eq!(cost(query, json!({})), expected, "{query}");
        }
    }

    #[test]
    fn statistics_cost_their_groups_and_the_rows_of_their_time() {
        let year = "from: \"2026-01-01T00:00:00Z\", to: \"2026-12-31T00:00:00Z\"";
        let days = "from: \"2026-01-02T00:00:00Z\", to: \"2026-01-04T00:00:00Z\"";
        for (arguments, groups, scan) in [
            (year.to_owned(), 1, 12 * COUNT / 10),
            (format!("{year}, bucket: DAY"), 364, 12 * COUNT / 10),
            (format!("{year}, bucket: WEEK, groupBy: [CONFIGURATION]"), 52 * 20, SCAN),
            (format!("{days}, bucket: HOUR"), 48, 2 * COUNT / 10),
            (format!("{days}, bucket: HOUR, groupBy: [PROVIDER]"), 48 * 5, 2 * COUNT),
            (format!("{days}, groupBy: [STATE], filter: {{ search: \"x\" }}"), 3, 4 * COUNT),
            // The request is refused.
            (format!("{year}, filter: {{ priority: 1 }}"), 20, 0),
        ] {
            let query = format!("{{ jobStatistics({arguments}) {{ finished failed }} }}");
            assert_eq!(cost(&query, json!({})), 10 + groups * 3 + scan, "{query}");
            let one = Scope::only([Uuid::nil()]);
            let within = cost_within(&one, LENGTH, &query, json!({})) - 10 - groups * 3;
            assert!(within >= scan, "{query}");
        }
        let query = "query($g: [StatisticsGroup!]) { jobStatistics(groupBy: $g) { finished } }";
        let of_state = cost(query, json!({ "g": ["STATE"] }));
        assert_eq!(of_state - cost(query, json!({})), 2 * 2);
    }

    #[test]
    fn executing_jobs_cost_as_many_as_execute() {
        for (query, expected) in [
            ("{ executingJobs { id } }", 10 + 3_000 * 2),
            ("{ executingJobs(configurationId: null) { id } }", 10 + 3_000 * 2),
            ("{ executingJobs(configurationId: \"x\") { id } }", 10 + 20 * 2),
            ("{ jobs { items { id } } }", 10 + 1 + 20 * 2),
        ] {
            assert_eq!(cost_while(3_000, query, json!({})), expected, "{query}");
        }
    }

    #[test]
    fn variables_cost_as_much_as_their_values() {
        let query = "query($n: Int = 30, $s: String) { jobs(take: $n, filter: { search: $s }) { items { id } } }";
        for (variables, expected) in [
            (json!({}), 10 + 1 + 30 * 2),
            (json!({ "n": 5 }), 10 + 1 + 5 * 2),
            (json!({ "n": null }), 10 + 1 + 20 * 2),
            (json!({ "n": "5" }), 10 + 1 + 20 * 2),
            (json!({ "n": 5, "s": "x" }), SCAN + 10 + 1 + 5 * 2),
        ] {
            assert_eq!(cost(query, variables.clone()), expected, "{variables}");
        }
    }

    /// The parts of a cost that are charged for finding rows.
    fn scans(scope: &Scope, query: &str, variables: Json) -> (u64, u64) {
        let charged = cost_within(scope, LENGTH, query, variables);
        (charged / SCAN, charged % SCAN / COUNT)
    }

    #[test]
    fn conditions_without_an_index_cost_the_rows_that_they_read() {
        let date = "\"2026-05-01T00:00:00Z\"";
        let id = "\"018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f\"";
        for (arguments, scanned, counted) in [
            ("", 0, 0),
            ("state: FAILED", 0, 0),
            ("filter: {}", 0, 0),
            ("filter: null", 0, 0),
            ("filter: { states: [FAILED, QUEUED] }", 0, 0),
            ("filter: { states: [] }", 0, 0),
            ("filter: { states: null, search: null }, orderBy: null", 0, 0),
            ("configurationId: ID, state: FAILED", 0, 0),
            ("configurationId: ID, filter: { states: FAILED }", 0, 0),
            ("filter: { createdAfter: MOMENT }", 0, 1),
            ("filter: { createdBefore: MOMENT }, configurationId: ID", 0, 1),
            ("orderBy: { field: CREATED_DATE, direction: ASC }, state: FAILED", 0, 0),
            ("orderBy: { field: NAME }", 0, 0),
            ("orderBy: { field: UPDATE_DATE, direction: ASC }", 0, 0),
            ("orderBy: { field: NAME }, state: FAILED", 0, 3),
            ("orderBy: { field: UPDATE_DATE }, configurationId: ID", 0, 3),
            ("orderBy: { field: UPDATE_DATE }, filter: { createdAfter: MOMENT }", 0, 3),
            ("state: UNKNOWN", 1, 0),
            ("filter: { states: [FAILED, UNKNOWN] }", 1, 0),
            ("filter: { agentIds: [ID] }", 0, 1),
            ("filter: { search: \"x\" }", 1, 0),
            ("filter: { scheduledAfter: MOMENT }", 0, 3),
            ("filter: { processingStates: [FAILED] }", 0, 3),
            ("filter: { processingStates: [], cluesMissing: null }", 0, 0),
            ("filter: { cluesMissing: true }", 0, 1),
            ("filter: { cluesMissing: false }", 1, 0),
            // The request is refused.
            ("filter: { configurationIds: [\"x\"] }", 0, 0),
        ] {
            let arguments = arguments.replace("MOMENT", date).replace("ID", id);
            for field in ["jobs", "jobsConnection"] {
                let arguments =
                    if arguments.is_empty() { String::new() } else { format!("({arguments})") };
                let query = format!("{{ {field}{arguments} {{ pageInfo {{ endCursor }} }} }}");
                let found = scans(&Scope::All, &query, json!({}));
                assert_eq!(found, (scanned, counted), "{query}");
                // Each alias is a statement of its own.
                let query = format!(
                    "{{ a: {field}{arguments} {{ page }} ... {{ b: {field}{arguments} {{ page }} }} }}"
                );
                let found = scans(&Scope::All, &query, json!({}));
                assert_eq!(found, (scanned * 2, counted * 2), "{query}");
            }
        }
    }

    #[test]
    fn filters_within_inputs_are_charged() {
        for (filter, scanned, counted) in [
            (json!({ "search": "x" }), 1, 0),
            (json!({ "scheduledAfter": "2026-05-01T00:00:00Z" }), 0, 3),
            (json!({ "updatedBefore": "2026-05-01T00:00:00Z" }), 0, 3),
            (json!({ "processingStates": ["FAILED"] }), 0, 3),
            (json!({ "processingStates": [], "cluesMissing": null }), 0, 1),
            (json!({ "cluesMissing": true }), 0, 1),
            (json!({ "states": ["UNKNOWN"] }), 1, 0),
            (json!({ "states": ["FAILED"], "search": null }), 0, 1),
            (json!({}), 0, 1),
            (json!(null), 0, 0),
        ] {
            for mutation in ["requestCancellation", "retryJobs"] {
                let query = format!(
                    "mutation($f: JobFilter) {{ {mutation}(input: {{ filter: $f, dryRun: true }}) {{ matchedCount }} }}"
                );
                let found = scans(&Scope::All, &query, json!({ "f": filter }));
                assert_eq!(found, (scanned, counted), "{query} {filter}");
                let query =
                    format!("mutation($i: Input) {{ {mutation}(input: $i) {{ matchedCount }} }}");
                let found = scans(&Scope::All, &query, json!({ "i": { "filter": filter } }));
                assert_eq!(found, (scanned, counted), "{query} {filter}");
            }
        }
        let literal =
            "mutation { retryJobs(input: { filter: { search: \"x\" } }) { matchedCount } }";
        assert_eq!(scans(&Scope::All, literal, json!({})), (1, 0));
        let ids = "mutation { retryJobs(input: { jobIds: [\"x\"] }) { matchedCount } }";
        assert_eq!(scans(&Scope::All, ids, json!({})), (0, 0));
    }

    #[test]
    fn a_scope_is_a_condition() {
        let scope = |configurations| Scope::only((0..configurations).map(Uuid::from_u128));
        let of_one = "{ jobs(configurationId: \"00000000-0000-0000-0000-000000000000\") { page } }";
        for (query, one, sixty, hundred) in [
            ("{ jobs { page } }", 0, 0, 1),
            (of_one, 0, 0, 0),
            ("{ jobs(filter: { states: [FAILED, QUEUED] }) { page } }", 0, 1, 1),
            ("{ jobs(orderBy: { field: NAME }) { page } }", 0, 0, 1),
            ("{ agent(id: 1) { runs { id } } }", 1, 1, 1),
        ] {
            for (configurations, expected) in [(1, one), (60, sixty), (100, hundred)] {
                let found = scans(&scope(configurations), query, json!({})).0;
                assert_eq!(found, expected, "{query} of {configurations}");
            }
        }
    }

    #[test]
    fn nested_lists_are_charged_once_for_each_field() {
        for (states, scanned) in [("[FAILED]", 0), ("[FAILED, QUEUED]", 1), ("[UNKNOWN]", 1)] {
            let query =
                format!("{{ configurations {{ items {{ jobs(states: {states}) {{ id }} }} }} }}");
            assert_eq!(scans(&Scope::All, &query, json!({})).0, scanned, "{query}");
        }
    }

    #[test]
    fn costs_saturate() {
        let deep = "items { configuration { jobs(take: 200) { configuration { jobs(take: 200) {";
        let query = format!("{{ jobs(take: 200) {{ {deep} id {}", "}".repeat(7));
        assert!(cost(&query, json!({})) > 8_000_000);
        let levels = "configuration { jobs(take: 200) {".repeat(12);
        let query = format!("{{ job(id: 1) {{ {levels} id {}", "}".repeat(26));
        assert_eq!(cost(&query, json!({})), u64::MAX);
    }

    #[test]
    fn all_composite_types_are_objects() {
        let sdl = crate::graphql::sdl();
        let is_abstract = |line: &str| line.starts_with("interface ") || line.starts_with("union ");
        assert!(!sdl.lines().any(is_abstract));
    }
}
