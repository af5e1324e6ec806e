//! Subscriptions: each distinct one is executed once for all of its subscribers.

use std::sync::Arc;

use async_graphql::{Request, ServerError};
use graphql_server::{flatten, set_default_variables};
use tokio_util::task::TaskTracker;

use super::api::Api;
use super::execution::{Execution, errors_to_json};
use super::operation::Operation;
use crate::access::Principal;
use crate::error::ApiError;
use crate::live::shared::{Frame, SharedTask, Subscriber};
use crate::live::source::Versioned;

/// How often in a row a subscriber starts again without having received a frame.
const MAX_RESTARTS: usize = 3;

/// The frames of one subscriber. Dropping it unsubscribes.
pub struct SubscriptionStream {
    api: Api,
    operation: Arc<Operation>,
    subscriber: Subscriber,
    restarts: usize,
    is_finished: bool,
}

impl Api {
    /// Subscribes with the rights of the principal. The caller ends the subscription when the principal's
    /// credentials expire.
    ///
    /// # Errors
    /// If the document does not have exactly one root field, as GraphQL requires (section 5.2.3.1).
    pub fn subscribe(
        &self,
        mut request: Request,
        principal: &Principal,
    ) -> Result<SubscriptionStream, ServerError> {
        set_default_variables(&mut request);
        let query = request.query.clone();
        let name = request.operation_name.clone();
        let variables = request.variables.clone();
        let mut document = request.parsed_query()?.clone();
        flatten(&mut document, name.as_deref(), &variables)?;
        let principal = principal.shared();
        let operation = Operation { query, name, variables, document, principal };
        let operation = self.operations.share(operation);
        let subscriber = self.subscriber(&operation);
        Ok(SubscriptionStream {
            api: self.clone(),
            operation,
            subscriber,
            restarts: 0,
            is_finished: false,
        })
    }

    fn subscriber(&self, operation: &Arc<Operation>) -> Subscriber {
        let (subscriber, task) = self.live.subscribe(&operation.key());
        if let Some(task) = task {
            tokio::spawn(run(self.clone(), Arc::clone(operation), task));
        }
        subscriber
    }

    /// Tracks upgraded connections, which send a close frame before the service stops.
    pub fn connections(&self) -> &TaskTracker {
        self.live.connections()
    }

    /// Resolves when the service stops.
    pub async fn stopping(&self) {
        self.live.stopping().cancelled().await;
    }
}

impl SubscriptionStream {
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
                return Some(Frame::refusal(errors_to_json(&[ApiError::internal().into()])));
            }
            self.restarts += 1;
            self.subscriber = self.api.subscriber(&self.operation);
        }
        None
    }
}

/// Executes an operation for all of its subscribers, until the last one leaves or it is finished.
async fn run(api: Api, operation: Arc<Operation>, mut task: SharedTask) {
    let (mut execution, mut source) =
        match Execution::start(&api, operation.request(), &operation.principal).await {
            Ok(started) => started,
            Err(errors) => return task.refuse(errors_to_json(&errors)).await,
        };
    while let Some(step) = task.next_step(&mut source).await {
        let mut is_finished = false;
        if let Some(Versioned { event, version, is_last }) = step.changes {
            let Some(payload) = execution.execute(event).await else { return };
            task.publish(payload, version, is_last);
            is_finished |= is_last;
        }
        for (since, Versioned { event, version, is_last }) in step.catch_up {
            let Some(payload) = execution.execute(event).await else { return };
            task.answer(since, &payload, version, is_last);
            is_finished |= is_last;
        }
        if is_finished {
            return;
        }
    }
}
