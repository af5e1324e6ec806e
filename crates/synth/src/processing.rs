//! The processing phase of a run: how the clues that the agent submitted become records.

use entity::{Long, ProcessingState, job_run};
use rand::Rng;

use super::dates::{SECOND, moment};
use super::random::{Draw, float, share, whole};

/// How the processing phase goes.
#[derive(Clone, Debug)]
pub struct Processing {
    /// From the first submission to the beginning of processing, in milliseconds.
    pub lag: i64,
    /// From the last submission to the end of processing, in milliseconds beyond the lag.
    pub tail: i64,
    /// Where it gives up, if it does: after this part of the time between the last submission
    /// and the end.
    pub gives_up: Option<f64>,
    /// What parts of its tasks fail and are skipped.
    pub failed: f64,
    pub skipped: f64,
    /// What parts of the completed tasks changed nothing, and why. In all no more than 1.
    pub already_exists: f64,
    pub already_up_to_date: f64,
    pub ignored: f64,
    /// Retries for each task.
    pub retries: f64,
    /// Clues in a payload. At least one.
    pub payload: i64,
    /// Log lines for each clue.
    pub log_lines: f64,
}

impl Processing {
    /// How the processing of a run goes whose agent works for so many seconds.
    pub fn draw(seconds: f64, rng: &mut impl Rng) -> Self {
        let (known, of_known) = (rng.between(0.0, 0.9), rng.unit());
        Self {
            lag: whole(rng.log_normal(2_500.0, 0.9)),
            tail: SECOND + whole(seconds * 1_000.0 * rng.log_normal(0.15, 1.1)),
            gives_up: rng.chance(0.002).then(|| rng.unit()),
            failed: if rng.chance(0.3) { rng.between(0.0, 0.01) } else { 0.0 },
            skipped: if rng.chance(0.4) { rng.between(0.0, 0.05) } else { 0.0 },
            already_exists: known * of_known,
            already_up_to_date: known * (1.0 - of_known),
            ignored: rng.between(0.0, 0.06),
            retries: if rng.chance(0.4) { rng.between(0.0, 0.02) } else { 0.0 },
            payload: rng.random_range(20..200),
            log_lines: rng.between(0.0, 0.3),
        }
    }
}

/// What the agent has submitted at some moment, and will have. Moments are in milliseconds since
/// 1970.
#[derive(Clone, Copy, Debug)]
pub struct Submitted {
    pub first: i64,
    pub last: i64,
    /// How many clues it has submitted.
    pub clues: i64,
    /// How many it will have submitted at the end.
    pub clues_in_all: i64,
}

impl Processing {
    /// When it begins.
    fn start(&self, submitted: &Submitted) -> i64 {
        submitted.first + self.lag
    }

    /// When it would end if it did not give up.
    fn full_end(&self, submitted: &Submitted) -> i64 {
        submitted.last + self.lag + self.tail.max(1)
    }

    /// When it ends.
    pub fn end(&self, submitted: &Submitted) -> i64 {
        let full = self.full_end(submitted);
        self.gives_up.map_or(full, |part| {
            let from = submitted.last.max(self.start(submitted));
            from + share(full - from, part)
        })
    }

    /// Fills in the processing half of a run at a moment at or after the first submission.
    pub fn fill(&self, run: &mut job_run::Model, submitted: &Submitted, at: i64) {
        let (start, end) = (self.start(submitted), self.end(submitted));
        let state = match self.gives_up {
            _ if at < start => ProcessingState::Queued,
            _ if at < end => ProcessingState::Executing,
            None => ProcessingState::Completed,
            Some(_) => ProcessingState::Failed,
        };
        run.processing_state = Some(state);
        run.processing_queued_date = Some(moment(submitted.first));
        run.processing_start_time = (at >= start).then(|| moment(start));
        run.processing_end_time = (at >= end).then(|| moment(end));
        let updated = if at < start { submitted.first } else { at.min(end) };
        run.processing_updated_date = Some(moment(updated));

        let span = float(self.full_end(submitted) - start);
        let passed = float(at.min(end) - start) / span;
        let done = share(submitted.clues_in_all, passed).min(submitted.clues);
        let waiting = submitted.clues - done;
        // Nothing is in flight at the end: what was submitted has arrived.
        let received = if at < start { 0 } else { submitted.clues - share(waiting, 0.05) };
        let (failed, skipped) = (share(done, self.failed), share(done, self.skipped));
        let completed = done - failed - skipped;
        let exists = share(completed, self.already_exists);
        let up_to_date = share(completed - exists, self.already_up_to_date);
        let ignored = share(completed - exists - up_to_date, self.ignored);
        run.processing_tasks_count = Some(Long(submitted.clues));
        run.processing_tasks_queued_count = Some(Long(waiting));
        run.processing_tasks_completed_count = Some(Long(completed));
        run.processing_tasks_failed_count = Some(Long(failed));
        run.processing_tasks_skipped_count = Some(Long(skipped));
        run.processing_task_retries_count = Some(Long(share(done, self.retries) + 2 * failed));
        run.processing_tasks_already_exists_count = Some(Long(exists));
        run.processing_tasks_already_up_to_date_count = Some(Long(up_to_date));
        run.processing_tasks_ignored_count = Some(Long(ignored));
        let payloads = received.div_euclid(self.payload) + i64::from(received % self.payload > 0);
        run.processing_tasks_received_payloads_count = Some(Long(payloads));
        run.processing_tasks_received_clues_count = Some(Long(received));
        let log_lines = share(received, self.log_lines);
        run.processing_tasks_received_log_lines_count = Some(Long(log_lines));
    }
}
