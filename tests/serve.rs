//! `agent-jobs serve` as a process: starting, stopping and starting again.

use std::io::Write as _;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Kind, Program, TestDatabase, agent_jobs, client, on_both_databases};

const JOBS: &[u8] = b"Id,Name,State,CreatedDate\n\
    0190a000-0000-7000-8000-000000000001,HubSpot contacts,Completed,2024-05-01 10:00:00\n\
    0190a000-0000-7000-8000-000000000002,SharePoint,Queued,2024-05-02 10:00:00\n";

async fn query(client: &reqwest::Client, url: &str, query: &str) -> Value {
    let request = client.post(format!("{url}/graphql")).json(&json!({ "query": query }));
    request.send().await.expect("an answer").json().await.expect("JSON")
}

#[tokio::test]
async fn a_client_that_sends_half_a_request_does_not_keep_it_from_stopping() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (server, url) = Program::serve("serve", database.url());
    let address = url.strip_prefix("http://").expect("a URL");
    let mut half = TcpStream::connect(address).expect("it listens");
    half.write_all(b"POST /graphql HTTP/1.1\r\nContent-").expect("it reads");
    // Another client's answer: by then the half was received.
    assert!(
        client()
            .get(format!("{url}/healthz"))
            .send()
            .await
            .expect("an answer")
            .status()
            .is_success()
    );
    server.signal("TERM").ok();
}

on_both_databases! {
    async fn stops_orderly_and_starts_again_with_its_data(database: TestDatabase) {
        agent_jobs(&["import", "-", "--database-url", database.url()], JOBS).ok();
        // The client keeps its connection open while the server stops.
        let client = client();
        for signal in ["TERM", "INT"] {
            let (server, url) = Program::serve("serve", database.url());
            let health = client.get(format!("{url}/healthz")).send().await.expect("an answer");
            assert_eq!(health.text().await.expect("a text"), "ok\n");
            let answer = query(&client, &url, "{ jobs { totalCount items { name state } } }").await;
            assert_eq!(answer, json!({ "data": { "jobs": { "totalCount": 2, "items": [
                { "name": "SharePoint", "state": "QUEUED" },
                { "name": "HubSpot contacts", "state": "COMPLETED" },
            ] } } }));
            let output = server.signal(signal).ok();
            assert!(output.stderr.contains("stopping"), "{output:#?}");
            assert_eq!(output.stdout, "", "its address is all that it prints");
        }
        // SQLite's log is tidied into the file by whoever closes it last.
        assert!(!database.folder().join("test.db-wal").exists());
    }

    async fn several_serve_one_database(database: TestDatabase) {
        let client = client();
        let (first, first_url) = Program::serve("serve", database.url());
        let (second, second_url) = Program::serve("serve", database.url());
        agent_jobs(&["import", "-", "--database-url", database.url()], JOBS).ok();
        for url in [&first_url, &second_url] {
            let answer = query(&client, url, "{ jobCounts { total queued } }").await;
            assert_eq!(answer, json!({ "data": { "jobCounts": { "total": 2, "queued": 1 } } }));
        }
        first.signal("TERM").ok();
        let answer = query(&client, &second_url, "{ jobs(state: QUEUED) { totalCount } }").await;
        assert_eq!(answer, json!({ "data": { "jobs": { "totalCount": 1 } } }));
        second.signal("TERM").ok();
    }
}
