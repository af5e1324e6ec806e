//! A thread pool for CPU-bound work, which would block Tokio's worker threads for milliseconds.
//!
//! It has half as many threads as there are processors, so that cheap requests have the other half. The
//! threads have normal priority. SCHED_IDLE gained nothing in the attack benchmark: the 99th percentile of
//! a cheap query beside long lists was 0.8 to 1.3 times that without load, and 0.9 to 1.1 times with
//! SCHED_IDLE. But a long list of 5 ms took 2 s while other programs kept all processors busy, and such a
//! thread may hold a lock that others need.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::context::TokioContext;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::FairQueue;

/// From this cost on, a request is expensive and runs in the pool.
pub const EXPENSIVE: u64 = 1_000;

/// Up to this length, JSON is parsed in a fraction of a millisecond.
pub const SHORT_BYTES: usize = 32 << 10;

/// Bytes of a request that cost as much as one value of an answer.
const BYTES_PER_COST: usize = 64;

/// Only executes: connections and timers belong to the runtime that a task comes from. But what is dropped
/// with an aborted task is dropped here, and a connection to the database goes back to its pool by a task
/// with a timeout.
static POOL: LazyLock<Runtime> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, NonZeroUsize::get);
    Builder::new_multi_thread()
        .worker_threads((processors / 2).max(1))
        .thread_name("cpu-pool")
        .enable_time()
        .build()
        .expect("the system can start threads")
});

/// Runs expensive work in the pool, once the client has budget for its cost and its earlier work is
/// done. Dropping the future ends the work at its next await point.
pub async fn run<T: Send + 'static>(
    queue: FairQueue,
    cost: u64,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let _permit = queue.acquire(cost).await;
    spawn(work).await
}

/// Parses this many bytes of a request: long ones in the pool, charged to the client.
pub async fn parse<T: Send + 'static>(
    queue: FairQueue,
    bytes: usize,
    parse: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes <= SHORT_BYTES {
        return parse();
    }
    run(queue, cost_of_bytes(bytes), async move { parse() }).await
}

/// The cost of this many bytes of a request.
pub fn cost_of_bytes(bytes: usize) -> u64 {
    (bytes / BYTES_PER_COST) as u64
}

/// Runs work in the pool without waiting for other work of the client.
pub async fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let work = TokioContext::new(work.in_current_span(), Handle::current());
    let done = AbortOnDropHandle::new(POOL.spawn(work)).await;
    done.unwrap_or_else(|failed| resume_unwind(failed.into_panic()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    /// Tells when it was dropped, by a task with a timeout.
    struct Releases(Option<oneshot::Sender<()>>);

    impl Drop for Releases {
        fn drop(&mut self) {
            let dropped = self.0.take();
            tokio::spawn(async move {
                _ = timeout(Duration::from_mins(1), async {
                    dropped.map(|sender| sender.send(()))
                })
                .await;
            });
        }
    }

    #[tokio::test]
    async fn what_an_aborted_task_holds_can_be_released_with_a_timeout() {
        let (sender, dropped) = oneshot::channel();
        let (started, has_started) = oneshot::channel();
        let held = Releases(Some(sender));
        let work = spawn(async move {
            _ = started.send(());
            std::future::pending::<()>().await;
            drop(held);
        });
        let mut work = Box::pin(work);
        assert!((&mut work).now_or_never().is_none());
        has_started.await.expect("the work runs");
        drop(work);
        dropped.await.expect("what it held is released");
    }
}
