//! GraphQL over WebSocket, by the protocol `graphql-transport-ws`
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_graphql::ServerError;
use axum::response::Response;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use graphql_server::hub::Payload;
use graphql_server::{Kind, Parameters, SubscriptionStream, errors_to_json};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_stream::StreamMap;

use super::close_code::CloseCode;
use super::execute::{execute_within, prepare};
use super::response::Outcome;
use super::socket::{CloseFrame, Error, Message, Socket, Upgrade, Utf8Bytes};
use crate::access::{Credential, Principal};
use crate::clock;
use crate::error::{ApiError, ErrorCode};
use crate::graphql::Api;
use crate::http::auth::authenticate::bearer;
use crate::http::limits::{Permit, cpu_pool};

const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to send `connection_init`.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The interval of pings. A client that is silent for twice as long is disconnected.
const PING_INTERVAL: Duration = Duration::from_secs(15);

/// How long a client may take to read a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Operations that a socket may have at a time.
const MAX_OPERATIONS: usize = 100;

/// How long a client may take to read a message, or the close frame, once the service stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long queries and mutations may take to finish once the service stops.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// The limits of a socket.
pub struct SocketLimits {
    /// Counts it among the client's streams.
    pub permit: Permit,
    /// How long a query may take.
    pub request_timeout: Duration,
    /// The longest message.
    pub message_bytes: usize,
}

/// Accepts an upgrade and serves the protocol. `principal` is set if the request was authenticated.
pub fn upgrade(
    api: Api,
    principal: Option<Principal>,
    upgrade: Upgrade,
    limits: SocketLimits,
) -> Response {
    let protocol = Some(PROTOCOL).filter(|protocol| upgrade.offers(protocol));
    upgrade.accept(protocol, limits.message_bytes, async move |socket| {
        let _open = api.connections().token();
        let mut connection = Connection::new(api, principal, socket, limits);
        let end = if protocol.is_some() {
            connection.serve().await
        } else {
            Err(CloseCode::UnknownSubprotocol)
        };
        connection.close(end).await;
    })
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessage {
    ConnectionInit { payload: Option<InitPayload> },
    Ping { payload: Option<serde_json::Value> },
    Pong {},
    Subscribe { id: String, payload: Parameters },
    Complete { id: String },
}

/// The payload of `connection_init`.
#[derive(Deserialize)]
struct InitPayload {
    /// The same as the header of this name.
    #[serde(rename = "Authorization", alias = "authorization")]
    authorization: Option<String>,
}

/// An event of an operation.
enum OperationEvent {
    /// A response, not the last.
    Next(Payload),
    /// The last response.
    Last(Payload),
    Completed,
}

/// A running operation. Dropping it ends it.
struct Operation {
    kind: Kind,
    /// Counts a subscription among the client's streams.
    _permit: Option<Permit>,
    events: BoxStream<'static, OperationEvent>,
}

impl Stream for Operation {
    type Item = OperationEvent;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<OperationEvent>> {
        self.events.poll_next_unpin(context)
    }
}

struct Connection {
    api: Api,
    socket: Socket,
    limits: SocketLimits,
    /// Whether `connection_init` was accepted.
    is_open: bool,
    principal: Option<Principal>,
    /// Resolves when the credentials of `principal` expire or are revoked.
    expired: BoxFuture<'static, ()>,
    is_stopping: bool,
    /// The running operations by id.
    operations: StreamMap<Arc<str>, Operation>,
}

impl Connection {
    fn new(api: Api, principal: Option<Principal>, socket: Socket, limits: SocketLimits) -> Self {
        Self {
            api,
            socket,
            limits,
            is_open: false,
            is_stopping: false,
            expired: until_expired(principal.clone()),
            principal,
            operations: StreamMap::new(),
        }
    }

    async fn serve(&mut self) -> Result<(), CloseCode> {
        let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_message = Instant::now();
        let init = sleep(INIT_TIMEOUT);
        tokio::pin!(init);
        let api = self.api.clone();
        let stopping = api.stopping();
        tokio::pin!(stopping);
        // Reset when the service stops.
        let too_late = sleep(ANSWER_TIMEOUT);
        tokio::pin!(too_late);
        loop {
            tokio::select! {
                message = self.socket.recv() => {
                    last_message = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.handle(text).await?,
                        Some(Ok(Message::Binary(_))) => return Err(CloseCode::InvalidMessage),
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                            // These cannot be rejected, but beyond the rate limit they are read slowly.
                            _ = self.limits.permit.check_rate().await;
                        }
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                        Some(Err(_)) => return Err(CloseCode::Unreadable),
                    }
                }
                Some((id, event)) = self.operations.next() => self.send_event(&id, event).await?,
                _ = pings.tick() => {
                    if last_message.elapsed() > 2 * PING_INTERVAL {
                        return Err(CloseCode::Gone);
                    }
                    self.send(Message::Ping(axum::body::Bytes::new())).await?;
                }
                () = &mut init, if !self.is_open => {
                    return Err(CloseCode::InitTimeout);
                }
                () = &mut self.expired => return Err(CloseCode::Forbidden),
                () = &mut stopping, if !self.is_stopping => {
                    self.is_stopping = true;
                    too_late.as_mut().reset(Instant::now() + ANSWER_TIMEOUT);
                }
                () = &mut too_late, if self.is_stopping => return Err(CloseCode::ServiceRestart),
            }
            // Queries and mutations finish; subscriptions continue on another connection.
            if self.is_stopping && self.operations.values().all(Operation::is_subscription) {
                return Err(CloseCode::ServiceRestart);
            }
        }
    }

    async fn handle(&mut self, text: Utf8Bytes) -> Result<(), CloseCode> {
        let queue = self.limits.permit.queue();
        let message = cpu_pool::parse(queue, text.len(), move || serde_json::from_str(&text)).await;
        let message = message.map_err(|_| CloseCode::InvalidMessage)?;
        if !matches!(message, ClientMessage::Subscribe { .. }) {
            _ = self.limits.permit.check_rate().await;
        }
        match message {
            ClientMessage::ConnectionInit { payload } => {
                if self.is_open {
                    return Err(CloseCode::RepeatedInit);
                }
                if let Some(header) = payload.and_then(|payload| payload.authorization) {
                    self.authenticate(&header).await?;
                } else if self.principal.is_none() {
                    return Err(CloseCode::Unauthorized);
                }
                self.is_open = true;
                self.send_text(r#"{"type":"connection_ack"}"#.to_owned()).await
            }
            ClientMessage::Ping { payload } => {
                let pong = match payload {
                    Some(payload) => json!({ "type": "pong", "payload": payload }),
                    None => json!({ "type": "pong" }),
                };
                self.send_text(pong.to_string()).await
            }
            ClientMessage::Pong {} => Ok(()),
            ClientMessage::Complete { id } => {
                self.operations.remove(&*id);
                Ok(())
            }
            ClientMessage::Subscribe { .. } if !self.is_open => Err(CloseCode::Unauthorized),
            ClientMessage::Subscribe { id, .. } if self.operations.contains_key(&*id) => {
                Err(CloseCode::DuplicateOperation)
            }
            // The client will send it again after it has reconnected.
            ClientMessage::Subscribe { .. } if self.is_stopping => Ok(()),
            ClientMessage::Subscribe { payload, .. } if !payload.name_a_document() => {
                Err(CloseCode::InvalidMessage)
            }
            ClientMessage::Subscribe { id, payload } => self.start(id, payload).await,
        }
    }

    /// Authenticates the client by the token in `connection_init`. It takes precedence over a cookie: a
    /// page may act for another principal than the one that is signed in.
    async fn authenticate(&mut self, header: &str) -> Result<(), CloseCode> {
        let bearer = bearer(header).ok_or(CloseCode::Forbidden)?;
        let credential = Some(Credential::Bearer(bearer));
        match self.api.access().authenticate(credential, clock::now()).await {
            Ok(principal) => {
                self.expired = until_expired(Some(principal.clone()));
                self.principal = Some(principal);
                Ok(())
            }
            Err(error) => Err(CloseCode::of_authentication(error.code)),
        }
    }

    /// Starts an operation.
    async fn start(&mut self, id: String, parameters: Parameters) -> Result<(), CloseCode> {
        if self.operations.len() >= MAX_OPERATIONS {
            let message =
                format!("expected at most {MAX_OPERATIONS} operations at a time on a connection");
            let error = ApiError::limit(ErrorCode::TooManyOperations, message, MAX_OPERATIONS);
            return self.reject(&id, error.into()).await;
        }
        let Some(principal) = self.principal.clone() else { return Err(CloseCode::Unauthorized) };
        if let Err(error) = self.limits.permit.check_rate().await {
            return self.reject(&id, error.into()).await;
        }
        let queue = self.limits.permit.queue();
        let prepared = match prepare(&self.api, parameters, &principal, queue.clone()).await {
            Ok(prepared) => prepared,
            Err(error) => return self.reject(&id, error).await,
        };
        let kind = prepared.kind;
        let mut permit = None;
        let events = if kind == Kind::Subscription {
            match self.limits.permit.acquire_stream() {
                Ok(stream) => permit = Some(stream),
                Err(error) => return self.reject(&id, error.into()).await,
            }
            match self.api.subscribe(prepared.request, &principal) {
                Ok(frames) => subscription_events(frames).boxed(),
                Err(error) => return self.reject(&id, error).await,
            }
        } else {
            let (api, time) = (self.api.clone(), self.limits.request_timeout);
            let executing = async move {
                OperationEvent::Last(
                    match execute_within(&api, prepared, &principal, queue, time).await {
                        Outcome::Executed { json, .. } => Payload::Response(json.into()),
                        Outcome::NotExecuted(errors) => Payload::Refusal(errors_to_json(&errors)),
                        Outcome::Rejected(rejection) => {
                            Payload::Refusal(errors_to_json(&[(*rejection.error).into()]))
                        }
                    },
                )
            };
            stream::once(executing).boxed()
        };
        self.operations.insert(id.into(), Operation { kind, _permit: permit, events });
        Ok(())
    }

    async fn send_event(&mut self, id: &str, event: OperationEvent) -> Result<(), CloseCode> {
        match event {
            OperationEvent::Next(payload) => self.send_payload(id, &payload).await,
            OperationEvent::Last(payload @ Payload::Refusal(_)) => {
                self.operations.remove(id);
                self.send_payload(id, &payload).await
            }
            OperationEvent::Last(payload) => {
                self.send_payload(id, &payload).await?;
                self.complete(id).await
            }
            OperationEvent::Completed => self.complete(id).await,
        }
    }

    async fn complete(&mut self, id: &str) -> Result<(), CloseCode> {
        if self.operations.remove(id).is_none() {
            return Ok(());
        }
        self.send_text(json!({ "type": "complete", "id": id }).to_string()).await
    }

    async fn reject(&mut self, id: &str, error: ServerError) -> Result<(), CloseCode> {
        self.send_payload(id, &Payload::Refusal(errors_to_json(&[error]))).await
    }

    async fn send_payload(&mut self, id: &str, payload: &Payload) -> Result<(), CloseCode> {
        let (kind, json) = match payload {
            Payload::Response(json) => ("next", json),
            Payload::Refusal(json) => ("error", json),
        };
        let id = serde_json::Value::from(id);
        let start = format!("{{\"type\":\"{kind}\",\"id\":{id},\"payload\":");
        send_in_time(&self.api, self.socket.send_parts(&start, json, "}")).await
    }

    async fn send_text(&mut self, text: String) -> Result<(), CloseCode> {
        self.send(Message::from(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), CloseCode> {
        send_in_time(&self.api, self.socket.send(message)).await
    }

    async fn close(mut self, end: Result<(), CloseCode>) {
        let closing = async {
            if let Err(code) = end {
                let frame = CloseFrame { code: code.number().into(), reason: code.reason().into() };
                _ = self.socket.send(Message::Close(Some(frame))).await;
            }
            // Wait for the client's close frame, since closing the connection earlier could discard what
            // was sent. A close frame of the client is answered here as well.
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        _ = timeout(CLOSE_TIMEOUT, closing).await;
    }
}

/// Sends a message, or gives up if the client does not read.
async fn send_in_time(
    api: &Api,
    sending: impl Future<Output = Result<(), Error>>,
) -> Result<(), CloseCode> {
    tokio::select! {
        biased;
        // An error means that the client has disconnected.
        sent = sending => sent.map_err(|_| CloseCode::Gone),
        () = sleep(SEND_TIMEOUT) => Err(CloseCode::Gone),
        () = async { api.stopping().await; sleep(CLOSE_TIMEOUT).await } => Err(CloseCode::Gone),
    }
}

impl Operation {
    fn is_subscription(&self) -> bool {
        self.kind == Kind::Subscription
    }
}

fn until_expired(principal: Option<Principal>) -> BoxFuture<'static, ()> {
    async move {
        match principal {
            Some(principal) => principal.expired().await,
            None => std::future::pending().await,
        }
    }
    .boxed()
}

/// The events of a subscription.
fn subscription_events(frames: SubscriptionStream) -> impl Stream<Item = OperationEvent> {
    stream::unfold(Some(frames), async |frames| {
        let mut frames = frames?;
        Some(match frames.next().await {
            Some(frame) if matches!(frame.payload, Payload::Refusal(_)) => {
                (OperationEvent::Last(frame.payload), None)
            }
            Some(frame) => (OperationEvent::Next(frame.payload), Some(frames)),
            None => (OperationEvent::Completed, None),
        })
    })
}
