//! The description of the REST routes, made from what they are made from.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use entity::{Field, JobState, Kind, ProcessingState, Table, job, job_run};
use serde_json::{Map, Value as Json, json};
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{
    ComponentsBuilder, Content, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    PathItem, PathsBuilder, Ref, RefOr, Required, ResponseBuilder, ResponsesBuilder,
};

use super::parameters::{self, Parameter};
use super::{csv, jobs, values};

/// The document at `/api/v1/openapi.json`.
pub static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    document().to_pretty_json().unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
});

fn document() -> OpenApi {
    let list = json!({ "oneOf": [reference("Counts"), reference("JobPage")] });
    let paths = PathsBuilder::new()
        .path(
            "/api/v1/jobs",
            route(
                "jobs",
                "How many jobs there are, or one page of them",
                "Without parameters, or with `configurationId` alone, the counts by state. With any other \
                 parameter one page of jobs, the newest first.",
                &parameters::JOBS,
                ("application/json", list),
            ),
        )
        .path(
            "/api/v1/jobstatecount",
            route(
                "jobStateCount",
                "How many jobs there are",
                "By state: the five that a dashboard shows.",
                &parameters::COUNTS,
                ("application/json", reference("Counts")),
            ),
        )
        .path(
            "/api/v1/jobrun",
            route(
                "jobRun",
                "A run in full",
                "A job's current run, or any run.",
                &parameters::RUN,
                ("application/json", reference("JobRun")),
            ),
        )
        .path(
            "/api/v1/jobs/executing",
            route(
                "executingJobs",
                "The jobs that execute",
                "All jobs in the state Executing, the newest first.",
                &parameters::EXECUTING,
                ("application/json", json!({ "type": "array", "items": reference("Job") })),
            ),
        )
        .path(
            "/api/v1/jobs/executing/events",
            route(
                "executingJobsEvents",
                "The jobs that execute, as they change",
                "Server-sent events called `executing`, whose data is an ExecutingJobsUpdate: first all \
                 jobs, then several changes at a time. The stream does not end by itself.",
                &parameters::EXECUTING,
                ("text/event-stream", json!({ "type": "string" })),
            ),
        )
        .path(
            "/api/v1/jobs.csv",
            route(
                "jobsCsv",
                "A list of jobs as a file",
                &format!(
                    "All jobs that match, the newest first, with a line of names: {}. In UTF-8 with a byte \
                     order mark, as spreadsheets expect it. A text that a spreadsheet would take for a \
                     formula has an apostrophe in front.",
                    csv::header_line()
                ),
                &parameters::FILE,
                ("text/csv", json!({ "type": "string" })),
            ),
        )
        .build();
    let mut components = ComponentsBuilder::new();
    for (name, schema) in schemas() {
        components = components.schema(name, typed(schema));
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("agent-jobs")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "What background agents' jobs are doing, for clients that do not speak GraphQL. \
                     GraphQL, at /graphql, has more: subscriptions, mutations, relations. The names of \
                     parameters may be written in any case and with underscores: createdAfter, \
                     CreatedAfter and created_after are the same. A parameter that a route does not have \
                     is an error.",
                ))
                .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build())),
        )
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

/// A route that is asked with GET.
fn route(
    id: &str,
    summary: &str,
    description: &str,
    parameters: &[Parameter],
    (media_type, schema): (&str, Json),
) -> PathItem {
    let parameters: Vec<_> = parameters.iter().map(parameter).collect();
    let finds_nothing = parameters.iter().any(|parameter| parameter.name == "id");
    let ok = ResponseBuilder::new()
        .description(summary)
        .content(media_type, Content::new(Some(typed(schema))));
    let mut responses = ResponsesBuilder::new().response("200", ok);
    let mut problems = vec![
        ("400", "A parameter is not what was expected, is there twice, or is none of this route's"),
        ("401", "There is no valid token in `Authorization`, and no browser session"),
        ("403", "A page of another site asks"),
        ("429", "The client sends too many requests"),
        ("500", "A defect"),
        ("503", "The database cannot be reached, or answering takes too long"),
    ];
    if finds_nothing {
        problems.push(("404", "There is nothing with this id"));
    }
    for (status, description) in problems {
        let problem = ResponseBuilder::new()
            .description(description)
            .content("application/problem+json", Content::new(Some(typed(reference("Problem")))));
        responses = responses.response(status, problem);
    }
    let operation = OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(summary))
        .description(Some(description))
        .parameters(Some(parameters))
        .responses(responses)
        .build();
    PathItem::new(HttpMethod::Get, operation)
}

fn parameter(parameter: &Parameter) -> utoipa::openapi::path::Parameter {
    let is_list = parameter.schema["type"] == "array";
    let mut builder = ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .required(if parameter.is_required { Required::True } else { Required::False })
        .description(Some(parameter.description))
        .schema(Some(typed(parameter.schema.clone())));
    if is_list {
        builder = builder.style(Some(ParameterStyle::Form)).explode(Some(false));
    }
    builder.build()
}

fn schemas() -> Vec<(&'static str, Json)> {
    let counts: Map<_, _> = jobs::COUNTED
        .iter()
        .map(|state| {
            (state.name().to_owned(), json!({ "type": "integer", "format": "int64", "minimum": 0 }))
        })
        .collect();
    let names: Vec<_> = counts.keys().cloned().collect();
    let mut job = row::<job::Entity>("Job", "One piece of work for a configuration.");
    job["properties"][values::CURRENT_RUN] = json!({
        "description": "Its newest run, if `runFields` was given. Null until an agent has taken it.",
        "oneOf": [reference("JobRun"), { "type": "null" }],
    });
    let count = json!({ "type": "integer", "format": "int64", "minimum": 0 });
    vec![
        ("Counts", json!({ "type": "object", "description": "How many jobs are in each of these states.",
            "properties": counts, "required": names, "additionalProperties": false })),
        ("Job", job),
        ("JobRun", row::<job_run::Entity>("JobRun", "One attempt at a job, by one agent. What `fields` leaves out is not there.")),
        ("JobPage", json!({
            "type": "object",
            "description": "One page of jobs.",
            "properties": {
                "Items": { "type": "array", "items": reference("Job") },
                "Page": { "type": "integer", "description": "Its number, counted from 0.", "minimum": 0 },
                "Take": { "type": "integer", "description": "How many jobs a page has at most.", "minimum": 1 },
                "TotalCount": { "type": "integer", "format": "int64", "minimum": 0, "description":
                    "How many jobs match. With `search`, `createdAfter` or `createdBefore` they are counted one by one, and no further than 10,000." },
                "HasNextPage": { "type": "boolean", "description": "Whether there is a page after this one." },
            },
            "required": ["Items", "Page", "Take", "TotalCount", "HasNextPage"],
            "additionalProperties": false,
        })),
        ("ExecutingJobsUpdate", json!({
            "type": "object",
            "description": "What has changed of the jobs that execute.",
            "properties": {
                "IsSnapshot": { "type": "boolean", "description": "Whether `Jobs` are all that execute, in place of those known before." },
                "Jobs": { "type": "array", "items": reference("Job"), "description": "The jobs that came or changed, the newest first." },
                "Left": { "type": "array", "description": "The jobs that execute no more, with the states they left to.", "items": {
                    "type": "object",
                    "properties": { "Id": { "type": "string", "format": "uuid" }, "State": states(JobState::ALL.iter().map(|state| state.name())) },
                    "required": ["Id", "State"],
                } },
            },
            "required": ["IsSnapshot", "Jobs", "Left"],
        })),
        ("Problem", json!({
            "type": "object",
            "description": "Why a request was not answered with what it asked for (RFC 9457).",
            "properties": {
                "title": { "type": "string", "description": "What kind of problem it is." },
                "status": { "type": "integer", "description": "The HTTP status." },
                "detail": { "type": "string", "description": "What is wrong with this request." },
                "code": { "type": "string", "description": "The stable code that programs switch on, the same as in GraphQL." },
                "parameter": { "type": "string", "description": "The parameter at fault." },
            },
            "required": ["title", "status", "detail", "code"],
        })),
    ].into_iter().map(|(name, mut schema)| {
        if name == "JobPage" {
            schema["properties"]["TotalCount"]["format"] = count["format"].clone();
        }
        (name, schema)
    }).collect()
}

/// A table's row, with the columns' descriptions in GraphQL.
fn row<E: Table>(graphql_type: &str, description: &str) -> Json {
    let descriptions = descriptions(graphql_type);
    let property = |field: &'static Field<E>| {
        let mut schema = kind(field.kind);
        if field.nullable {
            let of = schema["type"].take();
            schema["type"] = json!([of, "null"]);
            if let Some(values) = schema.get_mut("enum").and_then(Json::as_array_mut) {
                values.push(Json::Null);
            }
        }
        if let Some(description) = descriptions.get(&field.graphql) {
            schema["description"] = description.as_str().into();
        }
        (field.seed.clone(), schema)
    };
    let properties: Map<_, _> = E::public().map(property).collect();
    json!({ "type": "object", "description": description, "properties": properties, "additionalProperties": false })
}

fn kind(kind: Kind) -> Json {
    match kind {
        Kind::Uuid => json!({ "type": "string", "format": "uuid" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer => json!({ "type": "integer", "format": "int32" }),
        Kind::Float => json!({ "type": "number", "format": "double" }),
        Kind::Timestamp => json!({ "type": "string", "format": "date-time" }),
        Kind::Count | Kind::Duration => json!({ "type": "integer", "format": "int64" }),
        Kind::JobState => states(JobState::ALL.iter().map(|state| state.name())),
        Kind::ProcessingState => states(ProcessingState::ALL.iter().map(|state| state.name())),
    }
}

fn states(names: impl Iterator<Item = &'static str>) -> Json {
    json!({ "type": "string", "enum": names.collect::<Vec<_>>() })
}

/// The descriptions of a GraphQL type's fields, by their names.
fn descriptions(of: &str) -> HashMap<String, String> {
    let document = parse_schema(crate::graphql::sdl()).expect("the schema's own text");
    let mut found = HashMap::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        if definition.node.name.node == of
            && let TypeKind::Object(object) = definition.node.kind
        {
            found.extend(object.fields.into_iter().filter_map(|field| {
                let description = field.node.description?.node;
                Some((field.node.name.node.to_string(), description))
            }));
        }
    }
    found
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A JSON Schema for the builders, which know most of it by types.
fn typed(schema: Json) -> RefOr<Schema> {
    if let Some(Json::String(reference)) = schema.get("$ref") {
        return RefOr::Ref(Ref::new(reference.clone()));
    }
    serde_json::from_value(schema)
        .map_or_else(|error| panic!("a schema in {}: {error}", file!()), RefOr::T)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_each_value_of_a_run_as_it_is() {
        let document: Json = serde_json::from_str(&DOCUMENT).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let run = &document["components"]["schemas"]["JobRun"]["properties"];
        assert_eq!(run.as_object().unwrap().len(), 42);
        assert_eq!(run["Id"]["type"], "string");
        assert_eq!(run["AgentTasksCount"]["type"], json!(["integer", "null"]));
        assert_eq!(run["AgentState"]["enum"].as_array().unwrap().len(), 9);
        for (name, property) in run.as_object().unwrap() {
            assert!(
                property["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{name}"
            );
        }
        let fields = &document["paths"]["/api/v1/jobrun"]["get"]["parameters"][1];
        assert_eq!((&fields["name"], &fields["explode"]), (&json!("fields"), &json!(false)));
        assert_eq!(fields["schema"]["items"]["enum"].as_array().unwrap().len(), 42);
    }
}
