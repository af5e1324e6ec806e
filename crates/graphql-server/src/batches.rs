//! Scheduling the DataLoaders of a request.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::task::AtomicWaker;

/// The batches of a request's loaders.
///
/// A [`DataLoader`](async_graphql::dataloader::DataLoader) collects the keys that resolvers request and
/// loads them together after a delay. A timer adds its delay to each level of a query, and splits
/// batches on a busy machine. Here a batch runs as soon as the request is blocked on it. By then every
/// resolver of the level has requested its keys, since all are polled in the request's task: one
/// statement per relation and level, without delay. Dropping the request drops its batches.
#[derive(Clone, Default)]
pub struct Batches(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Batches {
    /// Adds a batch that a loader starts.
    pub fn add(&self, batch: BoxFuture<'static, ()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }

    /// Runs the request and its batches.
    pub async fn drive<T>(self, request: impl Future<Output = T>) -> T {
        let mut request = pin!(request);
        let mut running = FuturesUnordered::new();
        let progress = Arc::new(Progress::default());
        let waker = Waker::from(Arc::clone(&progress));
        poll_fn(move |context| {
            progress.task.register(context.waker());
            loop {
                progress.is_possible.store(false, Ordering::Release);
                if let Poll::Ready(answer) = request.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    // A response with an error may leave batches unfinished. They are kept, because
                    // their loaders start no other batch before they finish.
                    let unfinished = std::mem::take(&mut running);
                    self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(unfinished);
                    return Poll::Ready(answer);
                }
                // async-graphql yields within long lists, and is polled again soon.
                if progress.is_possible.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                running.extend(self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
                // A finished batch unblocks the request; without one, both wait.
                if let Poll::Pending | Poll::Ready(None) = running.poll_next_unpin(context) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

/// Distinguishes a blocked request from one that yielded, which has woken its task already.
#[derive(Default)]
struct Progress {
    is_possible: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Progress {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_possible.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn unfinished_batches_run_with_the_next_request() {
        let batches = Batches::default();
        let [(first, one), (second, two)] = [oneshot::channel::<()>(), oneshot::channel()];
        for done in [first, second] {
            batches.add(async { _ = done.send(()) }.boxed());
        }
        batches.clone().drive(one).await.expect("the first batch has run");
        batches.clone().drive(two).await.expect("the second batch has run");
    }
}
