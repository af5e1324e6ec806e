//! `subscription { jobRun }`: a run until it has finished.

use entity::{JobState, ProcessingState, agent, job, job_run};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    ForeignWriter, TestServer, Transport, Update, Watch, agent, id, job, job_run, on_both_databases,
};

const RUN: &str = "subscription($id: UUID!) { jobRun(id: $id) {
    id agentState agentTasksCount processingState } }";

async fn watch(server: &TestServer, id: Uuid) -> Watch {
    server.watch(RUN, json!({ "id": id })).await
}

fn shown(run: u32, state: &str, tasks: Option<i64>, processing: Option<&str>) -> Value {
    json!({ "jobRun": { "id": id(run), "agentState": state, "agentTasksCount": tasks, "processingState": processing } })
}

on_both_databases! {
    async fn shows_each_change_and_ends_when_both_phases_are_over(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let mut writer = ForeignWriter::connect(&database).await;
        for (n, transport) in (1_u32..).zip(Transport::ALL) {
            let (of_job, of_run) = (id(n), id(n + 10));
            server.insert::<agent::Entity>(&[agent(n + 20, None)]).await;
            server.insert::<job::Entity>(&[job::Model { current_run_id: Some(of_run), state: JobState::Executing, ..job(n) }]).await;
            let run = job_run::Model { processing_state: Some(ProcessingState::Queued), ..job_run(n + 10, of_job, id(n + 20)) };
            server.insert::<job_run::Entity>(&[run]).await;
            // By the job's id and by its own.
            let mut watches = [
                server.watch_over(transport, RUN, json!({ "id": of_job })).await,
                server.watch_over(transport, RUN, json!({ "id": of_run })).await,
            ];
            for watch in &mut watches {
                assert_eq!(watch.next().await, shown(n + 10, "EXECUTING", None, Some("QUEUED")));
            }
            let row = writer.uuid(of_run);
            for (set, state, processing) in [
                ("agent_tasks_count = 5", "EXECUTING", "QUEUED"),
                // The agent is done, and the pipeline is not.
                ("agent_state = 'Completed'", "COMPLETED", "QUEUED"),
                ("processing_state = 'Executing'", "COMPLETED", "EXECUTING"),
                ("processing_state = 'Completed'", "COMPLETED", "COMPLETED"),
            ] {
                writer.execute(&format!("UPDATE job_run SET {set} WHERE id = {row}")).await;
                for watch in &mut watches {
                    assert_eq!(watch.next().await, shown(n + 10, state, Some(5), Some(processing)), "{set}");
                }
            }
            for watch in &mut watches {
                assert_eq!(watch.read().await, Update::Complete);
            }
        }
    }

    async fn is_null_until_there_is_one(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<job::Entity>(&[job(1)]).await;
        server.insert::<agent::Entity>(&[agent(3, None)]).await;
        // By the id of a job that is there, of one that is not yet, and of a run.
        let mut watches = [watch(&server, id(1)).await, watch(&server, id(2)).await, watch(&server, id(11)).await];
        for watch in &mut watches {
            assert_eq!(watch.next().await, json!({ "jobRun": null }));
        }
        server.insert::<job_run::Entity>(&[job_run(11, id(1), id(3)), job_run(12, id(1), id(3))]).await;
        assert_eq!(watches[2].next().await, shown(11, "EXECUTING", None, None));
        let mut writer = ForeignWriter::connect(&database).await;
        writer.execute(&format!("UPDATE job SET current_run_id = {} WHERE id = {}", writer.uuid(id(12)), writer.uuid(id(1)))).await;
        assert_eq!(watches[0].next().await, shown(12, "EXECUTING", None, None));
        server.insert::<job::Entity>(&[job::Model { current_run_id: Some(id(13)), ..job(2) }]).await;
        server.insert::<job_run::Entity>(&[job_run(13, id(2), id(3))]).await;
        assert_eq!(watches[1].next().await, shown(13, "EXECUTING", None, None));
        // It may be removed, too.
        writer.execute(&format!("DELETE FROM job_run WHERE id = {}", writer.uuid(id(11)))).await;
        assert_eq!(watches[2].next().await, json!({ "jobRun": null }));
    }

    /// What it does not show is no change to it.
    async fn shows_only_what_is_picked(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<job::Entity>(&[job::Model { current_run_id: Some(id(11)), ..job(1) }]).await;
        server.insert::<agent::Entity>(&[agent(3, None)]).await;
        server.insert::<job_run::Entity>(&[job_run(11, id(1), id(3))]).await;
        let query = "subscription($id: UUID!) { jobRun(id: $id) { agentTasksCount } }";
        let mut watch = server.watch(query, json!({ "id": id(11) })).await;
        assert_eq!(watch.next().await, json!({ "jobRun": { "agentTasksCount": null } }));
        let mut writer = ForeignWriter::connect(&database).await;
        writer.execute("UPDATE job_run SET agent_clues_count = 9").await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        writer.execute("UPDATE job_run SET agent_tasks_count = 1").await;
        assert_eq!(watch.next().await, json!({ "jobRun": { "agentTasksCount": 1 } }));
    }

    /// A job's next attempt takes the place of the one before.
    async fn follows_a_job_to_its_next_run(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let configuration = server.save_configuration().await;
        let agent = server.register_agent().await;
        let job = server.queue(json!([{ "configurationId": configuration }])).await[0];
        let mut watch = watch(&server, job).await;
        assert_eq!(watch.next().await, json!({ "jobRun": null }));
        let first = server.claim(agent).await;
        let state = |update: &Value| (update["jobRun"]["id"].clone(), update["jobRun"]["agentState"].clone());
        assert_eq!(state(&watch.next().await), (json!(first.run), json!("EXECUTING")));
        server.act("requestCancellation", json!({ "jobIds": [job] })).await;
        assert_eq!(state(&watch.next().await), (json!(first.run), json!("CANCELLING")));
        server.finish(&first, 1, "CANCELLED", None).await;
        assert_eq!(state(&watch.next().await), (json!(first.run), json!("CANCELLED")));
        assert_eq!(watch.read().await, Update::Complete);
    }
}
