//! Limits of documents.

use crate::error::{DocumentError, ErrorCode};

/// Limits of a document. A document that is just within the defaults is checked in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_document_bytes: usize,
    /// Names, values, punctuation.
    pub max_tokens: usize,
    /// Fields within one another, at most 50: the parser goes no deeper than 64.
    pub max_depth: usize,
    /// Fields and fragments, with each fragment expanded wherever it is spread.
    pub max_fields: usize,
    /// Aliases of an operation.
    pub max_aliases: usize,
    pub max_directives: usize,
    /// Root fields of an operation.
    pub max_root_fields: usize,
    /// Variables that a document defines.
    pub max_variables: usize,
    /// Values within the variables of a request, times how often the document uses variables.
    pub max_variable_values: usize,
    /// The estimated number of values in a response.
    pub max_complexity: u64,
}

impl Limits {
    pub const DEFAULT: Self = Self {
        max_document_bytes: 32 << 10,
        max_tokens: 5_000,
        max_depth: 20,
        max_fields: 2_500,
        max_aliases: 250,
        max_directives: 100,
        max_root_fields: 25,
        max_variables: 100,
        max_variable_values: 1_000_000,
        max_complexity: 100_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Checks that a number of `what` is within a limit.
pub(crate) fn check(
    code: ErrorCode,
    what: &str,
    limit: impl TryInto<u64>,
    found: impl TryInto<u64>,
) -> Result<(), DocumentError> {
    let limit = limit.try_into().unwrap_or(u64::MAX);
    let found = found.try_into().unwrap_or(u64::MAX);
    if found <= limit {
        return Ok(());
    }
    let error = DocumentError::new(code, format!("expected at most {limit} {what}, not {found}"));
    Err(DocumentError { exceeded: Some((limit, found)), ..error })
}
