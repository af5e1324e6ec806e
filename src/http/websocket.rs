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
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_stream::StreamMap;

use super::access::bearer;
use super::answer::Outcome;
use super::clients::Place;
use super::graphql::{admit, execute_within};
use super::heavy;
use super::socket::{CloseFrame, Error, Message, Socket, Upgrade, Utf8Bytes};
use crate::access::{Credential, Denied, Viewer};
use crate::clock;
use crate::error::refusal;
use crate::graphql::{Api, Kind, Parameters, Watching, errors_to_json};
use crate::live::group::Payload;

const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to introduce itself.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a client is asked whether it is there. One that is silent for twice as long is not.
const PING_EVERY: Duration = Duration::from_secs(15);

/// How long a client may take to read a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Operations that a socket may have at a time.
const OPERATIONS: usize = 100;

/// How long a client may take to read a message, or the goodbye, once the service stops.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long what was asked for before may still be answered once the service stops.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// What a socket is to its client.
pub struct Bounds {
    /// Its place among the client's sockets.
    pub place: Place,
    /// How long a query may take.
    pub request_timeout: Duration,
    /// What a message may have in bytes.
    pub message_bytes: usize,
}

/// Speaks the protocol with whoever asks for an upgrade: `viewer`, if that is known already.
pub fn upgrade(api: Api, viewer: Option<Viewer>, upgrade: Upgrade, bounds: Bounds) -> Response {
    let protocol = Some(PROTOCOL).filter(|protocol| upgrade.speaks(protocol));
    upgrade.accept(protocol, bounds.message_bytes, async move |socket| {
        let _open = api.connections().token();
        let mut connection = Connection::new(api, viewer, socket, bounds);
        let end = if protocol.is_some() {
            connection.serve().await
        } else {
            Err(Close(4406, "Subprotocol not acceptable"))
        };
        connection.close(end).await;
    })
}

/// Why a connection ends: the code and the reason, of which the protocol defines those from 4400 on.
#[derive(Clone, Copy, Debug)]
struct Close(u16, &'static str);

/// What clients take for a reason to connect again, perhaps elsewhere.
const SERVICE_RESTART: Close = Close(1012, "Service restart");

/// A client that does not read, or is gone.
const GONE: Close = Close(1001, "Gone");

/// A client that has not said who it is.
const UNAUTHORIZED: Close = Close(4401, "Unauthorized");

/// A client whose token is not valid, or not any more: it may connect again with another.
const FORBIDDEN: Close = Close(4403, "Forbidden");

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromClient {
    ConnectionInit { payload: Option<Init> },
    Ping { payload: Option<serde_json::Value> },
    Pong {},
    Subscribe { id: String, payload: Parameters },
    Complete { id: String },
}

/// What a client may say of itself.
#[derive(Deserialize)]
struct Init {
    /// As the header of this name has it.
    #[serde(rename = "Authorization", alias = "authorization")]
    authorization: Option<String>,
}

/// What became of an operation.
enum Progress {
    /// It has something to show, and goes on.
    Next(Payload),
    /// It has something to show, and is over.
    Last(Payload),
    Over,
}

/// An operation that runs. Dropping it ends that.
struct Operation {
    kind: Kind,
    /// Of one that goes on, its place among the client's streams.
    _place: Option<Place>,
    progress: BoxStream<'static, Progress>,
}

impl Stream for Operation {
    type Item = Progress;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Progress>> {
        self.progress.poll_next_unpin(context)
    }
}

struct Connection {
    api: Api,
    socket: Socket,
    bounds: Bounds,
    is_open: bool,
    /// Who it is.
    viewer: Option<Viewer>,
    /// Done when that is nobody any more.
    over: BoxFuture<'static, ()>,
    is_stopping: bool,
    /// The operations that run, by their ids.
    operations: StreamMap<Arc<str>, Operation>,
}

impl Connection {
    fn new(api: Api, viewer: Option<Viewer>, socket: Socket, bounds: Bounds) -> Self {
        Self {
            api,
            socket,
            bounds,
            is_open: false,
            is_stopping: false,
            over: until_over(viewer.clone()),
            viewer,
            operations: StreamMap::new(),
        }
    }

    async fn serve(&mut self) -> Result<(), Close> {
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let init = sleep(INIT_TIMEOUT);
        tokio::pin!(init);
        let api = self.api.clone();
        let stopping = api.stopping();
        tokio::pin!(stopping);
        // Set when the service stops.
        let too_late = sleep(ANSWER_TIMEOUT);
        tokio::pin!(too_late);
        loop {
            tokio::select! {
                message = self.socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.take(text).await?,
                        Some(Ok(Message::Binary(_))) => return Err(Close(4400, "Invalid message")),
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                            // It cannot be refused, but is read slowly.
                            _ = self.bounds.place.count().await;
                        }
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                        Some(Err(_)) => return Err(Close(1009, "Unreadable or too large")),
                    }
                }
                Some((id, progress)) = self.operations.next() => self.show(&id, progress).await?,
                _ = pings.tick() => {
                    if heard.elapsed() > 2 * PING_EVERY {
                        return Err(GONE);
                    }
                    self.send(Message::Ping(axum::body::Bytes::new())).await?;
                }
                () = &mut init, if !self.is_open => {
                    return Err(Close(4408, "Connection initialisation timeout"));
                }
                () = &mut self.over => return Err(FORBIDDEN),
                () = &mut stopping, if !self.is_stopping => {
                    self.is_stopping = true;
                    too_late.as_mut().reset(Instant::now() + ANSWER_TIMEOUT);
                }
                () = &mut too_late, if self.is_stopping => return Err(SERVICE_RESTART),
            }
            // What was asked for before is answered; what is watched goes on elsewhere.
            if self.is_stopping && self.operations.values().all(Operation::is_watched) {
                return Err(SERVICE_RESTART);
            }
        }
    }

    async fn take(&mut self, text: Utf8Bytes) -> Result<(), Close> {
        let turn = self.bounds.place.turn();
        let message = heavy::read(turn, text.len(), move || serde_json::from_str(&text)).await;
        let message = message.map_err(|_| Close(4400, "Invalid message"))?;
        if !matches!(message, FromClient::Subscribe { .. }) {
            _ = self.bounds.place.count().await;
        }
        match message {
            FromClient::ConnectionInit { payload } => {
                if self.is_open {
                    return Err(Close(4429, "Too many initialisation requests"));
                }
                if let Some(shown) = payload.and_then(|payload| payload.authorization) {
                    self.let_in(&shown).await?;
                } else if self.viewer.is_none() {
                    return Err(UNAUTHORIZED);
                }
                self.is_open = true;
                self.send_text(r#"{"type":"connection_ack"}"#.to_owned()).await
            }
            FromClient::Ping { payload } => {
                let pong = match payload {
                    Some(payload) => json!({ "type": "pong", "payload": payload }),
                    None => json!({ "type": "pong" }),
                };
                self.send_text(pong.to_string()).await
            }
            FromClient::Pong {} => Ok(()),
            FromClient::Complete { id } => {
                self.operations.remove(&*id);
                Ok(())
            }
            FromClient::Subscribe { .. } if !self.is_open => Err(UNAUTHORIZED),
            FromClient::Subscribe { id, .. } if self.operations.contains_key(&*id) => {
                Err(Close(4409, "Subscriber already exists"))
            }
            // The client will ask elsewhere, as soon as it is told.
            FromClient::Subscribe { .. } if self.is_stopping => Ok(()),
            FromClient::Subscribe { payload, .. } if !payload.name_a_document() => {
                Err(Close(4400, "Invalid message"))
            }
            FromClient::Subscribe { id, payload } => self.begin(id, payload).await,
        }
    }

    /// Finds out who shows this. What is shown here goes before a cookie: a page may speak for
    /// another than the browser is signed in as.
    async fn let_in(&mut self, shown: &str) -> Result<(), Close> {
        let bearer = bearer(shown).ok_or(FORBIDDEN)?;
        let credential = Some(Credential::Bearer(bearer));
        match self.api.access().viewer(credential, clock::now()).await {
            Ok(viewer) => {
                self.over = until_over(Some(viewer.clone()));
                self.viewer = Some(viewer);
                Ok(())
            }
            Err(Denied::IssuerAway | Denied::Failed(_)) => Err(Close(1013, "Try again later")),
            Err(Denied::Missing | Denied::Invalid | Denied::Forbidden(_)) => Err(FORBIDDEN),
        }
    }

    /// Begins an operation.
    async fn begin(&mut self, id: String, parameters: Parameters) -> Result<(), Close> {
        if self.operations.len() >= OPERATIONS {
            let error = refusal(
                "TOO_MANY_OPERATIONS",
                format!("expected at most {OPERATIONS} operations at a time on a connection"),
            );
            return self.refuse(&id, &[error]).await;
        }
        let Some(viewer) = self.viewer.clone() else { return Err(UNAUTHORIZED) };
        if let Err(refusal) = self.bounds.place.count().await {
            return self.refuse(&id, &[*refusal.error]).await;
        }
        let turn = self.bounds.place.turn();
        let admitted = match admit(&self.api, parameters, &viewer, turn.clone()).await {
            Ok(admitted) => admitted,
            Err(error) => return self.refuse(&id, &[error]).await,
        };
        let kind = admitted.kind;
        let mut place = None;
        let progress = if kind == Kind::Subscription {
            match self.bounds.place.another() {
                Ok(another) => place = Some(another),
                Err(refusal) => return self.refuse(&id, &[*refusal.error]).await,
            }
            match self.api.watch(admitted.request, &viewer) {
                Ok(watching) => watch(watching).boxed(),
                Err(error) => return self.refuse(&id, &[error]).await,
            }
        } else {
            let (api, time) = (self.api.clone(), self.bounds.request_timeout);
            let executing = async move {
                Progress::Last(match execute_within(&api, admitted, &viewer, turn, time).await {
                    Outcome::Executed { json, .. } => Payload::Response(json.into()),
                    Outcome::NotExecuted(errors) => Payload::Refusal(errors_to_json(&errors)),
                    Outcome::Refused(refusal) => {
                        Payload::Refusal(errors_to_json(&[*refusal.error]))
                    }
                })
            };
            stream::once(executing).boxed()
        };
        self.operations.insert(id.into(), Operation { kind, _place: place, progress });
        Ok(())
    }

    async fn show(&mut self, id: &str, progress: Progress) -> Result<(), Close> {
        match progress {
            Progress::Next(payload) => self.send_payload(id, &payload).await,
            Progress::Last(payload @ Payload::Refusal(_)) => {
                self.operations.remove(id);
                self.send_payload(id, &payload).await
            }
            Progress::Last(payload) => {
                self.send_payload(id, &payload).await?;
                self.complete(id).await
            }
            Progress::Over => self.complete(id).await,
        }
    }

    async fn complete(&mut self, id: &str) -> Result<(), Close> {
        if self.operations.remove(id).is_none() {
            return Ok(());
        }
        self.send_text(json!({ "type": "complete", "id": id }).to_string()).await
    }

    async fn refuse(&mut self, id: &str, errors: &[ServerError]) -> Result<(), Close> {
        self.send_payload(id, &Payload::Refusal(errors_to_json(errors))).await
    }

    async fn send_payload(&mut self, id: &str, payload: &Payload) -> Result<(), Close> {
        let (kind, json) = match payload {
            Payload::Response(json) => ("next", json),
            Payload::Refusal(json) => ("error", json),
        };
        let id = serde_json::Value::from(id);
        let start = format!("{{\"type\":\"{kind}\",\"id\":{id},\"payload\":");
        in_time(&self.api, self.socket.send_parts(&start, json, "}")).await
    }

    async fn send_text(&mut self, text: String) -> Result<(), Close> {
        self.send(Message::from(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Close> {
        in_time(&self.api, self.socket.send(message)).await
    }

    async fn close(mut self, end: Result<(), Close>) {
        let closing = async {
            if let Err(Close(code, reason)) = end {
                let frame = CloseFrame { code: code.into(), reason: reason.into() };
                _ = self.socket.send(Message::Close(Some(frame))).await;
            }
            // Until the client has confirmed, its side might lose what was sent; and its own goodbye
            // is confirmed here.
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        _ = timeout(GOODBYE_TIMEOUT, closing).await;
    }
}

/// Sends something, unless the client does not read.
async fn in_time(api: &Api, sending: impl Future<Output = Result<(), Error>>) -> Result<(), Close> {
    tokio::select! {
        biased;
        // It may be gone.
        sent = sending => sent.map_err(|_| GONE),
        () = sleep(SEND_TIMEOUT) => Err(GONE),
        () = async { api.stopping().await; sleep(GOODBYE_TIMEOUT).await } => Err(GONE),
    }
}

impl Operation {
    fn is_watched(&self) -> bool {
        self.kind == Kind::Subscription
    }
}

fn until_over(viewer: Option<Viewer>) -> BoxFuture<'static, ()> {
    async move {
        match viewer {
            Some(viewer) => viewer.over().await,
            None => std::future::pending().await,
        }
    }
    .boxed()
}

/// What a subscription shows, from one thing to the next.
fn watch(watching: Watching) -> impl Stream<Item = Progress> {
    stream::unfold(Some(watching), async |watching| {
        let mut watching = watching?;
        Some(match watching.next().await {
            Some(frame) if matches!(frame.payload, Payload::Refusal(_)) => {
                (Progress::Last(frame.payload), None)
            }
            Some(frame) => (Progress::Next(frame.payload), Some(watching)),
            None => (Progress::Over, None),
        })
    })
}
