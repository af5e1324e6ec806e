//! `executingJobs`: all of them, and only them.

use entity::{JobState, agent, configuration, job, job_run};
use serde_json::json;

use crate::support::{
    ForeignWriter, Rows, TestServer, agent, configuration, id, ids, job, job_run,
    on_both_databases, second,
};

on_both_databases! {
    async fn are_those_in_this_very_state_and_the_newest_first(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        assert_eq!(server.query("{ executingJobs { id } }", json!({})).await, json!({ "executingJobs": [] }));

        let mut rows = Rows::of_history(400);
        // Every state, ties and more than fit a page.
        for (n, job) in (0_u32..).zip(&mut rows.jobs) {
            if n % 2 == 0 {
                job.state = JobState::Executing;
                job.created_date = second(i64::from(n / 20));
            } else {
                job.state = JobState::ALL[n as usize % JobState::ALL.len()];
            }
        }
        rows.insert(&server).await;
        let configuration = rows.configurations[0].id;
        for (arguments, of) in
            [(String::new(), None), (format!("(configurationId: \"{configuration}\")"), Some(configuration))]
        {
            let mut expected: Vec<_> = rows.jobs.iter()
                .filter(|job| job.state == JobState::Executing && (of.is_none() || job.configuration_id == of))
                .map(|job| (job.created_date, job.id))
                .collect();
            expected.sort_unstable();
            let data = server.query(&format!("{{ executingJobs{arguments} {{ id }} }}"), json!({})).await;
            let expected: Vec<_> = expected.into_iter().rev().map(|(_, id)| id).collect();
            assert!(expected.len() > 20);
            assert_eq!(ids(&data["executingJobs"]), expected, "{arguments}");
        }
        let none = format!("{{ executingJobs(configurationId: \"{}\") {{ id }} }}", id(1));
        assert_eq!(server.query(&none, json!({})).await, json!({ "executingJobs": [] }));
    }

    async fn come_with_their_progress(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(1, Some("HubSpot EU"))]).await;
        server.insert::<agent::Entity>(&[agent(2, Some("Agent"))]).await;
        server.insert::<job::Entity>(&[
            job::Model {
                configuration_id: Some(id(1)),
                state: JobState::Executing,
                current_run_id: Some(id(5)),
                ..job(3)
            },
            // Its run is not known.
            job::Model { state: JobState::Executing, current_run_id: Some(id(99)), ..job(4) },
        ]).await;
        let progress = job_run::Model { agent_percent_completed: Some(12.5), ..job_run(5, id(3), id(2)) };
        server.insert::<job_run::Entity>(&[progress, job_run(6, id(3), id(2))]).await;
        let data = server.query("{ executingJobs { name configuration { name }
            currentRun { agentPercentCompleted agent { name } } } }", json!({})).await;
        assert_eq!(data["executingJobs"], json!([
            { "name": "Job 4", "configuration": null, "currentRun": null },
            { "name": "Job 3", "configuration": { "name": "HubSpot EU" },
              "currentRun": { "agentPercentCompleted": 12.5, "agent": { "name": "Agent" } } },
        ]));
    }

    async fn leave_as_soon_as_their_state_changes(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let mut writer = ForeignWriter::connect(&database).await;
        writer.insert_job(id(1), None, "Executing").await;
        for (state, n) in [("Executing", 1), ("ExecutionCompleted", 0), ("Executing", 1), ("executing", 0)] {
            writer.execute(&format!("UPDATE job SET state = '{state}'")).await;
            let data = server.query("{ executingJobs { id } }", json!({})).await;
            assert_eq!(ids(&data["executingJobs"]).len(), n, "{state}");
        }
    }

    /// A selection of nothing but what is not stored reads no column, and is answered all the same.
    async fn can_be_asked_for_nothing_that_is_stored(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<job::Entity>(&[job::Model { state: JobState::Executing, ..job(1) }]).await;
        let data = server.query("{ executingJobs { __typename currentRun { __typename } runs { __typename } } }",
            json!({})).await;
        assert_eq!(data["executingJobs"], json!([{ "__typename": "Job", "currentRun": null, "runs": [] }]));
    }
}
