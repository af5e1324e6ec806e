//! The filters and orders whose first pages are timed: every field of the filter and every order in the
//! schema, so that one that is added is among them by itself.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};
use serde_json::{Value, json};
use uuid::Uuid;

/// What is in the database, for conditions to name.
pub struct SampleSource {
    pub configuration: Option<Uuid>,
    pub agent: Option<Uuid>,
    /// When a job near the start of the list, in its middle and at its end was created.
    pub moments: [String; 3],
}

/// The values of `filter` and `orderBy`: each condition alone, and each order alone and beside the
/// conditions on states and configurations.
pub fn first_pages(sdl: &str, source: &SampleSource) -> Vec<Value> {
    let document = parse_schema(sdl).expect("the schema's own text");
    let types: Vec<_> = document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        })
        .collect();
    let kind = |name: &str| types.iter().find(|ty| ty.name.node == name).map(|ty| &ty.kind);
    let names = |name: &str| -> Option<Vec<String>> {
        let Some(TypeKind::Enum(values)) = kind(name) else { return None };
        Some(values.values.iter().map(|value| value.node.value.node.to_string()).collect())
    };
    let mut pages = vec![json!({})];
    let Some(TypeKind::InputObject(filter)) = kind("JobFilter") else { panic!("no JobFilter") };
    for field in &filter.fields {
        let name = field.node.name.node.as_str();
        let (ty, is_list) = base_of(&field.node.ty.node);
        for value in samples(name, ty, names(ty), source) {
            let value = if is_list { json!([value]) } else { value };
            pages.push(json!({ "filter": { name: value } }));
        }
    }
    let filters = [
        json!({}),
        json!({ "states": ["FAILED"] }),
        json!({ "states": ["EXECUTING"] }),
        json!({ "states": ["FAILED", "COMPLETED"] }),
        json!({ "configurationIds": [source.configuration] }),
        json!({ "configurationIds": [source.configuration], "states": ["FAILED"] }),
    ];
    for field in names("JobOrderField").expect("the orders") {
        for filter in &filters {
            for direction in ["DESC", "ASC"] {
                let order = json!({ "field": field, "direction": direction });
                pages.push(json!({ "orderBy": order, "filter": filter }));
            }
        }
    }
    pages
}

fn base_of(ty: &Type) -> (&str, bool) {
    match &ty.base {
        BaseType::Named(name) => (name.as_str(), false),
        BaseType::List(item) => (base_of(item).0, true),
    }
}

/// Values of a field: some that many jobs have, some that few or none have.
fn samples(name: &str, ty: &str, names: Option<Vec<String>>, source: &SampleSource) -> Vec<Value> {
    if let Some(names) = names {
        return names.into_iter().map(Value::from).collect();
    }
    match (name, ty) {
        ("configurationIds", _) => vec![json!(source.configuration), json!(Uuid::nil())],
        ("agentIds", _) => vec![json!(source.agent), json!(Uuid::nil())],
        ("providers", _) => vec![json!("hubspot"), json!("sql-server"), json!("no such provider")],
        ("priority", _) => vec![json!(0), json!(2), json!(4), json!(77)],
        ("messageContains", _) => vec![json!("status"), json!("in no message")],
        ("search", _) => vec![json!("hubspot"), json!("in no name"), json!("0198")],
        (_, "DateTime") => source.moments.iter().map(|moment| json!(moment)).collect(),
        (_, "Long" | "Int") => {
            [0, 1_000, 60_000, 3_600_000, 864_000_000].map(|number| json!(number)).to_vec()
        }
        (_, "Boolean") => vec![json!(true), json!(false)],
        (_, "UUID" | "ID") => vec![json!(Uuid::nil())],
        (_, "String") => vec![json!("a")],
        _ => panic!("no values of {name}: {ty} are known"),
    }
}
