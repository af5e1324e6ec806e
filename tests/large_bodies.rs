//! Bodies beyond the limit: refused without being read, for clients that send first and listen later,
//! too, and without end.

use std::time::Duration;

use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{TestDatabase, TestServer};

/// Far longer than anything here takes.
const TIMEOUT: Duration = Duration::from_mins(1);

const MB: usize = 1 << 20;

/// What the server reads at most of a body in spite of its limit of 1 MiB, and what the system's buffers
/// on both sides hold.
const TAKEN: usize = 16 * MB;

const ROUTES: [(&str, &str); 2] =
    [("/graphql", "application/json"), ("/sign-in", "application/x-www-form-urlencoded")];

async fn start() -> (TestServer, TestDatabase) {
    TestServer::start_guarded(Rules::default(), HttpOptions::default()).await
}

async fn connect(server: &TestServer) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    // So that little of what is sent is still on its way.
    socket.set_send_buffer_size(64 << 10).expect("a small buffer");
    let address = server.url.trim_start_matches("http://").parse().expect("an address");
    socket.connect(address).await.expect("it listens")
}

fn head(path: &str, media_type: &str, header: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: {media_type}\r\n{header}\r\n\r\n"
    )
}

fn length(bytes: usize) -> String {
    format!("Content-Length: {bytes}")
}

/// Sends so many bytes, in one piece or as chunks, as far as they are taken. Returns how many were.
async fn send(stream: &mut TcpStream, bytes: usize, is_chunked: bool) -> usize {
    let piece = vec![b'x'; 16 << 10];
    let start = format!("{:x}\r\n", piece.len());
    let mut sent = 0;
    while sent < bytes {
        let wrote = async {
            if is_chunked {
                stream.write_all(start.as_bytes()).await?;
            }
            stream.write_all(&piece).await?;
            if is_chunked { stream.write_all(b"\r\n").await } else { Ok(()) }
        };
        if timeout(TIMEOUT, wrote).await.expect("it takes it or resets").is_err() {
            break;
        }
        sent += piece.len();
    }
    if is_chunked {
        stream.write_all(b"0\r\n\r\n").await.ok();
    }
    sent
}

/// What the server says until it closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    timeout(TIMEOUT, stream.read_to_end(&mut text)).await.expect("the connection ends").ok();
    String::from_utf8_lossy(&text).into_owned()
}

fn assert_refused(said: &str) {
    assert!(said.starts_with("HTTP/1.1 413"), "{said}");
    assert!(said.to_lowercase().contains("\r\nconnection: close\r\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_too_long_is_refused_before_it_comes() {
    let (server, _database) = start().await;
    for (path, media_type) in ROUTES {
        for expect in ["", "Expect: 100-continue\r\n"] {
            let mut stream = connect(&server).await;
            let head = head(path, media_type, &format!("{expect}{}", length(60 * MB)));
            stream.write_all(head.as_bytes()).await.expect("it reads");
            assert_refused(&rest(&mut stream).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_on_and_on_is_cut_off() {
    let (server, _database) = start().await;
    for (path, media_type) in ROUTES {
        for (header, is_chunked) in
            [(length(60 * MB), false), ("Transfer-Encoding: chunked".to_owned(), true)]
        {
            let mut stream = connect(&server).await;
            let head = head(path, media_type, &header);
            stream.write_all(head.as_bytes()).await.expect("it reads");
            let sent = send(&mut stream, 60 * MB, is_chunked).await;
            assert!(sent < TAKEN, "{path} {header}: {sent} bytes were taken");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_before_it_listens_sees_the_refusal() {
    let (server, _database) = start().await;
    for (path, media_type) in ROUTES {
        for (header, is_chunked) in
            [(length(2 * MB), false), ("Transfer-Encoding: chunked".to_owned(), true)]
        {
            let mut stream = connect(&server).await;
            let head = head(path, media_type, &header);
            stream.write_all(head.as_bytes()).await.expect("it reads");
            assert_eq!(send(&mut stream, 2 * MB, is_chunked).await, 2 * MB, "{path} {header}");
            assert_refused(&rest(&mut stream).await);
        }
    }
}

/// Where no body is read the client sees the response all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_no_one_reads_does_not_cost_the_response() {
    let (server, _database) = start().await;
    for (path, status) in
        [("/sign-out", "303"), ("/api/v1/jobs", "405"), ("/healthz", "405"), ("/nothing", "404")]
    {
        let mut stream = connect(&server).await;
        let head = head(path, "text/plain", &length(MB));
        stream.write_all(head.as_bytes()).await.expect("it reads");
        assert_eq!(send(&mut stream, MB, false).await, MB, "{path}");
        let said = rest(&mut stream).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{path} {said}");
    }
}
