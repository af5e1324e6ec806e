//! Subscriptions by multipart responses, as Apollo's clients read them.

use entity::{JobState, job};
use serde_json::json;

use crate::support::{Body, Kind, TestDatabase, TestServer, Transport, job};

const COUNTS: &str = "subscription { jobCounts { executing } }";

#[tokio::test]
async fn are_framed_as_the_protocol_wants() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    for accept in [
        "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/json",
        "multipart/mixed; boundary=\"-\"; subscriptionSpec=\"1.0\", application/graphql-response+json",
    ] {
        let request = server.client.post(format!("{}/graphql", server.url));
        let request = request.header("Accept", accept).header("Accept-Encoding", "gzip");
        let response = request.json(&json!({ "query": COUNTS })).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let content_type = response.headers()["content-type"].to_str().unwrap();
        assert_eq!(content_type, "multipart/mixed; boundary=\"-\"; subscriptionSpec=1.0");
        let mut body = Body::of(response, Transport::Multipart);
        assert_eq!(body.until("\r\n---").await.unwrap(), "\r\n---");
        let expected = |n: u32| {
            format!(
                "\r\nContent-Type: application/json\r\n\r\n{{\"payload\":{{\"data\":{{\"jobCounts\":{{\"executing\":{n}}}}}}}}}\r\n---"
            )
        };
        assert_eq!(body.until("\r\n---").await.unwrap(), expected(0));
        server.insert::<job::Entity>(&[job::Model { state: JobState::Executing, ..job(1) }]).await;
        assert_eq!(body.until("\r\n---").await.unwrap(), expected(1));
        let mut writer = crate::support::ForeignWriter::connect(&database).await;
        writer.execute("DELETE FROM job").await;
    }
}

/// Without the subscriptions' protocol a client would not know what to make of it.
#[tokio::test]
async fn are_only_for_those_who_ask_for_them() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    for accept in
        ["multipart/mixed", "multipart/mixed;deferSpec=20220824", "application/json", "*/*"]
    {
        let request = server.client.post(format!("{}/graphql", server.url));
        let request = request.header("Accept", accept).json(&json!({ "query": COUNTS }));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 406, "{accept}");
        let answer: serde_json::Value = response.json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE");
    }
}
