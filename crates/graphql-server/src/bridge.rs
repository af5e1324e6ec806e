//! The connection between a subscription operation, whose root field determines the source, and the task
//! that feeds it events.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::{Notify, mpsc};

/// Opens the source of a subscription within the resolver of its root field, and returns the events
/// that [`Execution::execute`](crate::Execution::execute) is given.
///
/// # Panics
/// If the operation is not run by an [`Execution`](crate::Execution) with this source and these events.
pub fn open<S, E>(context: &Context<'_>, source: S) -> impl Stream<Item = E> + use<S, E>
where
    S: Send + 'static,
    E: Send + 'static,
{
    context.data_unchecked::<Arc<Bridge<S, E>>>().open(source)
}

/// Passes the source from the operation to the task, and events back.
pub struct Bridge<S, E> {
    source: Mutex<Option<S>>,
    events: Mutex<Option<mpsc::Receiver<E>>>,
    opened: Notify,
}

impl<S, E> Bridge<S, E> {
    pub fn new(events: mpsc::Receiver<E>) -> Arc<Self> {
        let events = Mutex::new(Some(events));
        Arc::new(Self { source: Mutex::default(), events, opened: Notify::new() })
    }

    /// Waits for the source of the operation.
    pub async fn source(&self) -> S {
        loop {
            let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
            match source {
                Some(source) => return source,
                None => self.opened.notified().await,
            }
        }
    }

    /// Sets the source of the operation, and returns its events.
    fn open(&self, source: S) -> impl Stream<Item = E> + use<S, E> {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.opened.notify_one();
        // An operation has one root field, so this is called once.
        stream::unfold(events, async |events| {
            let mut events = events?;
            Some((events.recv().await?, Some(events)))
        })
    }
}
