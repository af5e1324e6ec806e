//! Subscriptions over plain HTTP, for clients that cannot use WebSockets: server-sent events by the
//! protocol of graphql-sse (distinct connections mode), and Apollo's multipart protocol.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{FutureExt as _, stream};
use tokio::time::timeout;

use crate::hub::Payload;
use crate::subscription::SubscriptionStream;

/// The longest time between two messages, so that no proxy closes the connection as idle.
const HEARTBEAT: Duration = Duration::from_secs(12);

/// How a stream of responses is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFormat {
    /// <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>
    Events,
    /// <https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol>
    Multipart,
}

impl StreamFormat {
    fn content_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream; charset=utf-8",
            Self::Multipart => "multipart/mixed; boundary=\"-\"; subscriptionSpec=1.0",
        }
    }

    fn start(self) -> &'static str {
        match self {
            // A comment, which confirms the connection.
            Self::Events => ":\n\n",
            Self::Multipart => "\r\n---",
        }
    }

    fn heartbeat(self) -> Bytes {
        match self {
            Self::Events => Bytes::from_static(b":\n\n"),
            Self::Multipart => part("{}"),
        }
    }

    fn message(self, payload: &Payload) -> Bytes {
        match (self, payload) {
            (Self::Events, Payload::Response(json)) => {
                ["event: next\ndata: ", json, "\n\n"].concat().into()
            }
            (Self::Events, Payload::Refusal(errors)) => {
                ["event: next\ndata: {\"errors\":", errors, "}\n\n"].concat().into()
            }
            (Self::Multipart, Payload::Response(json)) => {
                part(&["{\"payload\":", json, "}"].concat())
            }
            (Self::Multipart, Payload::Refusal(errors)) => {
                part(&["{\"payload\":{\"errors\":", errors, "}}"].concat())
            }
        }
    }

    fn end(self) -> Bytes {
        match self {
            Self::Events => Bytes::from_static(b"event: complete\ndata:\n\n"),
            // Follows the boundary at the end of the previous part.
            Self::Multipart => Bytes::from_static(b"--\r\n"),
        }
    }

    /// A response with this body.
    fn respond(self, body: Body) -> Response {
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        // nginx would buffer the stream.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }

    /// A stream with a single response.
    pub fn once(self, payload: &Payload) -> Response {
        let mut body = self.start().as_bytes().to_vec();
        body.extend_from_slice(&self.message(payload));
        body.extend_from_slice(&self.end());
        self.respond(Body::from(body))
    }

    /// A response with all frames of a subscription, until `end` resolves: the service stops, or the
    /// client's credentials expire. It holds the `guard`, such as a permit of the client's streams.
    pub fn subscribe(
        self,
        frames: SubscriptionStream,
        end: impl Future<Output = ()> + Send + 'static,
        guard: impl Send + 'static,
    ) -> Response {
        let state = Some((frames, end.boxed(), guard, Some(self.start())));
        let messages = stream::unfold(state, move |state| async move {
            let (mut frames, mut end, guard, start) = state?;
            if let Some(start) = start {
                let message = Ok::<_, Infallible>(Bytes::from_static(start.as_bytes()));
                return Some((message, Some((frames, end, guard, None))));
            }
            let next = tokio::select! {
                next = timeout(HEARTBEAT, frames.next()) => next,
                // Without a `complete`, so that the client reconnects.
                () = &mut end => return None,
            };
            let message = match next {
                Err(_) => self.heartbeat(),
                Ok(Some(frame)) => self.message(&frame.payload),
                Ok(None) => return Some((Ok(self.end()), None)),
            };
            Some((Ok(message), Some((frames, end, guard, None))))
        });
        self.respond(Body::from_stream(messages))
    }
}

/// A part of a multipart body, with the boundary after it.
fn part(json: &str) -> Bytes {
    ["\r\nContent-Type: application/json\r\n\r\n", json, "\r\n---"].concat().into()
}
