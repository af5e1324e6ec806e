//! When a request's loaders run.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::task::AtomicWaker;

/// The batches that a request's loaders want to run.
///
/// A [`DataLoader`](async_graphql::dataloader::DataLoader) collects the keys that resolvers ask
/// for and loads them together a little later. How much later decides everything: a timer costs
/// each level of a query its delay, and splits batches when the machine is busy. Here a batch
/// runs as soon as the request can go no further without it. By then every resolver of the level
/// has asked, since all of them are polled in the request's task: one statement for each
/// relation and level, without delay. Dropping the request drops its batches.
#[derive(Clone, Default)]
pub struct Batches(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Batches {
    /// Takes a batch that a loader starts.
    pub fn add(&self, batch: BoxFuture<'static, ()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }

    /// Runs the request and whatever batches it needs.
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
                    // An answer with an error may leave batches behind. Their loaders count on them:
                    // without them they would never begin another.
                    let left = std::mem::take(&mut running);
                    self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(left);
                    return Poll::Ready(answer);
                }
                // A list of many fields pauses between them, and is polled again soon.
                if progress.is_possible.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                running.extend(self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
                // A finished batch lets the request go on; without one, both wait.
                if let Poll::Pending | Poll::Ready(None) = running.poll_next_unpin(context) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

/// Tells a request that waits from one that only paused: the latter has woken its task already.
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
    async fn what_one_answer_leaves_behind_runs_for_the_next() {
        let batches = Batches::default();
        let [(first, one), (second, two)] = [oneshot::channel::<()>(), oneshot::channel()];
        for done in [first, second] {
            batches.add(async { _ = done.send(()) }.boxed());
        }
        batches.clone().drive(one).await.expect("the first batch has run");
        batches.clone().drive(two).await.expect("the second batch has run");
    }
}
