//! `subscription { executingJobs }`: a snapshot, and then what changes.

use entity::{JobState, Millis, agent, configuration, job, job_run};
use serde_json::{Value, json};

use crate::support::{
    Folded, ForeignWriter, Kind, TestServer, Transport, Update, agent, configuration, id, job,
    job_run, on_both_databases,
};

const ALL: &str = "subscription { executingJobs { isSnapshot jobs { id name currentRun {
    agentState agentTasksCount } } removed { id state } } }";

const OF: &str = "subscription($of: UUID) { executingJobs(configurationId: $of) { isSnapshot
    jobs { id } removed { id state } } }";

fn executing(n: u32) -> job::Model {
    job::Model { state: JobState::Executing, ..job(n) }
}

on_both_databases! {
    async fn begins_with_all_that_execute_and_goes_on_with_changes(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<agent::Entity>(&[agent(100, None)]).await;
        server.insert::<job::Entity>(&[
            job::Model { current_run_id: Some(id(11)), ..executing(1) },
            executing(2),
            job(3),
        ]).await;
        server.insert::<job_run::Entity>(&[job_run(11, id(1), id(100))]).await;
        let mut watches = Vec::new();
        for transport in Transport::ALL {
            let mut watch = server.watch_over(transport, ALL, json!({})).await;
            assert_eq!(watch.next().await["executingJobs"], json!({ "isSnapshot": true, "jobs": [
                { "id": id(2), "name": "Job 2", "currentRun": null },
                { "id": id(1), "name": "Job 1", "currentRun": { "agentState": "EXECUTING", "agentTasksCount": null } },
            ], "removed": [] }));
            watches.push(watch);
        }
        let mut writer = ForeignWriter::connect(&database).await;
        let (one, two, three) = (writer.uuid(id(1)), writer.uuid(id(2)), writer.uuid(id(3)));
        for (sql, expected) in [
            // Progress of a run, a job that comes, one that leaves, one that is removed.
            (format!("UPDATE job_run SET agent_tasks_count = 7 WHERE job_id = {one}"),
             json!({ "isSnapshot": false, "jobs": [{ "id": id(1), "name": "Job 1",
                "currentRun": { "agentState": "EXECUTING", "agentTasksCount": 7 } }], "removed": [] })),
            (format!("UPDATE job SET state = 'Executing' WHERE id = {three}"),
             json!({ "isSnapshot": false, "jobs": [{ "id": id(3), "name": "Job 3", "currentRun": null }], "removed": [] })),
            (format!("UPDATE job SET state = 'Failed' WHERE id = {two}"),
             json!({ "isSnapshot": false, "jobs": [], "removed": [{ "id": id(2), "state": "FAILED" }] })),
            (format!("DELETE FROM job WHERE id = {three}"),
             json!({ "isSnapshot": false, "jobs": [], "removed": [{ "id": id(3), "state": "UNKNOWN" }] })),
            (format!("UPDATE job SET state = 'Executing', name = 'Again' WHERE id = {two}"),
             json!({ "isSnapshot": false, "jobs": [{ "id": id(2), "name": "Again", "currentRun": null }], "removed": [] })),
        ] {
            writer.execute(&sql).await;
            for watch in &mut watches {
                assert_eq!(watch.next().await["executingJobs"], expected, "{sql}");
            }
        }
        // All in one transaction are one update.
        let name = "UPDATE job SET name = 'x'";
        writer.execute(&format!("BEGIN; {name}; UPDATE job SET state = 'Queued' WHERE id = {one}; COMMIT")).await;
        for watch in &mut watches {
            assert_eq!(watch.next().await["executingJobs"], json!({ "isSnapshot": false,
                "jobs": [{ "id": id(2), "name": "x", "currentRun": null }],
                "removed": [{ "id": id(1), "state": "QUEUED" }] }));
        }
    }

    async fn shows_one_configuration(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(101, None), configuration(102, None)]).await;
        let of = |n, of| job::Model { configuration_id: Some(id(of)), ..executing(n) };
        server.insert::<job::Entity>(&[of(1, 101), of(2, 102), executing(3)]).await;
        let mut watch = server.watch(OF, json!({ "of": id(101) })).await;
        let mut all = server.watch(OF, json!({ "of": null })).await;
        let mut none = server.watch(OF, json!({ "of": id(999) })).await;
        let ids = |update: &Value| {
            let jobs = update["executingJobs"]["jobs"].as_array().unwrap().clone();
            jobs.into_iter().map(|mut job| job["id"].take()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&watch.next().await), [json!(id(1))]);
        assert_eq!(ids(&all.next().await).len(), 3);
        assert!(ids(&none.next().await).is_empty());
        let mut writer = ForeignWriter::connect(&database).await;
        let literal = |n| writer.uuid(id(n));
        let [one, two, three, a, b] = [1, 2, 3, 101, 102].map(literal);
        // Changes elsewhere are not shown; moving in and out is.
        for (sql, jobs, removed) in [
            (format!("UPDATE job SET name = 'other' WHERE id = {two}; UPDATE job SET configuration_id = {a} WHERE id = {three}"), vec![3], vec![]),
            (format!("UPDATE job SET configuration_id = {a} WHERE id = {two}"), vec![2], vec![]),
            (format!("UPDATE job SET configuration_id = {b} WHERE id = {one}"), vec![], vec![(1, "EXECUTING")]),
            // It has left already, so that it is no news that it is done.
            (format!("UPDATE job SET state = 'Completed' WHERE id = {three}"), vec![], vec![(3, "COMPLETED")]),
        ] {
            writer.execute(&sql).await;
            let update = watch.next().await;
            assert_eq!(ids(&update), jobs.iter().map(|n| json!(id(*n))).collect::<Vec<_>>(), "{sql}");
            let removed: Vec<_> = removed.iter().map(|(n, state)| json!({ "id": id(*n), "state": state })).collect();
            assert_eq!(update["executingJobs"]["removed"], json!(removed), "{sql}");
        }
        let mut folded = Folded::default();
        folded.fold(&json!({ "executingJobs": { "isSnapshot": true, "jobs": [{ "id": id(1) }, { "id": id(2) }, { "id": id(3) }], "removed": [] } }));
        folded.read_until(&mut all, &server.executing("", "id").await).await;
    }

    /// Derived values, relations, what two watchers pick.
    async fn shows_what_each_picks(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(101, Some("HubSpot EU"))]).await;
        server.insert::<agent::Entity>(&[agent(100, Some("Agent"))]).await;
        server.insert::<job::Entity>(&[job::Model {
            configuration_id: Some(id(101)), current_run_id: Some(id(11)), ..executing(1)
        }]).await;
        server.insert::<job_run::Entity>(&[job_run::Model {
            agent_percent_completed: Some(50.0),
            agent_elapsed_execution_time: Some(Millis(60_000)),
            ..job_run(11, id(1), id(100))
        }]).await;
        for (fields, expected) in [
            ("id", json!({ "id": id(1) })),
            ("__typename currentRun { __typename }", json!({ "__typename": "Job", "currentRun": { "__typename": "JobRun" } })),
            ("configuration { name } currentRun { agent { name } job { id } isActive }",
             json!({ "configuration": { "name": "HubSpot EU" },
                "currentRun": { "agent": { "name": "Agent" }, "job": { "id": id(1) }, "isActive": true } })),
            ("runs { id }", json!({ "runs": [{ "id": id(11) }] })),
        ] {
            let query = format!("subscription {{ executingJobs {{ jobs {{ {fields} }} }} }}");
            let mut watch = server.watch(&query, json!({})).await;
            assert_eq!(watch.next().await, json!({ "executingJobs": { "jobs": [expected] } }), "{fields}");
        }
    }

    /// Data and errors come together, however the frame is made: for one selection alone, or put
    /// together from what several share.
    async fn a_number_that_is_too_large_is_an_error_of_its_field(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<agent::Entity>(&[agent(100, None)]).await;
        server.insert::<job::Entity>(&[1, 2].map(|n| job::Model { current_run_id: Some(id(10 + n)), ..executing(n) })).await;
        server.insert::<job_run::Entity>(&[1, 2].map(|n| job_run(10 + n, id(n), id(100)))).await;
        let mut writer = ForeignWriter::connect(&database).await;
        let one = "subscription { executingJobs { jobs { id currentRun { agentTasksCount } } } }";
        // The later subscribers start when the feed has published this change, so their first update is the next one.
        let mut earlier = server.watch(one, json!({})).await;
        assert_eq!(earlier.next().await["executingJobs"]["jobs"].as_array().map(Vec::len), Some(2));
        writer.execute(&format!("UPDATE job_run SET agent_tasks_count = {} WHERE job_id = {}", i64::MAX, writer.uuid(id(1)))).await;
        loop {
            let Update::Payload(payload) = earlier.read().await else { panic!("it goes on") };
            if payload["errors"].is_array() {
                break;
            }
        }
        let other = "subscription { executingJobs { jobs { name currentRun { tasks: agentTasksCount isActive } } } }";
        let mut watches = Vec::new();
        for transport in Transport::ALL {
            watches.push((server.watch_over(transport, one, json!({})).await, "agentTasksCount"));
        }
        watches.push((server.watch(other, json!({})).await, "tasks"));
        for good in [json!(null), json!(7), json!(8)] {
            let both = format!(
                "BEGIN; UPDATE job_run SET agent_clues_count = {good};
                 UPDATE job_run SET agent_tasks_count = {good} WHERE job_id = {}; COMMIT",
                writer.uuid(id(2))
            );
            // The first that they see is the snapshot.
            if !good.is_null() {
                writer.execute(&both).await;
            }
            for (watch, field) in &mut watches {
                let Update::Payload(payload) = watch.read().await else { panic!("it goes on") };
                let runs = payload["data"]["executingJobs"]["jobs"].as_array().unwrap();
                let counts: Vec<_> = runs.iter().map(|job| &job["currentRun"][*field]).collect();
                assert_eq!(counts, [&good, &json!(null)], "{payload:#}");
                let [error] = payload["errors"].as_array().unwrap().as_slice() else { panic!("{payload:#}") };
                assert_eq!(error["path"], json!(["executingJobs", "jobs", 1, "currentRun", field]));
                assert_eq!(error["message"], "9223372036854775807 does not fit a Long, which has 53 bits");
                assert_eq!(error["extensions"]["code"], "NUMBER_TOO_LARGE");
            }
        }
        writer.execute("UPDATE job_run SET agent_tasks_count = 9").await;
        for (watch, field) in &mut watches {
            let jobs = watch.next().await["executingJobs"]["jobs"].take();
            assert_eq!(jobs[1]["currentRun"][*field], 9);
        }
    }

    /// A change by one server is seen on the other.
    async fn sees_what_other_servers_write(database: TestDatabase) {
        let (one, two) = (TestServer::start(&database).await, TestServer::start(&database).await);
        let (mut of_one, mut of_two) = (one.watch(ALL, json!({})).await, two.watch(ALL, json!({})).await);
        of_one.next().await;
        of_two.next().await;
        let configuration = one.save_configuration().await;
        let agent = one.register_agent().await;
        for n in 0..6_i64 {
            let writer = if n % 2 == 0 { &one } else { &two };
            writer.queue(json!([{ "configurationId": configuration, "name": format!("Job {n}") }])).await;
            let attempt = writer.claim(agent).await;
            for (watch, which) in [(&mut of_one, "one"), (&mut of_two, "two")] {
                let update = watch.next().await;
                assert_eq!(update["executingJobs"]["jobs"][0]["id"], json!(attempt.job), "{which} {n}");
            }
            let reporter = if n % 3 == 0 { &two } else { &one };
            reporter.report_one(attempt.report(1, None, &json!({ "agentTasksCount": n }))).await;
            for watch in [&mut of_one, &mut of_two] {
                let update = watch.next().await;
                assert_eq!(update["executingJobs"]["jobs"][0]["currentRun"]["agentTasksCount"], n);
            }
            reporter.finish(&attempt, 2, "COMPLETED", None).await;
            for watch in [&mut of_one, &mut of_two] {
                let update = watch.next().await;
                assert_eq!(update["executingJobs"]["removed"], json!([{ "id": attempt.job, "state": "COMPLETED" }]));
            }
        }
    }

    /// More changes in one transaction than a notice names, or than are read at a time.
    async fn sees_many_changes_at_once(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let mut watch = server.watch(ALL, json!({})).await;
        let mut folded = Folded::default();
        folded.fold(&watch.next().await);
        let mut rows: Vec<_> = (1..=1_000).map(executing).collect();
        server.insert::<job::Entity>(&rows).await;
        let fields = "id name currentRun { agentState agentTasksCount }";
        folded.read_until(&mut watch, &server.executing("", fields).await).await;
        assert_eq!(folded.jobs.len(), 1_000);
        let mut writer = ForeignWriter::connect(&database).await;
        for n in 0..25 {
            writer.execute(&format!("UPDATE job SET name = 'Round {n}'")).await;
        }
        rows.truncate(0);
        writer.execute("UPDATE job SET state = 'Completed' WHERE state <> 'Completed'").await;
        folded.read_until(&mut watch, &server.executing("", fields).await).await;
        assert!(folded.jobs.is_empty());
        assert_eq!(folded.removed.values().filter(|state| *state == "COMPLETED").count(), 1_000);
    }
}

/// SQLite's changes are read some at a time, and those that are more in one transaction, too.
#[tokio::test(flavor = "multi_thread")]
async fn sees_the_last_of_very_many_changes() {
    let database = crate::support::TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let mut watch = server.watch(OF, json!({})).await;
    watch.next().await;
    let mut writer = ForeignWriter::connect(&database).await;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
        INSERT INTO job (id, state, created_date) SELECT randomblob(16), 'Queued', i FROM n";
    let last = format!(
        "INSERT INTO job (id, state, created_date) VALUES ({}, 'Executing', 0)",
        writer.uuid(id(1))
    );
    writer.execute(&format!("BEGIN; {sql}; {last}; COMMIT")).await;
    let update = watch.next().await;
    assert_eq!(update["executingJobs"]["jobs"], json!([{ "id": id(1) }]));
}
