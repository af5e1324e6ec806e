//! The counters behind `jobCounts`: how they are folded, checked and mended, and that no series of
//! changes leaves them wrong.

use std::sync::atomic::{AtomicBool, Ordering};

use agent_jobs::jobs::counts;
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::{
    ForeignWriter, Kind, TestDatabase, TestServer, agent_jobs, assert_right, counts_of, id,
    on_both_databases, property, start_counting,
};

on_both_databases! {
    async fn what_was_written_around_the_triggers_is_found_and_mended(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start_counting(&database).await;
        for n in 0..5 {
            writer.insert_job(id(n), Some(a), "Queued").await;
        }
        let counts = |action: &str| agent_jobs(&["counts", action, "--database-url", database.url()], b"");
        assert_eq!(counts("verify").ok().stdout, "the counters are right\n");

        // As a restore of the table of jobs alone would leave them.
        match database.kind {
            Kind::Sqlite => {
                writer.execute("PRAGMA recursive_triggers = OFF").await;
                writer.replace_job(id(0), Some(b), "Failed").await;
            }
            Kind::Postgres => {
                let b = writer.uuid(b);
                writer.execute(&format!(
                    "SET session_replication_role = replica; \
                     UPDATE job SET state = 'Failed', configuration_id = {b} WHERE id = '{}'", id(0),
                )).await;
            }
        }
        let verified = counts("verify");
        assert_eq!(verified.code, 1, "{verified:#?}");
        assert!(verified.stdout.contains("all configurations, Queued: counted 5, but there are 4\n"), "{verified:#?}");
        assert!(verified.stdout.contains(&format!("configuration {a}, Queued: counted 5, but there are 4\n")), "{verified:#?}");
        assert!(verified.stderr.contains("agent-jobs counts rebuild"), "{verified:#?}");

        counts("rebuild").ok();
        assert_eq!(counts("verify").ok().stdout, "the counters are right\n");
        assert_right(&server, &mut writer, &[a, b]).await;

        // The counters go on from there.
        let [one, two] = [id(1), id(2)].map(|id| writer.uuid(id));
        let mut writer = ForeignWriter::connect(&database).await;
        writer.execute(&format!("UPDATE job SET state = 'Completed' WHERE id = {one}")).await;
        writer.execute(&format!("DELETE FROM job WHERE id = {two}")).await;
        assert_right(&server, &mut writer, &[a, b]).await;
    }

    async fn equal_a_recount_after_any_changes(database: TestDatabase) {
        let (server, writer, [a, b]) = start_counting(&database).await;
        let writer = tokio::sync::Mutex::new(writer);
        property(24, &prop::collection::vec(change(), 1..20), async |changes| {
            let mut writer = writer.lock().await;
            for change in &changes {
                change.make(&mut writer, &server, [None, Some(a), Some(b)]).await;
            }
            assert_right(&server, &mut writer, &[a, b]).await;
        });
    }
}

/// A change that another program makes.
#[derive(Clone, Debug)]
enum Change {
    Replace { job: u32, configuration: usize, state: &'static str },
    SetState { jobs: std::ops::Range<u32>, state: &'static str },
    Move { jobs: std::ops::Range<u32>, configuration: usize },
    Delete { jobs: std::ops::Range<u32> },
    RolledBack(Box<Change>),
    Fold,
}

fn change() -> impl Strategy<Value = Change> {
    let state = || prop::sample::select(vec!["Queued", "Executing", "Failed", "Unknown", "Paused"]);
    let jobs = || (0..10_u32, 1..4_u32).prop_map(|(first, n)| first..first + n);
    let change = prop_oneof![
        4 => (0..10_u32, 0..3_usize, state())
            .prop_map(|(job, configuration, state)| Change::Replace { job, configuration, state }),
        3 => (jobs(), state()).prop_map(|(jobs, state)| Change::SetState { jobs, state }),
        2 => (jobs(), 0..3_usize).prop_map(|(jobs, configuration)| Change::Move { jobs, configuration }),
        1 => jobs().prop_map(|jobs| Change::Delete { jobs }),
    ];
    let rolled_back = change.clone().prop_map(|change| Change::RolledBack(Box::new(change)));
    prop_oneof![8 => change, 1 => rolled_back, 1 => Just(Change::Fold)]
}

impl Change {
    async fn make(
        &self,
        writer: &mut ForeignWriter,
        server: &TestServer,
        configurations: [Option<Uuid>; 3],
    ) {
        match self {
            Self::Replace { job, configuration, state } => {
                writer.replace_job(id(*job), configurations[*configuration], state).await;
            }
            Self::SetState { jobs, state } => {
                writer
                    .execute(&format!(
                        "UPDATE job SET state = '{state}' WHERE {}",
                        between(writer, jobs)
                    ))
                    .await;
            }
            Self::Move { jobs, configuration } => {
                let id =
                    configurations[*configuration].map_or("NULL".to_owned(), |id| writer.uuid(id));
                writer
                    .execute(&format!(
                        "UPDATE job SET configuration_id = {id} WHERE {}",
                        between(writer, jobs)
                    ))
                    .await;
            }
            Self::Delete { jobs } => {
                writer.execute(&format!("DELETE FROM job WHERE {}", between(writer, jobs))).await;
            }
            Self::RolledBack(change) => {
                writer.execute("BEGIN").await;
                Box::pin(change.make(writer, server, configurations)).await;
                writer.execute("ROLLBACK").await;
            }
            Self::Fold => counts::fold(server.db()).await.expect("folding"),
        }
    }
}

fn between(writer: &ForeignWriter, jobs: &std::ops::Range<u32>) -> String {
    format!("id >= {} AND id < {}", writer.uuid(id(jobs.start)), writer.uuid(id(jobs.end)))
}

/// On PostgreSQL counts are rows and changes that wait to be added to them.
#[tokio::test(flavor = "multi_thread")]
async fn folding_changes_no_count() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let (server, mut writer, [a, b]) = start_counting(&database).await;
    for n in 0..40 {
        writer.insert_job(id(n), Some(a), "Queued").await;
    }
    let before = counts_of(&server, None).await;
    counts::fold(server.db()).await.expect("folding");
    assert_eq!(writer.execute("DELETE FROM job_count_delta").await, 0, "all are folded");
    assert_eq!(counts_of(&server, None).await, before);

    // While two processes fold and a job changes, there are never more or fewer jobs.
    let is_done = AtomicBool::new(false);
    let fold = async || {
        while !is_done.load(Ordering::Relaxed) {
            counts::fold(server.db()).await.expect("folding");
        }
    };
    let read = async || {
        while !is_done.load(Ordering::Relaxed) {
            for configuration in [None, Some(a)] {
                assert_eq!(counts_of(&server, configuration).await.iter().sum::<i64>(), 40);
            }
        }
    };
    let write = async {
        for step in 0..60 {
            let state = ["Executing", "Failed"][step % 2];
            writer
                .execute(&format!("UPDATE job SET state = '{state}' WHERE id = '{}'", id(1)))
                .await;
        }
        is_done.store(true, Ordering::Relaxed);
    };
    tokio::join!(fold(), fold(), read(), write);
    assert_right(&server, &mut writer, &[a, b]).await;
}
