//! `jobStatistics`: right for every writer, before and after events are folded, and after jobs were removed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use agent_jobs::db::migrate;
use agent_jobs::jobs::retention;
use agent_jobs::jobs::statistics::{fold, verify};
use entity::{JobState, Long, Millis, Timestamp, agent, configuration, job, job_run};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    ForeignWriter, Rows, TestDatabase, TestServer, agent, agent_jobs, configuration, errors_of, id,
    job, on_both_databases, property, second, start_counting,
};

const HOUR: i64 = 3_600;

const DAY: i64 = 24 * HOUR;

const FIELDS: &str =
    "start end configurationId provider agentId state name finished completed failed
    cancelled failureRate tasks clues jobs { completed failed cancelled }
    wait { count p50 p90 p95 p99 max } duration { count p50 p90 p95 p99 max }";

/// The statistics with these arguments.
async fn statistics(server: &TestServer, arguments: &str) -> Vec<Value> {
    let query = format!("{{ jobStatistics({arguments}) {{ {FIELDS} }} }}");
    let data = server.query(&query, json!({})).await;
    data["jobStatistics"].as_array().expect("a list").clone()
}

/// Those of all times.
async fn of_all_times(server: &TestServer, arguments: &str) -> Vec<Value> {
    let arguments =
        format!("from: \"1960-01-01T00:00:00Z\", to: \"2040-01-01T00:00:00Z\" {arguments}");
    statistics(server, &arguments).await
}

/// A finished job of a configuration, and its run, that ended in this second of the year.
fn finished(
    n: u32,
    configuration: Uuid,
    agent: Uuid,
    state: JobState,
    end: i64,
    (wait, duration): (i64, i64),
) -> (job::Model, job_run::Model) {
    let job = job::Model {
        configuration_id: Some(configuration),
        name: Some(format!("Job {}", n % 2)),
        state,
        current_run_id: Some(id(n)),
        update_date: Some(second(end)),
        ..job(n)
    };
    let run = job_run::Model {
        id: id(n),
        job_id: job.id,
        agent_id: agent,
        agent_state: state,
        agent_start_time: Some(second(end - duration)),
        agent_end_time: Some(second(end)),
        agent_elapsed_queued_time: Some(Millis(wait * 1_000)),
        agent_tasks_completed_count: Some(Long(10)),
        agent_clues_completed_count: Some(Long(100)),
        ..job_run::Model::default()
    };
    (job, run)
}

async fn insert(server: &TestServer, rows: &[(job::Model, job_run::Model)]) {
    let (jobs, runs): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
    server.insert::<job::Entity>(&jobs).await;
    server.insert::<job_run::Entity>(&runs).await;
}

/// Two configurations, two agents and six finished jobs on two days.
async fn insert_known(server: &TestServer) -> [Uuid; 2] {
    let configurations = [
        configuration::Model {
            provider: Some("hubspot".to_owned()),
            ..configuration(901, Some("A"))
        },
        configuration(902, None),
    ];
    server.insert::<configuration::Entity>(&configurations).await;
    server.insert::<agent::Entity>(&[agent(801, None), agent(802, None)]).await;
    let ([a, b], [one, two]) = ([id(901), id(902)], [id(801), id(802)]);
    insert(
        server,
        &[
            finished(1, a, one, JobState::Completed, DAY + 10, (5, 100)),
            finished(2, a, two, JobState::Completed, DAY + 20, (15, 300)),
            finished(3, a, one, JobState::Failed, DAY + HOUR, (25, 200)),
            finished(4, b, one, JobState::Cancelled, DAY + 2 * HOUR, (35, 50)),
            finished(5, b, two, JobState::Completed, 8 * DAY, (45, 1_000)),
            finished(6, b, two, JobState::Failed, 8 * DAY + 5 * HOUR, (55, 7)),
        ],
    )
    .await;
    [a, b]
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value:#} is no number"))
}

/// The sum of a field over rows.
fn sum(rows: &[Value], path: &str) -> i64 {
    rows.iter().map(|row| number(row.pointer(path).unwrap())).sum()
}

/// That statistics equal a recount of the tables, and their jobs `jobCounts`.
async fn assert_equal_a_recount(server: &TestServer) {
    assert_eq!(verify::verify(server.db()).await.expect("verifying"), []);
    let found = of_all_times(server, "").await;
    let counts = server.query("{ jobCounts { completed failed cancelled } }", json!({})).await;
    for state in ["completed", "failed", "cancelled"] {
        let path = format!("/jobs/{state}");
        assert_eq!(sum(&found, &path), number(&counts["jobCounts"][state]), "{state}: {found:#?}");
    }
}

on_both_databases! {
    async fn what_finished_is_summed_up_by_time_and_group(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let [a, b] = insert_known(&server).await;
        let year = "from: \"2026-01-01T00:00:00Z\", to: \"2027-01-01T00:00:00Z\"";
        for is_folded in [false, true] {
            if is_folded {
                fold::fold_all(server.db()).await.expect("folding");
            }
            let all = statistics(&server, year).await;
            assert_eq!(all, [json!({
                "start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z",
                "configurationId": null, "provider": null, "agentId": null, "state": null, "name": null,
                "finished": 6, "completed": 3, "failed": 2, "cancelled": 1, "failureRate": 0.4,
                "tasks": 60, "clues": 600, "jobs": { "completed": 3, "failed": 2, "cancelled": 1 },
                // The middles of their buckets.
                "wait": all[0]["wait"], "duration": all[0]["duration"],
            })], "folded: {is_folded}");
            for (name, exact) in [
                ("wait", [25_000, 55_000, 55_000, 55_000, 55_000]),
                ("duration", [100_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000]),
            ] {
                let found = &all[0][name];
                assert_eq!(found["count"], 6);
                for (percentile, exact) in ["p50", "p90", "p95", "p99", "max"].iter().zip(exact) {
                    let found = number(&found[percentile]);
                    assert!(found.abs_diff(exact) * 200 <= exact.unsigned_abs(), "{name} {percentile}: {found}");
                }
            }

            // `start`, then what is grouped by, then how many finished.
            let picked = async |arguments: &str, fields: &[&str]| -> Vec<Vec<Value>> {
                let rows = statistics(&server, &format!("{year}, {arguments}")).await;
                rows.iter().map(|row| fields.iter().map(|field| row[field].clone()).collect()).collect()
            };
            let (day, week) = ("2026-01-02T00:00:00Z", "2025-12-29T00:00:00Z");
            assert_eq!(picked("bucket: DAY", &["start", "end", "finished"]).await, [
                vec![json!(day), json!("2026-01-03T00:00:00Z"), json!(4)],
                vec![json!("2026-01-09T00:00:00Z"), json!("2026-01-10T00:00:00Z"), json!(2)],
            ]);
            assert_eq!(picked("bucket: WEEK, groupBy: [STATE]", &["start", "state", "finished"]).await, [
                vec![json!(week), json!("COMPLETED"), json!(2)],
                vec![json!(week), json!("CANCELLED"), json!(1)],
                vec![json!(week), json!("FAILED"), json!(1)],
                vec![json!("2026-01-05T00:00:00Z"), json!("COMPLETED"), json!(1)],
                vec![json!("2026-01-05T00:00:00Z"), json!("FAILED"), json!(1)],
            ]);
            assert_eq!(picked("groupBy: [CONFIGURATION]", &["configurationId", "finished", "failed"]).await, [
                vec![json!(a), json!(3), json!(1)],
                vec![json!(b), json!(3), json!(1)],
            ]);
            assert_eq!(picked("groupBy: [PROVIDER]", &["provider", "finished"]).await, [
                vec![json!(null), json!(3)],
                vec![json!("hubspot"), json!(3)],
            ]);
            assert_eq!(picked("groupBy: [AGENT]", &["agentId", "finished", "jobs"]).await, [
                // The jobs themselves have no agent.
                vec![json!(id(801)), json!(3), json!(null)],
                vec![json!(id(802)), json!(3), json!(null)],
            ].into_iter().collect::<Vec<_>>());
            assert_eq!(picked("groupBy: [NAME, STATE], filter: { states: [COMPLETED] }", &["name", "finished"]).await, [
                vec![json!("Job 0"), json!(1)],
                vec![json!("Job 1"), json!(2)],
            ]);
            for (filter, expected) in [
                (format!("configurationIds: [\"{a}\"]"), 3),
                (format!("configurationIds: [\"{b}\"], states: [FAILED]"), 1),
                ("providers: [\"hubspot\"]".to_owned(), 3),
                (format!("agentIds: [\"{}\"]", id(802)), 3),
                ("excludeStates: [COMPLETED]".to_owned(), 3),
                ("search: \"JOB 1\"".to_owned(), 3),
                ("search: \"nothing\"".to_owned(), 0),
            ] {
                let found = statistics(&server, &format!("{year}, filter: {{ {filter} }}")).await;
                assert_eq!(sum(&found, "/finished"), expected, "{filter}");
            }
            let hours = "from: \"2026-01-02T01:00:00Z\", to: \"2026-01-02T03:00:00Z\", bucket: HOUR";
            let hours = statistics(&server, hours).await;
            assert_eq!(hours.iter().map(|row| &row["start"]).collect::<Vec<_>>(), [
                "2026-01-02T01:00:00Z", "2026-01-02T02:00:00Z",
            ]);
        }
        assert_equal_a_recount(&server).await;
    }

    async fn equal_a_recount_after_any_changes(database: TestDatabase) {
        let (server, writer, [a, b]) = start_counting(&database).await;
        server.insert::<agent::Entity>(&[agent(801, None), agent(802, None)]).await;
        let writer = tokio::sync::Mutex::new(writer);
        property(32, &prop::collection::vec(change(), 1..25), async |changes| {
            let mut writer = writer.lock().await;
            for change in &changes {
                change.make(&mut writer, &server, [None, Some(a), Some(b)]).await;
            }
            assert_equal_a_recount(&server).await;
        });
    }

    async fn equal_a_recount_after_concurrent_writers(database: TestDatabase) {
        let (server, _, configurations) = start_counting(&database).await;
        server.insert::<agent::Entity>(&[agent(801, None)]).await;
        let rows: Vec<_> = (0..40).map(|n| {
            finished(n, configurations[n as usize % 2], id(801), JobState::Completed, i64::from(n) * HOUR, (1, 2))
        }).collect();
        insert(&server, &rows).await;
        let is_done = AtomicBool::new(false);
        let fold = async || {
            while !is_done.load(Ordering::Relaxed) {
                fold::fold(server.db(), None).await.expect("folding");
            }
        };
        let read = async || {
            while !is_done.load(Ordering::Relaxed) {
                // Whatever is moved and folded meanwhile, no run is missing or there twice.
                let found = of_all_times(&server, "groupBy: [CONFIGURATION]").await;
                assert_eq!(sum(&found, "/finished"), 40, "{found:#?}");
            }
        };
        let write = async |part: u32| {
            let mut writer = ForeignWriter::connect(&database).await;
            for step in 0..60_u32 {
                let n = step % 20 * 2 + part;
                let (run, configuration) = (writer.uuid(id(n)), writer.uuid(configurations[step as usize / 3 % 2]));
                let state = ["Failed", "Completed", "Cancelled"][step as usize % 3];
                let end = writer.second(i64::from(step) * DAY);
                writer.execute(&format!(
                    "UPDATE job_run SET agent_state = '{state}', agent_end_time = {end} WHERE id = {run}"
                )).await;
                writer.execute(&format!(
                    "UPDATE job SET configuration_id = {configuration}, state = '{state}' WHERE id = {run}"
                )).await;
            }
        };
        let writes = async {
            tokio::join!(write(0), write(1));
            is_done.store(true, Ordering::Relaxed);
        };
        tokio::join!(fold(), fold(), read(), writes);
        assert_equal_a_recount(&server).await;
    }

    async fn stay_when_old_jobs_are_removed(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let [a, _] = insert_known(&server).await;
        let before = of_all_times(&server, "bucket: null, groupBy: [CONFIGURATION, STATE, NAME]").await;
        retention::remove(server.db(), second(5 * DAY), None).await.expect("removing");
        assert_eq!(server.query("{ jobCounts { total } }", json!({})).await["jobCounts"]["total"], 2);
        for _ in 0..2 {
            let after = of_all_times(&server, "groupBy: [CONFIGURATION, STATE, NAME]").await;
            assert_eq!(after, before);
            assert_eq!(verify::verify(server.db()).await.expect("verifying"), []);
        }
        verify::rebuild(server.db()).await.expect("rebuilding");
        assert_eq!(of_all_times(&server, "groupBy: [CONFIGURATION, STATE, NAME]").await, before);

        // What another program deletes was never there.
        let mut writer = ForeignWriter::connect(&database).await;
        assert_eq!(writer.execute("DELETE FROM job").await, 2);
        assert_eq!(sum(&of_all_times(&server, "").await, "/finished"), 4);
        let of_a = of_all_times(&server, &format!("filter: {{ configurationIds: [\"{a}\"] }}")).await;
        assert_eq!(sum(&of_a, "/finished"), 3);
    }

    async fn drift_is_found_and_mended(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let [a, _] = insert_known(&server).await;
        let counts = |action: &str| agent_jobs(&["counts", action, "--database-url", database.url()], b"");
        assert_eq!(counts("verify").ok().stdout, "the counters are right\n");
        let mut writer = ForeignWriter::connect(&database).await;
        let a_literal = writer.uuid(a);
        writer.execute(&format!("DELETE FROM job_statistics WHERE configuration_id = {a_literal}")).await;
        let verified = counts("verify");
        assert_eq!(verified.code, 1, "{verified:#?}");
        let line = format!(
            "statistics of configuration {a} from 2026-01-01T00:00:00Z: 0 runs and 0 jobs, but there are 3 and 3"
        );
        assert!(verified.stdout.contains(&line), "{verified:#?}");
        counts("rebuild").ok();
        assert_eq!(counts("verify").ok().stdout, "the counters are right\n");
        assert_equal_a_recount(&server).await;
    }

    async fn have_what_finished_before_they_were_kept(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        insert_known(&server).await;
        let before = of_all_times(&server, "bucket: null, groupBy: [NAME]").await;
        let db = server.db();
        let steps = migrate::status(db).await.expect("the steps");
        let later = steps.iter().skip_while(|(name, _)| name != "m0012_statistics").count();
        migrate::down(db, u32::try_from(later).unwrap()).await.expect("migrating down");
        migrate::up(db).await.expect("migrating up");
        assert_eq!(of_all_times(&server, "groupBy: [NAME]").await, before);
        assert_equal_a_recount(&server).await;
    }

    async fn percentiles_of_a_generated_history_are_exact_within_two_percent(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let rows = Rows::of_history(3_000);
        rows.insert(&server).await;
        fold::fold_all(server.db()).await.expect("folding");
        let configuration_of: BTreeMap<_, _> =
            rows.jobs.iter().map(|job| (job.id, job.configuration_id)).collect();
        let found = of_all_times(&server, "groupBy: [CONFIGURATION]").await;
        assert!(found.len() >= 5, "{found:#?}");
        for row in &found {
            let runs = rows.runs.iter().filter(|run| {
                run.agent_state.is_terminal() && json!(configuration_of[&run.job_id]) == row["configurationId"]
            });
            assert_eq!(row["finished"], runs.clone().count());
            let wait = |run: &job_run::Model| run.agent_elapsed_queued_time
                .map(|time| time.0).or_else(|| between(run.agent_queued_date, run.agent_start_time));
            let duration = |run: &job_run::Model| run.agent_elapsed_execution_time
                .map(|time| time.0).or_else(|| between(run.agent_start_time, run.agent_end_time));
            assert_close(&row["wait"], runs.clone().filter_map(wait).collect());
            assert_close(&row["duration"], runs.clone().filter_map(duration).collect());
            let tasks = |run: &job_run::Model| run.agent_tasks_completed_count.map_or(0, |count| count.0);
            assert_eq!(row["tasks"], runs.map(tasks).sum::<i64>());
        }
        assert_equal_a_recount(&server).await;
    }

    async fn name_the_argument_that_they_cannot_use(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        for (arguments, argument) in [
            ("filter: { priority: 2 }", "priority"),
            ("filter: { createdAfter: \"2026-01-01T00:00:00Z\" }", "createdAfter"),
            ("filter: { messageContains: \"quota\" }", "messageContains"),
            ("filter: { processingStates: [FAILED] }", "processingStates"),
            ("filter: { configurationIds: [\"x\"] }", "configurationIds"),
            ("from: \"2026-01-02T00:00:00Z\", to: \"2026-01-01T00:00:00Z\"", "to"),
            ("from: \"2026-01-01T00:00:00Z\", to: \"2026-06-01T00:00:00Z\", bucket: HOUR", "from"),
        ] {
            let query = format!("{{ jobStatistics({arguments}) {{ finished }} }}");
            let answer = server.answer(&query, json!({})).await;
            let errors = errors_of(&answer);
            assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT", "{answer:#}");
            assert_eq!(errors[0]["extensions"]["argument"], argument, "{answer:#}");
        }
    }
}

fn between(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<i64> {
    Some((end?.utc() - start?.utc()).num_milliseconds())
}

/// That percentiles are within 2 % of the exact ones.
fn assert_close(found: &Value, mut exact: Vec<i64>) {
    exact.sort_unstable();
    if exact.is_empty() {
        assert_eq!(*found, Value::Null);
        return;
    }
    assert_eq!(found["count"], exact.len());
    for (name, percent) in [("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99), ("max", 100)] {
        let exact = exact[(exact.len() * percent).div_ceil(100) - 1];
        let found = number(&found[name]);
        assert!(found.abs_diff(exact) * 50 <= exact.unsigned_abs(), "{name}: {found} for {exact}");
    }
}

/// A change that another program makes.
#[derive(Clone, Debug)]
enum Change {
    InsertJob { job: u32, configuration: usize, state: &'static str },
    InsertRun { run: u32, job: u32, state: &'static str },
    SetRun { runs: std::ops::Range<u32>, state: &'static str, end: Option<i64> },
    Progress { runs: std::ops::Range<u32>, tasks: i64, update: i64 },
    SetJob { jobs: std::ops::Range<u32>, state: &'static str },
    Move { jobs: std::ops::Range<u32>, configuration: usize, name: &'static str },
    MoveRun { run: u32, job: u32 },
    DeleteJobs { jobs: std::ops::Range<u32> },
    DeleteRuns { runs: std::ops::Range<u32> },
    RolledBack(Box<Change>),
    Fold,
}

fn change() -> impl Strategy<Value = Change> {
    const STATES: [&str; 6] = ["Queued", "Executing", "Completed", "Failed", "Cancelled", "Paused"];
    let state = || prop::sample::select(STATES.to_vec());
    let some = || (0..10_u32, 1..4_u32).prop_map(|(first, n)| first..first + n);
    let name = || prop::sample::select(vec!["", "crawl", "Crawl größer"]);
    let end = || prop::option::of(-30_000_000..30_000_000_i64);
    let change = prop_oneof![
        4 => (0..10_u32, 0..3_usize, state())
            .prop_map(|(job, configuration, state)| Change::InsertJob { job, configuration, state }),
        4 => (0..20_u32, 0..10_u32, state()).prop_map(|(run, job, state)| Change::InsertRun { run, job, state }),
        4 => (some(), state(), end()).prop_map(|(runs, state, end)| Change::SetRun { runs, state, end }),
        2 => (some(), 0..100_i64, 0..9_000_000_i64)
            .prop_map(|(runs, tasks, update)| Change::Progress { runs, tasks, update }),
        3 => (some(), state()).prop_map(|(jobs, state)| Change::SetJob { jobs, state }),
        2 => (some(), 0..3_usize, name())
            .prop_map(|(jobs, configuration, name)| Change::Move { jobs, configuration, name }),
        1 => (0..20_u32, 0..10_u32).prop_map(|(run, job)| Change::MoveRun { run, job }),
        1 => some().prop_map(|jobs| Change::DeleteJobs { jobs }),
        1 => some().prop_map(|runs| Change::DeleteRuns { runs }),
    ];
    let rolled_back = change.clone().prop_map(|change| Change::RolledBack(Box::new(change)));
    prop_oneof![10 => change, 1 => rolled_back, 1 => Just(Change::Fold)]
}

impl Change {
    async fn make(
        &self,
        writer: &mut ForeignWriter,
        server: &TestServer,
        configurations: [Option<Uuid>; 3],
    ) {
        let within = |writer: &ForeignWriter, ids: &std::ops::Range<u32>| {
            format!("id >= {} AND id < {}", writer.uuid(id(ids.start)), writer.uuid(id(ids.end)))
        };
        let sql = match self {
            Self::InsertJob { job, configuration, state } => {
                return writer.replace_job(id(*job), configurations[*configuration], state).await;
            }
            Self::InsertRun { run, job, state } => {
                let agent = writer.uuid(id(801 + run % 2));
                let (run, job) = (writer.uuid(id(*run)), writer.uuid(id(*job)));
                let (start, end) = (writer.second(5), writer.second(900));
                format!(
                    "INSERT INTO job_run (id, job_id, agent_id, agent_key, agent_state, agent_start_time, \
                     agent_end_time) SELECT {run}, id, {agent}, '', '{state}', {start}, {end} FROM job \
                     WHERE id = {job} ON CONFLICT (id) DO UPDATE SET agent_state = excluded.agent_state, \
                     agent_id = excluded.agent_id"
                )
            }
            Self::SetRun { runs, state, end } => {
                let end = end.map_or("NULL".to_owned(), |end| writer.second(end));
                format!(
                    "UPDATE job_run SET agent_state = '{state}', agent_end_time = {end} WHERE {}",
                    within(writer, runs)
                )
            }
            Self::Progress { runs, tasks, update } => format!(
                "UPDATE job_run SET agent_tasks_completed_count = {tasks}, update_date = {} WHERE {}",
                writer.second(*update),
                within(writer, runs)
            ),
            Self::SetJob { jobs, state } => {
                format!("UPDATE job SET state = '{state}' WHERE {}", within(writer, jobs))
            }
            Self::Move { jobs, configuration, name } => {
                let id =
                    configurations[*configuration].map_or("NULL".to_owned(), |id| writer.uuid(id));
                format!(
                    "UPDATE job SET configuration_id = {id}, name = nullif('{name}', '') WHERE {}",
                    within(writer, jobs)
                )
            }
            Self::MoveRun { run, job } => {
                let (run, job) = (writer.uuid(id(*run)), writer.uuid(id(*job)));
                format!(
                    "UPDATE job_run SET job_id = {job} WHERE id = {run} \
                     AND EXISTS (SELECT 1 FROM job WHERE id = {job})"
                )
            }
            Self::DeleteJobs { jobs } => format!("DELETE FROM job WHERE {}", within(writer, jobs)),
            Self::DeleteRuns { runs } => {
                format!("DELETE FROM job_run WHERE {}", within(writer, runs))
            }
            Self::RolledBack(change) => {
                writer.execute("BEGIN").await;
                Box::pin(change.make(writer, server, configurations)).await;
                writer.execute("ROLLBACK").await;
                return;
            }
            Self::Fold => {
                fold::fold_all(server.db()).await.expect("folding");
                return;
            }
        };
        writer.execute(&sql).await;
    }
}

/// PostgreSQL truncates tables without deleting rows.
#[tokio::test(flavor = "multi_thread")]
async fn truncated_tables_have_nothing_left() {
    let database = TestDatabase::create(crate::support::Kind::Postgres).await;
    let server = TestServer::start(&database).await;
    insert_known(&server).await;
    let mut writer = ForeignWriter::connect(&database).await;
    writer.execute("TRUNCATE job_run").await;
    let found = of_all_times(&server, "").await;
    assert_eq!((sum(&found, "/finished"), sum(&found, "/jobs/completed")), (0, 3), "{found:#?}");
    writer.execute("TRUNCATE job CASCADE").await;
    assert_eq!(of_all_times(&server, "").await, [] as [Value; 0]);
}
