//! The error of a request, whatever the API. GraphQL, REST and WebSockets only render it.

mod code;

use std::borrow::Cow;
use std::fmt;

use async_graphql::{Pos, ServerError, Value};
use graphql_server::DocumentError;
use sea_orm::DbErr;

use crate::db::failure::{self, Failure};
pub use code::{ErrorCode, Section, StatusRule};
pub use graphql_server::Documentation;
pub(crate) use graphql_server::documented;

/// Why a request failed. What the database said is logged when it becomes one of these, and never sent
/// to a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    pub code: ErrorCode,
    /// What was expected, for people.
    pub message: String,
    /// The name of the invalid argument or parameter.
    pub argument: Option<Cow<'static, str>>,
    /// The limit that was exceeded, and by what.
    pub limit: Option<u64>,
    pub found: Option<u64>,
    /// After how many milliseconds to try again.
    pub retry_after: Option<u32>,
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            argument: None,
            limit: None,
            found: None,
            retry_after: None,
        }
    }

    /// An invalid argument or parameter.
    pub fn invalid(argument: impl Into<Cow<'static, str>>, expected: impl fmt::Display) -> Self {
        let argument = argument.into();
        let message = format!("{argument}: {expected}");
        Self { argument: Some(argument), ..Self::new(ErrorCode::BadUserInput, message) }
    }

    /// A limit that was exceeded.
    pub fn limit(code: ErrorCode, message: impl Into<String>, limit: impl TryInto<u64>) -> Self {
        let limit = limit.try_into().unwrap_or(u64::MAX);
        Self { limit: Some(limit), ..Self::new(code, message) }
    }

    /// The principal lacks a right.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, message)
    }

    /// The database cannot be used.
    pub fn unavailable() -> Self {
        let message = "the database cannot be used at the moment; try again";
        Self::new(ErrorCode::DatabaseUnavailable, message)
    }

    /// The queue of writes is full.
    pub fn overloaded(retry_after: u32) -> Self {
        let message = format!(
            "too much is being reported at the moment; try again in {retry_after} milliseconds"
        );
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::Overloaded, message) }
    }

    /// The request or one of its statements exceeded its time limit.
    pub fn timed_out() -> Self {
        let message = "the request takes too long; request less at a time";
        Self::new(ErrorCode::RequestTimeout, message)
    }

    /// A defect. Its cause is in the log.
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, "something went wrong on the server; its log says more")
    }

    /// The fields of a GraphQL error's `extensions`.
    fn extensions(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let Self { code, argument, limit, found, retry_after, .. } = self;
        let argument = argument.as_deref().map(|name| ("argument", Value::from(name)));
        [
            Some(("code", Value::from(code.name()))),
            argument,
            limit.map(|limit| ("limit", Value::from(limit))),
            found.map(|found| ("found", Value::from(found))),
            retry_after.map(|time| ("retryAfter", Value::from(time))),
        ]
        .into_iter()
        .flatten()
    }
}

impl ErrorCode {
    /// The code of a GraphQL error.
    pub fn of(error: &ServerError) -> Option<Self> {
        match error.extensions.as_ref()?.get("code")? {
            Value::String(name) => Self::from_name(name),
            _ => None,
        }
    }
}

impl From<DbErr> for ApiError {
    fn from(error: DbErr) -> Self {
        let failure = Failure::of(&error);
        if failure == Failure::Timeout {
            tracing::warn!("cancelled a statement that took too long");
            return Self::timed_out();
        }
        failure::log("a statement failed", &error);
        if failure.is_temporary() { Self::unavailable() } else { Self::internal() }
    }
}

/// An error of a request that the engine rejects.
impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        let (limit, found) = error.exceeded.unzip();
        let code = ErrorCode::from_name(error.code.name()).unwrap_or(ErrorCode::BadRequest);
        Self { limit, found, ..Self::new(code, error.message) }
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let mut rendered = Self::new(&error.message);
        let extensions = rendered.extensions.get_or_insert_default();
        for (name, value) in error.extensions() {
            extensions.set(name, value);
        }
        rendered
    }
}

/// An error outside of any field, such as that of a request that is not executed.
impl From<ApiError> for ServerError {
    fn from(error: ApiError) -> Self {
        let mut error = async_graphql::Error::from(error).into_server_error(Pos::default());
        error.locations.clear();
        error
    }
}
