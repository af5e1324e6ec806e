//! What can go wrong with a request, and what its sender is told.

use std::fmt;

use async_graphql::{ErrorExtensions as _, ServerError};
use sea_orm::DbErr;

use crate::db::failure::{self, Failure};

/// Why a request could not be answered. What the database said is logged where it becomes one
/// of these, and never sent on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An argument is not what was expected. The sender sees `BAD_USER_INPUT`, the argument's
    /// name as `argument`, and the message.
    #[error("{argument}: {message}")]
    Invalid { argument: &'static str, message: String },
    /// The database cannot be reached or written, or is too busy. The sender sees
    /// `DATABASE_UNAVAILABLE` and may try again.
    #[error("the database cannot be used at the moment; try again")]
    Unavailable,
    /// More is reported than can be written. The sender sees `OVERLOADED` and after how many
    /// milliseconds to try again as `retryAfter`.
    #[error("too much is being reported at the moment; try again in {retry_after} milliseconds")]
    Overloaded { retry_after: u32 },
    /// Answering took too long, and was given up. The sender sees `REQUEST_TIMEOUT`, and may ask for
    /// less.
    #[error("answering takes too long; ask for less at a time")]
    TimedOut,
    /// The principal may not do so. The sender sees `FORBIDDEN` and the message.
    #[error("{0}")]
    Forbidden(String),
    /// A defect or a broken database. The sender sees `INTERNAL` and nothing else.
    #[error("something went wrong on the server; its log says more")]
    Internal,
}

impl Error {
    pub fn invalid(argument: &'static str, message: impl fmt::Display) -> Self {
        Self::Invalid { argument, message: message.to_string() }
    }

    /// The stable code that programs switch on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "BAD_USER_INPUT",
            Self::Unavailable => "DATABASE_UNAVAILABLE",
            Self::Overloaded { .. } => "OVERLOADED",
            Self::TimedOut => "REQUEST_TIMEOUT",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::Internal => "INTERNAL",
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        let failure = Failure::of(&error);
        if failure == Failure::Timeout {
            tracing::warn!("a statement took too long and was given up");
            return Self::TimedOut;
        }
        failure::log("a statement failed", &error);
        if failure.is_temporary() { Self::Unavailable } else { Self::Internal }
    }
}

/// What is said of a request that is not executed: nothing of it has a place in a document. `code` is
/// what programs switch on.
pub fn refusal(code: &'static str, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("code", code);
    error
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        Self::new(error.to_string()).extend_with(|_, extensions| {
            extensions.set("code", error.code());
            match &error {
                Error::Invalid { argument, .. } => extensions.set("argument", *argument),
                Error::Overloaded { retry_after } => extensions.set("retryAfter", *retry_after),
                Error::Unavailable | Error::TimedOut | Error::Forbidden(_) | Error::Internal => {}
            }
        })
    }
}
