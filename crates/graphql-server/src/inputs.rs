//! Checking the variables of a request against their declared types (GraphQL, section 6.1.2).
//! async-graphql does so as well, but its messages contain neither the variable nor an example of a valid
//! value.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, OperationDefinition, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Pos, ServerError, Value, Variables};

use crate::error::{DocumentError, ErrorCode};
use crate::names::nearest;

/// The most fields of an object that a message lists.
const MAX_LISTED: usize = 8;

/// A scalar type, as messages describe its values.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    pub name: &'static str,
    /// A description of its values, with an example.
    pub form: &'static str,
    /// Whether a value that is neither null nor a list is one.
    pub is_valid: fn(&Value) -> bool,
}

/// The scalars of GraphQL. A service may describe them with examples of its own.
const BUILT_IN: [Scalar; 4] = [
    Scalar {
        name: "Int",
        form: "a whole number from -2147483648 to 2147483647, such as 20",
        is_valid: |value| is_whole(value, i32::MIN.into()..=i32::MAX.into()),
    },
    Scalar {
        name: "Float",
        form: "a number such as 12.5",
        is_valid: |value| matches!(value, Value::Number(_)),
    },
    Scalar {
        name: "String",
        form: "a string such as \"text\"",
        is_valid: |value| matches!(value, Value::String(_)),
    },
    Scalar {
        name: "Boolean",
        form: "true or false",
        is_valid: |value| matches!(value, Value::Boolean(_)),
    },
];

/// Whether a value is a whole number in this range.
pub fn is_whole(value: &Value, range: RangeInclusive<i64>) -> bool {
    matches!(value, Value::Number(number)
        if number.as_i64().is_some_and(|number| range.contains(&number)))
}

/// The input types of the schema.
pub struct Inputs {
    scalars: HashMap<&'static str, Scalar>,
    enums: HashMap<String, Vec<String>>,
    objects: HashMap<String, Vec<InputField>>,
    /// Whether messages may contain names of the schema.
    is_open: bool,
}

struct InputField {
    name: String,
    of: Type,
    has_default: bool,
}

impl Inputs {
    /// The types of a schema in the schema definition language, with its own scalars. Values of a scalar
    /// that is not described are not checked. Messages contain names of the schema if it `is_open`.
    ///
    /// # Panics
    /// If the text is not a schema.
    pub fn of_schema(sdl: &str, scalars: &[Scalar], is_open: bool) -> Self {
        let document = parse_schema(sdl).expect("the schema's own text");
        let (mut enums, mut objects) = (HashMap::new(), HashMap::new());
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Enum(of) => {
                    let values = of.values.iter().map(|value| value.node.value.node.to_string());
                    enums.insert(name, values.collect());
                }
                TypeKind::InputObject(of) => {
                    let fields = of.fields.into_iter().map(|field| InputField {
                        name: field.node.name.node.to_string(),
                        of: field.node.ty.node,
                        has_default: field.node.default_value.is_some(),
                    });
                    objects.insert(name, fields.collect());
                }
                _ => {}
            }
        }
        let scalars = BUILT_IN.iter().chain(scalars).map(|scalar| (scalar.name, *scalar)).collect();
        Self { scalars, enums, objects, is_open }
    }

    /// Checks the variables of an operation.
    ///
    /// # Errors
    /// The first mismatch, with the name of the variable.
    pub fn check(
        &self,
        operation: &OperationDefinition,
        variables: &Variables,
    ) -> Result<(), ServerError> {
        for definition in &operation.variable_definitions {
            let variable = &definition.node;
            let (name, of) = (&variable.name.node, &variable.var_type.node);
            let checked = match variables.get(name) {
                Some(value) => self.value(value, of),
                None if of.nullable || variable.default_value.is_some() => Ok(()),
                None => Err(self.missing(of)),
            };
            if let Err(mismatch) = checked {
                return Err(mismatch.into_error("variable", "$", name, definition.pos));
            }
        }
        Ok(())
    }

    /// Checks an argument of a type, with its variables replaced, for what async-graphql finds only when
    /// it executes the field. Its error then names the type of the whole argument alone.
    ///
    /// # Errors
    /// The first mismatch, with the name of the argument.
    pub fn check_argument(
        &self,
        name: &str,
        value: &Value,
        of: &Type,
        position: Pos,
    ) -> Result<(), ServerError> {
        match self.value(value, of) {
            Err(mismatch) if mismatch.is_found_late => {
                Err(mismatch.into_error("argument", "", name, position))
            }
            _ => Ok(()),
        }
    }

    fn value(&self, value: &Value, of: &Type) -> Result<(), Mismatch> {
        if *value == Value::Null {
            return if of.nullable { Ok(()) } else { Err(self.unexpected(of, value)) };
        }
        match (&of.base, value) {
            (BaseType::List(item), Value::List(items)) => {
                for (place, value) in items.iter().enumerate() {
                    self.value(value, item).map_err(|mismatch| mismatch.within(place))?;
                }
                Ok(())
            }
            // A single value stands for a list of it.
            (BaseType::List(item), value) => self.value(value, item),
            (BaseType::Named(name), value) => {
                if let (Some(fields), Value::Object(_)) = (self.objects.get(name.as_str()), value) {
                    return self.object(value, name, fields);
                }
                if self.is_valid(name, value) { Ok(()) } else { Err(self.unexpected(of, value)) }
            }
        }
    }

    fn object(&self, value: &Value, name: &str, fields: &[InputField]) -> Result<(), Mismatch> {
        let Value::Object(values) = value else { return Ok(()) };
        if let Some(unknown) =
            values.keys().find(|key| fields.iter().all(|field| field.name != key.as_str()))
        {
            let names = fields.iter().map(|field| field.name.as_str());
            let near = nearest(unknown, names).filter(|_| self.is_open);
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let message = format!("{name} has no such field{near}");
            return Err(Mismatch::new(message).within(Shortened(unknown)));
        }
        for field in fields {
            let checked = match values.get(field.name.as_str()) {
                Some(value) => self.value(value, &field.of),
                None if field.of.nullable || field.has_default => Ok(()),
                None => Err(self.missing(&field.of)),
            };
            checked.map_err(|mismatch| mismatch.within(&field.name))?;
        }
        Ok(())
    }

    /// Whether a value that is neither null nor a list is of the named type.
    fn is_valid(&self, name: &str, value: &Value) -> bool {
        if let Some(scalar) = self.scalars.get(name) {
            return (scalar.is_valid)(value);
        }
        match (self.enums.get(name), value) {
            (Some(values), Value::String(text)) => values.contains(text),
            (Some(values), Value::Enum(text)) => values.iter().any(|each| each == text),
            (Some(_), _) => false,
            // Validation rejects types that are unknown or not input types.
            (None, _) => !self.objects.contains_key(name),
        }
    }

    /// A description of the values of a scalar.
    pub fn form_of(&self, scalar: &str) -> Option<&'static str> {
        self.scalars.get(scalar).map(|scalar| scalar.form)
    }

    fn unexpected(&self, of: &Type, value: &Value) -> Mismatch {
        let message = format!("expected {}, not {}", self.form(&of.base), Found(value));
        let is_found_late = match &of.base {
            BaseType::Named(name) => {
                self.objects.contains_key(name.as_str())
                    || name == "Int" && matches!(value, Value::Number(number) if number.is_i64())
            }
            BaseType::List(_) => false,
        };
        Mismatch { is_found_late: is_found_late && *value != Value::Null, ..Mismatch::new(message) }
    }

    fn missing(&self, of: &Type) -> Mismatch {
        Mismatch::new(format!("no value was given; expected {}", self.form(&of.base)))
    }

    /// A description of the values of a type.
    fn form(&self, of: &BaseType) -> String {
        let name = match of {
            BaseType::List(item) => return format!("a list, each item {}", self.form(&item.base)),
            BaseType::Named(name) => name.as_str(),
        };
        if let Some(form) = self.form_of(name) {
            return form.to_owned();
        }
        match (self.enums.get(name), self.objects.get(name)) {
            (Some(values), _) if self.is_open => format!("one of {}", values.join(", ")),
            (_, Some(fields)) if self.is_open && fields.len() <= MAX_LISTED => {
                let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
                format!("an object of the type {name}, with {}", names.join(", "))
            }
            (_, Some(_)) => format!("an object of the type {name}"),
            (_, None) => format!("a value of the type {name}"),
        }
    }
}

/// Why a variable or an argument does not match its type.
pub struct Mismatch {
    /// Where within the value, the innermost part first.
    path: Vec<String>,
    message: String,
    /// Whether async-graphql does not find it when it validates a document: a number beyond the range of
    /// `Int`, and another value in place of an object.
    is_found_late: bool,
}

impl Mismatch {
    fn new(message: String) -> Self {
        Self { path: Vec::new(), message, is_found_late: false }
    }

    /// The error of the variable or argument with this name, which `extensions` has as a `kind`.
    fn into_error(self, kind: &str, prefix: &str, name: &str, position: Pos) -> ServerError {
        let path =
            self.path.iter().rev().fold(name.to_owned(), |path, part| format!("{path}.{part}"));
        let message = format!("{prefix}{path}: {}", self.message);
        let error = DocumentError::new(ErrorCode::BadUserInput, message);
        let mut error = ServerError::from(error.at(Some(position)));
        error.extensions.get_or_insert_default().set(kind, path);
        error
    }

    fn within(mut self, part: impl fmt::Display) -> Self {
        self.path.push(part.to_string());
        self
    }
}

/// A value for a message: the beginning of a text, or the kind of a list or object.
pub struct Found<'a>(pub &'a Value);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => write!(f, "{:?}", Shortened(text).to_string()),
            Value::Enum(name) => Shortened(name).fmt(f),
            Value::List(_) => f.write_str("a list"),
            Value::Object(_) => f.write_str("an object"),
            other => other.fmt(f),
        }
    }
}

/// The beginning of a text.
struct Shortened<'a>(&'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().take(60).try_for_each(|letter| f.write_char(letter))
    }
}
