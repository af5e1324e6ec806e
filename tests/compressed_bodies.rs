//! Requests whose bodies are compressed.

use std::io::Write as _;
use std::time::Duration;

use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{TestServer, errors_of};

const MOST: usize = 100_000;

async fn start() -> (TestServer, impl Sized) {
    let options = HttpOptions { max_body_bytes: MOST, ..HttpOptions::default() };
    TestServer::start_guarded(Rules::default(), options).await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A query of so many bytes.
fn query_of(length: usize) -> Vec<u8> {
    let query = r#"{"query":"{__typename}"}"#;
    format!("{query}{}", " ".repeat(length - query.len())).into_bytes()
}

async fn send(server: &TestServer, coding: Option<&str>, body: Vec<u8>) -> reqwest::Response {
    let mut request = server.client.post(format!("{}/graphql", server.url)).body(body);
    request = request.header(CONTENT_TYPE, "application/json");
    if let Some(coding) = coding {
        request = request.header(CONTENT_ENCODING, coding);
    }
    request.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_with_gzip_is_read() {
    let (server, _database) = start().await;
    for coding in ["gzip", "GZIP", "x-gzip", "identity, gzip", " gzip , "] {
        // The last ones are beyond what is decompressed at once.
        for length in [50, 32 << 10, (32 << 10) + 1, MOST] {
            let answer = send(&server, Some(coding), gzip(&query_of(length))).await;
            assert_eq!(answer.status(), 200, "{coding} {length}");
            let answer: Value = answer.json().await.expect("JSON");
            assert_eq!(answer, json!({ "data": { "__typename": "Query" } }), "{coding} {length}");
        }
    }
    for coding in [None, Some("identity"), Some(""), Some("Identity, identity")] {
        let answer = send(&server, coding, query_of(50)).await;
        assert_eq!(answer.status(), 200, "{coding:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_limited_once_it_is_decompressed() {
    let (server, _database) = start().await;
    let bomb = gzip(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < MOST, "{}", bomb.len());
    for body in [gzip(&query_of(MOST + 1)), bomb] {
        let answer = timeout(Duration::from_secs(20), send(&server, Some("gzip"), body)).await;
        let answer = answer.expect("it stops at the limit");
        assert_eq!(answer.status(), 413);
        let answer: Value = answer.json().await.expect("JSON");
        let error = &errors_of(&answer)[0];
        assert_eq!(error["extensions"]["code"], "PAYLOAD_TOO_LARGE");
        assert_eq!(
            error["message"],
            "expected a body of at most 100000 bytes once it is decompressed"
        );
    }
    // What is sent is limited as it is.
    let answer = send(&server, Some("gzip"), vec![0; MOST + 1]).await;
    assert_eq!(answer.status(), 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_gzip_is_refused() {
    let (server, _database) = start().await;
    let whole = gzip(&query_of(50_000));
    let cut = whole[..whole.len() - 1].to_vec();
    let mut changed = whole.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let twice = [gzip(&query_of(50)), gzip(b" ")].concat();
    for body in [query_of(50), Vec::new(), vec![0x1f, 0x8b], cut, changed, twice, vec![0; 50_000]] {
        let start = body.iter().take(8).copied().collect::<Vec<_>>();
        let answer = send(&server, Some("gzip"), body).await;
        assert_eq!(answer.status(), 400, "{start:?}");
        assert!(!answer.headers().contains_key(ACCEPT_ENCODING));
        let answer: Value = answer.json().await.expect("JSON");
        let error = &errors_of(&answer)[0];
        assert_eq!(error["extensions"]["code"], "BAD_REQUEST");
        let message = error["message"].as_str().expect("text");
        assert!(
            message.starts_with("the body is not gzip, which its Content-Encoding"),
            "{message}"
        );
    }
    // What was compressed is read as any body.
    let answer = send(&server, Some("gzip"), gzip(b"no JSON")).await;
    assert_eq!(answer.status(), 400);
    let answer: Value = answer.json().await.expect("JSON");
    assert!(
        answer["errors"][0]["message"].as_str().expect("text").contains("expected a JSON object")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn other_encodings_are_refused_with_the_one_that_is_read() {
    let (server, _database) = start().await;
    for coding in ["br", "zstd", "deflate", "gzip, gzip", "gzip, br", "gzipped", "*"] {
        let answer = send(&server, Some(coding), query_of(50)).await;
        assert_eq!(answer.status(), 415, "{coding}");
        assert_eq!(answer.headers()[ACCEPT_ENCODING], "gzip", "{coding}");
        let answer: Value = answer.json().await.expect("JSON");
        let error = &errors_of(&answer)[0];
        assert_eq!(error["extensions"]["code"], "UNSUPPORTED_CONTENT_ENCODING", "{coding}");
        assert!(error["message"].as_str().expect("text").contains("gzip or none"), "{error}");
    }
    // The header would say that the encoding is at fault.
    let request = server.client.post(format!("{}/graphql", server.url)).body("x");
    let answer = request.header(CONTENT_ENCODING, "br").send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers().get(ACCEPT_ENCODING)), (415, None));
}
