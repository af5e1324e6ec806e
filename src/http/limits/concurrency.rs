//! Concurrency limits of each client: requests and streams at a time, and a queue that executes its
//! expensive requests one after the other.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client_ip::Client;
use crate::error::{ApiError, ErrorCode};

/// What a permit is for.
#[derive(Clone, Copy, Debug)]
pub enum PermitKind {
    /// A running request.
    Request,
    /// An open WebSocket, a subscription on it, or an event stream.
    Stream,
}

/// Limits the requests and streams that each client has at a time.
#[derive(Debug)]
pub struct ConcurrencyLimiter {
    max_requests: usize,
    max_streams: usize,
    /// Only clients that hold a permit.
    clients: Mutex<HashMap<IpAddr, InUse>>,
}

/// The permits that a client holds.
#[derive(Debug, Default)]
struct InUse {
    requests: usize,
    streams: usize,
    queue: Arc<ExpensiveQueue>,
}

impl InUse {
    fn count(&mut self, kind: PermitKind) -> &mut usize {
        match kind {
            PermitKind::Request => &mut self.requests,
            PermitKind::Stream => &mut self.streams,
        }
    }
}

/// The queue of one client's expensive requests.
#[derive(Debug)]
pub struct ExpensiveQueue {
    /// Held while a request waits for its cost, so that requests are served in order of arrival.
    order: Semaphore,
    /// Held while a request runs.
    slot: Arc<Semaphore>,
    /// Held while a long statement runs, also that of a mutation, which holds no slot.
    statements: Arc<Semaphore>,
}

impl Default for ExpensiveQueue {
    fn default() -> Self {
        Self {
            order: Semaphore::new(1),
            slot: Arc::new(Semaphore::new(1)),
            statements: Arc::new(Semaphore::new(1)),
        }
    }
}

impl ExpensiveQueue {
    /// Waits for the client's single slot, which is held until the permit is dropped.
    pub async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slot).acquire_owned().await.ok()
    }

    /// Runs `wait` once it is this request's turn.
    pub async fn in_order(&self, wait: impl Future<Output = ()>) {
        let _first = self.order.acquire().await;
        wait.await;
    }

    /// The queue of the client's long statements.
    pub fn statements(&self) -> Arc<Semaphore> {
        Arc::clone(&self.statements)
    }
}

impl ConcurrencyLimiter {
    pub fn new(max_requests: usize, max_streams: usize) -> Arc<Self> {
        Arc::new(Self { max_requests, max_streams, clients: Mutex::default() })
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<IpAddr, InUse>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A permit for one more request or stream.
    ///
    /// # Errors
    /// If the client holds as many as it may.
    pub fn acquire(
        self: &Arc<Self>,
        client: &Client,
        kind: PermitKind,
    ) -> Result<ConcurrencyPermit, ApiError> {
        let mut permit = ConcurrencyPermit {
            limiter: Arc::clone(self),
            client: *client,
            kind,
            is_counted: false,
        };
        if !client.is_limited {
            return Ok(permit);
        }
        let (limit, code, what) = match kind {
            PermitKind::Request => {
                (self.max_requests, ErrorCode::TooManyRequests, "requests at a time")
            }
            PermitKind::Stream => (
                self.max_streams,
                ErrorCode::TooManyStreams,
                "sockets, streams and subscriptions at a time",
            ),
        };
        let mut clients = self.clients();
        let count = clients.entry(client.address).or_default().count(kind);
        if *count >= limit {
            return Err(ApiError::limit(code, format!("expected at most {limit} {what}"), limit));
        }
        *count += 1;
        permit.is_counted = true;
        Ok(permit)
    }

    /// The queue of a client that holds a permit; `None` for a client that is not limited.
    pub fn queue(&self, client: &Client) -> Option<Arc<ExpensiveQueue>> {
        if !client.is_limited {
            return None;
        }
        self.clients().get(&client.address).map(|in_use| Arc::clone(&in_use.queue))
    }
}

/// One request or stream of a client. Dropping it lets the client have another.
#[derive(Debug)]
pub struct ConcurrencyPermit {
    limiter: Arc<ConcurrencyLimiter>,
    client: Client,
    kind: PermitKind,
    is_counted: bool,
}

impl Drop for ConcurrencyPermit {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        let mut clients = self.limiter.clients();
        if let Some(in_use) = clients.get_mut(&self.client.address) {
            *in_use.count(self.kind) -= 1;
            if in_use.requests == 0 && in_use.streams == 0 {
                clients.remove(&self.client.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::client_ip::tests::client;
    use super::*;

    #[test]
    fn each_client_has_its_own_permits() {
        let limiter = ConcurrencyLimiter::new(2, 1);
        let (a, b) = (client("1.1.1.1", &[]), client("2.2.2.2", &[]));
        let request = |client| limiter.acquire(client, PermitKind::Request);
        let held = [request(&a).unwrap(), request(&a).unwrap()];
        assert_eq!(request(&a).unwrap_err().code, ErrorCode::TooManyRequests);
        let _stream = limiter.acquire(&a, PermitKind::Stream).unwrap();
        assert!(limiter.acquire(&a, PermitKind::Stream).is_err());
        assert!(request(&b).is_ok());
        drop(held);
        assert!(request(&a).is_ok());
        assert_eq!(limiter.clients().len(), 1, "clients without permits are forgotten");
    }
}
