//! Many who watch the same jobs and each pick other fields.

use entity::{JobState, Millis, agent, configuration, job, job_run};
use serde_json::{Value, json};

use crate::support::{
    ForeignWriter, TestServer, agent, configuration, id, job, job_run, on_both_databases,
};

/// What each picks of a job, with the fragments that it takes.
const SELECTIONS: [(&str, &str); 12] = [
    ("id", ""),
    ("id name", ""),
    ("name id", ""),
    ("called: name also: name id __typename", ""),
    ("id currentRun { agentPercentCompleted }", ""),
    (
        "currentRun { agentPercentCompleted agentTasksCount } id currentRun { agentTasksCount id }",
        "",
    ),
    (
        "...F",
        "fragment F on Job { id ... on Job { state } currentRun { ...R } } fragment R on JobRun { isActive updateDate }",
    ),
    ("id name @include(if: $yes) state @skip(if: $yes) ... @include(if: $no) { type }", ""),
    ("id currentRun @skip(if: false) { agentState agentElapsedExecutionTime processingState }", ""),
    ("id currentRun { id @skip(if: true) }", ""),
    // What the database is to be asked for.
    ("id configuration { name }", ""),
    ("id runs(take: 1) { id agentTasksCount }", ""),
];

fn document(operation: &str, field: &str, fragments: &str) -> String {
    let has_variables = field.contains("if: $");
    let variables =
        if has_variables { "($yes: Boolean! = true, $no: Boolean! = false)" } else { "" };
    format!("{operation} {variables} {{ {field} }} {fragments}")
}

on_both_databases! {
    async fn each_sees_what_a_query_answers(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(101, Some("HubSpot \"EU\""))]).await;
        server.insert::<agent::Entity>(&[agent(100, None)]).await;
        let jobs: Vec<_> = (1..=5).map(|n| job::Model {
            state: JobState::Executing,
            configuration_id: (n % 2 == 0).then(|| id(101)),
            current_run_id: (n != 3).then(|| id(10 + n)),
            name: Some(format!("Job \"{n}\"\n")),
            ..job(n)
        }).collect();
        server.insert::<job::Entity>(&jobs).await;
        let runs: Vec<_> = [1, 2, 4, 5].into_iter().map(|n| job_run::Model {
            agent_elapsed_execution_time: Some(Millis(60_000)),
            ..job_run(10 + n, id(n), id(100))
        }).collect();
        server.insert::<job_run::Entity>(&runs).await;

        let mut watches = Vec::new();
        for (selection, fragments) in SELECTIONS {
            let field = format!("all: executingJobs {{ jobs {{ {selection} }} isSnapshot removed {{ state id }} }}");
            let subscription = document("subscription", &field, fragments);
            let query = document("query", &format!("executingJobs {{ {selection} }}"), fragments);
            watches.push((server.watch(&subscription, json!({})).await, query));
        }
        let compare = async |update: Value, query: &str, is_snapshot: bool| {
            let expected = server.query(query, json!({})).await["executingJobs"].clone();
            let expected = json!({ "jobs": expected, "isSnapshot": is_snapshot, "removed": [] });
            assert_eq!(update["all"], expected, "{query}");
        };
        for (watch, query) in &mut watches {
            compare(watch.next().await, query, true).await;
        }
        let mut writer = ForeignWriter::connect(&database).await;
        for percent in [12.5, 25.0, 50.0] {
            // One transaction, so one update of all jobs.
            writer.execute(&format!(
                "BEGIN; UPDATE job_run SET agent_percent_completed = {percent}, agent_tasks_count = 9007199254740991;
                 UPDATE job SET name = 'at {percent}'; COMMIT"
            )).await;
            for (watch, query) in &mut watches {
                compare(watch.next().await, query, false).await;
            }
        }
        // A later subscriber selects a field that no other one does.
        let query = "{ executingJobs { createdDate priority } }";
        let late = "subscription { all: executingJobs { jobs { createdDate priority } isSnapshot removed { id } } }";
        let mut late = server.watch(late, json!({})).await;
        compare(late.next().await, query, true).await;
        watches.push((late, query.to_owned()));
        writer.execute("UPDATE job SET name = 'last'").await;
        for (watch, query) in &mut watches {
            compare(watch.next().await, query, false).await;
        }
        // The others see no difference when one leaves.
        watches.truncate(2);
        for name in ["these", "those"] {
            writer.execute(&format!("UPDATE job SET name = '{name}'")).await;
            for (watch, query) in &mut watches {
                compare(watch.next().await, query, false).await;
            }
        }
        let (left, _) = &mut watches[0];
        writer.execute(&format!("DELETE FROM job WHERE id = {}", writer.uuid(id(3)))).await;
        assert_eq!(left.next().await["all"], json!({ "jobs": [], "isSnapshot": false, "removed": [
            { "state": "UNKNOWN", "id": id(3) },
        ] }));
    }
}
