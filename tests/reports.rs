//! A run's life as agents and operators make it: claimed, reported on, cancelled, tried again.

use agent_jobs::reports::LeasePolicy;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{TestServer, errors_of, id, on_both_databases};

/// A server with a configuration and an agent.
async fn start(database: &crate::support::TestDatabase) -> (TestServer, Uuid, Uuid) {
    let server = TestServer::start_with(database, LeasePolicy::default()).await;
    let configuration = server.save_configuration().await;
    let agent = server.register_agent().await;
    (server, configuration, agent)
}

/// The states of a history.
fn states(history: &Value) -> Vec<&str> {
    history
        .as_array()
        .expect("a history")
        .iter()
        .map(|event| event["state"].as_str().unwrap())
        .collect()
}

/// The code and the field of a refusal.
fn refusal(result: &Value) -> (&str, Option<&str>) {
    assert!(
        result["refusal"]["message"].as_str().is_some_and(|text| !text.is_empty()),
        "{result:#}"
    );
    (result["refusal"]["code"].as_str().unwrap(), result["refusal"]["field"].as_str())
}

on_both_databases! {
    async fn a_job_from_its_queue_to_its_end(database: TestDatabase) {
        let (server, configuration, agent) = start(&database).await;
        let jobs = server.queue(json!([{ "configurationId": configuration, "name": "Contacts", "type": "full" }])).await;
        assert_eq!(server.job_with_run(jobs[0]).await["state"], "QUEUED");

        let answer = server.try_claim(json!({ "agentId": agent })).await;
        let taken = &answer["attempt"];
        assert_eq!(taken["jobId"], json!(jobs[0]));
        assert_eq!(taken["job"]["state"], "EXECUTING");
        assert_eq!(taken["jobRun"]["agentState"], "EXECUTING");
        assert_eq!(taken["jobRun"]["agentKey"], "key");
        assert!(taken["jobRun"]["agentStartTime"].is_string() && taken["jobRun"]["agentQueuedDate"].is_string());
        assert!(taken["jobRun"]["agentElapsedQueuedTime"].as_i64().unwrap() >= 0);
        assert!(taken["leaseEnd"].is_string() && taken["reportIn"] == 15_000, "{taken:#}");
        let attempt = crate::support::Attempt::read(taken).expect("an attempt");
        let none = server.try_claim(json!({ "agentId": agent })).await;
        assert_eq!(none, json!({ "attempt": null, "refusal": null }));

        // Progress.
        let progress = json!({ "agentPercentCompleted": 12.5, "agentTasksCount": 80,
            "agentTasksCompletedCount": 10 });
        let result = server.report_one(attempt.report(1, None, &progress)).await;
        assert_eq!((&result["status"], &result["lastSequence"]), (&json!("ACCEPTED"), &json!(1)), "{result:#}");
        assert_eq!(result["cancellationRequested"], false);
        assert!(result["leaseEnd"].is_string() && result["reportIn"] == 15_000);
        let run = server.job_with_run(jobs[0]).await["currentRun"].take();
        assert_eq!(run["agentPercentCompleted"], 12.5);
        assert_eq!((&run["agentTasksCount"], &run["agentTasksCompletedCount"]), (&json!(80), &json!(10)));

        // What a report leaves out stays; a counter may become smaller.
        let progress = json!({ "agentTasksCompletedCount": 9 });
        server.report_one(attempt.report(2, Some("EXECUTING"), &progress)).await;
        let run = server.job_with_run(jobs[0]).await["currentRun"].take();
        assert_eq!((&run["agentTasksCount"], &run["agentTasksCompletedCount"]), (&json!(80), &json!(9)));

        // Repeats and late reports change nothing, and are no errors.
        for sequence in [2, 1, 0] {
            let late = attempt.report(sequence, Some("COMPLETED"), &json!({ "agentTasksCount": 1 }));
            let result = server.report_one(late).await;
            assert_eq!((&result["status"], &result["lastSequence"]), (&json!("REPEATED"), &json!(2)));
            assert_eq!(result["refusal"], Value::Null);
        }
        assert_eq!(server.job_with_run(jobs[0]).await["currentRun"], run);

        // The states up to the end.
        let result = server.report_one(attempt.report(3, Some("SUBMITTING"), &json!({}))).await;
        assert_eq!(result["status"], "ACCEPTED");
        let back = server.report_one(attempt.report(4, Some("EXECUTING"), &json!({}))).await;
        assert_eq!(refusal(&back), ("INVALID_TRANSITION", Some("agentState")));
        let result = server.report_one(attempt.report(5, None, &json!({ "agentCluesCount": 7 }))).await;
        assert_eq!(result["status"], "ACCEPTED", "{result:#}");
        let result = server.finish(&attempt, 6, "COMPLETED", Some("700 records")).await;
        assert_eq!((&result["status"], &result["reportIn"], &result["leaseEnd"]),
            (&json!("ACCEPTED"), &Value::Null, &Value::Null));
        let job = server.job_with_run(jobs[0]).await;
        assert_eq!((&job["state"], &job["currentRun"]["agentState"]), (&json!("COMPLETED"), &json!("COMPLETED")));
        assert_eq!(job["currentRun"]["agentResultIsSuccess"], true);
        assert_eq!(job["currentRun"]["agentResultMessage"], "700 records");
        assert!(job["currentRun"]["agentEndTime"].is_string());
        assert!(job["currentRun"]["agentElapsedExecutionTime"].as_i64().unwrap() >= 0);
        let expected = ["QUEUED", "EXECUTING", "EXECUTION_COMPLETED", "SUBMITTING", "COMPLETED"];
        assert_eq!(states(&job["currentRun"]["history"]), expected);
        assert_eq!(states(&job["history"]), expected);
        let by: Vec<_> = job["history"].as_array().unwrap().iter().map(|event| event["by"].as_str().unwrap()).collect();
        assert_eq!(by, ["operator", "agent", "agent", "agent", "agent"]);

        // It has finished: a repeat is recognised, anything new is refused.
        assert_eq!(server.finish(&attempt, 6, "COMPLETED", None).await["status"], "REPEATED");
        for outcome in ["FAILED", "CANCELLED", "COMPLETED"] {
            let result = server.finish(&attempt, 7, outcome, Some("no")).await;
            assert_eq!(refusal(&result).0, "ALREADY_FINISHED");
            assert_eq!(result["reportIn"], Value::Null);
        }
        let result = server.report_one(attempt.report(8, None, &json!({}))).await;
        assert_eq!(refusal(&result).0, "ALREADY_FINISHED");
        assert_eq!(server.job_with_run(jobs[0]).await, job);
    }

    async fn processing_goes_its_own_way(database: TestDatabase) {
        let (server, configuration, agent) = start(&database).await;
        let jobs = server.queue(json!([{ "configurationId": configuration }])).await;
        let attempt = server.claim(agent).await;
        let report = |sequence: i64, state: Option<&str>, progress: Value| json!({
            "runId": attempt.run, "sequence": sequence, "processingState": state, "progress": progress });
        for (sequence, state, count) in [(0, Some("QUEUED"), 0), (1, Some("EXECUTING"), 5), (2, None, 6)] {
            let result = server.report_processing(report(sequence, state, json!({ "processingTasksCount": count }))).await;
            assert_eq!((&result["status"], &result["lastSequence"]), (&json!("ACCEPTED"), &json!(sequence)), "{result:#}");
            assert_eq!(result["leaseEnd"], Value::Null, "the lease is the agent's");
            let run = server.job_with_run(jobs[0]).await["currentRun"].take();
            assert_eq!(run["processingTasksCount"], count);
            assert_eq!(run["processingStartTime"].is_string(), sequence > 0);
        }
        assert_eq!(server.report_processing(report(2, Some("FAILED"), json!({}))).await["status"], "REPEATED");

        // The agent's sequence is another, and its end does not end the processing.
        assert_eq!(server.finish(&attempt, 0, "FAILED", Some("timeout")).await["status"], "ACCEPTED");
        let result = server.report_processing(report(3, None, json!({ "processingTasksCount": 9 }))).await;
        assert_eq!(result["status"], "ACCEPTED");
        let result = server.report_processing(report(4, Some("COMPLETED"), json!({}))).await;
        assert_eq!((&result["status"], &result["reportIn"]), (&json!("ACCEPTED"), &Value::Null));
        let result = server.report_processing(report(5, Some("EXECUTING"), json!({}))).await;
        assert_eq!(refusal(&result).0, "ALREADY_FINISHED");
        let job = server.job_with_run(jobs[0]).await;
        let run = &job["currentRun"];
        assert_eq!((&job["state"], &run["processingState"]), (&json!("FAILED"), &json!("COMPLETED")));
        assert_eq!(run["agentResultMessage"], "timeout");
        assert_eq!(run["processingTasksCount"], 9);
        assert!(run["processingEndTime"].is_string());
    }

    async fn an_agent_learns_that_it_is_to_stop(database: TestDatabase) {
        let (server, configuration, agent) = start(&database).await;
        let jobs = server.queue(json!([{ "configurationId": configuration }, { "configurationId": configuration }])).await;
        let attempt = server.claim(agent).await;
        let waiting = jobs.iter().find(|job| **job != attempt.job).copied().unwrap();

        let answer = server.act("requestCancellation", json!({ "jobIds": jobs, "reason": "maintenance" })).await;
        let by_job = |job: Uuid| answer["results"].as_array().unwrap().iter()
            .find(|result| result["jobId"] == json!(job)).unwrap().clone();
        assert_eq!(by_job(attempt.job)["job"]["state"], "CANCELLING");
        assert_eq!(by_job(waiting)["job"]["state"], "CANCELLED");
        let run = server.job_with_run(attempt.job).await["currentRun"].take();
        assert_eq!(run["agentResultIsCancellationRequested"], true);
        let history = server.job_with_run(waiting).await["history"].take();
        assert_eq!(states(&history), ["QUEUED", "CANCELLED"]);
        assert_eq!(history[1]["message"], "maintenance");

        // Progress goes on, with the news.
        let result = server.report_one(attempt.report(1, Some("EXECUTING"), &json!({ "agentTasksCount": 3 }))).await;
        assert_eq!((&result["status"], &result["cancellationRequested"]), (&json!("ACCEPTED"), &json!(true)));
        let again = server.act("requestCancellation", json!({ "jobIds": [attempt.job, waiting] })).await;
        assert_eq!(again["results"][0]["isRepeat"], true);
        assert_eq!(again["results"][1]["refusal"]["code"], "ALREADY_FINISHED");
        let result = server.finish(&attempt, 2, "CANCELLED", Some("stopped")).await;
        assert_eq!(result["status"], "ACCEPTED");
        let job = server.job_with_run(attempt.job).await;
        assert_eq!((&job["state"], &job["currentRun"]["agentResultIsSuccess"]), (&json!("CANCELLED"), &json!(false)));
        assert_eq!(states(&job["currentRun"]["history"]), ["QUEUED", "EXECUTING", "CANCELLING", "CANCELLED"]);
    }

    async fn an_end_without_the_agent_and_another_attempt(database: TestDatabase) {
        let (server, configuration, agent) = start(&database).await;
        let jobs = server.queue(json!([{ "configurationId": configuration }])).await;
        let first = server.claim(agent).await;
        let answer = server.act("retryJobs", json!({ "jobIds": jobs })).await;
        assert_eq!(answer["results"][0]["refusal"]["code"], "NOT_FINISHED");

        let answer = server.act("forceCancel", json!({ "jobIds": jobs, "reason": "stuck" })).await;
        assert_eq!(answer["results"][0]["job"]["state"], "CANCELLED");
        let result = server.report_one(first.report(1, None, &json!({}))).await;
        assert_eq!((refusal(&result).0, &result["cancellationRequested"]), ("ALREADY_FINISHED", &json!(true)));

        let answer = server.act("retryJobs", json!({ "jobIds": jobs })).await;
        assert_eq!(answer["results"][0]["job"]["state"], "QUEUED");
        assert_eq!(server.job_with_run(jobs[0]).await["currentRun"], Value::Null);
        let second = server.claim(agent).await;
        assert_eq!(second.job, first.job);
        assert!(second.run != first.run && second.token != first.token);
        // The first attempt's agent has woken up.
        let result = server.report_one(first.report(9, Some("COMPLETED"), &json!({}))).await;
        assert_eq!(refusal(&result).0, "ALREADY_FINISHED");
        server.finish(&second, 1, "COMPLETED", None).await;
        let job = server.job_with_run(jobs[0]).await;
        assert_eq!(job["state"], "COMPLETED");
        assert_eq!(job["runs"].as_array().unwrap().len(), 2);
        assert_eq!(job["currentRun"]["id"], json!(second.run));
        assert_eq!(states(&job["history"]),
            ["QUEUED", "EXECUTING", "CANCELLING", "CANCELLED", "QUEUED", "EXECUTING", "COMPLETED"]);
        assert_eq!(states(&job["currentRun"]["history"]), ["QUEUED", "EXECUTING", "COMPLETED"]);
    }

    async fn by_filter_they_are_counted_first_and_capped(database: TestDatabase) {
        let (server, configuration, _) = start(&database).await;
        let other = server.save_configuration().await;
        for (of, count) in [(configuration, 1000), (configuration, 200), (other, 3)] {
            server.queue((0..count).map(|_| json!({ "configurationId": of })).collect::<Vec<_>>().into()).await;
        }
        let filter = json!({ "configurationIds": [configuration] });
        let dry = server.act("requestCancellation", json!({ "filter": filter, "dryRun": true })).await;
        assert_eq!(dry, json!({ "matchedCount": 1200, "matchedCountIsExact": true, "hasMore": true, "results": [] }));
        let queued = json!({ "configurationIds": [configuration], "states": ["COMPLETED"] });
        let none = server.act("requestCancellation", json!({ "filter": queued })).await;
        assert_eq!((&none["matchedCount"], &none["hasMore"]), (&json!(0), &json!(false)));

        let first = server.act("requestCancellation", json!({ "filter": filter })).await;
        assert_eq!(first["results"].as_array().unwrap().len(), 1000);
        assert_eq!(first["hasMore"], true);
        let second = server.act("requestCancellation", json!({ "filter": filter })).await;
        assert_eq!((&second["matchedCount"], &second["hasMore"]), (&json!(200), &json!(false)));
        assert_eq!(second["results"].as_array().unwrap().len(), 200);
        let counts = server.query("{ jobCounts { queued cancelled } }", json!({})).await;
        assert_eq!(counts["jobCounts"], json!({ "queued": 3, "cancelled": 1200 }));

        let retry = server.act("retryJobs", json!({ "filter": { "states": ["CANCELLED"] }, "dryRun": true })).await;
        assert_eq!(retry["matchedCount"], 1200);
        for wrong in [json!({}), json!({ "jobIds": [], "filter": {} })] {
            let answer = server.answer("mutation($input: RetryJobsInput!) { retryJobs(input: $input) { hasMore } }",
                json!({ "input": wrong })).await;
            assert_eq!(errors_of(&answer)[0]["extensions"]["code"], "BAD_USER_INPUT");
        }
    }

    async fn jobs_that_finish_after_they_were_counted_are_left_out(database: TestDatabase) {
        let (server, configuration, agent) = start(&database).await;
        let jobs = server.queue(json!([{ "configurationId": configuration },
                                       { "configurationId": configuration }])).await;
        let fail = async || {
            let attempt = server.claim(agent).await;
            server.finish(&attempt, 1, "FAILED", Some("no route to host")).await;
        };
        fail().await;
        let mutation = "mutation($input: RetryJobsInput!) { retryJobs(input: $input) {
            countedAt matchedCount hasMore results { jobId refusal { code } } } }";
        let act = async |input: Value| {
            server.query(mutation, json!({ "input": input })).await["retryJobs"].take()
        };
        let counted = act(json!({ "filter": { "states": ["FAILED"] }, "dryRun": true })).await;
        assert_eq!(counted["matchedCount"], 1);
        fail().await;
        let bound = json!({ "states": ["FAILED"], "updatedBefore": counted["countedAt"] });
        let done = act(json!({ "filter": bound })).await;
        assert_eq!((&done["matchedCount"], &done["hasMore"]), (&json!(1), &json!(false)));
        assert_eq!(done["results"], json!([{ "jobId": jobs[0], "refusal": null }]));
        let again = act(json!({ "filter": bound })).await;
        assert_eq!(again["matchedCount"], 0);
        let counts = server.query("{ jobCounts { queued failed } }", json!({})).await;
        assert_eq!(counts["jobCounts"], json!({ "queued": 1, "failed": 1 }));
    }

    async fn an_agent_may_be_told_elsewhere_what_to_run(database: TestDatabase) {
        let (server, configuration, agent) = start(&database).await;
        let other = server.register_agent().await;
        let jobs = server.queue(json!([{ "configurationId": configuration, "scheduledDate": "2099-01-01T00:00:00Z" }])).await;
        let begin = async |job: Uuid, agent: Uuid, token: Uuid| {
            server.query("mutation($input: StartJobRunInput!) { startJobRun(input: $input) {
                attempt { runId jobId attemptToken isRepeat } refusal { code field message } } }",
                json!({ "input": { "jobId": job, "agentId": agent, "attemptToken": token } }))
                .await["startJobRun"].take()
        };
        // It is not due, so no agent gets it.
        assert_eq!(server.try_claim(json!({ "agentId": agent })).await["attempt"], Value::Null);
        let first = begin(jobs[0], agent, id(77)).await;
        assert_eq!(first["attempt"]["isRepeat"], false, "{first:#}");
        let again = begin(jobs[0], agent, id(77)).await;
        assert_eq!((&again["attempt"]["runId"], &again["attempt"]["isRepeat"]), (&first["attempt"]["runId"], &json!(true)));
        assert_eq!(refusal(&begin(jobs[0], agent, id(78)).await), ("CONFLICT", Some("attemptToken")));
        assert_eq!(refusal(&begin(jobs[0], other, id(77)).await), ("CONFLICT", Some("agentId")));
        let another = server.queue(json!([{ "configurationId": configuration }])).await[0];
        assert_eq!(refusal(&begin(another, agent, id(77)).await), ("CONFLICT", Some("attemptToken")));
        assert_eq!(refusal(&begin(id(1), agent, id(78)).await), ("NOT_FOUND", Some("jobId")));
        assert_eq!(refusal(&begin(jobs[0], id(1), id(78)).await), ("NOT_FOUND", Some("agentId")));

        let attempt = crate::support::Attempt::read(&first["attempt"]).unwrap();
        server.finish(&attempt, 1, "COMPLETED", None).await;
        assert_eq!(refusal(&begin(jobs[0], agent, id(78)).await), ("ALREADY_FINISHED", Some("jobId")));
        server.act("retryJobs", json!({ "jobIds": jobs })).await;
        // The order for the first attempt comes once more, late.
        assert_eq!(refusal(&begin(jobs[0], agent, id(77)).await), ("ALREADY_FINISHED", Some("attemptToken")));
        assert_eq!(begin(jobs[0], other, id(79)).await["refusal"], Value::Null);
    }

    async fn a_repeated_request_makes_one_job(database: TestDatabase) {
        let (server, configuration, _) = start(&database).await;
        let request = json!([{ "configurationId": configuration, "clientRequestId": "nightly-2026-11-23" }]);
        let first = server.queue(request.clone()).await;
        let both: Vec<_> = [0; 8].iter().map(|_| server.queue(request.clone())).collect();
        for again in futures_util::future::join_all(both).await {
            assert_eq!(again, first);
        }
        // At the same time, and twice in one request.
        let request = json!([{ "configurationId": configuration, "clientRequestId": "b" },
                             { "configurationId": configuration, "clientRequestId": "b" }]);
        let both: Vec<_> = [0; 8].iter().map(|_| server.queue(request.clone())).collect();
        let ids: std::collections::HashSet<_> =
            futures_util::future::join_all(both).await.into_iter().flatten().collect();
        assert_eq!(ids.len(), 1);
        let counts = server.query("{ jobCounts { total } }", json!({})).await;
        assert_eq!(counts["jobCounts"]["total"], 2);
    }
}
