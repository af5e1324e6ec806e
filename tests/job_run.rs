//! `jobRun`: a run in full.

use entity::{JobState, Long, Millis, ProcessingState, Table, Timestamp, agent, job, job_run};
use sea_orm::{ModelTrait as _, Value as Stored};
use serde_json::{Map, Value, json};

use crate::support::{
    ForeignWriter, TestDatabase, TestServer, agent, id, job, job_run, on_both_databases, second,
};

const LARGEST: i64 = (1 << 53) - 1;

/// A run that has another value in each of its columns, of the largest kind where that matters.
fn full() -> job_run::Model {
    let count = |n: i64| Some(Long(LARGEST - n));
    // Microseconds, and moments before 1970 and after 2038.
    let moment = |n: i64| Timestamp::from_micros((n - 25) * 500_000_000_000_000 + n);
    job_run::Model {
        id: id(1),
        job_id: id(2),
        agent_id: id(3),
        agent_key: "7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned(),
        update_date: moment(5),
        agent_result_is_success: Some(true),
        agent_result_is_cancellation_requested: true,
        agent_result_message: Some("First line\n\"second\"\t\\ 日本 \u{1f600} \u{7f}".to_owned()),
        agent_state: JobState::ExecutionCompleted,
        agent_queued_date: moment(10),
        agent_start_time: moment(11),
        agent_end_time: moment(12),
        agent_elapsed_queued_time: Some(Millis(-LARGEST)),
        agent_elapsed_execution_time: Some(Millis(LARGEST)),
        agent_percent_completed: Some(33.333_333_333_333_336),
        agent_last_submitted_date: moment(16),
        agent_expected_tasks_count: count(17),
        agent_tasks_count: count(18),
        agent_tasks_queued_count: count(19),
        agent_tasks_completed_count: count(20),
        agent_tasks_failed_count: count(21),
        agent_clues_count: count(22),
        agent_clues_queued_count: count(23),
        agent_clues_completed_count: count(24),
        agent_clues_failed_count: count(25),
        processing_state: Some(ProcessingState::Completed),
        processing_queued_date: moment(27),
        processing_start_time: moment(28),
        processing_end_time: moment(29),
        processing_tasks_count: count(30),
        processing_tasks_queued_count: count(31),
        processing_tasks_completed_count: count(32),
        processing_tasks_failed_count: count(33),
        processing_tasks_skipped_count: count(34),
        processing_task_retries_count: count(35),
        processing_tasks_already_exists_count: count(36),
        processing_tasks_already_up_to_date_count: count(37),
        processing_tasks_ignored_count: count(38),
        processing_tasks_received_payloads_count: count(39),
        processing_tasks_received_clues_count: count(40),
        processing_tasks_received_log_lines_count: count(41),
        processing_updated_date: moment(42),
        ..job_run::Model::default()
    }
}

/// The 42 fields as the API should show them.
fn shown(run: &job_run::Model) -> Value {
    let fields = job_run::Entity::public().map(|field| {
        let value = match run.get(field.column) {
            Stored::Uuid(Some(id)) => json!(id.to_string()),
            Stored::Bool(Some(value)) => json!(value),
            Stored::BigInt(Some(number)) => json!(number),
            Stored::Double(Some(number)) => json!(number),
            Stored::ChronoDateTimeUtc(Some(moment)) => json!(Timestamp::new(moment).to_string()),
            Stored::String(Some(text)) if field.name.ends_with("_state") => {
                // ExecutionCompleted is EXECUTION_COMPLETED.
                json!(entity::snake_case(&text).to_uppercase())
            }
            Stored::String(Some(text)) => json!(text),
            _ => Value::Null,
        };
        (field.graphql.clone(), value)
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

/// The selection of all 42 fields.
fn all_fields() -> String {
    let names: Vec<_> = job_run::Entity::public().map(|field| field.graphql.as_str()).collect();
    names.join(" ")
}

/// A server with these runs of one job. The first is the current run.
async fn start(database: &TestDatabase, runs: &[job_run::Model]) -> TestServer {
    let server = TestServer::start(database).await;
    let current = runs.first().map(|run| run.id);
    server.insert::<job::Entity>(&[job::Model { current_run_id: current, ..job(2) }]).await;
    server.insert::<agent::Entity>(&[agent(3, None)]).await;
    server.insert::<job_run::Entity>(runs).await;
    server
}

on_both_databases! {
    async fn has_all_42_fields_with_their_values(database: TestDatabase) {
        let empty = job_run::Model { agent_queued_date: None, ..job_run(7, id(2), id(3)) };
        let server = start(&database, &[full(), empty.clone()]).await;
        let query = format!("query($id: UUID!) {{ jobRun(id: $id) {{ {} }} }}", all_fields());
        for run in [full(), empty.clone()] {
            let data = server.query(&query, json!({ "id": run.id })).await;
            assert_eq!(data["jobRun"].as_object().unwrap().len(), 42);
            assert_eq!(data["jobRun"], shown(&run));
        }
        assert_eq!(shown(&empty).as_object().unwrap().values().filter(|value| !value.is_null()).count(), 6);
    }

    async fn is_found_by_its_own_id_and_by_its_jobs(database: TestDatabase) {
        let server = start(&database, &[job_run(7, id(2), id(3)), job_run(8, id(2), id(3))]).await;
        server.insert::<job::Entity>(&[job(20), job::Model { current_run_id: Some(id(99)), ..job(21) }]).await;
        let query = "query($id: UUID!) { jobRun(id: $id) { id jobId } }";
        for (asked, found) in [
            (id(7), Some(7)),
            // An earlier run, which is not the job's current one.
            (id(8), Some(8)),
            (id(2), Some(7)),
            // A job without a run, one whose run is not known, an agent, and nothing at all.
            (id(20), None),
            (id(21), None),
            (id(3), None),
            (id(1234), None),
        ] {
            let data = server.query(query, json!({ "id": asked })).await;
            let expected = found.map(|n| json!({ "id": id(n), "jobId": id(2) }));
            assert_eq!(data["jobRun"], json!(expected), "{asked}");
        }
        // In every spelling that means this UUID.
        for spelling in [id(2).to_string().to_uppercase(), id(2).simple().to_string(),
            id(2).braced().to_string(), id(2).urn().to_string()]
        {
            let data = server.query(query, json!({ "id": spelling })).await;
            assert_eq!(data["jobRun"]["id"], id(7).to_string(), "{spelling}");
        }
    }

    /// A number beyond 2^53 would reach a browser with wrong digits. The field is null instead,
    /// with an error that says so, and all the others are there.
    async fn a_number_that_is_too_large_is_an_error_of_its_field(database: TestDatabase) {
        let run = job_run::Model {
            agent_tasks_count: Some(Long(i64::MAX)),
            agent_clues_count: Some(Long(LARGEST + 1)),
            agent_elapsed_queued_time: Some(Millis(i64::MIN)),
            agent_tasks_failed_count: Some(Long(LARGEST)),
            ..job_run(7, id(2), id(3))
        };
        let server = start(&database, &[run]).await;
        let query = format!("{{ jobRun(id: \"{}\") {{ agentTasksCount clues: agentCluesCount
            agentElapsedQueuedTime agentTasksFailedCount }} }}", id(7));
        let answer = server.answer(&query, json!({})).await;
        assert_eq!(answer["data"]["jobRun"], json!({ "agentTasksCount": null, "clues": null,
            "agentElapsedQueuedTime": null, "agentTasksFailedCount": LARGEST }));
        let mut errors: Vec<_> = answer["errors"].as_array().unwrap().iter()
            .map(|error| (error["path"].to_string(), error["message"].as_str().unwrap(),
                error["extensions"]["code"].as_str().unwrap()))
            .collect();
        errors.sort_unstable();
        let expected = [
            ("agentElapsedQueuedTime", "-9223372036854775808 does not fit a Long, which has 53 bits"),
            ("agentTasksCount", "9223372036854775807 does not fit a Long, which has 53 bits"),
            ("clues", "9007199254740992 does not fit a Long, which has 53 bits"),
        ].map(|(field, message)| (format!("[\"jobRun\",\"{field}\"]"), message, "NUMBER_TOO_LARGE"));
        assert_eq!(errors, expected);
    }

    async fn says_whether_it_is_active_and_how_fast_it_is(database: TestDatabase) {
        let begun = job_run::Model {
            agent_start_time: Some(second(0)),
            update_date: Some(second(600)),
            agent_tasks_completed_count: Some(Long(90)),
            agent_tasks_failed_count: Some(Long(10)),
            agent_expected_tasks_count: Some(Long(400)),
            ..job_run(7, id(2), id(3))
        };
        let over = job_run::Model {
            id: id(8),
            agent_state: JobState::Completed,
            agent_end_time: Some(second(300)),
            ..begun.clone()
        };
        // It has reported recently, for a test that runs before the year 2500.
        let lively = job_run::Model { id: id(9), update_date: Some(second(15_000_000_000)), ..begun.clone() };
        let queued = job_run::Model { id: id(10), agent_state: JobState::Queued, ..job_run(10, id(2), id(3)) };
        let by_percentage = job_run::Model {
            id: id(11),
            agent_expected_tasks_count: None,
            agent_percent_completed: Some(25.0),
            agent_state: JobState::Cancelling,
            ..begun.clone()
        };
        let server = start(&database, &[begun, over, lively, queued, by_percentage]).await;
        let query = "query($id: UUID!) { jobRun(id: $id) { isActive isStale percentCompleted tasksPerMinute
            estimatedRemaining } }";
        for (n, is_active, is_stale, percent, tasks_per_minute, estimated_remaining) in [
            (7, true, true, json!(25.0), json!(10.0), json!(1_800_000)),
            (8, false, false, json!(25.0), json!(20.0), Value::Null),
            (10, false, false, Value::Null, Value::Null, Value::Null),
            (11, true, true, json!(25.0), json!(10.0), json!(1_800_000)),
        ] {
            let data = server.query(query, json!({ "id": id(n) })).await;
            assert_eq!(data["jobRun"], json!({ "isActive": is_active, "isStale": is_stale,
                "percentCompleted": percent, "tasksPerMinute": tasks_per_minute, "estimatedRemaining": estimated_remaining }), "{n}");
        }
        let data = server.query(query, json!({ "id": id(9) })).await;
        assert_eq!(data["jobRun"]["isStale"], false);
    }

    async fn what_other_programs_wrote_is_readable(database: TestDatabase) {
        let server = start(&database, &[job_run(7, id(2), id(3))]).await;
        let mut writer = ForeignWriter::connect(&database).await;
        writer.execute("UPDATE job_run SET agent_state = 'Paused', processing_state = 'Resting'").await;
        let infinity = match &writer {
            ForeignWriter::Sqlite(_) => "9e999",
            ForeignWriter::Postgres(_) => "'infinity'",
        };
        // JSON has no such number.
        writer.execute(&format!("UPDATE job_run SET agent_percent_completed = {infinity}")).await;
        let query = format!("{{ jobRun(id: \"{}\") {{ agentState processingState agentPercentCompleted isActive
            isStale percentCompleted tasksPerMinute estimatedRemaining }} }}", id(7));
        assert_eq!(server.query(&query, json!({})).await["jobRun"], json!({ "agentState": "UNKNOWN",
            "processingState": "UNKNOWN", "agentPercentCompleted": null, "isActive": false, "isStale": false,
            "percentCompleted": null, "tasksPerMinute": null, "estimatedRemaining": null }));
    }

    /// Such a moment is an error, and neither a wrong date nor the end of the connection.
    async fn a_moment_beyond_all_dates_is_an_error(database: TestDatabase) {
        let server = start(&database, &[job_run(7, id(2), id(3))]).await;
        let mut writer = ForeignWriter::connect(&database).await;
        let moments: &[&str] = match &writer {
            ForeignWriter::Sqlite(_) => &["9223372036854775807", "-9223372036854775808"],
            ForeignWriter::Postgres(_) => &["'infinity'", "'-infinity'", "'294276-12-31 23:59:59Z'"],
        };
        for moment in moments {
            writer.execute(&format!("UPDATE job_run SET agent_end_time = {moment}")).await;
            let query = |field: &str| format!("{{ jobRun(id: \"{}\") {{ id {field} }} }}", id(7));
            let answer = server.answer(&query("agentEndTime"), json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL", "{moment}");
            // What does not need it can be read.
            server.query(&query("agentStartTime"), json!({})).await;
        }
    }
}
