//! `claimJob`: who gets which job.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Attempt, Kind, TestServer, on_both_databases};

const JOBS: usize = 2_000;
const AGENTS: usize = 32;

/// Jobs of a configuration with these priorities, in the order in which they were queued.
async fn queue(server: &TestServer, configuration: Uuid, priorities: &[i64]) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for priorities in priorities.chunks(1000) {
        let job =
            |priority: &i64| json!({ "configurationId": configuration, "priority": priority });
        ids.extend(server.queue(priorities.iter().map(job).collect()).await);
    }
    ids
}

/// An agent's claim of the next job, with nothing but what it needs.
async fn claim(server: &TestServer, agent: Uuid) -> Option<Attempt> {
    let query = "mutation($input: ClaimJobInput!) { claimJob(input: $input) {
        attempt { runId jobId attemptToken } refusal { code } } }";
    let data = server.query(query, json!({ "input": { "agentId": agent } })).await;
    assert_eq!(data["claimJob"]["refusal"], Value::Null);
    Attempt::read(&data["claimJob"]["attempt"])
}

on_both_databases! {
    async fn each_job_goes_to_one_agent_and_the_most_urgent_goes_first(database: TestDatabase) {
        // Two servers where a database has them.
        let mut servers = vec![TestServer::start(&database).await];
        if database.kind == Kind::Postgres {
            servers.push(TestServer::start(&database).await);
        }
        let configuration = servers[0].save_configuration().await;
        let priorities: Vec<_> = (0..JOBS).map(|n| [2, 0, 4, 2, 2][n % 5]).collect();
        let ids = queue(&servers[0], configuration, &priorities).await;
        let place: HashMap<_, _> = ids.iter().zip(priorities.iter().zip(0_i64..)).collect();

        let agent = async |nth: usize| {
            let server = &servers[nth % servers.len()];
            let agent = server.register_agent().await;
            let mut claimed = Vec::new();
            while let Some(attempt) = claim(server, agent).await {
                claimed.push(attempt);
                // Some agents die with the job in their hands.
                if nth % 8 == 7 && claimed.len() == 50 {
                    break;
                }
            }
            claimed
        };
        let claimed = join_all((0..AGENTS).map(agent)).await;
        for own in &claimed {
            // A job that is claimed later is no more urgent, and among equals no older.
            let order: Vec<_> = own.iter().map(|attempt| {
                let (priority, nth) = place[&attempt.job];
                (-priority, nth)
            }).collect();
            assert!(order.is_sorted(), "{order:?}");
        }
        let all: Vec<_> = claimed.iter().flatten().collect();
        assert_eq!(all.len(), JOBS);
        let distinct = |of: fn(&Attempt) -> Uuid| {
            all.iter().map(|attempt| of(attempt)).collect::<HashSet<_>>().len()
        };
        assert_eq!(distinct(|attempt| attempt.job), JOBS);
        assert_eq!(distinct(|attempt| attempt.run), JOBS);
        assert_eq!(distinct(|attempt| attempt.token), JOBS);
        let counts = servers[0].query("{ jobCounts { queued executing total } }", json!({})).await;
        assert_eq!(counts["jobCounts"], json!({ "queued": 0, "executing": JOBS, "total": JOBS }));
    }

    async fn one_agent_gets_them_in_order(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let configuration = server.save_configuration().await;
        let agent = server.register_agent().await;
        let ids = queue(&server, configuration, &[0, 2, 4, 2, 0, 4]).await;
        for expected in [2, 5, 1, 3, 0, 4] {
            assert_eq!(server.claim(agent).await.job, ids[expected]);
        }
    }

    async fn claims_whose_answers_are_lost_lose_no_job(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let configuration = server.save_configuration().await;
        let agent = server.register_agent().await;
        queue(&server, configuration, &[2; 60]).await;
        // The connection breaks before or after the server has written.
        for n in 0..60_u64 {
            let claiming = claim(&server, agent);
            _ = tokio::time::timeout(Duration::from_micros(n * 60), claiming).await;
        }
        // An abandoned claim may still be written between two looks.
        let left = async || loop {
            let query = "{ jobCounts { queued executing }
                executingJobs { currentRun { agentState } } again: jobCounts { queued executing } }";
            let data = server.query(query, json!({})).await;
            if data["jobCounts"] != data["again"] {
                continue;
            }
            let executing = data["executingJobs"].as_array().unwrap();
            assert!(executing.iter().all(|job| job["currentRun"]["agentState"] == "EXECUTING"));
            if data["jobCounts"]["executing"] == executing.len() {
                let queued = data["jobCounts"]["queued"].as_i64().unwrap();
                break queued + i64::try_from(executing.len()).unwrap();
            }
        };
        assert_eq!(left().await, 60);
        while claim(&server, agent).await.is_some() {}
        assert_eq!(left().await, 60);
    }

    /// The same claim once more, as by an agent that has heard no answer: at the same time, at another
    /// replica, and later.
    async fn a_repeated_claim_is_the_same_attempt(database: TestDatabase) {
        let mut servers = vec![TestServer::start(&database).await];
        if database.kind == Kind::Postgres {
            servers.push(TestServer::start(&database).await);
        }
        let configuration = servers[0].save_configuration().await;
        let (agent, other) = (servers[0].register_agent().await, servers[0].register_agent().await);
        queue(&servers[0], configuration, &[2; 20]).await;
        for _ in 0..5 {
            let claim = json!({ "agentId": agent, "attemptToken": Uuid::new_v4() });
            let claims = (0..8).map(|nth| servers[nth % servers.len()].try_claim(claim.clone()));
            let answers = join_all(claims).await;
            let runs: HashSet<_> = answers.iter().map(|answer| answer["attempt"]["runId"].as_str()).collect();
            assert!(runs.len() == 1 && !runs.contains(&None), "{answers:#?}");
            let first = answers.iter().filter(|answer| answer["attempt"]["isRepeat"] == false);
            assert_eq!(first.count(), 1, "{answers:#?}");
        }
        let counts = servers[0].query("{ jobCounts { queued executing } }", json!({})).await;
        assert_eq!(counts["jobCounts"], json!({ "queued": 15, "executing": 5 }));

        let claim = json!({ "agentId": agent, "attemptToken": Uuid::new_v4() });
        let attempt = Attempt::read(&servers[0].try_claim(claim.clone()).await["attempt"]).unwrap();
        assert_eq!(json!(attempt.token), claim["attemptToken"]);
        let others = json!({ "agentId": other, "attemptToken": attempt.token });
        assert_eq!(servers[0].try_claim(others).await["refusal"]["code"], "CONFLICT");
        servers[0].finish(&attempt, 1, "COMPLETED", None).await;
        assert_eq!(servers[0].try_claim(claim).await["refusal"]["code"], "ALREADY_FINISHED");
    }

    async fn a_claim_waits_for_a_job(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let other = if database.kind == Kind::Postgres { Some(TestServer::start(&database).await) } else { None };
        let configuration = server.save_configuration().await;
        let agent = server.register_agent().await;
        let waiting = json!({ "agentId": agent, "wait": 50 });
        assert_eq!(server.try_claim(waiting).await, json!({ "attempt": null, "refusal": null }));

        let long = json!({ "agentId": agent, "wait": 60_000 });
        let queueing = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            queue(other.as_ref().unwrap_or(&server), configuration, &[2]).await
        };
        let (answer, ids) = tokio::join!(server.try_claim(long.clone()), queueing);
        assert_eq!(answer["attempt"]["jobId"], json!(ids[0]));

        // A job that is tried again is waited for, too.
        let attempt = Attempt::read(&answer["attempt"]).unwrap();
        server.finish(&attempt, 1, "FAILED", Some("no")).await;
        let retrying = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            server.act("retryJobs", json!({ "jobIds": ids })).await
        };
        let (answer, _) = tokio::join!(server.try_claim(long), retrying);
        assert_eq!(answer["attempt"]["jobId"], json!(ids[0]));
    }

    async fn a_job_is_given_when_it_is_due_and_to_those_who_can(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let (one, two) = (server.save_configuration().await, server.save_configuration().await);
        let agent = server.register_agent().await;
        let soon = agent_jobs::clock::now().utc() + chrono::TimeDelta::milliseconds(700);
        let jobs = server.queue(json!([
            { "configurationId": one, "priority": 4, "scheduledDate": soon.to_rfc3339() },
            { "configurationId": two },
        ])).await;
        let of_one = json!({ "agentId": agent, "configurationIds": [one] });
        assert_eq!(server.try_claim(of_one.clone()).await["attempt"], Value::Null);
        let of_both = json!({ "agentId": agent, "configurationIds": [two, one, two] });
        assert_eq!(server.try_claim(of_both).await["attempt"]["jobId"], json!(jobs[1]));
        let answer = server.try_claim(json!({ "agentId": agent, "configurationIds": [one], "wait": 20_000 })).await;
        assert_eq!(answer["attempt"]["jobId"], json!(jobs[0]));
        assert!(agent_jobs::clock::now().utc() >= soon);
    }
}
