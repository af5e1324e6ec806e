//! Connections that are idle, and connections on which a request's head comes slowly.

use std::time::{Duration, Instant};

use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::TestServer;

/// Long enough for a busy machine, and far too short for what is waited for in vain.
const TIMEOUT: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_hours(1);

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

async fn start(client_timeout: Duration, idle_timeout: Duration) -> (TestServer, impl Sized) {
    let options = HttpOptions { client_timeout, idle_timeout, ..HttpOptions::default() };
    TestServer::start_guarded(Rules::default(), options).await
}

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("it listens")
}

/// Sends a request and reads its response, which ends in `end`.
async fn exchange(stream: &mut TcpStream, request: &str, end: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("the connection is open");
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let read = timeout(TIMEOUT, stream.read_buf(&mut text)).await.expect("a response");
        assert_ne!(read.expect("a response"), 0, "{}", String::from_utf8_lossy(&text));
    }
    String::from_utf8(text).expect("UTF-8")
}

/// Reads until the server closes the connection.
async fn read_to_close(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    timeout(TIMEOUT, stream.read_to_end(&mut text)).await.expect("it is closed").ok();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_outlives_the_client_timeout() {
    let client_timeout = Duration::from_millis(200);
    let (server, _database) = start(client_timeout, HOUR).await;
    let mut stream = connect(&server).await;
    exchange(&mut stream, HEALTH, "\r\n\r\nok\n").await;
    for _ in 0..2 {
        sleep(2 * client_timeout).await;
        post(&mut stream).await;
    }
}

/// Sends a POST, which a client does not repeat, and reads its response.
async fn post(stream: &mut TcpStream) {
    let body = r#"{"query":"{__typename}"}"#;
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let response = exchange(stream, &request, "{\"__typename\":\"Query\"}}").await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

/// With the limits that `serve` has unless it is told otherwise, which proxies are set up for.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_can_be_used_again_at_each_second_of_two_minutes() {
    let options = HttpOptions::default();
    let (server, _database) = start(options.client_timeout, options.idle_timeout).await;
    let uses = (1..=120).map(|seconds| {
        let server = &server;
        async move {
            let mut stream = connect(server).await;
            post(&mut stream).await;
            sleep(Duration::from_secs(seconds)).await;
            post(&mut stream).await;
        }
    });
    futures_util::future::join_all(uses).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_trickles_is_cut() {
    let (server, _database) = start(Duration::from_millis(300), HOUR).await;
    for is_used in [false, true] {
        let mut stream = connect(&server).await;
        if is_used {
            exchange(&mut stream, HEALTH, "\r\n\r\nok\n").await;
        }
        let (mut reader, mut writer) = stream.into_split();
        let trickle = tokio::spawn(async move {
            let mut piece: &[u8] = b"GET /healthz HTTP/1.1\r\nX: ";
            while writer.write_all(piece).await.is_ok() {
                piece = b"x";
                sleep(Duration::from_millis(50)).await;
            }
        });
        let said = read_to_close(&mut reader).await;
        assert_eq!(said, "", "used before: {is_used}");
        trickle.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_at_the_idle_timeout() {
    let idle_timeout = Duration::from_millis(300);
    let (server, _database) = start(HOUR, idle_timeout).await;
    let mut stream = connect(&server).await;
    let started = Instant::now();
    exchange(&mut stream, HEALTH, "\r\n\r\nok\n").await;
    assert_eq!(read_to_close(&mut stream).await, "");
    assert!(started.elapsed() >= idle_timeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_sends_nothing_is_closed_at_the_client_timeout() {
    let (server, _database) = start(Duration::from_millis(300), HOUR).await;
    let mut stream = connect(&server).await;
    assert_eq!(read_to_close(&mut stream).await, "");
}
