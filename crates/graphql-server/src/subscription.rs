//! The subscribers of operations.

use crate::error::{DocumentError, ErrorCode};
use crate::execution::errors_to_json;
use crate::hub::{Frame, Subscriber};

/// How often in a row a subscriber starts again without having received a frame.
const MAX_RESTARTS: usize = 3;

/// The frames of one subscriber. Dropping it unsubscribes.
pub struct SubscriptionStream {
    subscribe: Box<dyn Fn() -> Subscriber + Send + Sync>,
    subscriber: Subscriber,
    restarts: usize,
    is_finished: bool,
}

impl SubscriptionStream {
    /// `subscribe` subscribes to the operation at the [`Hub`](crate::hub::Hub), and starts its task if
    /// there is none.
    pub fn new(subscribe: impl Fn() -> Subscriber + Send + Sync + 'static) -> Self {
        let subscriber = subscribe();
        Self { subscribe: Box::new(subscribe), subscriber, restarts: 0, is_finished: false }
    }

    /// Waits for the next frame; `None` when the subscription is finished.
    pub async fn next(&mut self) -> Option<Frame> {
        while !self.is_finished {
            if let Some(frame) = self.subscriber.next().await {
                self.restarts = 0;
                return Some(frame);
            }
            if self.subscriber.is_finished() {
                break;
            }
            // The task ended before this subscriber received the last frame: just as it subscribed, or
            // by a defect. A new task sends a snapshot.
            if self.restarts >= MAX_RESTARTS {
                self.is_finished = true;
                let message = "something went wrong on the server; its log says more";
                let error = DocumentError::new(ErrorCode::Internal, message);
                return Some(Frame::refusal(errors_to_json(&[error.into()])));
            }
            self.restarts += 1;
            self.subscriber = (self.subscribe)();
        }
        None
    }
}
