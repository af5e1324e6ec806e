//! `forecast`, `isOverdue` and `estimatedRemaining` of runs, from completed runs like them.

use agent_jobs::clock;
use agent_jobs::jobs::statistics::fold;
use entity::{JobState, Millis, Timestamp, agent, configuration, job, job_run};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    ForeignWriter, TestDatabase, TestServer, agent, configuration, id, job, on_both_databases,
};

const MINUTE: i64 = 60_000;

const FIELDS: &str = "state isOverdue currentRun { isOverdue estimatedRemaining agentStartTime
    forecast { earliest likely latest sampleSize } }";

fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp::from_micros(clock::now().micros() - minutes * MINUTE * 1_000).expect("a moment")
}

/// A job of the configuration and its run, in a state, that began some minutes ago and has taken so long.
fn attempt(
    n: u32,
    name: &str,
    state: JobState,
    began: i64,
    duration: i64,
) -> (job::Model, job_run::Model) {
    let is_finished = state.is_terminal();
    let job = job::Model {
        configuration_id: Some(id(901)),
        name: Some(name.to_owned()),
        state,
        created_date: minutes_ago(began),
        update_date: Some(minutes_ago(began)),
        current_run_id: Some(id(n)),
        ..job(n)
    };
    let run = job_run::Model {
        id: id(n),
        job_id: job.id,
        agent_id: id(801),
        agent_state: state,
        agent_start_time: Some(minutes_ago(began)),
        agent_end_time: is_finished.then(|| minutes_ago(began - duration)),
        agent_elapsed_execution_time: is_finished.then_some(Millis(duration * MINUTE)),
        update_date: Some(clock::now()),
        ..job_run::Model::default()
    };
    (job, run)
}

async fn insert(
    server: &TestServer,
    attempts: impl IntoIterator<Item = (job::Model, job_run::Model)>,
) {
    let (jobs, runs): (Vec<_>, Vec<_>) = attempts.into_iter().unzip();
    server.insert::<job::Entity>(&jobs).await;
    server.insert::<job_run::Entity>(&runs).await;
    fold::fold_all(server.db()).await.expect("folding");
}

/// Twenty completed runs of about 40 minutes each, and a server over them.
async fn start(database: &TestDatabase) -> TestServer {
    let server = TestServer::start(database).await;
    server.insert::<configuration::Entity>(&[configuration(901, Some("A"))]).await;
    server.insert::<agent::Entity>(&[agent(801, None)]).await;
    let history = (0..20_u32).map(|n| {
        let began = 30_000 - i64::from(n) * 1_000;
        attempt(n, "crawl", JobState::Completed, began, 36 + i64::from(n) * 7 % 9)
    });
    insert(&server, history).await;
    server
}

async fn read(server: &TestServer, job: Uuid) -> Value {
    let query = format!("query($id: UUID!) {{ job(id: $id) {{ {FIELDS} }} }}");
    server.query(&query, json!({ "id": job })).await["job"].take()
}

/// The forecast of a job's run, in minutes after its start.
async fn forecast(server: &TestServer, job: Uuid) -> Option<[i64; 3]> {
    let run = &read(server, job).await["currentRun"];
    let moment =
        |value: &Value| value.as_str().expect("a moment").parse::<Timestamp>().expect("a moment");
    let start = moment(&run["agentStartTime"]);
    let forecast = Some(&run["forecast"]).filter(|forecast| !forecast.is_null())?;
    let minutes = ["earliest", "likely", "latest"]
        .map(|name| (moment(&forecast[name]).micros() - start.micros()) / 1_000 / MINUTE);
    assert!(minutes.is_sorted(), "{minutes:?}");
    Some(minutes)
}

on_both_databases! {
    async fn a_run_ends_when_runs_like_it_did(database: TestDatabase) {
        let server = start(&database).await;
        insert(&server, [
            attempt(101, "crawl", JobState::Executing, 10, 0),
            attempt(102, "crawl", JobState::Executing, 38, 0),
            attempt(103, "other", JobState::Executing, 10, 0),
        ]).await;
        let run = read(&server, id(101)).await;
        assert_eq!(run["currentRun"]["forecast"]["sampleSize"], 20);
        let [earliest, likely, latest] = forecast(&server, id(101)).await.expect("a forecast");
        assert!((34..=38).contains(&earliest), "{earliest}");
        assert!((38..=42).contains(&likely), "{likely}");
        assert!((42..=48).contains(&latest), "{latest}");
        let remaining = run["currentRun"]["estimatedRemaining"].as_i64().expect("a number") / MINUTE;
        assert!((likely - 12..=likely - 9).contains(&remaining), "{remaining} of {likely}");

        // One that has taken longer than many others ends later.
        let [earliest, later, _] = forecast(&server, id(102)).await.expect("a forecast");
        assert!(earliest >= 38 && later > likely, "{earliest} {later}");

        // Its own pace counts, the more of its tasks are done.
        let mut writer = ForeignWriter::connect(&database).await;
        let run = writer.uuid(id(101));
        writer.execute(&format!(
            "UPDATE job_run SET agent_expected_tasks_count = 100, agent_tasks_completed_count = 97, \
             agent_elapsed_execution_time = {} WHERE id = {run}", 10 * MINUTE,
        )).await;
        let [_, likely, _] = forecast(&server, id(101)).await.expect("a forecast");
        assert!((10..=14).contains(&likely), "{likely}");

        // Nothing is known of other names.
        assert_eq!(forecast(&server, id(103)).await, None);
        assert_eq!(read(&server, id(103)).await["isOverdue"], false);
    }

    async fn failed_and_cancelled_runs_do_not_move_it(database: TestDatabase) {
        let server = start(&database).await;
        insert(&server, [attempt(101, "crawl", JobState::Executing, 10, 0)]).await;
        let before = read(&server, id(101)).await["currentRun"]["forecast"].take();
        assert_ne!(before, Value::Null);
        insert(&server, (200..230).map(|n| {
            let state = if n % 2 == 0 { JobState::Failed } else { JobState::Cancelled };
            attempt(n, "crawl", state, 900, 1)
        })).await;
        assert_eq!(read(&server, id(101)).await["currentRun"]["forecast"], before);
        insert(&server, (300..330).map(|n| attempt(n, "crawl", JobState::Completed, 900, 80))).await;
        let [_, likely, _] = forecast(&server, id(101)).await.expect("a forecast");
        assert!((74..=90).contains(&likely), "{likely}");
    }

    async fn nothing_is_said_of_few_runs_stale_runs_and_continuous_jobs(database: TestDatabase) {
        let server = start(&database).await;
        insert(&server, (400..404).map(|n| attempt(n, "rare", JobState::Completed, 900, 30))).await;
        let continuous = |n, ty: &str| {
            let (job, run) = attempt(n, "crawl", JobState::Executing, 500, 0);
            (job::Model { r#type: Some(ty.to_owned()), ..job }, run)
        };
        let (job, run) = attempt(504, "crawl", JobState::Executing, 500, 0);
        let stale = (job, job_run::Model { update_date: Some(minutes_ago(20)), ..run });
        insert(&server, [
            attempt(501, "rare", JobState::Executing, 10, 0),
            continuous(502, "Continuous crawl"),
            continuous(503, "16"),
            stale,
        ]).await;
        for n in [501, 502, 503, 504, 3] {
            assert_eq!(forecast(&server, id(n)).await, None, "{n}");
        }
        for n in [501, 502, 503, 3] {
            assert_eq!(read(&server, id(n)).await["isOverdue"], false, "{n}");
        }
        // A fifth completed run is enough.
        insert(&server, [attempt(405, "rare", JobState::Completed, 900, 30)]).await;
        assert_eq!(read(&server, id(501)).await["currentRun"]["forecast"]["sampleSize"], 5);
        // Completed runs that are gone are no longer known.
        let mut writer = ForeignWriter::connect(&database).await;
        let gone = writer.uuid(id(405));
        writer.execute(&format!("DELETE FROM job WHERE id = {gone}")).await;
        fold::fold_all(server.db()).await.expect("folding");
        assert_eq!(forecast(&server, id(501)).await, None);
    }

    async fn a_run_that_takes_three_times_as_long_is_overdue(database: TestDatabase) {
        let server = start(&database).await;
        insert(&server, [
            attempt(101, "crawl", JobState::Executing, 44, 0),
            attempt(102, "crawl", JobState::Cancelling, 120, 0),
            attempt(103, "crawl", JobState::Completed, 2_000, 120),
        ]).await;
        for (n, is_overdue) in [(101, false), (102, true), (103, false)] {
            let job = read(&server, id(n)).await;
            assert_eq!(job["isOverdue"], is_overdue, "{n}");
            assert_eq!(job["currentRun"]["isOverdue"], is_overdue, "{n}");
        }
        let jobs = async |filter: &str| {
            let query = format!("{{ jobs(take: 200, filter: {{ {filter} }}) {{ totalCount items {{ id }} }} }}");
            let page = server.query(&query, json!({})).await["jobs"].take();
            let ids: Vec<_> = page["items"].as_array().expect("jobs").iter().map(|job| job["id"].clone()).collect();
            assert_eq!(page["totalCount"], ids.len(), "{filter}");
            ids
        };
        assert_eq!(jobs("isOverdue: true").await, [json!(id(102))]);
        assert_eq!(jobs("isOverdue: true, states: [EXECUTING]").await, [json!(null); 0]);
        let others = jobs("isOverdue: false").await;
        assert_eq!(others.len(), 22);
        assert!(!others.contains(&json!(id(102))), "{others:?}");
    }

    async fn one_statement_reads_the_estimates_of_a_page(database: TestDatabase) {
        let server = start(&database).await;
        insert(&server, (600..640).map(|n| attempt(n, "crawl", JobState::Executing, 10, 0))).await;
        // The change feed may still read what was inserted, so the least of three is the request's.
        let statements = async |fields: &str| {
            let query = format!("{{ jobs(take: 100, state: EXECUTING) {{ items {{ currentRun {{ {fields} }} }} }} }}");
            let mut least = u64::MAX;
            for _ in 0..3 {
                let before = server.db().statements();
                server.query(&query, json!({})).await;
                least = least.min(server.db().statements() - before);
            }
            least
        };
        let of_columns = statements("id").await;
        assert_eq!(statements("estimatedRemaining isOverdue forecast { likely }").await, of_columns + 1);
    }
}
