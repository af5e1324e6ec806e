//! `jobCounts`: right whoever writes the jobs, and in whatever way.

use std::sync::atomic::{AtomicBool, Ordering};

use agent_jobs::jobs::counts;
use entity::{JobState, configuration, job};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    ForeignWriter, Kind, TestDatabase, TestServer, agent_jobs, configuration, id, job,
    on_both_databases, property,
};

/// A number for each state, in the order of `JobState::ALL`.
type Numbers = [i64; 9];

const QUERY: &str = "query($id: UUID) { jobCounts(configurationId: $id) {
    unknown queued executing executionCompleted cancelling submitting completed cancelled failed
    total byState { state count } } }";

/// The server's counts, which must agree with each other.
async fn counts_of(server: &TestServer, configuration: Option<Uuid>) -> Numbers {
    let counts = server.query(QUERY, json!({ "id": configuration })).await["jobCounts"].take();
    let number = |value: &Value| value.as_i64().expect("a number");
    let fields = [
        "unknown",
        "queued",
        "executing",
        "executionCompleted",
        "cancelling",
        "submitting",
        "completed",
        "cancelled",
        "failed",
    ];
    let numbers = fields.map(|field| number(&counts[field]));
    let by_state = counts["byState"].as_array().expect("a list");
    let states: Vec<_> = by_state.iter().map(|entry| entry["state"].as_str().unwrap()).collect();
    assert_eq!(
        states,
        [
            "UNKNOWN",
            "QUEUED",
            "EXECUTING",
            "EXECUTION_COMPLETED",
            "CANCELLING",
            "SUBMITTING",
            "COMPLETED",
            "CANCELLED",
            "FAILED"
        ]
    );
    let listed: Vec<_> = by_state.iter().map(|entry| number(&entry["count"])).collect();
    assert_eq!(listed, numbers);
    assert_eq!(number(&counts["total"]), numbers.iter().sum::<i64>());
    numbers
}

/// The numbers of jobs that a `GROUP BY` finds.
async fn recount(writer: &mut ForeignWriter, configuration: Option<Uuid>) -> Numbers {
    let condition = configuration
        .map_or("true".to_owned(), |id| format!("configuration_id = {}", writer.uuid(id)));
    let mut numbers = Numbers::default();
    for (state, n) in writer.count_jobs(&condition).await {
        let state = JobState::from_name(&state);
        numbers[JobState::ALL.iter().position(|each| *each == state).unwrap()] += n;
    }
    numbers
}

/// That all counts are those of a recount.
async fn assert_right(server: &TestServer, writer: &mut ForeignWriter, configurations: &[Uuid]) {
    for configuration in [None].into_iter().chain(configurations.iter().copied().map(Some)) {
        let expected = recount(writer, configuration).await;
        assert_eq!(counts_of(server, configuration).await, expected, "{configuration:?}");
    }
}

/// A server over two configurations, and another program beside it.
async fn start(database: &TestDatabase) -> (TestServer, ForeignWriter, [Uuid; 2]) {
    let server = TestServer::start(database).await;
    let configurations = [configuration(901, Some("A")), configuration(902, None)];
    server.insert::<configuration::Entity>(&configurations).await;
    (server, ForeignWriter::connect(database).await, configurations.map(|row| row.id))
}

on_both_databases! {
    async fn follow_every_kind_of_change(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        for (n, (configuration, state)) in [
            (Some(a), "Queued"), (Some(a), "Queued"), (Some(b), "Executing"), (None, "Failed"),
            (None, "Queued"),
        ].into_iter().enumerate() {
            writer.insert_job(id(u32::try_from(n).unwrap()), configuration, state).await;
        }
        // In the order of the states: unknown, queued, executing, ...
        assert_eq!(counts_of(&server, None).await, [0, 3, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(counts_of(&server, Some(a)).await, [0, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(counts_of(&server, Some(b)).await, [0, 0, 1, 0, 0, 0, 0, 0, 0]);

        let [one, four, a_, b_] = [id(0), id(4), a, b].map(|id| writer.uuid(id));
        for change in [
            // One state, another one for several rows, and states that are the same as before.
            format!("UPDATE job SET state = 'Executing' WHERE id = {one}"),
            "UPDATE job SET state = 'Completed' WHERE state = 'Executing'".to_owned(),
            "UPDATE job SET state = state, name = 'x'".to_owned(),
            // From one configuration to another, from none and to none; with the state and alone.
            format!("UPDATE job SET configuration_id = {b_} WHERE id = {one}"),
            format!("UPDATE job SET configuration_id = {a_}, state = 'Cancelling' WHERE id = {four}"),
            format!("UPDATE job SET configuration_id = NULL WHERE configuration_id = {b_}"),
            format!("UPDATE job SET configuration_id = {b_}, state = 'Submitting'"),
            format!("DELETE FROM job WHERE id = {one}"),
            "DELETE FROM job".to_owned(),
        ] {
            assert_ne!(writer.execute(&change).await, 0, "{change}");
            assert_right(&server, &mut writer, &[a, b]).await;
        }
        assert_eq!(counts_of(&server, None).await, Numbers::default());
    }

    async fn follow_rows_that_are_replaced(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        for (configuration, state) in
            [(Some(a), "Queued"), (Some(a), "Queued"), (Some(b), "Failed"), (None, "Failed"), (Some(a), "Failed")]
        {
            writer.replace_job(id(1), configuration, state).await;
            assert_right(&server, &mut writer, &[a, b]).await;
            assert_eq!(counts_of(&server, None).await.iter().sum::<i64>(), 1);
        }
    }

    async fn take_back_what_is_rolled_back(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        writer.insert_job(id(1), Some(a), "Queued").await;
        writer.execute("BEGIN").await;
        writer.insert_job(id(2), Some(b), "Queued").await;
        writer.execute("UPDATE job SET state = 'Failed'").await;
        assert_eq!(counts_of(&server, None).await, [0, 1, 0, 0, 0, 0, 0, 0, 0], "not committed");
        writer.execute("ROLLBACK").await;
        assert_eq!(counts_of(&server, None).await, [0, 1, 0, 0, 0, 0, 0, 0, 0]);

        writer.execute("BEGIN").await;
        writer.execute("UPDATE job SET state = 'Executing'").await;
        writer.execute("SAVEPOINT before").await;
        writer.execute("DELETE FROM job").await;
        writer.execute("ROLLBACK TO SAVEPOINT before").await;
        writer.execute("COMMIT").await;
        assert_eq!(counts_of(&server, None).await, [0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_right(&server, &mut writer, &[a, b]).await;
    }

    async fn a_state_that_nobody_knows_counts_as_unknown(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        for (n, state) in ["Paused", "Paused", "", "QUEUED", "Unknown", "Queued", "it''s"].into_iter().enumerate() {
            writer.insert_job(id(u32::try_from(n).unwrap()), Some(a), state).await;
        }
        assert_eq!(counts_of(&server, None).await, [6, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(counts_of(&server, Some(a)).await, [6, 1, 0, 0, 0, 0, 0, 0, 0]);
        writer.execute("UPDATE job SET state = 'Completed' WHERE state = 'Paused'").await;
        assert_right(&server, &mut writer, &[a, b]).await;
        assert_eq!(counts_of(&server, None).await[0], 4);
    }

    async fn a_count_is_the_length_of_the_list(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        for (n, state) in ["Paused", "Queued", "Executing", "ExecutionCompleted", "Cancelling",
            "Submitting", "Completed", "Cancelled", "Failed"].into_iter().enumerate() {
            let n = u32::try_from(n).unwrap();
            for copy in 0..=n {
                let configuration = [Some(a), Some(b), None][copy as usize % 3];
                writer.insert_job(id(100 * n + copy), configuration, state).await;
            }
        }
        // Also with a state that has only just come up, and one that is gone again.
        writer.execute("UPDATE job SET state = 'Resting' WHERE state = 'Paused'").await;
        for configuration in [None, Some(a), Some(b)] {
            let numbers = counts_of(&server, configuration).await;
            let of = configuration.map_or(String::new(), |id| format!(", configurationId: \"{id}\""));
            for (state, n) in ["UNKNOWN", "QUEUED", "EXECUTING", "EXECUTION_COMPLETED", "CANCELLING",
                "SUBMITTING", "COMPLETED", "CANCELLED", "FAILED"].into_iter().zip(numbers)
            {
                let page = server.jobs(&format!("state: {state}, take: 200{of}")).await;
                assert_eq!(page["totalCount"], n, "{state}{of}");
                assert_eq!(page["items"].as_array().unwrap().len(), usize::try_from(n).unwrap());
            }
        }
    }

    async fn a_configuration_without_jobs_has_none(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        writer.insert_job(id(1), Some(b), "Failed").await;
        assert_eq!(counts_of(&server, Some(a)).await, Numbers::default());
        // A configuration that does not exist has no jobs either.
        for id in [id(7), Uuid::nil(), Uuid::max()] {
            assert_eq!(counts_of(&server, Some(id)).await, Numbers::default());
        }
    }

    /// Platforms export the nil UUID where they have no configuration.
    async fn the_nil_configuration_is_one_as_any_other(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        writer.insert_configuration(Uuid::nil()).await;
        writer.insert_job(id(1), Some(Uuid::nil()), "Failed").await;
        writer.insert_job(id(2), Some(a), "Failed").await;
        assert_right(&server, &mut writer, &[a, b, Uuid::nil()]).await;
        writer.execute("UPDATE job SET state = 'Queued'").await;
        counts::fold(server.db()).await.expect("folding");
        assert_right(&server, &mut writer, &[a, b, Uuid::nil()]).await;
        writer.execute("DELETE FROM job").await;
        assert_right(&server, &mut writer, &[a, b, Uuid::nil()]).await;
    }

    async fn hold_with_many_writers_at_once(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        let jobs: Vec<_> = (0..20)
            .map(|n| job::Model { configuration_id: [Some(a), Some(b), None][n as usize % 3], ..job(n) })
            .collect();
        server.insert::<job::Entity>(&jobs).await;
        let mut writers = Vec::new();
        for n in 0..8_u32 {
            let mut writer = ForeignWriter::connect(&database).await;
            let db = server.db().clone();
            writers.push(tokio::spawn(async move {
                for step in 0..12 {
                    // All of them want the same jobs, in different orders.
                    let job = writer.uuid(id((step * (n + 1) + n) % 20));
                    let state = ["Queued", "Executing", "Failed", "Paused"][((step + n) % 4) as usize];
                    writer.execute(&format!("UPDATE job SET state = '{state}' WHERE id = {job}")).await;
                    writer.insert_job(id(1000 * (n + 1) + step), None, state).await;
                    if n == 0 {
                        counts::fold(&db).await.expect("folding");
                    }
                }
            }));
        }
        for writer in writers {
            writer.await.expect("a writer");
        }
        assert_right(&server, &mut writer, &[a, b]).await;
        assert_eq!(counts_of(&server, None).await.iter().sum::<i64>(), 20 + 8 * 12);
    }

    async fn what_was_written_around_the_triggers_is_found_and_mended(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
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
        let (server, writer, [a, b]) = start(&database).await;
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

#[tokio::test]
async fn a_truncated_table_counts_nothing() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let (server, mut writer, [a, b]) = start(&database).await;
    for truncate in ["TRUNCATE job CASCADE", "TRUNCATE configuration CASCADE"] {
        writer
            .execute("INSERT INTO configuration (id, created_date) SELECT gen_random_uuid(), now()")
            .await;
        writer.insert_job(id(1), None, "Queued").await;
        counts::fold(server.db()).await.expect("folding");
        writer.insert_job(id(2), None, "Failed").await;
        writer.execute(truncate).await;
        assert_eq!(counts_of(&server, None).await, Numbers::default(), "{truncate}");
        writer.insert_job(id(3), None, "Failed").await;
        assert_right(&server, &mut writer, &[a, b]).await;
    }
}

/// On PostgreSQL counts are rows and changes that wait to be added to them.
#[tokio::test(flavor = "multi_thread")]
async fn folding_changes_no_count() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let (server, mut writer, [a, b]) = start(&database).await;
    for n in 0..40 {
        writer.insert_job(id(n), Some(a), "Queued").await;
    }
    let before = counts_of(&server, None).await;
    counts::fold(server.db()).await.expect("folding");
    assert_eq!(writer.execute("DELETE FROM job_count_delta").await, 0, "all are folded");
    assert_eq!(counts_of(&server, None).await, before);

    // While two processes fold and a job changes, there are never more or fewer jobs.
    let is_over = AtomicBool::new(false);
    let fold = async || {
        while !is_over.load(Ordering::Relaxed) {
            counts::fold(server.db()).await.expect("folding");
        }
    };
    let read = async || {
        while !is_over.load(Ordering::Relaxed) {
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
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(fold(), fold(), read(), write);
    assert_right(&server, &mut writer, &[a, b]).await;
}
