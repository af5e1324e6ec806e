//! GraphQL over WebSocket, by the protocol graphql-transport-ws.

use entity::{JobState, job};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{
    Kind, PROTOCOL, Program, Said, Socket, TestDatabase, TestServer, errors_of, id, job, soon,
};

const EXECUTING: &str = "subscription { executingJobs { isSnapshot jobs { id } removed { id } } }";

async fn start() -> (TestDatabase, TestServer) {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    (database, server)
}

/// The code of the only error that an operation is answered with.
async fn refusal(socket: &mut Socket, query: &str) -> String {
    socket.subscribe("refused", query, json!({})).await;
    let message = socket.next().await;
    assert_eq!(
        (&message["type"], &message["id"]),
        (&json!("error"), &json!("refused")),
        "{query}\n{message:#}"
    );
    let errors = errors_of(&json!({ "errors": message["payload"] }));
    assert!(!errors.is_empty(), "{query}\n{message:#}");
    errors[0]["extensions"]["code"].as_str().expect("a code").to_owned()
}

/// What one operation is answered with, in the order in which it comes.
async fn answers(socket: &mut Socket, query: &str, variables: Value) -> Vec<Value> {
    socket.subscribe("op", query, variables).await;
    let mut answers = Vec::new();
    loop {
        let message = socket.next().await;
        assert_eq!(message["id"], "op");
        let is_last = message["type"] != "next";
        answers.push(message);
        if is_last {
            return answers;
        }
    }
}

#[tokio::test]
async fn only_graphql_transport_ws_is_spoken() {
    let (_database, server) = start().await;
    for offered in [PROTOCOL, "graphql-ws, graphql-transport-ws", "graphql-transport-ws, x"] {
        let (mut socket, chosen) = Socket::connect(&server.url, offered).await.unwrap();
        assert_eq!(chosen.as_deref(), Some(PROTOCOL), "{offered}");
        socket.send(json!({ "type": "connection_init", "payload": { "token": "t" } })).await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
    }
    for offered in ["graphql-ws", "graphql-transport-ws2", ""] {
        match Socket::connect(&server.url, offered).await {
            Ok((mut socket, chosen)) => {
                assert_eq!(chosen, None, "{offered}");
                assert_eq!(socket.close_code().await, Some(4406), "{offered}");
            }
            // A client may find for itself that the server speaks nothing of what it offered.
            Err(Error::Protocol(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn mistakes_close_the_socket_with_a_code() {
    let (_database, server) = start().await;
    let subscribe = |id: &str| {
        json!({ "type": "subscribe", "id": id, "payload": { "query": EXECUTING } }).to_string()
    };
    // Before an introduction, and after it.
    let before: [(&[String], u16); 2] = [
        (&[subscribe("1")], 4401),
        (
            &[
                json!({ "type": "connection_init" }).to_string(),
                json!({ "type": "connection_init" }).to_string(),
            ],
            4429,
        ),
    ];
    for (messages, code) in before {
        let (mut socket, _) = Socket::connect(&server.url, PROTOCOL).await.unwrap();
        for message in messages {
            socket.send_raw(Message::text(message)).await;
        }
        assert_eq!(socket.close_code().await, Some(code), "{messages:?}");
    }
    let after = [
        "",
        "hello",
        "[]",
        "{}",
        r#"{"type":"start","id":"1","payload":{"query":"{ x }"}}"#,
        r#"{"type":"connection_ack"}"#,
        r#"{"type":"subscribe","payload":{"query":"{ x }"}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{ x }"}}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ x }","variables":[]}}"#,
        r#"{"type":"complete"}"#,
    ];
    for message in after {
        let mut socket = Socket::open(&server.url).await;
        socket.send_raw(Message::text(message)).await;
        assert_eq!(socket.close_code().await, Some(4400), "{message}");
    }
    let mut socket = Socket::open(&server.url).await;
    socket.send_raw(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(socket.close_code().await, Some(4400));

    let mut socket = Socket::open(&server.url).await;
    socket.send_raw(Message::text(subscribe("1"))).await;
    socket.send_raw(Message::text(subscribe("1"))).await;
    assert_eq!(socket.close_code().await, Some(4409));
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_it() {
    let (_database, server) = start().await;
    let mut socket = Socket::open(&server.url).await;
    socket.send_raw(Message::text(" ".repeat((1 << 20) + 1))).await;
    // It is not read to its end, so that the goodbye may get lost with it.
    let code = socket.close_code().await;
    assert!(matches!(code, Some(1009) | None), "{code:?}");
}

#[tokio::test]
async fn who_does_not_introduce_itself_is_sent_away() {
    let (_database, server) = start().await;
    let (mut socket, _) = Socket::connect(&server.url, PROTOCOL).await.unwrap();
    assert_eq!(socket.close_code().await, Some(4408));
}

#[tokio::test]
async fn pings_are_answered() {
    let (_database, server) = start().await;
    let (mut socket, _) = Socket::connect(&server.url, PROTOCOL).await.unwrap();
    // Before the introduction, too.
    for payload in [None, Some(json!({ "n": 1.5, "text": "\u{1f600}" })), Some(Value::Null)] {
        let mut ping = json!({ "type": "ping" });
        let mut answer = json!({ "type": "pong" });
        if let Some(payload) = payload {
            ping["payload"] = payload.clone();
            if !payload.is_null() {
                answer["payload"] = payload;
            }
        }
        socket.send(ping).await;
        assert_eq!(socket.next().await, answer);
    }
    socket.send(json!({ "type": "pong", "payload": {} })).await;
    socket.send(json!({ "type": "pong" })).await;
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
}

#[tokio::test]
async fn a_goodbye_is_answered() {
    let (_database, server) = start().await;
    let mut socket = Socket::open(&server.url).await;
    socket.subscribe("1", EXECUTING, json!({})).await;
    socket.next().await;
    socket.close().await;
    assert_eq!(socket.read().await, Said::Close(None), "an answer without a code, as it was sent");
}

#[tokio::test]
async fn queries_and_mutations_are_answered_once() {
    let (_database, server) = start().await;
    server.insert::<job::Entity>(&[job(1)]).await;
    let mut socket = Socket::open(&server.url).await;
    let query = "query($id: UUID!) { job(id: $id) { name } }";
    assert_eq!(
        answers(&mut socket, query, json!({ "id": id(1) })).await,
        [
            json!({ "type": "next", "id": "op", "payload": { "data": { "job": { "name": "Job 1" } } } }),
            json!({ "type": "complete", "id": "op" }),
        ]
    );
    let mutation = "mutation { registerAgent(input: { name: \"A\" }) { agent { name } } }";
    let answered = answers(&mut socket, mutation, json!({})).await;
    assert_eq!(
        answered[0]["payload"]["data"]["registerAgent"]["agent"]["name"], "A",
        "{answered:#?}"
    );
    assert_eq!(answered.len(), 2);
    // An error of a field is data; one of the request is not.
    let query = "query($id: UUID!) { job(id: $id) { name } }";
    let answered = answers(&mut socket, query, json!({ "id": "no" })).await;
    assert_eq!(answered[0]["type"], "next");
    assert_eq!(errors_of(&answered[0]["payload"])[0]["extensions"]["code"], "BAD_USER_INPUT");
    for query in ["{ nope }", "{", "query { jobs { items } }"] {
        let answered = answers(&mut socket, query, json!({})).await;
        assert_eq!((answered.len(), &answered[0]["type"]), (1, &json!("error")), "{answered:#?}");
    }
    // One that is ended before it answers is not answered, and its id is free again.
    socket.subscribe("op", EXECUTING, json!({})).await;
    socket.send(json!({ "type": "complete", "id": "op" })).await;
    socket.subscribe("last", "{ __typename }", json!({})).await;
    loop {
        let message = socket.next().await;
        assert_ne!(message["type"], "complete");
        if message["id"] == "last" {
            break;
        }
    }
}

#[tokio::test]
async fn a_subscription_has_exactly_one_root_field() {
    let (_database, server) = start().await;
    let mut socket = Socket::open(&server.url).await;
    for query in [
        "subscription { a: executingJobs { isSnapshot } b: executingJobs { isSnapshot } }",
        "subscription { executingJobs { isSnapshot } jobCounts { total } }",
        "subscription { executingJobs { isSnapshot } ...F } fragment F on Subscription { jobCounts { total } }",
        "subscription { executingJobs { isSnapshot } __typename }",
        "subscription { __typename }",
        "subscription { ...F } fragment F on Subscription { __typename }",
        "subscription { __schema { queryType { name } } }",
        "subscription { executingJobs @skip(if: true) { isSnapshot } }",
        "subscription($no: Boolean = false) { executingJobs @include(if: $no) { isSnapshot } }",
        "subscription { ...F }",
        "subscription { ...F executingJobs { isSnapshot } }",
        "subscription { ...F executingJobs { isSnapshot } } fragment F on Nope { id }",
        "subscription { ...F } fragment F on Job { executingJobs { isSnapshot } }",
        "subscription { ... on Query { executingJobs { isSnapshot } } }",
        "subscription { ...F } fragment F on Subscription { ...F }",
        // Which of the two arguments would count?
        "subscription { jobCounts { total } jobCounts(configurationId: null) { total } }",
        "subscription { executingJobs { isSnapshot } executingJobs(configurationId: \"0190a000-0000-7000-8000-000000000001\") { isSnapshot } }",
        "subscription { x: executingJobs { isSnapshot } x: jobCounts { total } }",
        "subscription { executingJobs { nope } }",
        "subscription { nope }",
        "subscription { executingJobs }",
        "subscription { executingJobs { isSnapshot ...F } } fragment F on Job { id }",
        "subscription { executingJobs { isSnapshot } } fragment Unused on Job { id }",
        "subscription A { executingJobs { isSnapshot } } subscription B { jobCounts { total } }",
    ] {
        assert_eq!(refusal(&mut socket, query).await, "GRAPHQL_VALIDATION_FAILED", "{query}");
    }
    for query in [
        "subscription { jobRun(id: \"no\") { id } }",
        "subscription($id: UUID!) { jobRun(id: $id) { id } }",
        "subscription { executingJobs(configurationId: 7) { isSnapshot } }",
    ] {
        assert_eq!(refusal(&mut socket, query).await, "BAD_USER_INPUT", "{query}");
    }
    assert_eq!(server.live.subscription_count(), 0, "what is refused leaves nothing behind");
}

#[tokio::test]
async fn fragments_at_the_root_are_part_of_it() {
    let (_database, server) = start().await;
    server.insert::<job::Entity>(&[job::Model { state: JobState::Executing, ..job(1) }]).await;
    let mut socket = Socket::open(&server.url).await;
    let expected = json!({ "isSnapshot": true, "jobs": [{ "id": id(1), "name": "Job 1" }] });
    for query in [
        "subscription { ...F } fragment F on Subscription { executingJobs { isSnapshot jobs { id name } } }",
        "subscription { ...F ...G } fragment F on Subscription { executingJobs { isSnapshot } }
         fragment G on Subscription { ...F ... { executingJobs { jobs { ...J } } } } fragment J on Job { id name }",
        "subscription { ... on Subscription { executingJobs { isSnapshot jobs { id } } } executingJobs { jobs { name } } }",
        "subscription { ... @include(if: true) { executingJobs { isSnapshot jobs { id name } } } jobCounts @skip(if: true) { total } }",
        "subscription($all: Boolean = true) { executingJobs { isSnapshot jobs { id name } } ...F @skip(if: $all) }
         fragment F on Subscription { executingJobs { removed { id } } }",
        "subscription A { executingJobs { isSnapshot jobs { id name } } }",
    ] {
        socket.subscribe("1", query, json!({})).await;
        let message = socket.next().await;
        assert_eq!(message["payload"], json!({ "data": { "executingJobs": expected } }), "{query}\n{message:#}");
        socket.send(json!({ "type": "complete", "id": "1" })).await;
    }
    // One of several operations, by its name; and what a field is called.
    let query = "subscription A { jobCounts { total } } subscription B { n: jobCounts { executing } } query C { x: __typename }";
    let payload = json!({ "query": query, "operationName": "B" });
    socket.send(json!({ "type": "subscribe", "id": "2", "payload": payload })).await;
    assert_eq!(socket.next().await["payload"], json!({ "data": { "n": { "executing": 1 } } }));
}

#[tokio::test]
async fn operations_at_a_time_are_limited() {
    let (_database, server) = start().await;
    let mut socket = Socket::open(&server.url).await;
    for n in 0..100 {
        socket.subscribe(&n.to_string(), EXECUTING, json!({})).await;
        assert_eq!(socket.next().await["type"], "next");
    }
    assert_eq!(refusal(&mut socket, EXECUTING).await, "TOO_MANY_OPERATIONS");
    assert_eq!(refusal(&mut socket, "{ __typename }").await, "TOO_MANY_OPERATIONS");
    socket.send(json!({ "type": "complete", "id": "50" })).await;
    socket.subscribe("new", EXECUTING, json!({})).await;
    let message = socket.next().await;
    assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!("new")));
}

#[tokio::test]
async fn complete_stops_an_operation() {
    let (_database, server) = start().await;
    let mut socket = Socket::open(&server.url).await;
    socket.subscribe("stays", "subscription { jobCounts { total } }", json!({})).await;
    socket.next().await;
    socket.subscribe("goes", EXECUTING, json!({})).await;
    socket.next().await;
    socket.send(json!({ "type": "complete", "id": "goes" })).await;
    // One that never was may have ended by itself.
    socket.send(json!({ "type": "complete", "id": "never" })).await;
    // The group of the one that was stopped goes; a group looks when something happens.
    soon(async {
        while server.live.subscription_count() > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    for n in 1..=3 {
        server.insert::<job::Entity>(&[job::Model { state: JobState::Executing, ..job(n) }]).await;
        let message = socket.next().await;
        assert_eq!(message["id"], "stays");
        assert_eq!(message["payload"]["data"]["jobCounts"]["total"], n);
    }
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (server, url) = Program::serve("serve", database.url());
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = Socket::open(&url).await;
        socket.subscribe("1", EXECUTING, json!({})).await;
        socket.next().await;
        sockets.push(socket);
    }
    let stopping = tokio::task::spawn_blocking(|| server.signal("TERM").ok());
    for socket in &mut sockets {
        assert_eq!(socket.read().await, Said::Close(Some(1012)));
    }
    stopping.await.expect("it stops");
}

#[tokio::test]
async fn a_mutation_that_runs_is_answered_before_the_server_stops() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (server, url) = Program::serve("serve", database.url());
    let mut socket = Socket::open(&url).await;
    let register = "mutation { registerAgent(input: { name: \"A\" }) { agent { id } } }";
    let answered = answers(&mut socket, register, json!({})).await;
    let agent = &answered[0]["payload"]["data"]["registerAgent"]["agent"]["id"];
    // Nothing is there to claim, so it waits.
    let claim = "mutation($agent: UUID!) { claimJob(input: { agentId: $agent, wait: 1500 }) { attempt { runId } refusal { code } } }";
    socket.subscribe("claim", claim, json!({ "agent": agent })).await;
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
    let stopping = tokio::task::spawn_blocking(|| server.signal("TERM").ok());
    let answer = socket.next().await;
    let nothing = json!({ "attempt": null, "refusal": null });
    assert_eq!(answer["payload"]["data"]["claimJob"], nothing, "{answer:#}");
    assert_eq!(socket.next().await["type"], "complete");
    assert_eq!(socket.read().await, Said::Close(Some(1012)));
    stopping.await.expect("it stops");
}
