//! `agent-jobs serve` as a process: starting, stopping and starting again.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;

use crate::support::{Kind, Program, TestDatabase, agent_jobs, client, command, on_both_databases};

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

#[tokio::test]
async fn a_host_name_is_listened_on() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (server, url) = Program::serve_at("localhost:0", "serve", database.url(), &[]);
    let health = client().get(format!("{url}/healthz")).send().await.expect("an answer");
    assert_eq!(health.text().await.expect("a text"), "ok\n");
    server.signal("TERM").ok();
}

/// As `nohup` starts it.
#[tokio::test]
async fn a_hangup_that_is_ignored_does_not_stop_it() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
    let program = command(&arguments);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut server = Program::spawn(&mut shell).expect("there is a shell");
    let url = server.address();
    server.send_signal("HUP");
    let health = client().get(format!("{url}/healthz")).send().await.expect("an answer");
    assert_eq!(health.text().await.expect("a text"), "ok\n");
    server.signal("TERM").ok();
}

/// Starts a proxy before PostgreSQL that closes connections until it is told to pass them on.
async fn start_proxy(is_up: Arc<AtomicBool>, to: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            if is_up.load(Ordering::SeqCst) {
                let mut server =
                    tokio::net::TcpStream::connect(&to).await.expect("PostgreSQL runs");
                tokio::spawn(async move {
                    _ = copy_bidirectional(&mut socket, &mut server).await;
                });
            }
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_its_database() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let mut url: reqwest::Url = database.url().parse().expect("a URL");
    let to = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
    let is_up = Arc::new(AtomicBool::new(false));
    let proxy = start_proxy(Arc::clone(&is_up), to).await;
    let (host, port) = proxy.split_once(':').expect("an address");
    url.set_host(Some(host)).expect("a host");
    url.set_port(port.parse().ok()).expect("a port");

    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", url.as_str()];
    let mut server = Program::start(&arguments);
    let line = server.error_line().expect("it waits");
    assert!(line.contains("waiting for the PostgreSQL database"), "{line}");
    is_up.store(true, Ordering::SeqCst);
    let address = server.address();
    let answer = query(&client(), &address, "{ jobs { totalCount } }").await;
    assert_eq!(answer, json!({ "data": { "jobs": { "totalCount": 0 } } }));
    server.signal("TERM").ok();

    // Its limit.
    is_up.store(false, Ordering::SeqCst);
    let output = agent_jobs(&[&arguments[..], &["--database-wait", "200ms"]].concat(), b"");
    assert_eq!(output.code, 69, "{output:#?}");
    // What waiting does not change.
    is_up.store(true, Ordering::SeqCst);
    url.set_path("/there_is_no_such_database");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", url.as_str()];
    let output = agent_jobs(&arguments, b"");
    assert_eq!(output.code, 69, "{output:#?}");
    assert!(!output.stderr.contains("waiting"), "{output:#?}");
}

on_both_databases! {
    async fn stops_orderly_and_starts_again_with_its_data(database: TestDatabase) {
        agent_jobs(&["import", "-", "--database-url", database.url()], JOBS).ok();
        // The client keeps its connection open while the server stops.
        let client = client();
        for signal in ["TERM", "INT", "HUP"] {
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
        // The last process that closes the file checkpoints SQLite's log.
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
