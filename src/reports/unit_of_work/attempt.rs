//! Claims and starts: how attempts at jobs begin.

use entity::{JobState, Millis, job, job_run};
use uuid::Uuid;

use super::{Tracked, UnitOfWork};
use crate::reports::machine::{Event, next};
use crate::reports::op::{Actor, Attempt, Claim, Outcome, Receipt, Refusal, RefusalCode, Start};

impl UnitOfWork {
    pub(super) fn claim(&mut self, claim: &Claim) -> Outcome {
        if !self.agents.contains_key(&claim.agent_id) {
            return Err(Refusal::not_found("agentId", "agent"));
        }
        self.agents_seen.insert(claim.agent_id);
        if let Some(token) = claim.token
            && let Some(earlier) = self.earlier_attempt(token, claim.agent_id, None)
        {
            return earlier.map(Receipt::Attempt);
        }
        let due = self.due.get_mut(&claim.configurations);
        // Claims of overlapping scopes may have taken some of the same jobs.
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

    pub(super) fn start(&mut self, start: &Start) -> Outcome {
        if !self.agents.contains_key(&start.agent_id) {
            return Err(Refusal::not_found("agentId", "agent"));
        }
        self.agents_seen.insert(start.agent_id);
        let Some(job) = self.jobs.get(&start.job_id).map(|tracked| &tracked.row) else {
            return Err(Refusal::not_found("jobId", "job"));
        };
        // A start may be repeated, even after the attempt has finished.
        if let Some(earlier) = self.earlier_attempt(start.token, start.agent_id, Some(start.job_id))
        {
            return earlier.map(Receipt::Attempt);
        }
        if job.state.is_active() {
            let message = "another attempt at the job is under way";
            return Err(Refusal::new(RefusalCode::Conflict, Some("attemptToken"), message));
        }
        if job.state.is_terminal() {
            let message = "the job has finished; `retryJobs` queues it again";
            return Err(Refusal::new(RefusalCode::AlreadyFinished, Some("jobId"), message));
        }
        self.begin(start).map(Receipt::Attempt)
    }

    /// The earlier attempt with a token, if there is one: of this agent, and at this job if one is given.
    fn earlier_attempt(
        &self,
        token: Uuid,
        agent_id: Uuid,
        job_id: Option<Uuid>,
    ) -> Option<Result<Attempt, Refusal>> {
        let run = &self.runs[self.attempts.get(&token)?].row;
        let refusal = if job_id.is_some_and(|job_id| job_id != run.job_id) {
            let message = "expected a new token for each attempt; another job uses this one";
            Refusal::new(RefusalCode::Conflict, Some("attemptToken"), message)
        } else if run.agent_id != agent_id {
            let message = "another agent started this attempt";
            Refusal::new(RefusalCode::Conflict, Some("agentId"), message)
        } else if run.agent_state.is_terminal() {
            let message = "this attempt has finished";
            Refusal::new(RefusalCode::AlreadyFinished, Some("attemptToken"), message)
        } else {
            let (run_id, job_id) = (run.id, run.job_id);
            return Some(Ok(Attempt { run_id, job_id, token, is_repeat: true }));
        };
        Some(Err(refusal))
    }

    /// Creates the run of a queued job.
    fn begin(&mut self, start: &Start) -> Result<Attempt, Refusal> {
        let Start { job_id, agent_id, token } = *start;
        let (now, run_id) = (self.now, Uuid::now_v7());
        let job = self.jobs.get_mut(&job_id).expect("the job was loaded");
        let path = next(job.row.state, Event::Claim)?;
        // The waiting time counts from the time that it is due.
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
        self.runs.insert(run_id, Tracked::new(run));
        self.attempts.insert(token, run_id);
        // The history of the queued job belongs to this attempt.
        self.started.push((job_id, run_id));
        for event in self.events.iter_mut().filter(|event| event.job_id == job_id) {
            event.run_id.get_or_insert(run_id);
        }
        self.move_run(run_id, path, &Actor::Agent, None);
        Ok(Attempt { run_id, job_id, token, is_repeat: false })
    }
}
