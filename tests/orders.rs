//! The orders of lists over every interface, and places in them while jobs change.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    ForeignWriter, Rows, TestServer, agent_jobs, id, ids, job, on_both_databases, second,
};

/// The orders of the schema, as GraphQL and as the other interfaces have them.
async fn orders(server: &TestServer) -> Vec<(String, String)> {
    let query = "{ __type(name: \"JobOrderField\") { enumValues { name } } }";
    let answer = server.query(query, json!({})).await;
    let values = answer["__type"]["enumValues"].as_array().expect("values").clone();
    let names = values.iter().map(|value| value["name"].as_str().expect("a name").to_owned());
    let pascal = |name: &str| -> String {
        name.split('_').map(|word| word[..1].to_owned() + &word[1..].to_lowercase()).collect()
    };
    names.map(|name| (name.clone(), pascal(&name))).collect()
}

fn lines(text: &str) -> Vec<Uuid> {
    text.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().expect(line)).collect()
}

on_both_databases! {
    async fn files_and_rest_have_the_order_of_the_list(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        Rows::of_history(300).insert(&server).await;
        let newest_first = server.all_jobs(200, "").await;
        for (field, name) in orders(&server).await {
            for (direction, word) in [("DESC", "Desc"), ("ASC", "asc")] {
                let expected = server.all_jobs(200, &format!("orderBy: {{field: {field}, direction: {direction}}}")).await;
                assert_eq!(expected.len(), newest_first.len());
                let get = async |path: &str| {
                    let url = format!("{}/api/v1/{path}&orderBy={name}&direction={word}", server.url);
                    let response = server.client.get(url).send().await.expect("an answer");
                    assert_eq!(response.status(), 200);
                    response.text().await.expect("a text")
                };
                assert_eq!(lines(&get("jobs.csv?fields=Id").await), expected, "{field} {direction}");
                let page: Value = serde_json::from_str(&get("jobs?take=100&page=1").await).unwrap();
                let items = page["Items"].as_array().unwrap();
                let found: Vec<Uuid> = items.iter().map(|item| item["Id"].as_str().unwrap().parse().unwrap()).collect();
                assert_eq!(found, expected[100..200], "{field} {direction}");
                let options = [format!("--order-by={name}"), format!("--direction={word}")];
                let exported = agent_jobs(&["export", "jobs", &options[0], &options[1], "--database-url", database.url()], b"").ok();
                assert_eq!(lines(&exported.stdout), expected, "{field} {direction}");
            }
        }
    }

    async fn a_wrong_order_is_refused(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        for (parameter, value, expected) in [
            ("orderBy", "Size", "orderBy: expected one of CreatedDate, UpdateDate, Name, ScheduledDate, StartedDate, FinishedDate, Duration, Priority, not \"Size\""),
            ("direction", "up", "direction: expected one of Asc, Desc, not \"up\""),
        ] {
            for path in ["jobs", "jobs.csv"] {
                let request = server.client.get(format!("{}/api/v1/{path}", server.url)).query(&[(parameter, value)]);
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 400);
                let problem: Value = answer.json().await.unwrap();
                assert_eq!((&problem["code"], &problem["parameter"]), (&json!("BAD_USER_INPUT"), &json!(parameter)), "{problem}");
                assert!(problem["detail"].as_str().unwrap().ends_with(expected.split_once(": ").unwrap().1), "{problem}");
            }
        }
        let of_runs = agent_jobs(&["export", "job-runs", "--order-by", "Duration", "--database-url", database.url()], b"");
        assert_eq!((of_runs.code, of_runs.stderr.contains("--order-by is for jobs")), (2, true), "{}", of_runs.stderr);
    }

    async fn paging_meets_each_job_that_stays_while_others_finish(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let mut writer = ForeignWriter::connect(&database).await;
        let jobs: Vec<_> = (1..=120).map(|n| entity::job::Model { current_run_id: Some(id(1_000 + n)), ..job(n) }).collect();
        server.insert::<entity::job::Entity>(&jobs).await;
        let agent = entity::agent::Model { id: id(9_999), created_date: second(0), ..entity::agent::Model::default() };
        server.insert::<entity::agent::Entity>(&[agent]).await;
        let runs: Vec<_> = (1..=120).map(|n| entity::job_run::Model {
            id: id(1_000 + n),
            job_id: id(n),
            agent_id: id(9_999),
            // Ties of ten.
            agent_end_time: Some(second(i64::from(n / 10))),
            ..entity::job_run::Model::default()
        }).collect();
        server.insert::<entity::job_run::Entity>(&runs).await;
        writer.execute("UPDATE job SET state = 'Completed'").await;
        for (direction, backwards) in [("DESC", false), ("ASC", false), ("DESC", true), ("ASC", true)] {
            let (end, before, size) = if backwards { ("startCursor", "before", "last") } else { ("endCursor", "after", "first") };
            let mut found = Vec::new();
            let mut place = String::new();
            for round in 0.. {
                let arguments = format!("{size}: 17{place}, orderBy: {{field: FINISHED_DATE, direction: {direction}}}");
                let stretch = server.jobs_connection(&arguments).await;
                let mut ids = ids(&stretch["nodes"]);
                if backwards { ids.reverse(); }
                found.extend(ids);
                let more = if backwards { "hasPreviousPage" } else { "hasNextPage" };
                if stretch["pageInfo"][more] == false {
                    break;
                }
                place = format!(", {before}: {}", stretch["pageInfo"][end]);
                // Every seventh job moves through the list: it is retried, or ends anew.
                let moved = writer.uuid(id(7 * (round % 17 + 1)));
                let sql = if round % 2 == 0 {
                    format!("UPDATE job SET state = 'Queued' WHERE id = {moved}")
                } else {
                    let end = writer.second(i64::from(round) + 2);
                    format!("UPDATE job SET state = 'Completed', update_date = {end}, current_run_id = NULL WHERE id = {moved}")
                };
                writer.execute(&sql).await;
            }
            for n in (1..=120).filter(|n| n % 7 != 0) {
                assert_eq!(found.iter().filter(|found| **found == id(n)).count(), 1, "{direction} {backwards} {n}");
            }
        }
    }
}
