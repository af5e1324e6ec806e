//! A subscription's one root field.
//!
//! The library's execution passes over fragments at the root of a subscription, and executes several
//! root fields as if that were allowed. So the root is put into its plain form first.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition,
    OperationDefinition, OperationType, Selection, SelectionSet, TypeCondition,
};
use async_graphql::{Name, Positioned, ServerError, Value, Variables};

/// The type that fragments at the root are on.
const ROOT: &str = "Subscription";

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Puts the fields of fragments at the root of a subscription in their place, without those that
/// `@skip` and `@include` leave out, and makes one of those that are the same.
///
/// # Errors
/// If there is not exactly one root field then, as GraphQL demands (section 5.2.3.1), or it is
/// introspection; and for what is left out here, where validation will not see it any more.
pub fn flatten(
    document: &mut ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> Result<(), ServerError> {
    let used_before = used(document);
    let operation = match &mut document.operations {
        DocumentOperations::Single(operation) => Some(operation),
        DocumentOperations::Multiple(operations) => match name {
            Some(name) => operations.get_mut(name),
            None if operations.len() == 1 => operations.values_mut().next(),
            None => None,
        },
    };
    // Without one, execution says what is wrong.
    let Some(operation) = operation else { return Ok(()) };
    if operation.node.ty != OperationType::Subscription {
        return Ok(());
    }
    let root = std::mem::take(&mut operation.node.selection_set.node);
    let mut fields = Fields { fragments: &document.fragments, variables, found: Vec::new() };
    let one = fields.collect(root, &mut Vec::new()).and_then(|()| one_of(fields.found));
    let field = one.map_err(|message| {
        let mut error = ServerError::new(message, Some(operation.pos));
        error.extensions.get_or_insert_default().set("code", "GRAPHQL_VALIDATION_FAILED");
        error
    })?;
    let pos = field.pos;
    let field = Positioned::new(Selection::Field(field), pos);
    operation.node.selection_set.node = SelectionSet { items: vec![field] };

    // What only the former root used would be refused as unused; what nobody used is to be.
    let used_now = used(document);
    document.fragments.retain(|name, _| {
        used_now.fragments.contains(name) || !used_before.fragments.contains(name)
    });
    for operation in operations(&mut document.operations) {
        operation.variable_definitions.retain(|variable| {
            let name = &variable.node.name.node;
            used_now.variables.contains(name) || !used_before.variables.contains(name)
        });
    }
    Ok(())
}

/// Collects the fields of a selection and of its fragments.
struct Fields<'a> {
    fragments: &'a Fragments,
    variables: &'a Variables,
    found: Vec<Positioned<Field>>,
}

impl Fields<'_> {
    fn collect(&mut self, set: SelectionSet, met: &mut Vec<Name>) -> Result<(), String> {
        for item in set.items {
            if is_left_out(&item.node, self.variables) {
                continue;
            }
            match item.node {
                Selection::Field(field) => self.found.push(field),
                Selection::InlineFragment(fragment) => {
                    if let Some(on) = &fragment.node.type_condition {
                        check_type(on)?;
                    }
                    self.collect(fragment.node.selection_set.node, met)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node;
                    let Some(fragment) = self.fragments.get(&name) else {
                        return Err(format!("there is no fragment {name:?}"));
                    };
                    check_type(&fragment.node.type_condition)?;
                    if !met.contains(&name) {
                        met.push(name);
                        self.collect(fragment.node.selection_set.node.clone(), met)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn check_type(on: &Positioned<TypeCondition>) -> Result<(), String> {
    let on = &on.node.on.node;
    if on == ROOT {
        return Ok(());
    }
    Err(format!("a fragment on {on:?} does not fit the root of a subscription"))
}

/// The one field that these are, with all that they select.
fn one_of(fields: Vec<Positioned<Field>>) -> Result<Positioned<Field>, String> {
    let mut fields = fields.into_iter();
    let Some(mut first) = fields.next() else {
        return Err("a subscription has exactly one root field, and this one has none".to_owned());
    };
    for field in fields {
        let key = field.node.response_key();
        if key.node != first.node.response_key().node {
            return Err(
                "a subscription has exactly one root field, and this one has several".to_owned()
            );
        }
        if field.node.name.node != first.node.name.node || !have_same_arguments(&field, &first) {
            return Err(format!("{:?} is selected twice, and not as the same", key.node));
        }
        first.node.selection_set.node.items.extend(field.node.selection_set.node.items);
    }
    if first.node.name.node.starts_with("__") {
        return Err("a subscription's root field is no introspection".to_owned());
    }
    Ok(first)
}

fn have_same_arguments(one: &Positioned<Field>, other: &Positioned<Field>) -> bool {
    let (one, other) = (&one.node.arguments, &other.node.arguments);
    let is_in_other = |name: &Name, value: &_| {
        other.iter().any(|each| each.0.node == *name && each.1.node == *value)
    };
    one.len() == other.len() && one.iter().all(|each| is_in_other(&each.0.node, &each.1.node))
}

/// Whether `@skip` or `@include` leaves it out.
pub(super) fn is_left_out(selection: &Selection, variables: &Variables) -> bool {
    directives(selection).iter().any(|directive| {
        let left_out_if = match directive.node.name.node.as_str() {
            "skip" => true,
            "include" => false,
            _ => return false,
        };
        let condition = directive.node.get_argument("if").cloned();
        let value = condition.and_then(|condition| {
            condition.node.into_const_with(|name| variables.get(&name).cloned().ok_or(())).ok()
        });
        value == Some(Value::Boolean(left_out_if))
    })
}

fn directives(selection: &Selection) -> &[Positioned<Directive>] {
    match selection {
        Selection::Field(field) => &field.node.directives,
        Selection::FragmentSpread(spread) => &spread.node.directives,
        Selection::InlineFragment(fragment) => &fragment.node.directives,
    }
}

fn operations(operations: &mut DocumentOperations) -> Vec<&mut OperationDefinition> {
    match operations {
        DocumentOperations::Single(operation) => vec![&mut operation.node],
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().map(|operation| &mut operation.node).collect()
        }
    }
}

/// What operations use, directly or by fragments.
#[derive(Default)]
struct Used {
    fragments: HashSet<Name>,
    variables: HashSet<Name>,
}

fn used(document: &ExecutableDocument) -> Used {
    let mut used = Used::default();
    for (_, operation) in document.operations.iter() {
        used.by_directives(&operation.node.directives);
        used.by_selection(&operation.node.selection_set.node, &document.fragments);
    }
    used
}

impl Used {
    fn by_selection(&mut self, set: &SelectionSet, fragments: &Fragments) {
        for item in &set.items {
            self.by_directives(directives(&item.node));
            match &item.node {
                Selection::Field(field) => {
                    for (_, value) in &field.node.arguments {
                        _ = value.node.clone().into_const_with(self.note());
                    }
                    self.by_selection(&field.node.selection_set.node, fragments);
                }
                Selection::InlineFragment(fragment) => {
                    self.by_selection(&fragment.node.selection_set.node, fragments);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    // Each once, in spite of circles and of fragments that spread others twice.
                    if self.fragments.insert(name.clone())
                        && let Some(fragment) = fragments.get(name)
                    {
                        self.by_directives(&fragment.node.directives);
                        self.by_selection(&fragment.node.selection_set.node, fragments);
                    }
                }
            }
        }
    }

    fn by_directives(&mut self, directives: &[Positioned<Directive>]) {
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            _ = value.node.clone().into_const_with(self.note());
        }
    }

    /// Notes the variables of a value, in place of which it then has nothing.
    fn note(&mut self) -> impl FnMut(Name) -> Result<Value, Infallible> {
        |name| {
            self.variables.insert(name);
            Ok(Value::Null)
        }
    }
}
