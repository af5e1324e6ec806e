//! Rate limits of each client: requests per second, and the cost of expensive requests per second.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota};
use tokio::time::sleep;

use super::client_ip::Client;
use crate::error::{ApiError, ErrorCode};

/// How long the rejection of a request beyond the rate limit is delayed.
const REJECT_DELAY: Duration = Duration::from_millis(250);

/// Requests of all clients between two removals of clients whose budget is full again.
const CLEAN_EVERY: u32 = 4_096;

/// Limits the requests and the cost of each client to an amount per second.
#[derive(Debug)]
pub struct RateLimiter {
    requests: DefaultKeyedRateLimiter<IpAddr>,
    requests_per_second: u32,
    cost: DefaultKeyedRateLimiter<IpAddr>,
    cost_per_second: NonZeroU32,
    since_cleaned: AtomicU32,
}

impl RateLimiter {
    /// Allows bursts of five seconds' requests, and of one second's cost.
    pub fn new(requests_per_second: u32, cost_per_second: u32) -> Self {
        let rate = NonZeroU32::new(requests_per_second).unwrap_or(NonZeroU32::MIN);
        let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(4));
        let cost = NonZeroU32::new(cost_per_second).unwrap_or(NonZeroU32::MIN);
        Self {
            requests: governor::RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
            requests_per_second: rate.get(),
            cost: governor::RateLimiter::keyed(Quota::per_second(cost)),
            cost_per_second: cost,
            since_cleaned: AtomicU32::new(0),
        }
    }

    /// Counts one more request of the client.
    ///
    /// # Errors
    /// When the rate limit is exceeded. The error is delayed by [`REJECT_DELAY`] so that clients
    /// that retry in a loop stay cheap.
    pub async fn check(&self, client: &Client) -> Result<(), ApiError> {
        let checked = self.check_now(client);
        if checked.is_err() {
            sleep(REJECT_DELAY).await;
        }
        checked
    }

    fn check_now(&self, client: &Client) -> Result<(), ApiError> {
        if !client.is_limited {
            return Ok(());
        }
        if self.since_cleaned.fetch_add(1, Ordering::Relaxed) % CLEAN_EVERY == CLEAN_EVERY - 1 {
            for limiter in [&self.requests, &self.cost] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
        self.requests.check_key(&client.address).map_err(|_| {
            let limit = self.requests_per_second;
            let message = format!("expected at most {limit} requests a second");
            ApiError::limit(ErrorCode::RateLimited, message, limit)
        })
    }

    /// Waits until the client has budget for `cost`, and takes it. A cost above the budget of one
    /// second takes all of that.
    pub(super) async fn wait_for_cost(&self, client: &Client, cost: u64) {
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        let Some(cost) = NonZeroU32::new(cost) else { return };
        let cost = cost.min(self.cost_per_second);
        while let Ok(Err(early)) = self.cost.check_key_n(&client.address, cost) {
            sleep(early.wait_time_from(self.cost.clock().now())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::client_ip::tests::client;
    use super::*;

    #[test]
    fn a_burst_is_five_seconds_of_requests() {
        let limiter = RateLimiter::new(10, 1);
        let check = |client: &Client| limiter.check_now(client).is_ok();
        let remote = client("2.2.2.2", &[]);
        assert_eq!((0..100).filter(|_| check(&remote)).count(), 50);
        assert!((0..100).all(|_| check(&client("127.0.0.1", &[]))));
    }
}
