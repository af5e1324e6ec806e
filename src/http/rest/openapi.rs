//! The description of the REST routes, made from what they are made from.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use entity::{Field, JobState, Kind, ProcessingState, Table, job, job_run};
use serde_json::{Map, Value as Json, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{
    ComponentsBuilder, Content, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    PathItem, PathsBuilder, Ref, RefOr, Required, ResponseBuilder, ResponsesBuilder,
};

use super::parameters::Parameter;
use super::{csv, examples, jobs, route_parameters, values};
use crate::jobs::derived::Figure;
use crate::jobs::statistics::record;

/// The document at `/api/v1/openapi.json`.
pub static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    document().to_pretty_json().unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
});

/// What any route may answer instead, by status: the response's name among the components, and when
/// it is given.
const PROBLEMS: [(&str, &str, &str); 7] = [
    ("400", "BadRequest", "A parameter is unknown, repeated, or not of its type."),
    (
        "401",
        "Unauthorized",
        "The `Authorization` header has no valid token, and there is no browser session.",
    ),
    (
        "403",
        "Forbidden",
        "Cross-site request refused: pages of this origin are not allowed to use the API.",
    ),
    ("404", "NotFound", "Not found: no job, run or failure group has this id."),
    ("429", "TooManyRequests", "This client sends too many requests."),
    ("500", "InternalError", "Internal error."),
    ("503", "Unavailable", "The database cannot be reached, or the answer takes too long."),
];

fn document() -> OpenApi {
    let list = json!({ "oneOf": [reference("Counts"), reference("JobPage")] });
    let (job, run) = examples::job_and_run();
    let paths = PathsBuilder::new()
        .path(
            "/api/v1/jobs",
            route(
                "jobs",
                "Count jobs, or get one page of jobs",
                "Without parameters, or with `configurationId` alone, the counts by state. With any other \
                 parameter one page of jobs, newest first unless `orderBy` says otherwise.",
                &route_parameters::JOBS,
                ("application/json", list),
                &Example {
                    url: "/api/v1/jobs?state=Failed&take=20&fields=Id,Name,State,CreatedDate&runFields=Id,AgentResultMessage",
                    answer: json!({
                        "Items": [examples::job(&job, "Id,Name,State,CreatedDate", Some((&run, "Id,AgentResultMessage")))],
                        "Page": 0,
                        "Take": 20,
                        "TotalCount": 1,
                        "HasNextPage": false,
                    }),
                },
            ),
        )
        .path(
            "/api/v1/jobstatecount",
            route(
                "jobStateCount",
                "Count jobs by state",
                "The number of jobs in each of the five states that the dashboard counts.",
                &route_parameters::COUNTS,
                ("application/json", reference("Counts")),
                &Example { url: "/api/v1/jobstatecount", answer: examples::counts() },
            ),
        )
        .path(
            "/api/v1/jobrun",
            route(
                "jobRun",
                "Get a run",
                "A job's current run, or any run.",
                &route_parameters::RUN,
                ("application/json", reference("JobRun")),
                &Example {
                    url: &format!(
                        "/api/v1/jobrun?id={}&fields=Id,JobId,AgentState,AgentStartTime,AgentPercentCompleted,AgentResultMessage,ProcessingState",
                        job.id
                    ),
                    answer: examples::run(
                        &run,
                        "Id,JobId,AgentState,AgentStartTime,AgentPercentCompleted,AgentResultMessage,ProcessingState",
                    ),
                },
            ),
        )
        .path(
            "/api/v1/statistics",
            route(
                "statistics",
                "Sum up what finished",
                "Runs that ended between two moments: how many, how long they waited and took, their tasks and \
                 clues. One object for each bucket of time and group; those in which nothing finished are left \
                 out. Percentiles are within 0.4 % of the exact ones. Statistics stay when jobs are removed for \
                 their age.",
                &route_parameters::STATISTICS,
                ("application/json", json!({ "type": "array", "items": reference("Statistics") })),
                &Example {
                    url: "/api/v1/statistics?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&bucket=Day&groupBy=Configuration",
                    answer: json!([examples::statistics()]),
                },
            ),
        )
        .path(
            "/api/v1/jobs/executing",
            route(
                "executingJobs",
                "List executing jobs",
                "All jobs in the state `Executing`, newest first.",
                &route_parameters::EXECUTING,
                ("application/json", json!({ "type": "array", "items": reference("Job") })),
                &Example {
                    url: "/api/v1/jobs/executing?fields=Id,Name&runFields=PercentCompleted",
                    answer: json!([examples::job(&job, "Id,Name", Some((&run, "PercentCompleted")))]),
                },
            ),
        )
        .path(
            "/api/v1/jobs/executing/events",
            route(
                "executingJobsEvents",
                "Stream executing jobs",
                "Server-sent events named `executing`; the data of each is an `ExecutingJobsUpdate`: first all \
                 executing jobs, then changes, several at a time. The stream does not end by itself.",
                &route_parameters::EXECUTING,
                ("text/event-stream", json!({ "type": "string" })),
                &Example {
                    url: "/api/v1/jobs/executing/events?fields=Id,Name&runFields=PercentCompleted",
                    answer: format!(
                        "event: executing\ndata: {}\n\n",
                        json!({
                            "IsSnapshot": true,
                            "Jobs": [examples::job(&job, "Id,Name", Some((&run, "PercentCompleted")))],
                            "Removed": [],
                        })
                    ).into(),
                },
            ),
        )
        .path(
            "/api/v1/jobs.csv",
            route(
                "jobsCsv",
                "Export jobs as CSV",
                &format!(
                    "All matching jobs, newest first unless `orderBy` says otherwise, after a header line: `{}`. The file is UTF-8 with a \
                     byte order mark, as spreadsheets expect. A text that a spreadsheet would read as a \
                     formula starts with an apostrophe.",
                    csv::header_line()
                ),
                &route_parameters::FILE,
                ("text/csv", json!({ "type": "string" })),
                &Example {
                    url: "/api/v1/jobs.csv?state=Failed&fields=Id,Name,State",
                    answer: examples::csv(&job, "Id,Name,State").into(),
                },
            ),
        )
        .path(
            "/api/v1/failures",
            route(
                "failures",
                "List failure groups",
                "Failed jobs by their cause: those whose current runs' messages differ in nothing but ids, \
                 numbers, times, paths, hosts and quoted values. `failureGroupId` of `/api/v1/jobs` lists the \
                 jobs of a group.",
                &route_parameters::FAILURES,
                ("application/json", reference("FailureGroupPage")),
                &Example {
                    url: "/api/v1/failures?isAcknowledged=false&take=1",
                    answer: json!({
                        "Items": [examples::failure_group()],
                        "TotalCount": 1,
                        "HasNextPage": false,
                        "EndCursor": examples::failure_cursor(),
                    }),
                },
            ),
        )
        .path(
            "/api/v1/failures/{id}",
            route(
                "failure",
                "Get a failure group",
                "The failures of one cause, in the configurations that the principal may see.",
                &route_parameters::FAILURE,
                ("application/json", reference("FailureGroup")),
                &Example {
                    url: &format!("/api/v1/failures/{}", examples::failure_group()["Id"].as_str().unwrap_or_default()),
                    answer: examples::failure_group(),
                },
            ),
        )
        .build();
    let mut components = ComponentsBuilder::new();
    for (name, schema) in schemas() {
        components = components.schema(name, typed(schema));
    }
    for (_, name, description) in PROBLEMS {
        let content = Content::new(Some(typed(reference("Problem"))));
        let problem = ResponseBuilder::new()
            .description(description)
            .content("application/problem+json", content);
        components = components.response(name, problem);
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("agent-jobs")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Job runs of background agents, for clients that do not speak GraphQL. GraphQL, at \
                     `/graphql`, has more: subscriptions, mutations, relations.\n\nNames of parameters may be \
                     written in any case and with underscores: `createdAfter`, `CreatedAfter` and \
                     `created_after` are the same. A parameter that a route does not have is an \
                     error.\n\nThe commands use the default address and an access token in `$TOKEN`; a \
                     server without access control ignores it.",
                ))
                .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build())),
        )
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

/// A request to a route, with what it answers.
struct Example<'a> {
    url: &'a str,
    /// JSON, or a string that is the answer's text.
    answer: Json,
}

/// A route that is asked with GET.
fn route(
    id: &str,
    summary: &str,
    description: &str,
    parameters: &[Parameter],
    (media_type, schema): (&str, Json),
    example: &Example<'_>,
) -> PathItem {
    let is_in_path = id == "failure";
    let parameters: Vec<_> = parameters.iter().map(|each| parameter(each, is_in_path)).collect();
    let finds_nothing = parameters.iter().any(|parameter| parameter.name == "id");
    let content = ContentBuilder::new()
        .schema(Some(typed(schema)))
        .example(Some(example.answer.clone()))
        .build();
    let ok = ResponseBuilder::new().description(summary).content(media_type, content);
    let mut responses = ResponsesBuilder::new().response("200", ok);
    for (status, name, _) in PROBLEMS {
        if status != "404" || finds_nothing {
            responses = responses.response(status, Ref::from_response_name(name));
        }
    }
    let is_stream = media_type == "text/event-stream";
    let curl = format!(
        "curl {}-H \"Authorization: Bearer $TOKEN\" \\\n  \"http://127.0.0.1:8080{}\"",
        if is_stream { "-N " } else { "" },
        example.url
    );
    let sample = json!([{ "lang": "Shell", "label": "curl", "source": curl }]);
    let operation = OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(summary))
        .description(Some(description))
        .parameters(Some(parameters))
        .responses(responses)
        .extensions(Some(ExtensionsBuilder::new().add("x-codeSamples", sample).build()))
        .build();
    PathItem::new(HttpMethod::Get, operation)
}

fn parameter(parameter: &Parameter, is_in_path: bool) -> utoipa::openapi::path::Parameter {
    let is_list = parameter.schema["type"] == "array";
    let mut builder = ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(if is_in_path { ParameterIn::Path } else { ParameterIn::Query })
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
    let mut job = row::<job::Entity>("Job", "A job of a configuration.");
    job["properties"][values::CURRENT_RUN] = json!({
        "description": "The newest run, if `runFields` was given. Null until an agent has picked up the job.",
        "oneOf": [reference("JobRun"), { "type": "null" }],
    });
    let mut run = row::<job_run::Entity>(
        "JobRun",
        "One attempt at a job, by one agent. With `fields`, only those values. The figures of its progress \
         are returned if they are named there.",
    );
    let descriptions = descriptions("JobRun");
    for figure in Figure::ALL {
        run["properties"][figure.external_name()] = json!({
            "type": [figure_type(figure), "null"],
            "description": descriptions.get(figure.graphql()),
        });
    }
    let count = json!({ "type": "integer", "format": "int64", "minimum": 0 });
    vec![
        ("Counts", json!({ "type": "object", "description": "Number of jobs in each state.",
            "properties": counts, "required": names, "additionalProperties": false })),
        ("Job", job),
        ("JobRun", run),
        ("JobPage", json!({
            "type": "object",
            "description": "One page of jobs.",
            "properties": {
                "Items": { "type": "array", "items": reference("Job") },
                "Page": { "type": "integer", "description": "Page number, from 0.", "minimum": 0 },
                "Take": { "type": "integer", "description": "Jobs per page, at most.", "minimum": 1 },
                "TotalCount": { "type": "integer", "format": "int64", "minimum": 0, "description":
                    "Number of matching jobs. Where anything but states and configurations filters, counting stops at 10,000." },
                "HasNextPage": { "type": "boolean", "description": "Whether there is a page after this one." },
            },
            "required": ["Items", "Page", "Take", "TotalCount", "HasNextPage"],
            "additionalProperties": false,
        })),
        ("FailureGroupPage", json!({
            "type": "object",
            "description": "Failure groups, in the order of `orderBy`.",
            "properties": {
                "Items": { "type": "array", "items": reference("FailureGroup") },
                "TotalCount": { "type": "integer", "format": "int64", "minimum": 0, "description": "Number of matching groups." },
                "HasNextPage": { "type": "boolean", "description": "Whether there are groups after these." },
                "EndCursor": { "type": ["string", "null"], "description": "Place of the last group, for `after`." },
            },
            "required": ["Items", "TotalCount", "HasNextPage", "EndCursor"],
            "additionalProperties": false,
        })),
        ("FailureGroup", failure_group()),
        ("Statistics", statistics()),
        ("ExecutingJobsUpdate", json!({
            "type": "object",
            "description": "Changes of the executing jobs.",
            "properties": {
                "IsSnapshot": { "type": "boolean", "description": "Whether `Jobs` are all executing jobs, and replace those known before." },
                "Jobs": { "type": "array", "items": reference("Job"), "description": "Jobs that began or changed, newest first." },
                "Removed": { "type": "array", "description": "Jobs that stopped executing, with their new states.", "items": {
                    "type": "object",
                    "properties": { "Id": { "type": "string", "format": "uuid" }, "State": states(JobState::ALL.iter().map(|state| state.name())) },
                    "required": ["Id", "State"],
                } },
            },
            "required": ["IsSnapshot", "Jobs", "Removed"],
        })),
        ("Problem", json!({
            "type": "object",
            "description": "An error (RFC 9457).",
            "properties": {
                "title": { "type": "string", "description": "The kind of error." },
                "status": { "type": "integer", "description": "The HTTP status." },
                "detail": { "type": "string", "description": "What is wrong with this request, for people." },
                "code": { "type": "string", "description": "A stable code for programs, the same as in GraphQL." },
                "parameter": { "type": "string", "description": "The invalid parameter, if it is one." },
                "limit": { "type": "integer", "format": "int64", "description": "The limit that was exceeded." },
                "found": { "type": "integer", "format": "int64", "description": "What was found instead." },
                "retryAfter": { "type": "integer", "description": "After how many milliseconds to try again." },
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

/// A failure group, with the descriptions of its fields in GraphQL.
fn failure_group() -> Json {
    let moment = || json!({ "type": ["string", "null"], "format": "date-time" });
    let count = || json!({ "type": "integer", "format": "int64", "minimum": 0 });
    let mut properties = json!({
        "Id": { "type": "string", "format": "uuid" },
        "Title": { "type": "string" },
        "SampleMessage": { "type": ["string", "null"] },
        "FirstSeen": moment(),
        "LastSeen": moment(),
        "JobCount": count(),
        "ByConfiguration": { "type": "array", "items": {
            "type": "object",
            "properties": { "ConfigurationId": { "type": ["string", "null"], "format": "uuid" }, "Count": count() },
            "required": ["ConfigurationId", "Count"],
        } },
        "PerDay": { "type": "array", "items": {
            "type": "object",
            "properties": { "Day": { "type": "string", "format": "date-time" }, "Count": count() },
            "required": ["Day", "Count"],
        } },
        "Acknowledgement": { "type": ["object", "null"], "properties": {
            "At": { "type": "string", "format": "date-time" },
            "By": { "type": "string" },
            "Note": { "type": ["string", "null"] },
        }, "required": ["At", "By", "Note"] },
    });
    let descriptions = descriptions("FailureGroup");
    let mut names = Vec::new();
    for (name, property) in properties.as_object_mut().into_iter().flatten() {
        let mut field = name.clone();
        field[..1].make_ascii_lowercase();
        if let Some(description) = descriptions.get(&field) {
            property["description"] = description.as_str().into();
        }
        names.push(name.clone());
    }
    json!({
        "type": "object",
        "description": "Failures with the same cause.",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    })
}

/// A record of statistics.
fn statistics() -> Json {
    let property = |(name, of, may_be_null, description): &(&str, &str, bool, &str)| {
        let (ty, format) = match *of {
            "date-time" | "uuid" => ("string", Some(*of)),
            "integer" => ("integer", Some("int64")),
            of => (of, None),
        };
        let mut schema = json!({ "type": ty, "description": description });
        if *may_be_null {
            schema["type"] = json!([ty, "null"]);
        }
        if let Some(format) = format {
            schema["format"] = format.into();
        }
        ((*name).to_owned(), schema)
    };
    let names: Vec<_> = record::VALUES.iter().map(|(name, ..)| *name).collect();
    let properties: Map<_, _> = record::VALUES.iter().map(property).collect();
    json!({ "type": "object", "description": "What finished in a bucket of time, of a group.",
        "properties": properties, "required": names, "additionalProperties": false })
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
        (field.external_name.clone(), schema)
    };
    let properties: Map<_, _> = E::public().map(property).collect();
    json!({ "type": "object", "description": description, "properties": properties, "additionalProperties": false })
}

fn figure_type(figure: Figure) -> &'static str {
    match figure {
        Figure::PercentCompleted | Figure::TasksPerMinute => "number",
        Figure::EstimatedRemaining => "integer",
    }
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
        assert_eq!(run.as_object().unwrap().len(), 42 + Figure::ALL.len());
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
        assert_eq!(
            fields["schema"]["items"]["enum"].as_array().unwrap().len(),
            42 + Figure::ALL.len()
        );
    }
}
