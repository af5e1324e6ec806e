//! HTTP requests that are no GraphQL requests: a status and a code that say why, and a server that
//! goes on.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Kind, TestDatabase, TestServer, errors_of};

#[tokio::test]
async fn a_body_that_is_no_request_is_refused() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let json = Some("application/json");
    let query = r#"{"query":"{__typename}"}"#;
    let deep = format!(
        r#"{{"query":"{{__typename}}","variables":{{"a":{}1{}}}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    let large = format!(r#"{{"query":"{}"}}"#, "x".repeat(10_000_000));
    let too_large = "expected a body of at most 1048576 bytes";
    let no_json = "expected a body with the Content-Type application/json";
    for (content_type, body, status, code, message) in [
        (json, "", 400, "BAD_REQUEST", "EOF while parsing"),
        (json, "query", 400, "BAD_REQUEST", "expected a JSON object with a `query`"),
        (json, "{", 400, "BAD_REQUEST", "EOF while parsing"),
        (json, "{}", 400, "BAD_REQUEST", "expected a `query`"),
        (json, "5", 400, "BAD_REQUEST", "expected an object"),
        (json, "null", 400, "BAD_REQUEST", "expected an object"),
        (json, r#"{"query":null}"#, 400, "BAD_REQUEST", "expected a `query`"),
        (json, r#"{"query":5}"#, 400, "BAD_REQUEST", "expected `query` to be a string, not 5"),
        (
            json,
            r#"{"query":{"a":1}}"#,
            400,
            "BAD_REQUEST",
            "expected `query` to be a string, not an object",
        ),
        (
            json,
            r#"{"query":"{__typename}","variables":[]}"#,
            400,
            "BAD_REQUEST",
            r#"expected `variables` to be an object such as {"take": 20}, not a list"#,
        ),
        (
            json,
            r#"{"query":"{__typename}","variables":""}"#,
            400,
            "BAD_REQUEST",
            r#"expected `variables` to be an object such as {"take": 20}, not """#,
        ),
        (
            json,
            r#"{"query":"{__typename}","variables":"{}"}"#,
            400,
            "BAD_REQUEST",
            r#"expected `variables` to be an object such as {"take": 20}, not "{}""#,
        ),
        (
            json,
            r#"{"query":"{__typename}","operationName":5}"#,
            400,
            "BAD_REQUEST",
            "expected `operationName` to be a string, not 5",
        ),
        (
            json,
            r#"{"documentId":true}"#,
            400,
            "BAD_REQUEST",
            "expected `documentId` to be a string, not true",
        ),
        (
            json,
            r#"{"query":"{__typename}","extensions":5}"#,
            400,
            "BAD_REQUEST",
            "expected `extensions` to be an object, not 5",
        ),
        (json, r#"[{"query":"{__typename}"}]"#, 400, "BATCHES_DISABLED", "expected one request"),
        (json, &deep, 400, "BAD_REQUEST", "recursion limit exceeded"),
        (json, &large, 413, "PAYLOAD_TOO_LARGE", too_large),
        (Some("text/plain"), &large, 413, "PAYLOAD_TOO_LARGE", too_large),
        (None, query, 415, "UNSUPPORTED_MEDIA_TYPE", no_json),
        (Some("text/plain"), query, 415, "UNSUPPORTED_MEDIA_TYPE", no_json),
        (Some("application/graphql"), "{ __typename }", 415, "UNSUPPORTED_MEDIA_TYPE", no_json),
        (
            Some("application/x-www-form-urlencoded"),
            "query={__typename}",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            no_json,
        ),
        (Some("multipart/form-data; boundary=x"), query, 415, "UNSUPPORTED_MEDIA_TYPE", no_json),
        (Some("application/json; charset=latin1"), query, 415, "UNSUPPORTED_MEDIA_TYPE", no_json),
        (Some("application/jsonp"), query, 415, "UNSUPPORTED_MEDIA_TYPE", no_json),
    ] {
        let start: String = body.chars().take(60).collect();
        let mut request =
            server.client.post(format!("{}/graphql", server.url)).body(body.to_owned());
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{start}: {error}"));
        assert_eq!(response.status(), status, "{content_type:?} {start}");
        let answer: Value = response.json().await.expect("JSON");
        let errors = errors_of(&answer);
        assert_eq!(errors[0]["extensions"]["code"], code, "{start}");
        assert!(errors[0]["message"].as_str().unwrap().contains(message), "{start} {answer:#}");
        // The server goes on.
        assert_eq!(server.query("{ __typename }", json!({})).await["__typename"], "Query");
    }
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=\"UTF-8\"",
        "application/json; charset=utf-8",
        "application/json;x=y",
    ] {
        let request = server
            .client
            .post(format!("{}/graphql", server.url))
            .header(CONTENT_TYPE, content_type);
        let response = request.body(query).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{content_type}");
    }
}

#[tokio::test]
async fn a_url_that_is_no_query_is_refused() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    for (path, status, code, message) in [
        ("", 400, "BAD_REQUEST", "expected a `query`"),
        ("?variables={}", 400, "BAD_REQUEST", "expected a `query`"),
        ("?query=a&query=b", 400, "BAD_REQUEST", "duplicate field `query`"),
        (
            "?query={__typename}&variables=x",
            400,
            "BAD_REQUEST",
            "expected `variables` to be a JSON object",
        ),
        (
            "?query={__typename}&variables=[]",
            400,
            "BAD_REQUEST",
            "expected `variables` to be a JSON object",
        ),
        ("?query=", 200, "GRAPHQL_PARSE_FAILED", "Syntax error: the document is empty"),
        ("?query=%FF", 200, "GRAPHQL_PARSE_FAILED", "Syntax error: unexpected character"),
        // Following a link changes nothing.
        ("?query=mutation{anything}", 405, "METHOD_NOT_ALLOWED", "only POST executes mutations"),
        (
            "?query=mutation%20A{anything}",
            405,
            "METHOD_NOT_ALLOWED",
            "only POST executes mutations",
        ),
        ("?query=subscription{anything}", 405, "METHOD_NOT_ALLOWED", "expected a query"),
        (
            "?query=query%20A{__typename}mutation%20B{anything}&operationName=B",
            405,
            "METHOD_NOT_ALLOWED",
            "only POST",
        ),
        (
            "?query=query%20A{__typename}query%20B{__typename}",
            200,
            "GRAPHQL_VALIDATION_FAILED",
            "Operation name required",
        ),
    ] {
        let request = server.client.request(Method::GET, format!("{}/graphql{path}", server.url));
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), status, "{path}");
        let answer: Value = response.json().await.expect("JSON");
        let errors = errors_of(&answer);
        assert_eq!(errors[0]["extensions"]["code"], code, "{path} {answer:#}");
        assert!(errors[0]["message"].as_str().unwrap().contains(message), "{path} {answer:#}");
    }
}
