//! The connection between a subscription operation, whose root field determines the source, and the task
//! that feeds it events.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::Stream;
use futures_util::stream;
use tokio::sync::{Notify, mpsc};

use crate::live::source::{Event, Source};

/// Passes the source from the operation to the task, and events back.
pub struct SubscriptionBridge {
    source: Mutex<Option<Source>>,
    events: Mutex<Option<mpsc::Receiver<Event>>>,
    opened: Notify,
}

impl SubscriptionBridge {
    pub fn new(events: mpsc::Receiver<Event>) -> Arc<Self> {
        let events = Mutex::new(Some(events));
        Arc::new(Self { source: Mutex::default(), events, opened: Notify::new() })
    }

    /// Waits for the source of the operation.
    pub async fn source(&self) -> Source {
        loop {
            let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
            match source {
                Some(source) => return source,
                None => self.opened.notified().await,
            }
        }
    }

    /// Sets the source of the operation, and returns its events.
    pub fn open(&self, source: Source) -> impl Stream<Item = Event> + use<> {
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
