//! `jobs`: numbered pages, against a plain list in memory.

use entity::{JobState, ProcessingState, Timestamp, agent, configuration, job, job_run};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    ForeignWriter, Rows, TestServer, agent, configuration, id, ids, job, job_run,
    on_both_databases, second,
};

/// Each order as an argument, with what sorts the model's jobs: a moment or a name, and the id.
type Key = fn(&job::Model) -> (Option<Timestamp>, String, Uuid);
const ORDERS: [(&str, Key); 4] = [
    ("CREATED_DATE", |job| (Some(job.created_date), String::new(), job.id)),
    ("UPDATE_DATE", |job| (job.update_date.or(Some(job.created_date)), String::new(), job.id)),
    ("NAME", |job| (None, job.name.clone().unwrap_or_default(), job.id)),
    ("SCHEDULED_DATE", |job| {
        (job.scheduled_date.or(Some(job.created_date)), String::new(), job.id)
    }),
];

/// The ids of the jobs that match, sorted.
fn expected(
    jobs: &[job::Model],
    key: Key,
    descending: bool,
    matches: impl Fn(&job::Model) -> bool,
) -> Vec<Uuid> {
    let mut jobs: Vec<_> = jobs.iter().filter(|job| matches(job)).collect();
    jobs.sort_by_key(|job| key(job));
    if descending {
        jobs.reverse();
    }
    jobs.into_iter().map(|job| job.id).collect()
}

type Test<'a> = Box<dyn Fn(&job::Model) -> bool + 'a>;

fn newest_first(jobs: &[job::Model], matches: impl Fn(&job::Model) -> bool) -> Vec<Uuid> {
    expected(jobs, ORDERS[0].1, true, matches)
}

/// What `search` finds, as the API describes it.
fn is_found(job: &job::Model, search: &str) -> bool {
    let search = search.trim().to_ascii_lowercase();
    let in_name = job.name.as_ref().is_some_and(|name| name.to_ascii_lowercase().contains(&search));
    let digits = search.replace('-', "");
    in_name || (!digits.is_empty() && job.id.simple().to_string().starts_with(&digits))
}

on_both_databases! {
    async fn jobs_are_found_by_their_agent_and_by_when_they_are_scheduled(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let rows = Rows::of_history(600);
        rows.insert(&server).await;
        let agent_of = |job: &job::Model| {
            let run = rows.runs.iter().find(|run| Some(run.id) == job.current_run_id)?;
            Some(run.agent_id)
        };
        let mut agents: Vec<_> = rows.jobs.iter().filter_map(agent_of).collect();
        agents.sort_unstable();
        agents.dedup();
        assert!(agents.len() > 1);
        for agent in &agents {
            let arguments = format!("filter: {{ agentIds: [\"{agent}\"] }}");
            let expected = newest_first(&rows.jobs, |job| agent_of(job) == Some(*agent));
            assert!(!expected.is_empty());
            assert_eq!(server.all_jobs(40, &arguments).await, expected);
            assert_eq!(server.forwards(40, &arguments).await, expected);
            assert_eq!(server.jobs(&arguments).await["totalCount"], expected.len());
        }
        // With others, and with an agent that is none.
        let arguments = format!("filter: {{ agentIds: [\"{}\"], states: [COMPLETED, FAILED] }}", agents[0]);
        let expected = newest_first(&rows.jobs, |job| {
            agent_of(job) == Some(agents[0])
                && matches!(job.state, JobState::Completed | JobState::Failed)
        });
        assert_eq!(server.all_jobs(40, &arguments).await, expected);
        assert!(server.all_jobs(40, &format!("filter: {{ agentIds: [\"{}\"] }}", id(9))).await.is_empty());

        let mut dates: Vec<_> = rows.jobs.iter().filter_map(|job| job.scheduled_date).collect();
        dates.sort_unstable();
        let middle = dates[dates.len() / 2];
        let arguments = format!("filter: {{ scheduledAfter: \"{middle}\" }}");
        let expected = newest_first(&rows.jobs, |job| {
            job.scheduled_date.is_some_and(|date| date >= middle)
        });
        assert!(!expected.is_empty());
        assert_eq!(server.all_jobs(40, &arguments).await, expected);
        assert_eq!(server.jobs(&arguments).await["totalCount"], expected.len());
    }

    async fn jobs_are_found_by_what_became_of_their_data(database: TestDatabase) {
        use ProcessingState::{Completed, Executing, Failed, Queued};

        let server = TestServer::start(&database).await;
        server.insert::<agent::Entity>(&[agent(1, None)]).await;
        // Each job with its current run's processing state, and the clues submitted and received.
        let cases = [
            (Some(Completed), Some(10), Some(10)),
            (Some(Completed), Some(10), Some(7)),
            (Some(Failed), Some(10), Some(7)),
            (Some(Failed), Some(10), Some(12)),
            (Some(Executing), Some(10), Some(7)),
            (Some(Queued), None, None),
            (Some(Completed), None, Some(7)),
            (Some(Completed), Some(10), None),
            (None, Some(10), Some(7)),
        ];
        let mut jobs = vec![job::Model { current_run_id: None, ..job(99) }];
        let mut runs = Vec::new();
        for (n, (state, submitted, received)) in (100_u32..).zip(cases) {
            jobs.push(job::Model { current_run_id: Some(id(n + 100)), ..job(n) });
            runs.push(job_run::Model {
                processing_state: state,
                agent_clues_completed_count: submitted.map(entity::Long),
                processing_tasks_received_clues_count: received.map(entity::Long),
                ..job_run(n + 100, id(n), id(1))
            });
        }
        // An earlier run of a job tells nothing of it.
        runs.push(job_run::Model {
            processing_state: Some(Failed),
            agent_clues_completed_count: Some(entity::Long(5)),
            processing_tasks_received_clues_count: Some(entity::Long(4)),
            ..job_run(50, id(100), id(1))
        });
        server.insert::<job::Entity>(&jobs).await;
        server.insert::<job_run::Entity>(&runs).await;
        let mut foreign = ForeignWriter::connect(&database).await;
        let strange = foreign.uuid(id(208));
        foreign.execute(&format!("UPDATE job_run SET processing_state = 'Paused' WHERE id = {strange}")).await;

        for (arguments, expected) in [
            ("processingStates: [FAILED]", vec![103, 102]),
            ("processingStates: [FAILED, EXECUTING]", vec![104, 103, 102]),
            ("processingStates: [QUEUED]", vec![105]),
            ("processingStates: [UNKNOWN]", vec![108]),
            ("processingStates: [UNKNOWN, QUEUED]", vec![108, 105]),
            ("processingStates: []", (99..109).rev().collect()),
            ("cluesMissing: true", vec![102, 101]),
            ("cluesMissing: false", vec![108, 107, 106, 105, 104, 103, 100, 99]),
            ("processingStates: [FAILED], cluesMissing: true", vec![102]),
            ("processingStates: [FAILED], states: [COMPLETED]", vec![]),
        ] {
            let arguments = &format!("filter: {{ {arguments} }}");
            let expected: Vec<_> = expected.into_iter().map(id).collect();
            assert_eq!(server.all_jobs(3, arguments).await, expected, "{arguments}");
            assert_eq!(server.forwards(3, arguments).await, expected, "{arguments}");
            assert_eq!(server.jobs(arguments).await["totalCount"], expected.len(), "{arguments}");
        }
        // The same of what operators ask for.
        foreign.execute("UPDATE job SET state = 'Failed'").await;
        for (filter, expected) in [
            (json!({ "processingStates": ["FAILED"] }), 2),
            (json!({ "cluesMissing": true }), 2),
            (json!({ "cluesMissing": false, "processingStates": ["FAILED"] }), 1),
        ] {
            let found = server.act("retryJobs", json!({ "filter": filter, "dryRun": true })).await;
            assert_eq!(found["matchedCount"], expected, "{filter}");
        }
    }

    async fn every_job_is_on_one_page_in_every_order(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        // Enough that pages beyond the first 1,000 jobs are reached from either end.
        let mut rows = Rows::of_history(2_300);
        for (n, job) in (0_u32..).zip(&mut rows.jobs) {
            match n % 7 {
                // Ties, and jobs that are only known from their runs.
                0 => job.created_date = second(i64::from(n / 100)),
                1 => (job.name, job.update_date) = (None, None),
                _ => {}
            }
        }
        rows.insert(&server).await;
        for (field, key) in ORDERS {
            for direction in ["ASC", "DESC"] {
                let order = format!("orderBy: {{field: {field}, direction: {direction}}}");
                let found = server.all_jobs(170, &order).await;
                assert!(found == expected(&rows.jobs, key, direction == "DESC", |_| true), "{order}");
            }
        }
        assert_eq!(server.all_jobs(200, "").await, newest_first(&rows.jobs, |_| true));
        // The default direction is the one that lists want.
        let by_name = server.jobs("take: 30, orderBy: {field: NAME}").await;
        assert_eq!(ids(&by_name["items"]), expected(&rows.jobs, ORDERS[2].1, true, |_| true)[..30]);

        // With filters too, whose lists have other ends and are walked differently: each state
        // alone, states that are merged, and states beyond what is merged.
        let configuration = rows.configurations[0].id;
        let of_configuration = |job: &job::Model| job.configuration_id == Some(configuration);
        for direction in ["ASC", "DESC"] {
            let descending = direction == "DESC";
            let found = server.all_jobs(190, &format!(
                "orderBy: {{field: CREATED_DATE, direction: {direction}}}, \
                 filter: {{ states: [COMPLETED, FAILED, QUEUED] }}")).await;
            assert!(found == expected(&rows.jobs, ORDERS[0].1, descending, |job| matches!(
                job.state, JobState::Completed | JobState::Failed | JobState::Queued)));
            let found = server.all_jobs(35, &format!(
                "orderBy: {{field: UPDATE_DATE, direction: {direction}}}, \
                 configurationId: \"{configuration}\"")).await;
            assert!(found == expected(&rows.jobs, ORDERS[1].1, descending, of_configuration));
        }
        let found = server.all_jobs(200, "filter: { search: \"a\" }").await;
        assert!(found == newest_first(&rows.jobs, |job| is_found(job, "a")));
    }

    async fn filters_combine(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let mut rows = Rows::of_history(600);
        for (job, state) in rows.jobs.iter_mut().step_by(10).zip(JobState::ALL.iter().cycle()) {
            job.state = *state;
        }
        rows.insert(&server).await;
        let configuration = rows.configurations[1].id;
        let prefix = &rows.jobs[300].id.to_string()[..11];
        let whole = rows.jobs[17].id.to_string().to_uppercase();
        // Of two jobs that exist, so that the edges matter: the first is in, the second is not.
        let (after, before) = (rows.jobs[100].created_date, rows.jobs[500].created_date);

        let in_states = |states: &'static [JobState]| -> Test<'_> {
            Box::new(move |job| states.contains(&job.state))
        };
        let finds = |text: &str| -> Test<'_> {
            let text = text.to_owned();
            Box::new(move |job| is_found(job, &text))
        };
        let states: Vec<(String, Test<'_>)> = vec![
            (String::new(), Box::new(|_| true)),
            (", states: FAILED".into(), in_states(&[JobState::Failed])),
            (", states: [UNKNOWN]".into(), in_states(&[JobState::Unknown])),
            (", states: [EXECUTING, UNKNOWN, EXECUTING, CANCELLED]".into(),
                in_states(&[JobState::Executing, JobState::Unknown, JobState::Cancelled])),
            (", states: []".into(), Box::new(|_| true)),
        ];
        let of_configurations: Vec<(String, Test<'_>)> = vec![
            (String::new(), Box::new(|_| true)),
            (format!(", configurationIds: [\"{configuration}\"]"),
                Box::new(|job| job.configuration_id == Some(configuration))),
        ];
        let moments: Vec<(String, Test<'_>)> = vec![
            (String::new(), Box::new(|_| true)),
            (format!(", createdAfter: \"{after}\", createdBefore: \"{before}\""),
                Box::new(|job| job.created_date >= after && job.created_date < before)),
        ];
        let searches: Vec<(String, Test<'_>)> = vec![
            (String::new(), Box::new(|_| true)),
            (", search: \"CRAWL\"".into(), finds("crawl")),
            (format!(", search: \" {prefix} \""), finds(prefix)),
            (format!(", search: \"{whole}\""), finds(&whole)),
            // The beginning of ids and a part of names.
            (", search: \"0\"".into(), finds("0")),
            (", search: \"no such job\"".into(), finds("no such job")),
        ];
        let mut not_empty = 0;
        for (state, has_state) in &states {
            for (of, is_of) in &of_configurations {
                for (moment, is_within) in &moments {
                    for (search, is_found) in &searches {
                        let matching = newest_first(&rows.jobs, |job| {
                            has_state(job) && is_of(job) && is_within(job) && is_found(job)
                        });
                        let filter = format!(", filter: {{ {} }}", format!("{state}{of}{moment}{search}").trim_start_matches(','));
                        let page = server.jobs(&format!("take: 200{filter}")).await;
                        let shown = &matching[..matching.len().min(200)];
                        assert!(ids(&page["items"]) == shown, "{filter}");
                        assert_eq!(page["totalCount"], matching.len(), "{filter}");
                        assert_eq!(page["totalCountIsExact"], true, "{filter}");
                        assert_eq!(page["hasNextPage"], matching.len() > 200, "{filter}");
                        let page = server.jobs(&format!("page: 2, take: 9{filter}")).await;
                        let shown: Vec<_> = matching.iter().copied().skip(18).take(9).collect();
                        assert_eq!(ids(&page["items"]), shown, "{filter}");
                        not_empty += usize::from(!matching.is_empty());
                    }
                }
            }
        }
        assert!(not_empty > 60, "the filters leave something to compare: {not_empty}");
    }

    async fn a_search_takes_every_character_for_itself(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let names = ["100% done", "100 done", "a_b", "axb", "c\\d", "c\\\\d", "cd", "It's \"quoted\"",
            "Zürich", "ZÜRICH", "日本語", "tab\there", "%_\\", ""];
        let jobs: Vec<_> = (0_u32..).zip(names)
            .map(|(n, name)| job::Model { name: Some(name.to_owned()), ..job(n) })
            .collect();
        server.insert::<job::Entity>(&jobs).await;
        for search in ["%", "_", "\\", "\\\\", "0%", "a_", "%_\\", "'", "\"", "ü", "Zürich", "本", "\t", "*",
            "?", "[a]", "it's", "  a_b  ", "DONE", "$1"]
        {
            let query = "query($search: String) { jobs(filter: { search: $search }, orderBy: {field: NAME, direction: ASC}) \
                { items { name } } }";
            let found = server.query(query, json!({ "search": search })).await;
            let mut expected: Vec<_> = if search.trim().is_empty() {
                names.to_vec()
            } else {
                names.into_iter()
                    .filter(|name| name.to_lowercase().contains(&search.trim().to_lowercase()))
                    .collect()
            };
            expected.sort_unstable();
            let found: Vec<_> = found["jobs"]["items"].as_array().unwrap().iter()
                .map(|job| job["name"].as_str().unwrap().to_owned()).collect();
            assert_eq!(found, expected, "{search:?}");
        }
    }

    async fn pages_have_edges(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let empty = server.jobs("").await;
        assert_eq!(empty, json!({ "items": [], "page": 0, "take": 20, "totalCount": 0,
            "totalCountIsExact": true, "pageCount": 0, "hasNextPage": false }));

        let jobs: Vec<_> = (0..41).map(|n| job::Model { created_date: second(0), ..job(n) }).collect();
        server.insert::<job::Entity>(&jobs).await;
        // All were created at the same moment: the ids decide.
        let all: Vec<_> = (0..41).rev().map(id).collect();
        for filter in ["", ", filter: { search: \"Job\" }", ", state: QUEUED"] {
            for (page, take, pages) in [(0, 20, 3), (1, 20, 3), (2, 20, 3), (3, 20, 3), (0, 1, 41), (40, 1, 41),
                (41, 1, 41), (0, 41, 1), (0, 40, 2), (0, 200, 1), (1, 200, 1), (i32::MAX, 200, 1), (500, 20, 3)]
            {
                let shown = server.jobs(&format!("page: {page}, take: {take}{filter}")).await;
                let start = usize::try_from(page).unwrap().saturating_mul(take).min(41);
                let end = (start + take).min(41);
                assert_eq!(ids(&shown["items"]), all[start..end], "{page}, {take}{filter}");
                assert_eq!(shown["hasNextPage"], end < 41, "{page}, {take}{filter}");
                assert_eq!(
                    [&shown["page"], &shown["take"], &shown["totalCount"], &shown["pageCount"]],
                    [&json!(page), &json!(take), &json!(41), &json!(pages)],
                    "{page}, {take}{filter}"
                );
            }
        }
    }

    async fn one_by_one_no_more_than_10_000_are_counted(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let mut jobs: Vec<_> = (0..10_050)
            .map(|n| job::Model { name: Some("Crawl".to_owned()), ..job(n) }).collect();
        jobs[0].name = Some("Sync".to_owned());
        for jobs in jobs.chunks(2_000) {
            server.insert::<job::Entity>(jobs).await;
        }
        let page = server.jobs("filter: { search: \"crawl\" }, take: 1").await;
        assert_eq!([&page["totalCount"], &page["totalCountIsExact"], &page["pageCount"]],
            [&json!(10_000), &json!(false), &json!(10_000)]);
        // The list goes on where counting stopped.
        let page = server.jobs("filter: { search: \"crawl\" }, page: 50, take: 200").await;
        assert_eq!(ids(&page["items"]), (1..50).rev().map(id).collect::<Vec<_>>());
        assert_eq!(page["hasNextPage"], false);
        // Exactly as many as are counted, and lists that the counters know.
        let page = server.jobs(&format!("filter: {{ search: \"crawl\", createdAfter: \"{}\" }}", second(50))).await;
        assert_eq!([&page["totalCount"], &page["totalCountIsExact"]], [&json!(10_000), &json!(true)]);
        let page = server.jobs(&format!("filter: {{ createdAfter: \"{}\" }}", second(49))).await;
        assert_eq!([&page["totalCount"], &page["totalCountIsExact"]], [&json!(10_000), &json!(false)]);
        for filter in ["", "state: QUEUED", "filter: { states: [QUEUED, FAILED] }"] {
            let page = server.jobs(filter).await;
            assert_eq!([&page["totalCount"], &page["totalCountIsExact"]], [&json!(10_050), &json!(true)]);
        }
    }

    /// The counters and the list come from one moment, whatever is being written.
    async fn a_page_and_its_total_agree_while_jobs_come_and_go(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(900, None)]).await;
        let mut writer = ForeignWriter::connect(&database).await;
        let write = async {
            for n in 0..60 {
                writer.insert_job(id(n), Some(id(900)), "Queued").await;
            }
            writer.execute("DELETE FROM job").await;
        };
        let read = async {
            for _ in 0..60 {
                let page = server.jobs(&format!("take: 200, configurationId: \"{}\"", id(900))).await;
                assert_eq!(page["totalCount"], page["items"].as_array().unwrap().len());
            }
        };
        tokio::join!(write, read);
    }

    /// Arguments that a client leaves out or sends as null are those that the schema names.
    async fn arguments_have_defaults(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let jobs: Vec<_> = (0..25).map(job).collect();
        server.insert::<job::Entity>(&jobs).await;
        let query = "query($page: Int, $take: Int, $state: JobState, $states: [JobState!], $of: UUID, $search: String,
            $after: DateTime, $before: DateTime, $direction: SortDirection, $field: JobOrderField!) {
            jobs(page: $page, take: $take, state: $state, configurationId: $of, filter: { states: $states,
                search: $search, createdAfter: $after, createdBefore: $before }, orderBy: {field: $field, direction: $direction}) {
                page take items { id } totalCount } }";
        let nulls = json!({ "page": null, "take": null, "state": null, "states": null, "of": null, "search": null,
            "after": null, "before": null, "direction": null, "field": "CREATED_DATE" });
        for variables in [json!({ "field": "CREATED_DATE" }), nulls] {
            let page = server.query(query, variables).await["jobs"].take();
            assert_eq!([&page["page"], &page["take"], &page["totalCount"]], [&json!(0), &json!(20), &json!(25)]);
            assert_eq!(ids(&page["items"]), (5..25).rev().map(id).collect::<Vec<_>>());
        }
    }
}
