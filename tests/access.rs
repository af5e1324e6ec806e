//! Tokens, of the service's own and of an issuer, and signing in with one from a browser.

use std::time::Duration;

use agent_jobs::access::{Role, token};
use agent_jobs::clock;
use agent_jobs::jobs::scope::Scope;
use entity::{JobState, Timestamp, agent, job, job_run};
use reqwest::StatusCode;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;

use crate::support::{
    Kind, Program, Said, Socket, TestDatabase, TestServer, agent, agent_jobs, client_builder, id,
    job, job_run, on_both_databases, socket,
};

/// Long enough for anything that takes seconds at most.
const SOON: Duration = Duration::from_secs(30);

const WHO: &str = "query { principal { name role } }";

async fn connect(server: &TestServer, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
    socket::connect(server, headers).await.map_err(|error| match error {
        Error::Http(response) => response.status().as_u16(),
        error => panic!("{error}"),
    })
}

/// The next message, or the code that the socket is closed with.
async fn receive(socket: &mut Socket) -> Result<Value, u16> {
    match timeout(SOON, socket.read()).await.expect("something comes") {
        Said::Message(message) => Ok(message),
        Said::Close(code) => Err(code.expect("a code")),
    }
}

async fn init(socket: &mut Socket, payload: Value) -> Result<Value, u16> {
    socket.send(json!({ "type": "connection_init", "payload": payload })).await;
    receive(socket).await
}

async fn watch_counts(socket: &mut Socket) -> Result<Value, u16> {
    socket.subscribe("1", "subscription { jobCounts { total } }", json!({})).await;
    receive(socket).await
}

fn in_seconds(n: i64) -> Option<Timestamp> {
    Timestamp::from_micros(clock::now().micros() + n * 1_000_000)
}

on_both_databases! {
    async fn a_token_is_kept_as_its_hash_and_its_use_is_noted(database: TestDatabase) {
        let server = TestServer::controlled(&database, None).await;
        let (id, text) = server.token(Role::Viewer, Scope::All, None, None).await;
        assert!(text.starts_with("ajt_") && text.len() == 47, "{text}");
        let answer = server.answer_as(&text, WHO, json!({})).await;
        assert_eq!(answer["data"]["principal"], json!({ "name": "a test's viewer", "role": "VIEWER" }));

        let look = async || {
            let mut tokens = token::list(server.db().reader()).await.expect("the list");
            tokens.remove(0)
        };
        let row = look().await;
        assert_eq!((row.id, row.hash.len()), (id, 64));
        assert!(!format!("{row:?}").contains(&text[4..]), "{row:?}");
        timeout(SOON, async {
            while look().await.last_used_date.is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }).await.expect("its use is noted");
    }

    async fn who_is_revoked_or_expired_is_out_within_seconds(database: TestDatabase) {
        let server = TestServer::controlled(&database, None).await;
        let (id, revoked) = server.token(Role::Viewer, Scope::All, None, None).await;
        let (_, expiring) = server.token(Role::Viewer, Scope::All, None, in_seconds(4)).await;
        let (_, staying) = server.token(Role::Viewer, Scope::All, None, in_seconds(600)).await;
        let (_, expired) = server.token(Role::Viewer, Scope::All, None, in_seconds(-1)).await;
        let answer = server.answer_as(&expired, WHO, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");

        let mut sockets = Vec::new();
        for token in [&revoked, &expiring, &staying] {
            let header = format!("Bearer {token}");
            let mut socket = connect(&server, &[("authorization", &header)]).await.expect("let in");
            assert_eq!(init(&mut socket, Value::Null).await.expect("let in")["type"], "connection_ack");
            assert_eq!(watch_counts(&mut socket).await.expect("shown")["type"], "next");
            sockets.push(socket);
        }
        let events = server.client.post(format!("{}/graphql", server.url)).bearer_auth(&revoked)
            .header("Accept", "text/event-stream")
            .json(&json!({ "query": "subscription { executingJobs { isSnapshot } }" }))
            .send().await.expect("an answer");
        assert_eq!(events.status(), StatusCode::OK);

        token::revoke(server.db(), &id.to_string(), clock::now()).await.expect("revoking");
        assert_eq!(receive(&mut sockets[0]).await, Err(4403));
        assert_eq!(receive(&mut sockets[1]).await, Err(4403));
        // The stream ends, without the event that says that there is no more to come.
        let rest = timeout(SOON, events.text()).await.expect("it ends").expect("text");
        assert!(rest.contains("event: next") && !rest.contains("event: complete"), "{rest}");
        for token in [&revoked, &expiring] {
            let answer = server.answer_as(token, WHO, json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
            let mut socket = connect(&server, &[]).await.expect("open");
            let shown = json!({ "Authorization": format!("Bearer {token}") });
            assert_eq!(init(&mut socket, shown).await, Err(4403));
        }
        sockets[2].send(json!({ "type": "ping" })).await;
        assert_eq!(receive(&mut sockets[2]).await.expect("it goes on")["type"], "pong");
        assert_eq!(server.answer_as(&staying, WHO, json!({})).await["data"]["principal"]["role"], "VIEWER");
    }

    async fn a_socket_says_who_it_is_in_one_of_three_ways(database: TestDatabase) {
        let server = TestServer::controlled(&database, None).await;
        let (_, text) = server.token(Role::Operator, Scope::All, None, None).await;
        let bearer = format!("Bearer {text}");

        let mut socket = connect(&server, &[]).await.expect("open");
        let shown = json!({ "Authorization": bearer });
        assert_eq!(init(&mut socket, shown).await.expect("let in")["type"], "connection_ack");
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": WHO } })).await;
        let answer = receive(&mut socket).await.expect("an answer");
        assert_eq!(answer["payload"]["data"]["principal"]["role"], "OPERATOR", "{answer:#}");

        let mut anonymous = connect(&server, &[]).await.expect("open");
        assert_eq!(init(&mut anonymous, Value::Null).await, Err(4401));
        let mut hasty = connect(&server, &[]).await.expect("open");
        assert_eq!(watch_counts(&mut hasty).await, Err(4401));
        let mut wrong = connect(&server, &[]).await.expect("open");
        assert_eq!(init(&mut wrong, json!({ "authorization": "Bearer nonsense" })).await, Err(4403));
        assert_eq!(connect(&server, &[("authorization", "Bearer nonsense")]).await.err(), Some(401));

        let cookie = sign_in(&server, &text).await;
        let host = server.url.clone();
        let own = [("cookie", cookie.as_str()), ("origin", host.as_str())];
        let mut socket = connect(&server, &own).await.expect("let in");
        assert_eq!(init(&mut socket, Value::Null).await.expect("let in")["type"], "connection_ack");
        for foreign in [&[("cookie", cookie.as_str()), ("origin", "https://evil.example")][..],
            &[("cookie", cookie.as_str())]] {
            assert_eq!(connect(&server, foreign).await.err(), Some(403));
        }
    }

    async fn a_browser_signs_in_and_out(database: TestDatabase) {
        let server = TestServer::controlled(&database, None).await;
        let (id, text) = server.token(Role::Operator, Scope::All, None, None).await;
        let browser = client_builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let url = |path: &str| format!("{}/{path}", server.url);

        // A page leads to the form, and the form back to the page.
        let response = browser.get(url("graphiql")).send().await.expect("an answer");
        assert_eq!(response.status(), 303);
        assert_eq!(response.headers()[LOCATION], "sign-in?next=graphiql");
        let form = browser.get(url("sign-in")).send().await.expect("an answer");
        assert_eq!((form.status(), form.headers()["cache-control"].as_bytes()), (StatusCode::OK, &b"no-store"[..]));
        let form = form.text().await.expect("text");
        assert!(form.contains("<form method=\"post\">") && !form.contains("script"), "{form}");

        let post = |path: &str, token: &str, origin: &str| {
            browser.post(url(path)).header(ORIGIN, origin).form(&[("token", token)])
        };
        let wrong = post("sign-in", "ajt_wrong", &server.url).send().await.expect("an answer");
        assert_eq!(wrong.status(), 401);
        assert!(wrong.headers().get(SET_COOKIE).is_none());
        assert!(wrong.text().await.expect("text").contains("Invalid or expired token."));
        let forged = post("sign-in", &text, "https://evil.example").send().await.expect("an answer");
        assert_eq!(forged.status(), 403);
        let signed_in = post("sign-in?next=graphiql", &text, &server.url).send().await.expect("an answer");
        assert_eq!((signed_in.status(), signed_in.headers()[LOCATION].as_bytes()), (StatusCode::SEE_OTHER, &b"./graphiql"[..]));
        let cookie = signed_in.headers()[SET_COOKIE].to_str().expect("text").to_owned();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax; Max-Age=43200") && !cookie.contains("Secure"), "{cookie}");
        assert!(!cookie.contains(&text) && !cookie.contains("Path"), "{cookie}");
        let behind_proxy = browser.post(url("sign-in")).header("host", "jobs.example")
            .header(ORIGIN, "https://jobs.example").form(&[("token", &text)]).send().await.expect("an answer");
        assert!(behind_proxy.headers()[SET_COOKIE].to_str().expect("text").ends_with("; Secure"));

        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        let page = browser.get(url("")).header(COOKIE, &cookie).send().await.expect("an answer");
        assert_eq!(page.status(), 200);
        let ask = |origin: Option<&str>, cookie: &str| {
            let mut request = browser.post(url("graphql")).header(COOKIE, cookie)
                .json(&json!({ "query": WHO }));
            if let Some(origin) = origin {
                request = request.header(ORIGIN, origin);
            }
            async move {
                let response = request.send().await.expect("an answer");
                (response.status().as_u16(), response.json::<Value>().await.expect("JSON"))
            }
        };
        let (status, answer) = ask(Some(&server.url), &cookie).await;
        assert_eq!((status, &answer["data"]["principal"]["role"]), (200, &json!("OPERATOR")));
        for (origin, code) in [
            (None, "FORBIDDEN"),
            (Some("https://evil.example"), "CROSS_SITE_REQUEST"),
            (Some("null"), "CROSS_SITE_REQUEST"),
        ] {
            let (status, answer) = ask(origin, &cookie).await;
            assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (403, &json!(code)));
        }
        let get = browser.get(url("graphql")).query(&[("query", WHO)]).header(COOKIE, &cookie);
        assert_eq!(get.send().await.expect("an answer").status(), 200);
        let (status, _) = ask(Some(&server.url), &(cookie.clone() + "x")).await;
        assert_eq!(status, 401);

        let out = post("sign-out", "", "https://evil.example").send().await.expect("an answer");
        assert_eq!(out.status(), 403);
        let out = post("sign-out", "", &server.url).send().await.expect("an answer");
        assert!(out.headers()[SET_COOKIE].to_str().expect("text").contains("Max-Age=0"));
        // The session ends with its token, too.
        token::revoke(server.db(), &id.to_string(), clock::now()).await.expect("revoking");
        timeout(SOON, async {
            while ask(Some(&server.url), &cookie).await.0 != 401 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }).await.expect("it ends");
    }

    async fn keys_are_shown_to_admins_alone(database: TestDatabase) {
        let server = TestServer::controlled(&database, None).await;
        server.insert::<agent::Entity>(&[agent(1, None)]).await;
        server.insert::<job::Entity>(&[job::Model {
            state: JobState::Executing, current_run_id: Some(id(4)), ..job(2)
        }, job::Model {
            state: JobState::Executing, current_run_id: Some(id(5)), ..job(3)
        }]).await;
        let run = |n, job| job_run::Model { agent_key: "the same key".to_owned(), ..job_run(n, id(job), id(1)) };
        server.insert::<job_run::Entity>(&[run(4, 2), run(5, 3)]).await;
        let mut shown = Vec::new();
        for (role, agent) in [(Role::Admin, None), (Role::Operator, None), (Role::Agent, Some(id(1))), (Role::Viewer, None)] {
            let (_, token) = server.token(role, Scope::All, agent, None).await;
            for query in ["query { executingJobs { currentRun { agentKey } } }",
                "subscription { executingJobs { jobs { currentRun { agentKey } } } }"] {
                let answer = server.answer_as(&token, query, json!({})).await;
                let jobs = &answer["data"]["executingJobs"];
                let jobs = jobs.get("jobs").unwrap_or(jobs).as_array().expect("jobs");
                for job in jobs {
                    shown.push((role, job["currentRun"]["agentKey"].as_str().expect("text").to_owned()));
                }
            }
        }
        assert_eq!(shown.len(), 16);
        let fingerprint = shown[4].1.clone();
        assert!(fingerprint.starts_with("fp_"), "{fingerprint}");
        for (role, key) in shown {
            assert_eq!(key, if role == Role::Admin { "the same key" } else { &fingerprint }, "{role:?}");
        }
    }

    async fn tokens_are_made_listed_and_revoked_by_the_program(database: TestDatabase) {
        let run = |arguments: &[&str]| {
            agent_jobs(&[&["token"], arguments, &["--database-url", database.url()]].concat(), b"")
        };
        let made = run(&["create", "Ops", "--role", "operator", "--expires", "1h"]).ok();
        let text = made.stdout.trim().to_owned();
        assert!(text.starts_with("ajt_") && made.stderr.contains("the only time"), "{made:#?}");
        let configuration = id(7).to_string();
        let limited = run(&["create", "EU", "--role", "viewer", "--configuration-id", &configuration]).ok();
        let agent = id(8).to_string();
        run(&["create", "Crawler", "--role", "agent", "--agent-id", &agent, "--expires", "never"]).ok();
        for wrong in [
            &["create", "x", "--role", "agent"][..],
            &["create", "x", "--role", "viewer", "--agent-id", &agent],
            &["create", "x", "--role", "viewer", "--expires", "soon"],
            &["create", "x", "--role", "emperor"],
            &["create", "", "--role", "viewer"],
            &["create", "x"],
        ] {
            assert_eq!(run(wrong).code, 2, "{wrong:?}");
        }
        let list = run(&["list"]).ok().stdout;
        assert_eq!(list.matches("valid").count(), 3, "{list}");
        assert!(list.contains(&configuration) && list.contains(&agent) && list.contains("expires never"), "{list}");
        assert!(!list.contains(&text[4..]), "{list}");

        let (server, url) = Program::serve_with("serve", database.url(), &["--auth", "tokens"]);
        let client = crate::support::client();
        let ask = async |token: &str| {
            let request = client.post(format!("{url}/graphql")).bearer_auth(token).json(&json!({ "query": WHO }));
            request.send().await.expect("an answer").json::<Value>().await.expect("JSON")
        };
        assert_eq!(ask(&text).await["data"]["principal"], json!({ "name": "Ops", "role": "OPERATOR" }));
        assert_eq!(ask(limited.stdout.trim()).await["data"]["principal"]["name"], "EU");
        assert!(run(&["revoke", "Ops"]).ok().stdout.contains("Ops"));
        timeout(SOON, async {
            while ask(&text).await["errors"][0]["extensions"]["code"] != "UNAUTHENTICATED" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }).await.expect("it is out");
        assert_eq!(run(&["revoke", "Ops"]).code, 1);
        let output = server.signal("TERM").ok();
        assert!(!output.stderr.contains(&text[4..]), "{}", output.stderr);
        assert!(run(&["list"]).ok().stdout.contains("revoked"));
    }
}

#[tokio::test]
async fn everyone_is_let_in_on_this_machine_alone() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let serve = |options: &[&str]| {
        let arguments = ["serve", "--listen", "0.0.0.0:0", "--database-url", database.url()];
        [&arguments, options].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let arguments = serve(&[]);
    let output = agent_jobs(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), b"");
    assert_eq!(output.code, 2, "{output:#?}");
    for hint in ["--auth tokens", "--oidc-issuer", "--insecure-no-auth"] {
        assert!(output.stderr.contains(hint), "{output:#?}");
    }
    for options in [
        &["--auth", "tokens", "--insecure-no-auth"][..],
        &["--oidc-issuer", "https://issuer.example"],
        &["--oidc-issuer", "http://issuer.example", "--oidc-audience", "agent-jobs"],
        &["--oidc-audience", "agent-jobs"],
        &["--auth", "passwords"],
    ] {
        let arguments = serve(options);
        let output = agent_jobs(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), b"");
        assert_eq!(output.code, 2, "{options:?}: {output:#?}");
    }
    for (options, status) in [(&["--insecure-no-auth"][..], 200), (&["--auth", "tokens"], 401)] {
        let mut program =
            Program::start(&serve(options).iter().map(String::as_str).collect::<Vec<_>>());
        let url = program.address().replace("0.0.0.0", "127.0.0.1");
        let request =
            crate::support::client().post(format!("{url}/graphql")).json(&json!({ "query": WHO }));
        assert_eq!(request.send().await.expect("an answer").status(), status, "{options:?}");
        program.signal("TERM").ok();
    }
}

/// The cookie of a browser that signed in.
async fn sign_in(server: &TestServer, token: &str) -> String {
    let browser =
        client_builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let request = browser.post(format!("{}/sign-in", server.url)).header(ORIGIN, &server.url);
    let response = request.form(&[("token", token)]).send().await.expect("an answer");
    let cookie = response.headers()[SET_COOKIE].to_str().expect("text");
    cookie.split(';').next().expect("a pair").to_owned()
}
