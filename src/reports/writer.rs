//! Group commit: what all requests ask for meets in one writer, which applies what has gathered
//! in one transaction and then answers everyone. An answer means that it is committed. Under load
//! the batch grows, so that the rate rises to what the database takes in batches; a lone request
//! waits for nobody.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DbBackend, DbErr};
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument as _;

use super::op::{Claim, Op, Outcome, Receipt};
use super::quiet;
use super::tables::{self, BatchError};
use crate::clock;
use crate::db::{Db, Failure};
use crate::error::Error;
use crate::metrics;

/// How many ops may wait to be written. They take little memory, and are written in about a
/// second.
const ROOM: usize = 20_000;

/// How long to wait before trying again when there is no room, in milliseconds.
const RETRY_AFTER: u32 = 500;

/// How many ops a transaction has, about.
const BATCH: usize = 2_000;

/// How many batches are written side by side on PostgreSQL: while one waits for the disk, the
/// other is made.
const POSTGRES_LANES: usize = 2;

/// How often a batch is tried that others are in the way of.
const TRIES: u32 = 5;

/// How often a claim that waits looks for jobs which other replicas have queued or that have
/// become due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where ops are told to the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reports {
    inbox: mpsc::UnboundedSender<Message>,
    room: Arc<Semaphore>,
    /// Rings when jobs were queued here.
    queued: Arc<Notify>,
}

#[derive(Debug)]
enum Message {
    Request(Request),
    Stop,
}

#[derive(Debug)]
struct Request {
    ops: Vec<Op>,
    answer: oneshot::Sender<Result<Vec<Outcome>, Error>>,
    _room: OwnedSemaphorePermit,
}

impl Reports {
    /// Writes these ops and returns the outcome of each, once it is committed.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if too many wait already; [`Error::Unavailable`] if the database is
    /// away. Whether the ops were written is not known then; all can be told again.
    pub async fn tell(&self, ops: Vec<Op>) -> Result<Vec<Outcome>, Error> {
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        let count = u32::try_from(ops.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(count)
            .map_err(|_| Error::Overloaded { retry_after: RETRY_AFTER })?;
        let (answer, answered) = oneshot::channel();
        let request = Request { ops, answer, _room: room };
        self.inbox.send(Message::Request(request)).map_err(|_| Error::Unavailable)?;
        // A writer that stops answers nobody any more.
        answered.await.map_err(|_| Error::Unavailable)?
    }

    /// How many ops wait to be written.
    pub fn waiting(&self) -> usize {
        ROOM.saturating_sub(self.room.available_permits())
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
            let queued = self.queued.notified();
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
}

impl Writer {
    /// Starts a writer to this database.
    pub fn start(db: &Db) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let reports =
            Reports { inbox: sender, room: Arc::new(Semaphore::new(ROOM)), queued: Arc::default() };
        let inbox = Arc::new(Inbox(Mutex::new(receiver)));
        let lanes = if db.backend() == DbBackend::Postgres { POSTGRES_LANES } else { 1 };
        let run = |_| {
            let lane = Lane { db: db.clone(), queued: Arc::clone(&reports.queued) };
            tokio::spawn(lane.run(Arc::clone(&inbox)))
        };
        Self { lanes: (0..lanes).map(run).collect(), reports }
    }

    pub fn reports(&self) -> Reports {
        self.reports.clone()
    }

    /// Writes what was told so far and stops.
    pub async fn stop(self) {
        for _ in &self.lanes {
            _ = self.reports.inbox.send(Message::Stop);
        }
        for lane in self.lanes {
            if let Err(error) = lane.await {
                tracing::error!(%error, "the writer has ended");
            }
        }
    }
}

/// What waits to be written, in order.
#[derive(Debug)]
struct Inbox(Mutex<mpsc::UnboundedReceiver<Message>>);

impl Inbox {
    /// The next batch, as soon as there is one; `None` when it is time to stop.
    async fn take(&self) -> Option<Vec<Request>> {
        let mut messages = self.0.lock().await;
        let Message::Request(first) = messages.recv().await? else { return None };
        let mut count = first.ops.len();
        let mut batch = vec![first];
        while count < BATCH {
            match messages.try_recv() {
                Ok(Message::Request(request)) => {
                    count += request.ops.len();
                    batch.push(request);
                }
                // The order to stop is for the next lane that looks, or for this one again.
                Ok(Message::Stop) => {
                    messages.close();
                    break;
                }
                Err(_) => break,
            }
        }
        Some(batch)
    }
}

struct Lane {
    db: Db,
    queued: Arc<Notify>,
}

impl Lane {
    async fn run(self, inbox: Arc<Inbox>) {
        while let Some(batch) = inbox.take().await {
            let (started, count) = (Instant::now(), batch.iter().map(|each| each.ops.len()).sum());
            let span = tracing::info_span!("batch", ops = count);
            self.answer(batch).instrument(span).await;
            metrics::batch(count, started.elapsed());
        }
    }

    /// Writes a batch and answers everyone in it.
    async fn answer(&self, batch: Vec<Request>) {
        let ops: Vec<&Op> = batch.iter().flat_map(|request| &request.ops).collect();
        let mut outcomes: Vec<Option<Outcome>> = vec![None; ops.len()];
        let mut failure = match quiet::write(&self.db, &ops, clock::now()).await {
            Ok(written) => {
                for (place, receipt) in written {
                    outcomes[place] = Some(Ok(Receipt::Report(receipt)));
                }
                None
            }
            // Two writers may be in each other's way, which they are not for long.
            Err(error) if is_passing(&error) => None,
            Err(error) => Some(self.db.write_failed(error)),
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
        let is_alone = batch.len() == 1;
        for request in batch {
            let of_request: Vec<_> = outcomes.by_ref().take(request.ops.len()).collect();
            let answer = match (of_request.into_iter().collect::<Option<Vec<_>>>(), &failure) {
                (Some(outcomes), _) => Ok(outcomes),
                // One may have failed because of another: each is tried alone.
                (None, Some(Error::Internal)) if !is_alone => {
                    self.write(&request.ops.iter().collect::<Vec<_>>()).await
                }
                (None, failure) => Err(failure.clone().unwrap_or(Error::Internal)),
            };
            if let Ok(outcomes) = &answer
                && outcomes.iter().zip(&request.ops).any(|(outcome, op)| queues(outcome, op))
            {
                self.queued.notify_waiters();
            }
            // Whoever asked may be gone.
            _ = request.answer.send(answer);
        }
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
                Err(BatchError::Database(error)) => return Err(self.db.write_failed(error)),
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
        tables::write(&transaction, desk).await?;
        transaction.commit().await?;
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
