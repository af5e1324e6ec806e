//! Filters as parameters, made from their types in the GraphQL schema.

use std::sync::LazyLock;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};
use async_graphql::{InputType, Name, ScalarType as _, Value};
use entity::{JobState, Long, ProcessingState, Timestamp};
use serde_json::{Value as Json, json};

use super::parameters::{Given, Parameter};
use super::problem::{Problem, quoted};
use crate::clock;
use crate::http::site::Site;
use crate::jobs::conditions::{Conditions, TEXT_LENGTH};
use crate::jobs::failures::filter::FailureGroupFilter;
use crate::jobs::filter::JobFilter;

/// A field of the filter.
struct Input {
    name: String,
    description: String,
    of: Scalar,
    is_list: bool,
}

#[derive(Clone, Copy)]
enum Scalar {
    Uuid,
    JobState,
    ProcessingState,
    Text,
    Moment,
    Int,
    Long,
    Flag,
}

static JOBS: LazyLock<Vec<Input>> = LazyLock::new(|| inputs(&JobFilter::type_name()));

static FAILURE_GROUPS: LazyLock<Vec<Input>> =
    LazyLock::new(|| inputs(&FailureGroupFilter::type_name()));

/// The fields of a filter.
fn inputs(filter: &str) -> Vec<Input> {
    let document = parse_schema(crate::graphql::sdl()).expect("the schema's own text");
    let filter = document.definitions.into_iter().find_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) if definition.node.name.node == *filter => {
            Some(definition.node.kind)
        }
        _ => None,
    });
    let Some(TypeKind::InputObject(filter)) = filter else { panic!("the schema has the filter") };
    let input = |field: async_graphql::parser::types::InputValueDefinition| {
        let (of, is_list) = Scalar::of(&field.ty.node);
        Input {
            name: field.name.node.to_string(),
            description: field.description.map(|text| text.node).unwrap_or_default(),
            of,
            is_list,
        }
    };
    filter.fields.into_iter().map(|field| input(field.node)).collect()
}

/// A parameter for each field of the filter of jobs.
pub fn parameters() -> impl Iterator<Item = Parameter> {
    JOBS.iter().map(Input::parameter)
}

/// A parameter for each field of the filter of failure groups.
pub fn failure_group_parameters() -> impl Iterator<Item = Parameter> {
    FAILURE_GROUPS.iter().map(Input::parameter)
}

/// The jobs that are meant: those that match the filter and the parameter `state`.
pub fn conditions(site: &Site, given: &Given) -> Result<Conditions, Problem> {
    let filter = JobFilter::parse(Some(read(&JOBS, given)?));
    let filter = filter.map_err(|_| Problem::parameter("filter", "expected a filter of jobs"))?;
    let mut conditions =
        Conditions::new(filter, site.api.lease_policy().stale_before(clock::now()))?;
    if let Some(state) = given.state()? {
        conditions.retain_states(|each| each == state);
    }
    Ok(conditions)
}

/// The failure groups that are meant.
pub fn failure_groups(given: &Given) -> Result<FailureGroupFilter, Problem> {
    let filter = FailureGroupFilter::parse(Some(read(&FAILURE_GROUPS, given)?));
    filter.map_err(|_| Problem::parameter("filter", "expected a filter of failure groups"))
}

/// The filter that the parameters make.
fn read(inputs: &[Input], given: &Given) -> Result<Value, Problem> {
    let mut fields = IndexMap::new();
    for input in inputs {
        if let Some(text) = given.get(&input.name) {
            fields.insert(Name::new(&input.name), input.read(text)?);
        }
    }
    Ok(Value::Object(fields))
}

impl Input {
    fn parameter(&'static self) -> Parameter {
        Parameter {
            name: &self.name,
            description: &self.description,
            is_required: false,
            schema: self.schema(),
        }
    }

    fn schema(&self) -> Json {
        let mut one = self.of.schema();
        if !self.is_list {
            return one;
        }
        if let Scalar::Text = self.of {
            one["pattern"] = "^[^\\u0000,]*$".into();
        }
        json!({ "type": "array", "minItems": 1, "items": one })
    }

    fn read(&self, text: &str) -> Result<Value, Problem> {
        let one = |text: &str| {
            self.of.read(text).ok_or_else(|| {
                let expected = self.of.expected();
                let message = format_args!("expected {expected}, not {}", quoted(text));
                Problem::parameter(&self.name, message)
            })
        };
        if self.is_list {
            text.split(',').map(str::trim).map(one).collect::<Result<_, _>>().map(Value::List)
        } else {
            one(text)
        }
    }
}

impl Scalar {
    /// The type of a field's value, and whether the field takes a list of them.
    fn of(ty: &Type) -> (Self, bool) {
        match &ty.base {
            BaseType::List(item) => (Self::of(item).0, true),
            BaseType::Named(name) => {
                let of = match name.as_str() {
                    "UUID" => Self::Uuid,
                    "JobState" => Self::JobState,
                    "ProcessingState" => Self::ProcessingState,
                    "String" => Self::Text,
                    "DateTime" => Self::Moment,
                    "Int" => Self::Int,
                    "Long" => Self::Long,
                    "Boolean" => Self::Flag,
                    other => panic!("no parameter is known for the type {other}"),
                };
                (of, false)
            }
        }
    }

    fn schema(self) -> Json {
        match self {
            Self::Uuid => json!({ "type": "string", "format": "uuid" }),
            Self::JobState => json!({ "type": "string", "enum": JobState::NAMES }),
            Self::ProcessingState => {
                json!({ "type": "string", "enum": ProcessingState::NAMES })
            }
            Self::Text => {
                json!({ "type": "string", "maxLength": TEXT_LENGTH, "pattern": "^[^\\u0000]*$" })
            }
            Self::Moment => json!({ "type": "string", "format": "date-time" }),
            Self::Int => json!({
                "type": "integer",
                "format": "int32",
                "minimum": i32::MIN,
                "maximum": i32::MAX,
            }),
            Self::Long => json!({
                "type": "integer",
                "format": "int64",
                "minimum": -Long::MAX,
                "maximum": Long::MAX,
            }),
            Self::Flag => json!({ "type": "boolean" }),
        }
    }

    /// What a text stands for in GraphQL; `None` if it is none of the type's values. States are
    /// known by their names alone: the platform's numbers are for files.
    fn read(self, text: &str) -> Option<Value> {
        Some(match self {
            // Checked with the filter.
            Self::Uuid | Self::Text => Value::from(text),
            Self::JobState => InputType::to_value(&JobState::by_name(text)?),
            Self::ProcessingState => InputType::to_value(&ProcessingState::by_name(text)?),
            Self::Moment => Some(Value::from(text)).filter(Timestamp::is_valid)?,
            Self::Int => text.parse::<i32>().ok()?.into(),
            Self::Long => {
                let range = -Long::MAX..=Long::MAX;
                text.parse::<i64>().ok().filter(|number| range.contains(number))?.into()
            }
            Self::Flag => text.to_ascii_lowercase().parse::<bool>().ok()?.into(),
        })
    }

    fn expected(self) -> String {
        match self {
            Self::Uuid => "a UUID".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::JobState => format!("one of {}", JobState::NAMES.join(", ")),
            Self::ProcessingState => format!("one of {}", ProcessingState::NAMES.join(", ")),
            Self::Moment => "an RFC 3339 moment with an offset, such as 2026-05-01T10:22:33Z or \
                             2026-05-01T12:22:33%2B02:00"
                .to_owned(),
            Self::Int => format!("a whole number from {} to {}", i32::MIN, i32::MAX),
            Self::Long => format!("a whole number from {} to {}", -Long::MAX, Long::MAX),
            Self::Flag => "true or false".to_owned(),
        }
    }
}
