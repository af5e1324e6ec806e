//! Whatever is sent, the server answers, and none of its failures is its own.

use proptest::prelude::*;
use proptest::sample::Index;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Kind, TestDatabase, TestServer, errors_of, id, on_both_databases, property};

on_both_databases! {
    async fn any_change_to_a_query_is_answered(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let changes = prop::collection::vec((any::<Index>(), change()), 1..5);
        property(150, &changes, async |changes| {
            let mut words: Vec<_> = VALID.split_whitespace().collect();
            for (place, change) in changes {
                let place = place.index(words.len());
                match change {
                    Change::Remove => _ = words.remove(place),
                    Change::Repeat => words.insert(place, words[place]),
                    Change::Replace(word) => words[place] = word,
                    Change::Insert(word) => words.insert(place, word),
                }
            }
            let query = words.join(" ");
            for variables in [json!({}), json!({ "page": 1 << 30, "id": id(1), "search": "\u{0}" })] {
                let body = json!({ "query": query, "variables": variables }).to_string();
                assert_answered(&server, body.into_bytes()).await;
            }
        });
    }
}

/// A query that uses everything there is, in words that may be taken out or exchanged.
const VALID: &str = "query Q ( $page : Int = 0 , $id : UUID , $search : String ) { \
    jobs ( page : $page , take : 5 , states : [ FAILED , UNKNOWN ] , configurationId : $id , search : $search , \
    createdAfter : \"2026-01-01T00:00:00Z\" , orderBy : { field : NAME , direction : ASC } ) { ...P totalCount } \
    jobsConnection ( first : 3 , after : null ) { nodes { id } pageInfo { endCursor } } \
    jobRun ( id : \"018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f\" ) @include ( if : true ) { id isStale agent { name } } \
    __typename } fragment P on JobPage { items { id name currentRun { ... on JobRun { agentState } } } }";

#[derive(Clone, Debug)]
enum Change {
    Remove,
    Repeat,
    Replace(&'static str),
    Insert(&'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let word = || {
        prop::sample::select(
            [
                "{",
                "}",
                "(",
                ")",
                "[",
                "]",
                ":",
                "!",
                "$",
                "...",
                "@skip",
                "null",
                "true",
                "-1",
                "0",
                "201",
                "5e999",
                "2147483648",
                "99999999999999999999",
                "\"\"",
                "\"%\"",
                "\"\\u0000\"",
                "\"\"\"",
                "$id",
                "$page",
                "$nothing",
                "P",
                "Q",
                "...P",
                "on",
                "fragment",
                "mutation",
                "subscription",
                "Job",
                "__schema { types { name } }",
                "UNKNOWN",
                "\"9999-12-31T23:59:59.999999999Z\"",
                "\"0000-01-01T00:00:00-23:59\"",
                "\u{feff}",
                "\u{1f600}",
                "last",
                "before",
                "state : FAILED",
                "\"bm9uc2Vuc2U\"",
                "items",
                "edges",
                "#",
            ]
            .to_vec(),
        )
    };
    prop_oneof![
        Just(Change::Remove),
        Just(Change::Repeat),
        word().prop_map(Change::Replace),
        word().prop_map(Change::Insert),
    ]
}

/// That a body gets an answer that is no failure of the server's.
async fn assert_answered(server: &TestServer, body: Vec<u8>) {
    let request = server.client.post(format!("{}/graphql", server.url));
    let request = request.header(CONTENT_TYPE, "application/json").body(body);
    let response = request.send().await.expect("an answer");
    assert!([200, 400].contains(&response.status().as_u16()), "{}", response.status());
    let answer: Value = response.json().await.expect("JSON");
    errors_of(&answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_bytes_are_answered() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let text = "[ {}()\\[\\]:!$.\"\\\\a-z@#0-9\u{0}é\n]{0,40}";
    let bodies = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        text.prop_map(|query| json!({ "query": query }).to_string().into_bytes()),
        text.prop_map(String::into_bytes),
    ];
    property(300, &bodies, async |body| assert_answered(&server, body).await);
}
