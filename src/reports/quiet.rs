//! Reports of mere progress, which are nearly all of them: the run goes on as before, only its
//! numbers are new. One statement writes them, on condition that each is what it seems; those
//! that are not are left for the rules to answer.

use std::collections::HashSet;

use entity::{Columns, Long, ProcessingState, Table as _, Timestamp, job_run};
use sea_orm::{ConnectionTrait, DbErr, Value};
use uuid::Uuid;

use super::machine::Phase;
use super::op::{
    AgentReport, Op, ProcessingReport, Progress, ReportReceipt, ReportStatus, Step, check,
};
use crate::db::{Db, Sql};
use crate::jobs::store::{self, RowSet};

/// Whose reports a statement writes, and when it may.
struct Side {
    condition: &'static str,
    /// The moment in a report that must not be before the start, and the start.
    date: Option<(job_run::Column, &'static str)>,
    sequence: job_run::Column,
    /// The column that says until when the side goes on.
    stamps: &'static [job_run::Column],
}

const AGENT: Side = Side {
    // Not by `=`: the run is looked up by its id, never by the index of tokens.
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

const PROCESSING: Side = Side {
    condition: " AND coalesce(job_run.processing_sequence, -1) < v.processing_sequence \
                 AND job_run.processing_state = 'Executing'",
    date: None,
    sequence: job_run::Column::ProcessingSequence,
    stamps: &[job_run::Column::ProcessingUpdatedDate, job_run::Column::UpdateDate],
};

/// Writes the reports among these ops that are of mere progress. Returns the place of each that
/// was written, with the answer to it, and the agents that they came from.
pub async fn write(
    db: &Db,
    ops: &[&Op],
    now: Timestamp,
) -> Result<(Vec<(usize, ReportReceipt)>, HashSet<Uuid>), DbErr> {
    // Two reports on one run are written one after the other: the later is for the rules.
    let mut met = HashSet::new();
    let (mut agent, mut processing) = (Reports::new(&AGENT), Reports::new(&PROCESSING));
    for (place, op) in ops.iter().enumerate() {
        match op {
            Op::Agent(report) if met.insert(report.run_id) && is_agent_quiet(report, now) => {
                let token = (job_run::Column::AttemptToken, report.token.into());
                agent.add(
                    place,
                    report.run_id,
                    report.sequence,
                    &report.progress,
                    Some(token),
                    now,
                );
            }
            Op::Processing(report)
                if met.insert(report.run_id) && is_processing_quiet(report, now) =>
            {
                processing.add(place, report.run_id, report.sequence, &report.progress, None, now);
            }
            Op::Lose(lost) => {
                met.insert(lost.run_id);
            }
            _ => {}
        }
    }
    let (mut written, callers) = agent.write(db).await?;
    written.extend(processing.write(db).await?.0);
    Ok((written, callers))
}

fn is_agent_quiet(report: &AgentReport, now: Timestamp) -> bool {
    matches!(report.step, Step::Stay | Step::Reach(Phase::Executing))
        && has_no(
            &report.progress,
            &[job_run::Column::AgentStartTime, job_run::Column::AgentEndTime],
        )
        && check(&report.progress, report.sequence, now).is_ok()
}

fn is_processing_quiet(report: &ProcessingReport, now: Timestamp) -> bool {
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

fn has_no(progress: &Progress, columns: &[job_run::Column]) -> bool {
    !progress
        .iter()
        .any(|(column, _)| columns.iter().any(|each| *each as usize == *column as usize))
}

/// Reports of one side, in the order of their runs.
struct Reports {
    side: &'static Side,
    set: RowSet<job_run::Entity>,
    /// The run and the sequence of each row, and its place among the ops.
    places: Vec<(Uuid, i64, usize)>,
    nulls: Vec<Value>,
}

impl Reports {
    fn new(side: &'static Side) -> Self {
        Self {
            side,
            set: RowSet { columns: Columns::none(), rows: Vec::new() },
            places: Vec::new(),
            nulls: job_run::Entity::fields().iter().map(|field| field.kind.null()).collect(),
        }
    }

    fn add(
        &mut self,
        place: usize,
        run_id: Uuid,
        sequence: i64,
        progress: &Progress,
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
        set(self.side.sequence, Long(sequence).into());
        for column in self.side.stamps {
            set(*column, now.into());
        }
        for (column, value) in progress.iter().cloned().chain(token) {
            set(column, value);
        }
        self.set.rows.push(row);
        self.places.push((run_id, sequence, place));
    }

    async fn write(
        mut self,
        db: &Db,
    ) -> Result<(Vec<(usize, ReportReceipt)>, HashSet<Uuid>), DbErr> {
        if self.set.rows.is_empty() {
            return Ok((Vec::new(), HashSet::new()));
        }
        // In the order of their ids, so that replicas do not wait for each other in a circle.
        let id = job_run::Column::Id as usize;
        self.set.rows.sort_by_key(|row| match row[id] {
            Value::Uuid(id) => id,
            _ => None,
        });
        self.places.sort_unstable();

        let mut written = Vec::with_capacity(self.places.len());
        let columns = self.set.columns;
        let mut chunks: Vec<_> = self.set.chunks(db.backend()).collect();
        if let [rows] = chunks.as_mut_slice() {
            written = update(db.writer(), self.side, columns, rows).await?;
        } else {
            let transaction = db.begin_write().await?;
            for rows in chunks {
                written.extend(update(&transaction, self.side, columns, rows).await?);
            }
            transaction.commit().await?;
        }
        let agents = written.iter().map(|written| written.agent_id).collect();
        let receipt = |Written { run_id, cancellation_requested, .. }| {
            let index = self.places.binary_search_by_key(&run_id, |(id, ..)| *id).ok()?;
            let (_, sequence, place) = self.places[index];
            let receipt = ReportReceipt {
                status: ReportStatus::Accepted,
                refusal: None,
                last_sequence: Some(sequence),
                cancellation_requested,
                goes_on: true,
            };
            Some((place, receipt))
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

/// Updates rows on the side's condition. Returns those that fulfilled it.
async fn update(
    db: &impl ConnectionTrait,
    side: &Side,
    columns: Columns<job_run::Entity>,
    rows: &mut [Vec<Value>],
) -> Result<Vec<Written>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let compared = Columns::none().with(job_run::Column::AttemptToken);
    store::push_update(&mut sql, columns, compared, rows, store::Null::Keeps);
    sql.push(side.condition);
    if let Some((column, condition)) = side.date
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
