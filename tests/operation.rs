//! What operators rely on: readiness, figures, logs, options, and removing what is
//! old.

use std::time::Duration;

use agent_jobs::access::Role;
use agent_jobs::jobs::retention;
use agent_jobs::jobs::scope::Scope;
use entity::{JobState, agent, job, job_event, job_run};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::{
    ForeignWriter, Kind, Program, TestDatabase, TestServer, agent, agent_jobs, client, command,
    counts_of, id, job, job_run, on_both_databases, second,
};

const SOON: Duration = Duration::from_mins(1);

async fn get(url: &str) -> (u16, String) {
    let response = client().get(url).send().await.expect("an answer");
    (response.status().as_u16(), response.text().await.expect("text"))
}

async fn until_ready(url: &str) {
    timeout(SOON, async {
        while get(&format!("{url}/readyz")).await != (200, "ok\n".to_owned()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it becomes ready");
}

on_both_databases! {
    async fn figures_are_told(database: TestDatabase) {
        let (server, url) =
            Program::serve_with("serve", database.url(), &["--metrics-listen", "127.0.0.1:0", "--stop-delay", "200ms"]);
        until_ready(&url).await;
        let query = |query: &str, name: &str| {
            client().post(format!("{url}/graphql"))
                .json(&json!({ "query": query, "operationName": name })).send()
        };
        query("query Totals { jobCounts { total } }", "Totals").await.expect("an answer");
        query("query Wrong { nothing }", "Wrong").await.expect("an answer");
        query("mutation Register { registerAgent(input: {}) { agent { id } } }", "Register").await.expect("an answer");
        let (status, text) = get(&format!("{url}/metrics")).await;
        assert_eq!(status, 200);
        for line in [
            "agent_jobs_operations_total{operation=\"Totals\",outcome=\"ok\"} 1",
            "agent_jobs_operations_total{operation=\"Register\",outcome=\"ok\"} 1",
            "agent_jobs_operations_total{operation=\"anonymous\",outcome=\"failed\"} 1",
            "agent_jobs_http_requests_total{route=\"/graphql\",status=\"200\"} 3",
            "agent_jobs_jobs{state=\"Queued\"} 0",
            "agent_jobs_feed_connected 1",
            "agent_jobs_subscribers 0",
            "agent_jobs_shared_executions 0",
            "agent_jobs_writer_waiting_ops 0",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        for name in ["agent_jobs_statements_total", "agent_jobs_statement_seconds_bucket",
            "agent_jobs_operation_seconds_bucket", "agent_jobs_connections{pool="] {
            assert!(text.contains(name), "{name}\n{text}");
        }
        let output = server.signal("TERM").ok();
        assert!(output.stderr.contains("metrics are at http://127.0.0.1:"), "{}", output.stderr);
    }

    async fn finished_runs_and_the_oldest_due_job_are_told(database: TestDatabase) {
        let (_server, url) =
            Program::serve_with("serve", database.url(), &["--metrics-listen", "127.0.0.1:0"]);
        until_ready(&url).await;
        let ask = async |query: &str, variables: Value| {
            let request = client().post(format!("{url}/graphql")).json(&json!({ "query": query, "variables": variables }));
            let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
            assert!(answer.get("errors").is_none(), "{answer:#}");
            answer["data"].clone()
        };
        let data = ask("mutation { registerAgent(input: {}) { agent { id } }
            saveConfiguration(input: { provider: \"hubspot\" }) { configuration { id } } }", json!({})).await;
        let agent = &data["registerAgent"]["agent"]["id"];
        let configuration = &data["saveConfiguration"]["configuration"]["id"];
        for outcome in ["COMPLETED", "FAILED", "FAILED"] {
            ask("mutation($id: UUID!) { queueJobs(input: [{ configurationId: $id, name: \"crawl\" }]) { results { jobId } } }",
                json!({ "id": configuration })).await;
            let data = ask("mutation($id: UUID!) { claimJob(input: { agentId: $id }) { attempt { runId attemptToken } } }",
                json!({ "id": agent })).await;
            let attempt = &data["claimJob"]["attempt"];
            ask("mutation($input: FinishJobRunInput!) { finishJobRun(input: $input) { result { status } } }",
                json!({ "input": { "runId": attempt["runId"], "attemptToken": attempt["attemptToken"], "sequence": 1,
                    "outcome": outcome, "progress": { "agentResultMessage": "what happened" } } })).await;
        }
        // Imported history is no throughput. A job that is due since the tests' year began waits.
        let mut writer = ForeignWriter::connect(&database).await;
        writer.insert_job(id(1), None, "Queued").await;
        writer.insert_job(id(2), None, "Failed").await;
        timeout(SOON, async {
            loop {
                let (status, text) = get(&format!("{url}/metrics")).await;
                assert_eq!(status, 200);
                let has = |line: &str| text.lines().any(|each| each == line);
                if has("agent_jobs_finished_runs_total{outcome=\"Completed\",provider=\"hubspot\"} 1")
                    && has("agent_jobs_finished_runs_total{outcome=\"Failed\",provider=\"hubspot\"} 2")
                {
                    assert!(has("agent_jobs_waiting_run_seconds_count{provider=\"hubspot\"} 3"), "{text}");
                    assert!(has("agent_jobs_working_run_seconds_bucket{provider=\"hubspot\",le=\"3600\"} 3"), "{text}");
                    let age = text.lines().find_map(|line| line.strip_prefix("agent_jobs_oldest_due_job_age_seconds "));
                    let age: f64 = age.expect("the gauge").parse().expect("a number");
                    assert!(age > 1_000_000.0, "{age}");
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await
        .expect("they are counted");
    }

    async fn jobs_that_were_over_for_long_are_removed(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let states = JobState::ALL;
        let jobs: Vec<_> = (0_u32..).zip(states.iter().cycle().take(900)).map(|(n, state)| job::Model {
            state: *state,
            // Half of them changed since; some were never changed.
            update_date: (n % 3 != 0).then(|| second(if n % 2 == 0 { 1_000 } else { 2_000_000 })),
            created_date: second(i64::from(n)),
            current_run_id: Some(id(100_000 + n)),
            ..job(n + 1)
        }).collect();
        let runs: Vec<_> = (0_u32..).zip(&jobs).map(|(n, job)| job_run(100_000 + n, job.id, id(99_999))).collect();
        let events: Vec<_> = jobs.iter().map(|job| job_event::Model {
            id: Uuid::now_v7(), job_id: job.id, state: job.state, date: second(1),
            changed_by: "agent".to_owned(), ..job_event::Model::default()
        }).collect();
        server.insert::<agent::Entity>(&[agent(99_999, None)]).await;
        server.insert::<job::Entity>(&jobs).await;
        server.insert::<job_run::Entity>(&runs).await;
        server.insert::<job_event::Entity>(&events).await;

        let before = second(1_000_000);
        let is_old = |job: &&job::Model| {
            job.state.is_terminal() && job.update_date.unwrap_or(job.created_date) < before
        };
        let expected = jobs.iter().filter(is_old).count();
        assert!(expected > 150);
        let (mut cursor, mut removed) = (None, 0);
        loop {
            let batch = retention::remove(server.db(), before, cursor).await.expect("removing");
            removed += batch.jobs;
            cursor = batch.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(removed, expected as u64);
        let numbers = counts_of(&server, None).await;
        for (state, number) in states.iter().zip(numbers) {
            let left = jobs.iter().filter(|job| job.state == *state && !is_old(job)).count();
            assert_eq!(number, i64::try_from(left).unwrap(), "{state:?}");
        }
        for job in &jobs {
            let data = server.query("query($id: UUID!) { job(id: $id) { runs { id } history { state } } }",
                json!({ "id": job.id })).await;
            if is_old(&job) {
                assert_eq!(data["job"], Value::Null);
            } else {
                assert_eq!(data["job"]["runs"].as_array().map(Vec::len), Some(1));
                assert_eq!(data["job"]["history"].as_array().map(Vec::len), Some(1));
            }
        }
        assert!(agent_jobs(&["counts", "verify", "--database-url", database.url()], b"").ok().stdout.contains("right"));
    }

    async fn a_serving_process_removes_them(database: TestDatabase) {
        let input = b"Id,State,CreatedDate\n0190a000-0000-7000-8000-000000000001,Failed,2024-05-01\n\
            0190a000-0000-7000-8000-000000000002,Queued,2024-05-01\n";
        agent_jobs(&["import", "-", "--database-url", database.url()], input).ok();
        let (_server, url) = Program::serve_with("serve", database.url(), &["--retain", "90d"]);
        timeout(SOON, async {
            loop {
                let request = client().post(format!("{url}/graphql"))
                    .json(&json!({ "query": "{ jobCounts { failed queued } }" }));
                let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
                if answer["data"]["jobCounts"] == json!({ "failed": 0, "queued": 1 }) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }).await.expect("it is removed");
    }
}

#[tokio::test]
async fn figures_take_a_token_that_sees_everything() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::controlled(&database, None).await;
    let url = format!("{}/metrics", server.url);
    assert_eq!(get(&url).await.0, 401);
    for (scope, expected) in [(Scope::only([id(1)]), 403), (Scope::All, 200)] {
        let (_, token) = server.token(Role::Viewer, scope, None, None).await;
        let response = server.client.get(&url).bearer_auth(token).send().await.expect("an answer");
        assert_eq!(response.status(), expected);
        let text = response.text().await.expect("a text");
        assert_eq!(text.contains("agent_jobs_database_writable"), expected == 200, "{text}");
    }
    for open in ["healthz", "readyz"] {
        until_ready(&server.url).await;
        assert_eq!(get(&format!("{}/{open}", server.url)).await.0, 200);
    }
}

#[tokio::test]
async fn each_answer_has_its_requests_id() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let id_of = async |sent: Option<&str>| {
        let mut request = server.client.get(format!("{}/healthz", server.url));
        if let Some(sent) = sent {
            request = request.header("x-request-id", sent);
        }
        let response = request.send().await.expect("an answer");
        response.headers()["x-request-id"].to_str().expect("text").to_owned()
    };
    assert_eq!(id_of(Some("proxy-7/a")).await, "proxy-7/a");
    for other in [None, Some(""), Some("a b"), Some("\"x\""), Some(&*"x".repeat(200))] {
        assert!(Uuid::parse_str(&id_of(other).await).is_ok(), "{other:?}");
    }
}

#[tokio::test]
async fn the_log_is_json_where_that_is_wanted() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (server, url) = Program::serve_with("serve", database.url(), &["--log-format", "json"]);
    get(&format!("{url}/healthz")).await;
    let output = server.signal("TERM").ok();
    assert!(!output.stderr.is_empty());
    for line in output.stderr.lines() {
        let line: Value = serde_json::from_str(line).expect("each line is JSON");
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn options_come_from_the_command_line_the_environment_and_a_file() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let file = database.folder().join("options.toml");
    let path = file.display().to_string();
    let write = |text: &str| std::fs::write(&file, text).expect("the test's own file");
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = command(arguments);
        command.envs(environment.iter().copied());
        Program::spawn(&mut command).expect("the program starts").output()
    };
    write(
        "listen = \"127.0.0.1:0\"\nlease = \"7m\"\nno-migrate = true\nretain = \"30d\"\n\
         database-url = \"postgres://me:secret@db.example/jobs\"\n",
    );
    let output = run(
        &["config", "--config", &path, "--retain", "60d"],
        &[("AGENT_JOBS_LEASE", "8m"), ("AGENT_JOBS_RETAIN", "1d")],
    )
    .ok();
    for line in [
        "listen = \"127.0.0.1:0\"  # the file",
        "lease = \"8m\"  # the environment",
        "retain = \"60d\"  # the command line",
        "no-migrate = \"true\"  # the file",
        "cancel-after = \"3m\"  # default",
        "database-url = \"postgres://me:***@db.example/jobs\"  # the file",
    ] {
        assert!(output.stdout.lines().any(|each| each == line), "{line}\n{}", output.stdout);
    }
    assert!(!output.stdout.contains("secret"), "{}", output.stdout);

    for (text, message) in [
        ("listne = \"127.0.0.1:0\"", "there is no option `listne`"),
        ("listen = [1]", "`listen`: expected a text"),
        ("listen = ", "expected"),
        ("listen = \"here\"", "listen"),
        ("retain = \"soon\"", "retain"),
        ("auth = \"tokens\"\ninsecure-no-auth = true", "--insecure-no-auth"),
    ] {
        write(text);
        let output = run(&["serve", "--config", &path, "--database-url", database.url()], &[]);
        assert_eq!(output.code, 2, "{text}: {output:#?}");
        assert!(output.stderr.contains(message), "{text}: {}", output.stderr);
    }
    let output = run(&["serve", "--config", "/nowhere.toml"], &[]);
    assert_eq!(output.code, 66, "{output:#?}");

    // Without a command it serves, with the same options.
    write(&format!("listen = \"127.0.0.1:0\"\ndatabase-url = \"{}\"", database.url()));
    let mut program = Program::start(&["--config", &path]);
    let url = program.address();
    until_ready(&url).await;
    program.signal("TERM").ok();
}

#[tokio::test]
async fn a_stopping_process_says_so_while_it_goes_on_serving() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (server, url) = Program::serve_with("serve", database.url(), &["--stop-delay", "3s"]);
    until_ready(&url).await;
    let stopped = tokio::task::spawn_blocking(|| server.signal("TERM"));
    timeout(SOON, async {
        while get(&format!("{url}/readyz")).await != (503, "stopping\n".to_owned()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it says so");
    assert_eq!(get(&format!("{url}/healthz")).await.0, 200);
    stopped.await.expect("it ends").ok();
}
