//! The root field of a subscription.
//!
//! async-graphql ignores fragments at the root of a subscription, and executes several root fields. So
//! the root selection is flattened to a single field before execution.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition,
    OperationDefinition, OperationType, Selection, SelectionSet, TypeCondition,
};
use async_graphql::{Name, Positioned, ServerError, Value, Variables};

use crate::error::ErrorCode;

/// The type that fragments at the root are on.
const ROOT: &str = "Subscription";

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Replaces fragments at the root of a subscription by their fields, drops fields that `@skip` and
/// `@include` exclude, and merges equal fields.
///
/// # Errors
/// If the result is not exactly one root field, as GraphQL requires (section 5.2.3.1), or it is
/// introspection; and for errors in dropped parts, which validation does not see.
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
    // Without an operation, execution reports the error.
    let Some(operation) = operation else { return Ok(()) };
    if operation.node.ty != OperationType::Subscription {
        return Ok(());
    }
    let root = std::mem::take(&mut operation.node.selection_set.node);
    let mut fields = Fields { fragments: &document.fragments, variables, found: Vec::new() };
    let one = fields.collect(root, &mut Vec::new()).and_then(|()| merge(fields.found));
    let field = one.map_err(|message| {
        let mut error = ServerError::new(message, Some(operation.pos));
        error
            .extensions
            .get_or_insert_default()
            .set("code", ErrorCode::GraphqlValidationFailed.name());
        error
    })?;
    let pos = field.pos;
    let field = Positioned::new(Selection::Field(field), pos);
    operation.node.selection_set.node = SelectionSet { items: vec![field] };

    // Validation would reject what only dropped parts used. What was unused before stays, to be rejected.
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
    fn collect(&mut self, set: SelectionSet, visited: &mut Vec<Name>) -> Result<(), String> {
        for item in set.items {
            if is_excluded(&item.node, self.variables) {
                continue;
            }
            match item.node {
                Selection::Field(field) => self.found.push(field),
                Selection::InlineFragment(fragment) => {
                    if let Some(on) = &fragment.node.type_condition {
                        check_type(on)?;
                    }
                    self.collect(fragment.node.selection_set.node, visited)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node;
                    let Some(fragment) = self.fragments.get(&name) else {
                        return Err(format!("there is no fragment {name:?}"));
                    };
                    check_type(&fragment.node.type_condition)?;
                    if !visited.contains(&name) {
                        visited.push(name);
                        self.collect(fragment.node.selection_set.node.clone(), visited)?;
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

/// Merges fields with the same response key.
fn merge(fields: Vec<Positioned<Field>>) -> Result<Positioned<Field>, String> {
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

/// Whether `@skip` or `@include` excludes it.
fn is_excluded(selection: &Selection, variables: &Variables) -> bool {
    directives(selection).iter().any(|directive| {
        let excluded_if = match directive.node.name.node.as_str() {
            "skip" => true,
            "include" => false,
            _ => return false,
        };
        let condition = directive.node.get_argument("if").cloned();
        let value = condition.and_then(|condition| {
            condition.node.into_const_with(|name| variables.get(&name).cloned().ok_or(())).ok()
        });
        value == Some(Value::Boolean(excluded_if))
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

/// The fragments and variables that operations use, directly or through fragments.
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
                        _ = value.node.clone().into_const_with(self.record());
                    }
                    self.by_selection(&field.node.selection_set.node, fragments);
                }
                Selection::InlineFragment(fragment) => {
                    self.by_selection(&fragment.node.selection_set.node, fragments);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    // Each once: fragments may form cycles, or spread others twice.
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
            _ = value.node.clone().into_const_with(self.record());
        }
    }

    /// Records the variables of a value.
    fn record(&mut self) -> impl FnMut(Name) -> Result<Value, Infallible> {
        |name| {
            self.variables.insert(name);
            Ok(Value::Null)
        }
    }
}
