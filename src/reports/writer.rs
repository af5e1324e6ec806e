//! Group commit: what all requests ask for meets in one writer, which applies what has gathered
//! in one transaction and then answers everyone. An answer means that it is committed. Under load
//! the batch grows, so that the rate rises to what the database takes in batches; a lone request
//! waits for nobody.

use std::fmt;
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sea_orm::{DbBackend, DbErr};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument as _;

use super::last_seen::LastSeen;
use super::op::{Claim, Op, Outcome, Receipt};
use super::queue::{Batch, Part, WriteQueue};
use super::quiet;
use super::tables::{self, BatchError};
use crate::clock;
use crate::db::{Db, Failure};
use crate::error::Error;
use crate::metrics;

/// How many batches are written side by side on PostgreSQL: while one waits for the disk, the
/// other is made.
const POSTGRES_LANES: usize = 2;

/// How often a batch is tried that others are in the way of.
const TRIES: u32 = 5;

/// How often a claim that waits looks for jobs which other replicas have queued or that have
/// become due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where ops are told to the writer. Cheap to clone; the writer stops when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Reports {
    inbox: Arc<Inbox>,
    submitter: Option<Submitter>,
}

/// A client on whose behalf ops are told.
#[derive(Clone)]
pub struct Submitter {
    pub address: IpAddr,
    /// Waits until the client may cause so many values' worth of work more.
    pub charge: Arc<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl fmt::Debug for Submitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

#[derive(Debug)]
struct Inbox {
    queue: Arc<WriteQueue>,
    /// Rings when jobs were queued here.
    queued: Arc<Notify>,
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Reports {
    /// The same on behalf of a client, whose ops take turns with those of others. Without one, each
    /// request takes turns with all others.
    pub fn of_client(&self, submitter: Submitter) -> Self {
        Self { submitter: Some(submitter), ..self.clone() }
    }

    /// Writes these ops and returns the outcome of each, once all are committed. Many are committed a
    /// piece at a time.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if too many wait already; [`Error::Unavailable`] if the database is
    /// away. Whether the ops were written is not known then; all can be told again.
    pub async fn tell(&self, ops: Vec<Op>) -> Result<Vec<Outcome>, Error> {
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(submitter) = &self.submitter {
            let values = ops.iter().filter(|op| op.is_of_operator()).map(|op| u64::from(op.cost()));
            let values: u64 = values.sum();
            if values > 0 {
                (submitter.charge)(values).await;
            }
        }
        let client = self.submitter.as_ref().map(|submitter| submitter.address);
        let answered = self.inbox.queue.add(client, ops)?;
        // A writer that stops answers nobody any more.
        answered.await.map_err(|_| Error::Unavailable)?
    }

    /// How many ops wait to be written.
    pub fn waiting(&self) -> usize {
        self.inbox.queue.len()
    }

    /// The same for a single op.
    pub async fn tell_one(&self, op: Op) -> Result<Outcome, Error> {
        self.tell(vec![op]).await?.pop().ok_or(Error::Internal)
    }

    /// Gives an agent the next job, for which it waits up to this long.
    pub async fn claim(&self, claim: Claim, wait: Duration) -> Result<Outcome, Error> {
        let end = Instant::now() + wait;
        loop {
            // Listens from before it looks, so that no job is missed in between.
            let queued = self.inbox.queued.notified();
            let outcome = self.tell_one(Op::Claim(claim.clone())).await?;
            if !matches!(outcome, Ok(Receipt::NoJob)) || Instant::now() >= end {
                return Ok(outcome);
            }
            _ = timeout_at(end.min(Instant::now() + LOOK_EVERY), queued).await;
        }
    }
}

/// The running writer.
#[derive(Debug)]
pub struct Writer {
    reports: Reports,
    lanes: Vec<JoinHandle<()>>,
    last_seen: Arc<LastSeen>,
}

impl Writer {
    /// Starts a writer to this database.
    pub fn start(db: &Db) -> Self {
        let (queue, queued) = (Arc::<WriteQueue>::default(), Arc::<Notify>::default());
        let lanes = if db.backend() == DbBackend::Postgres { POSTGRES_LANES } else { 1 };
        let last_seen = Arc::<LastSeen>::default();
        let run = |_| {
            let lane = Lane {
                db: db.clone(),
                queue: Arc::clone(&queue),
                queued: Arc::clone(&queued),
                last_seen: Arc::clone(&last_seen),
            };
            tokio::spawn(lane.run())
        };
        let lanes = (0..lanes).map(run).collect();
        tokio::spawn(Arc::clone(&last_seen).submit(Arc::clone(&queue)));
        Self {
            lanes,
            last_seen,
            reports: Reports { inbox: Arc::new(Inbox { queue, queued }), submitter: None },
        }
    }

    pub fn reports(&self) -> Reports {
        self.reports.clone()
    }

    /// Writes what was told so far and stops.
    pub async fn stop(self) {
        let queue = &self.reports.inbox.queue;
        let seen = self.last_seen.take();
        if !seen.is_empty() {
            // Without room for it, the agents are seen again elsewhere soon.
            _ = queue.add(None, vec![Op::Seen(seen)]);
        }
        queue.close();
        for lane in self.lanes {
            if let Err(error) = lane.await {
                tracing::error!(%error, "the writer has ended");
            }
        }
    }
}

struct Lane {
    db: Db,
    queue: Arc<WriteQueue>,
    queued: Arc<Notify>,
    last_seen: Arc<LastSeen>,
}

impl Lane {
    async fn run(self) {
        while let Some(batch) = self.queue.take().await {
            let started = Instant::now();
            let count = batch.parts().iter().map(|part| part.ops().len()).sum();
            let span = tracing::info_span!("batch", ops = count);
            let outcomes = self.write_batch(&batch).instrument(span).await;
            metrics::batch(count, started.elapsed());
            self.queue.put_back(batch, outcomes);
        }
    }

    /// Writes a batch. Returns the outcomes of each part.
    async fn write_batch(&self, batch: &Batch) -> Vec<Result<Vec<Outcome>, Error>> {
        let parts = batch.parts();
        let ops: Vec<&Op> = parts.iter().flat_map(Part::ops).collect();
        let mut outcomes: Vec<Option<Outcome>> = vec![None; ops.len()];
        let now = clock::now();
        let mut failure = match quiet::write(&self.db, &ops, now).await {
            Ok((written, callers)) => {
                self.last_seen.note(callers, now);
                for (place, receipt) in written {
                    outcomes[place] = Some(Ok(Receipt::Report(receipt)));
                }
                None
            }
            // Two writers may be in each other's way, which they are not for long.
            Err(error) if is_passing(&error) => None,
            Err(error) => Some(self.db.write_failed(error).into()),
        };
        // A database that is away now is not back a moment later.
        if !matches!(failure, Some(Error::Unavailable)) {
            let left: Vec<usize> =
                (0..ops.len()).filter(|place| outcomes[*place].is_none()).collect();
            let left_ops: Vec<_> = left.iter().map(|place| ops[*place]).collect();
            failure = match self.write(&left_ops).await {
                Ok(written) => {
                    for (place, outcome) in left.into_iter().zip(written) {
                        outcomes[place] = Some(outcome);
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
            let of_part = match (of_part.into_iter().collect::<Option<Vec<_>>>(), &failure) {
                (Some(outcomes), _) => Ok(outcomes),
                // One may have failed because of another: each is tried alone.
                (None, Some(Error::Internal)) if parts.len() > 1 => {
                    self.write(&part.ops().iter().collect::<Vec<_>>()).await
                }
                (None, failure) => Err(failure.clone().unwrap_or(Error::Internal)),
            };
            if let Ok(outcomes) = &of_part
                && outcomes.iter().zip(part.ops()).any(|(outcome, op)| queues(outcome, op))
            {
                self.queued.notify_waiters();
            }
            of_parts.push(of_part);
        }
        of_parts
    }

    /// Applies ops in one transaction.
    async fn write(&self, ops: &[&Op]) -> Result<Vec<Outcome>, Error> {
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_write(ops).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(error) if tries < TRIES && error.is_passing() => {
                    tracing::debug!(%error, "trying again");
                    sleep(Duration::from_millis(2) * tries).await;
                }
                Err(BatchError::Database(error)) => return Err(self.db.write_failed(error).into()),
                Err(error @ BatchError::Raced) => {
                    tracing::warn!(%error, tries, "giving up");
                    return Err(Error::Unavailable);
                }
            }
        }
    }

    async fn try_write(&self, ops: &[&Op]) -> Result<Vec<Outcome>, BatchError> {
        let transaction = self.db.begin_write().await?;
        let mut desk = tables::fetch(&transaction, ops, clock::now()).await?;
        // Only with the rows locked, so that what happens to a job later has a later date.
        desk.now = clock::now();
        let outcomes = ops.iter().map(|op| desk.apply(op)).collect();
        let (callers, now) = (mem::take(&mut desk.callers), desk.now);
        tables::write(&transaction, desk).await?;
        transaction.commit().await?;
        self.last_seen.note(callers, now);
        Ok(outcomes)
    }
}

impl BatchError {
    fn is_passing(&self) -> bool {
        match self {
            Self::Raced => true,
            Self::Database(error) => is_passing(error),
        }
    }
}

/// Whether an op has put a job into the queue.
fn queues(outcome: &Outcome, op: &Op) -> bool {
    outcome.is_ok() && matches!(op, Op::Queue(_) | Op::Retry { .. })
}

/// Whether it is only that another was at the same rows.
fn is_passing(error: &DbErr) -> bool {
    // Two that insert the same row on PostgreSQL do not see each other's.
    matches!(Failure::of(error), Failure::Conflict | Failure::Duplicate)
}
