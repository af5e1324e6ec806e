//! The results of requests that fail before they are executed, with the statuses of their codes.

use async_graphql::ServerError;
use graphql_server::http::{self as engine, ErrorStatus, Outcome};

use crate::error::{ApiError, ErrorCode, StatusRule};
use crate::http::rejection::{Rejection, status};

impl From<Rejection> for Outcome {
    fn from(Rejection { error, header }: Rejection) -> Self {
        let status = status(error.code);
        Self::Rejected(Box::new(engine::Rejection { status, error: (*error).into(), header }))
    }
}

impl From<ApiError> for Outcome {
    fn from(error: ApiError) -> Self {
        Rejection::from(error).into()
    }
}

/// The outcome of a request that was read as GraphQL, but cannot be executed.
pub fn not_executed(error: ServerError) -> Outcome {
    let errors = vec![error];
    Outcome::NotExecuted { status: status_of(&errors), errors }
}

/// The status of a request that was not executed because of these errors.
pub fn status_of(errors: &[ServerError]) -> ErrorStatus {
    let code = errors.first().and_then(ErrorCode::of).unwrap_or(ErrorCode::BadUserInput);
    ErrorStatus { status: status(code), is_always: code.status_rule() == StatusRule::Always }
}
