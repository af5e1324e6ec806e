//! Executing a subscription operation.

use std::sync::Arc;

use async_graphql::{Executor, Request, Response, ServerError};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc;

use crate::batches::Batches;
use crate::bridge::Bridge;
use crate::request::Validator;

/// A running subscription operation, which makes a response of each event.
pub struct Execution<E> {
    events: mpsc::Sender<E>,
    responses: BoxStream<'static, Response>,
    batches: Batches,
    validator: Arc<Validator>,
}

impl<E: Send + 'static> Execution<E> {
    /// Starts an operation, and returns the source that its root field [opens](crate::open). The request
    /// has its data, and the batches of its loaders.
    ///
    /// # Errors
    /// If it cannot be executed.
    pub async fn start<S: Send + 'static>(
        schema: &impl Executor,
        validator: Arc<Validator>,
        request: Request,
        batches: Batches,
    ) -> Result<(Self, S), Vec<ServerError>> {
        let (events, receiver) = mpsc::channel(1);
        let bridge = Bridge::<S, E>::new(receiver);
        let responses = schema.execute_stream(request.data(Arc::clone(&bridge)), None);
        let mut execution = Self { events, responses, batches, validator };
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

    /// The response to an event; `None` if the operation has ended.
    pub async fn execute(&mut self, event: E) -> Option<Response> {
        self.events.send(event).await.ok()?;
        self.response().await
    }
}

/// Errors as JSON, for a [`Payload::Refusal`](crate::hub::Payload::Refusal).
pub fn errors_to_json(errors: &[ServerError]) -> Arc<String> {
    serde_json::to_string(errors).unwrap_or_else(|_| "[]".to_owned()).into()
}
