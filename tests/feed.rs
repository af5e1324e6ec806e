//! The change feed when its connection breaks: subscribers get what they have missed, without
//! connecting again.

use entity::{JobState, job};
use serde_json::json;

use crate::support::{
    Cluster, Folded, ForeignWriter, Kind, TestDatabase, TestServer, Watch, id, job, soon,
};

const EXECUTING: &str =
    "subscription { executingJobs { isSnapshot jobs { id name } removed { id state } } }";

/// Ends the connections on which this database's changes are listened to.
const KILL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'agent-jobs feed' AND datname = current_database()";

async fn watch(server: &TestServer) -> (Watch, Folded) {
    let mut watch = server.watch(EXECUTING, json!({})).await;
    let mut folded = Folded::default();
    folded.fold(&watch.next().await);
    (watch, folded)
}

fn executing(n: u32) -> job::Model {
    job::Model { state: JobState::Executing, ..job(n) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_nobody_listened_is_seen() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let server = TestServer::start(&database).await;
    server.insert::<job::Entity>(&[executing(1), executing(2), executing(3)]).await;
    let (mut watching, mut folded) = watch(&server).await;
    let mut counts =
        server.watch("subscription { jobCounts { executing failed } }", json!({})).await;
    assert_eq!(counts.next().await["jobCounts"], json!({ "executing": 3, "failed": 0 }));
    let mut writer = ForeignWriter::connect(&database).await;
    for n in 0..10 {
        let killed = writer.execute(KILL).await;
        // In the same moment one changes, one leaves, one is removed and one comes.
        writer
            .execute(&format!(
                "UPDATE job SET name = 'Round {n}' WHERE id = {}",
                writer.uuid(id(1))
            ))
            .await;
        writer
            .execute(&format!(
                "UPDATE job SET state = 'Failed' WHERE id = {}",
                writer.uuid(id(2 + 10 * n))
            ))
            .await;
        writer
            .execute(&format!("DELETE FROM job WHERE id = {}", writer.uuid(id(3 + 10 * n))))
            .await;
        server.insert::<job::Entity>(&[executing(12 + 10 * n), executing(13 + 10 * n)]).await;
        folded.read_until(&mut watching, &server.executing("", "id name").await).await;
        assert_eq!(folded.removed[&id(2 + 10 * n).to_string()], "FAILED");
        assert_eq!(folded.removed[&id(3 + 10 * n).to_string()], "UNKNOWN");
        soon(async {
            while counts.next().await["jobCounts"] != json!({ "executing": 3, "failed": n + 1 }) {}
        })
        .await;
        assert!(killed == 1 || n > 0, "the feed was connected");
    }
    assert_eq!(folded.snapshots, 1, "differences are enough");
}

/// PostgreSQL crashes: who watches a server waits, and then sees what is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_postgres_is_followed_again() {
    let cluster = Cluster::start();
    let database = TestDatabase::at(&cluster.url());
    let server = TestServer::start(&database).await;
    server.insert::<job::Entity>(&[executing(1), executing(2)]).await;
    let (mut watching, mut folded) = watch(&server).await;
    let related =
        "subscription { executingJobs { isSnapshot jobs { id runs { id } } removed { id } } }";
    let mut of_related = server.watch(related, json!({})).await;
    of_related.next().await;
    for n in 0..2 {
        cluster.crash();
        // A subscriber that comes during the interruption is served afterwards.
        let mut late = server.watch(EXECUTING, json!({})).await;
        cluster.start_again();
        let mut writer = soon(async {
            loop {
                if let Some(writer) = ForeignWriter::try_connect(&database).await {
                    break writer;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        })
        .await;
        writer
            .execute(&format!(
                "UPDATE job SET name = 'Round {n}' WHERE id = {}",
                writer.uuid(id(1))
            ))
            .await;
        let expected = [(1, format!("Round {n}")), (2, "Job 2".to_owned())];
        let expected =
            expected.map(|(n, name)| (id(n).to_string(), json!({ "id": id(n), "name": name })));
        folded.read_until(&mut watching, &expected.clone().into()).await;
        Folded::default().read_until(&mut late, &expected.into()).await;
        let update = of_related.next().await;
        assert_eq!(update["executingJobs"]["jobs"], json!([{ "id": id(1), "runs": [] }]));
    }
    assert_eq!(folded.snapshots, 1);
}

/// Changes that were removed before they were read are looked for in the tables.
#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_whose_changes_are_lost_is_compared() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    server.insert::<job::Entity>(&[executing(1), executing(2)]).await;
    let (mut watching, mut folded) = watch(&server).await;
    let mut writer = ForeignWriter::connect(&database).await;
    let id = writer.uuid(id(1));
    // Changes that the feed has not read before the interruption are unknown: it has read some.
    writer.execute(&format!("UPDATE job SET name = 'Before' WHERE id = {id}")).await;
    folded.read_until(&mut watching, &server.executing("", "id name").await).await;
    for n in 0..5 {
        let sql = format!("BEGIN; UPDATE job SET name = 'Round {n}' WHERE id = {id}");
        // As a restored file has it: fewer changes, or other numbers.
        let lose = if n % 2 == 0 {
            "DELETE FROM job_change"
        } else {
            "UPDATE job_change SET seq = seq + 1000"
        };
        writer.execute(&format!("{sql}; {lose}; COMMIT")).await;
        folded.read_until(&mut watching, &server.executing("", "id name").await).await;
    }
}
