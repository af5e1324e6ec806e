//! Subscriptions over plain HTTP, for clients that no WebSocket reaches: server-sent events by the
//! protocol of graphql-sse, in its mode of distinct connections, and multipart as Apollo's clients
//! speak it.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{FutureExt as _, stream};
use tokio::time::timeout;

use super::clients::Place;
use crate::access::Viewer;
use crate::graphql::{Api, Watching};
use crate::live::group::Payload;

/// How often something is sent at least, so that nobody on the way takes the connection for dead.
const BEAT: Duration = Duration::from_secs(12);

/// How answers that come one after the other are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>
    Events,
    /// <https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol>
    Multipart,
}

impl Form {
    fn content_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream; charset=utf-8",
            Self::Multipart => "multipart/mixed; boundary=\"-\"; subscriptionSpec=1.0",
        }
    }

    fn start(self) -> &'static str {
        match self {
            // What comes first also tells that there is somebody.
            Self::Events => ":\n\n",
            Self::Multipart => "\r\n---",
        }
    }

    fn beat(self) -> Bytes {
        match self {
            Self::Events => Bytes::from_static(b":\n\n"),
            Self::Multipart => part("{}"),
        }
    }

    fn answer(self, payload: &Payload) -> Bytes {
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
            // After the boundary that the part before has ended with.
            Self::Multipart => Bytes::from_static(b"--\r\n"),
        }
    }

    /// A response with these pieces of a body.
    fn respond(self, body: Body) -> Response {
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        // nginx would collect what is to be shown now.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }

    /// A response of a single answer.
    pub fn once(self, payload: &Payload) -> Response {
        let mut body = self.start().as_bytes().to_vec();
        body.extend_from_slice(&self.answer(payload));
        body.extend_from_slice(&self.end());
        self.respond(Body::from(body))
    }

    /// A response of everything that there is to watch, until the viewer is nobody any more. It has a
    /// place among the client's streams.
    pub fn watch(self, api: Api, watching: Watching, viewer: Viewer, place: Place) -> Response {
        let over = async move { viewer.over().await }.boxed();
        let state = Some((api, (watching, place), over, Some(self.start())));
        let pieces = stream::unfold(state, move |state| async move {
            let (api, mut watching, mut over, start) = state?;
            if let Some(start) = start {
                let piece = Ok::<_, Infallible>(Bytes::from_static(start.as_bytes()));
                return Some((piece, Some((api, watching, over, None))));
            }
            let next = tokio::select! {
                next = timeout(BEAT, watching.0.next()) => next,
                // Without an end: the client is to connect again.
                () = api.stopping() => return None,
                () = &mut over => return None,
            };
            Some(match next {
                Err(_) => (Ok(self.beat()), Some((api, watching, over, None))),
                Ok(Some(frame)) => {
                    (Ok(self.answer(&frame.payload)), Some((api, watching, over, None)))
                }
                Ok(None) => (Ok(self.end()), None),
            })
        });
        self.respond(Body::from_stream(pieces))
    }
}

/// A part of a multipart body, with the boundary that ends it.
fn part(json: &str) -> Bytes {
    ["\r\nContent-Type: application/json\r\n\r\n", json, "\r\n---"].concat().into()
}
