//! The cost of an operation: an estimate of the number of values in its response.
//!
//! A field costs 1 plus its selection. A list costs that times its length: its `take`, `first` or
//! `last`, which may be a literal, a variable, or the schema's default. Where the page is an object
//! (`jobs { items }`), the length applies to the lists directly inside it. A field with statements of its
//! own has a charge for them, and a page for the rows before it. A statement without an index costs the
//! rows that it reads ([`Conditions::cost`]), however short the response is.
//!
//! A filter, wherever an argument or an input has one, is read as execution reads it, and says itself
//! what it costs.

use std::cell::Cell;
use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, FieldDefinition, InputValueDefinition,
    OperationDefinition, OperationType, Selection, SelectionSet, TypeKind, TypeSystemDefinition,
};
use async_graphql::{InputType as _, Name, Positioned, Value as Constant, Variables};
use async_graphql_value::Value;
use entity::{JobState, Timestamp};
use uuid::Uuid;

use crate::clock;
use crate::jobs::argument::TAKE_MAX;
use crate::jobs::conditions::{COUNT, Conditions, SCAN};
use crate::jobs::filter::JobFilter;
use crate::jobs::order::Order;
use crate::jobs::scope::Scope;
use crate::jobs::statistics::query::{Bucket, GroupBy, Query};

/// The arguments with the length of a list.
const SIZES: [&str; 3] = ["take", "first", "last"];

/// The assumed length of lists without a length argument.
pub const LENGTH: u64 = 20;

/// The list of all executing jobs.
const EXECUTING: &str = "executingJobs";

/// The list of statistics.
const STATISTICS: &str = "jobStatistics";

/// The charge of a root field for its statement.
const STATEMENT: u64 = 10;

/// Skipped items that cost as much as one value.
const SKIPPED: u64 = 20;

/// The most that skipped items cost, so that any page can be requested.
const SKIPPED_MAX: u64 = 5_000;

/// What the cost of a field depends on.
struct FieldCost {
    /// The type of its selection.
    of: String,
    is_list: bool,
    /// Its length arguments with their defaults. A field without any is not a page.
    sizes: Vec<(&'static str, Option<u64>)>,
    /// The types of its arguments by name.
    arguments: HashMap<String, String>,
}

/// The named type, and whether it is in a list.
fn base_of(mut base: &BaseType) -> (String, bool) {
    let mut is_list = false;
    loop {
        match base {
            BaseType::Named(name) => return (name.to_string(), is_list),
            BaseType::List(inner) => {
                is_list = true;
                base = &inner.base;
            }
        }
    }
}

/// The types of arguments or input fields by name.
fn types_of(values: &[Positioned<InputValueDefinition>]) -> HashMap<String, String> {
    let values = values.iter().map(|value| &value.node);
    values.map(|value| (value.name.node.to_string(), base_of(&value.ty.node.base).0)).collect()
}

impl FieldCost {
    fn new(field: &FieldDefinition) -> Self {
        let sizes = SIZES.iter().filter_map(|name| {
            let mut arguments = field.arguments.iter();
            let argument = arguments.find(|argument| argument.node.name.node == *name)?;
            let default = argument.node.default_value.as_ref();
            Some((*name, default.and_then(|value| number(&value.node))))
        });
        let (of, is_list) = base_of(&field.ty.node.base);
        Self { of, is_list, sizes: sizes.collect(), arguments: types_of(&field.arguments) }
    }
}

/// The costs of a schema's fields.
pub struct Costs {
    /// By type and name.
    fields: HashMap<String, HashMap<String, FieldCost>>,
    /// The types of the fields of each input type.
    inputs: HashMap<String, HashMap<String, String>>,
}

impl Costs {
    /// The costs of the fields of a schema in the schema definition language.
    pub fn of_schema(sdl: &str) -> Self {
        let document = parse_schema(sdl).expect("the schema's own text");
        let (mut types, mut inputs) = (HashMap::new(), HashMap::new());
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.iter().map(|field| {
                        (field.node.name.node.to_string(), FieldCost::new(&field.node))
                    });
                    types.insert(name, fields.collect());
                }
                TypeKind::InputObject(input) => _ = inputs.insert(name, types_of(&input.fields)),
                _ => {}
            }
        }
        Self { fields: types, inputs }
    }

    /// The cost of an operation within a scope while this many jobs execute, regardless of `@skip` and
    /// `@include`. Fragments must not form cycles, and the expanded fields must be within the limits.
    pub fn of_operation(
        &self,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
        scope: &Scope,
        executing: u64,
    ) -> u64 {
        let (root, charge) = match operation.ty {
            OperationType::Query => ("Query", STATEMENT),
            OperationType::Mutation => ("Mutation", STATEMENT),
            OperationType::Subscription => ("Subscription", STATEMENT),
        };
        let scans = Cell::new(0);
        let visitor =
            Visitor { costs: self, document, operation, variables, scope, executing, scans };
        let values = visitor.set(&operation.selection_set, root, None, charge);
        values.saturating_add(visitor.scans.get())
    }
}

struct Visitor<'a> {
    costs: &'a Costs,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    scope: &'a Scope,
    executing: u64,
    /// The cost of finding rows, once for each field of the document: one statement finds those of all
    /// objects of a level.
    scans: Cell<u64>,
}

impl Visitor<'_> {
    /// The cost of a selection of this type. `page` is the length of the lists in it, if given. Each field
    /// has a `charge`.
    fn set(&self, set: &Positioned<SelectionSet>, of: &str, page: Option<u64>, charge: u64) -> u64 {
        let mut sum = 0_u64;
        for item in &set.node.items {
            let cost = match &item.node {
                Selection::InlineFragment(fragment) => {
                    self.set(&fragment.node.selection_set, of, page, charge)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                    // A fragment has the type of its parent, since there are no interfaces or unions.
                    fragment.map_or(0, |fragment| {
                        self.set(&fragment.node.selection_set, of, page, charge)
                    })
                }
                Selection::Field(field) => {
                    let field = &field.node;
                    let name = field.name.node.as_str();
                    let known = self.costs.fields.get(of).and_then(|fields| fields.get(name));
                    let taken = known.and_then(|known| self.size(known, &field.arguments));
                    let is_list = known.map_or_else(|| introspected(name).is_some(), |k| k.is_list);
                    let times = if is_list {
                        let length = match known {
                            None => introspected(name),
                            // The number of executing jobs of one configuration is unknown.
                            Some(_) if name == EXECUTING && !self.has(field, "configurationId") => {
                                Some(self.executing)
                            }
                            Some(_) if name == STATISTICS => {
                                statistics_of(field, |value| self.constant(value))
                                    .map(|query| query.groups())
                            }
                            Some(_) => None,
                        };
                        taken.or(page).or(length).unwrap_or(LENGTH)
                    } else {
                        1
                    };
                    let inner_of = known.map_or("", |known| known.of.as_str());
                    let inner =
                        self.set(&field.selection_set, inner_of, taken.filter(|_| !is_list), 0);
                    if let Some(known) = known {
                        let scan = self.scan(of, known, field);
                        self.scans.set(self.scans.get().saturating_add(scan));
                    }
                    let charge = charge + self.skipped(field, taken.unwrap_or(LENGTH));
                    times.saturating_mul(inner.saturating_add(1)).saturating_add(charge)
                }
            };
            sum = sum.saturating_add(cost);
        }
        sum
    }

    /// The length of a page, if the field is one.
    fn size(
        &self,
        field: &FieldCost,
        arguments: &[(Positioned<Name>, Positioned<Value>)],
    ) -> Option<u64> {
        let sizes = field.sizes.iter().map(|(name, default)| {
            let given = arguments.iter().find(|(each, _)| each.node == *name);
            given.and_then(|(_, value)| number(&self.value(&value.node)?)).or(*default)
        });
        // The largest if several are given. Invalid values are rejected later.
        let most = sizes.max().flatten();
        (!field.sizes.is_empty()).then(|| most.unwrap_or(LENGTH))
    }

    /// Whether a field has an argument that is not null.
    fn has(&self, field: &Field, argument: &str) -> bool {
        let given = field.get_argument(argument);
        given.is_some_and(|value| self.constant(&value.node) != Constant::Null)
    }

    /// The cost of finding the rows of a field of this type.
    fn scan(&self, of: &str, known: &FieldCost, field: &Field) -> u64 {
        let arguments = field.arguments.iter();
        let arguments =
            arguments.map(|(name, value)| (name.node.as_str(), self.constant(&value.node)));
        if field.name.node == STATISTICS {
            let query = statistics_of(field, |value| self.constant(value));
            return query.map_or(0, |query| query.cost(self.scope));
        }
        if known.sizes.is_empty() {
            return arguments
                .filter_map(|(name, value)| Some((known.arguments.get(name)?, value)))
                .map(|(ty, value)| self.scan_of_input(ty, &value))
                .fold(0, u64::saturating_add);
        }
        let given: HashMap<_, _> = arguments.collect();
        let (conditions, order) = (conditions_of(&given), order_of(&given));
        // Where the arguments cannot be used, the request is refused.
        let (Some(conditions), Some(order)) = (conditions, order) else { return 0 };
        if of == "Query" {
            let configuration = given.get("configurationId").and_then(id_of);
            return conditions.cost(order, &self.scope.narrowed(configuration));
        }
        // Of an agent's runs, those of other configurations are passed over one by one.
        let passes_over = of == "Agent" && *self.scope != Scope::All;
        conditions.cost_of_each().max(if passes_over { SCAN } else { 0 })
    }

    /// The cost of finding the jobs that match the filters within an input of this type.
    fn scan_of_input(&self, ty: &str, value: &Constant) -> u64 {
        let Some(types) = self.costs.inputs.get(ty) else { return 0 };
        match value {
            Constant::Object(_) if ty == JobFilter::type_name() => {
                let conditions = filter_of(value).unwrap_or_default();
                // They are counted in any case.
                conditions.cost(Order::default(), self.scope).max(COUNT)
            }
            Constant::Object(fields) => fields
                .iter()
                .filter_map(|(name, value)| {
                    Some(self.scan_of_input(types.get(name.as_str())?, value))
                })
                .fold(0, u64::saturating_add),
            Constant::List(items) => {
                items.iter().map(|item| self.scan_of_input(ty, item)).fold(0, u64::saturating_add)
            }
            _ => 0,
        }
    }

    /// A value with its variables replaced; null for variables without a value.
    fn constant(&self, value: &Value) -> Constant {
        let variable =
            |name: Name| Ok::<_, Infallible>(self.variable(&name).cloned().unwrap_or_default());
        let Ok(constant) = value.clone().into_const_with(variable);
        constant
    }

    fn variable(&self, name: &Name) -> Option<&Constant> {
        self.variables.get(name).or_else(|| {
            let mut definitions = self.operation.variable_definitions.iter();
            let definition = definitions.find(|definition| definition.node.name.node == *name);
            definition.and_then(|definition| definition.node.default_value())
        })
    }

    /// The cost of skipping the pages before the requested one.
    fn skipped(&self, field: &Field, taken: u64) -> u64 {
        let page = field.get_argument("page").and_then(|value| self.value(&value.node));
        let Some(Constant::Number(page)) = page else { return 0 };
        skipping(page.as_u64().unwrap_or_default().saturating_mul(taken))
    }

    /// A scalar value, with a variable replaced; `None` for lists, objects and variables without a value.
    fn value(&self, value: &Value) -> Option<Constant> {
        let constant = match value {
            Value::Null => return Some(Constant::Null),
            Value::Number(number) => return Some(Constant::Number(number.clone())),
            Value::Variable(name) => self.variable(name),
            _ => None,
        };
        match constant? {
            Constant::List(_) | Constant::Object(_) => None,
            other => Some(other.clone()),
        }
    }
}

/// The query of statistics; `None` if its arguments cannot be used.
fn statistics_of(field: &Field, constant: impl Fn(&Value) -> Constant) -> Option<Query> {
    let given = |name: &str| field.get_argument(name).map(|value| constant(&value.node));
    let conditions = match given("filter") {
        None | Some(Constant::Null) => Conditions::default(),
        Some(filter) => filter_of(&filter)?,
    };
    let moment = |name| Option::<Timestamp>::parse(given(name)).ok();
    let bucket = Option::<Bucket>::parse(given("bucket")).ok()?;
    let group_by = Option::<Vec<GroupBy>>::parse(given("groupBy")).ok()?.unwrap_or_default();
    let (from, to) = (moment("from")?, moment("to")?);
    Query::new(conditions.into_statistics().ok()?, from, to, bucket, group_by, clock::now()).ok()
}

/// The conditions of a list with these arguments; `None` if they cannot be used.
fn conditions_of(given: &HashMap<&str, Constant>) -> Option<Conditions> {
    let mut conditions = match given.get("filter") {
        None | Some(Constant::Null) => Conditions::default(),
        Some(filter) => filter_of(filter)?,
    };
    for states in ["state", "states"].iter().filter_map(|name| given.get(name)) {
        let states = Option::<Vec<JobState>>::parse(Some(states.clone())).ok()?;
        let states = JobFilter { states, ..JobFilter::default() };
        let states = Conditions::new(states).ok()?;
        let states = states.states();
        conditions.retain_states(|state| states.is_none_or(|states| states.contains(&state)));
    }
    Some(conditions)
}

fn filter_of(value: &Constant) -> Option<Conditions> {
    Conditions::new(JobFilter::parse(Some(value.clone())).ok()?).ok()
}

fn order_of(given: &HashMap<&str, Constant>) -> Option<Order> {
    let order = Option::<Order>::parse(given.get("orderBy").cloned()).ok()?;
    Some(order.unwrap_or_default())
}

fn id_of(value: &Constant) -> Option<Uuid> {
    Option::<Uuid>::parse(Some(value.clone())).ok().flatten()
}

/// The cost of skipping this many jobs before a page.
pub fn skipping(jobs: u64) -> u64 {
    (jobs / SKIPPED).min(SKIPPED_MAX)
}

/// A number of items, clamped to the longest page. Larger ones are rejected when the argument is read.
fn number(value: &Constant) -> Option<u64> {
    let Constant::Number(number) = value else { return None };
    let most = u64::from(TAKE_MAX.unsigned_abs());
    Some(number.as_u64().map_or(0, |number| number.min(most)))
}

/// The approximate length of lists in introspection.
fn introspected(name: &str) -> Option<u64> {
    Some(match name {
        "types" => 80,
        "fields" => 8,
        "args" | "interfaces" | "possibleTypes" => 2,
        "inputFields" | "directives" | "locations" => 4,
        "enumValues" => 3,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    use super::*;

    fn cost_within(scope: &Scope, executing: u64, query: &str, variables: Json) -> u64 {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let variables = Variables::from_json(variables);
        Costs::of_schema(&crate::graphql::sdl()).of_operation(
            &document,
            &operation.node,
            &variables,
            scope,
            executing,
        )
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
            ("orderBy: { field: NAME }, state: FAILED", 1, 0),
            ("orderBy: { field: UPDATE_DATE }, configurationId: ID", 1, 0),
            ("orderBy: { field: UPDATE_DATE }, filter: { createdAfter: MOMENT }", 1, 0),
            ("state: UNKNOWN", 1, 0),
            ("filter: { states: [FAILED, UNKNOWN] }", 1, 0),
            ("filter: { agentIds: [ID] }", 1, 0),
            ("filter: { search: \"x\" }", 1, 0),
            ("filter: { scheduledAfter: MOMENT }", 1, 0),
            ("filter: { processingStates: [FAILED] }", 1, 0),
            ("filter: { processingStates: [], cluesMissing: null }", 0, 0),
            ("filter: { cluesMissing: true }", 1, 0),
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
            (json!({ "scheduledAfter": "2026-05-01T00:00:00Z" }), 1, 0),
            (json!({ "updatedBefore": "2026-05-01T00:00:00Z" }), 1, 0),
            (json!({ "processingStates": ["FAILED"] }), 1, 0),
            (json!({ "processingStates": [], "cluesMissing": null }), 0, 1),
            (json!({ "cluesMissing": true }), 1, 0),
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
            ("{ jobs(orderBy: { field: NAME }) { page } }", 1, 1, 1),
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
