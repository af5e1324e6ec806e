//! Errors of the REST routes, as problem details (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::access::Denied;
use crate::error::Error;
use crate::http::refusal::{Refusal, challenge, status};

/// The body of an error response.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// The reason phrase of the status.
    pub title: &'static str,
    pub status: u16,
    /// The message for a developer.
    pub detail: String,
    /// The stable code for programs, the same as in GraphQL.
    pub code: String,
    /// The parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            parameter: None,
        }
    }

    /// An invalid parameter.
    pub fn parameter(name: &str, expected: impl std::fmt::Display) -> Self {
        let detail = format!("{name}: {expected}");
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", detail);
        problem.parameter = Some(name.to_owned());
        problem
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Invalid { .. } => StatusCode::BAD_REQUEST,
            Error::Unavailable | Error::Overloaded { .. } | Error::TimedOut => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut problem = Self::new(status, error.code(), error.to_string());
        if let Error::Invalid { argument, .. } = error {
            problem.parameter = Some(argument.to_owned());
        }
        problem
    }
}

impl From<&Denied> for Problem {
    fn from(denied: &Denied) -> Self {
        Self::new(status(denied), denied.code(), denied.to_string())
    }
}

impl From<sea_orm::DbErr> for Problem {
    fn from(error: sea_orm::DbErr) -> Self {
        Error::from(error).into()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let extensions = refusal.error.extensions.as_ref();
        let code = match extensions.and_then(|extensions| extensions.get("code")) {
            Some(async_graphql::Value::String(code)) => code.clone(),
            _ => "BAD_REQUEST".to_owned(),
        };
        Self::new(refusal.status, &code, refusal.error.message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let json = serde_json::to_string(&self).unwrap_or_else(|_| "{}".to_owned());
        let mut response = (status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json; charset=utf-8"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        challenge(&mut response);
        response
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        problem.into_response()
    }
}
