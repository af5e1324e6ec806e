//! Where work is done that keeps a processor busy for milliseconds. Tasks share a few threads, each of
//! which goes on with one until that waits: among them it would hold up everybody else. Here it has
//! threads of its own, for half of the processors, which run when no other wants to.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::context::TokioContext;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::clients::Turn;

/// From how many values on, read or written, work is heavy.
pub const HEAVY: u64 = 1_000;

/// Bytes of JSON that are read in a fraction of a millisecond.
pub const SHORT: usize = 32 << 10;

/// How many bytes that a client sends count as a value.
const BYTES_OF_VALUE: usize = 64;

/// Has threads and nothing else: connections and timers are those of the runtime that work comes from.
static THREADS: LazyLock<Runtime> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, NonZeroUsize::get);
    Builder::new_multi_thread()
        .worker_threads((processors / 2).max(1))
        .thread_name("heavy")
        .on_thread_start(go_last)
        .build()
        .expect("the system has threads")
});

/// Lets all other threads go before this one and those that it starts, as it does for connections to
/// SQLite. A low priority (nice(2)) does less: once such a thread runs, one that wakes up waits for the
/// rest of its time slice, which is milliseconds. Where all processors are always busy this gets a few
/// thousandths of one (sched(7), SCHED_IDLE).
fn go_last() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
            set_thread_priority_and_policy, thread_native_id,
        };
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        // Where it is not allowed it is not needed to serve.
        _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
    }
}

/// Does the work, which makes about so many values, in its client's turn. Dropping this ends it when
/// it next waits.
pub async fn run<T: Send + 'static>(
    turn: Turn,
    values: u64,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let _turn = turn.wait(values).await;
    work_on(work).await
}

/// Reads so many bytes of what a client sent; many in its turn.
pub async fn read<T: Send + 'static>(
    turn: Turn,
    bytes: usize,
    read: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes <= SHORT {
        return read();
    }
    run(turn, values_of_bytes(bytes), async move { read() }).await
}

/// How many values so many bytes count as.
pub fn values_of_bytes(bytes: usize) -> u64 {
    (bytes / BYTES_OF_VALUE) as u64
}

/// Does the work at once, beside others of its client.
pub async fn work_on<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let work = TokioContext::new(work.in_current_span(), Handle::current());
    let done = AbortOnDropHandle::new(THREADS.spawn(work)).await;
    done.unwrap_or_else(|failed| resume_unwind(failed.into_panic()))
}
