//! What an operation selects, in its plain form.

use async_graphql::Name;
use async_graphql::parser::types::{DocumentOperations, Selection, SelectionSet};

use super::operation::Operation;
use super::root_field::is_left_out;

/// The objects that the live picture holds. What else hangs on a job takes the database to read,
/// and nobody is to wait for what others want from there.
const HELD: [&str; 3] = ["jobs", "left", "currentRun"];

/// How much of a document is looked at.
const ITEMS: usize = 2_000;

/// A selection without fragments and directives: for each field its name in the response, its name,
/// and what is selected of it; nothing if it is a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub fields: Vec<(Name, Name, Shape)>,
}

impl Shape {
    /// The shape of an operation with one root field, if nothing but what the picture holds is
    /// selected of it, without arguments.
    pub fn of(operation: &Operation) -> Option<Self> {
        let operations = &operation.document.operations;
        let definition = match (operations, &operation.name) {
            (DocumentOperations::Single(definition), _) => definition,
            (DocumentOperations::Multiple(all), Some(name)) => all.get(name.as_str())?,
            (DocumentOperations::Multiple(all), None) => all.values().next()?,
        };
        let [root] = &*definition.node.selection_set.node.items else { return None };
        let Selection::Field(root) = &root.node else { return None };
        let mut reading = Reading { operation, left: ITEMS };
        let mut inner = Self::default();
        reading.read(&root.node.selection_set.node, &mut inner)?;
        let (key, name) = (&root.node.response_key().node, &root.node.name.node);
        Some(Self { fields: vec![(key.clone(), name.clone(), inner)] })
    }
}

struct Reading<'a> {
    operation: &'a Operation,
    /// How many more items may be read.
    left: usize,
}

impl Reading<'_> {
    fn read(&mut self, set: &SelectionSet, shape: &mut Shape) -> Option<()> {
        for item in &set.items {
            self.left = self.left.checked_sub(1)?;
            if is_left_out(&item.node, &self.operation.variables) {
                continue;
            }
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let inner = &field.selection_set.node;
                    let name = &field.name.node;
                    let is_held = inner.items.is_empty() || HELD.contains(&name.as_str());
                    if !is_held || !field.arguments.is_empty() {
                        return None;
                    }
                    let key = &field.response_key().node;
                    let known = shape.fields.iter().position(|(each, _, _)| each == key);
                    let place = known.unwrap_or_else(|| {
                        shape.fields.push((key.clone(), name.clone(), Shape::default()));
                        shape.fields.len() - 1
                    });
                    self.read(inner, &mut shape.fields[place].2)?;
                }
                // All types are objects, so validation has seen to it that a fragment fits.
                Selection::InlineFragment(fragment) => {
                    self.read(&fragment.node.selection_set.node, shape)?;
                }
                Selection::FragmentSpread(spread) => {
                    let fragments = &self.operation.document.fragments;
                    let fragment = fragments.get(&spread.node.fragment_name.node)?;
                    self.read(&fragment.node.selection_set.node, shape)?;
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use async_graphql::parser::parse_query;

    use super::*;
    use crate::access::Viewer;

    fn shape(query: &str) -> Option<String> {
        fn write(shape: &Shape) -> String {
            let fields = shape.fields.iter().map(|(key, name, inner)| {
                let inner = if inner.fields.is_empty() { String::new() } else { write(inner) };
                format!("{key}:{name}{inner}")
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(" "))
        }
        let operation = Operation {
            query: query.to_owned(),
            name: None,
            variables: Variables::from_json(serde_json::json!({ "yes": true })),
            document: parse_query(query).unwrap(),
            viewer: Viewer::anyone(),
        };
        Shape::of(&operation).map(|shape| write(&shape))
    }

    #[test]
    fn fragments_and_repeats_are_resolved() {
        let query = "subscription ($yes: Boolean!) {
            executingJobs { jobs { id ...F a: name @include(if: $yes) } jobs { id state @skip(if: true) } }
        }
        fragment F on Job { ... on Job { currentRun { id } currentRun { b: jobId } } }";
        let plain = "{executingJobs:executingJobs{jobs:jobs{id:id \
            currentRun:currentRun{id:id b:jobId} a:name}}}";
        assert_eq!(shape(query).as_deref(), Some(plain));
    }

    #[test]
    fn what_the_picture_does_not_hold_has_none() {
        for query in [
            "subscription { executingJobs { jobs { configuration { name } } } }",
            "subscription { executingJobs { jobs { runs(take: 3) { id } } } }",
            "subscription { executingJobs { jobs { currentRun { job { id } } } } }",
        ] {
            assert_eq!(shape(query), None, "{query}");
        }
        let bomb = (0..40).map(|n| format!("fragment F{n} on Job {{ ...F{0} ...F{0} }}", n + 1));
        let bomb = bomb.collect::<Vec<_>>().join(" ");
        let query = format!(
            "subscription {{ executingJobs {{ jobs {{ ...F0 }} }} }} {bomb} fragment F40 on Job {{ id }}"
        );
        assert_eq!(shape(&query), None);
    }

    #[test]
    fn all_types_are_objects() {
        let sdl = crate::graphql::sdl();
        assert!(
            !sdl.lines().any(|line| line.starts_with("interface ") || line.starts_with("union "))
        );
    }
}
