//! An agent, and the pipeline behind it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use entity::Timestamp;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::api::NoAnswer;
use super::figures::{Call, Reports};
use super::run::Run;
use super::world::World;
use entity::clock;
use synth::dates::{millis, moment};
use synth::random::whole;
use synth::{Draw as _, Ending, cancellation_message};

/// For how long an agent without work waits for a job, in milliseconds.
const WAIT: u64 = 1_000;

/// How long a vanished agent's place stays empty, in simulated time.
const VACANCY: Duration = Duration::from_secs(20);

/// How long an agent takes to stop when it is asked to, at most, in life, in milliseconds.
const WIND_DOWN: f64 = 10_000.0;

/// What part of the failed jobs an operator tries again.
const RETRIED: f64 = 0.3;

const REGISTER: &str = "mutation ($input: RegisterAgentInput!) {
  registerAgent(input: $input) { refusal { code message } }
}";

const CLAIM: &str = "mutation ($input: ClaimJobInput!) {
  claimJob(input: $input) {
    attempt { runId jobId attemptToken job { type configurationId } }
    refusal { code message }
  }
}";

const REPORT: &str = "mutation ($reports: [JobRunReportInput!]!) {
  reportJobRuns(reports: $reports) {
    results { status cancellationRequested refusal { code message } }
  }
}";

const PROCESSING: &str = "mutation ($reports: [ProcessingReportInput!]!) {
  reportProcessing(reports: $reports) { results { status refusal { code message } } }
}";

const FINISH: &str = "mutation ($input: FinishJobRunInput!) {
  finishJobRun(input: $input) { result { status refusal { code message } } }
}";

const CANCEL: &str = "mutation ($input: RequestCancellationInput!) {
  requestCancellation(input: $input) { results { refusal { code message } } }
}";

const RETRY: &str = "mutation ($input: RetryJobsInput!) {
  retryJobs(input: $input) { results { refusal { code message } } }
}";

pub struct Agent {
    world: Arc<World>,
    number: usize,
    rng: ChaCha8Rng,
    /// The runs it works at.
    working: Vec<Run>,
    /// The runs that only the pipeline still works at.
    processing: Vec<Run>,
    /// Reports that are on a detour.
    delayed: Vec<Json>,
}

/// What became of one report.
enum Told {
    GoOn,
    Stop,
    Over,
}

impl Agent {
    /// An agent that goes on with its share of the runs that are under way.
    pub fn new(world: Arc<World>, number: usize, rng: ChaCha8Rng) -> Self {
        let options = &world.options;
        let share = options.under_way.iter().skip(number).step_by(options.agents);
        Self {
            working: share.cloned().map(Run::go_on).collect(),
            world,
            number,
            rng,
            processing: Vec::new(),
            delayed: Vec::new(),
        }
    }

    /// Works until the simulation stops.
    pub async fn run(mut self) {
        let period = self.period();
        // All agents at once would be a storm, and then silence.
        let mut next = Instant::now() + period.mul_f64(self.rng.unit());
        while !self.world.stopping.is_cancelled() {
            let Ok(id) = self.register().await else { break };
            // None is left when it has vanished; another takes its place.
            while self.round(id).await.is_ok_and(|is_alive| is_alive) {
                next = (next + period).max(Instant::now());
                self.sleep(next).await;
            }
            if !self.world.stopping.is_cancelled() {
                let vacancy = VACANCY.div_f64(self.world.options.speed.max(0.01));
                self.sleep(Instant::now() + vacancy).await;
                self.report_processing().await;
            }
        }
        self.end_all().await;
    }

    /// The time between two rounds.
    fn period(&self) -> Duration {
        let options = &self.world.options;
        let Some(rate) = options.rate else { return Duration::ZERO };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let runs = (options.agents * options.runs) as f64;
        Duration::try_from_secs_f64(runs / rate).unwrap_or(Duration::MAX)
    }

    async fn sleep(&self, until: Instant) {
        tokio::select! {
            () = self.world.stopping.cancelled() => {}
            () = sleep_until(until) => {}
        }
    }

    async fn register(&mut self) -> Result<Uuid, NoAnswer> {
        let id = Uuid::now_v7();
        let name = format!("simulated agent {}", self.number + 1);
        let key = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid();
        let input = json!({ "id": id, "name": name, "agentKey": key });
        let data = self.send(Call::Other, REGISTER, json!({ "input": input })).await?;
        self.world.note_refusal(&data["registerAgent"]["refusal"]);
        Ok(id)
    }

    /// Takes jobs, reports on all runs, and finishes those that are done. Tells whether the agent is
    /// still there.
    async fn round(&mut self, id: Uuid) -> Result<bool, NoAnswer> {
        if self.world.stopping.is_cancelled() {
            return Err(NoAnswer::Stopped);
        }
        while self.working.len() < self.world.options.runs && self.claim(id).await? {}
        let now = clock::now();
        if self.working.iter().any(|run| run.vanishes(now)) {
            self.vanish(now);
            return Ok(false);
        }
        self.report(now).await?;
        self.finish(now).await?;
        self.report_processing().await;
        Ok(true)
    }

    /// Takes the next job, if there is one.
    async fn claim(&mut self, id: Uuid) -> Result<bool, NoAnswer> {
        let world = Arc::clone(&self.world);
        let configurations = world.history.configurations();
        let ids: Vec<_> = configurations.iter().map(|configuration| configuration.id).collect();
        let wait = if self.working.is_empty() { WAIT } else { 0 };
        // Sent again if the answer is lost, it is the same attempt.
        let token = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid();
        let input =
            json!({ "agentId": id, "configurationIds": ids, "attemptToken": token, "wait": wait });
        let mut data = self.send(Call::Claim, CLAIM, json!({ "input": input })).await?;
        let answer = data["claimJob"].take();
        world.note_refusal(&answer["refusal"]);
        let attempt = &answer["attempt"];
        if !attempt.is_null() || self.working.is_empty() {
            // One job less, or one too few.
            world.wanted.fetch_add(1, Ordering::Relaxed);
        }
        let configuration = attempt["job"]["configurationId"].as_str();
        let Some(place) = configurations
            .iter()
            .position(|known| configuration == Some(known.id.to_string().as_str()))
        else {
            return Ok(false);
        };
        let source = &world.history.sources().each[place];
        // An agent that vanishes takes all of its runs along.
        #[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
        let vanish = world.options.vanish / world.options.runs as f64;
        let odds = (world.options.speed, vanish);
        let Some(run) = Run::begin(attempt, source, odds, clock::now(), &mut self.rng) else {
            return Ok(false);
        };
        self.working.push(run);
        world.api.figures().note(|seen| seen.runs.begun += 1);
        Ok(true)
    }

    /// Is gone without a word. What was submitted is still processed.
    fn vanish(&mut self, now: Timestamp) {
        let count = self.working.len();
        self.world.api.figures().note(|seen| seen.runs.vanished += count as u64);
        self.delayed.clear();
        for mut run in self.working.drain(..) {
            run.stop(now, Ending::Failed, None);
            self.processing.push(run);
        }
    }

    /// Reports on all runs, and hears who is to stop.
    async fn report(&mut self, now: Timestamp) -> Result<(), NoAnswer> {
        let world = Arc::clone(&self.world);
        let options = &world.options;
        let mut reports = Vec::with_capacity(self.working.len() + self.delayed.len());
        // For each report the run it is about, if it matters what becomes of it.
        let mut about = Vec::with_capacity(reports.capacity());
        let mut delayed = Vec::new();
        for (place, run) in self.working.iter_mut().enumerate() {
            if run.ending(now).is_some() {
                continue;
            }
            let report = run.report(now);
            if self.rng.chance(options.late) {
                delayed.push(report);
                continue;
            }
            if self.rng.chance(options.double) {
                reports.push(report.clone());
                about.push(None);
            }
            reports.push(report);
            about.push(Some(place));
        }
        // These come after newer ones.
        for report in std::mem::replace(&mut self.delayed, delayed) {
            reports.push(report);
            about.push(None);
        }
        let mut stopped = Vec::new();
        for (reports, about) in reports.chunks(1_000).zip(about.chunks(1_000)) {
            let data = self.send(Call::Report, REPORT, json!({ "reports": reports })).await?;
            let results = data["reportJobRuns"]["results"].as_array();
            for (result, place) in results.into_iter().flatten().zip(about) {
                let told = self.told(result, |seen| &mut seen.reports);
                if let Some(place) = place {
                    stopped.push((*place, told));
                }
            }
        }
        let mut over = Vec::new();
        for (place, told) in stopped {
            match told {
                Told::GoOn => {}
                Told::Stop => {
                    let last_word = cancellation_message(&mut self.rng);
                    let later = whole(self.rng.between(0.0, WIND_DOWN) / options.speed);
                    self.working[place].cancel(moment(millis(now) + later), last_word);
                }
                Told::Over => over.push(place),
            }
        }
        for place in over.into_iter().rev() {
            self.drop_run(place, now);
        }
        self.cancel_some(now).await
    }

    /// Notes what became of a report.
    fn told(
        &self,
        result: &Json,
        counts: impl FnOnce(&mut super::figures::Seen) -> &mut Reports,
    ) -> Told {
        let figures = self.world.api.figures();
        match (result["status"].as_str(), result["refusal"]["code"].as_str()) {
            (Some("ACCEPTED"), _) => figures.note(|seen| counts(seen).accepted += 1),
            (Some("REPEATED"), _) => figures.note(|seen| counts(seen).repeated += 1),
            (_, Some("ALREADY_FINISHED")) => {
                figures.note(|seen| counts(seen).over += 1);
                return Told::Over;
            }
            _ => {
                self.world.note_refusal(&result["refusal"]);
                return Told::Over;
            }
        }
        if result["cancellationRequested"] == true { Told::Stop } else { Told::GoOn }
    }

    /// Plays the operator who asks to cancel.
    async fn cancel_some(&mut self, now: Timestamp) -> Result<(), NoAnswer> {
        let jobs: Vec<_> = self
            .working
            .iter_mut()
            .filter_map(|run| run.wants_cancellation(now).then_some(run.job_id))
            .collect();
        if jobs.is_empty() {
            return Ok(());
        }
        let input = json!({ "jobIds": jobs, "reason": "Not needed any more" });
        // Another operator may have been quicker.
        self.send(Call::Other, CANCEL, json!({ "input": input })).await?;
        Ok(())
    }

    /// Drops a run that has finished.
    fn drop_run(&mut self, place: usize, now: Timestamp) {
        let mut run = self.working.swap_remove(place);
        run.stop(now, Ending::Failed, None);
        self.processing.push(run);
        self.world.api.figures().note(|seen| seen.runs.taken += 1);
    }

    /// Ends the runs that are done.
    async fn finish(&mut self, now: Timestamp) -> Result<(), NoAnswer> {
        let mut place = self.working.len();
        while place > 0 {
            place -= 1;
            let Some(ending) = self.working[place].ending(now) else { continue };
            let input = self.working[place].finish(now);
            let data = self.send(Call::Finish, FINISH, json!({ "input": input })).await?;
            let result = &data["finishJobRun"]["result"];
            if let Told::Over = self.told(result, |seen| &mut seen.reports) {
                self.drop_run(place, now);
                continue;
            }
            let run = self.working.swap_remove(place);
            self.world.api.figures().note(|seen| match ending {
                Ending::Completed => seen.runs.completed += 1,
                Ending::Failed => seen.runs.failed += 1,
                Ending::Cancelled => seen.runs.cancelled += 1,
            });
            if ending == Ending::Failed && self.rng.chance(RETRIED) {
                let input = json!({ "jobIds": [run.job_id] });
                self.send(Call::Other, RETRY, json!({ "input": input })).await?;
                // It is queued again, so another is not needed.
                self.world.wanted.fetch_sub(1, Ordering::Relaxed);
            }
            self.processing.push(run);
        }
        Ok(())
    }

    /// Plays the pipeline.
    async fn report_processing(&mut self) {
        let now = clock::now();
        let runs = self.working.iter_mut().chain(&mut self.processing);
        let reports: Vec<_> = runs.filter_map(|run| run.processing(now)).collect();
        for reports in reports.chunks(1_000) {
            let variables = json!({ "reports": reports });
            let Ok(data) = self.send(Call::Processing, PROCESSING, variables).await else { return };
            for result in data["reportProcessing"]["results"].as_array().into_iter().flatten() {
                self.told(result, |seen| &mut seen.processing);
            }
        }
        self.processing.retain(|run| !run.is_finished(now));
    }

    /// Ends all runs, for the simulation stops.
    async fn end_all(&mut self) {
        let now = clock::now();
        let mut reports = Vec::with_capacity(self.working.len());
        for mut run in self.working.drain(..) {
            run.stop(now, Ending::Cancelled, Some("The agent was stopped".to_owned()));
            reports.push(run.report(now));
            self.processing.push(run);
        }
        for reports in reports.chunks(1_000) {
            let variables = json!({ "reports": reports });
            let Ok(data) = self.send(Call::Report, REPORT, variables).await else { return };
            for result in data["reportJobRuns"]["results"].as_array().into_iter().flatten() {
                let is_finished = matches!(self.told(result, |seen| &mut seen.reports), Told::Over);
                self.world.api.figures().note(|seen| {
                    *(if is_finished { &mut seen.runs.taken } else { &mut seen.runs.cancelled }) +=
                        1;
                });
            }
        }
        let last = |run: &mut Run| run.last_processing(now);
        let reports: Vec<_> = self.processing.iter_mut().filter_map(last).collect();
        for reports in reports.chunks(1_000) {
            _ = self.send(Call::Processing, PROCESSING, json!({ "reports": reports })).await;
        }
    }

    async fn send(&self, call: Call, query: &str, variables: Json) -> Result<Json, NoAnswer> {
        self.world.api.send(call, query, variables).await
    }
}
