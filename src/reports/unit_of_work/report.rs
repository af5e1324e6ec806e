//! Reports of agents and of the pipeline, and expired leases.

use entity::{Long, ProcessingState, job_run};

use super::{Tracked, UnitOfWork};
use crate::reports::machine::{Event, next};
use crate::reports::op::{
    Actor, AgentReport, ExpiredLease, ProcessingReport, Refusal, RefusalCode, ReportReceipt,
    ReportStatus, Transition, check, check_order,
};

impl UnitOfWork {
    pub(super) fn agent_report(&mut self, report: &AgentReport) -> ReportReceipt {
        let Some(run) = self.runs.get(&report.run_id).map(|tracked| &tracked.row) else {
            return refused(None, Refusal::not_found("runId", "run"));
        };
        if run.attempt_token != Some(report.token) {
            let message = "expected the token of the run's own attempt";
            // Reveals nothing about the run.
            let refusal = Refusal::new(RefusalCode::WrongToken, Some("attemptToken"), message);
            return refused(None, refusal);
        }
        self.agents_seen.insert(run.agent_id);
        if run.agent_sequence.is_some_and(|last| report.sequence <= last.0) {
            return receipt(run, ReportStatus::Repeated, run.agent_sequence);
        }
        let event = match report.transition {
            Transition::Stay => Event::Heartbeat,
            Transition::Reach(phase) => Event::Report(phase),
            Transition::Finish(ending) => Event::Finish(ending),
        };
        let checked = check(&report.progress, report.sequence, self.now)
            .and_then(|()| check_order(&report.progress, run))
            .and_then(|()| next(run.agent_state, event));
        let path = match checked {
            Ok(path) => path,
            Err(refusal) => return refused(Some(run), refusal),
        };

        let now = self.now;
        let run = self.runs.get_mut(&report.run_id).expect("it was looked up above");
        for (column, value) in &report.progress {
            run.set(*column, value.clone());
        }
        run.set(job_run::Column::AgentSequence, Long(report.sequence));
        run.set(job_run::Column::AgentReportDate, now);
        run.set(job_run::Column::UpdateDate, now);
        let message = match report.transition {
            Transition::Finish(_) => run.row.agent_result_message.clone(),
            _ => None,
        };
        self.move_run(report.run_id, path, &Actor::Agent, message.as_deref());
        let run = &self.runs[&report.run_id].row;
        receipt(run, ReportStatus::Accepted, run.agent_sequence)
    }

    pub(super) fn processing_report(&mut self, report: &ProcessingReport) -> ReportReceipt {
        use job_run::Column::{
            ProcessingEndTime, ProcessingQueuedDate, ProcessingSequence, ProcessingStartTime,
            ProcessingUpdatedDate, UpdateDate,
        };

        let is_finished = |state: Option<ProcessingState>| {
            matches!(state, Some(ProcessingState::Completed | ProcessingState::Failed))
        };
        let now = self.now;
        let Some(run) = self.runs.get_mut(&report.run_id) else {
            return refused(None, Refusal::not_found("runId", "run"));
        };
        let last = run.row.processing_sequence;
        let receipt = |run: &Tracked<job_run::Entity>, status| ReportReceipt {
            status,
            refusal: None,
            last_sequence: run.row.processing_sequence.map(|last| last.0),
            cancellation_requested: run.row.agent_result_is_cancellation_requested,
            is_active: !is_finished(run.row.processing_state),
        };
        if last.is_some_and(|last| report.sequence <= last.0) {
            return receipt(run, ReportStatus::Repeated);
        }
        let checked = if is_finished(run.row.processing_state) {
            let message = "its processing has already finished";
            Err(Refusal::new(RefusalCode::AlreadyFinished, None, message))
        } else {
            check(&report.progress, report.sequence, now)
                .and_then(|()| check_order(&report.progress, &run.row))
        };
        if let Err(refusal) = checked {
            return ReportReceipt { refusal: Some(refusal), ..receipt(run, ReportStatus::Refused) };
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
            if is_finished(Some(state)) && run.row.processing_end_time.is_none() {
                run.set(ProcessingEndTime, now);
            }
        }
        run.set(ProcessingSequence, Long(report.sequence));
        run.set(ProcessingUpdatedDate, now);
        run.set(UpdateDate, now);
        receipt(run, ReportStatus::Accepted)
    }

    pub(super) fn expire(&mut self, expired: &ExpiredLease) -> ReportReceipt {
        let Some(run) = self.runs.get_mut(&expired.run_id) else {
            return refused(None, Refusal::not_found("runId", "run"));
        };
        let path = match next(run.row.agent_state, Event::LeaseExpired) {
            // It has reported meanwhile.
            Ok(_) if run.row.agent_report_date != expired.last_heartbeat => {
                return receipt(&run.row, ReportStatus::Repeated, run.row.agent_sequence);
            }
            Ok(path) => path,
            Err(refusal) => return refused(Some(&run.row), refusal),
        };
        run.set(job_run::Column::AgentResultMessage, expired.message.as_str());
        run.set(job_run::Column::UpdateDate, self.now);
        self.move_run(expired.run_id, path, &Actor::Service, Some(&expired.message));
        receipt(&self.runs[&expired.run_id].row, ReportStatus::Accepted, None)
    }
}

/// The receipt for a run in its current state.
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
        is_active: !run.agent_state.is_terminal(),
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
