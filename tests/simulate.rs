//! `agent-jobs simulate`: agents over the real API.

use std::time::Duration;

use agent_jobs::clock;
use agent_jobs::transfer::text;
use entity::Timestamp;
use serde_json::{Value, json};

use crate::support::{
    ForeignWriter, Kind, Output, Program, TestDatabase, agent_jobs, client, command,
    on_both_databases,
};

/// What a simulation that has ended says.
fn figures(output: &Output) -> Value {
    let figures: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(figures["wrong"], json!({}), "{figures:#}");
    assert_eq!(output.code, 0, "{output:#?}");
    figures
}

#[track_caller]
fn number(figures: &Value, pointer: &str) -> i64 {
    figures
        .pointer(pointer)
        .and_then(Value::as_i64)
        .unwrap_or_else(|| panic!("{pointer}: {figures:#}"))
}

async fn ask(url: &str, query: &str) -> Value {
    let request = client().post(format!("{url}/graphql")).json(&json!({ "query": query }));
    let mut answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer.get("errors"), None, "{answer:#}");
    answer["data"].take()
}

on_both_databases! {
    async fn agents_work_vanish_and_repeat_themselves(database: TestDatabase) {
        let (server, url) = Program::serve("serve", database.url());
        let output = agent_jobs(
            &[
                "simulate", "--url", &url, "--agents", "6", "--runs", "4", "--rate", "200",
                "--speed", "2000", "--vanish", "10%", "--late", "10%", "--double", "10%",
                "--duration", "4s", "--json", "--quiet",
            ],
            b"",
        );
        let seen = figures(&output);
        for happened in ["/reports/accepted", "/processing/accepted", "/runs/completed"] {
            assert!(number(&seen, happened) > 0, "{happened}: {seen:#}");
        }
        assert!(number(&seen, "/reports/repeated") > 0, "{seen:#}");
        let ended: i64 = ["completed", "failed", "cancelled", "vanished", "taken"]
            .iter()
            .map(|end| number(&seen, &format!("/runs/{end}")))
            .sum();
        assert_eq!(number(&seen, "/runs/begun"), ended, "each run has ended: {seen:#}");

        // What the agents believe is what the server says: only those that vanished go on.
        let counts = ask(&url, "{ jobCounts { executing executionCompleted submitting cancelling completed } }").await;
        let counts = &counts["jobCounts"];
        let active: i64 = ["executing", "executionCompleted", "submitting", "cancelling"]
            .iter()
            .map(|state| counts[*state].as_i64().expect("a count"))
            .sum();
        assert_eq!(active, number(&seen, "/runs/vanished"), "{counts:#} {seen:#}");
        assert_eq!(counts["completed"].as_i64(), Some(number(&seen, "/runs/completed")));
        let answer = ask(
            &url,
            "{ jobs(take: 200, state: COMPLETED) { items { configuration { name } currentRun {
                agentResultIsSuccess agentTasksCount agentTasksQueuedCount agentTasksCompletedCount
                agentTasksFailedCount agentCluesCount processingState agentElapsedExecutionTime } } } }",
        )
        .await;
        let jobs = answer["jobs"]["items"].as_array().expect("a list");
        assert!(!jobs.is_empty());
        for job in jobs {
            assert!(job["configuration"]["name"].is_string(), "{job:#}");
            let run = &job["currentRun"];
            assert_eq!(run["agentResultIsSuccess"], true, "{job:#}");
            let tasks = |name: &str| run[name].as_i64().expect("a count");
            assert_eq!(
                tasks("agentTasksCount"),
                tasks("agentTasksCompletedCount") + tasks("agentTasksFailedCount"),
                "all of its tasks are done: {job:#}"
            );
        }
        server.signal("TERM").ok();
        agent_jobs(&["counts", "verify", "--database-url", database.url()], b"").ok();
    }

    /// What is reported while the server is away comes later, and nothing is told twice.
    async fn agents_outlive_the_server(database: TestDatabase) {
        let (server, url) = Program::serve("serve", database.url());
        let simulation = Program::start(&[
            "simulate", "--url", &url, "--agents", "4", "--rate", "100", "--speed", "500",
            "--vanish", "0", "--json", "--quiet",
        ]);
        // All runs have been reported on since this moment.
        let busy = async |url: &str, since: Timestamp| loop {
            let data = ask(url, "{ executingJobs { currentRun { updateDate } } }").await;
            let jobs = data["executingJobs"].as_array().expect("a list");
            let dates = jobs.iter().map(|job| job["currentRun"]["updateDate"].as_str());
            let is_new = |date: Option<&str>| {
                date.and_then(text::moment).is_some_and(|date| date > since)
            };
            if jobs.len() > 1 && dates.into_iter().all(is_new) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        busy(&url, clock::now()).await;
        server.signal("KILL");
        let address = url.strip_prefix("http://").expect("a URL");
        let (server, url) = Program::serve_at(address, "serve", database.url(), &[]);
        busy(&url, clock::now()).await;
        let seen = figures(&simulation.signal("INT"));
        assert!(number(&seen, "/reports/accepted") > 0, "{seen:#}");
        let counts = ask(&url, "{ jobCounts { executing cancelling } }").await;
        assert_eq!(counts["jobCounts"], json!({ "executing": 0, "cancelling": 0 }), "{seen:#}");
        server.signal("TERM").ok();
    }
}

#[tokio::test]
async fn says_what_it_cannot_do() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", free.local_addr().expect("its address"));
    drop(free);
    let output = agent_jobs(&["simulate", "--url", &url], b"");
    assert_eq!(output.code, 69, "{output:#?}");
    assert!(output.stderr.contains("cannot use http://127.0.0.1"), "{output:#?}");

    for (option, named) in [
        ("--url=ftp://localhost", "--url"),
        ("--agents=0", "--agents"),
        ("--vanish=200%", "--vanish"),
        ("--rate=-1", "--rate"),
        ("--speed=0", "--speed"),
        ("--duration=soon", "--duration"),
    ] {
        let output =
            Program::spawn(command(&["simulate"]).arg(option)).expect("it starts").output();
        assert_eq!(output.code, 2, "{option} {output:#?}");
        assert!(output.stderr.contains(named), "{option} {output:#?}");
    }

    // A server that is something else.
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (server, url) = Program::serve("serve", database.url());
    let output = agent_jobs(&["simulate", "--url", &format!("{url}/healthz")], b"");
    assert_eq!(output.code, 69, "{output:#?}");
    server.signal("TERM").ok();
    assert_eq!(ForeignWriter::connect(&database).await.count_jobs("true").await, []);
}
