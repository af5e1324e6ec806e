//! Limits of each client, so that one cannot take the server's capacity from the others.

pub mod client_ip;
mod concurrency;
pub mod cpu_pool;
mod rate;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;
use crate::reports::Submitter;
use client_ip::TrustedProxy;
pub use client_ip::{Client, Peer};
use concurrency::{ConcurrencyLimiter, ConcurrencyPermit, ExpensiveQueue, PermitKind};
use rate::RateLimiter;

/// The limits of all clients.
#[derive(Debug)]
pub struct ClientLimiter {
    rate: RateLimiter,
    concurrency: Arc<ConcurrencyLimiter>,
    trusted_proxies: Vec<TrustedProxy>,
}

/// What each client may do.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// Requests a second.
    pub rate: u32,
    /// Values of long responses a second.
    pub cost: u32,
    /// Requests at a time.
    pub requests: usize,
    /// WebSockets, subscriptions on them, and event streams at a time.
    pub streams: usize,
    pub trusted_proxies: Vec<TrustedProxy>,
}

impl ClientLimiter {
    pub fn new(limits: ClientLimits) -> Arc<Self> {
        let ClientLimits { rate, cost, requests, streams, trusted_proxies } = limits;
        Arc::new(Self {
            rate: RateLimiter::new(rate, cost),
            concurrency: ConcurrencyLimiter::new(requests, streams),
            trusted_proxies,
        })
    }

    /// Identifies the client of a request, puts it into the request's extensions, counts the request
    /// and returns its permit.
    ///
    /// # Errors
    /// If the client sends too fast, or has too many requests running.
    pub async fn admit(self: &Arc<Self>, request: &mut Request) -> Result<Permit, ApiError> {
        let peer = request.extensions().get::<Peer>().copied();
        let client = Client::new(peer, request.headers(), &self.trusted_proxies);
        request.extensions_mut().insert(client);
        self.rate.check(&client).await?;
        self.request(&client)
    }

    /// A permit for one more running request.
    ///
    /// # Errors
    /// If the client has as many as it may.
    fn request(self: &Arc<Self>, client: &Client) -> Result<Permit, ApiError> {
        self.acquire(client, PermitKind::Request)
    }

    /// A permit for one more WebSocket or event stream.
    ///
    /// # Errors
    /// If the client has as many as it may.
    pub fn stream(self: &Arc<Self>, client: &Client) -> Result<Permit, ApiError> {
        self.acquire(client, PermitKind::Stream)
    }

    fn acquire(self: &Arc<Self>, client: &Client, kind: PermitKind) -> Result<Permit, ApiError> {
        let permit = self.concurrency.acquire(client, kind)?;
        Ok(Permit { limiter: Arc::clone(self), client: *client, _permit: permit })
    }

    /// The queue of the expensive requests of a client that holds a permit.
    pub fn queue(self: &Arc<Self>, client: &Client) -> FairQueue {
        FairQueue { limiter: Arc::clone(self), client: *client }
    }
}

/// Tells a client that was rejected when to send the request again.
pub fn retry_after(response: &mut Response) {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
}

/// A running request or an open stream of a client. Dropping it lets the client have another.
#[derive(Debug)]
pub struct Permit {
    limiter: Arc<ClientLimiter>,
    client: Client,
    _permit: ConcurrencyPermit,
}

impl Permit {
    /// Counts one more request that comes through a socket.
    ///
    /// # Errors
    /// When the rate limit is exceeded, after a delay.
    pub async fn check_rate(&self) -> Result<(), ApiError> {
        self.limiter.rate.check(&self.client).await
    }

    /// A permit for a stream of the same client within this one.
    ///
    /// # Errors
    /// If the client has as many as it may.
    pub fn acquire_stream(&self) -> Result<Self, ApiError> {
        self.limiter.stream(&self.client)
    }

    /// The queue of the client's expensive requests.
    pub fn queue(&self) -> FairQueue {
        self.limiter.queue(&self.client)
    }
}

/// The queue of a client's expensive requests. Each client has its own, so a client that sends many
/// delays itself and no other.
#[derive(Clone)]
pub struct FairQueue {
    limiter: Arc<ClientLimiter>,
    client: Client,
}

impl FairQueue {
    /// Waits for budget for `cost`, then for the client's single slot. The slot is held until the
    /// returned permit is dropped.
    pub async fn acquire(self, cost: u64) -> Option<OwnedSemaphorePermit> {
        self.wait_for_cost(cost).await;
        self.queue()?.acquire().await
    }

    /// Waits until the client has budget for `cost`, in order of arrival.
    pub async fn wait_for_cost(&self, cost: u64) {
        if cost == 0 {
            return;
        }
        if let Some(queue) = self.queue() {
            queue.in_order(self.limiter.rate.wait_for_cost(&self.client, cost)).await;
        }
    }

    /// The client as the submitter of writes, which are charged to its budget; `None` if it is not
    /// limited.
    pub fn submitter(&self) -> Option<Submitter> {
        let queue = self.clone();
        let charge = move |cost| {
            let queue = queue.clone();
            async move { queue.wait_for_cost(cost).await }.boxed()
        };
        let address = self.client.address;
        self.client.is_limited.then(|| Submitter { address, charge: Arc::new(charge) })
    }

    /// The queue of the client's long statements. A client that is not limited has one for each
    /// request.
    pub fn statements(&self) -> Arc<Semaphore> {
        self.queue().map_or_else(|| Arc::new(Semaphore::new(1)), |queue| queue.statements())
    }

    fn queue(&self) -> Option<Arc<ExpensiveQueue>> {
        self.limiter.concurrency.queue(&self.client)
    }
}

#[cfg(test)]
mod tests {
    use super::client_ip::tests::client;
    use super::*;
    use crate::http::options::HttpOptions;

    #[tokio::test]
    async fn clients_queue_only_behind_their_own_requests() {
        let limiter = ClientLimiter::new(HttpOptions::default().client_limits());
        let (a, b) = (client("1.1.1.1", &[]), client("2.2.2.2", &[]));
        let _permits = [limiter.request(&a).unwrap(), limiter.request(&b).unwrap()];
        let first = limiter.queue(&a).acquire(0).await;
        assert!(limiter.queue(&a).acquire(0).now_or_never().is_none());
        assert!(limiter.queue(&b).acquire(0).now_or_never().is_some());
        assert!(limiter.queue(&client("127.0.0.1", &[])).acquire(0).now_or_never().is_some());
        drop(first);
        assert!(limiter.queue(&a).acquire(0).now_or_never().is_some());
    }

    #[tokio::test]
    async fn clients_wait_for_their_own_budget() {
        let options = HttpOptions { max_client_cost: 10, ..HttpOptions::default() };
        let limiter = ClientLimiter::new(options.client_limits());
        let (a, b) = (client("1.1.1.1", &[]), client("2.2.2.2", &[]));
        let _permits = [limiter.request(&a).unwrap(), limiter.request(&b).unwrap()];
        let has = |client, cost| limiter.queue(client).acquire(cost).now_or_never().is_some();
        // A cost above the budget of a second counts as that.
        assert!(has(&a, 1_000));
        assert!(!has(&a, 1_000));
        // A request without cost does not wait for budget.
        let mut waiting = Box::pin(limiter.queue(&a).acquire(1_000));
        assert!((&mut waiting).now_or_never().is_none());
        assert!(has(&a, 0));
        drop(waiting);
        assert!(has(&b, 6));
        assert!(!has(&b, 6));
        assert!(has(&client("127.0.0.1", &[]), 1_000));
        // Bulk writes are charged to the same budget.
        let charge = |client, cost| limiter.queue(client).submitter().map(|of| (of.charge)(cost));
        assert!(charge(&a, 1).expect("a limited client").now_or_never().is_none());
        assert!(charge(&client("127.0.0.1", &[]), 1).is_none());
    }
}
