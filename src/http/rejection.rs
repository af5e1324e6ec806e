//! A request that is rejected before it reaches its API.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use graphql_server::DocumentError;

use crate::error::{ApiError, ErrorCode};

/// An error with the header that its status requires, such as `Allow`.
#[derive(Debug)]
pub struct Rejection {
    /// Boxed, since most requests have none.
    pub error: Box<ApiError>,
    pub header: Option<(HeaderName, &'static str)>,
}

impl From<ApiError> for Rejection {
    fn from(error: ApiError) -> Self {
        Self { error: Box::new(error), header: None }
    }
}

impl From<sea_orm::DbErr> for Rejection {
    fn from(error: sea_orm::DbErr) -> Self {
        ApiError::from(error).into()
    }
}

impl From<DocumentError> for Rejection {
    fn from(error: DocumentError) -> Self {
        ApiError::from(error).into()
    }
}

impl Rejection {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ApiError::new(code, message).into()
    }

    pub fn with_header(self, name: HeaderName, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// A page of another site made the browser send the request.
    pub fn cross_site() -> Self {
        Self::new(
            ErrorCode::CrossSiteRequest,
            "pages of this origin may not use the API; the server's --cors-origin says which may",
        )
    }
}

/// The HTTP status of a code.
pub fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Adds `WWW-Authenticate` to a response with the status 401 (RFC 9110, section 11.6.1).
pub fn challenge(response: &mut Response) {
    if response.status() == StatusCode::UNAUTHORIZED {
        let value = HeaderValue::from_static("Bearer realm=\"agent-jobs\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
}
