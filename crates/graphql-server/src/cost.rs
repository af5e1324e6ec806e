//! The cost of an operation: an estimate of the number of values in its response.
//!
//! A field costs 1 plus its selection. A list costs that times its length: its `take`, `first` or
//! `last`, which may be a literal, a variable, or the schema's default. Where the page is an object
//! (`books { items }`), the length applies to the lists directly inside it. A root field has a charge
//! for its statement, and a numbered `page` one for the items before it. What finding the rows of a
//! field costs, however short the response is, the schema says by [`FieldCosts`].

use std::cell::Cell;
use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, FieldDefinition, InputValueDefinition,
    OperationDefinition, OperationType, Selection, SelectionSet, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned, Value as Constant, Variables};
use async_graphql_value::Value;

/// The arguments with the length of a list.
const SIZES: [&str; 3] = ["take", "first", "last"];

/// The assumed length of lists without a length argument.
pub const LENGTH: u64 = 20;

/// The charge of a root field for its statement.
const STATEMENT: u64 = 10;

/// Skipped items that cost as much as one value.
const SKIPPED: u64 = 20;

/// The most that skipped items cost, so that any page can be requested.
const SKIPPED_MAX: u64 = 5_000;

/// What a service knows of the costs of its fields. `()` knows nothing.
pub trait FieldCosts {
    /// The length of a list without a length argument.
    fn length(&self, field: &FieldUse<'_>) -> Option<u64> {
        _ = field;
        None
    }

    /// The present length of a list that a client cannot influence. Estimates use it; limits do not.
    fn present_length(&self, field: &FieldUse<'_>) -> Option<u64> {
        _ = field;
        None
    }

    /// The cost of finding the rows of a field; `None` if its input objects say it. It is charged once
    /// for each field of a document, as one statement finds the rows of all objects of a level.
    fn rows(&self, field: &FieldUse<'_>) -> Option<u64> {
        _ = field;
        None
    }

    /// The cost of finding the rows that an input object of this type selects; `None` to look at the
    /// objects in it.
    fn input(&self, type_name: &str, value: &Constant) -> Option<u64> {
        _ = (type_name, value);
        None
    }
}

impl FieldCosts for () {}

/// A use of a field in an operation.
#[derive(Debug)]
pub struct FieldUse<'a> {
    /// The type that has the field.
    pub parent: &'a str,
    pub name: &'a str,
    /// The type of its selection.
    pub of: &'a str,
    /// Whether it has a length argument.
    pub is_page: bool,
    /// The arguments that are given, with variables replaced.
    pub arguments: HashMap<&'a str, Constant>,
}

impl FieldUse<'_> {
    /// An argument that is given and not null.
    pub fn argument(&self, name: &str) -> Option<&Constant> {
        self.arguments.get(name).filter(|value| **value != Constant::Null)
    }
}

/// What the cost of a field depends on.
struct FieldShape {
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

impl FieldShape {
    fn new(field: &FieldDefinition, longest: u64) -> Self {
        let sizes = SIZES.iter().filter_map(|name| {
            let mut arguments = field.arguments.iter();
            let argument = arguments.find(|argument| argument.node.name.node == *name)?;
            let default = argument.node.default_value.as_ref();
            Some((*name, default.and_then(|value| number(&value.node, longest))))
        });
        let (of, is_list) = base_of(&field.ty.node.base);
        Self { of, is_list, sizes: sizes.collect(), arguments: types_of(&field.arguments) }
    }
}

/// The costs of a schema's operations.
pub struct Costs {
    /// By type and name.
    fields: HashMap<String, HashMap<String, FieldShape>>,
    /// The types of the fields of each input type.
    inputs: HashMap<String, HashMap<String, String>>,
    /// The longest page.
    longest: u64,
}

/// An operation of a request.
pub struct RequestedOperation<'a> {
    pub document: &'a ExecutableDocument,
    pub operation: &'a OperationDefinition,
    pub variables: &'a Variables,
}

impl RequestedOperation<'_> {
    /// A value with its variables replaced; null for variables without a value.
    pub(crate) fn constant(&self, value: &Value) -> Constant {
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

    /// The name of the type that its root fields belong to.
    pub(crate) fn root(&self) -> &'static str {
        match self.operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        }
    }
}

impl Costs {
    /// The costs for a schema in the schema definition language, whose resolvers reject pages of more
    /// than `longest` items.
    ///
    /// # Panics
    /// If the text is not a schema.
    pub fn of_schema(sdl: &str, longest: u64) -> Self {
        let document = parse_schema(sdl).expect("the schema's own text");
        let (mut types, mut inputs) = (HashMap::new(), HashMap::new());
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.iter().map(|field| {
                        (field.node.name.node.to_string(), FieldShape::new(&field.node, longest))
                    });
                    types.insert(name, fields.collect());
                }
                TypeKind::InputObject(input) => _ = inputs.insert(name, types_of(&input.fields)),
                _ => {}
            }
        }
        Self { fields: types, inputs, longest }
    }

    /// The cost of an operation, regardless of `@skip` and `@include` and of the present lengths of
    /// lists. Fragments must not form cycles, and the expanded fields must be within the limits.
    pub fn limited(&self, operation: &RequestedOperation<'_>, costs: &impl FieldCosts) -> u64 {
        self.cost(operation, costs, false)
    }

    /// The same with the present lengths of lists.
    pub fn present(&self, operation: &RequestedOperation<'_>, costs: &impl FieldCosts) -> u64 {
        self.cost(operation, costs, true)
    }

    fn cost(&self, of: &RequestedOperation<'_>, costs: &impl FieldCosts, is_present: bool) -> u64 {
        let visitor = Visitor { schema: self, of, costs, is_present, rows: Cell::new(0) };
        let values = visitor.set(&of.operation.selection_set, of.root(), None, STATEMENT);
        values.saturating_add(visitor.rows.get())
    }
}

struct Visitor<'a, C> {
    schema: &'a Costs,
    of: &'a RequestedOperation<'a>,
    costs: &'a C,
    /// Whether lists have their present lengths.
    is_present: bool,
    /// The cost of finding rows.
    rows: Cell<u64>,
}

impl<C: FieldCosts> Visitor<'_, C> {
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
                    let fragment = self.of.document.fragments.get(&spread.node.fragment_name.node);
                    // A fragment has the type of its parent, unless there are interfaces or unions, whose
                    // fields cost as unknown ones.
                    fragment.map_or(0, |fragment| {
                        self.set(&fragment.node.selection_set, of, page, charge)
                    })
                }
                Selection::Field(field) => self.field(&field.node, of, page, charge),
            };
            sum = sum.saturating_add(cost);
        }
        sum
    }

    fn field(&self, field: &Field, parent: &str, page: Option<u64>, charge: u64) -> u64 {
        let name = field.name.node.as_str();
        let Some(known) = self.schema.fields.get(parent).and_then(|fields| fields.get(name)) else {
            let times = introspected(name).map_or(1, |length| page.unwrap_or(length));
            let inner = self.set(&field.selection_set, "", None, 0);
            return times.saturating_mul(inner.saturating_add(1)).saturating_add(charge);
        };
        let used = FieldUse {
            parent,
            name,
            of: &known.of,
            is_page: !known.sizes.is_empty(),
            arguments: self.arguments(field),
        };
        let taken = self.size(known, &field.arguments);
        let present = || self.costs.present_length(&used).filter(|_| self.is_present);
        let length = || self.costs.length(&used).or_else(present);
        let times =
            if known.is_list { taken.or(page).or_else(length).unwrap_or(LENGTH) } else { 1 };
        let inner = self.set(&field.selection_set, &known.of, taken.filter(|_| !known.is_list), 0);
        self.rows.set(self.rows.get().saturating_add(self.rows_of(known, &used)));
        let charge = charge + self.skipped(field, taken.unwrap_or(LENGTH));
        times.saturating_mul(inner.saturating_add(1)).saturating_add(charge)
    }

    /// The arguments that are given.
    fn arguments<'f>(&self, field: &'f Field) -> HashMap<&'f str, Constant> {
        let arguments = field.arguments.iter();
        arguments.map(|(name, value)| (name.node.as_str(), self.of.constant(&value.node))).collect()
    }

    /// The length of a page, if the field is one.
    fn size(
        &self,
        field: &FieldShape,
        arguments: &[(Positioned<Name>, Positioned<Value>)],
    ) -> Option<u64> {
        let sizes = field.sizes.iter().map(|(name, default)| {
            let given = arguments.iter().find(|(each, _)| each.node == *name);
            given
                .and_then(|(_, value)| number(&self.value(&value.node)?, self.schema.longest))
                .or(*default)
        });
        // The largest if several are given. Invalid values are rejected later.
        let most = sizes.max().flatten();
        (!field.sizes.is_empty()).then(|| most.unwrap_or(LENGTH))
    }

    /// The cost of finding the rows of a field.
    fn rows_of(&self, known: &FieldShape, used: &FieldUse<'_>) -> u64 {
        if let Some(rows) = self.costs.rows(used) {
            return rows;
        }
        let arguments = used.arguments.iter();
        arguments
            .filter_map(|(name, value)| Some((known.arguments.get(*name)?, value)))
            .map(|(of, value)| self.rows_of_input(of, value))
            .fold(0, u64::saturating_add)
    }

    /// The cost of finding the rows that an input of this type selects.
    fn rows_of_input(&self, of: &str, value: &Constant) -> u64 {
        let Some(types) = self.schema.inputs.get(of) else { return 0 };
        match value {
            Constant::Object(fields) => self.costs.input(of, value).unwrap_or_else(|| {
                let fields = fields.iter().filter_map(|(name, value)| {
                    Some(self.rows_of_input(types.get(name.as_str())?, value))
                });
                fields.fold(0, u64::saturating_add)
            }),
            Constant::List(items) => {
                items.iter().map(|item| self.rows_of_input(of, item)).fold(0, u64::saturating_add)
            }
            _ => 0,
        }
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
            Value::Variable(name) => self.of.variable(name),
            _ => None,
        };
        match constant? {
            Constant::List(_) | Constant::Object(_) => None,
            other => Some(other.clone()),
        }
    }
}

/// The cost of skipping this many items before a page.
pub fn skipping(items: u64) -> u64 {
    (items / SKIPPED).min(SKIPPED_MAX)
}

/// A number of items, clamped to the longest page. Larger ones are rejected when the argument is read.
fn number(value: &Constant, longest: u64) -> Option<u64> {
    let Constant::Number(number) = value else { return None };
    Some(number.as_u64().map_or(0, |number| number.min(longest)))
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

    use super::*;

    const SCHEMA: &str = "
        type Query {
            book: Book
            books(take: Int = 10, page: Int): [Book!]!
            shelves(first: Int): Shelves!
            readers: [Reader!]!
            lent(input: Lent!): Int!
        }
        type Book { title: String!, readers: [Reader!]! }
        type Shelves { nodes: [Book!]!, total: Int! }
        type Reader { name: String! }
        input Lent { by: [Search!]!, note: String }
        input Search { text: String! }
    ";

    /// Lists of readers have 7, at present 70; books are found by reading 1,000 rows.
    struct Library;

    impl FieldCosts for Library {
        fn length(&self, field: &FieldUse<'_>) -> Option<u64> {
            (field.parent == "Book").then_some(7)
        }

        fn present_length(&self, field: &FieldUse<'_>) -> Option<u64> {
            (field.name == "readers").then_some(70)
        }

        fn rows(&self, field: &FieldUse<'_>) -> Option<u64> {
            (field.is_page && field.of == "Book").then_some(1_000)
        }

        fn input(&self, type_name: &str, value: &Constant) -> Option<u64> {
            let Constant::Object(fields) = value else { return None };
            (type_name == "Search" && fields.contains_key("text")).then_some(300)
        }
    }

    fn costs(query: &str, costs: &impl FieldCosts) -> (u64, u64) {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let variables = Variables::default();
        let operation = RequestedOperation {
            document: &document,
            operation: &operation.node,
            variables: &variables,
        };
        let schema = Costs::of_schema(SCHEMA, 100);
        (schema.limited(&operation, costs), schema.present(&operation, costs))
    }

    #[test]
    fn values_multiply_by_the_lengths_of_lists() {
        for (query, expected) in [
            ("{ book { title } }", 10 + 2),
            ("{ books { title } }", 10 + 10 * 2),
            ("{ books(take: 5) { ...B } } fragment B on Book { title }", 10 + 5 * 2),
            ("query($n: Int = 500) { books(take: $n) { title } }", 10 + 100 * 2),
            ("{ books(page: 40) { title } }", 10 + 40 * 10 / 20 + 10 * 2),
            ("{ shelves(first: 3) { nodes { title } total } }", 10 + 1 + 3 * 2 + 1),
            ("{ readers { name } }", 10 + 20 * 2),
            ("{ __schema { types { name } } }", 10 + 1 + 80 * 2),
        ] {
            assert_eq!(costs(query, &()), (expected, expected), "{query}");
        }
    }

    #[test]
    fn the_service_tells_lengths_and_the_cost_of_rows() {
        for (query, limited, present) in [
            ("{ readers { name } }", 10 + 20 * 2, 10 + 70 * 2),
            ("{ book { readers { name } } }", 10 + 1 + 7 * 2, 10 + 1 + 7 * 2),
            ("{ books(take: 1) { title } }", 1_000 + 10 + 2, 1_000 + 10 + 2),
            (
                "{ lent(input: { by: [{ text: \"a\" }, { text: \"b\" }], note: \"c\" }) }",
                600 + 10 + 1,
                600 + 10 + 1,
            ),
        ] {
            assert_eq!(costs(query, &Library), (limited, present), "{query}");
        }
    }
}
