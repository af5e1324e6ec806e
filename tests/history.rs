//! Who changed a job, and why.

use agent_jobs::access::Role;
use agent_jobs::jobs::scope::Scope;
use entity::{JobState, configuration, job, job_event};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{TestServer, id, job, on_both_databases, second};

const HISTORY: &str =
    "query($id: UUID!) { job(id: $id) { history { state by principal message } } }";

async fn history(server: &TestServer, token: &str, id: Uuid) -> Vec<Value> {
    let mut answer = server.answer_as(token, HISTORY, json!({ "id": id })).await;
    serde_json::from_value(answer["data"]["job"]["history"].take()).expect("a history")
}

fn change(state: &str, by: &str, principal: Option<&str>, message: Option<&str>) -> Value {
    json!({ "state": state, "by": by, "principal": principal, "message": message })
}

on_both_databases! {
    async fn it_names_the_operator_and_the_reason(database: TestDatabase) {
        let server = TestServer::controlled(&database, None).await;
        let source = configuration::Model { id: id(50), created_date: second(0), ..configuration::Model::default() };
        server.insert::<configuration::Entity>(&[source]).await;
        let (_, operator) = server.token(Role::Operator, Scope::All, None, None).await;
        let (_, admin) = server.token(Role::Admin, Scope::All, None, None).await;
        let act = async |token: &str, query: &str, variables: Value| {
            let answer = server.answer_as(token, query, variables).await;
            assert!(answer.get("errors").is_none(), "{answer:#}");
            answer["data"].clone()
        };
        let queue = "mutation($input: [QueueJobInput!]!) { queueJobs(input: $input) { results { job { id } } } }";
        let queued = act(&operator, queue, json!({ "input": [{ "configurationId": id(50) }] })).await;
        let job: Uuid = serde_json::from_value(queued["queueJobs"]["results"][0]["job"]["id"].clone()).unwrap();
        let by_id = |reason: &str| json!({ "input": { "jobIds": [job], "reason": reason } });
        let cancel = "mutation($input: RequestCancellationInput!) { requestCancellation(input: $input) { hasMore } }";
        act(&admin, cancel, by_id("maintenance")).await;
        let retry = "mutation($input: RetryJobsInput!) { retryJobs(input: $input) { hasMore } }";
        act(&operator, retry, by_id("maintenance has ended")).await;
        let force = "mutation($input: ForceCancelInput!) { forceCancel(input: $input) { hasMore } }";
        act(&admin, force, by_id("wrong source")).await;
        // With a filter, too.
        act(&operator, retry, json!({ "input": { "filter": { "states": ["CANCELLED"] } } })).await;
        assert_eq!(history(&server, &operator, job).await, [
            change("QUEUED", "operator", Some("a test's operator"), None),
            change("CANCELLED", "operator", Some("a test's admin"), Some("maintenance")),
            change("QUEUED", "operator", Some("a test's operator"), Some("maintenance has ended")),
            change("CANCELLED", "operator", Some("a test's admin"), Some("wrong source")),
            change("QUEUED", "operator", Some("a test's operator"), None),
        ]);
    }

    async fn agents_and_earlier_changes_have_no_principal(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let failed = job::Model { state: JobState::Failed, ..job(1) };
        server.insert::<job::Entity>(&[failed]).await;
        let earlier = job_event::Model {
            id: id(9),
            job_id: id(1),
            state: JobState::Failed,
            date: second(1),
            changed_by: "operator".to_owned(),
            ..job_event::Model::default()
        };
        server.insert::<job_event::Entity>(&[earlier]).await;
        // Without access control there is no name.
        server.act("retryJobs", json!({ "jobIds": [id(1)], "reason": "again" })).await;
        let agent = server.register_agent().await;
        server.claim(agent).await;
        let answer = server.query(HISTORY, json!({ "id": id(1) })).await;
        assert_eq!(answer["job"]["history"], json!([
            change("FAILED", "operator", None, None),
            change("QUEUED", "operator", None, Some("again")),
            change("EXECUTING", "agent", None, None),
        ]));
    }

    async fn a_reason_is_a_text_of_bounded_length(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        for (reason, message) in [
            ("x".repeat(10_001), "reason: expected at most 10000 characters, not 10001"),
            ("\u{0}".to_owned(), "reason: expected a text without NUL characters"),
        ] {
            let query = "mutation($input: RetryJobsInput!) { retryJobs(input: $input) { hasMore } }";
            let answer = server.answer(query, json!({ "input": { "jobIds": [], "reason": reason } })).await;
            let error = &answer["errors"][0];
            assert_eq!(error["message"], message);
            assert_eq!(error["extensions"], json!({ "code": "BAD_USER_INPUT", "argument": "reason" }));
        }
    }
}
