//! Moving a live database to another with `agent-jobs export --complete` and `import --complete`.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Attempt, Kind, Output, TestDatabase, TestServer, agent_jobs, on_both_databases,
};

const TABLES: [&str; 5] = ["configurations", "agents", "jobs", "job-runs", "job-events"];

/// Moves all tables to an empty database of the other kind. Returns it, and what the import said.
async fn move_to_other(
    from: &TestDatabase,
    format: &str,
    imported: &[&str],
) -> (TestDatabase, Output) {
    let to = TestDatabase::create(match from.kind {
        Kind::Sqlite => Kind::Postgres,
        Kind::Postgres => Kind::Sqlite,
    })
    .await;
    let mut files = Vec::new();
    // The order does not matter: this is the worst one.
    for table in TABLES.iter().rev() {
        let file = from.folder().join(format!("{table}.{format}")).display().to_string();
        let arguments = ["export", table, "--complete", "--format", format, "-o", &file];
        agent_jobs(&[&arguments[..], &["--database-url", from.url()]].concat(), b"").ok();
        files.push(file);
    }
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    let arguments = [&["import", "--database-url", to.url()], imported, files.as_slice()].concat();
    let output = agent_jobs(&arguments, b"").ok();
    (to, output)
}

const QUEUE: &str = "mutation($configuration: UUID!) {
    queueJobs(input: [{ configurationId: $configuration, name: \"a\", clientRequestId: \"r1\" }]) {
      results { isRepeat job { id } } } }";

const HISTORY: &str = "query($id: UUID!) { job(id: $id) {
    state history { state at by message } currentRun { id agentState agentTasksCount } } }";

/// A database with a job that is under way: its agent has reported once.
async fn with_a_job_under_way(database: &TestDatabase) -> (Uuid, Attempt, Value) {
    let server = TestServer::start(database).await;
    let configuration = server.save_configuration().await;
    let agent = server.register_agent().await;
    server.query(QUEUE, json!({ "configuration": configuration })).await;
    let attempt = server.claim(agent).await;
    let report = attempt.report(1, None, &json!({ "agentTasksCount": 7 }));
    assert_eq!(server.report_one(report).await["status"], "ACCEPTED");
    let history = server.query(HISTORY, json!({ "id": attempt.job })).await;
    (configuration, attempt, history)
}

on_both_databases! {
    async fn agents_go_on_against_the_new_database(database: TestDatabase) {
        let (configuration, attempt, history) = with_a_job_under_way(&database).await;
        for format in ["csv", "ndjson"] {
            let (moved, output) =
                move_to_other(&database, format, &["--complete"]).await;
            assert!(!output.stderr.contains("ignored"), "{output:#?}");
            assert!(!output.stderr.contains("cannot report here"), "{output:#?}");
            let server = TestServer::start(&moved).await;
            let read = async || server.query(HISTORY, json!({ "id": attempt.job })).await;
            assert_eq!(read().await, history);

            let report = |sequence, tasks: i64| {
                attempt.report(sequence, None, &json!({ "agentTasksCount": tasks }))
            };
            assert_eq!(server.report_one(report(1, 5)).await["status"], "REPEATED");
            assert_eq!(server.report_one(report(2, 8)).await["status"], "ACCEPTED");
            assert_eq!(read().await["job"]["currentRun"]["agentTasksCount"], 8);

            let data = server.query(QUEUE, json!({ "configuration": configuration })).await;
            let result = &data["queueJobs"]["results"][0];
            assert_eq!(result["isRepeat"], true);
            assert_eq!(result["job"]["id"], json!(attempt.job));

            let result = server.finish(&attempt, 3, "COMPLETED", None).await;
            assert_eq!(result["status"], "ACCEPTED", "{result:#}");
            assert_eq!(read().await["job"]["state"], "COMPLETED");
        }
    }

    async fn without_complete_the_import_tells_which_jobs_are_stranded(database: TestDatabase) {
        let (configuration, attempt, _) = with_a_job_under_way(&database).await;
        let (moved, output) = move_to_other(&database, "csv", &[]).await;
        let told = "1 jobs are executing whose agents cannot report here";
        assert!(output.stderr.contains(told), "{output:#?}");
        // Secrets are imported only on request.
        let told = "ignored columns that only --complete takes: AttemptToken";
        assert!(output.stderr.contains(told), "{output:#?}");
        let server = TestServer::start(&moved).await;
        let report = server.report_one(attempt.report(2, None, &json!({}))).await;
        assert_eq!(report["refusal"]["code"], "WRONG_TOKEN", "{report:#}");
        let data = server.query(QUEUE, json!({ "configuration": configuration })).await;
        assert_eq!(data["queueJobs"]["results"][0]["isRepeat"], false);
    }
}
