//! What one client writes does not keep others from writing: bulk actions go in pieces, clients take
//! turns, and each has so much room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent_jobs::http::HttpOptions;
use agent_jobs::reports::Submitter;
use agent_jobs::reports::op::{Actor, Cancel, Op};
use entity::job;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::support::{
    Attempt, ForeignWriter, Kind, TestDatabase, TestServer, errors_of, id, job, on_both_databases,
};

/// Far longer than anything here takes.
const TIMEOUT: Duration = Duration::from_mins(1);

const CANCEL: &str = "mutation($ids: [UUID!]) { requestCancellation(input: { jobIds: $ids }) {
    results { jobId refusal { code } } } }";

const REPORT: &str = "mutation($report: JobRunReportInput!) {
    reportJobRuns(reports: [$report]) { results { status } } }";

async fn start(database: &TestDatabase) -> TestServer {
    let options = HttpOptions {
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        // What bulk actions cost a client has a test of its own.
        max_client_cost: u32::MAX,
        ..HttpOptions::default()
    };
    TestServer::start_with_options(database, options).await
}

/// The answer to a client behind the proxy.
async fn answer_to(server: &TestServer, client: &str, query: &str, variables: Value) -> Value {
    let request = server.client.post(format!("{}/graphql", server.url));
    let request = request.header("x-forwarded-for", client);
    let request = request.json(&json!({ "query": query, "variables": variables }));
    let answering = async { request.send().await?.json().await };
    timeout(TIMEOUT, answering).await.expect("in time").expect("an answer in JSON")
}

/// A run that an agent works on.
async fn attempt(server: &TestServer) -> Attempt {
    let configuration = server.save_configuration().await;
    let agent = server.register_agent().await;
    server.queue(json!([{ "configurationId": configuration, "name": "Job" }])).await;
    server.claim(agent).await
}

/// Queues this many jobs.
async fn insert_jobs(server: &TestServer, count: u32) -> Vec<Uuid> {
    let jobs: Vec<_> = (0..count).map(job).collect();
    server.insert::<job::Entity>(&jobs).await;
    (0..count).map(id).collect()
}

/// Keeps all others from writing until it is rolled back.
async fn lock(database: &TestDatabase) -> ForeignWriter {
    let mut holder = ForeignWriter::connect(database).await;
    if database.kind == Kind::Postgres {
        holder.execute("BEGIN").await;
        holder.execute("LOCK TABLE job, job_run IN ACCESS EXCLUSIVE MODE").await;
    } else {
        holder.execute("BEGIN IMMEDIATE").await;
    }
    holder
}

async fn until_waiting(server: &TestServer, ops: usize) {
    let waiting = async {
        while server.write_queue.waiting() != ops {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let met = timeout(TIMEOUT, waiting).await;
    met.unwrap_or_else(|_| panic!("{} ops wait, not {ops}", server.write_queue.waiting()));
}

on_both_databases! {
    async fn a_report_is_committed_between_the_pieces_of_bulk_actions(database: TestDatabase) {
        let server = start(&database).await;
        let attempt = attempt(&server).await;
        let ids = insert_jobs(&server, 1_200).await;
        let mut holder = lock(&database).await;
        let (first, second) = ids.split_at(600);
        let bulk = [("9.9.9.1", first), ("9.9.9.2", second)].map(async |(client, ids)| {
            answer_to(&server, client, CANCEL, json!({ "ids": ids })).await
        });
        // So that there is one for each lane that the writer may have.
        let bulk = join_all(bulk);
        let report = async {
            until_waiting(&server, ids.len()).await;
            let report = attempt.report(1, None, &json!({ "agentPercentCompleted": 50.0 }));
            let reporting = answer_to(&server, "8.8.8.8", REPORT, json!({ "report": report }));
            let releasing = async {
                until_waiting(&server, ids.len() + 1).await;
                holder.execute("ROLLBACK").await;
            };
            tokio::join!(reporting, releasing).0
        };
        let (bulk, report) = tokio::join!(bulk, report);
        assert_eq!(report["data"]["reportJobRuns"]["results"][0]["status"], "ACCEPTED", "{report}");
        // All results are there, in the order of the ids.
        for (answer, ids) in bulk.iter().zip([first, second]) {
            let results = answer["data"]["requestCancellation"]["results"].as_array();
            let results = results.unwrap_or_else(|| panic!("{answer}"));
            let expected: Vec<_> =
                ids.iter().map(|id| json!({ "jobId": id, "refusal": null })).collect();
            assert_eq!(*results, expected);
        }
        // A piece went before the report, or two, and all others came after it.
        let condition = "state = 'Cancelled' \
            AND update_date > (SELECT max(agent_report_date) FROM job_run)";
        let after = holder.count_jobs(condition).await;
        let [(_, after)] = after.as_slice() else { panic!("{after:?}") };
        assert!(*after > 1_000, "{after} of 1200 came after the report");
    }

    async fn a_client_that_fills_its_room_leaves_room_to_others(database: TestDatabase) {
        let server = start(&database).await;
        let attempt = attempt(&server).await;
        let mut holder = lock(&database).await;
        // None of these exists: they take room all the same.
        let ids: Vec<_> = (0..1_000).map(|_| Uuid::now_v7()).collect();
        let flood = join_all((0..15).map(async |_| {
            answer_to(&server, "9.9.9.9", CANCEL, json!({ "ids": ids })).await
        }));
        let report = async {
            until_waiting(&server, 10_000).await;
            let report = attempt.report(1, None, &json!({}));
            let reporting = answer_to(&server, "8.8.8.8", REPORT, json!({ "report": report }));
            let releasing = async {
                until_waiting(&server, 10_001).await;
                holder.execute("ROLLBACK").await;
            };
            tokio::join!(reporting, releasing).0
        };
        let (flood, report) = tokio::join!(flood, report);
        assert_eq!(report["data"]["reportJobRuns"]["results"][0]["status"], "ACCEPTED", "{report}");
        let mut refused = 0;
        for answer in &flood {
            if answer.get("errors").is_some() {
                assert_eq!(errors_of(answer)[0]["extensions"]["code"], "OVERLOADED", "{answer}");
                refused += 1;
            } else {
                let results = answer["data"]["requestCancellation"]["results"].as_array();
                assert_eq!(results.expect("results").len(), 1_000);
            }
        }
        assert_eq!(refused, 5);
        assert_eq!(server.write_queue.waiting(), 0);
    }

    async fn operators_ops_are_charged_to_their_client(database: TestDatabase) {
        let server = start(&database).await;
        let charged = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&charged);
        let write_queue = server.write_queue.of_client(Submitter {
            address: [9, 9, 9, 9].into(),
            charge: Arc::new(move |values| {
                counter.fetch_add(values, Ordering::Relaxed);
                Box::pin(std::future::ready(()))
            }),
        });
        let cancel = |job_id| {
            Op::Cancel(Cancel { job_id, reason: None, by: Actor::Operator(None), force: false })
        };
        write_queue.submit(vec![cancel(id(1))]).await.expect("written").pop();
        let of_one = charged.swap(0, Ordering::Relaxed);
        assert!(of_one > 1, "{of_one}");
        write_queue.submit((0..100).map(|n| cancel(id(n))).collect()).await.expect("written").pop();
        assert_eq!(charged.swap(0, Ordering::Relaxed), 100 * of_one);
        let attempt = attempt(&server).await;
        let report = progress_of(&attempt);
        write_queue.submit(vec![report; 100]).await.expect("written").pop();
        assert_eq!(charged.load(Ordering::Relaxed), 0);
    }
}

/// An agent's report of progress as an op.
fn progress_of(attempt: &Attempt) -> Op {
    use agent_jobs::reports::op::{AgentReport, Transition};

    Op::Agent(AgentReport {
        run_id: attempt.run,
        token: attempt.token,
        sequence: 1,
        progress: Vec::new(),
        transition: Transition::Stay,
    })
}
