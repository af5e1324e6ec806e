//! What operators change: they queue, cancel and retry jobs.

use entity::{JobState, Timestamp, job, job_run};
use uuid::Uuid;

use super::{Tracked, UnitOfWork};
use crate::reports::machine::{Event, next};
use crate::reports::op::{Actor, Cancel, NewJob, Outcome, Receipt, Refusal};

impl UnitOfWork {
    pub(super) fn queue(&mut self, new: &NewJob) -> Outcome {
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
        self.jobs.insert(id, Tracked::new(row));
        self.record(id, None, JobState::Queued, &new.by, None);
        Ok(Receipt::Job { job_id: id, is_repeat: false })
    }

    pub(super) fn cancel(&mut self, cancel: &Cancel) -> Outcome {
        let Cancel { job_id, ref reason, ref by, force } = *cancel;
        let Some(job) = self.jobs.get(&job_id).map(|tracked| &tracked.row) else {
            return Err(Refusal::not_found("jobId", "job"));
        };
        let event = if force { Event::ForceCancel } else { Event::Cancel };
        let path = next(job.state, event)?;
        let now = self.now;
        // A queued job has no run, and an imported one may have none.
        let run_id = job.current_run_id.filter(|id| self.runs.contains_key(id));
        let Some(run_id) = run_id else {
            for state in path {
                self.record(job_id, None, *state, by, reason.as_deref());
                let job = self.jobs.get_mut(&job_id).expect("it was looked up above");
                job.set(job::Column::State, *state);
                job.set(job::Column::UpdateDate, now);
            }
            return Ok(Receipt::Job { job_id, is_repeat: path.is_empty() });
        };
        let run = self.runs.get_mut(&run_id).expect("it was looked up above");
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

    pub(super) fn retry(&mut self, job_id: Uuid, reason: Option<&str>, by: &Actor) -> Outcome {
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
        self.record(job_id, None, JobState::Queued, by, reason);
        Ok(Receipt::Job { job_id, is_repeat: false })
    }
}
