//! Playing agents and operators over the API.

use serde_json::{Value, json};
use uuid::Uuid;

use super::TestServer;

const CLAIM: &str = "mutation($input: ClaimJobInput!) { claimJob(input: $input) {
    attempt { runId jobId attemptToken isRepeat reportIn leaseEnd job { id state name }
      jobRun { id agentState agentKey agentQueuedDate agentStartTime agentElapsedQueuedTime } }
    refusal { code field message } } }";

const REPORT: &str =
    "mutation($reports: [JobRunReportInput!]!) { reportJobRuns(reports: $reports) {
    results { runId status refusal { code field message } lastSequence cancellationRequested
      reportIn leaseEnd } } }";

const PROCESSING: &str = "mutation($reports: [ProcessingReportInput!]!) {
    reportProcessing(reports: $reports) { results { runId status
      refusal { code field message } lastSequence cancellationRequested reportIn leaseEnd } } }";

const FINISH: &str = "mutation($input: FinishJobRunInput!) { finishJobRun(input: $input) { result {
    runId status refusal { code field message } lastSequence cancellationRequested
    reportIn leaseEnd jobRun { agentState } } } }";

/// An agent's attempt, and what it needs to report on it.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub run: Uuid,
    pub job: Uuid,
    pub token: Uuid,
}

impl Attempt {
    pub fn read(attempt: &Value) -> Option<Self> {
        let id = |field: &str| Some(attempt[field].as_str()?.parse().expect("an id"));
        Some(Self { run: id("runId")?, job: id("jobId")?, token: id("attemptToken")? })
    }

    /// A report with this progress.
    pub fn report(&self, sequence: i64, state: Option<&str>, progress: &Value) -> Value {
        json!({ "runId": self.run, "attemptToken": self.token, "sequence": sequence,
                "agentState": state, "progress": progress })
    }
}

impl TestServer {
    pub async fn register_agent(&self) -> Uuid {
        let data = self
            .query(
                "mutation { registerAgent(input: { name: \"Agent\", agentKey: \"key\" })
            { agent { id } refusal { code } } }",
                json!({}),
            )
            .await;
        data["registerAgent"]["agent"]["id"].as_str().expect("an id").parse().expect("an id")
    }

    pub async fn save_configuration(&self) -> Uuid {
        let data = self
            .query(
                "mutation { saveConfiguration(input: { name: \"HubSpot EU\",
            provider: \"hubspot\" }) { configuration { id } } }",
                json!({}),
            )
            .await;
        data["saveConfiguration"]["configuration"]["id"].as_str().unwrap().parse().unwrap()
    }

    /// Queues jobs and returns their ids.
    pub async fn queue(&self, jobs: Value) -> Vec<Uuid> {
        let data = self
            .query(
                "mutation($input: [QueueJobInput!]!) { queueJobs(input: $input) {
            results { jobId isRepeat refusal { code field message } } } }",
                json!({ "input": jobs }),
            )
            .await;
        let results = data["queueJobs"]["results"].as_array().expect("results");
        results
            .iter()
            .map(|result| {
                result["jobId"].as_str().unwrap_or_else(|| panic!("{result}")).parse().unwrap()
            })
            .collect()
    }

    /// The answer to a claim.
    pub async fn try_claim(&self, input: Value) -> Value {
        self.query(CLAIM, json!({ "input": input })).await["claimJob"].take()
    }

    /// Claims the next job, which must be there.
    pub async fn claim(&self, agent: Uuid) -> Attempt {
        let answer = self.try_claim(json!({ "agentId": agent })).await;
        Attempt::read(&answer["attempt"]).unwrap_or_else(|| panic!("no job: {answer:#}"))
    }

    /// The results of reports.
    pub async fn report(&self, reports: Value) -> Vec<Value> {
        let data = self.query(REPORT, json!({ "reports": reports })).await;
        data["reportJobRuns"]["results"].as_array().expect("results").clone()
    }

    /// The result of one report.
    pub async fn report_one(&self, report: Value) -> Value {
        self.report(json!([report])).await.remove(0)
    }

    /// The result of one report of the pipeline.
    pub async fn report_processing(&self, report: Value) -> Value {
        let mut data = self.query(PROCESSING, json!({ "reports": [report] })).await;
        data["reportProcessing"]["results"][0].take()
    }

    /// The result of an agent's last word.
    pub async fn finish(
        &self,
        attempt: &Attempt,
        sequence: i64,
        outcome: &str,
        message: Option<&str>,
    ) -> Value {
        let input = json!({ "runId": attempt.run, "attemptToken": attempt.token, "sequence": sequence,
            "outcome": outcome, "progress": { "agentResultMessage": message } });
        self.query(FINISH, json!({ "input": input })).await["finishJobRun"]["result"].take()
    }

    /// What became of jobs that `mutation` was asked for.
    pub async fn act(&self, mutation: &str, input: Value) -> Value {
        let kind = match mutation {
            "requestCancellation" => "RequestCancellationInput",
            "forceCancel" => "ForceCancelInput",
            _ => "RetryJobsInput",
        };
        let query = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{
            matchedCount matchedCountIsExact hasMore
            results {{ jobId isRepeat refusal {{ code field message }} job {{ state }} }} }} }}"
        );
        self.query(&query, json!({ "input": input })).await[mutation].take()
    }

    /// A job with its current run.
    pub async fn job_with_run(&self, id: Uuid) -> Value {
        let query = "query($id: UUID!) { job(id: $id) { state queuedDate scheduledDate
            history { state by message at }
            currentRun { id agentState agentResultIsSuccess agentResultMessage updateDate isStale
              agentResultIsCancellationRequested agentStartTime agentEndTime agentPercentCompleted
              agentElapsedExecutionTime agentTasksCount agentTasksCompletedCount processingState
              processingTasksCount processingStartTime processingEndTime processingUpdatedDate
              history { state by message } } runs { id agentState } } }";
        self.query(query, json!({ "id": id })).await["job"].take()
    }
}
