//! Watchers that come and go, with and without goodbye: they leave nothing behind.

use std::time::Duration;

use entity::{JobState, job};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::support::{
    Kind, PROTOCOL, Socket, TestDatabase, TestServer, Transport, Watch, job, soon,
};

/// As many as may be: both ends of each connection are this process's.
fn watchers() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("the limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("of files");
    let limit = line.split_whitespace().nth(3).and_then(|limit| limit.parse().ok());
    limit.map_or(1_000, |limit: usize| 1_000.min(limit.saturating_sub(500) / 2))
}

/// Some of them watch the same, and each goes in another way.
async fn come_and_go(client: reqwest::Client, url: String, n: usize) {
    let url = url.as_str();
    let query = format!("subscription {{ w{}: executingJobs {{ jobs {{ id }} }} }}", n % 40);
    match n % 6 {
        0 => drop(Socket::connect(url, PROTOCOL).await),
        1 => drop(Watch::try_start(Transport::WebSocket, url, &query, &json!({})).await),
        2 => {
            let watch = Watch::try_start(Transport::WebSocket, url, &query, &json!({})).await;
            watch.expect("it listens").next().await;
        }
        3 => {
            let mut socket = Socket::open(url).await;
            socket.subscribe("1", &query, json!({})).await;
            socket.next().await;
            socket.send(json!({ "type": "complete", "id": "1" })).await;
            socket.close().await;
            socket.close_code().await;
        }
        4 => {
            let transport =
                if n.is_multiple_of(4) { Transport::Events } else { Transport::Multipart };
            let watch = Watch::try_start_by(&client, transport, url, &query, &json!({})).await;
            watch.expect("it listens").next().await;
        }
        _ => {
            let mut socket = Socket::open(url).await;
            socket.subscribe("1", "{ jobCounts { total } }", json!({})).await;
            socket.subscribe("2", "subscription { nope }", json!({})).await;
            socket.subscribe("3", &query, json!({})).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leave_nothing_behind() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let executing = |n| job::Model { state: JobState::Executing, ..job(n) };
    server.insert::<job::Entity>(&[executing(1), executing(2)]).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    // Once, for what stays: the pools, for example.
    let go = |n| come_and_go(server.client.clone(), server.url.clone(), n);
    go(2).await;
    go(4).await;
    let nobody_is_left = async |tasks_before: usize| {
        while server.live.subscription_count() > 0
            || !server.live.connections().is_empty()
            || tasks() > tasks_before
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(nobody_is_left(usize::MAX)).await;
    let before = tasks();
    for _ in 0..2 {
        let all: JoinSet<_> = (0..watchers()).map(go).collect();
        all.join_all().await;
        soon(nobody_is_left(before)).await;
    }
    // And it goes on.
    let mut watch = server.watch("subscription { executingJobs { jobs { id } } }", json!({})).await;
    assert_eq!(watch.next().await["executingJobs"]["jobs"].as_array().map(Vec::len), Some(2));
}
