//! Subscriptions: each distinct one is executed once for all of its subscribers.

use std::sync::Arc;

use async_graphql::{Request, ServerError};
use graphql_server::hub::{SharedTask, Subscriber};
use graphql_server::{SubscriptionOperation, SubscriptionStream, errors_to_json};
use tokio_util::task::TaskTracker;

use super::api::Api;
use super::execution::EventExecution;
use crate::access::Principal;
use crate::live::source::Versioned;
use crate::live::tick::Tick;

impl Api {
    /// Subscribes with the rights of the principal. The caller ends the subscription when the principal's
    /// credentials expire.
    ///
    /// # Errors
    /// If the document does not have exactly one root field, as GraphQL requires (section 5.2.3.1).
    pub fn subscribe(
        &self,
        request: Request,
        principal: &Principal,
    ) -> Result<SubscriptionStream, ServerError> {
        let principal = principal.shared();
        let group = principal.group();
        let operation = self.operations.share(request, principal, &group)?;
        let api = self.clone();
        Ok(SubscriptionStream::new(move || api.subscriber(&operation)))
    }

    fn subscriber(&self, operation: &Arc<SubscriptionOperation<Principal>>) -> Subscriber {
        let (subscriber, task) = self.live.subscribe(operation.key());
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

/// Executes an operation for all of its subscribers, until the last one leaves or it is finished.
async fn run(
    api: Api,
    operation: Arc<SubscriptionOperation<Principal>>,
    mut task: SharedTask<Tick>,
) {
    let (mut execution, mut source) =
        match EventExecution::start(&api, operation.request(), &operation.principal).await {
            Ok(started) => started,
            Err(errors) => return task.refuse(errors_to_json(&errors)).await,
        };
    while let Some(step) = api.live.next_step(&mut task, &mut source).await {
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
