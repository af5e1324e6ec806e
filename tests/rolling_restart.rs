//! Two replicas and PostgreSQL behind a proxy: while each is replaced in turn, clients that try again
//! get every request answered, nothing is done twice, and who watches misses nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::support::{Kind, Program, TestDatabase, client};

const SOON: Duration = Duration::from_mins(1);

/// Passes connections on to whichever replica says that it is ready.
#[derive(Clone, Default)]
struct Proxy {
    replicas: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let proxy = self.clone();
        tokio::spawn(async move {
            let mut turn = 0;
            while let Ok((mut socket, _)) = listener.accept().await {
                turn += 1;
                let proxy = proxy.clone();
                tokio::spawn(async move {
                    if let Some(mut replica) = proxy.connect(turn).await {
                        _ = copy_bidirectional(&mut socket, &mut replica).await;
                    }
                });
            }
        });
        address
    }

    async fn connect(&self, turn: usize) -> Option<TcpStream> {
        let mut replicas = self.replicas.lock().unwrap().clone();
        let places = replicas.len().max(1);
        replicas.rotate_left(turn % places);
        for replica in replicas {
            let ready = client().get(format!("http://{replica}/readyz")).send().await;
            if ready.is_ok_and(|ready| ready.status().is_success())
                && let Ok(stream) = TcpStream::connect(&replica).await
            {
                return Some(stream);
            }
        }
        None
    }
}

fn start(database: &TestDatabase) -> (Program, String) {
    let (program, url) = Program::serve_with("serve", database.url(), &["--stop-delay", "300ms"]);
    (program, url.trim_start_matches("http://").to_owned())
}

/// Sends a request until it is answered; returns the data, and how often it was sent.
async fn send(
    client: &reqwest::Client,
    proxy: &str,
    query: &str,
    variables: &Value,
) -> (Value, u32) {
    let mut tries = 0;
    loop {
        tries += 1;
        assert!(tries < 100, "it is never answered");
        let request = client
            .post(format!("http://{proxy}/graphql"))
            .json(&json!({ "query": query, "variables": variables }));
        if let Ok(response) = request.send().await
            && let Ok(mut answer) = response.json::<Value>().await
        {
            let code = &answer["errors"][0]["extensions"]["code"];
            if answer["errors"].is_null() {
                return (answer["data"].take(), tries);
            }
            assert_eq!(code, "DATABASE_UNAVAILABLE", "{answer:#}");
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// The executing jobs as a watcher knows them, who connects again whenever it has to.
async fn watch(proxy: String, view: Arc<Mutex<BTreeMap<String, Value>>>) {
    loop {
        let mut request = format!("ws://{proxy}/graphql").into_client_request().expect("a request");
        let protocol = "graphql-transport-ws".parse().expect("a value");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        if let Ok((mut socket, _)) = tokio_tungstenite::connect_async(request).await {
            for message in [
                json!({ "type": "connection_init" }),
                json!({ "type": "subscribe", "id": "1", "payload": { "query":
                    "subscription { executingJobs { isSnapshot jobs { id name } removed { id } } }" } }),
            ] {
                _ = socket.send(Message::text(message.to_string())).await;
            }
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                let message: Value = serde_json::from_str(&text).expect("JSON");
                let update = &message["payload"]["data"]["executingJobs"];
                if message["type"] != "next" {
                    continue;
                }
                let mut view = view.lock().unwrap();
                if update["isSnapshot"] == true {
                    view.clear();
                }
                for job in update["jobs"].as_array().expect("jobs") {
                    view.insert(job["id"].to_string(), job["name"].clone());
                }
                for job in update["removed"].as_array().expect("jobs") {
                    view.remove(&job["id"].to_string());
                }
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_replaced_under_load() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let proxy = Proxy::default();
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let (program, address) = start(&database);
        proxy.replicas.lock().unwrap().push(address);
        replicas.push(program);
    }
    let address = proxy.start().await;
    let http = client();
    let (data, _) = send(
        &http,
        &address,
        "mutation { saveConfiguration(input: { name: \"A\" }) {
        configuration { id } } registerAgent(input: { name: \"B\" }) { agent { id } } }",
        &json!({}),
    )
    .await;
    let configuration = data["saveConfiguration"]["configuration"]["id"].clone();
    let agent = data["registerAgent"]["agent"]["id"].clone();
    let view = Arc::new(Mutex::new(BTreeMap::new()));
    let watcher = tokio::spawn(watch(address.clone(), Arc::clone(&view)));

    let is_done = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let (address, is_done) = (address.clone(), Arc::clone(&is_done));
            let (configuration, agent, http) = (configuration.clone(), agent.clone(), client());
            tokio::spawn(async move {
                let mut queued = 0;
                while !is_done.load(Ordering::Relaxed) {
                    // With names for requests and attempts, what is sent again is not done again.
                    let name = format!("{worker}/{queued}");
                    send(
                        &http,
                        &address,
                        "mutation($input: [QueueJobInput!]!) {
                        queueJobs(input: $input) { results { refusal { message } job { id } } } }",
                        &json!({ "input": [{ "configurationId": configuration, "name": name,
                            "clientRequestId": name }] }),
                    )
                    .await;
                    queued += 1;
                    let token = uuid::Uuid::new_v4();
                    let (data, _) = send(
                        &http,
                        &address,
                        "mutation($agent: UUID!, $token: UUID!) {
                        claimJob(input: { agentId: $agent, attemptToken: $token }) {
                        attempt { runId } refusal { message } } }",
                        &json!({ "agent": agent, "token": token }),
                    )
                    .await;
                    let run = &data["claimJob"]["attempt"]["runId"];
                    // Every other one goes on executing.
                    if queued % 2 == 0 && run.is_string() {
                        let (data, _) = send(
                            &http,
                            &address,
                            "mutation($run: UUID!, $token: UUID!) {
                            finishJobRun(input: { runId: $run, attemptToken: $token, sequence: 1,
                            outcome: COMPLETED }) { result { status refusal { code } } } }",
                            &json!({ "run": run, "token": token }),
                        )
                        .await;
                        let status = &data["finishJobRun"]["result"]["status"];
                        let code = &data["finishJobRun"]["result"]["refusal"]["code"];
                        assert!(
                            status == "ACCEPTED"
                                || status == "REPEATED"
                                || code == "ALREADY_FINISHED",
                            "{data:#}"
                        );
                    }
                }
                queued
            })
        })
        .collect();

    for replica in &mut replicas {
        sleep(Duration::from_millis(500)).await;
        // The new one comes before the old one goes.
        let (program, new) = start(&database);
        let old = std::mem::replace(replica, program);
        proxy.replicas.lock().unwrap().push(new);
        let output =
            tokio::task::spawn_blocking(|| old.signal("TERM")).await.expect("it ends").ok();
        assert!(!output.stderr.contains("in spite of"), "{}", output.stderr);
        proxy.replicas.lock().unwrap().remove(0);
    }
    sleep(Duration::from_millis(500)).await;
    is_done.store(true, Ordering::Relaxed);
    let mut queued = 0;
    for worker in workers {
        queued += worker.await.expect("every request was answered");
    }
    assert!(queued > 4, "{queued}");

    let (data, _) =
        send(&http, &address, "{ jobCounts { total } executingJobs { id name } }", &json!({}))
            .await;
    assert_eq!(data["jobCounts"]["total"], queued, "each was queued once");
    let expected: BTreeMap<_, _> = data["executingJobs"]
        .as_array()
        .expect("jobs")
        .iter()
        .map(|job| (job["id"].to_string(), job["name"].clone()))
        .collect();
    assert!(!expected.is_empty());
    let agrees = timeout(SOON, async {
        while *view.lock().unwrap() != expected {
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(agrees.await.is_ok(), "{:#?}\n{expected:#?}", view.lock().unwrap());
    watcher.abort();
}
