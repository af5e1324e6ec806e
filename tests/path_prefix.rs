//! The service below a path prefix that a proxy takes off, and slashes at the end of paths.

use agent_jobs::access::Role;
use agent_jobs::jobs::scope::Scope;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{Kind, TestDatabase, TestServer, client, client_builder};

const PREFIX: &str = "/jobs-ui";

/// A proxy that knows the service as `/jobs-ui`, with or without a slash at the end.
struct Proxy {
    /// That of the prefix.
    url: String,
    task: JoinHandle<()>,
}

impl Proxy {
    async fn start(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let to = to.to_owned();
        // What it is told to do next it passes on.
        let client = client_builder().redirect(Policy::none()).build().expect("a client");
        let router = Router::new().fallback(async move |request: Request| {
            let path = request.uri().path_and_query().expect("a path").as_str();
            let Some(path) = path.strip_prefix(PREFIX) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            let (parts, body) = request.into_parts();
            let mut headers = parts.headers;
            headers.remove(header::HOST);
            let body = to_bytes(body, 1 << 20).await.expect("a body");
            let answer = client.request(parts.method, format!("{to}{path}")).headers(headers);
            let answer = answer.body(body).send().await.expect("an answer");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            // The body is passed on as a whole.
            response.headers_mut().remove(header::TRANSFER_ENCODING);
            *response.body_mut() = answer.bytes().await.expect("a body").into();
            response
        });
        let task = tokio::spawn(async { axum::serve(listener, router).await.expect("serving") });
        Self { url: format!("http://{address}{PREFIX}"), task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_with_a_slash_at_its_end_leads_to_the_one_without() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let proxy = Proxy::start(&server.url).await;
    for root in [&server.url, &proxy.url] {
        for path in [
            "jobs",
            "configurations",
            "agents",
            "graphiql",
            "graphql?query={__typename}",
            "api/v1/jobs",
            "api/v1/jobs.csv",
            "api/v1/openapi.json",
            "openapi",
            "schema.graphql",
            "healthz",
            "nothing/at/all",
            "api/nothing",
            "assets/nothing.js",
        ] {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            let expected =
                client().get(format!("{root}/{path}?{query}")).send().await.expect("an answer");
            for slashes in ["/", "//"] {
                let found = client()
                    .get(format!("{root}/{path}{slashes}?{query}"))
                    .send()
                    .await
                    .expect("an answer");
                assert_eq!(found.url(), expected.url());
                assert_eq!(found.status(), expected.status(), "{path}");
            }
        }
        // A body is sent again.
        let request =
            client().post(format!("{root}/graphql/")).json(&json!({ "query": "{ __typename }" }));
        let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!(answer["data"]["__typename"], "Query");
    }
    let once = client_builder().redirect(Policy::none()).build().expect("a client");
    let response =
        once.post(format!("{}/graphql/?a=b", server.url)).send().await.expect("an answer");
    assert_eq!(response.status(), 308);
    assert_eq!(response.headers()[header::LOCATION], "../graphql?a=b");
}

/// What it does in a browser is tested with one, see `web/tests`.
#[tokio::test(flavor = "multi_thread")]
async fn the_root_has_a_script_that_the_policy_allows() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let open = TestServer::start(&database).await;
    let controlled = TestServer::controlled(&database, None).await;
    let (_, token) = controlled.token(Role::Viewer, Scope::All, None, None).await;
    for (server, token) in [(&open, ""), (&controlled, ""), (&controlled, token.as_str())] {
        let proxy = Proxy::start(&server.url).await;
        for root in [proxy.url.clone(), format!("{}/", proxy.url)] {
            let request = client().get(root).bearer_auth(token);
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), 200);
            let policy =
                response.headers()["content-security-policy"].to_str().expect("text").to_owned();
            let page = response.text().await.expect("a page");
            let (_, rest) = page.split_once("<script>").expect("an inline script");
            let (script, rest) = rest.split_once("</script>").expect("its end");
            assert!(!rest.contains("<script>"), "{rest}");
            let digest = ring::digest::digest(&ring::digest::SHA256, script.as_bytes());
            let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
            assert!(policy.contains(&format!("script-src 'self' 'sha256-{digest}';")), "{policy}");
        }
    }
}
