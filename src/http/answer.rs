//! How an answer goes out: its media type, its status, its text.

use std::convert::Infallible;

use async_graphql::{Response as Executed, ServerError, Value};
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use tokio::task::yield_now;

use super::access;
use super::negotiate::{Accept, MediaType};
use crate::access::Denied;
use crate::error::refusal;

/// Data and errors, as the September 2026 edition of GraphQL over HTTP numbers it.
const PARTIAL_SUCCESS: u16 = 294;

/// Bytes of an answer that are compressed in a fraction of a millisecond.
const PIECE: usize = 16 << 10;

/// Why a request was not taken for one, or not executed.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    /// What belongs to the status, such as `Allow`.
    pub header: Option<(HeaderName, &'static str)>,
    /// Elsewhere, since it is large and few requests have one.
    pub error: Box<ServerError>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::of(status, refusal(code, message))
    }

    pub fn of(status: StatusCode, error: ServerError) -> Self {
        Self { status, header: None, error: Box::new(error) }
    }

    pub fn with_header(self, name: HeaderName, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    pub fn denied(denied: &Denied) -> Self {
        Self::new(access::status(denied), denied.code(), denied.to_string())
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }
}

/// What became of a GraphQL request.
#[derive(Debug)]
pub enum Outcome {
    Executed {
        json: String,
        has_errors: bool,
    },
    /// It is a GraphQL request, but one that cannot be executed.
    NotExecuted(Vec<ServerError>),
    /// It is none, or not one that we answer.
    Refused(Refusal),
}

impl From<Executed> for Outcome {
    fn from(answer: Executed) -> Self {
        // Without data and path nothing was executed.
        let is_executed = answer.is_ok()
            || answer.data != Value::Null
            || answer.errors.iter().any(|error| !error.path.is_empty());
        if is_executed {
            Self::Executed { json: to_json(&answer), has_errors: answer.is_err() }
        } else {
            Self::NotExecuted(answer.errors)
        }
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// An answer without data: what was not executed has none, not even null.
#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [ServerError],
}

impl Outcome {
    /// The text of the answer.
    pub fn into_json(self) -> String {
        match self {
            Self::Executed { json, .. } => json,
            Self::NotExecuted(errors) => to_json(&Errors { errors: &errors }),
            Self::Refused(refusal) => {
                to_json(&Errors { errors: std::slice::from_ref(&refusal.error) })
            }
        }
    }

    /// The status, which depends on what the client understands.
    ///
    /// Clients of `application/json` take any other status than 200 for somebody else's answer, a
    /// proxy's, so only what is no GraphQL request has one. For `application/graphql-response+json`
    /// the status says what became of the request. There the September 2026 edition of GraphQL over
    /// HTTP (section "Status Codes") has 422 for what can be read but not be executed: parameters of
    /// the wrong shape, a document that does not fit the schema, variables that do not fit the
    /// document. The audits of graphql-http still insist on the 400 of earlier drafts, and so do we.
    pub fn status(&self, media_type: MediaType) -> StatusCode {
        match (self, media_type) {
            (Self::Refused(refusal), _) => refusal.status,
            (Self::Executed { has_errors: true, .. }, MediaType::GraphQlResponse) => {
                StatusCode::from_u16(PARTIAL_SUCCESS).unwrap_or(StatusCode::OK)
            }
            (Self::Executed { .. }, _) | (Self::NotExecuted(_), MediaType::Json) => StatusCode::OK,
            (Self::NotExecuted(errors), MediaType::GraphQlResponse) => {
                let code = errors.first().and_then(|error| error.extensions.as_ref()?.get("code"));
                match code {
                    Some(Value::String(code)) if code == "REQUEST_TIMEOUT" => {
                        StatusCode::SERVICE_UNAVAILABLE
                    }
                    _ => StatusCode::BAD_REQUEST,
                }
            }
        }
    }

    /// A response in JSON. A client that accepts no JSON gets a refusal in the most common type.
    pub fn respond(self, accept: Accept) -> Response {
        let media_type = accept.json().unwrap_or(MediaType::Json);
        let header = match &self {
            Self::Refused(refusal) => refusal.header.clone(),
            Self::Executed { .. } | Self::NotExecuted(_) => None,
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
        tracing::error!(%error, "an answer is no JSON");
        r#"{"errors":[{"message":"something went wrong on the server; its log says more","extensions":{"code":"INTERNAL"}}]}"#.to_owned()
    })
}

/// Answers several requests at once.
pub fn respond_all(outcomes: Vec<Outcome>, media_type: MediaType) -> Response {
    let answers: Vec<_> = outcomes.into_iter().map(Outcome::into_json).collect();
    respond(StatusCode::OK, media_type, format!("[{}]", answers.join(",")))
}

/// A response of this text. A long one comes piece by piece, between which others have a turn: it may
/// be compressed on its way.
pub fn text(text: String) -> Response {
    if text.len() <= PIECE {
        return text.into_response();
    }
    let length = HeaderValue::from(text.len());
    let pieces = stream::unfold(Bytes::from(text), async |mut rest| {
        if rest.is_empty() {
            return None;
        }
        yield_now().await;
        let piece = rest.split_to(PIECE.min(rest.len()));
        Some((Ok::<_, Infallible>(piece), rest))
    });
    let mut response = Body::from_stream(pieces.fuse()).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn respond(status: StatusCode, media_type: MediaType, json: String) -> Response {
    let mut response = (status, text(json)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type.content_type()));
    // A cache that keeps one answer must not give it to who wants another form or origin.
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    headers.insert(HeaderName::from_static("cache-control"), HeaderValue::from_static("no-store"));
    access::challenge(&mut response);
    response
}
