//! The example, as a client uses it.

#[path = "../examples/books.rs"]
#[expect(dead_code, reason = "its `main` is not called")]
mod books;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use futures_util::StreamExt as _;
use tower::ServiceExt as _;

async fn send(router: &Router, accept: &str, query: &str) -> Response {
    let body = serde_json::json!({ "query": query }).to_string();
    let request = Request::post("/graphql")
        .header("Content-Type", "application/json")
        .header("Accept", accept)
        .body(Body::from(body))
        .unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn answer(router: &Router, query: &str) -> String {
    let body = send(router, "application/json", query).await.into_body();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn queries_and_mutations_are_answered() {
    let router = books::router();
    assert_eq!(
        answer(&router, "mutation { addBook(title: \"Emma\") }").await,
        r#"{"data":{"addBook":1}}"#
    );
    assert_eq!(answer(&router, "{ books }").await, r#"{"data":{"books":["Emma"]}}"#);
    let refused = answer(&router, "{ books").await;
    assert!(refused.contains("GRAPHQL_PARSE_FAILED"), "{refused}");
}

#[tokio::test]
async fn subscribers_get_the_state_and_its_changes() {
    let router = books::router();
    let stream = send(&router, "text/event-stream", "subscription { bookCount }").await;
    let mut events = stream.into_body().into_data_stream();
    let mut next = async || {
        let bytes = events.next().await.expect("another event").unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    assert_eq!(next().await, ":\n\n");
    assert_eq!(next().await, "event: next\ndata: {\"data\":{\"bookCount\":0}}\n\n");
    answer(&router, "mutation { addBook(title: \"Emma\") }").await;
    assert_eq!(next().await, "event: next\ndata: {\"data\":{\"bookCount\":1}}\n\n");
}
