//! Executing a subscription operation.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response, ServerError};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use graphql_server::{Batches, Validator};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::api::Api;
use super::bridge::SubscriptionBridge;
use super::context::Now;
use super::loader::row_loader;
use crate::access::Principal;
use crate::clock;
use crate::error::ErrorCode;
use crate::live::shared::Payload;
use crate::live::source::{Event, Source};

/// How often an event is executed if the response has an internal error.
const MAX_ATTEMPTS: usize = 3;

/// The delay before an event is executed again.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// A running subscription operation, which makes a response of each event.
pub struct Execution {
    events: mpsc::Sender<Event>,
    responses: BoxStream<'static, Response>,
    batches: Batches,
    now: Arc<Now>,
    validator: Arc<Validator>,
}

impl Execution {
    /// Starts an operation, and returns its source.
    ///
    /// # Errors
    /// If it cannot be executed.
    pub async fn start(
        api: &Api,
        request: Request,
        principal: &Principal,
    ) -> Result<(Self, Source), Vec<ServerError>> {
        let (events, receiver) = mpsc::channel(1);
        let bridge = SubscriptionBridge::new(receiver);
        let batches = Batches::default();
        let now = Arc::new(Now::at(clock::now()));
        let scope = principal.scope().clone();
        let request = request
            .data(api.db.clone())
            .data(row_loader(api.db.clone(), scope, batches.clone()))
            .data(principal.clone())
            .data(Arc::clone(&now))
            .data(Arc::clone(&bridge));
        let responses = api.schema.execute_stream(request);
        let validator = Arc::clone(&api.validator);
        let mut execution = Self { events, responses, batches, now, validator };
        tokio::select! {
            biased;
            refusal = execution.response() => {
                Err(refusal.map(|response| response.errors).unwrap_or_default())
            }
            source = bridge.source() => Ok((execution, source)),
        }
    }

    async fn response(&mut self) -> Option<Response> {
        let mut response = self.batches.clone().drive(self.responses.next()).await?;
        self.validator.add_codes(&mut response);
        Some(response)
    }

    async fn try_execute(&mut self, event: Event) -> Option<Response> {
        self.now.set(clock::now());
        self.events.send(event).await.ok()?;
        self.response().await
    }

    /// The response to an event; `None` if the operation has ended.
    pub async fn execute(&mut self, event: Event) -> Option<Payload> {
        let mut attempts = 1;
        loop {
            let response = self.try_execute(event.clone()).await?;
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

/// Errors as JSON, for a [`Payload::Refusal`].
pub fn errors_to_json(errors: &[ServerError]) -> Arc<String> {
    serde_json::to_string(errors).unwrap_or_else(|_| "[]".to_owned()).into()
}
