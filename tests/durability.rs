//! What was acknowledged is there, whatever happens: the server killed, the database killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{
    Attempt, Cluster, ForeignWriter, Program, TestDatabase, TestServer, agent_jobs, client,
    on_both_databases,
};

const RUNS: usize = 24;

/// How often a server is killed, if the tests are not told otherwise.
const KILLS: usize = 8;

fn kills() -> usize {
    std::env::var("AGENT_JOBS_TEST_KILLS").map_or(KILLS, |kills| {
        kills.parse().expect("AGENT_JOBS_TEST_KILLS: expected a number, such as 50")
    })
}

/// A run, and the newest report on it that was acknowledged and that was sent.
struct Reported {
    attempt: Attempt,
    acknowledged: AtomicI64,
    sent: AtomicI64,
}

impl Reported {
    fn acknowledged(&self) -> i64 {
        self.acknowledged.load(Ordering::Relaxed)
    }
}

/// Runs that are claimed over a server of the test's own, which is gone then.
async fn runs(database: &TestDatabase) -> Vec<Arc<Reported>> {
    let server = TestServer::start(database).await;
    let configuration = server.save_configuration().await;
    let agent = server.register_agent().await;
    server.queue(vec![json!({ "configurationId": configuration }); RUNS].into()).await;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let attempt = server.claim(agent).await;
        let (acknowledged, sent) = (AtomicI64::new(-1), AtomicI64::new(-1));
        runs.push(Arc::new(Reported { attempt, acknowledged, sent }));
    }
    runs
}

async fn ask(client: &reqwest::Client, url: &str, query: &str, variables: Value) -> Option<Value> {
    let request = client
        .post(format!("{url}/graphql"))
        .timeout(Duration::from_mins(1))
        .json(&json!({ "query": query, "variables": variables }));
    let answer: Value = request.send().await.ok()?.json().await.ok()?;
    Some(answer)
}

const REPORT: &str =
    "mutation($reports: [JobRunReportInput!]!) { reportJobRuns(reports: $reports) {
    results { status lastSequence } } }";

/// Reports on some runs without pause, each time with one number in all counters. Returns whether a
/// request ever failed.
async fn report(url: String, runs: Vec<Arc<Reported>>, is_done: Arc<AtomicBool>) -> bool {
    let client = client();
    let mut failed = false;
    while !is_done.load(Ordering::Relaxed) {
        let mut reports = Vec::new();
        for run in &runs {
            let n = run.sent.fetch_add(1, Ordering::Relaxed) + 1;
            // Now and then a step of the state, which takes the longer way.
            let progress = json!({ "agentTasksCount": n, "agentTasksCompletedCount": n,
                "agentCluesCount": n, "agentExpectedTasksCount": n });
            reports.push(run.attempt.report(
                n,
                Some("EXECUTING").filter(|_| n % 2 == 0),
                &progress,
            ));
        }
        let answer = ask(&client, &url, REPORT, json!({ "reports": reports })).await;
        let results = answer
            .as_ref()
            .and_then(|answer| answer["data"]["reportJobRuns"]["results"].as_array());
        let Some(results) = results else {
            failed = true;
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        for (run, result) in runs.iter().zip(results) {
            assert!(result["status"] != "REFUSED", "{result:#}");
            let last = result["lastSequence"].as_i64().expect("a sequence");
            run.acknowledged.fetch_max(last, Ordering::Relaxed);
        }
    }
    failed
}

/// Queues jobs without pause; returns the names of the requests that were acknowledged.
async fn queue(url: String, configuration: Uuid, is_done: Arc<AtomicBool>) -> Vec<String> {
    let client = client();
    let mut acknowledged = Vec::new();
    while !is_done.load(Ordering::Relaxed) {
        let name = Uuid::new_v4().to_string();
        let query = "mutation($input: [QueueJobInput!]!) { queueJobs(input: $input) { results { jobId } } }";
        let input =
            json!([{ "configurationId": configuration, "name": name, "clientRequestId": name }]);
        let answer = ask(&client, &url, query, json!({ "input": input })).await;
        if answer
            .is_some_and(|answer| answer["data"]["queueJobs"]["results"][0]["jobId"].is_string())
        {
            acknowledged.push(name);
        }
    }
    acknowledged
}

/// Claims jobs and leads each through its states to its end, without pause; returns the runs and how
/// far each is known to have come.
async fn work(url: String, agent: Uuid, is_done: Arc<AtomicBool>) -> Vec<(Attempt, &'static str)> {
    const CLAIM: &str = "mutation($input: ClaimJobInput!) { claimJob(input: $input) {
        attempt { runId jobId attemptToken } } }";
    let client = client();
    let mut runs = Vec::new();
    while !is_done.load(Ordering::Relaxed) {
        let claim = json!({ "input": { "agentId": agent, "wait": 20 } });
        let answer = ask(&client, &url, CLAIM, claim).await;
        let attempt =
            answer.and_then(|answer| Attempt::read(&answer["data"]["claimJob"]["attempt"]));
        let Some(attempt) = attempt else { continue };
        let mut known = "EXECUTING";
        for (n, state) in (1..).zip(["EXECUTION_COMPLETED", "SUBMITTING", "COMPLETED"]) {
            let progress = json!({ "agentTasksCount": n });
            let reports = json!({ "reports": [attempt.report(n, Some(state), &progress)] });
            let answer = ask(&client, &url, REPORT, reports).await;
            if answer.is_none_or(|answer| {
                answer["data"]["reportJobRuns"]["results"][0]["status"] != "ACCEPTED"
            }) {
                break;
            }
            known = state;
        }
        runs.push((attempt, known));
    }
    runs
}

/// That each of these runs has come as far as is known, or one step further, and by each step.
async fn check_worked(client: &reqwest::Client, url: &str, runs: &[(Attempt, &str)]) {
    const PATH: [&str; 5] =
        ["QUEUED", "EXECUTING", "EXECUTION_COMPLETED", "SUBMITTING", "COMPLETED"];
    for (attempt, known) in runs {
        let query = "query($id: UUID!) { job(id: $id) { state history { state }
            currentRun { id agentState agentTasksCount } } }";
        let answer = ask(client, url, query, json!({ "id": attempt.job })).await;
        let job = answer.expect("an answer")["data"]["job"].take();
        let state = job["state"].as_str().expect("a state");
        let place = |state: &str| PATH.iter().position(|each| *each == state).expect("on the path");
        assert!((place(known)..=place(known) + 1).contains(&place(state)), "{known}: {job:#}");
        let run = &job["currentRun"];
        assert_eq!(run["id"], json!(attempt.run), "{job:#}");
        assert_eq!(run["agentState"], state, "half a report: {job:#}");
        assert_eq!(
            run["agentTasksCount"].as_u64().unwrap_or(0) + 1,
            place(state) as u64,
            "{job:#}"
        );
        let history = job["history"].as_array().expect("a list").iter();
        let states: Vec<_> = history.filter_map(|event| event["state"].as_str()).collect();
        assert_eq!(states, PATH[..=place(state)], "{job:#}");
    }
}

/// That each run is as some report said, and no older than what was acknowledged.
async fn check(client: &reqwest::Client, url: &str, runs: &[Arc<Reported>]) {
    for run in runs {
        let query = "query($id: UUID!) { jobRun(id: $id) { agentTasksCount agentTasksCompletedCount
            agentCluesCount agentExpectedTasksCount agentState } }";
        let answer =
            ask(client, url, query, json!({ "id": run.attempt.run })).await.expect("an answer");
        let row = &answer["data"]["jobRun"];
        let n = row["agentTasksCount"].as_i64().unwrap_or(-1);
        let (acknowledged, sent) = (run.acknowledged(), run.sent.load(Ordering::Relaxed));
        assert!((acknowledged..=sent).contains(&n), "{acknowledged} <= {n} <= {sent}: {answer:#}");
        for field in ["agentTasksCompletedCount", "agentCluesCount", "agentExpectedTasksCount"] {
            assert_eq!(row[field].as_i64().unwrap_or(-1), n, "half a report: {answer:#}");
        }
    }
}

async fn check_queued(client: &reqwest::Client, url: &str, names: &[String]) {
    for name in names {
        let query =
            "query($name: String) { jobs(filter: { search: $name }) { items { name state } } }";
        let answer = ask(client, url, query, json!({ "name": name })).await.expect("an answer");
        assert_eq!(answer["data"]["jobs"]["items"].as_array().map(Vec::len), Some(1), "{answer:#}");
    }
}

on_both_databases! {
    async fn a_killed_server_loses_nothing_that_it_acknowledged(database: TestDatabase) {
        let runs = runs(&database).await;
        let (configuration, agent) = {
            let server = TestServer::start(&database).await;
            (server.save_configuration().await, server.register_agent().await)
        };
        let client = client();
        for round in 0..kills() {
            let (server, url) = Program::serve("serve", database.url());
            check(&client, &url, &runs).await;
            let before: Vec<_> = runs.iter().map(|run| run.acknowledged()).collect();
            let is_done = Arc::new(AtomicBool::new(false));
            let mut reporting = JoinSet::new();
            // Some agents have one run, others many.
            for part in [&runs[..1], &runs[1..2], &runs[2..8], &runs[8..]] {
                reporting.spawn(report(url.clone(), part.to_vec(), Arc::clone(&is_done)));
            }
            let queueing = tokio::spawn(queue(url.clone(), configuration, Arc::clone(&is_done)));
            let working = tokio::spawn(work(url.clone(), agent, Arc::clone(&is_done)));
            // When everyone was answered, and a while later.
            while runs.iter().zip(&before).any(|(run, before)| run.acknowledged() <= *before) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(37 * (round % 10) as u64)).await;
            server.signal("KILL");
            is_done.store(true, Ordering::Relaxed);
            while let Some(done) = reporting.join_next().await {
                done.expect("no panic");
            }
            let names = queueing.await.expect("no panic");
            let worked = working.await.expect("no panic");
            let (server, url) = Program::serve("serve", database.url());
            check(&client, &url, &runs).await;
            check_queued(&client, &url, &names).await;
            check_worked(&client, &url, &worked).await;
            server.signal("KILL");
        }
        let counts = agent_jobs(&["counts", "verify", "--database-url", database.url()], b"").ok();
        assert_eq!(counts.stdout, "the counters are right\n");
    }
}

/// PostgreSQL crashes under load and comes back: the service tells that it is away, recovers by
/// itself, and has lost nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_postgres_loses_nothing_that_was_acknowledged() {
    let cluster = Cluster::start();
    let database = TestDatabase::at(&cluster.url());
    let runs = runs(&database).await;
    let client = client();
    let (server, url) = Program::serve("serve", database.url());
    let is_done = Arc::new(AtomicBool::new(false));
    let mut reporting = JoinSet::new();
    for part in runs.chunks(8) {
        reporting.spawn(report(url.clone(), part.to_vec(), Arc::clone(&is_done)));
    }
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.crash();
        let query =
            "mutation($input: ClaimJobInput!) { claimJob(input: $input) { attempt { runId } } }";
        let variables = json!({ "input": { "agentId": Uuid::new_v4() } });
        let answer = ask(&client, &url, query, variables).await.expect("an answer");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "DATABASE_UNAVAILABLE", "{answer:#}");
        cluster.start_again();
        // It recovers by itself: something is acknowledged again.
        let before = runs[0].acknowledged();
        while runs[0].acknowledged() <= before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    is_done.store(true, Ordering::Relaxed);
    let mut failures = 0;
    while let Some(done) = reporting.join_next().await {
        failures += usize::from(done.expect("no panic"));
    }
    assert!(failures > 0, "while it was away there were errors");
    check(&client, &url, &runs).await;
    server.signal("TERM").ok();
}

/// Reports of progress stay within their page and touch no index (heap-only tuples). On a server of
/// its own, since any long transaction on a shared one keeps old versions alive.
#[tokio::test(flavor = "multi_thread")]
async fn progress_updates_are_heap_only() {
    let cluster = Cluster::start();
    let database = TestDatabase::at(&cluster.url());
    let runs = runs(&database).await;
    let server = TestServer::start(&database).await;
    for n in 1..=200 {
        let progress = json!({ "agentTasksCount": n, "agentPercentCompleted": 5 });
        let reports: Vec<_> =
            runs.iter().map(|run| run.attempt.report(n, Some("EXECUTING"), &progress)).collect();
        server.report(reports.into()).await;
    }
    let mut writer = ForeignWriter::connect(&database).await;
    writer.execute("SELECT pg_stat_force_next_flush()").await;
    // Other sessions tell their numbers when they have been idle for a second.
    let mut hot = 0;
    for _ in 0..100 {
        hot = writer
            .execute(
                "SELECT 1 FROM pg_stat_user_tables WHERE relname = 'job_run' \
                 AND n_tup_upd >= 4800 AND n_tup_hot_upd >= 0.9 * n_tup_upd",
            )
            .await;
        if hot == 1 {
            break;
        }
        // A report makes an idle session look at whether it is time to tell.
        server.report_one(runs[0].attempt.report(1000, None, &json!({}))).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(hot, 1, "nine in ten updates are heap-only");
}
