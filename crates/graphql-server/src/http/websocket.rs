//! GraphQL over WebSocket, by the protocol `graphql-transport-ws`
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_graphql::ServerError;
use axum::body::Bytes;
use axum::response::Response;
use futures_util::future::{self, BoxFuture, FutureExt as _};
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_stream::StreamMap;
use tokio_util::sync::CancellationToken;

use super::close_code::CloseCode;
use super::socket::{CloseFrame, Error, Message, Socket, Upgrade, Utf8Bytes};
use crate::error::{DocumentError, ErrorCode};
use crate::execution::errors_to_json;
use crate::hub::Payload;
use crate::request::Parameters;
use crate::subscription::SubscriptionStream;

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

/// What a service does for a connection.
pub trait Session: Send + 'static {
    /// Authenticates the client by the payload of `connection_init`.
    ///
    /// # Errors
    /// The code with which the connection is closed.
    fn init(
        &mut self,
        payload: Option<serde_json::Value>,
    ) -> impl Future<Output = Result<(), CloseCode>> + Send;

    /// Starts an operation.
    ///
    /// # Errors
    /// Why it is not executed.
    fn start(
        &mut self,
        parameters: Parameters,
    ) -> impl Future<Output = Result<Operation, Vec<ServerError>>> + Send;

    /// Delays the next message of a client that sends too fast. `start` limits the operations itself.
    fn throttle(&self) -> impl Future<Output = ()> + Send {
        future::ready(())
    }

    /// Parses a message of this many bytes, which may be work for another thread.
    fn parse<T: Send + 'static>(
        &self,
        bytes: usize,
        parse: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        _ = bytes;
        future::ready(parse())
    }

    /// Resolves when the client's credentials expire. It is called before and after `init`.
    fn expired(&self) -> BoxFuture<'static, ()> {
        future::pending().boxed()
    }

    /// Cancelled when the service stops.
    fn stopping(&self) -> CancellationToken {
        CancellationToken::new()
    }
}

/// Accepts an upgrade and serves the protocol. A message may have up to `message_bytes`.
pub fn upgrade(upgrade: Upgrade, message_bytes: usize, session: impl Session) -> Response {
    let protocol = Some(PROTOCOL).filter(|protocol| upgrade.offers(protocol));
    upgrade.accept(protocol, message_bytes, async move |socket| {
        let mut connection = Connection::new(session, socket);
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
    ConnectionInit { payload: Option<serde_json::Value> },
    Ping { payload: Option<serde_json::Value> },
    Pong {},
    Subscribe { id: String, payload: Parameters },
    Complete { id: String },
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
pub struct Operation {
    is_subscription: bool,
    events: BoxStream<'static, OperationEvent>,
}

impl Operation {
    /// A query or a mutation.
    pub fn once(response: impl Future<Output = Payload> + Send + 'static) -> Self {
        let events = stream::once(response.map(OperationEvent::Last)).boxed();
        Self { is_subscription: false, events }
    }

    /// A subscription. It holds the `guard`, such as a permit of the client's streams.
    pub fn subscription(frames: SubscriptionStream, guard: impl Send + 'static) -> Self {
        let events = stream::unfold(Some((frames, guard)), async |state| {
            let (mut frames, guard) = state?;
            Some(match frames.next().await {
                Some(frame) if matches!(frame.payload, Payload::Refusal(_)) => {
                    (OperationEvent::Last(frame.payload), None)
                }
                Some(frame) => (OperationEvent::Next(frame.payload), Some((frames, guard))),
                None => (OperationEvent::Completed, None),
            })
        });
        Self { is_subscription: true, events: events.boxed() }
    }
}

/// An operation of a connection, as a stream of its events.
struct Running(Operation);

impl Stream for Running {
    type Item = OperationEvent;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<OperationEvent>> {
        self.0.events.poll_next_unpin(context)
    }
}

struct Connection<S> {
    session: S,
    socket: Socket,
    /// Whether `connection_init` was accepted.
    is_open: bool,
    /// Resolves when the client's credentials expire.
    expired: BoxFuture<'static, ()>,
    stopping: CancellationToken,
    is_stopping: bool,
    /// The running operations by id.
    operations: StreamMap<Arc<str>, Running>,
}

impl<S: Session> Connection<S> {
    fn new(session: S, socket: Socket) -> Self {
        Self {
            socket,
            is_open: false,
            is_stopping: false,
            expired: session.expired(),
            stopping: session.stopping(),
            operations: StreamMap::new(),
            session,
        }
    }

    async fn serve(&mut self) -> Result<(), CloseCode> {
        let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_message = Instant::now();
        let init = sleep(INIT_TIMEOUT);
        tokio::pin!(init);
        let stopping = self.stopping.clone();
        let stopping = stopping.cancelled();
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
                            self.session.throttle().await;
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
                    self.send(Message::Ping(Bytes::new())).await?;
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
            if self.is_stopping && self.operations.values().all(|running| running.0.is_subscription)
            {
                return Err(CloseCode::ServiceRestart);
            }
        }
    }

    async fn handle(&mut self, text: Utf8Bytes) -> Result<(), CloseCode> {
        let message = self.session.parse(text.len(), move || serde_json::from_str(&text)).await;
        let message = message.map_err(|_| CloseCode::InvalidMessage)?;
        if !matches!(message, ClientMessage::Subscribe { .. }) {
            self.session.throttle().await;
        }
        match message {
            ClientMessage::ConnectionInit { payload } => {
                if self.is_open {
                    return Err(CloseCode::RepeatedInit);
                }
                self.session.init(payload).await?;
                self.expired = self.session.expired();
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

    /// Starts an operation.
    async fn start(&mut self, id: String, parameters: Parameters) -> Result<(), CloseCode> {
        if self.operations.len() >= MAX_OPERATIONS {
            let message =
                format!("expected at most {MAX_OPERATIONS} operations at a time on a connection");
            let error = DocumentError {
                exceeded: Some((MAX_OPERATIONS as u64, MAX_OPERATIONS as u64 + 1)),
                ..DocumentError::new(ErrorCode::TooManyOperations, message)
            };
            return self.reject(&id, &[error.into()]).await;
        }
        match self.session.start(parameters).await {
            Ok(operation) => _ = self.operations.insert(id.into(), Running(operation)),
            Err(errors) => self.reject(&id, &errors).await?,
        }
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

    async fn reject(&mut self, id: &str, errors: &[ServerError]) -> Result<(), CloseCode> {
        self.send_payload(id, &Payload::Refusal(errors_to_json(errors))).await
    }

    async fn send_payload(&mut self, id: &str, payload: &Payload) -> Result<(), CloseCode> {
        let (kind, json) = match payload {
            Payload::Response(json) => ("next", json),
            Payload::Refusal(json) => ("error", json),
        };
        let id = serde_json::Value::from(id);
        let start = format!("{{\"type\":\"{kind}\",\"id\":{id},\"payload\":");
        send_in_time(&self.stopping, self.socket.send_parts(&start, json, "}")).await
    }

    async fn send_text(&mut self, text: String) -> Result<(), CloseCode> {
        self.send(Message::from(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), CloseCode> {
        send_in_time(&self.stopping, self.socket.send(message)).await
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
    stopping: &CancellationToken,
    sending: impl Future<Output = Result<(), Error>>,
) -> Result<(), CloseCode> {
    tokio::select! {
        biased;
        // An error means that the client has disconnected.
        sent = sending => sent.map_err(|_| CloseCode::Gone),
        () = sleep(SEND_TIMEOUT) => Err(CloseCode::Gone),
        () = async { stopping.cancelled().await; sleep(CLOSE_TIMEOUT).await } => Err(CloseCode::Gone),
    }
}
