//! The row of a run at some moment of its plan.

use entity::{JobState, Long, Millis, Timestamp, job_run};

use super::dates::{millis, moment};
use super::plan::{Ending, RunPlan};

impl RunPlan {
    /// The run as its agent and the server would have reported it at this moment: the same plan
    /// gives the same row for the same moment, and counters never fall from one to a later one.
    pub fn at(&self, now: Timestamp) -> job_run::Model {
        let at = millis(now).max(self.queued);
        let (state, _) = self.state(at);
        let mut run = job_run::Model {
            id: self.id,
            job_id: self.job_id,
            agent_id: self.agent_id,
            agent_key: self.agent_key.to_string(),
            agent_state: state,
            agent_queued_date: Some(moment(self.queued)),
            ..job_run::Model::default()
        };
        if at < self.started {
            run.update_date = run.agent_queued_date;
            return run;
        }
        self.fill_dates(&mut run, at);
        self.fill_counts(&mut run, at);
        if let Some(submitted) = self.submitted(at) {
            self.work.processing.fill(&mut run, &submitted, at);
        }
        let agent = moment(at.min(self.agent_end()));
        run.update_date = run.processing_updated_date.max(Some(agent));
        run
    }

    /// The run when this part of its agent phase has passed: 0 is its start, 1 its end.
    pub fn at_part(&self, part: f64) -> job_run::Model {
        self.at(self.moment(part))
    }

    fn fill_dates(&self, run: &mut job_run::Model, at: i64) {
        let end = self.agent_end();
        run.agent_start_time = Some(moment(self.started));
        run.agent_elapsed_queued_time = Some(Millis(self.started - self.queued));
        run.agent_elapsed_execution_time = Some(Millis(at.min(end) - self.started));
        run.agent_result_is_cancellation_requested =
            matches!(self.state(at).0, JobState::Cancelling | JobState::Cancelled);
        if at >= end {
            run.agent_end_time = Some(moment(end));
            run.agent_result_is_success = Some(self.ending == Ending::Completed);
            run.agent_result_message.clone_from(&self.last_word);
        }
    }

    fn fill_counts(&self, run: &mut job_run::Model, at: i64) {
        let (work, done) = (&self.work, self.done(at));
        let (found, processed) = (work.tasks_found(done), work.tasks_done(done));
        let failed = work.tasks_failed(processed);
        run.agent_percent_completed = work.says_percent.then(|| work.percent(done));
        run.agent_expected_tasks_count = work.expects_tasks.then_some(Long(work.tasks));
        run.agent_tasks_count = Some(Long(found));
        run.agent_tasks_queued_count = Some(Long(found - processed));
        run.agent_tasks_completed_count = Some(Long(processed - failed));
        run.agent_tasks_failed_count = Some(Long(failed));

        let batches = self.batches(at);
        let (tried, failed) = self.clues_in(batches);
        let found = work.clues_found(done).max(tried);
        run.agent_clues_count = Some(Long(found));
        run.agent_clues_queued_count = Some(Long(found - tried));
        run.agent_clues_completed_count = Some(Long(tried - failed));
        run.agent_clues_failed_count = Some(Long(failed));
        run.agent_last_submitted_date =
            (tried > failed).then(|| moment(self.batch_date(batches).min(at)));
    }
}
