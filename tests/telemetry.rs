//! `--otlp-endpoint`: traces go to an OpenTelemetry collector.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, header};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{Kind, Program, TestDatabase, agent_jobs, client, soon};

const TRACE_ID: [u8; 16] = [0xab; 16];

/// A request to the collector: its path, media type and body.
type Received = (String, String, Bytes);

/// Starts a collector, and returns its URL and what it receives.
async fn start_collector() -> (String, mpsc::UnboundedReceiver<Received>) {
    async fn receive(
        State(sender): State<mpsc::UnboundedSender<Received>>,
        OriginalUri(uri): OriginalUri,
        headers: HeaderMap,
        body: Bytes,
    ) {
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().to_owned();
        _ = sender.send((uri.path().to_owned(), media_type, body));
    }
    let (sender, received) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().fallback(any(receive)).with_state(sender);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

/// Sends a query as a part of the trace [`TRACE_ID`].
async fn query(url: &str) -> Value {
    let trace_id = "ab".repeat(TRACE_ID.len());
    let request = client()
        .post(format!("{url}/graphql"))
        .header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01"))
        .json(&json!({ "query": "query Counts { jobCounts { total } }" }));
    request.send().await.expect("a response").json().await.expect("JSON")
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_a_request_join_the_trace_of_its_sender() {
    let (collector, mut received) = start_collector().await;
    let database = TestDatabase::create(Kind::Sqlite).await;
    let options = ["--otlp-endpoint", &collector];
    let (program, url) = Program::serve_with("serve", database.url(), &options);
    assert_eq!(query(&url).await["data"]["jobCounts"]["total"], 0);
    // The spans that are left are sent as the program ends.
    let output = tokio::task::spawn_blocking(|| program.signal("TERM")).await.expect("no panic");
    assert_eq!(output.code, 0, "{output:?}");
    loop {
        let (path, media_type, body) = soon(received.recv()).await.expect("a span of the request");
        assert_eq!((&*path, &*media_type), ("/v1/traces", "application/x-protobuf"));
        assert!(contains(&body, b"agent-jobs"), "{body:?}");
        if contains(&body, &TRACE_ID) {
            assert!(contains(&body, b"operation"), "{body:?}");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_cannot_be_reached_delays_no_request() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    // A port that was free a moment ago, where nothing listens.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let collector = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let options = ["--otlp-endpoint", &collector];
    let (program, url) = Program::serve_with("serve", database.url(), &options);
    assert_eq!(soon(query(&url)).await["data"]["jobCounts"]["total"], 0);
    let output = tokio::task::spawn_blocking(|| program.signal("TERM")).await.expect("no panic");
    assert_eq!(output.code, 0, "{output:?}");
}

#[test]
fn an_endpoint_that_is_no_http_url_is_refused() {
    for (endpoint, message) in [
        ("collector:4318", "expected http:// or https://"),
        ("4318", "expected a URL such as http://collector:4318, not \"4318\""),
    ] {
        let output = agent_jobs(&["serve", "--otlp-endpoint", endpoint], b"");
        assert_eq!(output.code, 2, "{output:?}");
        assert!(output.stderr.contains(&format!("--otlp-endpoint: {message}")), "{output:?}");
    }
}
