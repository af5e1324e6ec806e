//! `agent-jobs watch` as a process, against servers that come and go.

use agent_jobs::access::Role;
use agent_jobs::jobs::scope::Scope;
use entity::{JobState, configuration, job};
use serde_json::{Value, json};

use crate::support::{
    ForeignWriter, Kind, Program, TestDatabase, TestServer, agent_jobs, configuration, id, job,
    on_both_databases,
};

/// The next update of a program that prints JSON.
fn update(program: &mut Program) -> Value {
    let line = program.line().expect("it goes on");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn ids(update: &Value, list: &str) -> Vec<String> {
    let list = update[list].as_array().expect("a list");
    list.iter().map(|each| each["id"].as_str().expect("an id").to_owned()).collect()
}

fn executing(n: u32) -> job::Model {
    job::Model { state: JobState::Executing, ..job(n) }
}

/// A server at a place that others may have had before it.
fn serve_at(address: &str, database: &TestDatabase) -> Program {
    let arguments = ["serve", "--listen", address, "--database-url", database.url()];
    let mut server = Program::start(&arguments);
    let line = server.line().expect("it listens");
    assert_eq!(line, format!("agent-jobs is listening on http://{address}"));
    server
}

on_both_databases! {
    async fn prints_updates_as_json_and_connects_again(database: TestDatabase) {
        TestServer::start(&database).await.insert::<job::Entity>(&[executing(1), executing(2), job(3)]).await;
        let mut writer = ForeignWriter::connect(&database).await;
        let (server, url) = Program::serve("serve", database.url());
        let mut watch = Program::start(&["watch", "--json", "--url", &url]);
        assert_eq!(watch.error_line(), Some(format!("connected to {}/graphql", url.replace("http", "ws"))));
        let first = update(&mut watch);
        assert_eq!(first["isSnapshot"], true);
        assert_eq!(ids(&first, "jobs"), [id(2).to_string(), id(1).to_string()]);
        assert_eq!(first["jobs"][1], json!({ "id": id(1), "name": "Job 1", "currentRun": null }));
        writer.execute(&format!("UPDATE job SET state = 'Failed' WHERE id = {}", writer.uuid(id(1)))).await;
        let second = update(&mut watch);
        assert_eq!(second, json!({ "isSnapshot": false, "jobs": [], "removed": [{ "id": id(1), "state": "FAILED" }] }));

        server.signal("TERM").ok();
        let lost = watch.error_line().expect("it says so");
        assert!(lost.contains("Service restart") && lost.contains("not connected, again in"), "{lost}");
        writer.execute(&format!("UPDATE job SET state = 'Executing' WHERE id = {}", writer.uuid(id(3)))).await;
        let server = serve_at(url.strip_prefix("http://").expect("a URL"), &database);
        let third = update(&mut watch);
        assert_eq!(third["isSnapshot"], true);
        assert_eq!(ids(&third, "jobs"), [id(3).to_string(), id(2).to_string()]);
        let output = watch.signal("INT").ok();
        assert!(output.stderr.contains("connected to"), "{output:#?}");
        server.signal("TERM").ok();
    }

    async fn prints_a_line_for_each_change(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(101, None)]).await;
        let of = |n| job::Model { configuration_id: Some(id(101)), ..executing(n) };
        server.insert::<job::Entity>(&[of(1), executing(2)]).await;
        let mut watch = Program::start(&["watch", "--url", &server.url, "--configuration-id", &id(101).to_string()]);
        assert_eq!(watch.line().as_deref(), Some("executing: Job 1"));
        let agent = server.register_agent().await;
        server.queue(json!([{ "configurationId": id(101), "name": "Crawl" }])).await;
        let attempt = server.claim(agent).await;
        assert_eq!(watch.line().as_deref(), Some("executing: Crawl"));
        let progress = json!({ "agentTasksCompletedCount": 1_500, "agentExpectedTasksCount": 2_000 });
        server.report_one(attempt.report(1, None, &progress)).await;
        let line = watch.line().expect("it goes on");
        assert!(line.starts_with("executing: Crawl — 75.0 %, 1,500 of 2,000 tasks"), "{line}");
        server.finish(&attempt, 2, "COMPLETED", None).await;
        assert_eq!(watch.line().as_deref(), Some("completed: Crawl"));
        watch.signal("TERM").ok();
    }

    async fn shows_the_rest_of_what_has_a_number_that_is_too_large(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let agent = server.register_agent().await;
        let configuration = server.save_configuration().await;
        server.queue(json!([{ "configurationId": configuration, "name": "Crawl" }])).await;
        let attempt = server.claim(agent).await;
        let mut writer = ForeignWriter::connect(&database).await;
        writer.execute(&format!("UPDATE job_run SET agent_expected_tasks_count = {}", i64::MAX)).await;
        let mut lines = Program::start(&["watch", "--url", &server.url]);
        let mut json = Program::start(&["watch", "--url", &server.url, "--json"]);
        let error = "(! agentExpectedTasksCount: 9223372036854775807 does not fit a Long, which has 53 bits)";
        assert_eq!(lines.line(), Some(format!("executing: Crawl {error}")));
        let run = |update: &Value| update["jobs"][0]["currentRun"].clone();
        let first = update(&mut json);
        assert_eq!(run(&first)["agentExpectedTasksCount"], json!(null));
        assert_eq!(first["errors"][0]["path"], json!(["executingJobs", "jobs", 0, "currentRun", "agentExpectedTasksCount"]));
        // It goes on, and is whole again once the number is.
        server.report_one(attempt.report(1, None, &json!({ "agentTasksCompletedCount": 1_500 }))).await;
        let line = lines.line().expect("it goes on");
        assert!(line.starts_with("executing: Crawl — 1,500 of ! tasks") && line.ends_with(error), "{line}");
        assert_eq!(run(&update(&mut json))["agentTasksCompletedCount"], 1_500);
        server.report_one(attempt.report(2, None, &json!({ "agentExpectedTasksCount": 2_000 }))).await;
        let line = lines.line().expect("it goes on");
        assert!(line.contains("1,500 of 2,000 tasks") && !line.contains('!'), "{line}");
        assert_eq!(update(&mut json).get("errors"), None);
        for program in [lines, json] {
            program.signal("INT").ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_its_token() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::controlled(&database, None).await;
    server.insert::<job::Entity>(&[executing(1)]).await;
    let (_, token) = server.token(Role::Viewer, Scope::All, None, None).await;
    let mut watch = Program::start(&["watch", "--url", &server.url, "--token", &token]);
    assert_eq!(watch.line().as_deref(), Some("executing: Job 1"));
    watch.signal("INT").ok();
    for token in [None, Some("wrong")] {
        let arguments = token.map_or_else(Vec::new, |token| vec!["--token", token]);
        let arguments = [&["watch", "--url", &server.url], arguments.as_slice()].concat();
        let output = agent_jobs(&arguments, b"");
        assert_eq!(output.code, 69, "{output:#?}");
        assert!(output.stderr.contains("401") || output.stderr.contains("403"), "{output:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn says_why_it_cannot_watch() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (arguments, code, message) in [
        (vec!["--url", "ftp://127.0.0.1"], 2, "expected http:// or https://"),
        (vec!["--configuration-id", "x"], 2, "--configuration-id"),
        (vec!["--url", &format!("http://{closed}")], 69, "cannot use ws://"),
        (vec!["--url", &format!("https://{closed}")], 69, "cannot use wss://"),
        (vec!["--url", &format!("{}/nowhere", server.url)], 69, "refuses: it answered 404"),
    ] {
        let output = agent_jobs(&[&["watch"], arguments.as_slice()].concat(), b"");
        assert_eq!(output.code, code, "{output:#?}");
        assert!(output.stderr.contains(message), "{output:#?}");
        assert_eq!(output.stdout, "");
    }
}
