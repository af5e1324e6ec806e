//! The paths beside `/graphql`, and how `/graphql` speaks HTTP.

use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use reqwest::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Kind, TestDatabase, TestServer, client_builder};

/// What a server answered.
struct Answer {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Answer {
    #[track_caller]
    fn header(&self, name: &reqwest::header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

async fn start() -> (TestServer, TestDatabase) {
    let database = TestDatabase::create(Kind::Sqlite).await;
    (TestServer::start(&database).await, database)
}

async fn send(server: &TestServer, method: Method, path: &str) -> Answer {
    let request = server.client.request(method, format!("{}{path}", server.url));
    let response = request.send().await.expect("an answer");
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: response.text().await.expect("text"),
    }
}

#[tokio::test]
async fn every_path_answers_with_its_kind_of_text() {
    let (server, _database) = start().await;
    for (path, media_type, part) in [
        ("/", "text/html; charset=utf-8", "agent-jobs</title>"),
        ("/healthz", "text/plain; charset=utf-8", "ok\n"),
        ("/schema.graphql", "text/plain; charset=utf-8", "type Query {"),
    ] {
        let answer = send(&server, Method::GET, path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header(&CONTENT_TYPE), media_type, "{path}");
        assert!(answer.body.contains(part), "{path}: {}", answer.body);

        let head = send(&server, Method::HEAD, path).await;
        assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""), "{path}");
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = send(&server, method.clone(), path).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header(&ALLOW), "GET,HEAD", "{method} {path}");
        }
    }
    let schema = send(&server, Method::GET, "/schema.graphql").await;
    assert!(schema.body == agent_jobs::graphql::sdl());
}

/// Follows what a page loads: all of it comes from this server, which is asked for it once.
async fn check_assets(server: &TestServer, page: &Answer) {
    assert_eq!(page.status, 200);
    assert_eq!(page.header(&CACHE_CONTROL), "no-cache");
    let sources: Vec<_> =
        page.body.split(['"', '\'']).filter(|text| text.starts_with("./assets/")).collect();
    assert!(!sources.is_empty(), "{}", page.body);
    for source in sources {
        let path = source.trim_start_matches('.');
        for coding in ["br", "gzip", "identity"] {
            let request = server
                .client
                .get(format!("{}{path}", server.url))
                .header(reqwest::header::ACCEPT_ENCODING, coding);
            let asset = request.send().await.expect("an answer");
            let headers = asset.headers().clone();
            let header = |name| headers.get(name).map_or("", |value| value.to_str().unwrap());
            assert_eq!(asset.status(), 200, "{path}");
            assert!(header(CACHE_CONTROL).contains("immutable"), "{path}");
            assert_ne!(header(CONTENT_TYPE), "", "{path}");
            // Small files are not worth it.
            let expected = if coding == "identity" { "" } else { coding };
            assert!(["", expected].contains(&header(CONTENT_ENCODING)), "{path} {coding}");
        }
    }
}

/// A build without Node has no GraphiQL, and says how to get it.
#[tokio::test]
async fn graphiql_is_there_or_says_why_not() {
    let (server, _database) = start().await;
    let page = send(&server, Method::GET, "/graphiql").await;
    assert_eq!(page.header(&CONTENT_TYPE), "text/html; charset=utf-8");
    assert!(page.body.contains("<title>GraphiQL"), "{}", page.body);
    if page.status == StatusCode::NOT_FOUND {
        assert!(page.body.contains("npm --prefix web run build"), "{}", page.body);
        return;
    }
    check_assets(&server, &page).await;
}

/// Without Node there is a list of paths in its place, and its other pages say how to get them.
#[tokio::test]
async fn the_dashboard_is_at_its_paths_and_knows_the_way_to_the_root() {
    let (server, _database) = start().await;
    let home = send(&server, Method::GET, "/").await;
    let is_built = home.body.contains("id=\"dashboard\"");
    for (path, base) in [
        ("/jobs", "./"),
        ("/jobs?state=failed&q=a/b", "./"),
        ("/configurations", "./"),
        ("/agents", "./"),
        ("/jobs/018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f?run=x", "../"),
        ("/configurations/x", "../"),
        ("/agents/x", "../"),
    ] {
        let page = send(&server, Method::GET, path).await;
        assert_eq!(page.header(&CONTENT_TYPE), "text/html; charset=utf-8", "{path}");
        if is_built {
            assert!(page.body.contains(&format!("<base href=\"{base}\" />")), "{path}");
            check_assets(&server, &page).await;
        } else {
            assert_eq!(page.status, 404, "{path}");
            assert!(page.body.contains("npm --prefix web run build"), "{}", page.body);
        }
    }
}

/// Browsers name HTML among what they accept. Everything that such a page loads is below the root,
/// however deep the address is.
#[tokio::test]
async fn an_unknown_address_is_a_page_for_browsers_and_text_for_other_clients() {
    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let (server, _database) = start().await;
    let ask = async |method: Method, path: &str, accept: &str| {
        let request = server.client.request(method, format!("{}{path}", server.url));
        let response = request.header(ACCEPT, accept).send().await.expect("an answer");
        let headers = response.headers().clone();
        (response.status(), headers, response.text().await.expect("text"))
    };
    for (path, base) in [
        ("/nope", "./"),
        ("/nope?a=/b", "./"),
        ("/jobs/a/b", "../../"),
        // By way of the path without the slash.
        ("/a/b/c/d/", "../../../"),
    ] {
        let (status, headers, body) = ask(Method::GET, path, BROWSER).await;
        assert_eq!(status, 404, "{path}");
        assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
        assert!(headers[VARY].to_str().unwrap().contains("accept"), "{path}");
        assert!(body.contains(&format!("<base href=\"{base}\" />")), "{path}: {body}");
        assert!(body.contains("Page not found") && body.contains("href=\"./\">"), "{body}");
        for (method, accept) in
            [(Method::GET, "*/*"), (Method::GET, "application/json"), (Method::POST, BROWSER)]
        {
            let (status, headers, body) = ask(method.clone(), path, accept).await;
            assert_eq!(
                (status, body.as_str()),
                (StatusCode::NOT_FOUND, "404 Not found\n"),
                "{method} {path}"
            );
            assert_eq!(headers[CONTENT_TYPE], "text/plain; charset=utf-8", "{method} {path}");
        }
    }
    let (status, headers, body) = ask(Method::GET, "/api/v1/nope", BROWSER).await;
    assert_eq!(
        (status, &headers[CONTENT_TYPE]),
        (StatusCode::NOT_FOUND, &"application/problem+json; charset=utf-8".parse().unwrap()),
        "{body}"
    );
}

/// The pages that the server writes take their style and icon from it too.
#[tokio::test]
async fn the_servers_own_pages_have_a_style_with_its_fonts_and_an_icon() {
    let (server, _database) = start().await;
    let style = send(&server, Method::GET, "/pages.css").await;
    assert_eq!(
        (style.status.as_u16(), style.header(&CONTENT_TYPE)),
        (200, "text/css; charset=utf-8")
    );
    for font in style.body.split("url(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(send_for_bytes(&server, &format!("/{font}")).await, 200, "{font}");
    }
    let icon = send(&server, Method::GET, "/icon.svg").await;
    assert_eq!((icon.status.as_u16(), icon.header(&CONTENT_TYPE)), (200, "image/svg+xml"));
}

async fn send_for_bytes(server: &TestServer, path: &str) -> u16 {
    let request = server.client.get(format!("{}{path}", server.url));
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_path_that_is_none_is_not_found() {
    let (server, _database) = start().await;
    for path in [
        "/nothing",
        "/graphql/x",
        "/assets/",
        "/assets/nothing.js",
        "/assets/../Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/assets//etc/passwd",
        "/%00",
        "/%FF",
        "/index.html",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = send(&server, method.clone(), path).await;
            // Only assets' paths know methods.
            let expected =
                if method == Method::POST && path.starts_with("/assets/") { 405 } else { 404 };
            assert!(
                [404, expected].contains(&answer.status.as_u16()),
                "{method} {path}: {}",
                answer.status
            );
            assert!(answer.body.len() < 100, "{method} {path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_query_can_be_in_the_url() {
    let (server, _database) = start().await;
    let query = "query($s:JobState,$t:Int){jobs(state:$s,take:$t){take}}";
    for (variables, take) in [("", 20), (r#"{"s":"FAILED","t":7}"#, 7), ("{}", 20), ("null", 20)] {
        let mut url: reqwest::Url = format!("{}/graphql", server.url).parse().expect("a URL");
        url.query_pairs_mut().append_pair("query", query).append_pair("variables", variables);
        let answer = server.client.get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!(answer, json!({ "data": { "jobs": { "take": take } } }), "{variables}");
    }
    let named =
        "/graphql?query=query%20A%7Ba:__typename%7D%20query%20B%7Bb:__typename%7D&operationName=B";
    assert_eq!(send(&server, Method::GET, named).await.body, r#"{"data":{"b":"Query"}}"#);
}

#[tokio::test]
async fn only_get_and_post_ask() {
    let (server, _database) = start().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = send(&server, method.clone(), "/graphql?query=%7B__typename%7D").await;
        assert_eq!((answer.status.as_u16(), answer.header(&ALLOW)), (405, "GET, POST"), "{method}");
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(body["errors"][0]["extensions"]["code"], "METHOD_NOT_ALLOWED", "{method}");
    }
}

/// GraphQL over HTTP, section 6.4: a client that knows the GraphQL media type gets it, with a
/// status that says whether the request was executed. For others the status is 200.
#[tokio::test]
async fn the_media_type_and_the_status_are_what_the_client_understands() {
    let (server, _database) = start().await;
    let graphql = "application/graphql-response+json";
    for (accept, media_type) in [
        (None, "application/json; charset=utf-8"),
        (Some("*/*"), "application/json; charset=utf-8"),
        (Some("application/json"), "application/json; charset=utf-8"),
        (
            Some("application/json, application/graphql-response+json;q=0.9"),
            "application/json; charset=utf-8",
        ),
        (Some(graphql), graphql),
        (Some("application/graphql-response+json; charset=utf-8, application/json;q=0.9"), graphql),
    ] {
        let knows = media_type == graphql;
        let (status_of_partial, status_of_invalid) = if knows { (294, 400) } else { (200, 200) };
        for (query, status) in [
            ("{ __typename }", 200),
            // Executed, with an error of a field.
            ("{ jobs(take: 0) { take } }", status_of_partial),
            ("{ __typename jobCounts(configurationId: \"x\") { total } }", status_of_partial),
            ("{ nothing }", status_of_invalid),
            ("{", status_of_invalid),
        ] {
            let request = server.client.post(format!("{}/graphql", server.url));
            let request = match accept {
                Some(accept) => request.header(ACCEPT, accept),
                None => request,
            };
            let answer = request.json(&json!({ "query": query })).send().await.expect("an answer");
            assert_eq!(answer.status(), status, "{accept:?} {query}");
            let found = answer.headers()[CONTENT_TYPE].to_str().expect("ASCII");
            assert!(found.starts_with(media_type), "{accept:?} {query}: {found}");
            let answer = answer.json::<Value>().await.expect("JSON");
            // What was not executed has no data, not even null.
            let is_executed = status != status_of_invalid
                || status == 200 && !query.contains("nothing") && query != "{";
            assert_eq!(answer.get("data").is_some(), is_executed, "{query} {answer}");
        }
    }
    let request = server.client.post(format!("{}/graphql", server.url)).header(ACCEPT, "text/html");
    let answer =
        request.json(&json!({ "query": "{ __typename }" })).send().await.expect("an answer");
    assert_eq!(answer.status(), 406);
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE");
}

/// Many clients send one header with every operation, which also has what they accept for
/// subscriptions.
#[tokio::test]
async fn the_operation_decides_between_json_and_a_stream() {
    let (server, _database) = start().await;
    let urql = "application/graphql-response+json, application/graphql+json, application/json, \
        text/event-stream, multipart/mixed";
    let strawberry_shake = "application/graphql-response+json; charset=utf-8, \
        application/json; charset=utf-8, application/jsonl; charset=utf-8, \
        text/event-stream; charset=utf-8";
    let apollo = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/json";
    let (graphql, json) =
        ("application/graphql-response+json; charset=utf-8", "application/json; charset=utf-8");
    let events = "text/event-stream; charset=utf-8";
    let multipart = "multipart/mixed; boundary=\"-\"; subscriptionSpec=1.0";
    for (accept, single, stream) in [
        (urql, graphql, events),
        (strawberry_shake, graphql, events),
        (apollo, json, multipart),
        ("application/json, text/event-stream;q=0", json, json),
        ("text/event-stream, application/json", json, events),
        ("application/json;q=0.5, TEXT/EVENT-STREAM", events, events),
        ("text/event-stream", events, events),
        ("multipart/mixed;subscriptionSpec=1.0;q=0.2, text/event-stream;q=0.3", events, events),
        ("*/*", json, json),
    ] {
        for (query, media_type) in [
            ("{ __typename }", single),
            ("{ nothing }", single),
            ("{", single),
            ("mutation { registerAgent(input: {}) { agent { id } } }", single),
            ("mutation { nothing }", single),
            ("subscription { jobCounts { total } }", stream),
            ("subscription { nothing }", stream),
            ("subscription { a: jobCounts { total } b: jobCounts { total } }", stream),
        ] {
            let endpoint = format!("{}/graphql", server.url);
            let post = server.client.post(&endpoint).json(&json!({ "query": query }));
            let mut requests = vec![post];
            if query.starts_with('{') {
                requests.push(server.client.get(&endpoint).query(&[("query", query)]));
            }
            for request in requests {
                let answer = request.header(ACCEPT, accept).send().await.expect("an answer");
                let found = answer.headers()[CONTENT_TYPE].to_str().expect("ASCII");
                assert_eq!(found, media_type, "{accept}: {query}");
                let is_invalid = query == "{" || query.contains("nothing");
                let status = match media_type {
                    media_type if media_type == json && query.starts_with("subscription") => 406,
                    media_type if media_type == graphql && is_invalid => 400,
                    _ => 200,
                };
                assert_eq!(answer.status(), status, "{accept}: {query}");
            }
        }
    }
}

/// Nothing is executed whose answer the client would refuse.
#[tokio::test]
async fn a_client_that_accepts_no_form_is_refused_before_anything_happens() {
    let options = HttpOptions { max_batch: 2, ..HttpOptions::default() };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let mutation = json!({ "query": "mutation { registerAgent(input: {}) { agent { id } } }" });
    for (accept, body) in [
        ("text/html", mutation.clone()),
        ("*/*;q=0", mutation.clone()),
        ("application/json;q=0", mutation.clone()),
        ("text/*", mutation.clone()),
        ("multipart/mixed", mutation.clone()),
        ("text/html", json!([mutation, mutation])),
        // A list of requests is answered in JSON alone.
        ("text/event-stream", json!([mutation, mutation])),
    ] {
        let request = server.client.post(format!("{}/graphql", server.url)).header(ACCEPT, accept);
        let answer = request.json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 406, "{accept}");
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE", "{accept}");
    }
    let agents = server.query("{ agents { totalCount } }", json!({})).await;
    assert_eq!(agents["agents"]["totalCount"], 0);
}

/// The client of these tests always accepts gzip, and takes the header away when it has read it.
#[tokio::test]
async fn long_answers_are_compressed_for_those_who_ask() {
    let (server, _database) = start().await;
    let plain = client_builder().no_gzip().build().expect("a client");
    let url = format!("{}/schema.graphql", server.url);
    let answer = plain.get(&url).header("accept-encoding", "gzip").send().await.expect("an answer");
    assert_eq!(answer.headers()[CONTENT_ENCODING], "gzip");
    assert!(answer.bytes().await.expect("a body").len() < agent_jobs::graphql::sdl().len() / 2);
    let answer = plain.get(&url).send().await.expect("an answer");
    assert_eq!(answer.headers().get(CONTENT_ENCODING), None);
    assert_eq!(answer.text().await.expect("text"), agent_jobs::graphql::sdl());

    // Those of the API come in pieces, to be compressed one by one.
    let body = json!({ "query": "{ __schema { types { name description fields { name description } } } }" });
    let url = format!("{}/graphql", server.url);
    let answer = plain.post(&url).json(&body).send().await.expect("an answer");
    let length = answer.content_length();
    let whole = answer.bytes().await.expect("a body");
    assert!(whole.len() > 20_000, "{}", whole.len());
    assert_eq!(length, Some(whole.len() as u64));
    let request = plain.post(&url).header("accept-encoding", "gzip").json(&body);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.headers()[CONTENT_ENCODING], "gzip");
    assert!(answer.bytes().await.expect("a body").len() < whole.len() / 2);
    let answer = server.client.post(&url).json(&body).send().await.expect("an answer");
    assert_eq!(answer.bytes().await.expect("a body"), whole);
}
