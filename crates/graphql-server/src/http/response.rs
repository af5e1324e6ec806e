//! The HTTP response to a GraphQL request: its media type, its status, its text.

use std::convert::Infallible;

use async_graphql::{ServerError, Value};
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use tokio::task::yield_now;

use super::negotiate::{Accept, MediaType};
use crate::execution::errors_to_json;
use crate::hub::Payload;

/// Data and errors, as the September 2026 edition of GraphQL over HTTP numbers it.
const PARTIAL_SUCCESS: u16 = 294;

/// Bytes that are compressed in a fraction of a millisecond.
const CHUNK_BYTES: usize = 16 << 10;

/// The HTTP status of a request that was read as GraphQL, but not executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorStatus {
    pub status: StatusCode,
    /// Whether it is that of `application/json` as well.
    pub is_always: bool,
}

/// A request that was rejected before it was read as GraphQL.
#[derive(Debug)]
pub struct Rejection {
    pub status: StatusCode,
    pub error: ServerError,
    /// A header that the status requires, such as `Allow`.
    pub header: Option<(HeaderName, &'static str)>,
}

/// The result of a GraphQL request.
#[derive(Debug)]
pub enum Outcome {
    Executed {
        json: String,
        has_errors: bool,
    },
    /// The request was read as GraphQL, but cannot be executed.
    NotExecuted {
        errors: Vec<ServerError>,
        status: ErrorStatus,
    },
    /// The request was rejected before.
    Rejected(Box<Rejection>),
}

/// A response without `data`: a request that was not executed has none, not even null.
#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [ServerError],
}

impl Outcome {
    /// The outcome of an execution. `status` is called if errors kept it from starting.
    pub fn of(
        response: async_graphql::Response,
        status: impl FnOnce(&[ServerError]) -> ErrorStatus,
    ) -> Self {
        // An error without data and path comes from before execution.
        let is_executed = response.is_ok()
            || response.data != Value::Null
            || response.errors.iter().any(|error| !error.path.is_empty());
        if is_executed {
            Self::Executed { json: to_json(&response), has_errors: response.is_err() }
        } else {
            let status = status(&response.errors);
            Self::NotExecuted { errors: response.errors, status }
        }
    }

    /// The text of the response.
    pub fn into_json(self) -> String {
        match self {
            Self::Executed { json, .. } => json,
            Self::NotExecuted { errors, .. } => to_json(&Errors { errors: &errors }),
            Self::Rejected(rejection) => to_json(&Errors { errors: &[rejection.error] }),
        }
    }

    /// The message to a client of a WebSocket.
    pub fn into_payload(self) -> Payload {
        match self {
            Self::Executed { json, .. } => Payload::Response(json.into()),
            Self::NotExecuted { errors, .. } => Payload::Refusal(errors_to_json(&errors)),
            Self::Rejected(rejection) => Payload::Refusal(errors_to_json(&[rejection.error])),
        }
    }

    /// Whether the client gets an HTTP error, even if it accepts a stream.
    pub fn is_http_error(&self) -> bool {
        match self {
            Self::Executed { .. } => false,
            Self::NotExecuted { .. } => self.status(MediaType::Json) != StatusCode::OK,
            Self::Rejected(_) => true,
        }
    }

    /// The status, which depends on the media type.
    ///
    /// Clients of `application/json` take any status but 200 for the response of a proxy, so only
    /// requests that are malformed or not allowed get another one. With
    /// `application/graphql-response+json` the status describes the result. For requests that can be
    /// parsed but not executed, the September 2026 edition of GraphQL over HTTP (section "Status
    /// Codes") has 422; the audits of graphql-http still require the 400 of earlier drafts, which is
    /// sent here.
    pub fn status(&self, media_type: MediaType) -> StatusCode {
        match (self, media_type) {
            (Self::Rejected(rejection), _) => rejection.status,
            (Self::Executed { has_errors: true, .. }, MediaType::GraphQlResponse) => {
                StatusCode::from_u16(PARTIAL_SUCCESS).unwrap_or(StatusCode::OK)
            }
            (Self::Executed { .. }, _) => StatusCode::OK,
            (Self::NotExecuted { status, .. }, MediaType::Json) if !status.is_always => {
                StatusCode::OK
            }
            (Self::NotExecuted { status, .. }, _) => status.status,
        }
    }

    /// A response in JSON. A client that accepts no JSON gets a rejection as `application/json`.
    pub fn respond(self, accept: Accept) -> Response {
        let media_type = accept.json().unwrap_or(MediaType::Json);
        let header = match &self {
            Self::Rejected(rejection) => rejection.header.clone(),
            Self::Executed { .. } | Self::NotExecuted { .. } => None,
        };
        let mut response = respond(self.status(media_type), media_type, self.into_json());
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| {
        tracing::error!(%error, "failed to serialise a response");
        r#"{"errors":[{"message":"failed to serialise the response","extensions":{"code":"INTERNAL"}}]}"#.to_owned()
    })
}

/// The response to a list of requests.
pub fn respond_all(outcomes: Vec<Outcome>, media_type: MediaType) -> Response {
    let responses: Vec<_> = outcomes.into_iter().map(Outcome::into_json).collect();
    respond(StatusCode::OK, media_type, format!("[{}]", responses.join(",")))
}

/// A response with this text. A long one is sent in chunks, and the task yields between them, because
/// the response may be compressed.
pub fn text(text: String) -> Response {
    if text.len() <= CHUNK_BYTES {
        return text.into_response();
    }
    let length = HeaderValue::from(text.len());
    let chunks = stream::unfold(Bytes::from(text), async |mut rest| {
        if rest.is_empty() {
            return None;
        }
        yield_now().await;
        let chunk = rest.split_to(CHUNK_BYTES.min(rest.len()));
        Some((Ok::<_, Infallible>(chunk), rest))
    });
    let mut response = Body::from_stream(chunks.fuse()).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn respond(status: StatusCode, media_type: MediaType, json: String) -> Response {
    let mut response = (status, text(json)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type.content_type()));
    // A cache must not serve the response to a client that accepts another media type.
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    headers.insert(HeaderName::from_static("cache-control"), HeaderValue::from_static("no-store"));
    response
}
