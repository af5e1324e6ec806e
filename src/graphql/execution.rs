//! Executing a subscription operation of the schema.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response, ServerError};
use graphql_server::hub::Payload;
use graphql_server::{Batches, Execution};
use tokio::time::sleep;

use super::api::Api;
use super::context::Now;
use super::loader::row_loader;
use crate::access::Principal;
use crate::clock;
use crate::error::ErrorCode;
use crate::live::source::{Event, Source};

/// How often an event is executed if the response has an internal error.
const MAX_ATTEMPTS: usize = 3;

/// The delay before an event is executed again.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// A running operation.
pub struct EventExecution {
    execution: Execution<Event>,
    now: Arc<Now>,
}

impl EventExecution {
    /// Starts an operation, and returns its source.
    ///
    /// # Errors
    /// If it cannot be executed.
    pub async fn start(
        api: &Api,
        request: Request,
        principal: &Principal,
    ) -> Result<(Self, Source), Vec<ServerError>> {
        let batches = Batches::default();
        let now = Arc::new(Now::at(clock::now()));
        let scope = principal.scope().clone();
        let request = request
            .data(api.db.clone())
            .data(row_loader(api.db.clone(), scope, batches.clone()))
            .data(principal.clone())
            .data(Arc::clone(&now));
        let validator = Arc::clone(&api.validator);
        let (execution, source) =
            Execution::start(&api.schema, validator, request, batches).await?;
        Ok((Self { execution, now }, source))
    }

    /// The response to an event; `None` if the operation has ended.
    pub async fn execute(&mut self, event: Event) -> Option<Payload> {
        let mut attempts = 1;
        loop {
            self.now.set(clock::now());
            let response = self.execution.execute(event.clone()).await?;
            // Subscribers would not see the changes in a failed response, so transient errors are retried.
            let is_transient = has_code(&response, ErrorCode::DatabaseUnavailable)
                || attempts < MAX_ATTEMPTS && has_code(&response, ErrorCode::Internal);
            if !is_transient {
                return Some(Payload::Response(serde_json::to_string(&response).ok()?.into()));
            }
            attempts += 1;
            sleep(RETRY_DELAY).await;
        }
    }
}

fn has_code(response: &Response, code: ErrorCode) -> bool {
    response.errors.iter().any(|error| ErrorCode::of(error) == Some(code))
}
