//! Documents, arguments and variables that cannot be used: a clear error with a code that stays
//! the same, and nothing of the inside in its message.

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
            ("", PARSE, "the document cannot be parsed: expected executable_definition"),
            ("   # nothing", PARSE, "expected executable_definition"),
            ("{ jobs { page }", PARSE, "the document cannot be parsed: expected selection"),
            ("{ jobs(take: ) { page } }", PARSE, "expected value"),
            ("{ \u{0} }", PARSE, "expected selection"),
            ("{ jobs(search: \"\\ud800\") { page } }", PARSE, "expected value"),
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
            ("{ jobs(take: 3000000000) { page } }", INPUT, "Only integers from -2147483648 to 2147483647"),
            ("{ jobs(state: PAUSED) { page } }", VALIDATION,
                "argument \"state\", enumeration type \"JobState\" does not contain the value \"PAUSED\""),
            ("{ jobs(states: [FAILED, PAUSED]) { page } }", VALIDATION, "does not contain the value \"PAUSED\""),
            ("{ jobs(states: [null]) { page } }", VALIDATION, "argument \"states.0\""),
            ("{ jobs(createdAfter: \"yesterday\") { page } }", VALIDATION, "argument \"createdAfter\", expected type \"DateTime\""),
            ("{ jobs(createdBefore: \"2026-02-30T00:00:00Z\") { page } }", VALIDATION, "argument \"createdBefore\""),
            ("{ jobs(createdBefore: 5) { page } }", VALIDATION, "argument \"createdBefore\""),
            ("{ jobs(orderBy: {}) { page } }", VALIDATION, "field \"field\" of type \"JobOrderField!\" is required"),
            ("{ jobs(orderBy: {field: NAME, direction: UP}) { page } }", VALIDATION, "does not contain the value \"UP\""),
            ("{ jobs(search: 5) { page } }", VALIDATION, "argument \"search\", expected type \"String\""),
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
            ("state: FAILED, states: [FAILED]", "states", "expected either `state` or `states`, not both"),
            ("state: FAILED, states: []", "states", "expected either `state` or `states`, not both"),
            ("search: \"a\\u0000b\"", "search", "a NUL character cannot be searched for"),
            (&format!("search: \"{long}\""), "search", "expected at most 200 characters"),
            ("configurationId: \"hubspot\"", "configurationId",
                "expected a UUID such as 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f, not \"hubspot\""),
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

    async fn an_id_that_is_none_is_named_wherever_it_goes(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        for (field, argument, selection) in [
            ("job", "id", "id"), ("jobRun", "id", "id"), ("configuration", "id", "id"), ("agent", "id", "id"),
            ("jobs", "configurationId", "page"), ("jobsConnection", "configurationId", "nodes { id }"),
            ("jobCounts", "configurationId", "total"), ("executingJobs", "configurationId", "id"),
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

    async fn a_wrong_variable_is_refused_with_a_code(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let query = "query($take: Int!, $state: JobState, $order: JobOrder, $after: DateTime) {
            jobs(take: $take, state: $state, orderBy: $order, createdAfter: $after) { page } }";
        for (variables, code, message) in [
            (json!({}), INPUT, "Variable take is not defined"),
            (json!({ "take": "5" }), VALIDATION, "\"take\""),
            (json!({ "take": 1_u64 << 40 }), INPUT, "Only integers"),
            (json!({ "take": 0 }), INPUT, "take: expected a number"),
            (json!({ "take": 5, "state": "PAUSED" }), VALIDATION, "\"PAUSED\""),
            (json!({ "take": 5, "state": 60 }), VALIDATION, "\"state\""),
            (json!({ "take": 5, "order": { "field": "NAME", "size": 1 } }), VALIDATION, "unknown field \"size\""),
            (json!({ "take": 5, "after": "2026-01-01" }), VALIDATION, "\"createdAfter\""),
        ] {
            let answer = server.answer(query, variables.clone()).await;
            let errors = errors_of(&answer);
            assert_eq!(errors[0]["extensions"]["code"], code, "{variables}\n{answer:#}");
            assert!(errors[0]["message"].as_str().unwrap().contains(message), "{variables}\n{answer:#}");
        }
        // A variable that the query does not know is no harm.
        let variables = json!({ "take": 5, "after": "0000-01-01T00:00:00+23:59", "more": [1, { "a": "b" }] });
        server.query(query, variables).await;
    }
}
