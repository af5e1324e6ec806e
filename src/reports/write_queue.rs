//! Where requests submit operations. A response means that they are committed.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::fair_queue::FairQueue;
use super::op::{Claim, Op, Outcome, Receipt};
use crate::error::ApiError;

/// How often a waiting claim looks for jobs that other replicas have queued or that have become due.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// A handle to the writer's queue. Cheap to clone; the writer stops when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct WriteQueue {
    shared: Arc<Shared>,
    submitter: Option<Submitter>,
}

/// The client that submits operations.
#[derive(Clone)]
pub struct Submitter {
    pub address: IpAddr,
    /// Waits until the client's budget allows this cost.
    pub charge: Arc<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl fmt::Debug for Submitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

#[derive(Debug)]
struct Shared {
    queue: Arc<FairQueue>,
    /// Notified when jobs were queued here.
    jobs_queued: Arc<Notify>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl WriteQueue {
    pub(super) fn new(queue: Arc<FairQueue>, jobs_queued: Arc<Notify>) -> Self {
        Self { shared: Arc::new(Shared { queue, jobs_queued }), submitter: None }
    }

    /// The same queue on behalf of a client. Operations are scheduled round-robin between clients;
    /// without a client, each request is scheduled as a client of its own.
    pub fn of_client(&self, submitter: Submitter) -> Self {
        Self { submitter: Some(submitter), ..self.clone() }
    }

    /// Submits operations and returns the outcome of each once all are committed. A long list is
    /// committed in several transactions.
    ///
    /// # Errors
    /// `OVERLOADED` if the queue is full; `DATABASE_UNAVAILABLE` if the database cannot be
    /// used. It is unknown then whether the operations were committed; all can be submitted again.
    pub async fn submit(&self, ops: Vec<Op>) -> Result<Vec<Outcome>, ApiError> {
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(submitter) = &self.submitter {
            let cost = ops.iter().filter(|op| op.is_of_operator()).map(|op| u64::from(op.cost()));
            let cost: u64 = cost.sum();
            if cost > 0 {
                (submitter.charge)(cost).await;
            }
        }
        let client = self.submitter.as_ref().map(|submitter| submitter.address);
        let outcomes = self.shared.queue.push(client, ops)?;
        // A writer that has stopped drops the sender.
        outcomes.await.map_err(|_| ApiError::unavailable())?
    }

    /// Submits a single operation.
    pub async fn submit_one(&self, op: Op) -> Result<Outcome, ApiError> {
        self.submit(vec![op]).await?.pop().ok_or_else(ApiError::internal)
    }

    /// How many operations wait to be committed.
    pub fn waiting(&self) -> usize {
        self.shared.queue.len()
    }

    /// Claims the next due job for an agent. Waits up to this long if there is none.
    pub async fn claim(&self, claim: Claim, wait: Duration) -> Result<Outcome, ApiError> {
        let end = Instant::now() + wait;
        loop {
            // Registered before the look at the database, so that no job is missed in between.
            let job_queued = self.shared.jobs_queued.notified();
            let outcome = self.submit_one(Op::Claim(claim.clone())).await?;
            if !matches!(outcome, Ok(Receipt::NoJob)) || Instant::now() >= end {
                return Ok(outcome);
            }
            _ = timeout_at(end.min(Instant::now() + POLL_EVERY), job_queued).await;
        }
    }
}
