//! Where work is done that keeps a processor busy for milliseconds. Tasks share a few threads, each of
//! which goes on with one until that waits: among them it would hold up everybody else. Here it has
//! threads of its own, for half of the processors, which the others go before.

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
const SHORT: usize = 32 << 10;

/// How many bytes that a client sends count as a value.
const BYTES_OF_VALUE: usize = 64;

/// How far below the other threads these are (nice(2)).
const NICENESS: i32 = 10;

/// Has threads and nothing else: connections and timers are those of the runtime that work comes from.
static THREADS: LazyLock<Runtime> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, NonZeroUsize::get);
    Builder::new_multi_thread()
        .worker_threads((processors / 2).max(1))
        .thread_name("heavy")
        .on_thread_start(|| {
            // Elsewhere it would be the whole process.
            if cfg!(target_os = "linux") {
                _ = rustix::process::nice(NICENESS);
            }
        })
        .build()
        .expect("the system has threads")
});

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
