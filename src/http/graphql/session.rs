//! What the service does for a WebSocket with GraphQL.

use std::time::Duration;

use async_graphql::ServerError;
use futures_util::future::{self, BoxFuture, FutureExt as _};
use graphql_server::http::{CloseCode, Operation, Session};
use graphql_server::{Kind, Parameters};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::execute::{execute_within, prepare};
use crate::access::{Credential, Principal, invalid_token};
use crate::clock;
use crate::error::{ApiError, ErrorCode};
use crate::graphql::Api;
use crate::http::auth::authenticate::bearer;
use crate::http::limits::{Permit, cpu_pool};

/// The connection of a client.
pub struct ClientSession {
    api: Api,
    /// Set if the request for the socket was authenticated, or `connection_init` was.
    principal: Option<Principal>,
    /// Counts the socket among the client's streams.
    permit: Permit,
    /// How long a query may take.
    request_timeout: Duration,
    /// The service waits for it when it stops.
    _open: TaskTrackerToken,
}

/// The payload of `connection_init`.
#[derive(Deserialize)]
struct InitPayload {
    /// The same as the header of this name.
    #[serde(rename = "Authorization", alias = "authorization")]
    authorization: Option<String>,
}

impl ClientSession {
    pub fn new(
        api: Api,
        principal: Option<Principal>,
        permit: Permit,
        request_timeout: Duration,
    ) -> Self {
        let open = api.connections().token();
        Self { api, principal, permit, request_timeout, _open: open }
    }
}

impl Session for ClientSession {
    /// A token takes precedence over a cookie: a page may act for another principal than the one that
    /// is signed in.
    async fn init(&mut self, payload: Option<serde_json::Value>) -> Result<(), CloseCode> {
        let payload: Option<InitPayload> = payload
            .map(serde_json::from_value)
            .transpose()
            .map_err(|_| CloseCode::InvalidMessage)?;
        let Some(header) = payload.and_then(|payload| payload.authorization) else {
            return self.principal.as_ref().map(|_| ()).ok_or(CloseCode::Unauthorized);
        };
        let bearer = bearer(&header).ok_or(CloseCode::Forbidden)?;
        let credential = Some(Credential::Bearer(bearer));
        match self.api.access().authenticate(credential, clock::now()).await {
            Ok(principal) => {
                self.principal = Some(principal);
                Ok(())
            }
            Err(error) => Err(match error.code {
                ErrorCode::Unauthenticated | ErrorCode::Forbidden => CloseCode::Forbidden,
                _ => CloseCode::TryAgainLater,
            }),
        }
    }

    async fn start(&mut self, parameters: Parameters) -> Result<Operation, Vec<ServerError>> {
        let rejected = |error: ApiError| vec![error.into()];
        let principal = self.principal.clone().ok_or_else(|| rejected(invalid_token()))?;
        self.permit.check_rate().await.map_err(rejected)?;
        let queue = self.permit.queue();
        let prepared = prepare(&self.api, parameters, &principal, queue.clone())
            .await
            .map_err(|error| vec![error])?;
        if prepared.kind == Kind::Subscription {
            let permit = self.permit.acquire_stream().map_err(rejected)?;
            let frames = self.api.subscribe(prepared.request, &principal);
            return Ok(Operation::subscription(frames.map_err(|error| vec![error])?, permit));
        }
        let (api, time) = (self.api.clone(), self.request_timeout);
        Ok(Operation::once(async move {
            execute_within(&api, prepared, &principal, queue, time).await.into_payload()
        }))
    }

    async fn throttle(&self) {
        _ = self.permit.check_rate().await;
    }

    async fn parse<T: Send + 'static>(
        &self,
        bytes: usize,
        parse: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        cpu_pool::parse(self.permit.queue(), bytes, parse).await
    }

    fn expired(&self) -> BoxFuture<'static, ()> {
        match self.principal.clone() {
            Some(principal) => async move { principal.expired().await }.boxed(),
            None => future::pending().boxed(),
        }
    }

    fn stopping(&self) -> CancellationToken {
        self.api.live().stopping().clone()
    }
}
