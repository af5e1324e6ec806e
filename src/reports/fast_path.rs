//! The fast path for reports of progress, which are nearly all reports: the state stays, only the
//! numbers are new. One conditional statement writes them. Reports whose condition fails are left to the
//! unit of work, which finds out why.

use std::collections::HashSet;

use entity::{Columns, Long, ProcessingState, Table as _, Timestamp, job_run};
use sea_orm::{ConnectionTrait, DbErr, Value};
use uuid::Uuid;

use super::machine::Phase;
use super::op::{
    AgentReport, Op, ProcessingReport, ReportReceipt, ReportStatus, RunValues, Transition, check,
};
use crate::db::{Db, Sql};
use crate::jobs::store::{self, RowSet};

/// A kind of report: an agent's or the pipeline's.
struct Kind {
    /// What must hold of the run for the report to be progress only.
    condition: &'static str,
    /// A column with a date that must not be before the start, and the condition that checks it.
    date: Option<(job_run::Column, &'static str)>,
    sequence: job_run::Column,
    /// The columns that are set to now.
    stamps: &'static [job_run::Column],
}

const AGENT: Kind = Kind {
    // Not `=`, which could make the planner use the index on tokens instead of the primary key.
    condition: " AND job_run.attempt_token IS NOT DISTINCT FROM v.attempt_token \
                 AND coalesce(job_run.agent_sequence, -1) < v.agent_sequence \
                 AND job_run.agent_state IN ('Executing', 'Cancelling')",
    date: Some((
        job_run::Column::AgentLastSubmittedDate,
        " AND (v.agent_last_submitted_date IS NULL OR job_run.agent_start_time IS NULL \
         OR v.agent_last_submitted_date >= job_run.agent_start_time)",
    )),
    sequence: job_run::Column::AgentSequence,
    stamps: &[job_run::Column::AgentReportDate, job_run::Column::UpdateDate],
};

const PROCESSING: Kind = Kind {
    condition: " AND coalesce(job_run.processing_sequence, -1) < v.processing_sequence \
                 AND job_run.processing_state = 'Executing'",
    date: None,
    sequence: job_run::Column::ProcessingSequence,
    stamps: &[job_run::Column::ProcessingUpdatedDate, job_run::Column::UpdateDate],
};

/// Writes the reports among these ops that are progress only. Returns the index and the receipt of each
/// that was written, and the agents that they came from.
pub async fn write(
    db: &Db,
    ops: &[&Op],
    now: Timestamp,
) -> Result<(Vec<(usize, ReportReceipt)>, HashSet<Uuid>), DbErr> {
    // Only the first report on a run: the second depends on its outcome.
    let mut runs_met = HashSet::new();
    let (mut agent, mut processing) = (ReportSet::new(&AGENT), ReportSet::new(&PROCESSING));
    for (index, op) in ops.iter().enumerate() {
        match op {
            Op::Agent(report)
                if runs_met.insert(report.run_id) && is_agent_progress(report, now) =>
            {
                let token = (job_run::Column::AttemptToken, report.token.into());
                agent.add(
                    index,
                    report.run_id,
                    report.sequence,
                    &report.progress,
                    Some(token),
                    now,
                );
            }
            Op::Processing(report)
                if runs_met.insert(report.run_id) && is_processing_progress(report, now) =>
            {
                processing.add(index, report.run_id, report.sequence, &report.progress, None, now);
            }
            Op::Expire(expired) => {
                runs_met.insert(expired.run_id);
            }
            _ => {}
        }
    }
    let (mut written, agents_seen) = agent.write(db).await?;
    written.extend(processing.write(db).await?.0);
    Ok((written, agents_seen))
}

fn is_agent_progress(report: &AgentReport, now: Timestamp) -> bool {
    matches!(report.transition, Transition::Stay | Transition::Reach(Phase::Executing))
        && has_no(
            &report.progress,
            &[job_run::Column::AgentStartTime, job_run::Column::AgentEndTime],
        )
        && check(&report.progress, report.sequence, now).is_ok()
}

fn is_processing_progress(report: &ProcessingReport, now: Timestamp) -> bool {
    matches!(report.state, None | Some(ProcessingState::Executing))
        && has_no(
            &report.progress,
            &[
                job_run::Column::ProcessingQueuedDate,
                job_run::Column::ProcessingStartTime,
                job_run::Column::ProcessingEndTime,
            ],
        )
        && check(&report.progress, report.sequence, now).is_ok()
}

fn has_no(progress: &RunValues, columns: &[job_run::Column]) -> bool {
    !progress
        .iter()
        .any(|(column, _)| columns.iter().any(|each| *each as usize == *column as usize))
}

/// Reports of one kind.
struct ReportSet {
    kind: &'static Kind,
    set: RowSet<job_run::Entity>,
    /// The run and the sequence of each row, and its index among the ops.
    reports: Vec<(Uuid, i64, usize)>,
    nulls: Vec<Value>,
}

impl ReportSet {
    fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            set: RowSet { columns: Columns::none(), rows: Vec::new() },
            reports: Vec::new(),
            nulls: job_run::Entity::fields().iter().map(|field| field.kind.null()).collect(),
        }
    }

    fn add(
        &mut self,
        index: usize,
        run_id: Uuid,
        sequence: i64,
        progress: &RunValues,
        token: Option<(job_run::Column, Value)>,
        now: Timestamp,
    ) {
        let mut row = self.nulls.clone();
        let mut set = |column: job_run::Column, value: Value| {
            let place = column as usize;
            self.set.columns.insert_at(place);
            row[place] = value;
        };
        set(job_run::Column::Id, run_id.into());
        set(self.kind.sequence, Long(sequence).into());
        for column in self.kind.stamps {
            set(*column, now.into());
        }
        for (column, value) in progress.iter().cloned().chain(token) {
            set(column, value);
        }
        self.set.rows.push(row);
        self.reports.push((run_id, sequence, index));
    }

    async fn write(
        mut self,
        db: &Db,
    ) -> Result<(Vec<(usize, ReportReceipt)>, HashSet<Uuid>), DbErr> {
        if self.set.rows.is_empty() {
            return Ok((Vec::new(), HashSet::new()));
        }
        // Ordered by id, so that replicas cannot deadlock.
        let id = job_run::Column::Id as usize;
        self.set.rows.sort_by_key(|row| match row[id] {
            Value::Uuid(id) => id,
            _ => None,
        });
        self.reports.sort_unstable();

        let mut written = Vec::with_capacity(self.reports.len());
        let columns = self.set.columns;
        let mut chunks: Vec<_> = self.set.chunks(db.backend()).collect();
        if let [rows] = chunks.as_mut_slice() {
            written = update(db.writer(), self.kind, columns, rows).await?;
        } else {
            let transaction = db.begin_write().await?;
            for rows in chunks {
                written.extend(update(&transaction, self.kind, columns, rows).await?);
            }
            transaction.commit().await?;
        }
        let agents = written.iter().map(|written| written.agent_id).collect();
        let receipt = |Written { run_id, cancellation_requested, .. }| {
            let found = self.reports.binary_search_by_key(&run_id, |(id, ..)| *id).ok()?;
            let (_, sequence, index) = self.reports[found];
            let receipt = ReportReceipt {
                status: ReportStatus::Accepted,
                refusal: None,
                last_sequence: Some(sequence),
                cancellation_requested,
                is_active: true,
            };
            Some((index, receipt))
        };
        Ok((written.into_iter().filter_map(receipt).collect(), agents))
    }
}

/// A run whose row was updated.
struct Written {
    run_id: Uuid,
    agent_id: Uuid,
    cancellation_requested: bool,
}

/// Updates the rows that meet the condition of their kind. Returns them.
async fn update(
    db: &impl ConnectionTrait,
    kind: &Kind,
    columns: Columns<job_run::Entity>,
    rows: &mut [Vec<Value>],
) -> Result<Vec<Written>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let compared = Columns::none().with(job_run::Column::AttemptToken);
    store::push_update(&mut sql, columns, compared, rows, store::Null::Keeps);
    sql.push(kind.condition);
    if let Some((column, condition)) = kind.date
        && columns.contains(column)
    {
        sql.push(condition);
    }
    sql.push(" RETURNING job_run.id, job_run.agent_id, ")
        .push("job_run.agent_result_is_cancellation_requested");
    sql.all(db)
        .await?
        .iter()
        .map(|row| {
            Ok(Written {
                run_id: row.try_get_by_index(0)?,
                agent_id: row.try_get_by_index(1)?,
                cancellation_requested: row.try_get_by_index(2)?,
            })
        })
        .collect()
}
