//! Clients that watch: a subscription over each of the transports.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{TestServer, client};

/// Nothing that these tests wait for takes so long, even on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The one protocol that is spoken.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// What must come, comes.
pub async fn soon<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, coming).await.expect("it comes in time")
}

/// A WebSocket and what is said on it.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Connects, offering these protocols, and says nothing yet. The socket, and the protocol that
    /// the server has chosen.
    pub async fn connect(url: &str, protocols: &str) -> Result<(Self, Option<String>), Error> {
        let offered = [("sec-websocket-protocol", protocols)];
        Self::connect_with(url, if protocols.is_empty() { &[] } else { &offered }).await
    }

    /// The same with these headers.
    pub async fn connect_with(
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, Option<String>), Error> {
        let url = format!("{}/graphql", url.replacen("http", "ws", 1));
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().expect("a header's value"));
        }
        let (stream, response) = soon(Box::pin(connect_async(request))).await?;
        let chosen = response.headers().get("Sec-WebSocket-Protocol");
        let chosen = chosen.map(|value| value.to_str().expect("text").to_owned());
        Ok((Self { stream }, chosen))
    }

    /// Connects and introduces itself, if a server listens.
    pub async fn try_open(url: &str) -> Option<Self> {
        let (mut socket, _) = Self::connect(url, PROTOCOL).await.ok()?;
        let init = Message::text(json!({ "type": "connection_init" }).to_string());
        socket.stream.send(init).await.ok()?;
        match socket.read().await {
            Said::Message(ack) => assert_eq!(ack, json!({ "type": "connection_ack" })),
            Said::Close(_) => return None,
        }
        Some(socket)
    }

    pub async fn open(url: &str) -> Self {
        Self::try_open(url).await.expect("a server that listens")
    }

    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.expect("the server listens");
    }

    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// What the server says next.
    pub async fn read(&mut self) -> Said {
        loop {
            match soon(self.stream.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return Said::Message(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Said::Close(frame.map(|frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Said::Close(None),
            }
        }
    }

    /// The next message, which must be one.
    pub async fn next(&mut self) -> Value {
        match self.read().await {
            Said::Message(message) => message,
            Said::Close(code) => panic!("closed with {code:?}"),
        }
    }

    /// The code that the socket is closed with, after whatever comes before.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Said::Close(code) = self.read().await {
                return code;
            }
        }
    }

    /// Says that this side is done.
    pub async fn close(&mut self) {
        self.stream.close(None).await.expect("the server listens");
    }
}

/// What a server says on a socket.
#[derive(Debug, PartialEq)]
pub enum Said {
    Message(Value),
    /// It is closed, with this code; `None` without goodbye.
    Close(Option<u16>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    WebSocket,
    Events,
    Multipart,
}

impl Transport {
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Events, Self::Multipart];

    pub fn accept(self) -> &'static str {
        match self {
            Self::Multipart => "multipart/mixed;subscriptionSpec=1.0",
            Self::WebSocket | Self::Events => "text/event-stream",
        }
    }
}

/// One subscription, over any transport.
pub struct Watch(Connection);

enum Connection {
    Socket(Box<Socket>),
    Stream(Body),
}

/// What comes of a subscription.
#[derive(Debug, PartialEq)]
pub enum Update {
    Payload(Value),
    /// It has completed.
    Complete,
    /// The connection has ended, or was lost.
    Closed,
}

impl Watch {
    /// Begins one, if the server listens.
    pub async fn try_start(
        transport: Transport,
        url: &str,
        query: &str,
        variables: &Value,
    ) -> Option<Self> {
        Self::try_start_by(&client(), transport, url, query, variables).await
    }

    /// The same with a client that others use, too: to make one takes long.
    pub async fn try_start_by(
        client: &reqwest::Client,
        transport: Transport,
        url: &str,
        query: &str,
        variables: &Value,
    ) -> Option<Self> {
        if transport == Transport::WebSocket {
            let mut socket = Socket::try_open(url).await?;
            socket.subscribe("1", query, variables.clone()).await;
            return Some(Self(Connection::Socket(Box::new(socket))));
        }
        let request = client
            .post(format!("{url}/graphql"))
            .header("Accept", transport.accept())
            .json(&json!({ "query": query, "variables": variables }));
        let response = request.send().await.ok()?;
        assert!(response.status().is_success(), "{response:?}");
        Some(Self(Connection::Stream(Body::of(response, transport))))
    }

    /// What comes next.
    pub async fn read(&mut self) -> Update {
        match &mut self.0 {
            Connection::Stream(body) => soon(body.next()).await,
            Connection::Socket(socket) => match socket.read().await {
                Said::Close(_) => Update::Closed,
                Said::Message(mut message) => match message["type"].as_str() {
                    Some("next") => Update::Payload(message["payload"].take()),
                    Some("complete") => Update::Complete,
                    other => panic!("{other:?}: {message:#}"),
                },
            },
        }
    }

    /// The data of the next payload, which must be there and without errors.
    pub async fn next(&mut self) -> Value {
        match self.read().await {
            Update::Payload(mut payload) => {
                assert!(payload.get("errors").is_none(), "{payload:#}");
                payload["data"].take()
            }
            end => panic!("{end:?}"),
        }
    }
}

impl TestServer {
    /// Watches over a WebSocket.
    pub async fn watch(&self, query: &str, variables: Value) -> Watch {
        self.watch_over(Transport::WebSocket, query, variables).await
    }

    pub async fn watch_over(&self, transport: Transport, query: &str, variables: Value) -> Watch {
        Watch::try_start(transport, &self.url, query, &variables).await.expect("it listens")
    }
}

/// The body of a streamed response, read piece by piece.
pub struct Body {
    response: reqwest::Response,
    transport: Transport,
    read: Vec<u8>,
}

impl Body {
    pub fn of(response: reqwest::Response, transport: Transport) -> Self {
        Self { response, transport, read: Vec::new() }
    }

    /// Everything up to `end`, and the end; `None` when there is no more of it.
    pub async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            let place = self.read.windows(end.len()).position(|bytes| bytes == end.as_bytes());
            if let Some(place) = place {
                let piece: Vec<_> = self.read.drain(..place + end.len()).collect();
                return Some(String::from_utf8(piece).expect("UTF-8"));
            }
            // A connection that broke has ended, too.
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.read.extend_from_slice(&chunk);
        }
    }

    async fn next(&mut self) -> Update {
        match self.transport {
            Transport::Multipart => self.next_part().await,
            Transport::Events | Transport::WebSocket => self.next_event().await,
        }
    }

    async fn next_event(&mut self) -> Update {
        loop {
            let Some(event) = self.until("\n\n").await else { return Update::Closed };
            let (mut name, mut data) = ("", None);
            for line in event.lines().filter(|line| !line.starts_with(':')) {
                match line.split_once(':') {
                    Some(("event", value)) => name = value.trim_start(),
                    Some(("data", value)) => data = Some(value.trim_start()),
                    None if line.is_empty() => {}
                    _ => panic!("{line:?}"),
                }
            }
            match (name, data) {
                // What keeps the connection alive.
                ("", None) => {}
                ("next", Some(data)) => {
                    return Update::Payload(serde_json::from_str(data).expect("JSON"));
                }
                ("complete", Some("")) => return Update::Complete,
                _ => panic!("{event:?}"),
            }
        }
    }

    async fn next_part(&mut self) -> Update {
        loop {
            let Some(part) = self.until("\r\n---").await else {
                return if self.read == b"--\r\n" { Update::Complete } else { Update::Closed };
            };
            if part == "\r\n---" {
                continue;
            }
            let (headers, content) = part.split_once("\r\n\r\n").expect("headers");
            assert_eq!(headers, "\r\nContent-Type: application/json");
            let json = content.strip_suffix("\r\n---").expect("it was read up to there");
            let mut content: Value = serde_json::from_str(json).expect("JSON");
            // A heartbeat is an empty object.
            if content.get("payload").is_some() {
                return Update::Payload(content["payload"].take());
            }
            assert_eq!(content, json!({}));
        }
    }
}
