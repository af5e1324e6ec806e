//! Documents that are named instead of sent.

use agent_jobs::graphql::{Persisted, Rules};
use agent_jobs::http::HttpOptions;
use serde_json::{Value, json};

use crate::support::{Kind, TestDatabase, TestServer, agent_jobs, errors_of, socket};

const QUERY: &str = "{__typename}";
const HASH: &str = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";

async fn post(server: &TestServer, body: &Value) -> Value {
    let request = server.client.post(format!("{}/graphql", server.url)).json(body);
    request.send().await.unwrap().json().await.unwrap()
}

#[track_caller]
fn code(answer: &Value) -> String {
    errors_of(answer)[0]["extensions"]["code"].as_str().unwrap().to_owned()
}

fn automatic(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_sent_once_and_named_from_then_on() {
    let (server, _database) =
        TestServer::start_guarded(Rules::default(), HttpOptions::default()).await;
    let extensions = automatic(HASH).to_string();
    let answered = json!({ "data": { "__typename": "Query" } });

    assert_eq!(
        code(&post(&server, &json!({ "extensions": automatic(HASH) })).await),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    assert_eq!(
        code(&server.get(&[("extensions", &extensions)]).await),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    assert_eq!(
        code(&server.get(&[("documentId", &format!("sha256:{HASH}"))]).await),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    let wrong = json!({ "query": "{ __typename }", "extensions": automatic(HASH) });
    assert_eq!(code(&post(&server, &wrong).await), "PERSISTED_QUERY_HASH_MISMATCH");
    assert_eq!(
        code(&post(&server, &json!({ "extensions": automatic(HASH) })).await),
        "PERSISTED_QUERY_NOT_FOUND"
    );

    assert_eq!(
        post(&server, &json!({ "query": QUERY, "extensions": automatic(HASH) })).await,
        answered
    );
    assert_eq!(post(&server, &json!({ "extensions": automatic(HASH) })).await, answered);
    assert_eq!(
        post(&server, &json!({ "query": null, "documentId": format!("sha256:{HASH}") })).await,
        answered
    );
    assert_eq!(server.get(&[("extensions", &extensions)]).await, answered);
    assert_eq!(server.get(&[("documentId", &format!("sha256:{HASH}"))]).await, answered);
    assert_eq!(
        socket::ask(&server, &json!({ "extensions": automatic(HASH) })).await["payload"],
        answered
    );

    // One that may not be executed is not kept either.
    let large = format!("{{ {} }}", "__typename ".repeat(30));
    let hash = "37d6d3b5a9b7c27e2e2b8f4c4ec1a05f";
    assert_eq!(
        code(&post(&server, &json!({ "query": large, "documentId": hash })).await),
        "PERSISTED_QUERY_HASH_MISMATCH"
    );
    for (extension, expected) in [
        (json!({ "version": 2, "sha256Hash": HASH }), "PERSISTED_QUERY_NOT_SUPPORTED"),
        (json!({ "version": 1 }), "BAD_REQUEST"),
        (json!("x"), "BAD_REQUEST"),
        (json!({ "version": 1, "sha256Hash": 5 }), "BAD_REQUEST"),
    ] {
        let body = json!({ "query": QUERY, "extensions": { "persistedQuery": extension } });
        assert_eq!(code(&post(&server, &body).await), expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_on_the_list_runs() {
    let list = json!({ HASH: QUERY, "counts": "{ jobCounts { total } }",
        "watch": "subscription { jobCounts { total } }", "queue": "mutation { __typename }" });
    let rules =
        Rules { persisted: Persisted::only(&list.to_string()).unwrap(), ..Rules::default() };
    let (server, _database) = TestServer::start_guarded(rules, HttpOptions::default()).await;
    let answered = json!({ "data": { "__typename": "Query" } });
    let counted = json!({ "data": { "jobCounts": { "total": 0 } } });

    for body in [
        json!({ "documentId": HASH }),
        json!({ "documentId": format!("sha256:{HASH}") }),
        json!({ "extensions": automatic(HASH) }),
        json!({ "query": QUERY }),
        json!({ "query": QUERY, "extensions": automatic(HASH) }),
    ] {
        assert_eq!(post(&server, &body).await, answered, "{body}");
        assert_eq!(socket::ask(&server, &body).await["payload"], answered, "{body}");
    }
    assert_eq!(server.get(&[("documentId", "counts")]).await, counted);
    // Its text is what is on the list, whatever comes with the name.
    assert_eq!(
        post(
            &server,
            &json!({ "documentId": "counts", "query": "{ __schema { types { name } } }" })
        )
        .await,
        counted
    );
    for body in [
        json!({ "query": "{ __typename }" }),
        json!({ "query": "{ jobCounts { total } } " }),
        json!({ "documentId": "nothing" }),
        json!({ "query": "{ x }", "extensions": automatic("0".repeat(64).as_str()) }),
    ] {
        assert_eq!(code(&post(&server, &body).await), "PERSISTED_DOCUMENT_REQUIRED", "{body}");
        let told = socket::ask(&server, &body).await;
        assert_eq!(
            told["payload"][0]["extensions"]["code"], "PERSISTED_DOCUMENT_REQUIRED",
            "{body}"
        );
    }
    assert_eq!(code(&post(&server, &json!({})).await), "BAD_REQUEST");
    assert_eq!(code(&server.get(&[("documentId", "queue")]).await), "METHOD_NOT_ALLOWED");
    let watched = socket::ask(&server, &json!({ "documentId": "watch" })).await;
    assert_eq!(watched["payload"], counted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_none_keeps_the_server_from_starting() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let path = database.folder().join("documents.json").display().to_string();
    for (content, exit_code, problem) in [
        (None, 66, "No such file"),
        (Some("[]"), 66, "expected a JSON object of documents by their ids"),
        (Some(r#"{"a": "{ jobs {"}"#), 65, "Syntax error: unexpected end of the document"),
        (Some(r#"{"sha256:12": "{ __typename }"}"#), 66, "the document's hash is"),
    ] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            database.url(),
            "--persisted-documents",
            &path,
        ];
        let output = agent_jobs(&arguments, b"");
        assert_eq!((output.code, output.stdout.as_str()), (exit_code, ""), "{output:#?}");
        assert!(output.stderr.contains(problem), "{output:#?}");
    }
}
