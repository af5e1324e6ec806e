//! A client of `subscription { executingJobs }`, by the protocol `graphql-transport-ws`.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rand::Rng as _;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

const QUERY: &str = "subscription($configurationId: UUID) {
  executingJobs(configurationId: $configurationId) {
    isSnapshot
    jobs {
      id
      name
      currentRun {
        percentCompleted
        agentTasksCount
        agentTasksCompletedCount
        agentExpectedTasksCount
        tasksPerMinute
        estimatedRemaining
      }
    }
    removed { id state }
  }
}";

/// How long connecting may take, and the server's first answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The server sends a ping every 15 seconds. Without a message for this long, the connection is lost.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(40);

/// Between two attempts to connect: at first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// What happens on a client's connection.
#[derive(Debug)]
pub enum ConnectionEvent {
    /// The subscription runs.
    Connected,
    /// An `ExecutingJobsUpdate`, with the response's `errors`, if it has some.
    Update(Json),
    /// The connection was lost. The client connects again after `pause`.
    Disconnected { reason: String, pause: Duration },
}

/// Why a client ends.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    #[error("cannot use {url}: {reason}")]
    Unreachable { url: Url, reason: String },
    #[error("{url} refuses: {reason}")]
    Refused { url: Url, reason: String },
}

/// Why a connection ends.
enum End {
    /// Another attempt may succeed.
    Lost(String),
    /// Another attempt would end in the same way.
    Refused(String),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::Http(response) => {
                let status = response.status();
                let reason = format!("it answered {status} to a WebSocket");
                if status.is_client_error() && status.as_u16() != 429 {
                    Self::Refused(reason)
                } else {
                    Self::Lost(reason)
                }
            }
            Error::Io(error) => Self::Lost(error.to_string()),
            other => Self::Lost(other.to_string()),
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromServer {
    ConnectionAck {},
    Next { payload: Payload },
    Error { payload: Vec<Json> },
    Complete {},
    Ping {},
    Pong {},
}

#[derive(Deserialize)]
struct Payload {
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<Json>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "executingJobs")]
    update: Map<String, Json>,
}

/// Watches the jobs that execute; of one configuration, or of all.
pub struct Client {
    url: Url,
    authorization: Option<HeaderValue>,
    configuration: Option<Uuid>,
}

impl Client {
    /// A client of the server at this address, `http` or `https`, whose path is that of the
    /// GraphQL endpoint or none; with this to be let in, if it is needed.
    pub fn new(
        mut url: Url,
        authorization: Option<HeaderValue>,
        configuration: Option<Uuid>,
    ) -> Self {
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        // Between these schemes it can always be changed.
        _ = url.set_scheme(scheme);
        if url.path() == "/" {
            url.set_path("/graphql");
        }
        // Another part of the program may have chosen already; either will do.
        _ = rustls::crypto::ring::default_provider().install_default();
        Self { url, authorization, configuration }
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Tells events until the server refuses, or cannot be reached at all.
    pub async fn run(&self, events: mpsc::Sender<ConnectionEvent>) -> Ended {
        let mut was_served = false;
        let mut backoff = BACKOFF.0;
        loop {
            let mut is_served = false;
            let reason = match self.session(&events, &mut is_served).await {
                End::Refused(reason) => return Ended::Refused { url: self.url.clone(), reason },
                End::Lost(reason) => reason,
            };
            was_served |= is_served;
            if !was_served {
                return Ended::Unreachable { url: self.url.clone(), reason };
            }
            backoff = if is_served { BACKOFF.0 } else { (backoff * 2).min(BACKOFF.1) };
            // All who watch lose the server in the same moment; they do not all come back in one.
            let pause = backoff.mul_f64(rand::rng().random_range(0.5..1.5));
            _ = events.send(ConnectionEvent::Disconnected { reason, pause }).await;
            sleep(pause).await;
        }
    }

    /// One connection, from its beginning to its end.
    async fn session(&self, events: &mpsc::Sender<ConnectionEvent>, is_served: &mut bool) -> End {
        match self.converse(events, is_served).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn converse(
        &self,
        events: &mpsc::Sender<ConnectionEvent>,
        is_served: &mut bool,
    ) -> Result<std::convert::Infallible, End> {
        let mut request = self.url.as_str().into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert("Authorization", authorization.clone());
        }
        let late = |_| End::Lost("it does not answer".to_owned());
        let (mut socket, _) =
            timeout(CONNECT_TIMEOUT, Box::pin(connect_async(request))).await.map_err(late)??;
        socket.send(Message::text(r#"{"type":"connection_init"}"#)).await?;
        let mut limit = CONNECT_TIMEOUT;
        loop {
            let silent = |_| End::Lost("it is silent".to_owned());
            let text = match timeout(limit, socket.next()).await.map_err(silent)? {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or_else(closed, |frame| {
                        refused_by(frame.code.into(), &frame.reason)
                    }));
                }
                // Pings are answered by the library.
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error.into()),
                None => return Err(closed()),
            };
            let message = serde_json::from_str(&text).map_err(|error| {
                End::Refused(format!("it does not speak the protocol: {error}"))
            })?;
            match message {
                FromServer::ConnectionAck {} => {
                    let variables = json!({ "configurationId": self.configuration });
                    let payload = json!({ "query": QUERY, "variables": variables });
                    let message = json!({ "type": "subscribe", "id": "1", "payload": payload });
                    socket.send(Message::text(message.to_string())).await?;
                    limit = SILENCE_TIMEOUT;
                }
                FromServer::Next {
                    payload: Payload { data: Some(Data { mut update }), errors },
                } => {
                    if !*is_served {
                        *is_served = true;
                        _ = events.send(ConnectionEvent::Connected).await;
                    }
                    // A field that has an error is null, and the rest can be shown.
                    if !errors.is_empty() {
                        update.insert("errors".to_owned(), errors.into());
                    }
                    _ = events.send(ConnectionEvent::Update(update.into())).await;
                }
                // What it would have shown is unknown; the next snapshot has it.
                FromServer::Next { payload } => return Err(End::Lost(first(&payload.errors))),
                FromServer::Error { payload } => return Err(End::Refused(first(&payload))),
                FromServer::Complete {} => {
                    return Err(End::Lost("it has ended the subscription".to_owned()));
                }
                FromServer::Ping {} => socket.send(Message::text(r#"{"type":"pong"}"#)).await?,
                FromServer::Pong {} => {}
            }
        }
    }
}

fn first(errors: &[Json]) -> String {
    let message = errors.first().and_then(|error| error["message"].as_str());
    message.unwrap_or("an error without a message").to_owned()
}

fn closed() -> End {
    End::Lost("the connection was closed".to_owned())
}

/// The protocol's codes from 4400 on say what the client did wrong, which it would do again; all but
/// that it was too slow.
fn refused_by(code: u16, reason: &str) -> End {
    let event = format!("the connection was closed: {reason} ({code})");
    if (4400..4500).contains(&code) && code != 4408 {
        End::Refused(event)
    } else {
        End::Lost(event)
    }
}
