//! The timeouts for a request's head: one while the connection is idle, another from the head's first
//! byte on. hyper has a single timeout for both.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt;
use tokio::time::{self, Sleep, sleep};

/// Whether a connection has received bytes since hyper last started to wait for a request's head.
#[derive(Clone, Debug, Default)]
pub struct Received(Arc<AtomicBool>);

impl Received {
    /// Notes that bytes were read from the connection.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The timer of one connection. hyper's HTTP/1 server asks it for a sleep each time that it begins to
/// wait for a request's head, and drops the sleep when the head is complete.
pub struct HeadTimer {
    head_timeout: Duration,
    idle_timeout: Duration,
    received: Received,
    is_new: AtomicBool,
}

impl HeadTimer {
    /// A new connection has `head_timeout` to send its first byte, and `idle_timeout` between two
    /// requests. A head must be complete within `head_timeout` of its first byte.
    pub fn new(head_timeout: Duration, idle_timeout: Duration, received: Received) -> Self {
        Self { head_timeout, idle_timeout, received, is_new: AtomicBool::new(true) }
    }
}

impl rt::Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    /// The deadline is that of hyper's single timeout and is ignored.
    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn rt::Sleep>> {
        let is_new = self.is_new.swap(false, Ordering::Relaxed);
        let limit = if is_new { self.head_timeout } else { self.idle_timeout };
        self.received.0.store(false, Ordering::Relaxed);
        Box::pin(HeadSleep {
            sleep: Box::pin(sleep(limit)),
            head_timeout: self.head_timeout,
            received: self.received.clone(),
            is_in_head: false,
        })
    }
}

/// hyper polls this after it has read from the connection, in the same task, so a head's time starts
/// as soon as its first byte is read.
struct HeadSleep {
    sleep: Pin<Box<Sleep>>,
    head_timeout: Duration,
    received: Received,
    is_in_head: bool,
}

impl rt::Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_in_head && self.received.0.load(Ordering::Relaxed) {
            self.is_in_head = true;
            let deadline = time::Instant::now() + self.head_timeout;
            self.sleep.as_mut().reset(deadline);
        }
        self.sleep.as_mut().poll(context)
    }
}
