//! The attack benchmark sends what the service executes: its requests are read from the schema, and
//! cover each filter, order, mutation and parameter there is.

use agent_jobs::http::HttpOptions;
use agent_jobs::jobs::failures::grouping;
use serde_json::{Value, json};

use crate::support::{Rows, TestServer, errors_of, ids, on_both_databases, second};

#[path = "../benches/attack/requests.rs"]
mod requests;

use requests::{KnownIds, Request, attacks};

const SCHEMA: &str = include_str!("../schema.graphql");

/// What a request may be answered with because of what it names, or of its place among the others.
const ANSWERS: [&str; 3] = ["NOT_FOUND", "CONFLICT", "TOO_COMPLEX"];

async fn known(server: &TestServer) -> KnownIds {
    let rows = Rows::of_history(60);
    rows.insert(server).await;
    let configuration = server.save_configuration().await;
    let agent = server.register_agent().await;
    server.queue(json!([{ "configurationId": configuration, "name": "Job" }])).await;
    let attempt = server.claim(agent).await;
    while grouping::group(server.db(), second(0)).await.expect("grouping") > 0 {}
    let groups = server.query("{ failureGroups { nodes { id } } }", json!({})).await;
    let failure_group = ids(&groups["failureGroups"]["nodes"])[0];
    let jobs = server.all_jobs(200, "").await;
    let jobs = jobs.into_iter().filter(|id| *id != attempt.job).collect();
    KnownIds { configuration, agent, run: attempt.run, token: attempt.token, jobs, failure_group }
}

async fn openapi(server: &TestServer) -> Value {
    let url = format!("{}/api/v1/openapi.json", server.url);
    server.client.get(url).send().await.unwrap().json().await.unwrap()
}

/// The names of the attacks that a service with this schema has.
async fn expected_names(server: &TestServer, openapi: &Value) -> Vec<String> {
    let schema = &server
        .query(
            "{ __schema {
        queryType { fields { name args { name type { kind } } } }
        mutationType { fields { name } } }
        filter: __type(name: \"JobFilter\") { inputFields { name } }
        order: __type(name: \"JobOrderField\") { enumValues { name } } }",
            json!({}),
        )
        .await;
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap_or_else(|| panic!("{schema}"));
        list.iter().map(|named| named["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut expected = Vec::new();
    for query in schema["__schema"]["queryType"]["fields"].as_array().unwrap() {
        expected.push(format!("query {}", query["name"].as_str().unwrap()));
        let optional = query["args"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|argument| argument["type"]["kind"] != "NON_NULL");
        let optional = optional.map(|argument| argument["name"].as_str().unwrap());
        // A filter is there by its conditions.
        let optional = optional.filter(|name| *name != "filter");
        expected.extend(optional.map(|name| format!("by {name}")));
    }
    expected
        .extend(names(&schema["order"]["enumValues"]).iter().map(|name| format!("order {name}")));
    expected.extend(
        names(&schema["__schema"]["mutationType"]["fields"])
            .iter()
            .map(|name| format!("mutation {name}")),
    );
    for condition in names(&schema["filter"]["inputFields"]) {
        expected.extend(
            ["by", "retryJobs by", "requestCancellation by"].map(|by| format!("{by} {condition}")),
        );
        expected.push(format!("/api/v1/jobs.csv by {condition}"));
    }
    let jobs = &openapi["paths"]["/api/v1/jobs"]["get"]["parameters"];
    expected.extend(names(jobs).iter().map(|name| format!("/api/v1/jobs by {name}")));
    expected
}

on_both_databases! {
    async fn the_attack_benchmark_has_requests_for_all_that_can_be_asked(database: TestDatabase) {
        let options = HttpOptions { max_client_cost: u32::MAX, ..HttpOptions::default() };
        let server = TestServer::start_with_options(&database, options).await;
        let openapi = openapi(&server).await;
        let attacks = attacks(SCHEMA, &openapi, &known(&server).await).unwrap();
        for name in expected_names(&server, &openapi).await {
            assert!(attacks.contains_key(&name), "{name} is not among {:?}", attacks.keys());
        }
        for (name, requests) in attacks {
            assert!(!requests.is_empty(), "{name}");
            for request in requests {
                match request {
                    Request::GraphQl { query, variables } => {
                        let body = json!({ "query": query, "variables": variables });
                        let url = format!("{}/graphql", server.url);
                        let answer = server.client.post(url).json(&body).send().await.unwrap();
                        let answer: Value = answer.json().await.unwrap();
                        let is_expected = |error: &Value| {
                            let code = error["extensions"]["code"].as_str().unwrap_or_default();
                            ANSWERS.contains(&code)
                        };
                        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
                        assert!(errors.iter().all(is_expected), "{name}: {query} {variables}\n{:?}", errors_of(&answer));
                    }
                    Request::Get(path) => {
                        let answer = server.client.get(format!("{}{path}", server.url)).send();
                        let answer = answer.await.unwrap();
                        assert_eq!(answer.status(), 200, "{name}: {path}");
                        answer.bytes().await.unwrap();
                    }
                }
            }
        }
    }
}
