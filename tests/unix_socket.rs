//! `--listen unix:PATH`: the service on a Unix domain socket.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::support::{Kind, PROTOCOL, Program, TestDatabase, agent_jobs, client_builder, soon};

struct Fixture {
    database: TestDatabase,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let database = TestDatabase::create(Kind::Sqlite).await;
        Self { database, folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("http.sock")
    }

    fn address(&self) -> String {
        format!("unix:{}", self.path().display())
    }

    fn serve(&self, options: &[&str]) -> Program {
        let (server, url) =
            Program::serve_at(&self.address(), "serve", self.database.url(), options);
        assert_eq!(url, self.address());
        server
    }

    /// What a start says that fails.
    fn refused(&self) -> String {
        let arguments =
            ["serve", "--listen", &self.address(), "--database-url", self.database.url()];
        let output = agent_jobs(&arguments, b"");
        assert_eq!(output.code, 71, "{output:#?}");
        output.stderr
    }
}

fn client(path: &Path) -> reqwest::Client {
    client_builder().unix_socket(path).build().expect("a client")
}

async fn health(path: &Path) -> String {
    let response = client(path).get("http://x/healthz").send().await.expect("an answer");
    response.text().await.expect("a text")
}

async fn open_socket(path: &Path) -> WebSocketStream<UnixStream> {
    let mut request = "ws://x/graphql".into_client_request().expect("a request");
    request.headers_mut().append("sec-websocket-protocol", PROTOCOL.parse().expect("a header"));
    let stream = UnixStream::connect(path).await.expect("it listens");
    let (mut socket, _) =
        tokio_tungstenite::client_async(request, stream).await.expect("a WebSocket");
    send(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(receive(&mut socket).await["type"], "connection_ack");
    socket
}

async fn send(socket: &mut WebSocketStream<UnixStream>, message: Value) {
    socket.send(Message::text(message.to_string())).await.expect("it reads");
}

async fn receive(socket: &mut WebSocketStream<UnixStream>) -> Value {
    loop {
        let message = soon(socket.next()).await.expect("a message").expect("a message");
        if let Message::Text(text) = message {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_websockets_and_event_streams_go_through_it_until_the_stop() {
    let fixture = Fixture::new().await;
    let server = fixture.serve(&[]);
    let path = fixture.path();
    assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, 0o660);
    assert_eq!(health(&path).await, "ok\n");

    let mut socket = open_socket(&path).await;
    let subscription = "subscription { jobCounts { total } }";
    let payload = json!({ "query": subscription });
    send(&mut socket, json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    let first = receive(&mut socket).await;
    assert_eq!(first["payload"]["data"]["jobCounts"]["total"], 0, "{first}");

    let mut events = client(&path)
        .post("http://x/graphql")
        .header("accept", "text/event-stream")
        .json(&payload)
        .send()
        .await
        .expect("a stream");
    let chunk = soon(events.chunk()).await.expect("an event").expect("an event");
    assert!(chunk.starts_with(b"event: next") || chunk.starts_with(b":"), "{chunk:?}");

    server.send_signal("TERM");
    let close = loop {
        match soon(socket.next()).await {
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(close, Some(1012));
    while soon(events.chunk()).await.is_ok_and(|chunk| chunk.is_some()) {}
    server.output().ok();
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_socket_is_replaced() {
    let fixture = Fixture::new().await;
    // Dropping it kills it.
    drop(fixture.serve(&[]));
    let path = fixture.path();
    assert!(fs::metadata(&path).expect("it was left").file_type().is_socket());
    let server = fixture.serve(&["--socket-mode", "600"]);
    assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, 0o600);
    assert_eq!(health(&path).await, "ok\n");
    server.signal("TERM").ok();
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_in_use_is_left_alone() {
    let fixture = Fixture::new().await;
    let path = fixture.path();
    fs::write(&path, "notes").expect("writing");
    let said = fixture.refused();
    assert!(said.contains("http.sock: there is a file of another kind"), "{said}");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "notes");
    fs::remove_file(&path).expect("it is there");

    let server = fixture.serve(&[]);
    let said = fixture.refused();
    assert!(said.contains("http.sock: another process listens on this socket"), "{said}");
    assert_eq!(health(&path).await, "ok\n");

    // Another file at its path is not its own to remove.
    fs::remove_file(&path).expect("it is there");
    fs::write(&path, "notes").expect("writing");
    server.signal("TERM").ok();
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "notes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_cannot_be_listened_on_is_an_error() {
    let fixture = Fixture::new().await;
    let database = ["--database-url", fixture.database.url()];
    let long = format!("unix:/tmp/{}", "x".repeat(200));
    for (address, expected) in [
        (long.as_str(), "cannot listen on unix:/tmp/xxx"),
        ("unix:/nowhere/at/all.sock", "No such file or directory"),
    ] {
        let output = agent_jobs(&[&["serve", "--listen", address][..], &database].concat(), b"");
        assert_eq!(output.code, 71, "{output:#?}");
        assert!(output.stderr.contains(expected), "{output:#?}");
    }
    let demo = ["demo", "--listen", &fixture.address()];
    let output = agent_jobs(&[&demo[..], &database].concat(), b"");
    assert!(output.code == 2 && output.stderr.contains("--listen"), "{output:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_proxy_speaks_for_its_clients() {
    let fixture = Fixture::new().await;
    let server = fixture.serve(&["--max-client-rate", "1", "--trusted-proxies", "unix:"]);
    let client = client(&fixture.path());
    let statuses = async |forwarded: Option<&str>| {
        let mut statuses = Vec::new();
        // Five may come at once.
        for _ in 0..8 {
            let mut request = client.get("http://x/graphql?query={__typename}");
            if let Some(forwarded) = forwarded {
                request = request.header("x-forwarded-for", forwarded);
            }
            statuses.push(request.send().await.expect("an answer").status().as_u16());
        }
        statuses
    };
    assert!(statuses(Some("192.0.2.1")).await.contains(&429));
    assert_eq!(statuses(Some("192.0.2.2")).await[..5], [200; 5]);
    // By itself it is a process of this machine.
    assert_eq!(statuses(None).await, [200; 8]);
    server.signal("TERM").ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_a_socket_of_their_own() {
    let fixture = Fixture::new().await;
    let path = fixture.folder.path().join("metrics.sock");
    let address = format!("unix:{}", path.display());
    let server = fixture.serve(&["--metrics-listen", &address]);
    let response = client(&path).get("http://x/metrics").send().await.expect("an answer");
    assert!(response.text().await.expect("a text").contains("agent_jobs_jobs{"));
    let output = server.signal("TERM").ok();
    assert!(output.stderr.contains(&format!("metrics are at {address}")), "{output:#?}");
    assert!(!path.exists());
}
