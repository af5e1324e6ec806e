//! Runs whose agents are silent, and cancellations that no agent confirms.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use agent_jobs::reports::LeasePolicy;
use entity::{JobState, agent, job, job_run};
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Attempt, Kind, Program, TestDatabase, TestServer, agent, id, job, job_run, on_both_databases,
};

const STALE: Duration = Duration::from_millis(300);
const LOST: Duration = Duration::from_millis(1200);

fn lease_policy() -> LeasePolicy {
    LeasePolicy { stale_after: Some(STALE), lease: Some(LOST), cancel_after: None }
}

/// A server with runs that one agent has claimed.
async fn start(
    database: &TestDatabase,
    lease_policy: LeasePolicy,
    runs: usize,
) -> (TestServer, Vec<Attempt>) {
    let server = TestServer::start_with(database, lease_policy).await;
    let configuration = server.save_configuration().await;
    let agent = server.register_agent().await;
    let jobs = vec![json!({ "configurationId": configuration }); runs];
    let mut attempts = Vec::new();
    for jobs in jobs.chunks(100) {
        server.queue(jobs.into()).await;
        attempts.extend(join_all(jobs.iter().map(|_| server.claim(agent))).await);
    }
    (server, attempts)
}

/// Reports that nothing is new.
async fn heartbeat(server: &TestServer, attempt: &Attempt, sequence: i64) {
    let result = server.report_one(attempt.report(sequence, None, &json!({}))).await;
    assert_eq!(result["status"], "ACCEPTED", "{result:#}");
}

/// Reports that nothing is new on any of these runs.
async fn beat_all(server: &TestServer, attempts: &[Attempt]) {
    for attempts in attempts.chunks(1_000) {
        let report = |attempt: &Attempt| {
            attempt.report(SEQUENCE.fetch_add(1, Ordering::Relaxed), None, &json!({}))
        };
        let reports: Vec<_> = attempts.iter().map(report).collect();
        for result in server.report(reports.into()).await {
            assert_eq!(result["status"], "ACCEPTED", "{result:#}");
        }
    }
}

/// The numbers of reports that come one after the other.
static SEQUENCE: AtomicI64 = AtomicI64::new(1000);

/// Waits until the job is in this state, while `alive` go on.
async fn until(server: &TestServer, job: Uuid, state: &str, alive: &[Attempt]) -> Value {
    for n in 0.. {
        let found = server.job_with_run(job).await;
        if found["state"] == state {
            return found;
        }
        assert!(n < 1000, "{found:#}");
        beat_all(server, alive).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    unreachable!()
}

on_both_databases! {
    async fn a_silent_run_is_stale_and_then_fails(database: TestDatabase) {
        let (server, attempts) = start(&database, lease_policy(), 3).await;
        let [silent, mute, alive] = attempts.try_into().expect("three");
        heartbeat(&server, &silent, 1).await;
        // `mute` never says a word.
        let mut was_stale = false;
        for n in 0..40 {
            heartbeat(&server, &alive, 10 + n).await;
            let found = server.job_with_run(silent.job).await;
            was_stale |= found["state"] == "EXECUTING" && found["currentRun"]["isStale"] == true;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(was_stale);
        for lost in [&silent, &mute] {
            let found = until(&server, lost.job, "FAILED", std::slice::from_ref(&alive)).await;
            let run = &found["currentRun"];
            assert_eq!((&run["agentState"], &run["agentResultIsSuccess"]), (&json!("FAILED"), &json!(false)));
            let message = run["agentResultMessage"].as_str().unwrap();
            assert!(message.contains("no report for 1 second"), "{message}");
            assert_eq!(found["history"].as_array().unwrap().last().unwrap()["by"], "service");
            assert!(run["agentEndTime"].is_string());
            // It wakes up.
            let late = server.report_one(lost.report(1 << 40, Some("COMPLETED"), &json!({}))).await;
            assert_eq!(late["refusal"]["code"], "ALREADY_FINISHED");
        }
        assert_eq!(server.job_with_run(alive.job).await["state"], "EXECUTING");
    }

    async fn who_was_asked_to_stop_and_is_gone_is_cancelled(database: TestDatabase) {
        let (server, attempts) = start(&database, lease_policy(), 2).await;
        server.act("requestCancellation", json!({ "jobIds": [attempts[0].job] })).await;
        let found = until(&server, attempts[0].job, "CANCELLED", &attempts[1..]).await;
        assert_eq!(found["currentRun"]["agentResultIsSuccess"], false);
    }

    async fn a_cancellation_that_is_not_confirmed_is_forced(database: TestDatabase) {
        let lease_policy = LeasePolicy { lease: None, cancel_after: Some(Duration::from_millis(500)), ..lease_policy() };
        let (server, attempts) = start(&database, lease_policy, 2).await;
        server.act("requestCancellation", json!({ "jobIds": [attempts[0].job] })).await;
        // It goes on as if nothing had been said.
        let mut sequence = 0;
        let found = loop {
            sequence += 1;
            let result = server.report_one(attempts[0].report(sequence, Some("EXECUTING"), &json!({}))).await;
            if result["refusal"]["code"] == "ALREADY_FINISHED" {
                break server.job_with_run(attempts[0].job).await;
            }
            assert_eq!(result["cancellationRequested"], true);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(found["state"], "CANCELLED");
        let last = found["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["by"], &last["state"]), (&json!("service"), &json!("CANCELLED")));
        assert!(last["message"].as_str().unwrap().contains("did not confirm"), "{last:#}");
        assert_eq!(server.job_with_run(attempts[1].job).await["state"], "EXECUTING");
    }

    async fn zero_is_never_and_what_runs_elsewhere_is_left_alone(database: TestDatabase) {
        let (never, attempts) = start(&database,
            LeasePolicy { stale_after: None, lease: None, cancel_after: None }, 1).await;
        tokio::time::sleep(LOST).await;
        let found = never.job_with_run(attempts[0].job).await;
        assert_eq!((&found["state"], &found["currentRun"]["isStale"]), (&json!("EXECUTING"), &json!(false)));
        drop(never);

        let server = TestServer::start_with(&database, lease_policy()).await;
        server.insert::<agent::Entity>(&[agent(2, None)]).await;
        let elsewhere = job::Model { state: JobState::Executing, current_run_id: Some(id(5)), ..job(3) };
        server.insert::<job::Entity>(&[elsewhere]).await;
        server.insert::<job_run::Entity>(&[job_run(5, id(3), id(2))]).await;
        until(&server, attempts[0].job, "FAILED", &[]).await;
        assert_eq!(server.job_with_run(id(3)).await["state"], "EXECUTING");
    }

    async fn after_a_start_everybody_has_a_lease(database: TestDatabase) {
        let (server, attempts) = start(&database, LeasePolicy { lease: None, ..lease_policy() }, 1).await;
        tokio::time::sleep(2 * LOST).await;
        drop(server);
        let server = TestServer::start_with(&database, lease_policy()).await;
        // It could not report before, and does so in time now.
        tokio::time::sleep(LOST / 3).await;
        heartbeat(&server, &attempts[0], 1).await;
        assert_eq!(server.job_with_run(attempts[0].job).await["state"], "EXECUTING");
        until(&server, attempts[0].job, "FAILED", &[]).await;
    }

    async fn a_pause_of_the_service_forces_no_cancellation(database: TestDatabase) {
        let never = LeasePolicy { stale_after: None, lease: None, cancel_after: None };
        let (server, attempts) = start(&database, never, 2).await;
        let options = ["--lease", "0", "--cancel-after", "2s"];
        let (program, _) = Program::serve_with("serve", database.url(), &options);
        let cancel = async |attempt: &Attempt| {
            server.act("requestCancellation", json!({ "jobIds": [attempt.job] })).await;
        };
        // The grace period of the start has passed when it forces one.
        cancel(&attempts[0]).await;
        until(&server, attempts[0].job, "CANCELLED", &[]).await;

        cancel(&attempts[1]).await;
        program.send_signal("STOP");
        tokio::time::sleep(Duration::from_millis(2500)).await;
        program.send_signal("CONT");
        // Several scans pass before the agent confirms.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let result = server.finish(&attempts[1], 1, "CANCELLED", None).await;
        assert_eq!(result["status"], "ACCEPTED", "{result:#}");
        program.signal("TERM").ok();
    }

    async fn a_pause_of_the_service_fails_no_run(database: TestDatabase) {
        for live in [1, 5, 1_000] {
            fail_nobody_after_a_pause(&database, live).await;
        }
    }
}

/// Stops the server for longer than a lease, during which no agent reports.
async fn fail_nobody_after_a_pause(database: &TestDatabase, live: usize) {
    let never = LeasePolicy { stale_after: None, lease: None, cancel_after: None };
    let (server, mut attempts) = start(database, never, live + 1).await;
    let options = ["--lease", "2s", "--cancel-after", "0"];
    let (program, _) = Program::serve_with("serve", database.url(), &options);
    // The grace period of the start has passed when it fails a silent run.
    let silent = attempts.pop().expect("a run more");
    until(&server, silent.job, "FAILED", &attempts).await;

    program.send_signal("STOP");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    program.send_signal("CONT");
    // Several scans pass before the agents are back.
    tokio::time::sleep(Duration::from_millis(700)).await;
    beat_all(&server, &attempts).await;

    let silent = attempts.pop().expect("a live run");
    until(&server, silent.job, "FAILED", &attempts).await;
    let of_silent = "query($id: UUID!) { job(id: $id) { configuration { id } } }";
    let found = server.query(of_silent, json!({ "id": silent.job })).await;
    let counts = "query($id: UUID!) { jobCounts(configurationId: $id) { executing failed } }";
    let id = &found["job"]["configuration"]["id"];
    let counts = server.query(counts, json!({ "id": id })).await;
    assert_eq!(counts["jobCounts"], json!({ "executing": attempts.len(), "failed": 2 }));
    let output = program.signal("TERM").ok();
    assert!(output.stderr.contains("stood still for"), "{}", output.stderr);
}

/// One replica ends expired runs, each once; when it is killed, another does.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_judge_one_at_a_time() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let (server, attempts) =
        start(&database, LeasePolicy { lease: None, ..lease_policy() }, 4).await;
    let options = ["--lease", "1s", "--cancel-after", "0"];
    let mut replicas: Vec<_> =
        (0..3).map(|_| Program::serve_with("serve", database.url(), &options)).collect();
    for (attempt, rest) in [(&attempts[0], &attempts[1..]), (&attempts[1], &attempts[2..])] {
        let found = until(&server, attempt.job, "FAILED", rest).await;
        let failures =
            found["history"].as_array().unwrap().iter().filter(|event| event["state"] == "FAILED");
        assert_eq!(failures.count(), 1);
        let (replica, _) = replicas.pop().expect("a replica");
        replica.signal("KILL");
    }
}
