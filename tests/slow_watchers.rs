//! Watchers that do not read: they cost a bounded amount of memory, delay no others, and know the truth
//! once they read again.

use std::time::Duration;

use entity::{JobState, job};
use serde_json::json;

use crate::support::{
    Folded, ForeignWriter, Program, TestServer, Transport, Watch, id, job, on_both_databases,
};

const JOBS: u32 = 200;
const UPDATES: usize = 200;

/// The memory that subscribers which do not read may take together. The data for each would take about
/// 200 KB an update, so much more.
const BYTES: u64 = 96 << 20;

const QUERY: &str =
    "subscription { executingJobs { isSnapshot jobs { id name } removed { id state } } }";

on_both_databases! {
    async fn cost_little_and_harm_nobody(database: TestDatabase) {
        // Over a server of the test's own, which is gone then.
        let rows: Vec<_> = (1..=JOBS).map(|n| job::Model { state: JobState::Executing, ..job(n) }).collect();
        TestServer::start(&database).await.insert::<job::Entity>(&rows).await;
        let (server, url) = Program::serve_with("serve", database.url(), &["--tick", "5ms"]);
        let start = async |transport| {
            Watch::try_start(transport, &url, QUERY, &json!({})).await.expect("it listens")
        };
        let mut stuck = Vec::new();
        for transport in [Transport::ALL, Transport::ALL].as_flattened() {
            let mut watch = start(*transport).await;
            let mut folded = Folded::default();
            folded.fold(&watch.next().await);
            stuck.push((watch, folded));
        }
        let (mut reading, mut read) = (start(Transport::WebSocket).await, Folded::default());
        let mut writer = ForeignWriter::connect(&database).await;
        let before = server.memory();
        let mut most = before;
        for n in 0..UPDATES {
            let name = format!("{n:01000}");
            writer.execute(&format!("UPDATE job SET name = '{name}'")).await;
            // Subscribers that read are served meanwhile.
            let read_some = async { loop { read.fold(&reading.next().await) } };
            _ = tokio::time::timeout(Duration::from_millis(1), read_some).await;
            most = most.max(server.memory());
        }
        writer.execute(&format!("UPDATE job SET state = 'Failed' WHERE id < {}", writer.uuid(id(50)))).await;
        eprintln!("{} MiB on top of {}", (most - before) >> 20, before >> 20);
        assert!(most - before < BYTES, "{} MiB", (most - before) >> 20);

        let name = format!("{:01000}", UPDATES - 1);
        let expected = (50..=JOBS).map(|n| (id(n).to_string(), json!({ "id": id(n), "name": name }))).collect();
        read.read_until(&mut reading, &expected).await;
        for (mut watch, mut folded) in stuck {
            // On a machine that is slow enough it was sent away, as who does not read at all.
            if folded.try_read_until(&mut watch, &expected).await.is_none() {
                continue;
            }
            assert!(folded.updates < UPDATES, "it was not sent all that it did not read");
            assert_eq!(folded.removed.len(), 49, "the finished jobs are removed");
        }
        server.signal("TERM").ok();
    }
}
