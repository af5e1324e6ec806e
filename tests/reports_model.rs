//! Any series of what agents, operators and the lease reaper do, some of it at the same time: outcomes are
//! those of a simple model, and the tables agree with each other.

use std::collections::HashMap;

use agent_jobs::reports::machine::{Ending, Event, Phase, next};
use agent_jobs::reports::op::{ExpiredLease, Op};
use entity::JobState;
use futures_util::future::join_all;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Attempt, ForeignWriter, TestServer, assert_right, on_both_databases, property,
};

/// An action. Numbers pick among the jobs and attempts that there are.
#[derive(Clone, Debug)]
enum Action {
    Queue { request: Option<u8> },
    Claim { token: Option<u8> },
    Start { job: usize, token: u8 },
    Report { attempt: usize, state: Option<Phase>, sequence: Sequence },
    Finish { attempt: usize, ending: Ending, sequence: Sequence },
    Processing { attempt: usize },
    Cancel { job: usize, force: bool },
    Retry { job: usize },
    Expire { attempt: usize },
}

/// How a report's number lies to the one before.
#[derive(Clone, Copy, Debug)]
enum Sequence {
    Next,
    Same,
    Late,
}

fn action() -> impl Strategy<Value = Action> {
    let pick = || 0..64_usize;
    let sequence = || prop_oneof![6 => Just(Sequence::Next), 1 => Just(Sequence::Same), 1 => Just(Sequence::Late)];
    let phase = prop_oneof![
        3 => Just(None),
        2 => Just(Some(Phase::Executing)),
        1 => Just(Some(Phase::ExecutionCompleted)),
        1 => Just(Some(Phase::Submitting)),
    ];
    let ending = prop::sample::select(vec![Ending::Completed, Ending::Failed, Ending::Cancelled]);
    prop_oneof![
        4 => prop::option::of(0..6_u8).prop_map(|request| Action::Queue { request }),
        4 => prop::option::weighted(0.3, 0..4_u8).prop_map(|token| Action::Claim { token }),
        2 => (pick(), 0..4_u8).prop_map(|(job, token)| Action::Start { job, token }),
        6 => (pick(), phase, sequence())
            .prop_map(|(attempt, state, sequence)| Action::Report { attempt, state, sequence }),
        3 => (pick(), ending, sequence())
            .prop_map(|(attempt, ending, sequence)| Action::Finish { attempt, ending, sequence }),
        1 => pick().prop_map(|attempt| Action::Processing { attempt }),
        2 => (pick(), any::<bool>()).prop_map(|(job, force)| Action::Cancel { job, force }),
        2 => pick().prop_map(|job| Action::Retry { job }),
        1 => pick().prop_map(|attempt| Action::Expire { attempt }),
    ]
}

/// What the model knows of an attempt.
#[derive(Clone, Debug)]
struct KnownAttempt {
    attempt: Attempt,
    state: JobState,
    sequence: i64,
}

/// The world, as far as it can be told from the answers.
struct Model {
    configuration: Uuid,
    agent: Uuid,
    jobs: Vec<(Uuid, JobState, Option<usize>)>,
    attempts: Vec<KnownAttempt>,
    requests: HashMap<u8, Uuid>,
    /// The attempts that began with tokens of the agent's.
    tokens: HashMap<u8, usize>,
}

/// A token of the agent's. Each model has its own.
fn token(configuration: Uuid, n: u8) -> Uuid {
    Uuid::from_u128(configuration.as_u128() ^ u128::from(n + 1))
}

fn code(refusal: &Value) -> Option<&str> {
    refusal["code"].as_str()
}

/// A code as the API shows it.
fn expected_code(event: Event, state: JobState) -> Result<&'static [JobState], String> {
    next(state, event)
        .map_err(|refusal| entity::snake_case(&format!("{:?}", refusal.code)).to_uppercase())
}

impl Model {
    /// Does it, and checks that what happens is what the model expects.
    async fn act(&mut self, server: &TestServer, action: &Action) {
        match *action {
            Action::Queue { request } => self.queue(server, request).await,
            Action::Claim { token } => self.claim(server, token).await,
            Action::Start { job, token } => self.start(server, job, token).await,
            Action::Report { attempt, state, sequence } => {
                let event = state.map_or(Event::Heartbeat, Event::Report);
                let name = state.map(|phase| match phase {
                    Phase::Executing => "EXECUTING",
                    Phase::ExecutionCompleted => "EXECUTION_COMPLETED",
                    Phase::Submitting => "SUBMITTING",
                });
                self.report(server, attempt, name, event, sequence).await;
            }
            Action::Finish { attempt, ending, sequence } => {
                let name = match ending {
                    Ending::Completed => "COMPLETED",
                    Ending::Failed => "FAILED",
                    Ending::Cancelled => "CANCELLED",
                };
                self.report(server, attempt, Some(name), Event::Finish(ending), sequence).await;
            }
            Action::Processing { attempt } => {
                let Some(known) = pick(&self.attempts, attempt) else { return };
                let report = json!({ "runId": self.attempts[known].attempt.run, "sequence": 1,
                    "processingState": "EXECUTING" });
                let status = server.report_processing(report).await["status"].take();
                assert!(status == "ACCEPTED" || status == "REPEATED", "{status}");
            }
            Action::Cancel { job, force } => {
                let Some(job) = pick(&self.jobs, job) else { return };
                let event = if force { Event::ForceCancel } else { Event::Cancel };
                let mutation = if force { "forceCancel" } else { "requestCancellation" };
                let answer = server.act(mutation, json!({ "jobIds": [self.jobs[job].0] })).await;
                self.moved(job, event, code(&answer["results"][0]["refusal"]));
            }
            Action::Retry { job } => {
                let Some(job) = pick(&self.jobs, job) else { return };
                let answer = server.act("retryJobs", json!({ "jobIds": [self.jobs[job].0] })).await;
                self.moved(job, Event::Retry, code(&answer["results"][0]["refusal"]));
                if self.jobs[job].1 == JobState::Queued {
                    self.jobs[job].2 = None;
                }
            }
            Action::Expire { attempt } => {
                let Some(known) = pick(&self.attempts, attempt) else { return };
                let run_id = self.attempts[known].attempt.run;
                // A reaper that has seen the newest report.
                let last_heartbeat = last_heartbeat(server, run_id).await;
                let expired =
                    ExpiredLease { run_id, last_heartbeat, message: "expired".to_owned() };
                let outcome =
                    server.write_queue.submit_one(Op::Expire(expired)).await.expect("written");
                drop(outcome);
                self.attempt_moved(known, Event::LeaseExpired);
            }
        }
    }

    async fn queue(&mut self, server: &TestServer, request: Option<u8>) {
        let name = request.map(|n| format!("request-{n}-{}", self.configuration));
        let job = json!([{ "configurationId": self.configuration, "clientRequestId": name }]);
        let id = server.queue(job).await[0];
        if let Some(before) = request.and_then(|request| self.requests.get(&request)) {
            assert_eq!(id, *before);
            return;
        }
        if let Some(request) = request {
            self.requests.insert(request, id);
        }
        self.jobs.push((id, JobState::Queued, None));
    }

    async fn claim(&mut self, server: &TestServer, n: Option<u8>) {
        let claim = json!({ "agentId": self.agent, "configurationIds": [self.configuration],
            "attemptToken": n.map(|n| token(self.configuration, n)) });
        let answer = server.try_claim(claim).await;
        if let Some(before) = n.and_then(|n| self.tokens.get(&n)) {
            let known = &self.attempts[*before];
            let expected = known.state.is_terminal().then_some("ALREADY_FINISHED");
            assert_eq!(code(&answer["refusal"]), expected, "{answer:#}");
            let again = Attempt::read(&answer["attempt"]).map(|attempt| attempt.run);
            assert_eq!(again, expected.is_none().then_some(known.attempt.run), "{answer:#}");
            return;
        }
        let oldest = self.jobs.iter().position(|(_, state, _)| *state == JobState::Queued);
        match (Attempt::read(&answer["attempt"]), oldest) {
            (None, None) => {}
            (Some(attempt), Some(job)) => {
                assert_eq!(attempt.job, self.jobs[job].0);
                if let Some(n) = n {
                    assert_eq!(attempt.token, token(self.configuration, n));
                    self.tokens.insert(n, self.attempts.len());
                }
                self.begun(job, attempt);
            }
            (attempt, oldest) => panic!("{attempt:?} {oldest:?}"),
        }
    }

    fn begun(&mut self, job: usize, attempt: Attempt) {
        self.jobs[job].1 = JobState::Executing;
        self.jobs[job].2 = Some(self.attempts.len());
        self.attempts.push(KnownAttempt { attempt, state: JobState::Executing, sequence: -1 });
    }

    async fn start(&mut self, server: &TestServer, job: usize, n: u8) {
        let Some(job) = pick(&self.jobs, job) else { return };
        let (id, state, _) = self.jobs[job];
        let data = server.query("mutation($input: StartJobRunInput!) { startJobRun(input: $input) {
            attempt { runId jobId attemptToken isRepeat } refusal { code } } }",
            json!({ "input": { "jobId": id, "agentId": self.agent, "attemptToken": token(self.configuration, n) } })).await;
        let answer = &data["startJobRun"];
        let expected = match self.tokens.get(&n).map(|before| &self.attempts[*before]) {
            Some(before) if before.attempt.job != id => Some("CONFLICT"),
            Some(before) => before.state.is_terminal().then_some("ALREADY_FINISHED"),
            None if state.is_active() => Some("CONFLICT"),
            None => state.is_terminal().then_some("ALREADY_FINISHED"),
        };
        assert_eq!(code(&answer["refusal"]), expected, "{answer:#}");
        if expected.is_none() && !self.tokens.contains_key(&n) {
            self.tokens.insert(n, self.attempts.len());
            self.begun(job, Attempt::read(&answer["attempt"]).expect("an attempt"));
        }
    }

    async fn report(
        &mut self,
        server: &TestServer,
        attempt: usize,
        state: Option<&str>,
        event: Event,
        sequence: Sequence,
    ) {
        let Some(attempt) = pick(&self.attempts, attempt) else { return };
        let known = self.attempts[attempt].clone();
        let sequence = match sequence {
            Sequence::Next => known.sequence + 1,
            Sequence::Same => known.sequence.max(0),
            Sequence::Late => (known.sequence - 1).max(0),
        };
        let progress = json!({ "agentTasksCount": sequence, "agentResultMessage": "said" });
        let result = server.report_one(known.attempt.report(sequence, state, &progress)).await;
        if sequence <= known.sequence {
            assert_eq!(result["status"], "REPEATED", "{result:#}");
            return;
        }
        let expected = expected_code(event, known.state);
        assert_eq!(
            code(&result["refusal"]),
            expected.as_ref().err().map(String::as_str),
            "{result:#}"
        );
        if expected.is_ok() {
            assert_eq!(result["status"], "ACCEPTED");
            self.attempts[attempt].sequence = sequence;
            self.attempt_moved(attempt, event);
        }
    }

    fn attempt_moved(&mut self, attempt: usize, event: Event) {
        let Ok(path) = next(self.attempts[attempt].state, event) else { return };
        let Some(state) = path.last() else { return };
        self.attempts[attempt].state = *state;
        for job in self.jobs.iter_mut().filter(|job| job.2 == Some(attempt)) {
            job.1 = *state;
        }
    }

    fn moved(&mut self, job: usize, event: Event, refusal: Option<&str>) {
        let expected = expected_code(event, self.jobs[job].1);
        assert_eq!(refusal, expected.as_ref().err().map(String::as_str), "{:?}", self.jobs[job]);
        let Some(state) = expected.ok().and_then(|path| path.last()) else { return };
        self.jobs[job].1 = *state;
        if let Some(attempt) = self.jobs[job].2.filter(|_| event != Event::Retry) {
            self.attempts[attempt].state = *state;
        }
    }
}

fn pick<T>(items: &[T], n: usize) -> Option<usize> {
    (!items.is_empty()).then(|| n % items.len())
}

async fn last_heartbeat(server: &TestServer, run: Uuid) -> Option<entity::Timestamp> {
    let columns = entity::Columns::<entity::job_run::Entity>::all();
    let rows = agent_jobs::jobs::rows::by_ids(
        server.db().reader(),
        &agent_jobs::jobs::scope::Scope::All,
        &[run],
        columns,
    )
    .await;
    rows.expect("reading")[&run].agent_report_date
}

/// That jobs, their runs and their histories agree with each other.
async fn agree(server: &TestServer, jobs: impl Iterator<Item = (Uuid, Option<JobState>)>) {
    for (id, expected) in jobs {
        let job = server.job_with_run(id).await;
        let state = JobState::parse(job["state"].as_str().unwrap()).unwrap();
        if let Some(expected) = expected {
            assert_eq!(state, expected, "{job:#}");
        }
        let runs = job["runs"].as_array().unwrap();
        let is_finished = |run: &Value| {
            JobState::parse(run["agentState"].as_str().unwrap()).unwrap().is_terminal()
        };
        let active: Vec<_> = runs.iter().filter(|run| !is_finished(run)).collect();
        assert!(active.len() <= 1, "{job:#}");
        if job["currentRun"].is_null() {
            assert!(
                matches!(state, JobState::Queued | JobState::Cancelled) && active.is_empty(),
                "{job:#}"
            );
        } else {
            assert_eq!(job["currentRun"]["agentState"], job["state"], "{job:#}");
            assert_eq!(job["currentRun"]["id"], runs[0]["id"], "{job:#}");
        }
        let history = job["history"].as_array().unwrap();
        assert_eq!(history.first().unwrap()["state"], "QUEUED", "{job:#}");
        assert_eq!(history.last().unwrap()["state"], job["state"], "{job:#}");
        for pair in history.windows(2) {
            let [from, to] = [&pair[0], &pair[1]]
                .map(|event| JobState::parse(event["state"].as_str().unwrap()).unwrap());
            assert!(!from.is_terminal() || to == JobState::Queued, "{job:#}");
            assert!(from != to, "{job:#}");
        }
    }
}

on_both_databases! {
    async fn outcomes_are_those_of_the_model(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let agent = server.register_agent().await;
        let writer = tokio::sync::Mutex::new(ForeignWriter::connect(&database).await);
        property(24, &prop::collection::vec(action(), 1..40), async |actions| {
            let configuration = server.save_configuration().await;
            let mut model = Model { configuration, agent, jobs: Vec::new(), attempts: Vec::new(),
                requests: HashMap::new(), tokens: HashMap::new() };
            for action in &actions {
                model.act(&server, action).await;
            }
            agree(&server, model.jobs.iter().map(|(id, state, _)| (*id, Some(*state)))).await;
            assert_right(&server, &mut *writer.lock().await, &[configuration]).await;
        });
    }

    /// What happens at the same time may happen in any order, but nothing half.
    async fn what_happens_at_the_same_time_leaves_no_contradiction(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let agent = server.register_agent().await;
        let writer = tokio::sync::Mutex::new(ForeignWriter::connect(&database).await);
        property(12, &prop::collection::vec(prop::collection::vec(action(), 1..8), 1..8), async |steps| {
            let configuration = server.save_configuration().await;
            let mut jobs = server.queue(json!([{ "configurationId": configuration }, { "configurationId": configuration }])).await;
            let mut attempts = Vec::new();
            for step in &steps {
                let done = join_all(step.iter().map(|action| at_once(&server, configuration, agent, &jobs, &attempts, action))).await;
                for (job, attempt) in done {
                    jobs.extend(job);
                    attempts.extend(attempt);
                }
            }
            jobs.sort_unstable();
            jobs.dedup();
            agree(&server, jobs.iter().map(|id| (*id, None))).await;
            assert_right(&server, &mut *writer.lock().await, &[configuration]).await;
        });
    }
}

/// Does it without expecting anything but an answer.
async fn at_once(
    server: &TestServer,
    configuration: Uuid,
    agent: Uuid,
    jobs: &[Uuid],
    attempts: &[Attempt],
    action: &Action,
) -> (Option<Uuid>, Option<Attempt>) {
    let attempt_of = |n: usize| pick(attempts, n).map(|n| attempts[n].clone());
    match *action {
        Action::Queue { request } => {
            let name = request.map(|n| format!("request-{n}-{configuration}"));
            let job = json!([{ "configurationId": configuration, "clientRequestId": name }]);
            return (Some(server.queue(job).await[0]), None);
        }
        Action::Claim { token: n } => {
            let claim = json!({ "agentId": agent, "configurationIds": [configuration],
                "attemptToken": n.map(|n| token(configuration, n)) });
            return (None, Attempt::read(&server.try_claim(claim).await["attempt"]));
        }
        Action::Start { job, token: n } => {
            if let Some(job) = pick(jobs, job) {
                let data = server.query("mutation($input: StartJobRunInput!) { startJobRun(input: $input) {
                    attempt { runId jobId attemptToken } refusal { code } } }",
                    json!({ "input": { "jobId": jobs[job], "agentId": agent, "attemptToken": token(configuration, n) } })).await;
                return (None, Attempt::read(&data["startJobRun"]["attempt"]));
            }
        }
        Action::Report { attempt, .. } | Action::Processing { attempt } => {
            if let Some(attempt) = attempt_of(attempt) {
                server.report_one(attempt.report(1, Some("SUBMITTING"), &json!({}))).await;
            }
        }
        Action::Finish { attempt, .. } => {
            if let Some(attempt) = attempt_of(attempt) {
                server.finish(&attempt, 2, "COMPLETED", None).await;
            }
        }
        Action::Cancel { job, force } => {
            if let Some(job) = pick(jobs, job) {
                let mutation = if force { "forceCancel" } else { "requestCancellation" };
                server.act(mutation, json!({ "jobIds": [jobs[job]] })).await;
            }
        }
        Action::Retry { .. } => {
            server.act("retryJobs", json!({ "jobIds": jobs })).await;
        }
        Action::Expire { attempt } => {
            if let Some(attempt) = attempt_of(attempt) {
                let last_heartbeat = last_heartbeat(server, attempt.run).await;
                let expired = ExpiredLease {
                    run_id: attempt.run,
                    last_heartbeat,
                    message: "expired".to_owned(),
                };
                drop(server.write_queue.submit_one(Op::Expire(expired)).await.expect("written"));
            }
        }
    }
    (None, None)
}
