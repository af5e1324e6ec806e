//! Why a request is rejected, whatever the API that it was sent to.

use async_graphql::ServerError;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::access::Denied;
use crate::error::{Error, refusal};

/// A request that is malformed, not allowed or beyond a limit.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    /// The header that the status requires, such as `Allow`.
    pub header: Option<(HeaderName, &'static str)>,
    /// Boxed, because it is large and most requests have none.
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
        Self::new(status(denied), denied.code(), denied.to_string())
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// The client is beyond a limit.
    pub fn too_many(
        code: &'static str,
        message: String,
        limit: impl Into<async_graphql::Value>,
    ) -> Self {
        let mut refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, code, message);
        refusal.error.extensions.get_or_insert_default().set("limit", limit);
        refusal
    }

    /// A page of another site made the browser send this.
    pub fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "CROSS_SITE_REQUEST",
            "pages of this origin may not use the API; the server's --cors-origin says which may",
        )
    }
}

/// The HTTP status for a failed authentication.
pub fn status(denied: &Denied) -> StatusCode {
    match denied {
        Denied::Missing | Denied::Invalid => StatusCode::UNAUTHORIZED,
        Denied::Forbidden(_) | Denied::Failed(Error::Forbidden(_)) => StatusCode::FORBIDDEN,
        Denied::IssuerUnavailable
        | Denied::Failed(Error::Unavailable | Error::Overloaded { .. } | Error::TimedOut) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Denied::Failed(Error::Invalid { .. }) => StatusCode::BAD_REQUEST,
        Denied::Failed(Error::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Adds `WWW-Authenticate` to a response with the status 401 (RFC 9110, section 11.6.1).
pub fn challenge(response: &mut Response) {
    if response.status() == StatusCode::UNAUTHORIZED {
        let value = HeaderValue::from_static("Bearer realm=\"agent-jobs\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
}
