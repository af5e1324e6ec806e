//! Pages of other sites, which have a browser send what they like.

use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use axum::http::HeaderValue;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use crate::support::{TestServer, agent_jobs, socket};

const LISTED: &str = "https://dashboard.example.org";

const ORIGINS: [&str; 6] = [
    LISTED,
    "https://b.example:443",
    "https://*.apps.example",
    "http://localhost:*",
    "electron://altair",
    "moz-extension://*",
];

async fn start() -> (TestServer, impl Sized) {
    let options = HttpOptions {
        cors_origins: ORIGINS.iter().map(|origin| origin.parse().expect("an origin")).collect(),
        cors_headers: vec!["x-tenant".parse().expect("a header")],
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
        (vec![("origin", "https://b.example"), ("sec-fetch-site", "cross-site")], 200),
        (vec![("origin", "https://eu.apps.example"), ("sec-fetch-site", "cross-site")], 200),
        (vec![("origin", "http://localhost:5173"), ("sec-fetch-site", "cross-site")], 200),
        (vec![("origin", "electron://altair")], 200),
        (vec![("origin", "moz-extension://0b1c2d3e-0000"), ("sec-fetch-site", "cross-site")], 200),
        (vec![("origin", "electron://other")], 403),
        (vec![("origin", "https://apps.example")], 403),
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
    let allowed = headers["access-control-allow-headers"].to_str().expect("text").to_owned();
    for name in [
        "accept",
        "authorization",
        "content-type",
        "content-encoding",
        "apollographql-client-name",
        "traceparent",
        "tracestate",
        "baggage",
        "sentry-trace",
        "x-tenant",
    ] {
        assert!(allowed.split(',').any(|each| each.trim() == name), "{name}: {allowed}");
    }
    assert!(headers["vary"].to_str().expect("text").contains("origin"));
    for origin in [
        "https://b.example",
        "https://eu.apps.example",
        "http://localhost:5173",
        "electron://altair",
        "moz-extension://0b1c2d3e-0000",
    ] {
        for path in ["/graphql", "/api/v1/jobs"] {
            let (_, headers, _) =
                send(&server, Method::OPTIONS, path, &preflight(origin), None).await;
            assert_eq!(headers["access-control-allow-origin"], origin);
            // Cookies are for this service's own pages.
            assert!(headers.get("access-control-allow-credentials").is_none());
        }
    }
    for origin in ["https://evil.example.org", "https://apps.example", "null"] {
        let (_, headers, _) =
            send(&server, Method::OPTIONS, "/graphql", &preflight(origin), None).await;
        assert!(headers.get("access-control-allow-origin").is_none(), "{origin}");
    }
    // Without a list, no site gets a header.
    let (server, _database) =
        TestServer::start_guarded(Rules::default(), HttpOptions::default()).await;
    let (status, headers, _) =
        send(&server, Method::OPTIONS, "/graphql", &preflight(LISTED), None).await;
    assert_eq!((status, headers.get("access-control-allow-origin")), (405, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_without_an_origin_are_answered_if_null_is_listed() {
    let options = HttpOptions {
        cors_origins: vec!["null".parse().expect("an origin")],
        ..HttpOptions::default()
    };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let query = "/graphql?query=%7B__typename%7D";
    let (status, headers, _) = send(&server, Method::GET, query, &[("origin", "null")], None).await;
    assert_eq!(
        (status, &headers["access-control-allow-origin"]),
        (200, &HeaderValue::from_static("null"))
    );
    assert!(headers.get("access-control-allow-credentials").is_none());
    let (status, _, _) = send(&server, Method::GET, query, &[("origin", LISTED)], None).await;
    assert_eq!(status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_or_a_header_that_could_never_work_stops_the_start() {
    for (option, value, message) in [
        (
            "--cors-origin",
            "https://a.example/",
            "expected an origin such as https://dashboard.example.org",
        ),
        ("--cors-origin", "https://a*.example", "a * stands in front of a domain"),
        ("--cors-origin", "https://a.example,*", "name the origins"),
        ("--cors-header", "x-forwarded-for", "is for proxies"),
    ] {
        let output = agent_jobs(&["serve", option, value], b"");
        assert_eq!(output.code, 2, "{output:#?}");
        assert!(output.stderr.contains(option), "{}", output.stderr);
        let text = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(message), "{text}");
    }
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
            // One script may be inline, by its hash.
            "script-src 'self' 'sha256-",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        let scripts = policy.split("; ").find(|part| part.starts_with("script-src")).unwrap();
        assert_eq!(scripts.split(' ').count(), 3, "{path}: {scripts}");
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
