//! What agents must not report: each is told what is wrong, and nothing else suffers.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use crate::support::{Attempt, ForeignWriter, Kind, TestServer, errors_of, id, on_both_databases};

async fn start(database: &crate::support::TestDatabase) -> (TestServer, Attempt) {
    let server = TestServer::start(database).await;
    let configuration = server.save_configuration().await;
    let agent = server.register_agent().await;
    server.queue(json!([{ "configurationId": configuration }])).await;
    let attempt = server.claim(agent).await;
    (server, attempt)
}

const REPORT: &str =
    "mutation($reports: [JobRunReportInput!]!) { reportJobRuns(reports: $reports) {
    results { status refusal { code field message } } } }";

on_both_databases! {
    async fn a_name_of_blanks_or_control_characters_is_refused(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let configuration = server.save_configuration().await;
        for (name, message) in [
            (" \u{a0}\u{2003}", "expected more than blanks"),
            ("a\nb", "expected a text without control characters"),
            ("", "expected 1 to 200 characters, not 0"),
        ] {
            let data = server.query(
                "mutation($configuration: UUID!, $name: String!) {
                  queueJobs(input: [{ configurationId: $configuration, name: $name }]) {
                    results { refusal { code field message } } }
                  saveConfiguration(input: { name: $name, provider: \"p\" }) { refusal { code field message } }
                  registerAgent(input: { name: $name }) { refusal { code field message } } }",
                json!({ "configuration": configuration, "name": name }),
            ).await;
            let refusal = json!({ "code": "INVALID_VALUE", "field": "name", "message": message });
            assert_eq!(data["queueJobs"]["results"][0]["refusal"], refusal);
            assert_eq!(data["saveConfiguration"]["refusal"], refusal);
            assert_eq!(data["registerAgent"]["refusal"], refusal);
        }
    }

    async fn a_wrong_value_is_refused_with_its_field(database: TestDatabase) {
        let (server, attempt) = start(&database).await;
        let (long, ahead) = ("x".repeat(10_001), "2999-01-01T00:00:00Z");
        for (progress, field, message) in [
            (json!({ "agentTasksCount": -1 }), "agentTasksCount", "expected 0 or more, not -1"),
            (json!({ "agentCluesFailedCount": -9_007_199_254_740_991_i64 }), "agentCluesFailedCount", "expected 0 or more"),
            (json!({ "agentElapsedExecutionTime": -5 }), "agentElapsedExecutionTime", "expected 0 or more"),
            (json!({ "agentPercentCompleted": -0.1 }), "agentPercentCompleted", "from 0 to 100, not -0.1"),
            (json!({ "agentPercentCompleted": 100.5 }), "agentPercentCompleted", "from 0 to 100"),
            (json!({ "agentResultMessage": long }), "agentResultMessage", "at most 10000 characters, not 10001"),
            (json!({ "agentResultMessage": "a\u{0}b" }), "agentResultMessage", "NUL"),
            (json!({ "agentLastSubmittedDate": ahead }), "agentLastSubmittedDate", "no moment in the future"),
            (json!({ "agentStartTime": ahead }), "agentStartTime", "no moment in the future"),
            (json!({ "agentLastSubmittedDate": "2001-01-01T00:00:00Z" }), "agentLastSubmittedDate", "no moment before the start"),
            (json!({ "agentEndTime": "2001-01-01T00:00:00Z" }), "agentEndTime", "no moment before the start"),
        ] {
            let result = server.report_one(attempt.report(1, None, &progress)).await;
            assert_eq!(result["status"], "REFUSED", "{progress}");
            assert_eq!(result["refusal"]["code"], "INVALID_VALUE", "{result:#}");
            assert_eq!(result["refusal"]["field"], field, "{result:#}");
            let said = result["refusal"]["message"].as_str().unwrap();
            assert!(said.contains(message), "{said}");
        }
        for (state, field) in [("QUEUED", "agentState"), ("CANCELLING", "agentState"), ("UNKNOWN", "agentState"),
            ("FAILED", "agentResultMessage")] {
            let result = server.report_one(attempt.report(1, Some(state), &json!({}))).await;
            assert_eq!((&result["refusal"]["code"], &result["refusal"]["field"]), (&json!("INVALID_VALUE"), &json!(field)));
        }
        let result = server.report_one(attempt.report(-1, None, &json!({}))).await;
        assert_eq!(result["refusal"]["field"], "sequence");
        let processing = json!({ "runId": attempt.run, "sequence": 1, "progress": { "processingTasksCount": -1 } });
        assert_eq!(server.report_processing(processing).await["refusal"]["field"], "processingTasksCount");
        let unknown = json!({ "runId": attempt.run, "sequence": 1, "processingState": "UNKNOWN" });
        assert_eq!(server.report_processing(unknown).await["refusal"]["field"], "processingState");

        // Nothing of it is there, and the next report is the first.
        let run = server.job_with_run(attempt.job).await["currentRun"].take();
        assert_eq!((&run["agentTasksCount"], &run["agentPercentCompleted"]), (&Value::Null, &Value::Null));
        let edge = json!({ "agentPercentCompleted": 100, "agentTasksCount": 9_007_199_254_740_991_i64,
            "agentResultMessage": "x".repeat(10_000) });
        assert_eq!(server.report_one(attempt.report(0, None, &edge)).await["status"], "ACCEPTED");
    }

    async fn who_has_no_right_to_a_run_is_refused(database: TestDatabase) {
        let (server, attempt) = start(&database).await;
        let stranger = Attempt { token: id(7), ..attempt.clone() };
        let result = server.report_one(stranger.report(1, Some("COMPLETED"), &json!({}))).await;
        assert_eq!((&result["refusal"]["code"], &result["refusal"]["field"]), (&json!("WRONG_TOKEN"), &json!("attemptToken")));
        let unknown = Attempt { run: id(8), ..attempt.clone() };
        let result = server.report_one(unknown.report(1, None, &json!({}))).await;
        assert_eq!((&result["refusal"]["code"], &result["refusal"]["field"]), (&json!("NOT_FOUND"), &json!("runId")));
        let malformed = json!({ "runId": "17", "attemptToken": attempt.token, "sequence": 1 });
        let right = attempt.report(1, None, &json!({ "agentTasksCount": 5 }));
        // One that is wrong does not keep the others from being saved.
        let results = server.report(json!([malformed, right, stranger.report(2, None, &json!({}))])).await;
        let statuses: Vec<_> = results.iter().map(|result| result["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["REFUSED", "ACCEPTED", "REFUSED"]);
        assert_eq!((&results[0]["refusal"]["code"], &results[0]["refusal"]["field"]), (&json!("INVALID_VALUE"), &json!("runId")));
        assert_eq!(server.job_with_run(attempt.job).await["currentRun"]["agentTasksCount"], 5);
        let unknown = server.try_claim(json!({ "agentId": id(9) })).await;
        assert_eq!((&unknown["refusal"]["code"], &unknown["refusal"]["field"]), (&json!("NOT_FOUND"), &json!("agentId")));
    }

    async fn a_request_that_cannot_be_read_is_an_error(database: TestDatabase) {
        let (server, attempt) = start(&database).await;
        let report = attempt.report(1, None, &json!({}));
        for (reports, code) in [
            (json!(vec![report.clone(); 1001]), "BAD_USER_INPUT"),
            (json!([attempt.report(1, Some("PAUSED"), &json!({}))]), "BAD_USER_INPUT"),
            (json!([attempt.report(1, None, &json!({ "agentTasksCount": 1.5 }))]), "BAD_USER_INPUT"),
            (json!([attempt.report(1, None, &json!({ "agentTasksCount": 9_007_199_254_740_992_i64 }))]), "BAD_USER_INPUT"),
            (json!([attempt.report(1, None, &json!({ "agentLastSubmittedDate": "soon" }))]), "BAD_USER_INPUT"),
            (json!([attempt.report(9_007_199_254_740_992_i64, None, &json!({}))]), "BAD_USER_INPUT"),
            (json!([{ "runId": attempt.run }]), "BAD_USER_INPUT"),
            (json!(null), "BAD_USER_INPUT"),
            (json!([null]), "BAD_USER_INPUT"),
            (json!(vec![report.clone(); 10_000]), "PAYLOAD_TOO_LARGE"),
        ] {
            let answer = server.answer(REPORT, json!({ "reports": reports })).await;
            let errors = errors_of(&answer);
            let found = errors[0]["extensions"]["code"].as_str().unwrap();
            // What does not fit the schema may be found while the request is validated.
            assert!(found == code || (code == "BAD_USER_INPUT" && found == "GRAPHQL_VALIDATION_FAILED"),
                "{}", answer);
        }
        let answer = server.answer(REPORT, json!({ "reports": vec![report.clone(); 1001] })).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], "reports");
        for wait in [-1, 60_001] {
            let query = "mutation($input: ClaimJobInput!) { claimJob(input: $input) { attempt { runId } } }";
            let claim = json!({ "input": { "agentId": id(1), "wait": wait } });
            let error = errors_of(&server.answer(query, claim).await).remove(0);
            assert_eq!(error["extensions"]["argument"], "wait", "{error:#}");
            assert!(error["message"].as_str().unwrap().contains("from 0 to 60000"), "{error:#}");
        }
        // A number that no float holds is no JSON.
        let body = r#"{"query":"{ jobCounts { total } }","variables":{"x":1e999}}"#;
        let response = server.client.post(format!("{}/graphql", server.url))
            .header("content-type", "application/json").body(body).send().await.expect("an answer");
        assert_eq!(response.status(), 400);
        assert_eq!(server.report(json!([])).await, Vec::<Value>::new());
        assert_eq!(server.report_one(report).await["status"], "ACCEPTED");
    }

    async fn when_the_writer_is_stuck_new_reports_are_told_to_come_later(database: TestDatabase) {
        let (server, attempt) = start(&database).await;
        let mut foreign = ForeignWriter::connect(&database).await;
        match database.kind {
            Kind::Sqlite => foreign.execute("BEGIN IMMEDIATE").await,
            Kind::Postgres => {
                foreign.execute("BEGIN").await;
                foreign.execute("LOCK TABLE job_run IN ACCESS EXCLUSIVE MODE").await
            }
        };
        let batch = |nth: usize| {
            let report = |n| attempt.report(i64::try_from(nth * 1000 + n).unwrap(), None, &json!({}));
            let reports: Vec<_> = (0..1000).map(report).collect();
            server.answer(REPORT, json!({ "reports": reports }))
        };
        // There is room for 20 of them. As long as the writer is stuck, none of these is saved.
        let mut answers: FuturesUnordered<_> = (0..40).map(batch).collect();
        let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned);
        loop {
            let answer = answers.next().await.expect("an answer");
            match code(&answer).as_deref() {
                Some("OVERLOADED") => {
                    assert_eq!(answer["errors"][0]["extensions"]["retryAfter"], 500);
                    break;
                }
                // SQLite waits no longer for the other program.
                Some("DATABASE_UNAVAILABLE") => {}
                _ => panic!("{answer:#}"),
            }
        }
        foreign.execute("COMMIT").await;
        let mut saved = 0;
        while let Some(answer) = answers.next().await {
            match code(&answer).as_deref() {
                None => saved += 1,
                Some("OVERLOADED" | "DATABASE_UNAVAILABLE") => {}
                Some(_) => panic!("{answer:#}"),
            }
        }
        assert!(saved > 0);
        let again = attempt.report(1_000_000, None, &json!({}));
        assert_eq!(server.report_one(again).await["status"], "ACCEPTED");
    }
}
