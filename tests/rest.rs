//! The platform's REST API.

use agent_jobs::clock;
use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use agent_jobs::jobs::failures::grouping;
use entity::{JobState, Table as _, agent, configuration, job, job_run};
use serde_json::{Value, json};

use crate::support::{
    ForeignWriter, Rows, TestDatabase, TestServer, agent, agent_jobs, configuration, id, job,
    job_run, on_both_databases, second,
};

async fn get(server: &TestServer, path: &str) -> (u16, Value) {
    let answer = server.client.get(format!("{}/api/v1/{path}", server.url)).send().await.unwrap();
    let status = answer.status().as_u16();
    let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let expected = if status == 200 { "application/json" } else { "application/problem+json" };
    assert!(media_type.starts_with(expected), "{path}: {media_type}");
    (status, answer.json().await.expect("JSON"))
}

#[track_caller]
fn ok((status, answer): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{answer:#}");
    answer
}

on_both_databases! {
    async fn counts_and_pages_say_what_graphql_says(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let rows = Rows::of_history(120);
        rows.insert(&server).await;
        let counts = server.query("{ jobCounts { completed executing failed queued cancelled } }", json!({})).await;
        let counts = &counts["jobCounts"];
        let expected = json!({ "Completed": counts["completed"], "Executing": counts["executing"], "Failed": counts["failed"],
            "Queued": counts["queued"], "Cancelled": counts["cancelled"] });
        assert_eq!(ok(get(&server, "jobs").await), expected);
        assert_eq!(ok(get(&server, "jobstatecount").await), expected);
        let configuration = rows.configurations[0].id;
        let of_one = ok(get(&server, &format!("jobs?configurationId={configuration}")).await);
        assert_ne!(of_one, expected);
        assert_eq!(ok(get(&server, &format!("jobstatecount?configurationId={configuration}")).await), of_one);

        let agent = rows.agents[0].id;
        for (rest, graphql) in [
            ("page=0", "page: 0".to_owned()),
            ("page=2&take=50", "page: 2, take: 50".to_owned()),
            ("page=0&take=7&state=Completed", "take: 7, state: COMPLETED".to_owned()),
            ("state=failed", "state: FAILED".to_owned()),
            ("take=200&search=a", "take: 200, filter: { search: \"a\" }".to_owned()),
            // A filter alone is one of a page.
            ("search=a", "filter: { search: \"a\" }".to_owned()),
            ("createdAfter=2026-05-01T00:00:00Z", "filter: { createdAfter: \"2026-05-01T00:00:00Z\" }".to_owned()),
            ("createdBefore=2026-05-20T00:00:00Z", "filter: { createdBefore: \"2026-05-20T00:00:00Z\" }".to_owned()),
            ("scheduledAfter=2026-05-20T00:00:00Z", "filter: { scheduledAfter: \"2026-05-20T00:00:00Z\" }".to_owned()),
            ("processingStates=failed", "filter: { processingStates: [FAILED] }".to_owned()),
            ("processingStates=Completed,Executing&cluesMissing=false", "filter: { processingStates: [COMPLETED, EXECUTING], cluesMissing: false }".to_owned()),
            ("cluesMissing=true", "filter: { cluesMissing: true }".to_owned()),
            (&format!("agentIds={agent}"), format!("filter: {{ agentIds: [\"{agent}\"] }}")),
            ("states=Completed,Failed&state=Failed", "state: FAILED, filter: { states: [COMPLETED, FAILED] }".to_owned()),
            ("states=Completed&state=Failed", "state: FAILED, filter: { states: [COMPLETED] }".to_owned()),
            ("excludeStates=Completed,%20queued", "filter: { excludeStates: [COMPLETED, QUEUED] }".to_owned()),
            (&format!("page=0&configurationId={configuration}"), format!("configurationId: \"{configuration}\"")),
            ("page=9&take=200", "page: 9, take: 200".to_owned()),
        ] {
            let page = ok(get(&server, &format!("jobs?{rest}")).await);
            let query = format!("{{ jobs({graphql}) {{ page take totalCount hasNextPage items {{ id name state priority createdDate configurationId }} }} }}");
            let data = server.query(&query, json!({})).await;
            let expected = &data["jobs"];
            for (name, field) in [("Page", "page"), ("Take", "take"), ("TotalCount", "totalCount"), ("HasNextPage", "hasNextPage")] {
                assert_eq!(page[name], expected[field], "{rest} {name}");
            }
            let items = page["Items"].as_array().unwrap();
            assert_eq!(items.len(), expected["items"].as_array().unwrap().len(), "{rest}");
            for (item, expected) in items.iter().zip(expected["items"].as_array().unwrap()) {
                assert_eq!(item.as_object().unwrap().len(), job::Entity::public().count());
                for (name, field) in [("Id", "id"), ("Name", "name"), ("Priority", "priority"), ("CreatedDate", "createdDate"), ("ConfigurationId", "configurationId")] {
                    assert_eq!(item[name], expected[field], "{rest}");
                }
                let state = JobState::parse(expected["state"].as_str().unwrap()).unwrap();
                assert_eq!(item["State"], state.name());
            }
        }
    }

    async fn a_run_has_its_42_values_by_external_name(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(1, Some("HubSpot EU"))]).await;
        server.insert::<agent::Entity>(&[agent(2, Some("Agent"))]).await;
        server.insert::<job::Entity>(&[job::Model { current_run_id: Some(id(5)), ..job(3) }, job(4)]).await;
        let run = job_run::Model {
            agent_key: "a key".to_owned(),
            agent_state: JobState::ExecutionCompleted,
            agent_start_time: Some(second(5)),
            agent_percent_completed: Some(12.5),
            agent_elapsed_execution_time: Some(entity::Millis(90_000)),
            agent_tasks_count: Some(entity::Long(1 << 40)),
            processing_state: Some(entity::ProcessingState::Executing),
            ..job_run(5, id(3), id(2))
        };
        server.insert::<job_run::Entity>(&[run]).await;
        let whole = ok(get(&server, &format!("jobrun?id={}", id(3))).await);
        let names: Vec<_> = job_run::Entity::public().map(|field| field.external_name.as_str()).collect();
        assert_eq!(whole.as_object().unwrap().len(), 42);
        assert!(names.iter().all(|name| whole.get(name).is_some()));
        assert_eq!(whole["Id"], json!(id(5)));
        assert_eq!((&whole["AgentState"], &whole["ProcessingState"]), (&json!("ExecutionCompleted"), &json!("Executing")));
        assert_eq!((&whole["AgentPercentCompleted"], &whole["AgentTasksCount"]), (&json!(12.5), &json!(1_u64 << 40)));
        assert_eq!((&whole["AgentElapsedExecutionTime"], &whole["AgentResultMessage"]), (&json!(90_000), &json!(null)));
        assert_eq!(ok(get(&server, &format!("jobrun?id={}", id(5))).await), whole);
        let picked = ok(get(&server, &format!("jobrun?id={}&fields=Id,agentstate", id(3))).await);
        assert_eq!(picked, json!({ "Id": id(5), "AgentState": "ExecutionCompleted" }));
        // Figures are those of GraphQL, and only where they are named.
        let path = format!("jobrun?id={}&fields=percentcompleted,EstimatedRemaining,Id,TasksPerMinute", id(3));
        let figures = ok(get(&server, &path).await);
        let query = format!("{{ jobRun(id: \"{}\") {{ percentCompleted estimatedRemaining tasksPerMinute }} }}", id(3));
        let data = server.query(&query, json!({})).await;
        let run = &data["jobRun"];
        assert_eq!(run["percentCompleted"], 12.5);
        assert_eq!(run["estimatedRemaining"], 630_000);
        assert_eq!(figures, json!({ "Id": id(5), "PercentCompleted": run["percentCompleted"],
            "EstimatedRemaining": run["estimatedRemaining"], "TasksPerMinute": run["tasksPerMinute"] }));
        for nothing in [id(4), id(99)] {
            let (status, problem) = get(&server, &format!("jobrun?id={nothing}")).await;
            assert_eq!((status, &problem["code"], &problem["status"]), (404, &json!("NOT_FOUND"), &json!(404)));
        }
    }

    async fn executing_jobs_are_listed_and_streamed(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<agent::Entity>(&[agent(2, Some("Agent"))]).await;
        let executing = job::Model { state: JobState::Executing, current_run_id: Some(id(5)), ..job(3) };
        server.insert::<job::Entity>(&[executing, job(4)]).await;
        let run = job_run::Model { agent_percent_completed: Some(50.0), ..job_run(5, id(3), id(2)) };
        server.insert::<job_run::Entity>(&[run]).await;
        let expected = json!([{ "Id": id(3), "CurrentRun": { "PercentCompleted": 50.0 } }]);
        let path = "jobs/executing?fields=Id&runFields=PercentCompleted";
        assert_eq!(ok(get(&server, path).await), expected);
        let all = ok(get(&server, "jobs/executing").await);
        assert_eq!(all[0]["State"], "Executing");
        assert_eq!(all[0].get("CurrentRun"), None);

        let url = format!("{}/api/v1/jobs/executing/events?fields=Id&runFields=PercentCompleted", server.url);
        let mut stream = server.client.get(url).send().await.unwrap();
        assert!(stream.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        let mut text = String::new();
        let mut next = async || loop {
            if let Some((event, rest)) = text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())) {
                text = rest;
                if let Some(data) = event.strip_prefix("event: executing\ndata: ") {
                    return serde_json::from_str::<Value>(data).unwrap();
                }
                continue;
            }
            text += std::str::from_utf8(&stream.chunk().await.unwrap().expect("it goes on")).unwrap();
        };
        assert_eq!(next().await, json!({ "IsSnapshot": true, "Jobs": expected, "Removed": [] }));
        let mut writer = ForeignWriter::connect(&database).await;
        writer.execute("UPDATE job SET state = 'Executing' WHERE state = 'Queued'").await;
        assert_eq!(next().await["Jobs"], json!([{ "Id": id(4), "CurrentRun": null }]));
        writer.execute("UPDATE job SET state = 'Failed' WHERE current_run_id IS NOT NULL").await;
        assert_eq!(next().await, json!({ "IsSnapshot": false, "Jobs": [], "Removed": [{ "Id": id(3), "State": "Failed" }] }));
    }

    async fn a_list_of_any_length_is_a_file(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let jobs: Vec<_> = (0..2_500_u32)
            .map(|n| job::Model {
                name: Some(if n == 0 { "=cmd|'/c calc'!A1".to_owned() } else { format!("a, \"b\"\n{n}") }),
                // Ties, as an import has them.
                created_date: second(i64::from(n / 100)),
                ..job(n)
            })
            .collect();
        server.insert::<job::Entity>(&jobs).await;
        let read = async |query: &str| {
            let answer = server.client.get(format!("{}/api/v1/jobs.csv?{query}", server.url)).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
            assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"jobs.csv\"");
            let bytes = answer.bytes().await.unwrap();
            // Excel takes a file without it for one of its own code page.
            assert!(bytes.starts_with(b"\xEF\xBB\xBF"));
            assert_eq!(bytes.windows(3).filter(|each| each == b"\xEF\xBB\xBF").count(), 1);
            let mut reader = csv::Reader::from_reader(&bytes[..]);
            let names: Vec<_> = reader.headers().unwrap().iter().map(str::to_owned).collect();
            let rows: Vec<Vec<_>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            (names, rows)
        };
        let (names, rows) = read("").await;
        assert_eq!(names, job::Entity::public().map(|field| field.external_name.clone()).collect::<Vec<_>>());
        assert_eq!(rows.len(), 2_500);
        let (names, rows) = read("fields=Name,Id").await;
        assert_eq!(names, ["Id", "Name"]);
        let mut expected: Vec<_> = jobs.iter().map(|job| (job.created_date, job.id)).collect();
        expected.sort_unstable();
        let found: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
        assert_eq!(found, expected.iter().rev().map(|(_, id)| id.to_string()).collect::<Vec<_>>());
        assert_eq!(rows.last().unwrap()[1], "'=cmd|'/c calc'!A1");
        assert_eq!(read("search=%2C%20%22B%22&fields=Id").await.1.len(), 2_499);
        assert_eq!(read("state=Completed").await.1.len(), 0);
        assert_eq!(read("createdAfter=9999-01-01T00:00:00Z").await.0.len(), job::Entity::public().count());

        let file = server.client.get(format!("{}/api/v1/jobs.csv", server.url)).send().await.unwrap();
        let file = file.bytes().await.unwrap();
        let other = TestDatabase::create(database.kind).await;
        let output = agent_jobs(&["import", "-", "--database-url", other.url()], &file).ok();
        assert!(output.stderr.contains("2,500") || output.stderr.contains("2500"), "{}", output.stderr);
    }

    async fn a_parameter_is_found_in_any_case_and_refused_if_there_is_none(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        Rows::of_history(60).insert(&server).await;
        let after = "2026-05-10T00:00:00Z";
        for (one, others) in [
            ("state=Failed", vec!["State=Failed", "STATE=failed", "_state_=Failed"]),
            (&format!("createdAfter={after}"), vec!["CreatedAfter", "created_after", "createdafter", "CREATED_AFTER"]),
        ] {
            let expected = ok(get(&server, &format!("jobs?{one}")).await);
            assert!(expected["TotalCount"].as_i64().unwrap() < 60);
            for other in others {
                let query = if other.contains('=') { other.to_owned() } else { format!("{other}={after}") };
                assert_eq!(ok(get(&server, &format!("jobs?{query}")).await), expected, "{query}");
            }
        }
        for (path, parameter, detail) in [
            ("jobs?status=Failed", "status", "status: there is no such parameter; did you mean states? (this route has page, take, state, "),
            ("jobs?foo=1", "foo", "foo: there is no such parameter (this route has page, take, state, "),
            ("jobs?createdSince=x", "createdSince", "did you mean created"),
            ("jobs?page=0&=1", "", "there is no such parameter"),
            ("jobs.csv?page=0", "page", "page: there is no such parameter (this route has state, states, "),
            ("jobs.csv?Stat=Failed", "Stat", "did you mean state?"),
            ("jobstatecount?State=Failed", "State", "State: there is no such parameter (this route has configurationId)"),
            ("jobrun?jobId=1", "jobId", "this route has id, fields"),
            ("jobs/executing?state=Failed", "state", "this route has configurationId, fields, runFields"),
            ("jobs/executing/events?fieldz=Id", "fieldz", "did you mean fields?"),
            ("jobs?state=Failed&State=Queued", "state", "state: expected it once"),
            ("jobs?state=Failed&state=Failed", "state", "state: expected it once"),
            ("jobs?configurationId=x&CONFIGURATION_ID=y", "configurationId", "configurationId: expected it once"),
        ] {
            let (status, problem) = get(&server, path).await;
            assert_eq!((status, &problem["code"], &problem["parameter"]), (400, &json!("BAD_USER_INPUT"), &json!(parameter)), "{path} {problem}");
            assert!(problem["detail"].as_str().unwrap().contains(detail), "{path} {problem}");
        }
        let long = "é".repeat(2_000);
        let (status, problem) = get(&server, &format!("jobs?{long}=1")).await;
        assert_eq!((status, problem["parameter"].as_str().unwrap().chars().count()), (400, 60));
    }

    async fn what_is_wrong_is_told_as_a_problem(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        for (path, parameter, detail) in [
            ("jobs?page=-1", "page", "page: expected a number from 0 to 2147483647, not \"-1\""),
            ("jobs?page=x", "page", "page: expected a number"),
            ("jobs?page=", "page", "page: expected a number"),
            ("jobs?page=99999999999", "page", "page: expected a number"),
            ("jobs?take=0", "take", "take: expected a number from 1 to 200, not \"0\""),
            ("jobs?take=201", "take", "take: expected a number"),
            ("jobs?take=5&take=6", "take", "take: expected it once"),
            ("jobs?state=Paused", "state", "state: expected one of Unknown, Queued, "),
            ("jobs?state=20", "state", "state: expected one of Unknown, Queued, "),
            ("jobs?configurationId=x&page=0", "configurationId", "configurationId: expected a UUID"),
            ("jobs?configurationIds=x", "configurationIds", "configurationIds: expected a UUID"),
            ("jobs?states=Failed,Paused", "states", "states: expected one of Unknown, Queued, "),
            ("jobs?cluesMissing=maybe", "cluesMissing", "cluesMissing: expected true or false, not \"maybe\""),
            ("jobs?configurationId=x", "configurationId", "configurationId: expected a UUID"),
            ("jobs?page=0&search=%00", "search", "search: a NUL character"),
            ("jobs?page=0&fields=Id,Secret", "fields", "fields: expected names of values"),
            ("jobs?page=0&fields=ClientRequestId", "fields", "there is none called \"ClientRequestId\""),
            ("jobs/executing?runFields=AttemptToken", "runFields", "there is none called \"AttemptToken\""),
            ("jobs/executing/events?fields=", "fields", "fields: expected"),
            ("jobs.csv?createdAfter=yesterday", "createdAfter", "createdAfter: expected an RFC 3339 moment"),
            ("jobs?createdAfter=2026-05-01T12:22:33+02:00", "createdAfter",
                "with an offset, such as 2026-05-01T10:22:33Z or 2026-05-01T12:22:33%2B02:00, not \"2026-05-01T12:22:33 02:00\""),
            ("jobrun", "id", "id: expected a job's or a run's id"),
            ("jobrun?id=5", "id", "id: expected a UUID"),
            ("jobstatecount?configurationId=%27%20OR%201%3D1", "configurationId", "configurationId: expected a UUID"),
        ] {
            let (status, problem) = get(&server, path).await;
            assert_eq!((status, &problem["status"], &problem["title"]), (400, &json!(400), &json!("Bad Request")), "{path}");
            assert_eq!((&problem["code"], &problem["parameter"]), (&json!("BAD_USER_INPUT"), &json!(parameter)), "{path} {problem}");
            assert!(problem["detail"].as_str().unwrap().contains(detail), "{path} {problem}");
        }
        assert_eq!(get(&server, "nothing").await.0, 404);
        let answer = server.client.post(format!("{}/api/v1/jobs", server.url)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "GET,HEAD"));
        assert_eq!(answer.headers()["content-type"], "application/problem+json; charset=utf-8");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_openapi() {
    let (server, _database): (_, TestDatabase) =
        TestServer::start_guarded(Rules::default(), HttpOptions::default()).await;
    let document = ok(get(&server, "openapi.json").await);
    assert_eq!(document["openapi"], "3.1.0");
    for path in document["paths"].as_object().unwrap().keys() {
        let answer = server.client.head(format!("{}{path}", server.url)).send().await.unwrap();
        assert_ne!(answer.status(), 404, "{path} is described and not there");
        // A new route does not ignore what it does not know either.
        let (status, problem) =
            get(&server, &format!("{}?nothing=1", &path["/api/v1/".len()..])).await;
        assert_eq!((status, &problem["parameter"]), (400, &json!("nothing")), "{path}");
        let described = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        for parameter in described.iter().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            assert!(problem["detail"].as_str().unwrap().contains(name), "{path}: {name}");
        }
    }
}

/// What the example of a route has, the real answer to its command has too, by name and kind.
#[track_caller]
fn same_shape(example: &Value, answer: &Value, at: &str) {
    match (example, answer) {
        (Value::Object(example), Value::Object(answer)) => {
            assert_eq!(
                example.keys().collect::<Vec<_>>(),
                answer.keys().collect::<Vec<_>>(),
                "{at}: the names of the values"
            );
            for (name, value) in example {
                same_shape(value, &answer[name], &format!("{at}.{name}"));
            }
        }
        (Value::Array(example), Value::Array(answer)) => {
            for (value, real) in example.iter().zip(answer) {
                same_shape(value, real, &format!("{at}[]"));
            }
            assert!(example.is_empty() || !answer.is_empty(), "{at}: nothing to compare with");
        }
        // Not known in one of them.
        (Value::Null, _) | (_, Value::Null) => (),
        (example, answer) => assert_eq!(
            std::mem::discriminant(example),
            std::mem::discriminant(answer),
            "{at}: {example} and {answer}"
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_of_each_route_is_answered_as_its_example_is() {
    let (server, _database): (_, TestDatabase) =
        TestServer::start_guarded(Rules::default(), HttpOptions::default()).await;
    server.insert::<agent::Entity>(&[agent(2, Some("Agent"))]).await;
    server.insert::<configuration::Entity>(&[configuration(1, None)]).await;
    let failed = job::Model {
        state: JobState::Failed,
        current_run_id: Some(id(5)),
        configuration_id: Some(id(1)),
        ..job(3)
    };
    let executing =
        job::Model { state: JobState::Executing, current_run_id: Some(id(6)), ..job(4) };
    server.insert::<job::Entity>(&[failed, executing]).await;
    let runs = [
        job_run::Model {
            agent_state: JobState::Failed,
            // Of the group of the example, on a day that its trend has.
            agent_result_message: Some("The source answered with status 503".to_owned()),
            agent_end_time: Some(clock::now()),
            ..job_run(5, id(3), id(2))
        },
        job_run(6, id(4), id(2)),
    ];
    server.insert::<job_run::Entity>(&runs).await;
    while grouping::group(server.db(), second(0)).await.expect("grouping") > 0 {}

    let document = ok(get(&server, "openapi.json").await);
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = &item["get"];
        let source = operation["x-codeSamples"][0]["source"].as_str().unwrap();
        let (_, url) = source.split_once("\"http://127.0.0.1:8080").expect(source);
        let url = url.trim_end_matches('"');
        let (start, _) = path.split_once('{').unwrap_or((path, ""));
        assert!(url.starts_with(start), "{path}: {url}");
        // The id of the example is no job's of the test.
        let url = match url
            .split_once("id=")
            .and_then(|(start, rest)| Some((start, rest.split_once('&')?)))
        {
            Some((start, (_, rest))) => format!("{start}id={}&{rest}", id(3)),
            None => url.to_owned(),
        };
        let mut answer = server.client.get(format!("{}{url}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{url}");
        let content = operation["responses"]["200"]["content"].as_object().unwrap();
        let (media_type, content) = content.iter().next().unwrap();
        let example = &content["example"];
        let real = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(real.starts_with(media_type), "{path}: {real}");
        match media_type.as_str() {
            "application/json" => same_shape(example, &answer.json().await.unwrap(), path),
            "text/csv" => {
                let text = answer.text().await.unwrap();
                let header = text.trim_start_matches('\u{feff}').lines().next();
                assert_eq!(header, example.as_str().unwrap().lines().next(), "{path}");
            }
            "text/event-stream" => {
                let data = |text: &str| {
                    let (_, data) = text.split_once("event: executing\ndata: ")?;
                    let (data, _) = data.split_once("\n\n")?;
                    serde_json::from_str::<Value>(data).ok()
                };
                let mut text = String::new();
                let event = loop {
                    if let Some(event) = data(&text) {
                        break event;
                    }
                    let chunk = answer.chunk().await.unwrap().expect("an event");
                    text += std::str::from_utf8(&chunk).unwrap();
                };
                same_shape(&data(example.as_str().unwrap()).unwrap(), &event, path);
            }
            other => panic!("{path}: {other}"),
        }
    }
}

/// Its text is that of the document; what is tested here is that it needs no script and is linked.
#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_a_page_to_read_with_a_way_back() {
    let (server, _database): (_, TestDatabase) =
        TestServer::start_guarded(Rules::default(), HttpOptions::default()).await;
    let page = server.client.get(format!("{}/openapi", server.url)).send().await.unwrap();
    let text = page.text().await.unwrap();
    assert!(text.contains("<title>REST API · agent-jobs</title>"), "{text}");
    assert!(!text.contains("<script"));
    for link in ["href=\"./\"", "href=\"graphiql\"", "href=\"api/v1/openapi.json\""] {
        assert!(text.contains(link), "{link}");
    }
    let document = ok(get(&server, "openapi.json").await);
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(text.contains(&format!("</b> {path}</code>")), "{path}");
        assert!(text.contains(item["get"]["summary"].as_str().unwrap()), "{path}");
    }
}
