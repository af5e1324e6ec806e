//! Failure groups: which failed jobs are in one, however they were written, and what is counted of it.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use agent_jobs::clock;
use agent_jobs::jobs::failures::{counts, grouping};
use agent_jobs::jobs::retention;
use entity::Timestamp;
use fingerprint::{Fingerprint, Phase};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    ForeignWriter, TestDatabase, TestServer, agent_jobs, configuration, id, on_both_databases,
    property, second, soon, start_counting,
};

const GROUP: &str = "id title sampleMessage firstSeen lastSeen jobCount
    byConfiguration { count configuration { id } } perDay(days: 366) { day count }
    acknowledgement { at by note }";

/// When job `n` failed: this many seconds into a day of the last weeks, which `perDay` counts.
fn ended(n: i64) -> Timestamp {
    const DAY: i64 = 86_400_000_000;
    static START: LazyLock<i64> = LazyLock::new(|| clock::now().micros() / DAY * DAY - 9 * DAY);
    Timestamp::from_micros(*START + n * 1_000_000).expect("a moment")
}

/// Groups what is not grouped yet, as the service does by itself.
async fn group_all(server: &TestServer) {
    while grouping::group(server.db(), second(0)).await.expect("grouping") > 0 {}
}

/// The groups that match, each with what the list of its jobs says.
async fn groups(server: &TestServer, arguments: &str) -> Vec<Value> {
    let arguments = if arguments.is_empty() { "first: 200" } else { arguments };
    let query = format!("{{ failureGroups({arguments}) {{ nodes {{ {GROUP} }} }} }}");
    let data = server.query(&query, json!({})).await;
    data["failureGroups"]["nodes"].as_array().expect("groups").clone()
}

/// Compares the counters with a recount, in one statement.
async fn assert_right(server: &TestServer) {
    assert_eq!(counts::verify(server.db()).await.expect("a recount"), []);
}

/// Groups all, compares each group's count with the list of its jobs, and the counters with a recount.
async fn assert_counted(server: &TestServer) {
    group_all(server).await;
    for group in groups(server, "first: 200, filter: { includeEmpty: true }").await {
        let query = "query($id: UUID!) { jobs(take: 200, filter: { failureGroupId: $id }) {
            totalCount totalCountIsExact items { id state currentRun { failureGroup { id } } } } }";
        let jobs = server.query(query, json!({ "id": group["id"] })).await["jobs"].take();
        assert_eq!(jobs["totalCount"], group["jobCount"], "{group:#}");
        assert_eq!(jobs["totalCountIsExact"], true);
        let items = jobs["items"].as_array().expect("jobs");
        assert_eq!(jobs["totalCount"], items.len());
        for job in items {
            assert_eq!(
                (&job["state"], &job["currentRun"]["failureGroup"]["id"]),
                (&json!("FAILED"), &group["id"])
            );
        }
        let parts = group["byConfiguration"].as_array().expect("parts");
        let sum: i64 = parts.iter().map(|part| part["count"].as_i64().unwrap()).sum();
        assert_eq!(group["jobCount"], sum, "{group:#}");
    }
    assert_right(server).await;
}

fn days(group: &Value) -> i64 {
    let days = group["perDay"].as_array().expect("days");
    days.iter().map(|day| day["count"].as_i64().expect("a number")).sum()
}

fn group_of(message: &str) -> Fingerprint {
    Fingerprint::of_message(message).expect("it has text")
}

/// Inserts a failed job with its run, as another program does: job `n`, run `1000 + n`, which failed at
/// `ended(n)`.
async fn insert_failed(
    writer: &mut ForeignWriter,
    n: u32,
    configuration: Option<Uuid>,
    message: Option<&str>,
) {
    writer.insert_job(id(n), configuration, "Failed").await;
    insert_run(writer, 1_000 + n, n, "Failed", message).await;
    set_run(writer, n, Some(1_000 + n)).await;
}

async fn insert_run(
    writer: &mut ForeignWriter,
    run: u32,
    job: u32,
    state: &str,
    message: Option<&str>,
) {
    let (run, job, agent) = (writer.uuid(id(run)), writer.uuid(id(job)), writer.uuid(id(800)));
    let message =
        message.map_or("NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")));
    let end = writer.moment(ended(i64::from(id_number(&job))));
    writer
        .execute(&format!(
            "INSERT INTO job_run (id, job_id, agent_id, agent_key, agent_state, agent_result_message,
               agent_start_time, agent_end_time) VALUES ({run}, {job}, {agent}, 'key', '{state}',
               {message}, {end}, {end})"
        ))
        .await;
}

/// The number in the literal of an id.
fn id_number(literal: &str) -> u32 {
    let digits: String = literal.chars().filter(char::is_ascii_hexdigit).collect();
    u32::from_str_radix(&digits[digits.len() - 8..], 16).expect("an id")
}

async fn set_run(writer: &mut ForeignWriter, job: u32, run: Option<u32>) {
    let run = run.map_or("NULL".to_owned(), |run| writer.uuid(id(run)));
    let job = writer.uuid(id(job));
    writer.execute(&format!("UPDATE job SET current_run_id = {run} WHERE id = {job}")).await;
}

async fn insert_agent(writer: &mut ForeignWriter) {
    let (agent, now) = (writer.uuid(id(800)), writer.second(0));
    writer.execute(&format!("INSERT INTO agent (id, created_date) VALUES ({agent}, {now})")).await;
}

async fn start(database: &TestDatabase) -> (TestServer, ForeignWriter, [Uuid; 2]) {
    let (server, mut writer, configurations) = start_counting(database).await;
    insert_agent(&mut writer).await;
    (server, writer, configurations)
}

on_both_databases! {
    async fn what_agents_report_is_grouped_with_the_failure(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let (agent, configuration) = (server.register_agent().await, server.save_configuration().await);
        let jobs = server.queue(json!(vec![json!({ "configurationId": configuration, "name": "Job" }); 5])).await;
        let mut runs = Vec::new();
        for n in 0..jobs.len() {
            let attempt = server.claim(agent).await;
            let (outcome, message) = match n {
                0..3 => ("FAILED", format!("HTTP 429 Too Many Requests, retry after {n} s")),
                3 => ("FAILED", "HTTP 403 Forbidden".to_owned()),
                _ => ("COMPLETED", "HTTP 403 Forbidden".to_owned()),
            };
            server.finish(&attempt, 1, outcome, Some(&message)).await;
            let query = "query($id: UUID!) { jobRun(id: $id) { failureGroup { title } } }";
            let run = server.query(query, json!({ "id": attempt.run })).await["jobRun"].take();
            let expected = match n {
                0..3 => json!({ "title": "HTTP 429 Too Many Requests, retry after <duration>" }),
                3 => json!({ "title": "HTTP 403 Forbidden" }),
                _ => Value::Null,
            };
            assert_eq!(run["failureGroup"], expected);
            runs.push(attempt);
        }
        let found = groups(&server, "orderBy: JOB_COUNT").await;
        assert_eq!(found.iter().map(|group| group["jobCount"].as_i64().unwrap()).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(found[0]["id"], group_of("HTTP 429 Too Many Requests, retry after 7 s").id.to_string());
        assert_eq!(found[0]["sampleMessage"], "HTTP 429 Too Many Requests, retry after 2 s");
        assert_eq!(found[0]["byConfiguration"], json!([{ "count": 3, "configuration": { "id": configuration } }]));
        assert_eq!((days(&found[0]), &found[0]["acknowledgement"]), (3, &Value::Null));
        assert!(found[0]["firstSeen"].as_str() <= found[0]["lastSeen"].as_str());
        assert_counted(&server).await;

        // A retried job leaves its group at once. Its failure has happened all the same.
        let input = json!({ "filter": { "failureGroupId": found[0]["id"] } });
        let retried = server.act("retryJobs", input).await;
        assert_eq!(retried["matchedCount"], 3);
        let left = groups(&server, "").await;
        assert_eq!(left.iter().map(|group| &group["id"]).collect::<Vec<_>>(), [&found[1]["id"]]);
        let all = groups(&server, "filter: { includeEmpty: true, search: \"too many\" }").await;
        assert_eq!((&all[0]["jobCount"], days(&all[0]), &all[0]["sampleMessage"]), (&json!(0), 3, &Value::Null));
        assert_counted(&server).await;
        // The earlier run tells still why it failed.
        let query = "query($id: UUID!) { jobRun(id: $id) { failureGroup { id jobCount } } }";
        let run = server.query(query, json!({ "id": runs[0].run })).await["jobRun"].take();
        assert_eq!(run["failureGroup"], json!({ "id": all[0]["id"], "jobCount": 0 }));

        // It fails for another reason.
        let attempt = server.claim(agent).await;
        server.finish(&attempt, 1, "FAILED", Some("HTTP 403 Forbidden")).await;
        assert_eq!(groups(&server, "").await[0]["jobCount"], 2);
        assert_counted(&server).await;
    }

    async fn a_failure_without_a_message_is_grouped_by_provider_and_phase(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let (agent, configuration) = (server.register_agent().await, server.save_configuration().await);
        server.queue(json!([{ "configurationId": configuration, "name": "Job" }])).await;
        let attempt = server.claim(agent).await;
        // Agents say something, if not much.
        server.finish(&attempt, 1, "FAILED", Some("…")).await;
        group_all(&server).await;
        let found = groups(&server, "").await;
        assert_eq!(found[0]["id"], Fingerprint::without_message(Some("hubspot"), Phase::Executing).id.to_string());
        assert_eq!((&found[0]["title"], &found[0]["sampleMessage"]), (&json!("No message: hubspot failed while executing"), &json!("…")));
        assert_counted(&server).await;
    }

    async fn what_other_programs_write_is_grouped_soon_after(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        insert_failed(&mut writer, 1, Some(a), Some("page 17 of db-1.internal: not found")).await;
        insert_failed(&mut writer, 2, Some(b), Some("page 3 of db-2.internal: not found")).await;
        insert_failed(&mut writer, 3, None, Some("page 9 of 10.0.0.7: not found\nmore")).await;
        // By itself.
        let found = soon(async {
            loop {
                let found = groups(&server, "").await;
                if found.first().is_some_and(|group| group["jobCount"] == 3) {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!((found.len(), &found[0]["title"]), (1, &json!("page <number> of <host>: not found")));
        assert_eq!(found[0]["firstSeen"], ended(1).to_string());
        assert_eq!(found[0]["lastSeen"], ended(3).to_string());
        assert_counted(&server).await;

        // Another message is another cause.
        let run = writer.uuid(id(1_001));
        writer.execute(&format!("UPDATE job_run SET agent_result_message = 'disk full' WHERE id = {run}")).await;
        assert_right(&server).await;
        group_all(&server).await;
        let found = groups(&server, "orderBy: JOB_COUNT").await;
        assert_eq!(found.iter().map(|group| (group["jobCount"].as_i64().unwrap(), days(group))).collect::<Vec<_>>(), [(2, 2), (1, 1)]);
        // So is another run, grouped before or not.
        insert_run(&mut writer, 5_001, 2, "Failed", Some("disk full")).await;
        set_run(&mut writer, 2, Some(5_001)).await;
        assert_right(&server).await;
        assert_counted(&server).await;
        assert_eq!(groups(&server, "filter: { search: \"disk\" }").await[0]["jobCount"], 2);
        set_run(&mut writer, 2, Some(1_002)).await;
        assert_eq!(groups(&server, "filter: { search: \"disk\" }").await[0]["jobCount"], 1);
        // A job that has not failed is in no group, and one that moves takes its failures along.
        let [one, two] = [id(1), id(2)].map(|id| writer.uuid(id));
        writer.execute(&format!("UPDATE job SET state = 'Queued' WHERE id = {one}")).await;
        let a = writer.uuid(a);
        writer.execute(&format!("UPDATE job SET configuration_id = {a} WHERE id = {two}")).await;
        assert_counted(&server).await;
        let page = groups(&server, "filter: { search: \"page\" }").await;
        assert_eq!((&page[0]["jobCount"], days(&page[0])), (&json!(2), 2));
        let of_b = format!("filter: {{ configurationIds: [\"{b}\"], includeEmpty: true }}");
        assert_eq!(groups(&server, &of_b).await, [] as [Value; 0], "its failures have moved");
    }

    async fn what_is_imported_is_grouped(database: TestDatabase) {
        let mut rows = "Id,JobId,AgentId,AgentState,AgentEndTime,AgentResultMessage\n".to_owned();
        for n in 0..300 {
            let (run, job, agent) = (id(10_000 + n), id(n), id(800));
            rows += &format!("{run},{job},{agent},Failed,{},\"cause {} of run {n}\"\n", ended(i64::from(n)), ["one", "two"][n as usize % 2]);
        }
        let file = database.folder().join("runs.csv");
        std::fs::write(&file, rows).expect("writing a file");
        let import = || agent_jobs(&["import", file.to_str().unwrap(), "--database-url", database.url()], b"").ok();
        import();
        let server = TestServer::start(&database).await;
        group_all(&server).await;
        let expected = [("cause one of run <number>", 150, 150), ("cause two of run <number>", 150, 150)];
        let found = async || {
            let mut found = groups(&server, "").await;
            found.sort_by_key(|group| group["title"].to_string());
            assert_counted_only(&found, &expected);
        };
        found().await;
        assert_eq!(counts::verify(server.db()).await.unwrap(), []);
        // Again changes nothing.
        import();
        group_all(&server).await;
        found().await;

        // Jobs that come later bring their configurations.
        server.insert::<entity::configuration::Entity>(&[configuration(1, Some("A"))]).await;
        let rows: Vec<_> =
            (0..300).map(|n| format!("{},{},Failed,{}\n", id(n), id(1), second(0))).collect();
        let jobs = format!("Id,ConfigurationId,State,CreatedDate\n{}", rows.concat());
        std::fs::write(&file, jobs).expect("writing a file");
        import();
        group_all(&server).await;
        found().await;
        let groups = groups(&server, "").await;
        assert_eq!(groups[0]["byConfiguration"], json!([{ "count": 150, "configuration": { "id": id(1) } }]));
        assert_eq!(counts::verify(server.db()).await.unwrap(), []);
    }

    async fn retention_removes_jobs_and_keeps_the_history(database: TestDatabase) {
        let (server, mut writer, [a, _]) = start(&database).await;
        for n in 0..10 {
            insert_failed(&mut writer, n, Some(a), Some("broken")).await;
        }
        group_all(&server).await;
        let new = writer.uuid(id(9));
        let date = writer.second(1_000);
        writer.execute(&format!("UPDATE job SET update_date = {date} WHERE id = {new}")).await;
        let removed = retention::remove(server.db(), second(500), None).await.expect("removing");
        assert_eq!(removed.jobs, 9);
        let found = groups(&server, "").await;
        assert_eq!((&found[0]["jobCount"], days(&found[0])), (&json!(1), 10));
        assert_eq!(found[0]["firstSeen"], ended(0).to_string());
        assert_counted(&server).await;
        retention::remove(server.db(), second(5_000), None).await.expect("removing");
        assert_eq!(groups(&server, "").await, [] as [Value; 0]);
        let found = groups(&server, "filter: { includeEmpty: true }").await;
        assert_eq!((&found[0]["jobCount"], days(&found[0])), (&json!(0), 10));
    }

    async fn a_new_version_groups_anew(database: TestDatabase) {
        let (server, mut writer, [a, _]) = start(&database).await;
        for n in 0..360 {
            insert_failed(&mut writer, n, Some(a), Some(["broken", "worn"][n as usize % 2])).await;
        }
        group_all(&server).await;
        let before = groups(&server, "orderBy: FIRST_SEEN").await;
        // As an older version may have grouped them.
        let (old, all, now) = (writer.uuid(id(77)), writer.uuid(id(200)), writer.second(0));
        writer.execute(&format!("INSERT INTO failure_group (id, title, created_date) VALUES ({old}, 'old', {now})")).await;
        writer.execute(&format!("UPDATE job_run SET failure_group_id = {old}, failure_group_version = 0 WHERE job_id < {all}")).await;
        assert_right(&server).await;
        assert_counted(&server).await;
        assert_eq!(groups(&server, "orderBy: FIRST_SEEN, filter: { includeEmpty: true }").await, before, "the old group is gone");
    }

    async fn counts_agree_while_others_write(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let configuration = server.save_configuration().await;
        let mut writer = ForeignWriter::connect(&database).await;
        insert_agent(&mut writer).await;
        for n in 0..40 {
            insert_failed(&mut writer, n, Some(configuration), Some(["disk full", "HTTP 503"][n as usize % 2])).await;
        }
        let is_done = AtomicBool::new(false);
        let server = &server;
        let work = async |name: &'static str| {
            let agent = server.register_agent().await;
            for n in 0..12 {
                server.queue(json!([{ "configurationId": configuration, "name": name }])).await;
                let claim = server.try_claim(json!({ "agentId": agent })).await;
                if let Some(attempt) = crate::support::Attempt::read(&claim["attempt"]) {
                    server.finish(&attempt, 1, "FAILED", Some(&format!("HTTP 50{} for page {n}", 2 + n % 2))).await;
                }
            }
        };
        let operate = async {
            for _ in 0..6 {
                for group in groups(server, "").await {
                    let filter = json!({ "failureGroupId": group["id"], "search": "Job" });
                    server.act("retryJobs", json!({ "filter": filter })).await;
                }
            }
        };
        let other = async {
            for n in 0..40 {
                let (job, run) = (writer.uuid(id(n)), writer.uuid(id(1_000 + n)));
                writer.execute(&format!("UPDATE job_run SET agent_result_message = 'changed {n}' WHERE id = {run}")).await;
                if n % 3 == 0 {
                    writer.execute(&format!("UPDATE job SET state = 'Queued', current_run_id = NULL WHERE id = {job}")).await;
                } else if n % 3 == 1 {
                    writer.execute(&format!("DELETE FROM job WHERE id = {job}")).await;
                }
            }
        };
        let check = async {
            // One statement sees one state of the database.
            while !is_done.load(Ordering::Relaxed) {
                assert_eq!(counts::verify(server.db()).await.expect("a recount"), []);
            }
        };
        let group = async {
            while !is_done.load(Ordering::Relaxed) {
                grouping::group(server.db(), second(0)).await.expect("grouping");
                tokio::task::yield_now().await;
            }
        };
        let writers = async {
            tokio::join!(work("Job one"), work("Job two"), operate, other);
            is_done.store(true, Ordering::Relaxed);
        };
        tokio::join!(writers, check, group);
        group_all(server).await;
        assert_counted(server).await;
    }

    async fn no_changes_leave_the_counts_wrong(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        for n in 0..6 {
            insert_failed(&mut writer, n, [None, Some(a), Some(b)][n as usize % 3], Some("broken")).await;
        }
        let writer = tokio::sync::Mutex::new(writer);
        let server = &server;
        property(24, &prop::collection::vec(change(), 1..16), async |changes| {
            let mut writer = writer.lock().await;
            for change in &changes {
                change.make(&mut writer, server, [None, Some(a), Some(b)]).await;
                assert_eq!(counts::verify(server.db()).await.expect("a recount"), [], "{change:?}");
            }
            group_all(server).await;
            assert_counted(server).await;
            assert_runs_counted(&mut writer, server).await;
        });
    }

    async fn an_acknowledgement_holds_until_the_next_failure(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let (agent, configuration) = (server.register_agent().await, server.save_configuration().await);
        let fail = async || {
            server.queue(json!([{ "configurationId": configuration, "name": "Job" }])).await;
            let attempt = server.claim(agent).await;
            server.finish(&attempt, 1, "FAILED", Some("HTTP 403 Forbidden")).await;
        };
        fail().await;
        let group = groups(&server, "").await[0]["id"].clone();
        let acknowledge = "mutation($id: UUID!) { acknowledgeFailureGroup(input: { id: $id, note: \" ticket 7 \" }) {
            failureGroup { acknowledgement { at by note } } refusal { code field message } } }";
        let done = server.query(acknowledge, json!({ "id": group })).await["acknowledgeFailureGroup"].take();
        assert_eq!(done["refusal"], Value::Null);
        let known = &done["failureGroup"]["acknowledgement"];
        assert_eq!((&known["by"], &known["note"]), (&json!("anyone"), &json!("ticket 7")));
        assert_eq!(groups(&server, "filter: { isAcknowledged: true }").await[0]["acknowledgement"], *known);
        assert_eq!(groups(&server, "filter: { isAcknowledged: false }").await, [] as [Value; 0]);

        fail().await;
        let open = groups(&server, "filter: { isAcknowledged: false }").await;
        assert_eq!((&open[0]["jobCount"], &open[0]["acknowledgement"]), (&json!(2), &Value::Null));
        server.query(acknowledge, json!({ "id": group })).await;
        let reopen = "mutation($id: UUID!) { reopenFailureGroup(input: { id: $id }) {
            failureGroup { acknowledgement { by } } refusal { code field } } }";
        let reopened = server.query(reopen, json!({ "id": group })).await["reopenFailureGroup"].take();
        assert_eq!(reopened, json!({ "failureGroup": { "acknowledgement": null }, "refusal": null }));

        for mutation in [acknowledge, reopen] {
            let answer = server.query(mutation, json!({ "id": id(5) })).await;
            let payload = answer.as_object().unwrap().values().next().unwrap();
            assert_eq!((&payload["refusal"]["code"], &payload["failureGroup"]), (&json!("NOT_FOUND"), &Value::Null));
        }
        for (note, message) in [("\u{0}".to_owned(), "without NUL"), ("a".repeat(10_001), "at most 10000 characters")] {
            let input = "mutation($note: String) { acknowledgeFailureGroup(input: { id: \"0190a000-0000-7000-8000-000000000005\", note: $note }) { refusal { code } } }";
            let answer = server.answer(input, json!({ "note": note })).await;
            assert_eq!(answer["errors"][0]["extensions"]["argument"], "note", "{answer:#}");
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains(message), "{answer:#}");
        }
    }

    async fn a_scope_shows_its_own_failures_alone(database: TestDatabase) {
        use agent_jobs::access::Role;
        use agent_jobs::jobs::scope::Scope;

        let server = TestServer::controlled(&database, None).await;
        let configurations = [configuration(901, Some("A")), configuration(902, None)];
        server.insert::<entity::configuration::Entity>(&configurations).await;
        let [a, b] = configurations.map(|row| row.id);
        let mut writer = ForeignWriter::connect(&database).await;
        insert_agent(&mut writer).await;
        for n in 0..5 {
            let side = if n < 2 { Some(a) } else { Some(b) };
            insert_failed(&mut writer, n, side, Some(&format!("user \"{}\" is locked", ["ann", "bob"][usize::from(n >= 2)]))).await;
        }
        insert_failed(&mut writer, 9, Some(b), Some("only here")).await;
        group_all(&server).await;
        let query = format!("query {{ failureGroups {{ totalCount nodes {{ {GROUP} }} }} }}");
        let seen_by = async |token: &str| {
            let answer = server.answer_as(token, &query, json!({})).await;
            assert!(answer.get("errors").is_none(), "{answer:#}");
            answer["data"]["failureGroups"].clone()
        };
        let (_, of_a) = server.token(Role::Operator, Scope::only([a]), None, None).await;
        let (_, of_b) = server.token(Role::Operator, Scope::only([b]), None, None).await;
        let (_, of_all) = server.token(Role::Viewer, Scope::All, None, None).await;
        let (_, of_none) = server.token(Role::Viewer, Scope::only([]), None, None).await;
        let mine = seen_by(&of_a).await;
        let group = group_of("user \"ann\" is locked").id;
        assert_eq!(mine, json!({ "totalCount": 1, "nodes": [{
            "id": group, "title": "user <value> is locked", "sampleMessage": "user \"ann\" is locked",
            "firstSeen": ended(0).to_string(), "lastSeen": ended(1).to_string(), "jobCount": 2,
            "byConfiguration": [{ "count": 2, "configuration": { "id": a } }],
            "perDay": [{ "day": ended(0).to_string(), "count": 2 }], "acknowledgement": null,
        }] }));
        let all = seen_by(&of_all).await;
        assert_eq!((&all["totalCount"], &all["nodes"][1]["jobCount"]), (&json!(2), &json!(5)));
        assert_eq!(seen_by(&of_none).await["totalCount"], 0);

        // An acknowledgement shows where it was given alone, and no failure elsewhere ends it.
        let acknowledge = "mutation($id: UUID!) { acknowledgeFailureGroup(input: { id: $id, note: \"of A\" }) { refusal { code } } }";
        let done = server.answer_as(&of_a, acknowledge, json!({ "id": group })).await;
        assert_eq!(done["data"]["acknowledgeFailureGroup"]["refusal"], Value::Null, "{done:#}");
        insert_failed(&mut writer, 20, Some(b), Some("user \"eve\" is locked")).await;
        group_all(&server).await;
        assert_eq!(seen_by(&of_a).await["nodes"][0]["acknowledgement"]["note"], "of A");
        for token in [&of_b, &of_all] {
            let seen = seen_by(token).await;
            assert!(seen["nodes"].as_array().unwrap().iter().all(|group| group["acknowledgement"].is_null()), "{seen:#}");
        }
        // What is only elsewhere is not there.
        let hidden = group_of("only here").id;
        let answer = server.answer_as(&of_a, acknowledge, json!({ "id": hidden })).await;
        assert_eq!(answer["data"]["acknowledgeFailureGroup"]["refusal"]["code"], "NOT_FOUND");
        let one = "query($id: UUID!) { failureGroup(id: $id) { id } jobs(filter: { failureGroupId: $id }) { totalCount } }";
        let answer = server.answer_as(&of_a, one, json!({ "id": hidden })).await;
        assert_eq!(answer["data"], json!({ "failureGroup": null, "jobs": { "totalCount": 0 } }));
    }

    async fn lists_are_paged_in_each_order(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start(&database).await;
        for n in 0..21 {
            let cause = ["one", "two", "three", "four", "five", "six"][(0..6).find(|k| n < (k + 1) * (k + 2) / 2).unwrap() as usize];
            insert_failed(&mut writer, n, [Some(a), Some(b)][n as usize % 2], Some(cause)).await;
        }
        group_all(&server).await;
        for order in ["LAST_SEEN", "FIRST_SEEN", "JOB_COUNT"] {
            let mut titles = Vec::new();
            let mut after = Value::Null;
            loop {
                let query = format!("query($after: String) {{ failureGroups(first: 2, after: $after, orderBy: {order}) {{
                    totalCount edges {{ cursor node {{ title }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}");
                let page = server.query(&query, json!({ "after": after })).await["failureGroups"].take();
                let edges = page["edges"].as_array().unwrap();
                assert_eq!((&page["totalCount"], page["pageInfo"]["hasPreviousPage"] == true), (&json!(6), !after.is_null()));
                assert_eq!(page["pageInfo"]["startCursor"], edges[0]["cursor"]);
                titles.extend(edges.iter().map(|edge| edge["node"]["title"].as_str().unwrap().to_owned()));
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(titles, ["six", "five", "four", "three", "two", "one"], "{order}");
        }
        let titles = async |arguments: &str| {
            let found = groups(&server, arguments).await;
            found.iter().map(|group| group["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(titles("filter: { search: \"E\" }").await, ["five", "three", "one"]);
        assert_eq!(titles(&format!("filter: {{ lastSeenAfter: \"{}\" }}", ended(14))).await, ["six", "five"]);
        assert_eq!(titles(&format!("filter: {{ firstSeenAfter: \"{}\" }}", ended(15))).await, ["six"]);
        assert_eq!(titles("filter: { providers: [\"hubspot\"] }").await, [] as [&str; 0]);
        let of_a = format!("orderBy: JOB_COUNT, filter: {{ configurationIds: [\"{a}\"] }}");
        let found = groups(&server, &of_a).await;
        let sum: i64 = found.iter().map(|group| group["jobCount"].as_i64().unwrap()).sum();
        assert_eq!(sum, 11, "the counts are those of the configuration alone");

        for (arguments, argument) in [
            ("first: 0", "first"), ("first: 201", "first"), ("after: \"x\"", "after"),
            ("filter: { configurationIds: [\"x\"] }", "configurationIds"), ("filter: { search: \"\\u0000\" }", "search"),
        ] {
            let answer = server.answer(&format!("{{ failureGroups({arguments}) {{ totalCount }} }}"), json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["argument"], argument, "{answer:#}");
        }
        let wrong = "{ failureGroups { nodes { perDay(days: 0) { count } } } }";
        assert_eq!(server.answer(wrong, json!({})).await["errors"][0]["extensions"]["argument"], "days");
    }

    async fn rest_has_the_same_groups(database: TestDatabase) {
        let (server, mut writer, [a, _]) = start(&database).await;
        for n in 0..6 {
            insert_failed(&mut writer, n, Some(a), Some(["one", "two", "two"][n as usize % 3])).await;
        }
        group_all(&server).await;
        let get = async |path: &str| {
            let answer = server.client.get(format!("{}/api/v1/{path}", server.url)).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        };
        let (status, page) = get("failures?orderBy=JobCount&take=1").await;
        assert_eq!((status, &page["TotalCount"], &page["HasNextPage"]), (200, &json!(2), &json!(true)));
        let two = &page["Items"][0];
        assert_eq!((&two["Title"], &two["JobCount"], &two["SampleMessage"]), (&json!("two"), &json!(4), &json!("two")));
        assert_eq!(two["ByConfiguration"], json!([{ "ConfigurationId": a, "Count": 4 }]));
        let (_, rest) = get(&format!("failures?orderBy=JobCount&after={}", page["EndCursor"].as_str().unwrap())).await;
        assert_eq!((rest["Items"].as_array().unwrap().len(), &rest["Items"][0]["Title"]), (1, &json!("one")));
        let id = two["Id"].as_str().unwrap();
        assert_eq!(get(&format!("failures/{id}")).await, (200, two.clone()));
        let (_, jobs) = get(&format!("jobs?failureGroupId={id}")).await;
        assert_eq!(jobs["TotalCount"], 4);
        for (path, status, parameter) in [
            ("failures?take=0", 400, json!("take")), ("failures?orderBy=Size", 400, json!("orderBy")), ("failures?after=x", 400, json!("after")),
            ("failures/x", 400, json!("id")), ("failures/0190a000-0000-7000-8000-000000000001", 404, Value::Null), ("failures?days=3", 400, json!("days")),
        ] {
            let (found, problem) = get(path).await;
            assert_eq!((found, &problem["parameter"]), (status, &parameter), "{path} {problem}");
        }
    }

    async fn counters_that_were_written_around_are_found_and_mended(database: TestDatabase) {
        let (server, mut writer, [a, _]) = start(&database).await;
        for n in 0..4 {
            insert_failed(&mut writer, n, Some(a), Some("broken")).await;
        }
        group_all(&server).await;
        counts::fold(server.db()).await.expect("folding");
        writer.execute("UPDATE failure_group_count SET jobs = 9").await;
        let command = |action: &str| agent_jobs(&["counts", action, "--database-url", database.url()], b"");
        let verified = command("verify");
        assert_eq!(verified.code, 1, "{verified:#?}");
        let group = group_of("broken").id;
        let expected = format!("failure group {group}, configuration {a}: counted 9, but there are 4\n");
        assert!(verified.stdout.contains(&expected), "{verified:#?}");
        command("rebuild").ok();
        assert_eq!(command("verify").ok().stdout, "the counters are right\n");
        assert_counted(&server).await;
    }
}

fn assert_counted_only(found: &[Value], expected: &[(&str, i64, i64)]) {
    let found: Vec<_> = found
        .iter()
        .map(|group| {
            (group["title"].as_str().unwrap(), group["jobCount"].as_i64().unwrap(), days(group))
        })
        .collect();
    assert_eq!(found, expected);
}

/// That the groups have as many failures as there are failed runs. No run is deleted in these tests
/// but with its job.
async fn assert_runs_counted(writer: &mut ForeignWriter, server: &TestServer) {
    counts::fold(server.db()).await.expect("folding");
    let wrong = "UPDATE failure_group_count SET jobs = jobs WHERE jobs < 0 OR failures < jobs";
    assert_eq!(writer.execute(wrong).await, 0, "none has more jobs than failures");
    let wrong = "UPDATE failure_group_day SET failures = failures WHERE failures < 0";
    assert_eq!(writer.execute(wrong).await, 0, "no day has less than none");
    let wrong = "UPDATE failure_group_count SET jobs = jobs WHERE failures <> (
        SELECT coalesce(sum(d.failures), 0) FROM failure_group_day AS d
        WHERE d.group_id = failure_group_count.group_id
          AND d.configuration_id = failure_group_count.configuration_id)";
    assert_eq!(writer.execute(wrong).await, 0, "the days are all failures");
    let wrong = "UPDATE job SET state = state WHERE failure_group_id IS NULL AND state = 'Failed'
        AND EXISTS (SELECT 1 FROM job_run AS r WHERE r.id = job.current_run_id AND r.agent_state = 'Failed')";
    assert_eq!(writer.execute(wrong).await, 0, "all are grouped");
}

/// A change that another program makes to a job, its current run, or both.
#[derive(Clone, Debug)]
enum Change {
    SetState { job: u32, state: &'static str },
    SetRunState { job: u32, state: &'static str },
    SetMessage { job: u32, message: &'static str },
    SetEnd { job: u32, second: i64 },
    SetBoth { job: u32, message: &'static str, second: i64 },
    Detach { job: u32 },
    Attach { job: u32 },
    Move { job: u32, configuration: usize },
    Replace { job: u32, message: &'static str },
    RolledBack(Box<Change>),
    Group,
    Fold,
}

fn change() -> impl Strategy<Value = Change> {
    let job = || 0..6_u32;
    let state = || prop::sample::select(vec!["Queued", "Executing", "Failed", "Failed"]);
    let message = || prop::sample::select(vec!["broken", "worn", "lost 7", "lost 8"]);
    let time = || prop::sample::select(vec![5_i64, 100_000, 200_000]);
    let change = prop_oneof![
        3 => (job(), state()).prop_map(|(job, state)| Change::SetState { job, state }),
        2 => (job(), state()).prop_map(|(job, state)| Change::SetRunState { job, state }),
        2 => (job(), message()).prop_map(|(job, message)| Change::SetMessage { job, message }),
        1 => (job(), time()).prop_map(|(job, second)| Change::SetEnd { job, second }),
        2 => (job(), message(), time())
            .prop_map(|(job, message, second)| Change::SetBoth { job, message, second }),
        1 => job().prop_map(|job| Change::Detach { job }),
        1 => job().prop_map(|job| Change::Attach { job }),
        2 => (job(), 0..3_usize).prop_map(|(job, configuration)| Change::Move { job, configuration }),
        1 => (job(), message()).prop_map(|(job, message)| Change::Replace { job, message }),
    ];
    let rolled_back = change.clone().prop_map(|change| Change::RolledBack(Box::new(change)));
    prop_oneof![8 => change, 1 => rolled_back, 3 => Just(Change::Group), 1 => Just(Change::Fold)]
}

impl Change {
    async fn make(
        &self,
        writer: &mut ForeignWriter,
        server: &TestServer,
        configurations: [Option<Uuid>; 3],
    ) {
        let run = |writer: &ForeignWriter, job: u32| writer.uuid(id(1_000 + job));
        let sql = match self {
            Self::SetState { job, state } => {
                format!("UPDATE job SET state = '{state}' WHERE id = {}", writer.uuid(id(*job)))
            }
            Self::SetRunState { job, state } => {
                let run = run(writer, *job);
                format!("UPDATE job_run SET agent_state = '{state}' WHERE id = {run}")
            }
            Self::SetMessage { job, message } => {
                let run = run(writer, *job);
                format!("UPDATE job_run SET agent_result_message = '{message}' WHERE id = {run}")
            }
            Self::SetEnd { job, second } => {
                let (run, end) = (run(writer, *job), writer.moment(ended(*second)));
                format!("UPDATE job_run SET agent_end_time = {end} WHERE id = {run}")
            }
            Self::SetBoth { job, message, second } => {
                let (run, end) = (run(writer, *job), writer.moment(ended(*second)));
                format!(
                    "UPDATE job_run SET agent_result_message = '{message}', agent_end_time = {end}
                     WHERE id = {run}"
                )
            }
            Self::Detach { job } => return set_run(writer, *job, None).await,
            Self::Attach { job } => return set_run(writer, *job, Some(1_000 + job)).await,
            Self::Move { job, configuration } => {
                let to =
                    configurations[*configuration].map_or("NULL".to_owned(), |id| writer.uuid(id));
                format!(
                    "UPDATE job SET configuration_id = {to} WHERE id = {}",
                    writer.uuid(id(*job))
                )
            }
            Self::Replace { job, message } => {
                let sql = format!("DELETE FROM job WHERE id = {}", writer.uuid(id(*job)));
                writer.execute(&sql).await;
                return insert_failed(writer, *job, configurations[1], Some(message)).await;
            }
            Self::RolledBack(change) => {
                writer.execute("BEGIN").await;
                Box::pin(change.make(writer, server, configurations)).await;
                writer.execute("ROLLBACK").await;
                return;
            }
            Self::Group => return group_all(server).await,
            Self::Fold => return counts::fold(server.db()).await.expect("folding"),
        };
        writer.execute(&sql).await;
    }
}

#[test]
fn the_titles_of_the_example_are_those_of_the_documentation() {
    let title = group_of("HTTP 429 Too Many Requests: retry after 37 s (request 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f)").title;
    let documentation = include_str!("../docs/agents.md");
    assert!(documentation.contains(&title), "{title}");
}
