//! `job`, `configuration(s)`, `agent(s)`, and the way from each object to the others.

use std::collections::HashMap;

use entity::{JobState, agent, configuration, job, job_run};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Rows, TestServer, agent, configuration, id, ids, job, job_run, on_both_databases, second,
};

/// A job's or an agent's runs, the newest first: those without a date are the oldest.
fn newest_runs(runs: &[job_run::Model], is_of: impl Fn(&job_run::Model) -> bool) -> Vec<Uuid> {
    let mut runs: Vec<_> = runs.iter().filter(|run| is_of(run)).collect();
    runs.sort_by_key(|run| (run.agent_queued_date.or(run.agent_start_time), run.id));
    runs.into_iter().rev().map(|run| run.id).collect()
}

on_both_databases! {
    async fn every_object_is_found_by_its_id_and_by_no_other(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let configuration = configuration::Model { provider: Some("hubspot".into()), update_date: Some(second(9)),
            ..configuration(1, Some("HubSpot EU")) };
        let agent = agent::Model { update_date: Some(second(8)), ..agent(2, Some("Agent 2")) };
        let job = job::Model {
            configuration_id: Some(id(1)),
            r#type: Some("Crawl".into()),
            priority: -7,
            state: JobState::Submitting,
            scheduled_date: Some(second(100)),
            queued_date: Some(second(4)),
            update_date: Some(second(5)),
            current_run_id: Some(id(4)),
            ..job(3)
        };
        server.insert::<configuration::Entity>(&[configuration]).await;
        server.insert::<agent::Entity>(&[agent]).await;
        server.insert::<job::Entity>(&[job]).await;
        server.insert::<job_run::Entity>(&[job_run(4, id(3), id(2))]).await;
        let query = "query($id: UUID!) {
            configuration(id: $id) { id name provider createdDate updateDate }
            agent(id: $id) { id name createdDate updateDate }
            job(id: $id) { id configurationId name type priority state createdDate scheduledDate queuedDate
                updateDate currentRunId } }";
        let found = [
            ("configuration", id(1), json!({ "id": id(1), "name": "HubSpot EU", "provider": "hubspot",
                "createdDate": "2026-01-01T00:00:00Z", "updateDate": "2026-01-01T00:00:09Z" })),
            ("agent", id(2), json!({ "id": id(2), "name": "Agent 2", "createdDate": "2026-01-01T00:00:00Z",
                "updateDate": "2026-01-01T00:00:08Z" })),
            ("job", id(3), json!({ "id": id(3), "configurationId": id(1), "name": "Job 3", "type": "Crawl",
                "priority": -7, "state": "SUBMITTING", "createdDate": "2026-01-01T00:00:03Z",
                "scheduledDate": "2026-01-01T00:01:40Z", "queuedDate": "2026-01-01T00:00:04Z",
                "updateDate": "2026-01-01T00:00:05Z", "currentRunId": id(4) })),
        ];
        for asked in 0..6 {
            let mut expected = json!({ "configuration": null, "agent": null, "job": null });
            for (field, of, object) in &found {
                if *of == id(asked) {
                    expected[field] = object.clone();
                }
            }
            assert_eq!(server.query(query, json!({ "id": id(asked) })).await, expected, "{asked}");
        }
    }

    async fn what_is_only_known_from_other_rows_is_null(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(1, None)]).await;
        server.insert::<agent::Entity>(&[agent(2, None)]).await;
        server.insert::<job::Entity>(&[job::Model { name: None, ..job(3) }]).await;
        let data = server.query(
            "query($c: UUID!, $a: UUID!, $j: UUID!) {
               configuration(id: $c) { name provider updateDate jobs { id } counts { total } }
               agent(id: $a) { name updateDate runs { id } }
               job(id: $j) { configurationId name type scheduledDate queuedDate updateDate currentRunId
                 configuration { id } currentRun { id } runs { id } } }",
            json!({ "c": id(1), "a": id(2), "j": id(3) }),
        ).await;
        assert_eq!(data, json!({
            "configuration": { "name": null, "provider": null, "updateDate": null, "jobs": [], "counts": { "total": 0 } },
            "agent": { "name": null, "updateDate": null, "runs": [] },
            "job": { "configurationId": null, "name": null, "type": null, "scheduledDate": null, "queuedDate": null,
                "updateDate": null, "currentRunId": null, "configuration": null, "currentRun": null, "runs": [] },
        }));
    }

    async fn configurations_and_agents_are_listed_by_name(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let names = ["b", "B", "", "é", "a", "a", "10", "9"];
        let mut configurations: Vec<_> =
            (0..).zip(names).map(|(n, name)| configuration(n, Some(name))).collect();
        configurations.push(configuration(8, None));
        let mut agents: Vec<_> = (10..).zip(names).map(|(n, name)| agent(n, Some(name))).collect();
        agents.push(agent(18, None));
        // By code points, those without a name first, and ties by the id.
        let order = [2, 8, 6, 7, 1, 4, 5, 0, 3];
        for field in ["configurations", "agents"] {
            let empty = server.query(&format!("{{ {field} {{ items {{ id }} totalCount hasNextPage }} }}"), json!({})).await;
            assert_eq!(empty[field], json!({ "items": [], "totalCount": 0, "hasNextPage": false }));
        }
        server.insert::<configuration::Entity>(&configurations).await;
        server.insert::<agent::Entity>(&agents).await;
        for (field, first) in [("configurations", 0), ("agents", 10)] {
            let sorted: Vec<_> = order.iter().map(|n| id(first + n)).collect();
            for (arguments, shown, has_next) in [("", 0..9, false), ("(take: 4)", 0..4, true), ("(page: 1, take: 4)", 4..8, true),
                ("(page: 2, take: 4)", 8..9, false), ("(page: 3, take: 4)", 9..9, false), ("(take: 9)", 0..9, false),
                ("(page: 2147483647, take: 200)", 0..0, false)]
            {
                let query = format!("{{ {field}{arguments} {{ items {{ id }} totalCount hasNextPage }} }}");
                let page = server.query(&query, json!({})).await[field].take();
                assert_eq!(ids(&page["items"]), sorted[shown], "{query}");
                assert_eq!([&page["totalCount"], &page["hasNextPage"]], [&json!(9), &json!(has_next)], "{query}");
            }
        }
    }

    async fn every_relation_leads_to_the_right_rows(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let mut rows = Rows::of_history(200);
        // Runs whose order does not show in their dates, and some without any.
        for (n, run) in rows.runs.iter_mut().enumerate() {
            match n % 6 {
                0 => (run.agent_queued_date, run.agent_start_time) = (None, None),
                1 => run.agent_queued_date = None,
                2 | 3 => run.agent_queued_date = Some(second(1)),
                _ => {}
            }
        }
        rows.insert(&server).await;

        let data = server.query(
            "{ jobs(take: 200) { items { id configuration { id } currentRun { id job { id } }
                 runs { id job { id } agent { id } } } } }", json!({})).await;
        let jobs: HashMap<_, _> = rows.jobs.iter().map(|job| (job.id, job)).collect();
        let runs: HashMap<_, _> = rows.runs.iter().map(|run| (run.id, run)).collect();
        let items = data["jobs"]["items"].as_array().unwrap();
        assert_eq!(items.len(), 200);
        for item in items {
            let job = jobs[&item["id"].as_str().unwrap().parse().unwrap()];
            assert_eq!(item["configuration"]["id"], json!(job.configuration_id));
            let current = job.current_run_id.map(|run| json!({ "id": run, "job": { "id": job.id } }));
            assert_eq!(item["currentRun"], json!(current));
            let newest = newest_runs(&rows.runs, |run| run.job_id == job.id);
            assert_eq!(ids(&item["runs"]), newest);
            for run in item["runs"].as_array().unwrap() {
                assert_eq!(run["job"]["id"], json!(job.id));
                let agent = runs[&run["id"].as_str().unwrap().parse().unwrap()].agent_id;
                assert_eq!(run["agent"]["id"], json!(agent));
            }
        }

        let data = server.query(
            "{ configurations { items { id counts { total failed } jobs { id }
                 some: jobs(take: 3, states: [FAILED, COMPLETED, FAILED]) { id configuration { id } } } }
               agents { items { id runs(take: 7) { id } all: runs(take: 200) { id agent { id } } } } }",
            json!({})).await;
        for item in data["configurations"]["items"].as_array().unwrap() {
            let id = item["id"].as_str().unwrap();
            let newest = |matches: &dyn Fn(&job::Model) -> bool| {
                let mut jobs: Vec<_> = rows.jobs.iter()
                    .filter(|job| job.configuration_id == Some(id.parse().unwrap()) && matches(job)).collect();
                jobs.sort_by_key(|job| (job.created_date, job.id));
                jobs.into_iter().rev().map(|job| job.id).collect::<Vec<_>>()
            };
            let all = newest(&|_| true);
            assert_eq!(item["counts"], json!({ "total": all.len(),
                "failed": newest(&|job| job.state == JobState::Failed).len() }));
            assert_eq!(ids(&item["jobs"]), all[..all.len().min(20)]);
            let over = newest(&|job| matches!(job.state, JobState::Failed | JobState::Completed));
            assert_eq!(ids(&item["some"]), over[..over.len().min(3)]);
            assert!(item["some"].as_array().unwrap().iter().all(|job| job["configuration"]["id"] == id));
        }
        for item in data["agents"]["items"].as_array().unwrap() {
            let newest = newest_runs(&rows.runs, |run| item["id"] == run.agent_id.to_string());
            assert_eq!(ids(&item["runs"]), newest[..newest.len().min(7)]);
            assert_eq!(ids(&item["all"]), newest[..newest.len().min(200)]);
            assert!(item["all"].as_array().unwrap().iter().all(|run| run["agent"]["id"] == item["id"]));
        }
    }

    async fn lists_within_objects_have_bounds(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(1, None)]).await;
        server.insert::<agent::Entity>(&[agent(2, None)]).await;
        server.insert::<job::Entity>(&[job(3)]).await;
        for (object, list) in [("configuration", "jobs"), ("agent", "runs"), ("job", "runs")] {
            let of = match object { "configuration" => 1, "agent" => 2, _ => 3 };
            for (take, message) in [(1, None), (200, None), (0, Some("not 0")), (201, Some("not 201")), (-1, Some("not -1"))] {
                let query = format!("{{ {object}(id: \"{}\") {{ {list}(take: {take}) {{ id }} }} }}", id(of));
                let answer = server.answer(&query, json!({})).await;
                let Some(message) = message else {
                    assert_eq!(answer, json!({ "data": { object: { list: [] } } }), "{query}");
                    continue;
                };
                let error = &answer["errors"][0];
                assert_eq!(error["message"], format!("take: expected a number from 1 to 200, {message}"));
                assert_eq!(error["path"], json!([object, list]));
                assert_eq!(error["extensions"], json!({ "code": "BAD_USER_INPUT", "argument": "take" }));
            }
        }
        for field in ["configurations", "agents"] {
            for (arguments, argument) in [("page: -1", "page"), ("take: 0", "take"), ("take: 201", "take")] {
                let answer = server.answer(&format!("{{ {field}({arguments}) {{ totalCount }} }}"), json!({})).await;
                assert_eq!(answer["errors"][0]["extensions"], json!({ "code": "BAD_USER_INPUT", "argument": argument }));
                assert_eq!(answer["data"], Value::Null);
            }
        }
    }
}
