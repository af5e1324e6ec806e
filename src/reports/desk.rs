//! The rules: what each op makes of the rows at hand. All in memory; `tables.rs` fetches the rows
//! and writes what has changed.

use std::collections::{HashMap, HashSet, VecDeque};

use entity::{
    Columns, JobState, Long, Millis, ProcessingState, Table, Timestamp, configuration, job,
    job_event, job_run,
};
use sea_orm::ModelTrait as _;
use uuid::Uuid;

use super::machine::{Event, next};
use super::op::{
    AgentReport, Attempt, By, Cancel, Claim, Lost, NewJob, Op, Outcome, ProcessingReport, Receipt,
    Refusal, RefusalCode, Registration, ReportReceipt, ReportStatus, Start, Step, check,
    check_order,
};
use crate::jobs::scope::Scope;

/// A row, and which of its columns were changed.
#[derive(Debug)]
pub struct Kept<E: Table> {
    pub row: E::Model,
    pub changed: Columns<E>,
    pub is_new: bool,
}

impl<E: Table> Kept<E> {
    pub fn stored(row: E::Model) -> Self {
        Self { row, changed: Columns::none(), is_new: false }
    }

    fn new(row: E::Model) -> Self {
        Self { row, changed: Columns::none(), is_new: true }
    }

    fn set(&mut self, column: E::Column, value: impl Into<sea_orm::Value>) {
        self.row.set(column, value.into());
        self.changed.insert(column);
    }
}

/// The rows that a batch of ops is about.
#[derive(Debug)]
pub struct Desk {
    pub now: Timestamp,
    pub runs: HashMap<Uuid, Kept<job_run::Entity>>,
    pub jobs: HashMap<Uuid, Kept<job::Entity>>,
    /// The agents that exist, with their keys.
    pub agents: HashMap<Uuid, Option<String>>,
    /// The configurations that exist.
    pub configurations: HashSet<Uuid>,
    /// The jobs that were queued by these requests for these configurations.
    pub requests: HashMap<(String, Option<Uuid>), Uuid>,
    /// The jobs that are due, in the order in which they are given away, for each choice of
    /// configurations.
    pub due: HashMap<Scope, VecDeque<Uuid>>,
    /// The runs that began with these tokens.
    pub attempts: HashMap<Uuid, Uuid>,
    /// What has happened, in order.
    pub events: Vec<job_event::Model>,
    /// Jobs whose stored events without a run belong to this run.
    pub adopted: Vec<(Uuid, Uuid)>,
    pub registrations: Vec<Registration>,
    pub saved_configurations: Vec<configuration::Model>,
    /// The agents that these ops came from.
    pub callers: HashSet<Uuid>,
    /// Sightings to write.
    pub seen: Vec<(Uuid, Timestamp)>,
}

impl Desk {
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            runs: HashMap::new(),
            jobs: HashMap::new(),
            agents: HashMap::new(),
            configurations: HashSet::new(),
            requests: HashMap::new(),
            due: HashMap::new(),
            attempts: HashMap::new(),
            events: Vec::new(),
            adopted: Vec::new(),
            registrations: Vec::new(),
            saved_configurations: Vec::new(),
            callers: HashSet::new(),
            seen: Vec::new(),
        }
    }

    /// Applies an op to the rows.
    pub fn apply(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Agent(report) => Ok(Receipt::Report(self.agent_report(report))),
            Op::Processing(report) => Ok(Receipt::Report(self.processing_report(report))),
            Op::Queue(new) => self.queue(new),
            Op::Claim(claim) => self.claim(claim),
            Op::Start(start) => self.start(start),
            Op::Cancel(cancel) => self.cancel(cancel),
            Op::Retry { job_id, by } => self.retry(*job_id, *by),
            Op::Lose(lost) => Ok(Receipt::Report(self.lose(lost))),
            Op::Register(registration) => {
                let agent = &registration.agent;
                let key = self.agents.entry(agent.id).or_default();
                if agent.agent_key.is_some() {
                    key.clone_from(&agent.agent_key);
                }
                self.registrations.push(registration.clone());
                Ok(Receipt::Saved)
            }
            Op::Configure(row) => {
                self.configurations.insert(row.id);
                self.saved_configurations.push(row.clone());
                Ok(Receipt::Saved)
            }
            Op::Seen(seen) => {
                self.seen.extend_from_slice(seen);
                Ok(Receipt::Saved)
            }
        }
    }

    fn agent_report(&mut self, report: &AgentReport) -> ReportReceipt {
        let Some(run) = self.runs.get(&report.run_id).map(|kept| &kept.row) else {
            return refused(None, Refusal::not_found("runId", "run"));
        };
        if run.attempt_token != Some(report.token) {
            let message = "expected the token of the run's own attempt";
            // Whose run it is, is not for everybody.
            let refusal = Refusal::new(RefusalCode::WrongToken, Some("attemptToken"), message);
            return refused(None, refusal);
        }
        self.callers.insert(run.agent_id);
        if run.agent_sequence.is_some_and(|last| report.sequence <= last.0) {
            return receipt(run, ReportStatus::Repeated, run.agent_sequence);
        }
        let event = match report.step {
            Step::Stay => Event::Beat,
            Step::Reach(phase) => Event::Report(phase),
            Step::Finish(ending) => Event::Finish(ending),
        };
        let checked = check(&report.progress, report.sequence, self.now)
            .and_then(|()| check_order(&report.progress, run))
            .and_then(|()| next(run.agent_state, event));
        let path = match checked {
            Ok(path) => path,
            Err(refusal) => return refused(Some(run), refusal),
        };

        let now = self.now;
        let run = self.runs.get_mut(&report.run_id).expect("it was there just now");
        for (column, value) in &report.progress {
            run.set(*column, value.clone());
        }
        run.set(job_run::Column::AgentSequence, Long(report.sequence));
        run.set(job_run::Column::AgentReportDate, now);
        run.set(job_run::Column::UpdateDate, now);
        let message = match report.step {
            Step::Finish(_) => run.row.agent_result_message.clone(),
            _ => None,
        };
        self.move_run(report.run_id, path, By::Agent, message.as_deref());
        let run = &self.runs[&report.run_id].row;
        receipt(run, ReportStatus::Accepted, run.agent_sequence)
    }

    fn processing_report(&mut self, report: &ProcessingReport) -> ReportReceipt {
        use job_run::Column::{
            ProcessingEndTime, ProcessingQueuedDate, ProcessingSequence, ProcessingStartTime,
            ProcessingUpdatedDate, UpdateDate,
        };

        let is_over = |state: Option<ProcessingState>| {
            matches!(state, Some(ProcessingState::Completed | ProcessingState::Failed))
        };
        let now = self.now;
        let Some(run) = self.runs.get_mut(&report.run_id) else {
            return refused(None, Refusal::not_found("runId", "run"));
        };
        let last = run.row.processing_sequence;
        let answer = |run: &Kept<job_run::Entity>, status| ReportReceipt {
            status,
            refusal: None,
            last_sequence: run.row.processing_sequence.map(|last| last.0),
            cancellation_requested: run.row.agent_result_is_cancellation_requested,
            goes_on: !is_over(run.row.processing_state),
        };
        if last.is_some_and(|last| report.sequence <= last.0) {
            return answer(run, ReportStatus::Repeated);
        }
        let checked = if is_over(run.row.processing_state) {
            let message = "its processing is over, and does not change any more";
            Err(Refusal::new(RefusalCode::Over, None, message))
        } else {
            check(&report.progress, report.sequence, now)
                .and_then(|()| check_order(&report.progress, &run.row))
        };
        if let Err(refusal) = checked {
            return ReportReceipt { refusal: Some(refusal), ..answer(run, ReportStatus::Refused) };
        }
        for (column, value) in &report.progress {
            run.set(*column, value.clone());
        }
        if let Some(state) = report.state {
            run.set(job_run::Column::ProcessingState, state);
            let (queued, started) = (run.row.processing_queued_date, run.row.processing_start_time);
            if queued.is_none() {
                run.set(ProcessingQueuedDate, started.unwrap_or(now).min(now));
            }
            if started.is_none() && state != ProcessingState::Queued {
                run.set(ProcessingStartTime, now);
            }
            if is_over(Some(state)) && run.row.processing_end_time.is_none() {
                run.set(ProcessingEndTime, now);
            }
        }
        run.set(ProcessingSequence, Long(report.sequence));
        run.set(ProcessingUpdatedDate, now);
        run.set(UpdateDate, now);
        answer(run, ReportStatus::Accepted)
    }

    fn queue(&mut self, new: &NewJob) -> Outcome {
        if let Some(id) = new.job.configuration_id
            && !self.configurations.contains(&id)
        {
            return Err(Refusal::not_found("configurationId", "configuration"));
        }
        let request = new.job.client_request_id.clone();
        let request = request.map(|request| (request, new.job.configuration_id));
        if let Some(job_id) = request.as_ref().and_then(|request| self.requests.get(request)) {
            return Ok(Receipt::Job { job_id: *job_id, is_repeat: true });
        }
        let id = Uuid::now_v7();
        let now = self.now;
        let row = job::Model {
            id,
            state: JobState::Queued,
            created_date: now,
            queued_date: Some(now),
            update_date: Some(now),
            current_run_id: None,
            ..new.job.clone()
        };
        if let Some(request) = request {
            self.requests.insert(request, id);
        }
        self.jobs.insert(id, Kept::new(row));
        self.record(id, None, JobState::Queued, new.by, None);
        Ok(Receipt::Job { job_id: id, is_repeat: false })
    }

    fn claim(&mut self, claim: &Claim) -> Outcome {
        if !self.agents.contains_key(&claim.agent_id) {
            return Err(Refusal::not_found("agentId", "agent"));
        }
        self.callers.insert(claim.agent_id);
        if let Some(token) = claim.token
            && let Some(known) = self.known_attempt(token, claim.agent_id, None)
        {
            return known.map(Receipt::Attempt);
        }
        let due = self.due.get_mut(&claim.configurations);
        // Claims for other configurations may have taken some of the same jobs.
        let jobs = &self.jobs;
        let job_id = due.and_then(|due| {
            std::iter::from_fn(|| due.pop_front())
                .find(|id| jobs.get(id).is_some_and(|job| job.row.state == JobState::Queued))
        });
        let Some(job_id) = job_id else { return Ok(Receipt::NoJob) };
        let start = Start {
            job_id,
            agent_id: claim.agent_id,
            token: claim.token.unwrap_or_else(Uuid::new_v4),
        };
        self.begin(&start).map(Receipt::Attempt)
    }

    fn start(&mut self, start: &Start) -> Outcome {
        if !self.agents.contains_key(&start.agent_id) {
            return Err(Refusal::not_found("agentId", "agent"));
        }
        self.callers.insert(start.agent_id);
        let Some(job) = self.jobs.get(&start.job_id).map(|kept| &kept.row) else {
            return Err(Refusal::not_found("jobId", "job"));
        };
        // An order to start may come twice, even when the attempt is over.
        if let Some(known) = self.known_attempt(start.token, start.agent_id, Some(start.job_id)) {
            return known.map(Receipt::Attempt);
        }
        if job.state.is_active() {
            let message = "another attempt at the job is under way";
            return Err(Refusal::new(RefusalCode::Conflict, Some("attemptToken"), message));
        }
        if job.state.is_terminal() {
            let message = "the job is over; `retryJobs` queues it again";
            return Err(Refusal::new(RefusalCode::Over, Some("jobId"), message));
        }
        self.begin(start).map(Receipt::Attempt)
    }

    /// The attempt that began with a token, if there is one, for the agent that began it; at this
    /// job, or at any.
    fn known_attempt(
        &self,
        token: Uuid,
        agent_id: Uuid,
        job_id: Option<Uuid>,
    ) -> Option<Result<Attempt, Refusal>> {
        let run = &self.runs[self.attempts.get(&token)?].row;
        let refusal = if job_id.is_some_and(|job_id| job_id != run.job_id) {
            let message =
                "expected a token of its own for each attempt; another job's has this one";
            Refusal::new(RefusalCode::Conflict, Some("attemptToken"), message)
        } else if run.agent_id != agent_id {
            let message = "another agent began this attempt";
            Refusal::new(RefusalCode::Conflict, Some("agentId"), message)
        } else if run.agent_state.is_terminal() {
            let message = "this attempt is over, and does not begin again";
            Refusal::new(RefusalCode::Over, Some("attemptToken"), message)
        } else {
            let (run_id, job_id) = (run.id, run.job_id);
            return Some(Ok(Attempt { run_id, job_id, token, is_repeat: true }));
        };
        Some(Err(refusal))
    }

    /// Makes the run of a queued job.
    fn begin(&mut self, start: &Start) -> Result<Attempt, Refusal> {
        let Start { job_id, agent_id, token } = *start;
        let (now, run_id) = (self.now, Uuid::now_v7());
        let job = self.jobs.get_mut(&job_id).expect("its job was looked up");
        let path = next(job.row.state, Event::Claim)?;
        // It waits from the moment that it is due.
        let queued = job.row.queued_date.unwrap_or(job.row.created_date);
        let queued = queued.max(job.row.scheduled_date.unwrap_or(queued)).min(now);
        let waited = (now.utc() - queued.utc()).num_milliseconds();
        job.set(job::Column::CurrentRunId, run_id);
        let run = job_run::Model {
            id: run_id,
            job_id,
            agent_id,
            agent_key: self.agents[&agent_id].clone().unwrap_or_default(),
            agent_queued_date: Some(queued),
            agent_start_time: Some(now),
            agent_elapsed_queued_time: Some(Millis(waited)),
            update_date: Some(now),
            attempt_token: Some(token),
            ..job_run::Model::default()
        };
        self.runs.insert(run_id, Kept::new(run));
        self.attempts.insert(token, run_id);
        // What happened while it waited belongs to this attempt.
        self.adopted.push((job_id, run_id));
        for event in self.events.iter_mut().filter(|event| event.job_id == job_id) {
            event.run_id.get_or_insert(run_id);
        }
        self.move_run(run_id, path, By::Agent, None);
        Ok(Attempt { run_id, job_id, token, is_repeat: false })
    }

    fn cancel(&mut self, cancel: &Cancel) -> Outcome {
        let Cancel { job_id, ref reason, by, force } = *cancel;
        let Some(job) = self.jobs.get(&job_id).map(|kept| &kept.row) else {
            return Err(Refusal::not_found("jobId", "job"));
        };
        let event = if force { Event::ForceCancel } else { Event::Cancel };
        let path = next(job.state, event)?;
        let now = self.now;
        // A queued job has no run, and one that is only known by its state may have none.
        let run_id = job.current_run_id.filter(|id| self.runs.contains_key(id));
        let Some(run_id) = run_id else {
            for state in path {
                self.record(job_id, None, *state, by, reason.as_deref());
                let job = self.jobs.get_mut(&job_id).expect("it was there just now");
                job.set(job::Column::State, *state);
                job.set(job::Column::UpdateDate, now);
            }
            return Ok(Receipt::Job { job_id, is_repeat: path.is_empty() });
        };
        let run = self.runs.get_mut(&run_id).expect("it was there just now");
        if run.row.cancellation_requested_date.is_none() {
            run.set(job_run::Column::AgentResultIsCancellationRequested, true);
            run.set(job_run::Column::CancellationRequestedDate, now);
            run.set(job_run::Column::UpdateDate, now);
        }
        if path.last() == Some(&JobState::Cancelled) && run.row.agent_result_message.is_none() {
            let message = reason.as_deref().unwrap_or("cancelled without the agent's confirmation");
            run.set(job_run::Column::AgentResultMessage, message);
        }
        self.move_run(run_id, path, by, reason.as_deref());
        Ok(Receipt::Job { job_id, is_repeat: path.is_empty() })
    }

    fn retry(&mut self, job_id: Uuid, by: By) -> Outcome {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&job_id) else {
            return Err(Refusal::not_found("jobId", "job"));
        };
        for state in next(job.row.state, Event::Retry)? {
            job.set(job::Column::State, *state);
        }
        job.set(job::Column::QueuedDate, now);
        job.set(job::Column::ScheduledDate, None::<Timestamp>);
        job.set(job::Column::CurrentRunId, None::<Uuid>);
        job.set(job::Column::UpdateDate, now);
        self.record(job_id, None, JobState::Queued, by, None);
        Ok(Receipt::Job { job_id, is_repeat: false })
    }

    fn lose(&mut self, lost: &Lost) -> ReportReceipt {
        let Some(run) = self.runs.get_mut(&lost.run_id) else {
            return refused(None, Refusal::not_found("runId", "run"));
        };
        let path = match next(run.row.agent_state, Event::Lose) {
            // It has reported since.
            Ok(_) if run.row.agent_report_date != lost.heard => {
                return receipt(&run.row, ReportStatus::Repeated, run.row.agent_sequence);
            }
            Ok(path) => path,
            Err(refusal) => return refused(Some(&run.row), refusal),
        };
        run.set(job_run::Column::AgentResultMessage, lost.message.as_str());
        run.set(job_run::Column::UpdateDate, self.now);
        self.move_run(lost.run_id, path, By::Service, Some(&lost.message));
        receipt(&self.runs[&lost.run_id].row, ReportStatus::Accepted, None)
    }

    /// Leads a run through states, and its job with it.
    fn move_run(&mut self, run_id: Uuid, path: &[JobState], by: By, message: Option<&str>) {
        use job_run::Column::{
            AgentElapsedExecutionTime, AgentEndTime, AgentResultIsSuccess, AgentState,
        };

        let now = self.now;
        let run = self.runs.get_mut(&run_id).expect("its run was looked up");
        let Some(last) = path.last().copied() else { return };
        run.set(AgentState, last);
        if last.is_terminal() {
            run.set(AgentResultIsSuccess, last == JobState::Completed);
            let end = run.row.agent_end_time.unwrap_or(now);
            run.set(AgentEndTime, end);
            if let (Some(start), None) =
                (run.row.agent_start_time, run.row.agent_elapsed_execution_time)
            {
                let worked = (end.utc() - start.utc()).num_milliseconds().max(0);
                run.set(AgentElapsedExecutionTime, Millis(worked));
            }
        }
        let job_id = run.row.job_id;
        for state in path {
            self.record(job_id, Some(run_id), *state, by, message);
        }
        if let Some(job) = self.jobs.get_mut(&job_id)
            && job.row.current_run_id == Some(run_id)
        {
            job.set(job::Column::State, last);
            job.set(job::Column::UpdateDate, now);
        }
    }

    fn record(
        &mut self,
        job_id: Uuid,
        run_id: Option<Uuid>,
        state: JobState,
        by: By,
        message: Option<&str>,
    ) {
        self.events.push(job_event::Model {
            id: Uuid::now_v7(),
            job_id,
            run_id,
            state,
            date: self.now,
            changed_by: by.name().to_owned(),
            message: message.map(str::to_owned),
        });
    }
}

/// The answer about a run as it is.
fn receipt(
    run: &job_run::Model,
    status: ReportStatus,
    last_sequence: Option<Long>,
) -> ReportReceipt {
    ReportReceipt {
        status,
        refusal: None,
        last_sequence: last_sequence.map(|last| last.0),
        cancellation_requested: run.agent_result_is_cancellation_requested,
        goes_on: !run.agent_state.is_terminal(),
    }
}

fn refused(run: Option<&job_run::Model>, refusal: Refusal) -> ReportReceipt {
    match run {
        Some(run) => ReportReceipt {
            refusal: Some(refusal),
            ..receipt(run, ReportStatus::Refused, run.agent_sequence)
        },
        None => ReportReceipt::refused(Some(refusal)),
    }
}
