//! Subscriptions by server-sent events, as graphql-sse and a browser's EventSource read them.

use entity::{JobState, job, job_run};
use serde_json::json;

use crate::support::{
    Body, Kind, Program, TestDatabase, TestServer, Transport, Update, Watch, agent, errors_of, id,
    job, job_run,
};

const COUNTS: &str = "subscription { jobCounts { executing } }";

async fn start() -> (TestDatabase, TestServer) {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    (database, server)
}

fn with_parameters(server: &TestServer, parameters: &[(&str, &str)]) -> reqwest::Url {
    let url = format!("{}/graphql", server.url);
    reqwest::Url::parse_with_params(&url, parameters).expect("a URL")
}

#[tokio::test]
async fn are_framed_as_the_protocol_wants() {
    let (_database, server) = start().await;
    let request = server.client.post(format!("{}/graphql", server.url));
    let request = request.header("Accept", "text/event-stream").json(&json!({ "query": COUNTS }));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(header("cache-control"), "no-cache");
    assert!(!response.headers().contains_key("content-encoding"));
    let mut body = Body::of(response, Transport::Events);
    assert_eq!(body.until("\n\n").await.unwrap(), ":\n\n");
    let event = "event: next\ndata: {\"data\":{\"jobCounts\":{\"executing\":0}}}\n\n";
    assert_eq!(body.until("\n\n").await.unwrap(), event);
    server.insert::<job::Entity>(&[job::Model { state: JobState::Executing, ..job(1) }]).await;
    assert_eq!(body.until("\n\n").await.unwrap(), event.replace('0', "1"));
}

#[tokio::test]
async fn an_event_source_asks_with_get() {
    let (_database, server) = start().await;
    let query = "subscription($id: UUID!) { jobRun(id: $id) { id } }";
    let variables = json!({ "id": id(1) }).to_string();
    let response = server
        .client
        .get(with_parameters(&server, &[("query", query), ("variables", &variables)]))
        .header("Accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let mut body = Body::of(response, Transport::Events);
    assert_eq!(body.until("\n\n").await.unwrap(), ":\n\n");
    let event = body.until("\n\n").await.unwrap();
    assert_eq!(event, "event: next\ndata: {\"data\":{\"jobRun\":null}}\n\n");
    // Without the media type it is no stream, and mutations are no GET either way.
    for (query, accept, status) in [
        (COUNTS, "application/json", 405),
        ("mutation { registerAgent(input: {}) { agent { id } } }", "text/event-stream", 405),
    ] {
        let request = server.client.get(with_parameters(&server, &[("query", query)]));
        let request = request.header("Accept", accept);
        assert_eq!(request.send().await.unwrap().status(), status, "{query}");
    }
}

#[tokio::test]
async fn end_with_complete() {
    let (_database, server) = start().await;
    server.insert::<job::Entity>(&[job(1)]).await;
    server.insert::<entity::agent::Entity>(&[agent(2, None)]).await;
    let run = job_run::Model { agent_state: JobState::Failed, ..job_run(3, id(1), id(2)) };
    server.insert::<job_run::Entity>(&[run]).await;
    let query = "subscription($id: UUID!) { jobRun(id: $id) { agentState } }";
    for transport in Transport::ALL {
        let mut watch = server.watch_over(transport, query, json!({ "id": id(3) })).await;
        assert_eq!(watch.next().await, json!({ "jobRun": { "agentState": "FAILED" } }));
        assert_eq!(watch.read().await, Update::Complete);
    }
}

#[tokio::test]
async fn queries_of_clients_that_accept_nothing_else_are_answered_with_one_event() {
    let (_database, server) = start().await;
    for transport in [Transport::Events, Transport::Multipart] {
        let mut watch = server.watch_over(transport, "{ jobCounts { total } }", json!({})).await;
        assert_eq!(watch.next().await, json!({ "jobCounts": { "total": 0 } }));
        assert_eq!(watch.read().await, Update::Complete);
    }
}

#[tokio::test]
async fn errors_come_as_an_event() {
    let (_database, server) = start().await;
    for (query, code) in [
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { jobRun(id: \"no\") { id } }", "BAD_USER_INPUT"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        for transport in [Transport::Events, Transport::Multipart] {
            let mut watch = server.watch_over(transport, query, json!({})).await;
            let Update::Payload(payload) = watch.read().await else { panic!("{query}") };
            assert!(payload.get("data").is_none_or(serde_json::Value::is_null), "{payload:#}");
            assert_eq!(errors_of(&payload)[0]["extensions"]["code"], code, "{query}");
            assert_eq!(watch.read().await, Update::Complete, "{query}");
        }
    }
}

/// The stream is whole, but without `complete`: the client is to come again.
#[tokio::test]
async fn end_without_complete_when_the_server_stops() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (server, url) = Program::serve("serve", database.url());
    let mut watches = Vec::new();
    for transport in [Transport::Events, Transport::Multipart] {
        let mut watch = Watch::try_start(transport, &url, COUNTS, &json!({})).await.unwrap();
        watch.next().await;
        watches.push(watch);
    }
    let stopping = tokio::task::spawn_blocking(|| server.signal("TERM").ok());
    for watch in &mut watches {
        assert_eq!(watch.read().await, Update::Closed);
    }
    let output = stopping.await.expect("it stops");
    assert!(!output.stderr.contains("in spite of"), "{output:#?}");
}
