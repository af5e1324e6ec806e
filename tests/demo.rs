//! `agent-jobs demo`.

use agent_jobs::synth::{History, Shape};
use entity::Timestamp;
use serde_json::{Value, json};

use crate::support::{Output, Program, TestDatabase, agent_jobs, on_both_databases};

/// Serves the demo until it answers.
fn demo(database: &TestDatabase) -> Output {
    let (program, _) = Program::serve("demo", database.url());
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
