//! Group commit: one writer takes the operations of all requests, commits those that wait in one
//! transaction, and then responds to each request. Under load the batches grow, and with them the rate
//! of operations; a single request does not wait for others.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DbBackend, DbErr};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use super::fair_queue::{Batch, FairQueue, Part};
use super::fast_path;
use super::last_seen::LastSeen;
use super::op::{Op, Outcome, Receipt};
use super::unit_of_work::{BatchError, UnitOfWork};
use super::write_queue::WriteQueue;
use crate::clock;
use crate::db::{Db, Failure};
use crate::error::{ApiError, ErrorCode};
use crate::metrics;

/// How many batches are committed concurrently on PostgreSQL: while one waits for the disk, the next
/// is prepared.
const POSTGRES_WORKERS: usize = 2;

/// How often a batch is tried that conflicts with other transactions.
const MAX_TRIES: u32 = 5;

/// The running writer.
#[derive(Debug)]
pub struct Writer {
    queue: WriteQueue,
    pending: Arc<FairQueue>,
    workers: Vec<JoinHandle<()>>,
    last_seen: Arc<LastSeen>,
}

impl Writer {
    /// Starts a writer for this database.
    pub fn start(db: &Db) -> Self {
        let (pending, jobs_queued) = (Arc::<FairQueue>::default(), Arc::<Notify>::default());
        let workers = if db.backend() == DbBackend::Postgres { POSTGRES_WORKERS } else { 1 };
        let last_seen = Arc::<LastSeen>::default();
        let run = |_| {
            let worker = Worker {
                db: db.clone(),
                pending: Arc::clone(&pending),
                jobs_queued: Arc::clone(&jobs_queued),
                last_seen: Arc::clone(&last_seen),
            };
            tokio::spawn(worker.run())
        };
        let workers = (0..workers).map(run).collect();
        tokio::spawn(Arc::clone(&last_seen).submit(Arc::clone(&pending)));
        Self {
            queue: WriteQueue::new(Arc::clone(&pending), jobs_queued),
            pending,
            workers,
            last_seen,
        }
    }

    pub fn queue(&self) -> WriteQueue {
        self.queue.clone()
    }

    /// Commits what was submitted so far and stops.
    pub async fn stop(self) {
        let sightings = self.last_seen.drain();
        if !sightings.is_empty() {
            // If the queue is full they are lost; the agents' next reports make up for that.
            _ = self.pending.push(None, vec![Op::RecordSightings(sightings)]);
        }
        self.pending.close();
        for worker in self.workers {
            if let Err(error) = worker.await {
                tracing::error!(%error, "a writer task has panicked");
            }
        }
    }
}

/// A task that commits one batch at a time.
struct Worker {
    db: Db,
    pending: Arc<FairQueue>,
    jobs_queued: Arc<Notify>,
    last_seen: Arc<LastSeen>,
}

impl Worker {
    async fn run(self) {
        while let Some(batch) = self.pending.next_batch().await {
            // Heartbeats are committed and answered before claims and bulk actions of others are written.
            for batch in batch.split_by_cost() {
                let count = batch.parts().iter().map(|part| part.ops().len()).sum();
                if count == 0 {
                    continue;
                }
                let started = Instant::now();
                let span = tracing::info_span!("batch", ops = count);
                let outcomes = self.write_batch(&batch).instrument(span).await;
                metrics::batch(count, started.elapsed());
                self.pending.complete(batch, outcomes);
            }
        }
    }

    /// Writes a batch. Returns the outcomes of each part.
    async fn write_batch(&self, batch: &Batch) -> Vec<Result<Vec<Outcome>, ApiError>> {
        let parts = batch.parts();
        let ops: Vec<&Op> = parts.iter().flat_map(Part::ops).collect();
        let mut outcomes: Vec<Option<Outcome>> = vec![None; ops.len()];
        let now = clock::now();
        let mut failure = match fast_path::write(&self.db, &ops, now).await {
            Ok((written, agents_seen)) => {
                self.last_seen.record(agents_seen, now);
                for (index, receipt) in written {
                    outcomes[index] = Some(Ok(Receipt::Report(receipt)));
                }
                None
            }
            // A conflict of two writers passes; the rest of the batch is tried below.
            Err(error) if is_transient(&error) => None,
            Err(error) => Some(self.db.write_failed(error).into()),
        };
        // A database that cannot be used now cannot be used a moment later.
        let has_code = |failure: &Option<ApiError>, code| {
            failure.as_ref().is_some_and(|error| error.code == code)
        };
        if !has_code(&failure, ErrorCode::DatabaseUnavailable) {
            let rest: Vec<usize> =
                (0..ops.len()).filter(|index| outcomes[*index].is_none()).collect();
            let rest_ops: Vec<_> = rest.iter().map(|index| ops[*index]).collect();
            failure = match self.write(&rest_ops).await {
                Ok(written) => {
                    for (index, outcome) in rest.into_iter().zip(written) {
                        outcomes[index] = Some(outcome);
                    }
                    None
                }
                Err(error) => Some(error),
            };
        }

        let mut outcomes = outcomes.into_iter();
        let mut of_parts = Vec::with_capacity(parts.len());
        for part in parts {
            let of_part: Vec<_> = outcomes.by_ref().take(part.ops().len()).collect();
            let of_part = match of_part.into_iter().collect::<Option<Vec<_>>>() {
                Some(outcomes) => Ok(outcomes),
                // One part may have made the others fail: each is tried alone.
                None if parts.len() > 1 && has_code(&failure, ErrorCode::Internal) => {
                    self.write(&part.ops().iter().collect::<Vec<_>>()).await
                }
                None => Err(failure.clone().unwrap_or_else(ApiError::internal)),
            };
            if let Ok(outcomes) = &of_part
                && outcomes.iter().zip(part.ops()).any(|(outcome, op)| queues(outcome, op))
            {
                self.jobs_queued.notify_waiters();
            }
            of_parts.push(of_part);
        }
        of_parts
    }

    /// Applies ops in one transaction.
    async fn write(&self, ops: &[&Op]) -> Result<Vec<Outcome>, ApiError> {
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_write(ops).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(error) if tries < MAX_TRIES && error.is_transient() => {
                    tracing::debug!(%error, tries, "retrying a batch after a conflict");
                    sleep(Duration::from_millis(2) * tries).await;
                }
                Err(BatchError::Database(error)) => return Err(self.db.write_failed(error).into()),
                Err(error @ BatchError::Raced) => {
                    tracing::warn!(%error, tries, "gave up a batch after repeated conflicts");
                    return Err(ApiError::unavailable());
                }
            }
        }
    }

    async fn try_write(&self, ops: &[&Op]) -> Result<Vec<Outcome>, BatchError> {
        let transaction = self.db.begin_write().await?;
        let mut unit = UnitOfWork::load(&transaction, ops, clock::now()).await?;
        // Read after the rows are locked, so that later changes of a job have later dates.
        unit.now = clock::now();
        let outcomes = ops.iter().map(|op| unit.apply(op)).collect();
        let (agents_seen, now) = (mem::take(&mut unit.agents_seen), unit.now);
        unit.save(&transaction).await?;
        transaction.commit().await?;
        self.last_seen.record(agents_seen, now);
        Ok(outcomes)
    }
}

impl BatchError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Raced => true,
            Self::Database(error) => is_transient(error),
        }
    }
}

/// Whether an operation has queued a job.
fn queues(outcome: &Outcome, op: &Op) -> bool {
    outcome.is_ok() && matches!(op, Op::Queue(_) | Op::Retry { .. })
}

/// Whether it is a conflict with another transaction, which a retry resolves.
fn is_transient(error: &DbErr) -> bool {
    // On PostgreSQL, concurrent inserts of the same row do not see each other.
    matches!(Failure::of(error), Failure::Conflict | Failure::Duplicate)
}
