//! Clients that take too much, send too slowly or read too slowly: each is refused or let go, and a
//! client beside them is served.

use std::io::Write as _;
use std::time::Duration;

use agent_jobs::db::{self, ConnectOptions, Sql};
use agent_jobs::error::{ApiError, ErrorCode};
use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use entity::job;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::{
    ForeignWriter, Kind, Program, Socket, TestDatabase, TestServer, client, errors_of, job,
    on_both_databases, socket,
};

/// Long enough for a busy machine, and far too short for what is waited for in vain.
const TIMEOUT: Duration = Duration::from_secs(30);

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("it listens")
}

/// What the server says until it closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    timeout(TIMEOUT, stream.read_to_end(&mut text)).await.expect("it is let go").ok();
    String::from_utf8_lossy(&text).into_owned()
}

async fn assert_served(server: &TestServer) {
    let answer = timeout(TIMEOUT, server.query("{ __typename }", json!({}))).await;
    assert_eq!(answer.expect("it answers")["__typename"], "Query");
}

/// Asks as one of the clients behind a proxy.
async fn ask_as(server: &TestServer, client: &str, path: &str) -> reqwest::Response {
    let request = server.client.get(format!("{}{path}", server.url));
    request.header("x-forwarded-for", client).send().await.expect("an answer")
}

const QUERY: &str = "/graphql?query=%7B__typename%7D";

fn behind_a_proxy() -> HttpOptions {
    HttpOptions { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..HttpOptions::default() }
}

on_both_databases! {
    async fn the_database_gives_up_what_takes_too_long(database: TestDatabase) {
        database.open().await.close().await;
        let target = database.url().parse().expect("a URL");
        let db = db::connect_with(&target, &ConnectOptions { statement_timeout: Some(Duration::from_millis(200)), ..ConnectOptions::default() }).await.expect("connecting");
        for _ in 0..3 {
            let mut sql = Sql::new(db.backend());
            sql.push_either(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
                "SELECT pg_sleep(3600)",
            );
            let failed = timeout(TIMEOUT, sql.one(db.reader())).await.expect("it is given up").unwrap_err();
            assert_eq!(ApiError::from(failed).code, ErrorCode::RequestTimeout);
            // The connection is as good as before.
            let mut sql = Sql::new(db.backend());
            sql.push("SELECT 1");
            assert!(sql.one(db.reader()).await.expect("reading").is_some());
        }
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_answered_and_ended() {
    let database = TestDatabase::create(Kind::Postgres).await;
    database.open().await.close().await;
    let options = ["--request-timeout", "500ms"];
    let (server, url) = Program::serve_with("serve", database.url(), &options);
    let mut holder = ForeignWriter::connect(&database).await;
    holder.execute("BEGIN").await;
    holder.execute("LOCK TABLE job IN ACCESS EXCLUSIVE MODE").await;
    let client = client();
    let ask = async |accept: &str| {
        let request = client.post(format!("{url}/graphql")).header("accept", accept);
        let request = request.json(&json!({ "query": "{ jobs { items { id } } }" }));
        let answer = timeout(TIMEOUT, request.send()).await.expect("in time").expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    for (accept, status) in [("application/json", 200), ("application/graphql-response+json", 503)]
    {
        let (found, answer) = ask(accept).await;
        assert_eq!(errors_of(&answer)[0]["extensions"]["code"], "REQUEST_TIMEOUT", "{answer}");
        // It may be the database that has noticed first, in the middle of the execution.
        assert!([status, 294].contains(&found), "{accept} {found}");
    }
    let problem = client.get(format!("{url}/api/v1/jobs?page=0")).send().await.expect("an answer");
    assert_eq!(problem.status(), 503);
    holder.execute("ROLLBACK").await;
    let (_, answer) = ask("application/json").await;
    assert_eq!(answer, json!({ "data": { "jobs": { "items": [] } } }));
    server.signal("TERM").ok();
}

/// Whatever it sends them by: the root fields of one document, REST, files, and the look-ups of bulk
/// mutations. The lock holds up what looks for a text in messages, and nothing else that is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_one_statement_without_an_index_at_a_time() {
    let database = TestDatabase::create(Kind::Postgres).await;
    database.open().await.close().await;
    let options = ["--trusted-proxies", "127.0.0.1", "--request-timeout", "2m"];
    let (server, url) = Program::serve_with("serve", database.url(), &options);
    let mut holder = ForeignWriter::connect(&database).await;
    holder.execute("BEGIN").await;
    holder.execute("LOCK TABLE job_run IN ACCESS EXCLUSIVE MODE").await;
    let mut observer = ForeignWriter::connect(&database).await;
    // The beginnings of statements, which is all that is shown there.
    let mut count_waiting = async || {
        let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
            AND wait_event_type = 'Lock' AND (query LIKE '%job_run.agent_result_message%' \
            OR query LIKE '%found_id AS id%')";
        observer.execute(waiting).await
    };

    let client = client();
    let list = "jobs(filter: { messageContains: \"quota\" }) { items { id } totalCount }";
    let document = format!("{{ a: {list} b: {list} c: {list} }}");
    let filter = "input: { filter: { messageContains: \"quota\" }, dryRun: true }";
    let ask = |from: &str, query: &str| {
        let request = client.post(format!("{url}/graphql")).header("x-forwarded-for", from);
        request.json(&json!({ "query": query }))
    };
    let get = |path: &str| {
        client
            .get(format!("{url}/api/v1/{path}messageContains=quota"))
            .header("x-forwarded-for", "9.9.9.9")
    };
    let attacks = [
        ask("9.9.9.9", &document),
        ask("9.9.9.9", &document),
        ask("9.9.9.9", &format!("mutation {{ retryJobs({filter}) {{ matchedCount }} }}")),
        ask("9.9.9.9", &format!("mutation {{ requestCancellation({filter}) {{ matchedCount }} }}")),
        get("jobs?"),
        get("jobs.csv?"),
    ];
    let attacks: Vec<_> = attacks.map(|request| tokio::spawn(request.send())).into();
    let mut tries = 0;
    while count_waiting().await == 0 {
        tries += 1;
        assert!(tries < 300, "nothing is held up");
        sleep(Duration::from_millis(100)).await;
    }
    for query in [
        "{ jobs { items { id } totalCount } }",
        "{ jobs(filter: { search: \"x\" }) { items { id } } }",
        "{ a: jobs(filter: { search: \"x\" }) { page } b: jobs(filter: { scheduledAfter: \"9999-01-01T00:00:00Z\" }) { page } }",
    ] {
        for _ in 0..10 {
            let answer = timeout(TIMEOUT, ask("8.8.8.8", query).send()).await.expect("in time");
            let answer: Value = answer.expect("an answer").json().await.expect("JSON");
            assert!(answer.get("errors").is_none(), "{query} {answer}");
        }
    }
    assert_eq!(count_waiting().await, 1);
    holder.execute("ROLLBACK").await;
    for attack in attacks {
        let answer = timeout(TIMEOUT, attack).await.expect("in time").expect("sending");
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.expect("text");
        assert!(!text.contains("errors"), "{text}");
    }
    server.signal("TERM").ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_connections_are_let_go() {
    let options = HttpOptions { client_timeout: Duration::from_secs(3), ..HttpOptions::default() };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let mut streams = Vec::new();
    for n in 0..2_000_usize {
        let mut stream = connect(&server).await;
        let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        // Some have sent nothing, others nearly everything.
        stream.write_all(&head.as_bytes()[..n % head.len()]).await.expect("it reads");
        streams.push(stream);
        if n % 500 == 0 {
            assert_served(&server).await;
        }
    }
    assert_served(&server).await;
    for stream in streams {
        let said = rest(stream).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    assert_served(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_slowly_is_refused() {
    let options = HttpOptions { request_timeout: Duration::from_secs(1), ..HttpOptions::default() };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = connect(&server).await;
        let start = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
            Content-Length: 27\r\nConnection: close\r\n\r\n{\"query\":";
        stream.write_all(start.as_bytes()).await.expect("it reads");
        slow.push(stream);
    }
    assert_served(&server).await;
    for stream in slow {
        let said = rest(stream).await;
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
        assert!(said.contains("\"code\":\"BODY_TIMEOUT\""), "{said}");
    }
}

/// A body may take no longer than a request, on whatever route: one that stalls, and one that trickles.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_limits_the_time_of_a_body() {
    let options = HttpOptions { request_timeout: Duration::from_secs(1), ..HttpOptions::default() };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let sent = [
        ("/graphql", "application/json", "408"),
        ("/sign-in", "application/x-www-form-urlencoded", "408"),
        // These do not read a body, so they respond at once.
        ("/sign-out", "application/x-www-form-urlencoded", "303"),
        ("/api/v1/jobs", "application/json", "405"),
        ("/healthz", "application/json", "405"),
        ("/", "application/json", "405"),
    ];
    let mut waiting = Vec::new();
    for (path, media_type, status) in sent {
        for trickles in [false, true] {
            let mut stream = connect(&server).await;
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\n\
                 Content-Type: {media_type}\r\n\
                 Content-Length: 100000\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.expect("it reads");
            let (mut reader, mut writer) = stream.into_split();
            // Dropping the writer would end the body.
            let trickle = tokio::spawn(async move {
                while !trickles || writer.write_all(b"x").await.is_ok() {
                    sleep(Duration::from_millis(100)).await;
                }
            });
            waiting.push(async move {
                let mut said = [0; 12];
                let read = timeout(TIMEOUT, reader.read_exact(&mut said)).await;
                read.unwrap_or_else(|_| panic!("{path} waits for the body")).expect("a response");
                assert_eq!(String::from_utf8_lossy(&said), format!("HTTP/1.1 {status}"), "{path}");
                trickle.abort();
            });
        }
    }
    join_all(waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_let_go() {
    let options = HttpOptions {
        client_timeout: Duration::from_secs(1),
        max_client_streams: 1,
        ..behind_a_proxy()
    };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    // More than all buffers on the way hold.
    let name = "x".repeat(4_000);
    let jobs: Vec<_> =
        (0..5_000).map(|n| job::Model { name: Some(name.clone()), ..job(n) }).collect();
    for jobs in jobs.chunks(1_000) {
        server.insert::<job::Entity>(jobs).await;
    }
    let mut deaf = connect(&server).await;
    let request = "GET /api/v1/jobs.csv HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n";
    deaf.write_all(request.as_bytes()).await.expect("it reads");
    let mut start = [0; 12];
    deaf.read_exact(&mut start).await.expect("it answers");
    assert_eq!(&start, b"HTTP/1.1 200");
    let answer = ask_as(&server, "9.9.9.9", "/api/v1/jobs.csv?state=Failed").await;
    assert_eq!(answer.status(), 429);
    let problem: Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "TOO_MANY_STREAMS");
    // Others read theirs meanwhile.
    let others = ask_as(&server, "8.8.8.8", "/api/v1/jobs.csv?fields=Id").await;
    assert_eq!(others.text().await.expect("a file").lines().count(), 5_001);
    let mut tries = 0;
    while ask_as(&server, "9.9.9.9", "/api/v1/jobs.csv?state=Failed").await.status() == 429 {
        tries += 1;
        assert!(tries < 300, "it holds its place for ever");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_too_often_waits_and_others_do_not() {
    let options = HttpOptions { max_client_rate: 1, ..behind_a_proxy() };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let mut refused = None;
    for _ in 0..100 {
        let answer = ask_as(&server, "9.9.9.9", QUERY).await;
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status(), 200);
    }
    let refused = refused.expect("it is too much");
    assert_eq!(refused.headers()["retry-after"], "1");
    let answer: Value = refused.json().await.expect("JSON");
    assert_eq!(errors_of(&answer)[0]["extensions"], json!({ "code": "RATE_LIMITED", "limit": 1 }));
    assert_eq!(ask_as(&server, "8.8.8.8", QUERY).await.status(), 200);
    assert_eq!(ask_as(&server, "8.8.8.8", "/api/v1/jobs").await.status(), 200);
    // The pages and the health are for everybody.
    assert_eq!(ask_as(&server, "9.9.9.9", "/healthz").await.status(), 200);
    for _ in 0..20 {
        assert_served(&server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_for_too_much_waits_and_others_do_not() {
    let options = HttpOptions {
        max_client_cost: 1,
        request_timeout: Duration::from_secs(2),
        ..behind_a_proxy()
    };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let list = "/graphql?query={jobs(take:200){items{id name state createdDate updateDate}}}";
    for path in [list, "/api/v1/jobs?take=200", "/api/v1/jobs.csv", "/api/v1/jobs?search=x"] {
        // One goes through each second.
        let answers = join_all((0..6).map(|_| ask_as(&server, "9.9.9.9", path))).await;
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status().as_u16()).collect();
        assert!(statuses.contains(&200), "{path} {statuses:?}");
        let mut late = 0;
        for answer in answers {
            late += usize::from(answer.text().await.expect("text").contains("REQUEST_TIMEOUT"));
        }
        assert!(late > 0, "{path} {statuses:?}");
        // Nor does it itself for what is short.
        assert_eq!(ask_as(&server, "9.9.9.9", QUERY).await.status(), 200);
        assert_eq!(ask_as(&server, "8.8.8.8", path).await.status(), 200);
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_too_much_waits_and_others_do_not() {
    let options = HttpOptions {
        max_client_cost: 1,
        max_body_bytes: 100_000,
        request_timeout: Duration::from_secs(2),
        ..behind_a_proxy()
    };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let send = async |client: &str, bytes: usize, is_compressed: bool| {
        let body = json!({ "query": "{ __typename }", "variables": { "x": "y".repeat(bytes) } });
        let mut request = server.client.post(format!("{}/graphql", server.url));
        request = request.header("x-forwarded-for", client).json(&body);
        if is_compressed {
            request = request.header("content-encoding", "gzip").body(gzip(&body.to_string()));
        }
        request.send().await.expect("an answer").status().as_u16()
    };
    for (bytes, is_compressed, status) in
        [(90_000, false, 200), (200_000, false, 413), (90_000, true, 200), (200_000, true, 413)]
    {
        let answers = join_all((0..6).map(|_| send("9.9.9.9", bytes, is_compressed))).await;
        assert!(answers.contains(&status), "{answers:?}");
        assert!(answers.contains(&408), "{answers:?}");
        assert_eq!(send("9.9.9.9", 20_000, is_compressed).await, 200);
        assert_eq!(send("8.8.8.8", bytes, is_compressed).await, status);
        sleep(Duration::from_secs(1)).await;
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

async fn hear(socket: &mut Socket) -> Value {
    timeout(TIMEOUT, socket.next()).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_socket_sends_counts_as_a_request() {
    let options = HttpOptions { max_client_rate: 1, ..behind_a_proxy() };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let as_one = [("x-forwarded-for", "9.9.9.9")];
    let mut socket = socket::connect(&server, &as_one).await.expect("a place");
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(hear(&mut socket).await["type"], "connection_ack");
    // A slow machine may have given it another request by then. Three are fewer than it may send.
    let mut statuses = Vec::new();
    for _ in 0..3 {
        for _ in 0..4 {
            socket.send(json!({ "type": "ping" })).await;
            assert_eq!(hear(&mut socket).await["type"], "pong");
        }
        statuses.push(ask_as(&server, "9.9.9.9", QUERY).await.status().as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(ask_as(&server, "8.8.8.8", QUERY).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_only_so_many_sockets() {
    let options = HttpOptions { max_client_streams: 3, ..behind_a_proxy() };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let as_one = [("x-forwarded-for", "9.9.9.9")];
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(socket::connect(&server, &as_one).await.expect("a place"));
    }
    let refused = socket::connect(&server, &as_one).await.expect_err("no place");
    assert!(refused.to_string().contains("429"), "{refused}");
    let events = ask_as(&server, "9.9.9.9", "/api/v1/jobs/executing/events").await;
    assert_eq!(events.status(), 429);
    socket::connect(&server, &[("x-forwarded-for", "8.8.8.8")]).await.expect("a place");
    drop(open);
    let mut tries = 0;
    while socket::connect(&server, &as_one).await.is_err() {
        tries += 1;
        assert!(tries < 300, "its places are lost");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_only_so_many_subscriptions_on_all_its_sockets() {
    let options = HttpOptions { max_client_streams: 4, ..behind_a_proxy() };
    let (server, _database) = TestServer::start_guarded(Rules::default(), options).await;
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let as_one = [("x-forwarded-for", "9.9.9.9")];
        let mut socket = socket::connect(&server, &as_one).await.expect("a place");
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(hear(&mut socket).await["type"], "connection_ack");
        sockets.push(socket);
    }
    let payload = json!({ "query": "subscription { jobCounts { total } }" });
    let subscribe = |id| json!({ "type": "subscribe", "id": id, "payload": payload });
    for socket in &mut sockets {
        socket.send(subscribe("1")).await;
        assert_eq!(hear(socket).await["type"], "next");
    }
    sockets[0].send(subscribe("2")).await;
    let refused = hear(&mut sockets[0]).await;
    let expected = json!({ "code": "TOO_MANY_STREAMS", "limit": 4 });
    assert_eq!(refused["payload"][0]["extensions"], expected, "{refused:#}");
    // Queries need no place, and one that is given back can be taken.
    let query = json!({ "type": "subscribe", "id": "3", "payload": { "query": "{ __typename }" } });
    sockets[0].send(query).await;
    assert_eq!(hear(&mut sockets[0]).await["type"], "next");
    assert_eq!(hear(&mut sockets[0]).await["type"], "complete");
    sockets[0].send(json!({ "type": "complete", "id": "1" })).await;
    sockets[0].send(subscribe("4")).await;
    assert_eq!(hear(&mut sockets[0]).await["type"], "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_like_sql_or_a_pattern_is_a_text() {
    let (server, _database) =
        TestServer::start_guarded(Rules::default(), HttpOptions::default()).await;
    let names = ["plain", "100%", "under_score", "back\\slash", "quote'); DROP TABLE job; --"];
    let jobs: Vec<_> = (0..)
        .zip(names)
        .map(|(n, name)| job::Model { name: Some(name.to_owned()), ..job(n) })
        .collect();
    server.insert::<job::Entity>(&jobs).await;
    for (search, expected) in [
        ("%", vec!["100%"]),
        ("_", vec!["under_score"]),
        ("\\", vec!["back\\slash"]),
        ("'); DROP TABLE job; --", vec!["quote'); DROP TABLE job; --"]),
        ("' OR 1=1", vec![]),
        ("_lain", vec![]),
        ("*", vec![]),
    ] {
        let query = "query($s: String) { jobs(filter: { search: $s }) { items { name } } }";
        let data = server.query(query, json!({ "s": search })).await;
        let found: Vec<_> = data["jobs"]["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| item["name"].as_str().unwrap_or_default())
            .collect();
        assert_eq!(found, expected, "{search}");
    }
}

/// What a client sends comes back in messages and goes into the log: never as a header or a line of its
/// own.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_headers_or_log_lines() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (server, url) = Program::serve_with("serve", database.url(), &[]);
    let client = client();
    let forged = "x%0D%0ASet-Cookie:%20a=b%0D%0A2026-01-01T00:00:00Z%20ERROR%20forged";
    for path in [
        format!("/api/v1/jobs?page={forged}"),
        format!("/api/v1/{forged}"),
        format!("/graphql?query=%7B__typename%7D&operationName={forged}"),
        format!("/graphql?query={forged}"),
        format!("/{forged}"),
    ] {
        let answer = client.get(format!("{url}{path}")).send().await.expect("an answer");
        assert!(answer.headers().get("set-cookie").is_none(), "{path}");
    }
    let output = server.signal("TERM").ok();
    assert!(
        !output.stderr.lines().any(|line| line.starts_with("2026-01-01T00:00:00Z ERROR")),
        "{output:#?}"
    );
}
