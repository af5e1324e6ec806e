//! A WebSocket to which what many get is written as it is.
//!
//! The library that reads and frames messages copies each into a buffer that the connection keeps:
//! with as many connections as here, most of the time and of the memory that watching takes. So the
//! handshake is ours, and a text that is shared goes from where it is to the socket.

use std::convert::Infallible;
use std::io::{self, IoSlice};

use axum::body::Body;
use axum::extract::OptionalFromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
pub use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes, protocol::CloseFrame};

/// Idle sockets are many, and what they read is small.
const READ_BUFFER_BYTES: usize = 2 << 10;

/// The first byte of a frame that is a whole text.
const TEXT: u8 = 0x81;

/// A request to go on over a WebSocket (RFC 6455, section 4.2.1).
pub struct Upgrade {
    key: HeaderValue,
    protocols: Vec<String>,
    upgrade: OnUpgrade,
}

impl<S: Sync> OptionalFromRequestParts<S> for Upgrade {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        let headers = &parts.headers;
        let is_asked = has(headers, &header::CONNECTION, "upgrade")
            && has(headers, &header::UPGRADE, "websocket")
            && has(headers, &header::SEC_WEBSOCKET_VERSION, "13");
        let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_asked).cloned();
        let protocols = words(headers, &header::SEC_WEBSOCKET_PROTOCOL).map(str::to_owned);
        let protocols = protocols.collect();
        // It is there if this is a connection of its own.
        let upgrade = parts.extensions.get::<OnUpgrade>().cloned();
        Ok(key.zip(upgrade).map(|(key, upgrade)| Self { key, protocols, upgrade }))
    }
}

/// The words of a list that a header has, or several of that name.
fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn has(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    words(headers, name).any(|each| each.eq_ignore_ascii_case(word))
}

impl Upgrade {
    /// Whether the client speaks this protocol.
    pub fn speaks(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|each| each == protocol)
    }

    /// Answers the request, and serves the socket, in this protocol if there is one. A message may
    /// have so many bytes.
    pub fn accept<F>(
        self,
        protocol: Option<&'static str>,
        message_bytes: usize,
        serve: impl FnOnce(Socket) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let Self { key, upgrade, .. } = self;
        tokio::spawn(async move {
            match upgrade.await {
                Ok(upgraded) => serve(Socket::new(upgraded, message_bytes).await).await,
                Err(error) => tracing::debug!(%error, "going on over a WebSocket"),
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
        headers.extend(accept.ok().map(|accept| (header::SEC_WEBSOCKET_ACCEPT, accept)));
        let protocol = protocol.map(HeaderValue::from_static);
        headers.extend(protocol.map(|protocol| (header::SEC_WEBSOCKET_PROTOCOL, protocol)));
        response
    }
}

/// The server's side of a WebSocket.
pub struct Socket {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    /// Whether a part of a frame is written, so that nothing else may be.
    is_in_frame: bool,
}

impl Socket {
    async fn new(upgraded: Upgraded, message_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(message_bytes))
            .max_frame_size(Some(message_bytes));
        let io = TokioIo::new(upgraded);
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        Self { stream, is_in_frame: false }
    }

    /// The next message; `None` when the connection is over.
    pub async fn recv(&mut self) -> Option<Result<Message, Error>> {
        self.stream.next().await
    }

    /// Sends a message. If it is given up, only [`recv`](Self::recv) is possible after it.
    pub async fn send(&mut self, message: Message) -> Result<(), Error> {
        if self.is_in_frame {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        self.stream.send(message).await
    }

    /// Sends a text of these parts, none of which is copied. If it is given up, only
    /// [`recv`](Self::recv) is possible after it.
    pub async fn send_parts(&mut self, start: &str, middle: &str, end: &str) -> Result<(), Error> {
        // Answers to pings that the library has not written yet.
        self.stream.flush().await?;
        let length = start.len() + middle.len() + end.len();
        let mut first = Vec::with_capacity(10 + start.len());
        put_header(&mut first, length);
        first.extend_from_slice(start.as_bytes());
        let mut slices = [&*first, middle.as_bytes(), end.as_bytes()].map(IoSlice::new);
        let mut left = &mut slices[..];
        self.is_in_frame = true;
        while !left.is_empty() {
            let written = self.stream.get_mut().write_vectored(left).await?;
            if written == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            IoSlice::advance_slices(&mut left, written);
        }
        self.is_in_frame = false;
        Ok(())
    }
}

/// The header of a text of so many bytes (RFC 6455, section 5.2).
fn put_header(frame: &mut Vec<u8>, length: usize) {
    frame.push(TEXT);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..126), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_the_length() {
        for (length, header) in [
            (0, &[TEXT, 0][..]),
            (125, &[TEXT, 125]),
            (126, &[TEXT, 126, 0, 126]),
            (65_535, &[TEXT, 126, 255, 255]),
            (65_536, &[TEXT, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut frame = Vec::new();
            put_header(&mut frame, length);
            assert_eq!(frame, header, "{length}");
        }
    }
}
