//! Errors of the REST routes, rendered as problem details (RFC 9457).

use std::borrow::Cow;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::{ApiError, ErrorCode};
use crate::http::rejection::{Rejection, challenge, status};

/// An error response.
#[derive(Debug)]
pub struct Problem(pub Rejection);

impl Problem {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self(Rejection::new(code, detail))
    }

    /// An invalid parameter.
    pub fn parameter(name: &str, expected: impl std::fmt::Display) -> Self {
        ApiError::invalid(name.to_owned(), expected).into()
    }
}

impl<T: Into<Rejection>> From<T> for Problem {
    fn from(error: T) -> Self {
        Self(error.into())
    }
}

/// The body of an error response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    /// The reason phrase of the status.
    title: &'static str,
    status: u16,
    /// The message for a developer.
    detail: &'a str,
    /// The stable code for programs, the same as in GraphQL.
    code: &'static str,
    /// The name of the invalid parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(Rejection { error, header }) = self;
        let status = status(error.code);
        let details = Details {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: &error.message,
            code: error.code.name(),
            parameter: error.argument.as_deref(),
            limit: error.limit,
            found: error.found,
            retry_after: error.retry_after,
        };
        let json = serde_json::to_string(&details).unwrap_or_else(|_| "{}".to_owned());
        let mut response = (status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json; charset=utf-8"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        challenge(&mut response);
        response
    }
}

/// The beginning of a value, for a message.
pub fn quoted(text: &str) -> Cow<'_, str> {
    let start: String = text.chars().take(60).collect();
    format!("{start:?}").into()
}
