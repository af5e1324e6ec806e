//! Checking the literals of arguments for what async-graphql finds only when it executes a field: the
//! error then names the type of the whole argument, and not the part that is wrong.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, Field, FieldDefinition, Selection, SelectionSet, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Positioned, ServerError};
use async_graphql_value::Value;

use crate::cost::RequestedOperation;
use crate::inputs::Inputs;

/// The arguments of a schema's fields, by type and name.
pub struct Arguments(HashMap<String, HashMap<String, FieldTypes>>);

struct FieldTypes {
    /// The type of its selection.
    of: String,
    arguments: HashMap<String, Type>,
}

impl FieldTypes {
    fn new(field: FieldDefinition) -> Self {
        let arguments = field.arguments.into_iter().map(|argument| argument.node);
        let arguments =
            arguments.map(|argument| (argument.name.node.to_string(), argument.ty.node));
        Self { of: base_of(&field.ty.node.base).to_owned(), arguments: arguments.collect() }
    }
}

/// The named type.
fn base_of(mut base: &BaseType) -> &str {
    loop {
        match base {
            BaseType::Named(name) => return name,
            BaseType::List(inner) => base = &inner.base,
        }
    }
}

impl Arguments {
    /// The arguments of a schema in the schema definition language.
    ///
    /// # Panics
    /// If the text is not a schema.
    pub fn of_schema(sdl: &str) -> Self {
        let document = parse_schema(sdl).expect("the schema's own text");
        let types = document.definitions.into_iter().filter_map(|definition| {
            let TypeSystemDefinition::Type(definition) = definition else { return None };
            let TypeKind::Object(object) = definition.node.kind else { return None };
            let fields = object
                .fields
                .into_iter()
                .map(|field| (field.node.name.node.to_string(), FieldTypes::new(field.node)));
            Some((definition.node.name.node.to_string(), fields.collect()))
        });
        Self(types.collect())
    }

    /// Checks the arguments of an operation. Fragments must not form cycles.
    ///
    /// # Errors
    /// The first mismatch, with the name of the argument.
    pub fn check(
        &self,
        inputs: &Inputs,
        operation: &RequestedOperation<'_>,
    ) -> Result<(), ServerError> {
        let visitor = Visitor { types: self, inputs, operation };
        visitor.set(&operation.operation.selection_set, operation.root())
    }
}

struct Visitor<'a> {
    types: &'a Arguments,
    inputs: &'a Inputs,
    operation: &'a RequestedOperation<'a>,
}

impl Visitor<'_> {
    fn set(&self, set: &Positioned<SelectionSet>, of: &str) -> Result<(), ServerError> {
        for item in &set.node.items {
            match &item.node {
                Selection::Field(field) => self.field(&field.node, of)?,
                Selection::InlineFragment(fragment) => {
                    self.set(&fragment.node.selection_set, of)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.operation.document.fragments.get(name) {
                        self.set(&fragment.node.selection_set, of)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&self, field: &Field, parent: &str) -> Result<(), ServerError> {
        // Validation rejects unknown fields and arguments.
        let types =
            self.types.0.get(parent).and_then(|fields| fields.get(field.name.node.as_str()));
        let Some(types) = types else { return Ok(()) };
        for (name, value) in &field.arguments {
            // Variables are checked by themselves.
            if matches!(value.node, Value::Variable(_)) {
                continue;
            }
            if let Some(of) = types.arguments.get(name.node.as_str()) {
                let constant = self.operation.constant(&value.node);
                self.inputs.check_argument(&name.node, &constant, of, value.pos)?;
            }
        }
        self.set(&field.selection_set, &types.of)
    }
}
