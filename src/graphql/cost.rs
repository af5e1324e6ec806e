//! What an operation costs: about how many values its answer may have.
//!
//! A field costs 1, and what it holds. A list costs that as many times as it may be long: what its
//! `take`, `first` or `last` says, be it literal, a variable, or the schema's default. Where the page
//! is an object (`jobs { items }`), the number holds for the lists right inside of it. A field that
//! needs statements of its own has a charge for them, and a page for what comes before it.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, FieldDefinition, OperationDefinition, OperationType,
    Selection, SelectionSet, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned, Value as Constant, Variables};
use async_graphql_value::Value;

use super::arguments::TAKE_MAX;

/// What says how long a list may be.
const SIZES: [&str; 3] = ["take", "first", "last"];

/// How long lists are that nothing is said of.
pub const LENGTH: u64 = 20;

/// The list of all jobs that execute.
const EXECUTING: &str = "executingJobs";

/// What a root field is charged for its statement.
const STATEMENT: u64 = 10;

/// So many items before a page cost as much as one value.
const SKIPPED: u64 = 50;

/// What all items before a page cost at most: any page can be asked for.
const SKIPPED_MAX: u64 = 5_000;

/// What looking for a text in names is charged: no index finds it.
pub const SEARCH: u64 = 1_000;

/// What is known of a field.
struct FieldCost {
    /// The type that its selection is of.
    of: String,
    is_list: bool,
    /// Its size arguments with their defaults; without any it is no page.
    sizes: Vec<(&'static str, Option<u64>)>,
}

impl FieldCost {
    fn new(field: &FieldDefinition) -> Self {
        let sizes = SIZES.iter().filter_map(|name| {
            let mut arguments = field.arguments.iter();
            let argument = arguments.find(|argument| argument.node.name.node == *name)?;
            let default = argument.node.default_value.as_ref();
            Some((*name, default.and_then(|value| number(&value.node))))
        });
        let (mut base, mut is_list) = (&field.ty.node.base, false);
        let of = loop {
            match base {
                BaseType::Named(name) => break name.to_string(),
                BaseType::List(inner) => {
                    is_list = true;
                    base = &inner.base;
                }
            }
        };
        Self { of, is_list, sizes: sizes.collect() }
    }
}

/// The costs of a schema's fields.
pub struct Costs(HashMap<String, HashMap<String, FieldCost>>);

impl Costs {
    /// The costs of the fields of a schema in the schema definition language.
    pub fn of_schema(sdl: &str) -> Self {
        let document = parse_schema(sdl).expect("the schema's own text");
        let mut types = HashMap::new();
        for definition in document.definitions {
            if let TypeSystemDefinition::Type(definition) = definition
                && let TypeKind::Object(object) = definition.node.kind
            {
                let fields = object
                    .fields
                    .iter()
                    .map(|field| (field.node.name.node.to_string(), FieldCost::new(&field.node)));
                types.insert(definition.node.name.node.to_string(), fields.collect());
            }
        }
        Self(types)
    }

    /// What an operation costs if so many jobs execute, whatever `@skip` and `@include` say. Fragments
    /// must not spread each other in circles, and the fields written out must not be too many to visit.
    pub fn of_operation(
        &self,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
        executing: u64,
    ) -> u64 {
        let (root, charge) = match operation.ty {
            OperationType::Query => ("Query", STATEMENT),
            OperationType::Mutation => ("Mutation", STATEMENT),
            OperationType::Subscription => ("Subscription", STATEMENT),
        };
        let walk = Walk { costs: self, document, operation, variables, executing };
        walk.set(&operation.selection_set, root, None, charge)
    }
}

struct Walk<'a> {
    costs: &'a Costs,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    executing: u64,
}

impl Walk<'_> {
    /// What a selection of this type costs. `page` is how long the lists in it may be, if that was
    /// said; each field has a `charge`.
    fn set(&self, set: &Positioned<SelectionSet>, of: &str, page: Option<u64>, charge: u64) -> u64 {
        let mut sum = 0_u64;
        for item in &set.node.items {
            let cost = match &item.node {
                Selection::InlineFragment(fragment) => {
                    self.set(&fragment.node.selection_set, of, page, charge)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                    // A fragment's own type is the only one that its place can have: there are
                    // neither interfaces nor unions.
                    fragment.map_or(0, |fragment| {
                        self.set(&fragment.node.selection_set, of, page, charge)
                    })
                }
                Selection::Field(field) => {
                    let field = &field.node;
                    let name = field.name.node.as_str();
                    let known = self.costs.0.get(of).and_then(|fields| fields.get(name));
                    let taken = known.and_then(|known| self.size(known, &field.arguments));
                    let is_list = known.map_or_else(|| introspected(name).is_some(), |k| k.is_list);
                    let times = if is_list {
                        let length = match known {
                            None => introspected(name),
                            // Of how many those are that are of one configuration nothing is known.
                            Some(_) if name == EXECUTING && !self.has(field, "configurationId") => {
                                Some(self.executing)
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
                    let has_search = self.has(field, "search");
                    let charge = if has_search { charge.max(SEARCH) } else { charge };
                    let charge = charge + self.skipped(field, taken.unwrap_or(LENGTH));
                    times.saturating_mul(inner.saturating_add(1)).saturating_add(charge)
                }
            };
            sum = sum.saturating_add(cost);
        }
        sum
    }

    /// How long a page may be, if the field is one.
    fn size(
        &self,
        field: &FieldCost,
        arguments: &[(Positioned<Name>, Positioned<Value>)],
    ) -> Option<u64> {
        let sizes = field.sizes.iter().map(|(name, default)| {
            let given = arguments.iter().find(|(each, _)| each.node == *name);
            given.and_then(|(_, value)| number(&self.value(&value.node)?)).or(*default)
        });
        // Of several that are given the largest; those that are given wrong are refused later.
        let most = sizes.max().flatten();
        (!field.sizes.is_empty()).then(|| most.unwrap_or(LENGTH))
    }

    /// Whether a field has an argument that is not null.
    fn has(&self, field: &Field, argument: &str) -> bool {
        let given = field.get_argument(argument).map(|value| self.value(&value.node));
        given.is_some_and(|value| value != Some(Constant::Null))
    }

    /// What it costs to leave out the pages before the one that is asked for.
    fn skipped(&self, field: &Field, taken: u64) -> u64 {
        let page = field.get_argument("page").and_then(|value| self.value(&value.node));
        let Some(Constant::Number(page)) = page else { return 0 };
        skipping(page.as_u64().unwrap_or_default().saturating_mul(taken))
    }

    /// A value, with a variable's in place of the variable; `None` for one that is a list or an
    /// object, or is not known.
    fn value(&self, value: &Value) -> Option<Constant> {
        let constant = match value {
            Value::Null => return Some(Constant::Null),
            Value::Number(number) => return Some(Constant::Number(number.clone())),
            Value::Variable(name) => self.variables.get(name).or_else(|| {
                let mut definitions = self.operation.variable_definitions.iter();
                let definition = definitions.find(|definition| definition.node.name.node == *name);
                definition.and_then(|definition| definition.node.default_value())
            }),
            _ => None,
        };
        match constant? {
            Constant::List(_) | Constant::Object(_) => None,
            other => Some(other.clone()),
        }
    }
}

/// What it costs to leave out so many jobs before a page.
pub fn skipping(jobs: u64) -> u64 {
    (jobs / SKIPPED).min(SKIPPED_MAX)
}

/// A number of items, clamped to what lists take. Others are refused when the argument is read.
fn number(value: &Constant) -> Option<u64> {
    let Constant::Number(number) = value else { return None };
    let most = u64::from(TAKE_MAX.unsigned_abs());
    Some(number.as_u64().map_or(0, |number| number.min(most)))
}

/// How long introspection's lists are, about.
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

    fn cost_while(executing: u64, query: &str, variables: Json) -> u64 {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let variables = Variables::from_json(variables);
        Costs::of_schema(&crate::graphql::sdl()).of_operation(
            &document,
            &operation.node,
            &variables,
            executing,
        )
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
            ("{ jobs(search: \"x\") { page } }", 1_000 + 2),
            ("{ jobs(search: null) { page } }", 10 + 2),
            ("{ jobs(page: 30) { page } }", 10 + 30 * 20 / 50 + 2),
            ("{ jobs(page: 999999, take: 200) { page } }", 10 + 5_000 + 2),
            ("{ jobs(page: -1) { page } }", 10 + 2),
            // Beyond what is taken, it is refused later.
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
    fn all_that_execute_are_as_many_as_execute() {
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
    fn variables_count_as_what_they_are() {
        let query =
            "query($n: Int = 30, $s: String) { jobs(take: $n, search: $s) { items { id } } }";
        for (variables, expected) in [
            (json!({}), 10 + 1 + 30 * 2),
            (json!({ "n": 5 }), 10 + 1 + 5 * 2),
            (json!({ "n": null }), 10 + 1 + 20 * 2),
            (json!({ "n": "5" }), 10 + 1 + 20 * 2),
            (json!({ "n": 5, "s": "x" }), 1_000 + 1 + 5 * 2),
        ] {
            assert_eq!(cost(query, variables.clone()), expected, "{variables}");
        }
    }

    #[test]
    fn nothing_wraps_around() {
        let deep = "items { configuration { jobs(take: 200) { configuration { jobs(take: 200) {";
        let query = format!("{{ jobs(take: 200) {{ {deep} id {}", "}".repeat(7));
        assert!(cost(&query, json!({})) > 8_000_000);
        let levels = "configuration { jobs(take: 200) {".repeat(12);
        let query = format!("{{ job(id: 1) {{ {levels} id {}", "}".repeat(26));
        assert_eq!(cost(&query, json!({})), u64::MAX);
    }
}
