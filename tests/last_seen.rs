//! `Agent.lastSeen`: an agent that only asks for work is alive, one that is silent is not.

use std::time::Duration;

use entity::{agent, job, job_run};
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::support::{
    ForeignWriter, TestDatabase, TestServer, agent, id, job, job_run, on_both_databases, second,
    soon,
};

async fn last_seen(server: &TestServer, agent: Uuid) -> Value {
    let query = "query($id: UUID!) { agent(id: $id) { lastSeen } }";
    server.query(query, json!({ "id": agent })).await["agent"]["lastSeen"].take()
}

/// Makes all agents look as if they were seen long ago.
async fn age(database: &TestDatabase) {
    let mut writer = ForeignWriter::connect(database).await;
    let moment = writer.second(7);
    writer.execute(&format!("UPDATE agent SET last_seen = {moment}")).await;
}

/// Waits until the agent was seen lately.
async fn until_seen(server: &TestServer, agent: Uuid) {
    soon(async {
        while last_seen(server, agent).await == json!(second(7).to_string()) {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

on_both_databases! {
    async fn an_agent_that_claims_in_vain_is_seen(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let (idle, silent) = (server.register_agent().await, server.register_agent().await);
        assert_ne!(last_seen(&server, idle).await, Value::Null, "a registration is a sign of life");
        age(&database).await;
        let answer = server.try_claim(json!({ "agentId": idle })).await;
        assert_eq!(answer, json!({ "attempt": null, "refusal": null }));
        until_seen(&server, idle).await;
        assert_eq!(last_seen(&server, silent).await, json!(second(7).to_string()));
    }

    async fn reports_are_a_sign_of_their_own_agent_and_heartbeats_cost_no_row_each(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let configuration = server.save_configuration().await;
        let (busy, other) = (server.register_agent().await, server.register_agent().await);
        server.queue(json!([{ "configurationId": configuration }])).await;
        age(&database).await;
        let attempt = server.claim(busy).await;
        until_seen(&server, busy).await;
        // The next is written some time after this one, however many heartbeats come.
        age(&database).await;
        for sequence in 1..=30 {
            let result = server.report_one(attempt.report(sequence, None, &json!({}))).await;
            assert_eq!(result["status"], "ACCEPTED");
        }
        // The other agent's sign is written after those, if they were.
        server.try_claim(json!({ "agentId": other })).await;
        until_seen(&server, other).await;
        assert_eq!(last_seen(&server, busy).await, json!(second(7).to_string()));

        // A report with a token that is not the run's tells nothing of the run's agent.
        let server = TestServer::start(&database).await;
        age(&database).await;
        let mut wrong = attempt.report(40, None, &json!({}));
        wrong["attemptToken"] = json!(id(9));
        assert_eq!(server.report_one(wrong).await["refusal"]["code"], "WRONG_TOKEN");
        server.try_claim(json!({ "agentId": other })).await;
        until_seen(&server, other).await;
        assert_eq!(last_seen(&server, busy).await, json!(second(7).to_string()));
        let result = server.report_one(attempt.report(50, None, &json!({}))).await;
        assert_eq!(result["status"], "ACCEPTED");
        until_seen(&server, busy).await;
    }

    async fn the_last_report_stands_in_for_agents_that_others_write(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<agent::Entity>(&[agent(1, None), agent(2, None)]).await;
        server.insert::<job::Entity>(&[job(3), job(4)]).await;
        let run = |n, job| job_run::Model {
            update_date: Some(second(i64::from(n) * 60)),
            ..job_run(n, id(job), id(1))
        };
        server.insert::<job_run::Entity>(&[run(5, 3), run(6, 4)]).await;
        let data = server.query("{ agents { items { id lastSeen } } }", json!({})).await;
        assert_eq!(data["agents"]["items"], json!([
            { "id": id(1), "lastSeen": second(360).to_string() }, { "id": id(2), "lastSeen": null },
        ]));
    }
}
