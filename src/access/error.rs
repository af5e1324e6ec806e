//! Errors of authentication.

use crate::error::{ApiError, ErrorCode};

/// There is no credential.
pub fn missing_token() -> ApiError {
    let message = "expected a token: `Authorization: Bearer …`, or a signed-in browser";
    ApiError::new(ErrorCode::Unauthenticated, message)
}

/// The credential is invalid, expired or revoked. Which of the three is logged only.
pub fn invalid_token() -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, "invalid or expired token")
}
