//! Errors of documents and requests that are not executed.

use async_graphql::{Pos, ServerError};

/// The stable code of an error, which clients switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is malformed.
    BadRequest,
    /// A variable or an argument does not have its type.
    BadUserInput,
    /// The list of requests is too long.
    BatchTooLarge,
    /// The service takes no lists of requests.
    BatchesDisabled,
    /// Fields or brackets are nested too deeply.
    DocumentTooDeep,
    /// The document has too many bytes.
    DocumentTooLong,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not match the schema or the rules of GraphQL.
    GraphqlValidationFailed,
    /// A defect of the service.
    Internal,
    /// The document uses introspection where that is disabled.
    IntrospectionDisabled,
    /// The document is not in the allow-list.
    PersistedDocumentRequired,
    /// The hash is not that of the document.
    PersistedQueryHashMismatch,
    /// No document is cached under the hash. The client sends the document once.
    PersistedQueryNotFound,
    /// The version of `persistedQuery` is not 1.
    PersistedQueryNotSupported,
    /// The response would have too many values.
    TooComplex,
    /// Too many fields have another name.
    TooManyAliases,
    /// The document has too many directives.
    TooManyDirectives,
    /// The document has too many fields, with fragments expanded.
    TooManyFields,
    /// A connection has too many operations.
    TooManyOperations,
    /// An operation has too many root fields.
    TooManyRootFields,
    /// The document has too many tokens.
    TooManyTokens,
    /// The variables hold too many values.
    TooManyVariableValues,
    /// The document defines too many variables.
    TooManyVariables,
    /// The body of a request is not JSON in UTF-8.
    UnsupportedMediaType,
}

impl ErrorCode {
    pub const ALL: &[Self] = &[
        Self::BadRequest,
        Self::BadUserInput,
        Self::BatchTooLarge,
        Self::BatchesDisabled,
        Self::DocumentTooDeep,
        Self::DocumentTooLong,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::Internal,
        Self::IntrospectionDisabled,
        Self::PersistedDocumentRequired,
        Self::PersistedQueryHashMismatch,
        Self::PersistedQueryNotFound,
        Self::PersistedQueryNotSupported,
        Self::TooComplex,
        Self::TooManyAliases,
        Self::TooManyDirectives,
        Self::TooManyFields,
        Self::TooManyOperations,
        Self::TooManyRootFields,
        Self::TooManyTokens,
        Self::TooManyVariableValues,
        Self::TooManyVariables,
        Self::UnsupportedMediaType,
    ];

    /// The code as clients see it in `extensions.code`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::BatchTooLarge => "BATCH_TOO_LARGE",
            Self::BatchesDisabled => "BATCHES_DISABLED",
            Self::DocumentTooDeep => "DOCUMENT_TOO_DEEP",
            Self::DocumentTooLong => "DOCUMENT_TOO_LONG",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::Internal => "INTERNAL",
            Self::IntrospectionDisabled => "INTROSPECTION_DISABLED",
            Self::PersistedDocumentRequired => "PERSISTED_DOCUMENT_REQUIRED",
            Self::PersistedQueryHashMismatch => "PERSISTED_QUERY_HASH_MISMATCH",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::TooComplex => "TOO_COMPLEX",
            Self::TooManyAliases => "TOO_MANY_ALIASES",
            Self::TooManyDirectives => "TOO_MANY_DIRECTIVES",
            Self::TooManyFields => "TOO_MANY_FIELDS",
            Self::TooManyOperations => "TOO_MANY_OPERATIONS",
            Self::TooManyRootFields => "TOO_MANY_ROOT_FIELDS",
            Self::TooManyTokens => "TOO_MANY_TOKENS",
            Self::TooManyVariableValues => "TOO_MANY_VARIABLE_VALUES",
            Self::TooManyVariables => "TOO_MANY_VARIABLES",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
        }
    }
}

/// Why a document is not executed.
#[derive(Clone, Debug)]
pub struct DocumentError {
    pub code: ErrorCode,
    pub message: String,
    /// The position in the document, if the error has one.
    pub position: Option<Pos>,
    /// The limit that is exceeded, and the number found.
    pub exceeded: Option<(u64, u64)>,
}

impl DocumentError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), position: None, exceeded: None }
    }

    pub fn at(self, position: Option<Pos>) -> Self {
        Self { position, ..self }
    }
}

/// The error with `code`, `limit` and `found` in `extensions`.
impl From<DocumentError> for ServerError {
    fn from(error: DocumentError) -> Self {
        let mut server_error = Self::new(error.message, error.position);
        let extensions = server_error.extensions.get_or_insert_default();
        extensions.set("code", error.code.name());
        if let Some((limit, found)) = error.exceeded {
            extensions.set("limit", limit);
            extensions.set("found", found);
        }
        server_error
    }
}
