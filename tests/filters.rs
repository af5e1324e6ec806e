//! The filter of jobs: each condition alone and with others, over every interface, against the same
//! jobs filtered in memory.

use std::collections::HashMap;

use agent_jobs::access::Role;
use agent_jobs::clock;
use agent_jobs::jobs::failures::grouping;
use agent_jobs::jobs::scope::Scope;
use entity::{JobState, Millis, ProcessingState, Timestamp, job, job_run};
use fingerprint::Fingerprint;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::support::{
    Rows, TestDatabase, TestServer, agent_jobs, id, ids, on_both_databases, property, second,
};

/// A job with all that a condition looks at.
#[derive(Clone, Copy)]
struct Listed<'a> {
    job: &'a job::Model,
    run: Option<&'a job_run::Model>,
    provider: Option<&'a str>,
}

type Matches = Box<dyn Fn(&Listed<'_>) -> bool>;

/// A condition: a field with a value in GraphQL and as text, and what it means.
struct Case {
    field: &'static str,
    value: Value,
    text: String,
    matches: Matches,
}

fn case(
    field: &'static str,
    value: impl Into<Value>,
    matches: impl Fn(&Listed<'_>) -> bool + 'static,
) -> Case {
    let value = value.into();
    let word = |value: &Value| match value {
        // `EXECUTION_COMPLETED` as `ExecutionCompleted`: REST has the platform's names.
        Value::String(text) if text.bytes().all(|b| b == b'_' || b.is_ascii_uppercase()) => {
            let state = JobState::parse(text).map(JobState::name);
            state.or(ProcessingState::parse(text).map(ProcessingState::name)).unwrap().to_owned()
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = match &value {
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(","),
        value => word(value),
    };
    Case { field, value, text, matches: Box::new(matches) }
}

fn finished(listed: &Listed<'_>) -> Option<Timestamp> {
    let end = listed.run.and_then(|run| run.agent_end_time).or(listed.job.update_date);
    end.filter(|_| listed.job.state.is_terminal())
}

fn duration(listed: &Listed<'_>) -> Option<i64> {
    let run = listed.run.filter(|_| listed.job.state.is_terminal())?;
    let spent = || Some(run.agent_end_time?.micros() - run.agent_start_time?.micros());
    run.agent_elapsed_execution_time.map(|elapsed| elapsed.0).or_else(|| Some(spent()? / 1_000))
}

/// Of a history that is long past, but for reports that are dated ahead.
fn stale(listed: &Listed<'_>) -> bool {
    listed.run.is_some_and(|run| {
        let last = run.agent_report_date.or(match run.attempt_token {
            Some(_) => run.agent_start_time,
            None => run.update_date.or(run.agent_start_time).or(run.agent_queued_date),
        });
        run.agent_state.is_active() && last.is_none_or(|last| last < clock::now())
    })
}

/// The failure group of a failed job with a message.
fn group(listed: &Listed<'_>) -> Option<Uuid> {
    let message = listed.run?.agent_result_message.as_ref()?;
    let group = Fingerprint::of_message(message)?.id;
    Some(group).filter(|_| listed.job.state == JobState::Failed)
}

/// The middle one of some values.
fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}

/// A history with the values that conditions tell apart.
fn history() -> Rows {
    let mut rows = Rows::of_history(500);
    for (n, job) in rows.jobs.iter_mut().enumerate() {
        job.priority = [0, 2, 4][n % 3];
        if n % 23 == 0 {
            (job.configuration_id, job.update_date) = (None, None);
        }
    }
    for (n, run) in rows.runs.iter_mut().enumerate() {
        match n % 9 {
            0 => run.agent_elapsed_execution_time = None,
            1 => run.agent_end_time = None,
            2 => run.agent_start_time = None,
            3 => run.agent_result_message = Some("Größe: 100% of_the quota\nis used".to_owned()),
            4 => run.agent_elapsed_execution_time = Some(Millis(90_000)),
            _ => {}
        }
        let ahead = Timestamp::from_micros(4_000_000_000_000_000);
        if run.agent_state.is_active() {
            match n % 4 {
                0 => run.agent_report_date = ahead,
                1 => (run.attempt_token, run.agent_start_time) = (Some(Uuid::now_v7()), ahead),
                2 => run.update_date = ahead,
                _ => {}
            }
        }
        // By a clock that lags.
        if n % 31 == 0 {
            (run.agent_start_time, run.agent_end_time) = (Some(second(5)), Some(second(7)));
        }
    }
    rows
}

impl Rows {
    fn listed(&self) -> impl Iterator<Item = Listed<'_>> {
        self.jobs.iter().map(|job| Listed {
            job,
            run: self.runs.iter().find(|run| Some(run.id) == job.current_run_id),
            provider: job.configuration_id.and_then(|id| {
                let mut all = self.configurations.iter();
                all.find(|configuration| configuration.id == id)?.provider.as_deref()
            }),
        })
    }

    /// The ids of the jobs that match, newest first.
    fn matching(&self, matches: impl Fn(&Listed<'_>) -> bool) -> Vec<Uuid> {
        let mut found: Vec<_> =
            self.listed().filter(|listed| matches(listed)).map(|listed| listed.job).collect();
        found.sort_by_key(|job| (job.created_date, job.id));
        found.iter().rev().map(|job| job.id).collect()
    }
}

/// Two values for each field of the filter: one that most jobs match and one that few match.
fn cases(rows: &Rows) -> Vec<Case> {
    use JobState::{Completed, Executing, Failed, Queued, Unknown};
    let (one, two) = (rows.configurations[0].id, rows.configurations[1].id);
    let (first, second) = (rows.agents[0].id, rows.agents[1].id);
    let provider = rows.configurations[0].provider.clone().expect("a provider");
    let listed: Vec<_> = rows.listed().collect();
    let created = middle(listed.iter().map(|listed| listed.job.created_date));
    let started = middle(listed.iter().filter_map(|listed| listed.run?.agent_start_time));
    let ended = middle(listed.iter().filter_map(finished));
    let long = middle(listed.iter().filter_map(duration));
    let due = middle(listed.iter().filter_map(|listed| listed.job.scheduled_date));
    let updated = middle(listed.iter().filter_map(|listed| listed.job.update_date));
    // The largest group and a small one.
    let mut groups = HashMap::<Uuid, usize>::new();
    listed.iter().filter_map(group).for_each(|id| *groups.entry(id).or_default() += 1);
    let large =
        groups.iter().max_by_key(|(id, n)| (**n, **id)).map(|(id, _)| *id).expect("a group");
    let small =
        groups.iter().min_by_key(|(id, n)| (**n, **id)).map(|(id, _)| *id).expect("a group");
    let time = |moment: Timestamp| moment.to_string();
    let in_states =
        |states: &'static [JobState]| move |l: &Listed<'_>| states.contains(&l.job.state);
    let message = |text: &'static str| {
        move |l: &Listed<'_>| {
            let message = l.run.and_then(|run| run.agent_result_message.as_ref());
            message.is_some_and(|message| message.to_lowercase().contains(text))
        }
    };
    let missing = |l: &Listed<'_>| {
        l.run.is_some_and(|run| {
            let ended = [Some(ProcessingState::Completed), Some(ProcessingState::Failed)];
            let received = run.processing_tasks_received_clues_count;
            ended.contains(&run.processing_state)
                && received.is_some()
                && received < run.agent_clues_completed_count
        })
    };
    vec![
        case("states", json!(["FAILED"]), in_states(&[Failed])),
        case(
            "states",
            json!(["COMPLETED", "QUEUED", "UNKNOWN"]),
            in_states(&[Completed, Queued, Unknown]),
        ),
        case("excludeStates", json!(["COMPLETED"]), |l| l.job.state != Completed),
        case("excludeStates", json!(["EXECUTING", "FAILED"]), |l| {
            !matches!(l.job.state, Executing | Failed)
        }),
        case("configurationIds", json!([one]), move |l| l.job.configuration_id == Some(one)),
        case("configurationIds", json!([one, two, id(7)]), move |l| {
            [Some(one), Some(two)].contains(&l.job.configuration_id)
        }),
        case("providers", json!([provider.clone()]), move |l| {
            l.provider == Some(provider.as_str())
        }),
        case("providers", json!(["none", "sharepoint"]), |l| l.provider == Some("sharepoint")),
        case("priority", 4, |l| l.job.priority == 4),
        case("priority", -1, |l| l.job.priority == -1),
        case("agentIds", json!([first]), move |l| l.run.is_some_and(|run| run.agent_id == first)),
        case("agentIds", json!([first, second]), move |l| {
            l.run.is_some_and(|run| [first, second].contains(&run.agent_id))
        }),
        case("search", "crawl", |l| {
            l.job.name.as_ref().is_some_and(|name| name.to_lowercase().contains("crawl"))
        }),
        case("createdAfter", time(created), move |l| l.job.created_date >= created),
        case("createdBefore", time(created), move |l| l.job.created_date < created),
        case("startedAfter", time(started), move |l| {
            l.run.and_then(|run| run.agent_start_time).is_some_and(|date| date >= started)
        }),
        case("startedBefore", time(started), move |l| {
            l.run.and_then(|run| run.agent_start_time).is_some_and(|date| date < started)
        }),
        case("finishedAfter", time(ended), move |l| finished(l).is_some_and(|date| date >= ended)),
        case("finishedBefore", time(ended), move |l| finished(l).is_some_and(|date| date < ended)),
        case("minDuration", long, move |l| duration(l).is_some_and(|spent| spent >= long)),
        case("minDuration", 90_000, |l| duration(l).is_some_and(|spent| spent >= 90_000)),
        case("maxDuration", long, move |l| duration(l).is_some_and(|spent| spent <= long)),
        case("maxDuration", 0, |l| duration(l).is_some_and(|spent| spent <= 0)),
        case("messageContains", "GRÖSSE", message("grösse")),
        case("messageContains", "größe: 100%", message("größe: 100%")),
        case("messageContains", "Of_The", message("of_the")),
        case("failureGroupId", json!(large), move |l| group(l) == Some(large)),
        case("failureGroupId", json!(small), move |l| group(l) == Some(small)),
        case("scheduledAfter", time(due), move |l| {
            l.job.scheduled_date.is_some_and(|date| date >= due)
        }),
        case("updatedBefore", time(updated), move |l| {
            l.job.update_date.unwrap_or(l.job.created_date) < updated
        }),
        case("processingStates", json!(["FAILED", "COMPLETED"]), |l| {
            let state = l.run.and_then(|run| run.processing_state);
            matches!(state, Some(ProcessingState::Failed | ProcessingState::Completed))
        }),
        case("processingStates", json!(["QUEUED"]), |l| {
            l.run.and_then(|run| run.processing_state) == Some(ProcessingState::Queued)
        }),
        case("cluesMissing", true, missing),
        case("cluesMissing", false, move |l| !missing(l)),
        case("isStale", true, stale),
        case("isStale", false, |l| !stale(l)),
        // tests/forecasts.rs has overdue runs; here no estimates are known.
        case("isOverdue", false, |_| true),
    ]
}

/// The filter of some cases; of those that are about the same field, the last.
fn filter_of(cases: &[&Case]) -> Map<String, Value> {
    cases.iter().map(|case| (case.field.to_owned(), case.value.clone())).collect()
}

async fn over_graphql(server: &TestServer, token: &str, filter: &Map<String, Value>) -> Vec<Uuid> {
    let query = "query($filter: JobFilter!, $page: Int!) {
        jobs(take: 200, page: $page, filter: $filter) { totalCount items { id } hasNextPage }
        jobsConnection(first: 1, filter: $filter) { nodes { id } } }";
    let mut found = Vec::new();
    for page in 0.. {
        let variables = json!({ "filter": filter, "page": page });
        let answer = server.answer_as(token, query, variables).await;
        assert!(answer.get("errors").is_none(), "{filter:?} {answer:#}");
        let jobs = &answer["data"]["jobs"];
        found.extend(ids(&jobs["items"]));
        let first = ids(&answer["data"]["jobsConnection"]["nodes"]);
        assert_eq!(found.first(), first.first(), "{filter:?}");
        if jobs["hasNextPage"] == false {
            assert_eq!(jobs["totalCount"], found.len(), "{filter:?}");
            return found;
        }
    }
    unreachable!("a page is the last one")
}

async fn over_rest(server: &TestServer, token: &str, path: &str, cases: &[&Case]) -> String {
    let parameters: Vec<_> = cases.iter().map(|case| (case.field, case.text.as_str())).collect();
    let request = server.client.get(format!("{}/api/v1/{path}", server.url)).query(&parameters);
    let answer = request.bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{parameters:?}");
    answer.text().await.expect("a text")
}

/// The ids in a column of ids alone.
fn lines(text: &str) -> Vec<Uuid> {
    text.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().expect(line)).collect()
}

async fn start(database: &TestDatabase, rows: &Rows) -> (TestServer, String) {
    let server = TestServer::controlled(database, None).await;
    rows.insert(&server).await;
    while grouping::group(server.db(), second(0)).await.expect("grouping") > 0 {}
    let (_, token) = server.token(Role::Operator, Scope::All, None, None).await;
    (server, token)
}

on_both_databases! {
    async fn each_condition_selects_the_same_jobs_everywhere(database: TestDatabase) {
        let rows = history();
        let (server, token) = start(&database, &rows).await;
        let cases = cases(&rows);
        let fields = server.answer_as(&token, "{ __type(name: \"JobFilter\") { inputFields { name } } }", json!({})).await;
        for field in fields["data"]["__type"]["inputFields"].as_array().expect("fields") {
            assert!(cases.iter().any(|case| field["name"] == case.field), "{field} has no case");
        }
        for case in &cases {
            let expected = rows.matching(&case.matches);
            let name = format!("{}: {}", case.field, case.value);
            let found = over_graphql(&server, &token, &filter_of(&[case])).await;
            assert!(found == expected, "{name}: {} and not {}", found.len(), expected.len());
            let page: Value = serde_json::from_str(&over_rest(&server, &token, "jobs", &[case]).await).unwrap();
            assert_eq!(page["TotalCount"], expected.len(), "{name}");
            let file = over_rest(&server, &token, "jobs.csv?fields=Id", &[case]).await;
            assert!(lines(&file) == expected, "{name}");
            let dry = "mutation($filter: JobFilter!) { cancel: requestCancellation(input: { filter: $filter, dryRun: true }) { matchedCount }
                retry: retryJobs(input: { filter: $filter, dryRun: true }) { matchedCount } }";
            let answer = server.answer_as(&token, dry, json!({ "filter": filter_of(&[case]) })).await;
            let of = |is_terminal| rows.matching(|l| (case.matches)(l) && l.job.state.is_terminal() == is_terminal).len();
            assert_eq!(answer["data"]["cancel"]["matchedCount"], of(false), "{name} {answer:#}");
            assert_eq!(answer["data"]["retry"]["matchedCount"], of(true), "{name} {answer:#}");
        }
        let few = cases.iter().filter(|case| rows.matching(&case.matches).is_empty());
        assert!(few.count() < 6, "the conditions tell jobs apart");
    }

    async fn conditions_combine(database: TestDatabase) {
        let rows = history();
        let (server, token) = start(&database, &rows).await;
        let cases = cases(&rows);
        let choices = prop::collection::vec(0..cases.len(), 2..4);
        property(60, &choices, async |choice| {
            let mut chosen: Vec<&Case> = Vec::new();
            for case in choice.iter().map(|place| &cases[*place]) {
                chosen.retain(|other| other.field != case.field);
                chosen.push(case);
            }
            let expected = rows.matching(|l| chosen.iter().all(|case| (case.matches)(l)));
            let filter = filter_of(&chosen);
            assert!(over_graphql(&server, &token, &filter).await == expected, "{filter:?}");
            let file = over_rest(&server, &token, "jobs.csv?fields=Id", &chosen).await;
            assert!(lines(&file) == expected, "{filter:?}");
        });
    }

    async fn an_export_takes_the_same_conditions(database: TestDatabase) {
        let rows = history();
        let (_server, _) = start(&database, &rows).await;
        for case in &cases(&rows) {
            let option: String = case.field.chars().map(|letter| {
                if letter.is_ascii_uppercase() { format!("-{}", letter.to_ascii_lowercase()) } else { letter.to_string() }
            }).collect();
            let option = format!("--{option}={}", case.text);
            let exported = agent_jobs(&["export", "jobs", &option, "--database-url", database.url()], b"").ok();
            let mut expected = rows.matching(&case.matches);
            expected.sort_unstable();
            assert!(lines(&exported.stdout) == expected, "{option}");
        }
    }

    async fn no_condition_reaches_beyond_the_scope(database: TestDatabase) {
        let rows = history();
        let (server, _) = start(&database, &rows).await;
        let own = rows.configurations[0].id;
        let (_, token) = server.token(Role::Operator, Scope::only([own]), None, None).await;
        for case in &cases(&rows) {
            let expected = rows.matching(|l| l.job.configuration_id == Some(own) && (case.matches)(l));
            let filter = filter_of(&[case]);
            assert!(over_graphql(&server, &token, &filter).await == expected, "{filter:?}");
            let file = over_rest(&server, &token, "jobs.csv?fields=Id", &[case]).await;
            assert!(lines(&file) == expected, "{filter:?}");
        }
    }

    async fn a_wrong_value_is_refused_with_its_field(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let many = vec![id(1); 1_001];
        for (field, wrong, message) in [
            ("configurationIds", json!(["x"]), "expected a UUID such as "),
            ("agentIds", json!([id(1), ""]), "expected a UUID such as "),
            ("agentIds", json!(many), "expected at most 1000 values, not 1001"),
            ("failureGroupId", json!("x"), "expected a UUID such as "),
            ("search", json!("a".repeat(201)), "expected at most 200 characters"),
            ("messageContains", json!("\u{0}"), "a NUL character cannot be searched for"),
            ("messageContains", json!("a".repeat(201)), "expected at most 200 characters"),
            ("providers", json!(["\u{0}"]), "a NUL character cannot be searched for"),
        ] {
            let query = "query($filter: JobFilter) { jobs(filter: $filter) { page } }";
            let answer = server.answer(query, json!({ "filter": { field: wrong } })).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"], json!({ "code": "BAD_USER_INPUT", "argument": field }), "{answer:#}");
            assert!(error["message"].as_str().unwrap().starts_with(&format!("{field}: {message}")), "{answer:#}");
        }
        for (field, wrong) in [
            ("states", json!(["PAUSED"])), ("excludeStates", json!("Failed")), ("createdAfter", json!("yesterday")),
            ("minDuration", json!("1s")), ("maxDuration", json!(1.5)), ("priority", json!("high")), ("cluesMissing", json!(1)),
            ("messageContains", json!(5)), ("startedBefore", json!(0)), ("finishedAfter", json!("2026")),
        ] {
            let query = "query($filter: JobFilter) { jobs(filter: $filter) { page } }";
            let answer = server.answer(query, json!({ "filter": { field: wrong } })).await;
            let extensions = &answer["errors"][0]["extensions"];
            assert_eq!(extensions["code"], "BAD_USER_INPUT", "{answer:#}");
            assert!(extensions["variable"].as_str().unwrap().starts_with(&format!("filter.{field}")), "{answer:#}");
        }
        for (field, wrong) in [
            ("configurationIds", "x,y"), ("agentIds", ""), ("failureGroupId", "1"), ("states", "Paused"), ("excludeStates", ""), ("minDuration", "1s"),
            ("maxDuration", "99999999999999999999"), ("priority", "high"), ("finishedBefore", "2026-05-01"), ("startedAfter", ""),
            ("cluesMissing", "2"), ("messageContains", "\u{0}"), ("providers", "\u{0}"),
        ] {
            let request = server.client.get(format!("{}/api/v1/jobs", server.url)).query(&[(field, wrong)]);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 400, "{field}={wrong}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!((&problem["code"], &problem["parameter"]), (&json!("BAD_USER_INPUT"), &json!(field)), "{problem}");
        }
    }
}
