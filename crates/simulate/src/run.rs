//! A run that an agent works at.

use async_graphql::InputType;
use entity::{JobState, Table as _, Timestamp, job_run, to_json};
use rand::Rng;
use sea_orm::ModelTrait as _;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use synth::dates::{millis, moment};
use synth::random::{float, whole};
use synth::{Draft, Draw as _, Ending, JobKind, RunPlan, Source, Task, Who};

/// The columns that are not part of what is reported as progress.
const NOT_REPORTED: [&str; 9] = [
    "agent_id",
    "agent_key",
    "agent_state",
    "agent_queued_date",
    "agent_elapsed_queued_time",
    "agent_result_is_success",
    "agent_result_is_cancellation_requested",
    "processing_state",
    "processing_updated_date",
];

pub struct Run {
    pub job_id: Uuid,
    run_id: Uuid,
    token: Uuid,
    plan: RunPlan,
    /// When the agent vanishes, if it does.
    vanishes: Option<i64>,
    /// Whether an operator was asked, or has been, to cancel it.
    is_cancelled: bool,
    sequence: i64,
    processing_sequence: i64,
    /// What the pipeline reported last.
    processed: Map<String, Json>,
}

impl Run {
    /// A run of a job that an agent has just been given.
    ///
    /// `attempt` is the API's `Attempt`.
    pub fn begin(
        attempt: &Json,
        source: &Source,
        (speed, vanish): (f64, f64),
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Option<Self> {
        let id = |value: &Json| Uuid::parse_str(value.as_str()?).ok();
        let (run_id, job_id) = (id(&attempt["runId"])?, id(&attempt["jobId"])?);
        let mut task = Task::draw(source.provider, rng);
        if let Some(kind) = attempt["job"]["type"].as_str().and_then(JobKind::named) {
            task.kind = kind;
        }
        let mut draft = Draft::draw(&task, Ending::draw(source.flakiness, rng), rng);
        draft.squeeze(1.0 / speed);
        draft.wait = 0;
        let who = Who { id: run_id, job_id, agent_id: Uuid::nil(), agent_key: "".into() };
        let mut plan = draft.plan(who, &task, millis(now), rng);
        let processing = &mut plan.work.processing;
        for time in [&mut processing.lag, &mut processing.tail] {
            *time = scaled(*time, 1.0 / speed);
        }
        let vanishes = rng.chance(vanish).then(|| plan.started + scaled(plan.duration, rng.unit()));
        Some(Self {
            job_id,
            run_id,
            token: id(&attempt["attemptToken"])?,
            plan,
            vanishes,
            is_cancelled: false,
            sequence: 0,
            processing_sequence: 0,
            processed: Map::new(),
        })
    }

    /// A run that is under way, with its own id as its attempt token.
    pub fn go_on(plan: RunPlan) -> Self {
        Self {
            job_id: plan.job_id,
            run_id: plan.id,
            token: plan.id,
            vanishes: None,
            is_cancelled: plan.cancelled_at.is_some(),
            sequence: 0,
            processing_sequence: 0,
            processed: Map::new(),
            plan,
        }
    }

    /// Whether this is the moment of an agent that vanishes.
    pub fn vanishes(&self, now: Timestamp) -> bool {
        self.vanishes.is_some_and(|moment| millis(now) >= moment)
    }

    /// Whether an operator should ask to cancel it now. True once.
    pub fn wants_cancellation(&mut self, now: Timestamp) -> bool {
        let wants = !self.is_cancelled
            && self.plan.cancelled_at.is_some_and(|part| now >= self.plan.moment(part));
        self.is_cancelled |= wants;
        wants
    }

    /// Someone has asked to cancel: the agent will have stopped at this moment, unless it was to
    /// end cancelled anyway.
    pub fn cancel(&mut self, moment: Timestamp, last_word: Option<String>) {
        if self.plan.ending != Ending::Cancelled {
            self.is_cancelled = true;
            self.stop(moment, Ending::Cancelled, last_word);
        }
    }

    /// Ends the agent's half. What was submitted is still processed.
    pub fn stop(&mut self, moment: Timestamp, ending: Ending, last_word: Option<String>) {
        self.plan.cut_short(millis(moment), ending, last_word);
    }

    /// How the agent's half has ended, if it has.
    pub fn ending(&self, now: Timestamp) -> Option<Ending> {
        (millis(now) >= self.plan.agent_end()).then_some(self.plan.ending)
    }

    /// The agent's next report, a `JobRunReportInput`.
    pub fn report(&mut self, now: Timestamp) -> Json {
        let row = self.plan.at(now);
        let mut progress = progress(&row, "agent_");
        if self.sequence > 0 {
            // It does not change, and a report that only counts up is the cheapest.
            progress.remove("agentStartTime");
        }
        // That it is being cancelled is not the agent's word.
        let state = Some(row.agent_state).filter(|state| *state != JobState::Cancelling);
        self.sequence += 1;
        json!({
            "runId": self.run_id,
            "attemptToken": self.token,
            "sequence": self.sequence,
            "agentState": state.map(|state| graphql_name(&state)),
            "progress": progress,
        })
    }

    /// The agent's last report, a `FinishJobRunInput`.
    pub fn finish(&mut self, now: Timestamp) -> Json {
        let progress = progress(&self.plan.at(now), "agent_");
        self.sequence += 1;
        json!({
            "runId": self.run_id,
            "attemptToken": self.token,
            "sequence": self.sequence,
            "outcome": graphql_name(&self.plan.ending.state()),
            "progress": progress,
        })
    }

    /// The pipeline's next report, a `ProcessingReportInput`, if there is any news.
    pub fn processing(&mut self, now: Timestamp) -> Option<Json> {
        // Dates do not change, and a report that only counts up is the cheapest.
        let dates = ["processingQueuedDate", "processingStartTime"];
        let known: Vec<_> =
            dates.into_iter().filter(|date| self.processed.contains_key(*date)).collect();
        self.report_processing(&self.plan.at(now), &known)
    }

    fn report_processing(&mut self, row: &job_run::Model, left_out: &[&str]) -> Option<Json> {
        let state = row.processing_state?;
        let mut progress = progress(row, "processing_");
        if progress == self.processed {
            return None;
        }
        self.processed.clone_from(&progress);
        progress.retain(|name, _| !left_out.contains(&name.as_str()));
        self.processing_sequence += 1;
        Some(json!({
            "runId": self.run_id,
            "sequence": self.processing_sequence,
            "processingState": graphql_name(&state),
            "progress": progress,
        }))
    }

    /// The pipeline's last report, as if it had caught up by now.
    pub fn last_processing(&mut self, now: Timestamp) -> Option<Json> {
        let end = self.plan.at(moment(self.plan.end()));
        let mut report = self.report_processing(&end, &[])?;
        for value in report["progress"].as_object_mut()?.values_mut() {
            let text = value.as_str().map(async_graphql::Value::from);
            let date = text.and_then(|text| <Timestamp as InputType>::parse(Some(text)).ok());
            if date.is_some_and(|date| date > now) {
                *value = Json::String(now.to_string());
            }
        }
        Some(report)
    }

    /// Whether both halves have ended and been reported.
    pub fn is_finished(&self, now: Timestamp) -> bool {
        millis(now) >= self.plan.end()
    }
}

/// What is reported of one half of a run.
fn progress(row: &job_run::Model, half: &str) -> Map<String, Json> {
    job_run::Entity::public()
        .filter(|field| field.name.starts_with(half) && !NOT_REPORTED.contains(&field.name))
        .map(|field| (field.graphql.clone(), to_json(&row.get(field.column))))
        .filter(|(_, value)| !value.is_null())
        .collect()
}

/// What the API calls a state.
fn graphql_name(state: &impl InputType) -> Json {
    state.to_value().into_json().unwrap_or_default()
}

/// A length of time in milliseconds, by this factor.
fn scaled(time: i64, factor: f64) -> i64 {
    whole(float(time) * factor)
}
