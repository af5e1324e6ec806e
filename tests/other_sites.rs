//! Pages of other sites, which have a browser send what they like.

use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use axum::http::HeaderValue;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use crate::support::{TestServer, socket};

const LISTED: &str = "https://dashboard.example.org";

async fn start() -> (TestServer, impl Sized) {
    let options = HttpOptions {
        cors_origins: vec![HeaderValue::from_static(LISTED)],
        ..HttpOptions::default()
    };
    TestServer::start_guarded(Rules::default(), options).await
}

async fn send(
    server: &TestServer,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> (u16, HeaderMap, Value) {
    let mut request = server.client.request(method, format!("{}{path}", server.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.body(body.to_owned());
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.expect("text");
    (status, headers, serde_json::from_str(&text).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_asks_nothing() {
    let (server, _database) = start().await;
    let body = r#"{"query":"mutation{__typename}"}"#;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        // What a page can have sent in one header, in spite of its look.
        "text/plain; application/json",
        "multipart/form-data; application/json",
    ] {
        let headers = [(CONTENT_TYPE.as_str(), content_type)];
        let (status, _, answer) =
            send(&server, Method::POST, "/graphql", &headers, Some(body)).await;
        assert_eq!(status, 415, "{content_type}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNSUPPORTED_MEDIA_TYPE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_listed_origins_are_answered() {
    let (server, _database) = start().await;
    let host = server.url.trim_start_matches("http://").to_owned();
    let own = server.url.clone();
    let query = "/graphql?query=%7B__typename%7D";
    let json = (CONTENT_TYPE.as_str(), "application/json");
    for (headers, expected) in [
        (vec![], 200),
        (vec![("origin", own.as_str())], 200),
        (vec![("origin", LISTED), ("sec-fetch-site", "cross-site")], 200),
        (vec![("sec-fetch-site", "same-origin")], 200),
        (vec![("sec-fetch-site", "none")], 200),
        (vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("origin", "https://evil.example.org")], 403),
        (vec![("origin", "null")], 403),
    ] {
        let (status, _, answer) = send(&server, Method::GET, query, &headers, None).await;
        assert_eq!(status, expected, "{headers:?} {answer}");
        let with_type = [&headers[..], &[json]].concat();
        let body = Some(r#"{"query":"{__typename}"}"#);
        let (status, _, answer) = send(&server, Method::POST, "/graphql", &with_type, body).await;
        assert_eq!(status, expected, "{headers:?} {answer}");
        if expected == 403 {
            assert_eq!(answer["errors"][0]["extensions"]["code"], "CROSS_SITE_REQUEST");
        }
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| {
                (
                    *[&"origin", &"sec-fetch-site", &"sec-fetch-mode"]
                        .iter()
                        .find(|each| **each == name)
                        .unwrap(),
                    *value,
                )
            })
            .map(|(name, value)| (*name, value))
            .collect();
        match (socket::connect(&server, &headers).await, expected) {
            (Ok(_), 200) => {}
            (Err(tungstenite::Error::Http(answer)), 403) => assert_eq!(answer.status(), 403),
            (other, _) => panic!("{headers:?} {other:?}"),
        }
    }
    assert!(!host.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_told_who_may_read() {
    let (server, _database) = start().await;
    let preflight = |origin: &'static str| {
        [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ]
    };
    let (status, headers, _) =
        send(&server, Method::OPTIONS, "/graphql", &preflight(LISTED), None).await;
    assert_eq!(
        (status, &headers["access-control-allow-origin"]),
        (200, &HeaderValue::from_static(LISTED))
    );
    let (_, headers, _) =
        send(&server, Method::OPTIONS, "/graphql", &preflight("https://evil.example.org"), None)
            .await;
    assert!(headers.get("access-control-allow-origin").is_none());
    // Without any listed, nobody is told anything.
    let (server, _database) =
        TestServer::start_guarded(Rules::default(), HttpOptions::default()).await;
    let (status, headers, _) =
        send(&server, Method::OPTIONS, "/graphql", &preflight(LISTED), None).await;
    assert_eq!((status, headers.get("access-control-allow-origin")), (405, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_to_be_careful() {
    let (server, _database) = start().await;
    for path in [
        "/",
        "/graphiql",
        "/graphql?query=%7B__typename%7D",
        "/healthz",
        "/nothing",
        "/assets/nothing.js",
    ] {
        let (_, headers, _) = send(&server, Method::GET, path, &[], None).await;
        let policy = headers["content-security-policy"].to_str().unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
        assert!(headers.contains_key("permissions-policy"), "{path}");
    }
    _ = json!({});
}
