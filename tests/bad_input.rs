//! Documents, arguments and variables that cannot be used: a clear error with a code that stays
//! the same, and nothing of the inside in its message.

use agent_jobs::graphql::Rules;
use agent_jobs::http::HttpOptions;
use serde_json::{Value, json};

use crate::support::{TestServer, errors_of, id, on_both_databases};

const VALIDATION: &str = "GRAPHQL_VALIDATION_FAILED";
const PARSE: &str = "GRAPHQL_PARSE_FAILED";
const INPUT: &str = "BAD_USER_INPUT";

on_both_databases! {
    async fn a_wrong_document_is_refused_with_a_code(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let run = id(1);
        for (query, code, message) in [
            ("", PARSE, "Syntax error: the document is empty (line 1, column 1)"),
            ("   # nothing", PARSE, "the document is empty"),
            ("{ jobs { page }", PARSE, "Syntax error: unexpected end of the document (line 1, column 16)"),
            ("{ jobs(take: ) { page } }", PARSE, "Syntax error: unexpected \")\" (line 1, column 14)"),
            ("{ \u{0} }", PARSE, "unexpected character U+0000"),
            ("{ jobs(filter: { search: \"\\ud800\" }) { page } }", PARSE, "invalid escape sequence"),
            ("fragment F on Job { id }", PARSE, "document does not contain an operation"),
            ("query A { __typename } query A { __typename }", PARSE, "operation A is defined twice"),
            ("{ nothing }", VALIDATION, "Unknown field \"nothing\" on type \"Query\"."),
            ("{ jobs }", VALIDATION, "must have a selection of subfields"),
            ("{ jobs { page { number } } }", VALIDATION, "must not have a selection"),
            ("{ jobs(size: 5) { page } }", VALIDATION, "Unknown argument \"size\""),
            ("{ jobs { ...F } }", VALIDATION, "Unknown fragment: \"F\""),
            ("{ jobs { page @nothing } }", VALIDATION, "Unknown directive \"nothing\""),
            ("{ jobs { page @skip } }", VALIDATION, "argument \"if\""),
            ("query($take: Nothing) { jobs(take: $take) { page } }", VALIDATION, "Unknown type \"Nothing\""),
            ("{ jobs(take: $take) { page } }", VALIDATION, "Variable \"$take\" is not defined"),
            ("query A { __typename } query B { __typename }", VALIDATION, "Operation name required"),
            ("mutation { anything }", VALIDATION, "Unknown field \"anything\" on type \"Mutation\"."),
            ("subscription { anything }", "NOT_ACCEPTABLE", "expected an Accept of text/event-stream"),
            ("{ jobs { ...F } } fragment F on JobPage { page ...F }", VALIDATION, "spreads itself"),
            ("{ a: jobs { page } a: jobs(take: 5) { page } }", VALIDATION, "conflict"),
            ("{ jobs { items { currentRun { job { currentRun { job { currentRun { job { currentRun { job {
                currentRun { job { currentRun { job { currentRun { job { currentRun { job { currentRun { job {
                id } } } } } } } } } } } } } } } } } } } } }", "DOCUMENT_TOO_DEEP", "fields within one another"),
            // Arguments of another type, or that are none of the type's values.
            ("{ jobs(take: \"5\") { page } }", VALIDATION, "argument \"take\", expected type \"Int\""),
            ("{ jobs(take: 1.5) { page } }", VALIDATION, "argument \"take\", expected type \"Int\""),
            ("{ jobs(take: 3000000000) { page } }", INPUT, "take: expected a whole number from -2147483648 to 2147483647"),
            ("{ jobs(state: PAUSED) { page } }", VALIDATION,
                "argument \"state\", enumeration type \"JobState\" does not contain the value \"PAUSED\""),
            ("{ jobs(filter: { states: [FAILED, PAUSED] }) { page } }", VALIDATION, "does not contain the value \"PAUSED\""),
            ("{ jobs(filter: { states: [null] }) { page } }", VALIDATION, "argument \"filter.states.0\""),
            ("{ jobs(filter: { createdAfter: \"yesterday\" }) { page } }", VALIDATION, "argument \"filter.createdAfter\", expected type \"DateTime\": \
                an RFC 3339 moment with an offset, such as 2026-05-01T10:22:33Z or 2026-05-01T12:22:33+02:00"),
            ("query($d: DateTime = \"2026\") { jobs(filter: { createdAfter: $d }) { page } }", VALIDATION, "expected type \"DateTime\": an RFC 3339 moment"),
            ("{ jobs(filter: { createdBefore: \"2026-02-30T00:00:00Z\" }) { page } }", VALIDATION, "argument \"filter.createdBefore\""),
            ("{ jobs(filter: { createdBefore: 5 }) { page } }", VALIDATION, "argument \"filter.createdBefore\""),
            ("{ jobs(orderBy: {}) { page } }", VALIDATION, "field \"field\" of type \"JobOrderField!\" is required"),
            ("{ jobs(orderBy: {field: NAME, direction: UP}) { page } }", VALIDATION, "does not contain the value \"UP\""),
            ("{ jobs(filter: { search: 5 }) { page } }", VALIDATION, "argument \"filter.search\", expected type \"String\""),
            ("{ jobRun { id } }", VALIDATION, "argument \"id\" of type \"Query\" is required"),
            ("{ jobRun(id: null) { id } }", VALIDATION, "argument \"id\""),
        ] {
            let answer = server.answer(query, json!({})).await;
            let errors = errors_of(&answer);
            assert_eq!(answer["data"], Value::Null, "{query}");
            assert_eq!(errors[0]["extensions"]["code"], code, "{query}\n{answer:#}");
            assert!(errors[0]["message"].as_str().unwrap().contains(message), "{query}\n{answer:#}");
        }
        let answer = server.query("query($id: UUID!) { jobRun(id: $id) { id } }", json!({ "id": run })).await;
        assert_eq!(answer, json!({ "jobRun": null }));
    }

    async fn an_argument_that_cannot_be_used_is_named(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let long = "x".repeat(201);
        for (arguments, argument, message) in [
            ("take: 0", "take", "expected a number from 1 to 200, not 0"),
            ("take: 201", "take", "expected a number from 1 to 200, not 201"),
            ("take: -2147483648", "take", "expected a number from 1 to 200, not -2147483648"),
            ("page: -1", "page", "expected 0 for the first page or a larger number, not -1"),
            ("filter: { search: \"a\\u0000b\" }", "search", "a NUL character cannot be searched for"),
            (&format!("filter: {{ search: \"{long}\" }}"), "search", "expected at most 200 characters"),
            ("configurationId: \"hubspot\"", "configurationId",
                "expected a UUID such as 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f, not \"hubspot\""),
            ("filter: { configurationIds: [\"hubspot\"] }", "configurationIds",
                "expected a UUID such as 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f, not \"hubspot\""),
            ("filter: { agentIds: 5 }", "agentIds",
                "expected a UUID such as 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f, not \"5\""),
            ("configurationId: 5", "configurationId",
                "expected a UUID such as 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f, not \"5\""),
        ] {
            let answer = server.answer(&format!("{{ jobs({arguments}) {{ page }} }}"), json!({})).await;
            let errors = errors_of(&answer);
            assert_eq!(errors.len(), 1, "{answer:#}");
            assert_eq!(errors[0]["message"], format!("{argument}: {message}"), "{arguments}");
            assert_eq!(errors[0]["extensions"], json!({ "code": INPUT, "argument": argument }), "{arguments}");
            assert_eq!(errors[0]["path"], json!(["jobs"]));
            assert_eq!(errors[0]["locations"], json!([{ "line": 1, "column": 3 }]));
        }
    }

    async fn a_literal_that_has_not_its_type_is_named_within_its_argument(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        for (arguments, argument, message) in [
            ("filter: { priority: 99999999999 }", "filter.priority",
                "expected a whole number from -2147483648 to 2147483647, such as 20, not 99999999999"),
            ("filter: { priority: $n }", "filter.priority", "such as 20, not 99999999999"),
            ("filter: 5", "filter", "expected an object of the type JobFilter, not 5"),
            ("filter: [\"x\"]", "filter", "expected an object of the type JobFilter, not a list"),
            ("orderBy: \"NAME\"", "orderBy", "expected an object of the type JobOrder, with field, direction, not \"NAME\""),
            ("take: 99999999999", "take", "such as 20, not 99999999999"),
        ] {
            let declared = if arguments.contains("$n") { "($n: Int = 99999999999)" } else { "" };
            let query = format!("query{declared} {{ ...F }} fragment F on Query {{ jobs({arguments}) {{ page }} }}");
            let answer = server.answer(&query, json!({})).await;
            let errors = errors_of(&answer);
            assert_eq!(errors.len(), 1, "{answer:#}");
            assert_eq!(errors[0]["extensions"], json!({ "code": INPUT, "argument": argument }), "{arguments}");
            let text = errors[0]["message"].as_str().unwrap();
            assert!(text.starts_with(&format!("{argument}: ")) && text.contains(message), "{text}");
        }
        // Validation finds these, and names the part as well.
        for (arguments, part) in [
            ("filter: { minDuration: \"x\" }", "filter.minDuration"),
            ("filter: { minDuration: 9007199254740992 }", "filter.minDuration"),
            ("filter: { createdAfter: 5 }", "filter.createdAfter"),
            ("filter: { states: [FAILED, 5] }", "filter.states.1"),
        ] {
            let answer = server.answer(&format!("{{ jobs({arguments}) {{ page }} }}"), json!({})).await;
            let error = &errors_of(&answer)[0];
            assert_eq!(error["extensions"]["code"], VALIDATION, "{answer:#}");
            assert!(error["message"].as_str().unwrap().contains(&format!("\"{part}\"")), "{answer:#}");
        }
    }

    async fn an_id_that_is_none_is_named_wherever_it_goes(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        for (field, argument, selection) in [
            ("job", "id", "id"), ("jobRun", "id", "id"), ("configuration", "id", "id"), ("agent", "id", "id"),
            ("jobs", "configurationId", "page"), ("jobCounts", "configurationId", "total"), ("executingJobs", "configurationId", "id"),
        ] {
            let query = format!("query($id: UUID!) {{ found: {field}({argument}: $id) {{ {selection} }} }}");
            for wrong in [json!(""), json!("x"), json!("018f3c5e"), json!(7), json!(true), json!("018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9g"),
                json!("\u{0}"), json!("' OR 1=1 --"), json!(["018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f"]), json!("é".repeat(5_000))]
            {
                let answer = server.answer(&query, json!({ "id": wrong })).await;
                let errors = errors_of(&answer);
                let message = errors[0]["message"].as_str().unwrap();
                assert!(message.starts_with(&format!("{argument}: expected a UUID such as ")), "{query} {message}");
                assert_eq!(errors[0]["extensions"], json!({ "code": INPUT, "argument": argument }));
                assert_eq!(errors[0]["path"], json!(["found"]));
            }
        }
    }

    async fn a_wrong_variable_is_named_with_a_right_value(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let query = "query($take: Int!, $state: JobState, $states: [JobState!], $order: JobOrder, $after: DateTime, $text: String) {
            jobs(take: $take, state: $state, orderBy: $order, filter: { states: $states, createdAfter: $after, search: $text }) { page } }";
        let report = "mutation($reports: [JobRunReportInput!]!) { reportJobRuns(reports: $reports) { results { status } } }";
        let queue = "mutation($jobs: [QueueJobInput!]!, $dry: Boolean! = false) { queueJobs(input: $jobs) { __typename }
            retryJobs(input: { jobIds: [], dryRun: $dry }) { __typename } }";
        let moment = "expected an RFC 3339 moment with an offset, such as 2026-05-01T10:22:33Z or 2026-05-01T12:22:33+02:00, not ";
        let long = "expected a whole number from -9007199254740991 to 9007199254740991, such as 1500, not ";
        let id = id(1);
        let one = |progress: Value| json!({ "reports": [
            { "runId": id, "attemptToken": id, "sequence": 1 },
            { "runId": id, "attemptToken": id, "sequence": 1, "progress": progress },
        ] });
        let progress = |field: &str| format!("reports.1.progress.{field}");
        for (query, variables, variable, message) in [
            (query, json!({}), "take", "no value was given; expected a whole number from -2147483648 to 2147483647, such as 20"),
            (query, json!({ "take": null }), "take", "such as 20, not null"),
            (query, json!({ "take": "5" }), "take", "such as 20, not \"5\""),
            (query, json!({ "take": 1.5 }), "take", "such as 20, not 1.5"),
            (query, json!({ "take": 1_u64 << 40 }), "take", "such as 20, not 1099511627776"),
            (query, json!({ "take": u64::MAX }), "take", "such as 20, not 18446744073709551615"),
            (query, json!({ "take": true }), "take", "such as 20, not true"),
            (query, json!({ "take": [5] }), "take", "such as 20, not a list"),
            (query, json!({ "take": 5, "state": "PAUSED" }), "state", "expected one of UNKNOWN, QUEUED, "),
            (query, json!({ "take": 5, "state": "failed" }), "state", ", not \"failed\""),
            (query, json!({ "take": 5, "state": 60 }), "state", ", not 60"),
            (query, json!({ "take": 5, "states": ["FAILED", "PAUSED"] }), "states.1", "expected one of UNKNOWN, "),
            (query, json!({ "take": 5, "states": ["FAILED", null] }), "states.1", ", not null"),
            (query, json!({ "take": 5, "states": {} }), "states", ", not an object"),
            (query, json!({ "take": 5, "order": "NAME" }), "order", "expected an object of the type JobOrder, with field, direction, not \"NAME\""),
            (query, json!({ "take": 5, "order": {} }), "order.field", "no value was given; expected one of "),
            (query, json!({ "take": 5, "order": { "field": "NAME", "direction": "UP" } }), "order.direction", "expected one of ASC"),
            (query, json!({ "take": 5, "order": { "field": "NAME", "size": 1 } }), "order.size", "JobOrder has no such field"),
            (query, json!({ "take": 5, "order": { "fields": "NAME" } }), "order.fields", "JobOrder has no such field; did you mean field?"),
            (query, json!({ "take": 5, "after": "2026-01-01" }), "after", &format!("{moment}\"2026-01-01\"")),
            (query, json!({ "take": 5, "after": "2026-05-01T10:22:33" }), "after", &format!("{moment}\"2026-05-01T10:22:33\"")),
            (query, json!({ "take": 5, "after": 1_767_225_600 }), "after", &format!("{moment}1767225600")),
            (query, json!({ "take": 5, "after": "" }), "after", &format!("{moment}\"\"")),
            (query, json!({ "take": 5, "text": 5 }), "text", "expected a string such as \"HubSpot\", not 5"),
            (query, json!({ "take": "x".repeat(9_000) }), "take", &format!("not \"{}\"", "x".repeat(60))),
            (query, json!({ "take": 5, "order": { "x".repeat(9_000): 1 } }), &format!("order.{}", "x".repeat(60)), "no such field"),
            (report, json!({}), "reports", "no value was given; expected a list, each item an object of the type JobRunReportInput"),
            (report, json!({ "reports": [{ "runId": id, "attemptToken": id }] }), "reports.0.sequence", "no value was given; expected a whole number"),
            (report, json!({ "reports": [{ "runId": null, "attemptToken": id, "sequence": 1 }] }), "reports.0.runId",
                "expected a UUID such as 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f, not null"),
            (report, one(json!({ "agentTasksCount": 1.5 })), &progress("agentTasksCount"), &format!("{long}1.5")),
            (report, one(json!({ "agentTasksCount": 9_007_199_254_740_992_i64 })), &progress("agentTasksCount"), &format!("{long}9007199254740992")),
            (report, one(json!({ "agentTasksCount": "7" })), &progress("agentTasksCount"), &format!("{long}\"7\"")),
            (report, one(json!({ "agentPercentCompleted": "half" })), &progress("agentPercentCompleted"), "expected a number such as 12.5, not \"half\""),
            (report, one(json!({ "agentStartTime": "2026-05-01 10:22" })), &progress("agentStartTime"), &format!("{moment}\"2026-05-01 10:22\"")),
            (report, one(json!({ "agentTaskCount": 1 })), &progress("agentTaskCount"), "AgentProgressInput has no such field; did you mean agentTasksCount?"),
            (report, one(json!(7)), "reports.1.progress", "expected an object of the type AgentProgressInput, not 7"),
            (queue, json!({ "jobs": { "configurationId": id, "priority": "high" } }), "jobs.priority", "such as 20, not \"high\""),
            (queue, json!({ "jobs": [], "dry": "yes" }), "dry", "expected true or false, not \"yes\""),
        ] {
            let answer = server.answer(query, variables.clone()).await;
            let errors = errors_of(&answer);
            assert_eq!(errors.len(), 1, "{variables}\n{answer:#}");
            assert_eq!(errors[0]["extensions"], json!({ "code": INPUT, "variable": variable }), "{variables}\n{answer:#}");
            let text = errors[0]["message"].as_str().unwrap();
            assert!(text.starts_with(&format!("${variable}: ")), "{variables}\n{text}");
            assert!(text.contains(message), "{variables}\n{text}");
            assert_eq!(errors[0]["locations"][0]["line"], 1, "{answer:#}");
            assert_eq!(answer.get("data"), None, "{answer:#}");
        }
        // What is of the right type and still wrong is named by the argument.
        let answer = server.answer(query, json!({ "take": 0 })).await;
        assert_eq!(errors_of(&answer)[0]["extensions"], json!({ "code": INPUT, "argument": "take" }));
        // A variable that the query does not know is no harm.
        let variables = json!({ "take": 5, "after": "0000-01-01T00:00:00+23:59", "more": [1, { "a": "b" }] });
        server.query(query, variables).await;
        // One value stands for a list of it, and null for what may be left out.
        server.query(query, json!({ "take": 5, "states": "FAILED", "order": null, "after": null })).await;
    }

    async fn a_wrong_id_in_a_list_refuses_that_item_alone(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let query = "mutation($reports: [JobRunReportInput!]!) { reportJobRuns(reports: $reports) { results { refusal { code field } } } }";
        let report = |run: Value| json!({ "runId": run, "attemptToken": id(2), "sequence": 1 });
        let reports = json!({ "reports": [report(json!("no id")), report(json!(id(1)))] });
        let results = server.query(query, reports).await["reportJobRuns"]["results"].take();
        assert_eq!(results[0]["refusal"], json!({ "code": "INVALID_VALUE", "field": "runId" }));
        assert_eq!(results[1]["refusal"]["code"], "NOT_FOUND");
    }
}

/// The messages would tell what the schema has.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_variable_is_named_without_the_schema_where_that_is_hidden() {
    let rules = Rules { no_introspection: true, ..Rules::default() };
    let (server, _database) = TestServer::start_guarded(rules, HttpOptions::default()).await;
    let query = "query($state: JobState, $order: JobOrder) { jobs(state: $state, orderBy: $order) { page } }";
    for (variables, message) in [
        (
            json!({ "state": "PAUSED" }),
            "$state: expected a value of the type JobState, not \"PAUSED\"",
        ),
        (json!({ "order": 1 }), "$order: expected an object of the type JobOrder, not 1"),
        (json!({ "order": { "fields": 1 } }), "$order.fields: JobOrder has no such field"),
    ] {
        let answer = server.answer(query, variables).await;
        assert_eq!(errors_of(&answer)[0]["message"], message);
    }
}
