//! What a field says never depends on which other fields are asked for. Only selected columns are
//! read, so a field whose column was forgotten would be empty.

use entity::{job_event, job_run};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::support::{Rows, TestDatabase, TestServer, on_both_databases};

/// The rows of these tests: a history in which every object has related ones.
async fn start(database: &TestDatabase) -> (TestServer, Rows) {
    let server = TestServer::start(database).await;
    let rows = Rows::of_history(60);
    rows.insert(&server).await;
    let event = |run: &job_run::Model| job_event::Model {
        id: Uuid::now_v7(),
        job_id: run.job_id,
        run_id: Some(run.id),
        state: run.agent_state,
        date: run.update_date.unwrap_or_default(),
        changed_by: "agent".to_owned(),
        message: run.agent_result_message.clone(),
        principal: None,
    };
    let events: Vec<_> = rows.runs.iter().map(event).collect();
    server.insert::<job_event::Entity>(&events).await;
    (server, rows)
}

/// The selections of all fields of a type, by introspection: objects with some fields of theirs,
/// one with a column of its own.
async fn fields_of(server: &TestServer, name: &str) -> Vec<String> {
    let data = server.query(
        "query($name: String!) { __type(name: $name) { fields { name type { kind name ofType { kind name
            ofType { kind name ofType { kind name } } } } } } }",
        json!({ "name": name }),
    ).await;
    let fields = data["__type"]["fields"].as_array().expect("the type has fields");
    fields
        .iter()
        .map(|field| {
            let mut of = &field["type"];
            while of["name"].is_null() {
                of = &of["ofType"];
            }
            let selection = match of["name"].as_str().unwrap() {
                "Job" => " { id configuration { name } }",
                "JobRun" => " { isActive job { name } }",
                "Configuration" => " { name counts { total } }",
                "Agent" => " { name runs(take: 1) { id } }",
                "StateChange" => " { state at message }",
                "JobCounts" => " { total completed }",
                "RunForecast" => " { likely sampleSize }",
                "FailureGroup" => " { id title }",
                _ => "",
            };
            format!("{}{selection}", field["name"].as_str().unwrap())
        })
        .collect()
}

/// Each object type, with the beginning of a selection that leads to one or to many of them.
fn places(rows: &Rows) -> Vec<(&'static str, String, &'static str)> {
    let job = rows.jobs.iter().rev().find(|job| job.current_run_id.is_some()).unwrap();
    let id = job.id;
    vec![
        ("Job", format!("job(id: \"{id}\")"), ""),
        ("Job", "jobs(take: 30) { items".to_owned(), "}"),
        ("Job", "jobs(take: 30, filter: { search: \"a\" }) { items".to_owned(), "}"),
        ("Job", "jobsConnection(first: 30) { nodes".to_owned(), "}"),
        (
            "Job",
            "jobsConnection(last: 30, orderBy: {field: NAME}) { edges { node".to_owned(),
            "} }",
        ),
        ("Job", "executingJobs".to_owned(), ""),
        ("Job", "configurations { items { jobs(take: 3)".to_owned(), "} }"),
        ("JobRun", format!("jobRun(id: \"{id}\")"), ""),
        ("JobRun", "jobs(take: 30) { items { currentRun".to_owned(), "} }"),
        // Twice as many, asked for twice, are refused as too complex.
        ("JobRun", "jobs(take: 15) { items { runs".to_owned(), "} }"),
        ("JobRun", "agents { items { runs(take: 5)".to_owned(), "} }"),
        ("Configuration", format!("configuration(id: \"{}\")", job.configuration_id.unwrap()), ""),
        ("Configuration", "configurations { items".to_owned(), "}"),
        ("Configuration", "jobs(take: 30) { items { configuration".to_owned(), "} }"),
        ("Agent", format!("agent(id: \"{}\")", rows.agents[0].id), ""),
        ("Agent", "agents { items".to_owned(), "}"),
        ("Agent", "jobs(take: 30) { items { currentRun { agent".to_owned(), "} } }"),
    ]
}

/// Whether an answer says of the fields that it has what the other says of them.
fn agrees(part: &Value, all: &Value) -> bool {
    match (part, all) {
        (Value::Object(part), Value::Object(all)) => {
            part.iter().all(|(key, part)| all.get(key).is_some_and(|all| agrees(part, all)))
        }
        (Value::Array(part), Value::Array(all)) => {
            part.len() == all.len() && part.iter().zip(all).all(|(part, all)| agrees(part, all))
        }
        (part, all) => part == all,
    }
}

on_both_databases! {
    async fn a_field_alone_says_what_it_says_among_all(database: TestDatabase) {
        let (server, rows) = start(&database).await;
        for (name, start, end) in places(&rows) {
            let fields = fields_of(&server, name).await;
            let ask = |fields: &str| format!("{{ {start} {{ {fields} }} {end} }}");
            let all = server.query(&ask(&fields.join(" ")), json!({})).await;
            for field in &fields {
                let alone = server.query(&ask(field), json!({})).await;
                // Not assert_eq!, which would print dozens of whole runs.
                assert!(agrees(&alone, &all), "{start}: {field} is another when it is alone");
            }
        }
    }

    async fn every_way_of_selecting_a_field_says_the_same(database: TestDatabase) {
        let (server, _) = start(&database).await;
        let plain = "{ jobs(take: 30) { totalCount items { id name state currentRun { id agentState agent { name } } } } }";
        let expected = server.query(plain, json!({})).await;
        assert_eq!(expected["jobs"]["totalCount"], 60);
        for query in [
            // Fragments, named and inline, with and without a type, within each other.
            "{ jobs(take: 30) { ...P } } fragment P on JobPage { totalCount items { ...J } }
             fragment J on Job { id ...N ... on Job { state ... { currentRun { ...R } } } }
             fragment N on Job { name } fragment R on JobRun { id agentState agent { ... on Agent { name } } }",
            // The same field again and again, each time with other parts.
            "{ jobs(take: 30) { totalCount } jobs(take: 30) { items { id } items { name state } }
               ... { jobs(take: 30) { items { currentRun { id } currentRun { agentState } } } }
               jobs(take: 30) { items { currentRun { agent { name } } } } }",
            // What is skipped and included.
            "query($yes: Boolean = true, $no: Boolean!) { jobs(take: 30) { totalCount @include(if: $yes)
               pageCount @skip(if: $yes) items { id name @skip(if: $no) priority @include(if: $no) ...S @include(if: $yes)
               ...S @skip(if: $yes) ... on Job @include(if: false) { priority }
               currentRun { id agentState agent @skip(if: false) { name } agentKey @include(if: $no) } } } }
             fragment S on Job { state }",
        ] {
            let variables = if query.contains("$no") { json!({ "no": false }) } else { json!({}) };
            assert!(server.query(query, variables).await == expected, "{query}");
        }
        // One of several operations.
        let body = json!({ "operationName": "Jobs", "query": format!("query Other {{ jobCounts {{ total }} }} query Jobs {plain}") });
        let request = server.client.post(format!("{}/graphql", server.url)).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer, json!({ "data": expected }));
    }

    async fn an_alias_changes_a_name_and_nothing_else(database: TestDatabase) {
        let (server, rows) = start(&database).await;
        for (name, start, end) in places(&rows) {
            let fields = fields_of(&server, name).await;
            let plain = fields.join(" ");
            let aliased: Vec<_> =
                fields.iter().enumerate().map(|(n, field)| format!("a{n}: {field}")).collect();
            let aliased = aliased.join(" ");
            let query = format!("{{ plain: {start} {{ {plain} }} {end} aliased: {start} {{ {aliased} }} {end} }}");
            let data = server.query(&query, json!({})).await;
            let renamed = rename(&data["aliased"], &fields);
            assert!(renamed == data["plain"], "{start}");
        }
    }
}

/// Gives the fields that were called `a0`, `a1` their names back.
fn rename(value: &Value, fields: &[String]) -> Value {
    match value {
        Value::Object(object) => {
            let name = |key: &String| {
                let n: Option<usize> = key.strip_prefix('a').and_then(|n| n.parse().ok());
                n.map_or(key.clone(), |n| fields[n].split(' ').next().unwrap().to_owned())
            };
            let entries = object.iter().map(|(key, value)| (name(key), rename(value, fields)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(|value| rename(value, fields)).collect(),
        other => other.clone(),
    }
}
