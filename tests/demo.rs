//! `agent-jobs demo`.

use std::collections::HashMap;
use std::time::Duration;

use entity::Timestamp;
use serde_json::{Value, json};
use synth::{History, Shape};

use crate::support::{Output, Program, TestDatabase, agent_jobs, client, on_both_databases};

/// Serves the demo, without agents, until it answers.
fn demo(database: &TestDatabase) -> Output {
    let (program, _) = Program::serve_with("demo", database.url(), &["--agents", "0"]);
    program.signal("TERM").ok()
}

fn export(database: &TestDatabase, table: &str) -> String {
    agent_jobs(&["export", table, "--format", "ndjson", "--database-url", database.url()], b"")
        .ok()
        .stdout
}

on_both_databases! {
    async fn fills_an_empty_database_once(database: TestDatabase) {
        let output = demo(&database);
        assert!(output.stderr.contains("a made-up history of 20000 jobs"), "{output:#?}");
        let tables = ["configurations", "agents", "jobs", "job-runs"];
        let filled = tables.map(|table| export(&database, table));
        agent_jobs(&["counts", "verify", "--database-url", database.url()], b"").ok();

        // It is the same history each time, told from another moment.
        let another_time = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        let mut expected: Vec<_> = History::new(Shape::default(), another_time)
            .map(|(job, _)| json!([job.id, job.name, job.r#type, job.configuration_id]))
            .collect();
        let mut jobs: Vec<_> = filled[2]
            .lines()
            .map(|line| {
                let job: Value = serde_json::from_str(line).expect("JSON");
                json!([job["Id"], job["Name"], job["Type"], job["ConfigurationId"]])
            })
            .collect();
        expected.sort_by(|a, b| a[0].as_str().cmp(&b[0].as_str()));
        jobs.sort_by(|a, b| a[0].as_str().cmp(&b[0].as_str()));
        assert_eq!(jobs.len(), 20_000);
        assert!(jobs == expected);

        let output = demo(&database);
        assert!(!output.stderr.contains("filling"), "{output:#?}");
        for (table, before) in tables.into_iter().zip(&filled) {
            assert!(export(&database, table) == *before, "{table}");
        }
    }

    /// What is under way in the history goes on, and what waits is begun.
    async fn there_is_always_something_executing(database: TestDatabase) {
        let (program, url) = Program::serve("demo", database.url());
        let ask = async |query: &str| {
            let request = client().post(format!("{url}/graphql")).json(&json!({ "query": query }));
            let answer = request.send().await.expect("an answer");
            answer.json::<Value>().await.expect("JSON")["data"].take()
        };
        let tasks = async || -> HashMap<String, Option<i64>> {
            let data = ask("{ executingJobs { id currentRun { agentTasksCompletedCount } } }").await;
            let jobs = data["executingJobs"].as_array().expect("a list");
            let tasks = |job: &Value| job["currentRun"]["agentTasksCompletedCount"].as_i64();
            jobs.iter().map(|job| (job["id"].as_str().unwrap().to_owned(), tasks(job))).collect()
        };
        let before = tasks().await;
        assert!(before.len() > 20, "{before:?}");
        loop {
            let now = tasks().await;
            let is_new = now.keys().any(|job| !before.contains_key(job));
            let goes_on = now.iter().any(|(job, n)| before.get(job).is_some_and(|before| n > before));
            if is_new && goes_on {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        program.signal("TERM").ok();
        agent_jobs(&["counts", "verify", "--database-url", database.url()], b"").ok();
        // No run is abandoned, except those whose agents were silent from the beginning.
        let runs = export(&database, "job-runs");
        let executing = runs.lines().filter(|line| line.contains(r#""AgentState":"Executing""#)).count();
        assert!(executing < 10, "{executing}");
    }

    async fn leaves_other_jobs_alone(database: TestDatabase) {
        let job = br#"{"id":"0190a000-0000-7000-8000-000000000001","state":60,"created_date":"2024-05-01"}"#;
        agent_jobs(&["import", "-", "--table", "jobs", "--database-url", database.url()], job).ok();
        let before = export(&database, "jobs");
        assert_eq!(before.lines().count(), 1);
        demo(&database);
        assert_eq!(export(&database, "jobs"), before);
        assert_eq!(export(&database, "job-runs"), "");
    }
}
