//! The stable codes of errors, which programs switch on. `docs/errors.md` is generated from them.

use graphql_server::Documentation;

/// Defines [`ErrorCode`]. The doc comment of a code has two paragraphs: what happened, and what the
/// client should do. Behind it are its name, its HTTP status and its [`StatusRule`].
macro_rules! error_codes {
    ($( $section:ident { $(
        $(#[doc = $line:literal])+
        $variant:ident = $name:literal, $status:literal, $rule:ident;
    )+ } )+) => {
        /// Why a request failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $( $( $(#[doc = $line])+ $variant, )+ )+
        }

        impl ErrorCode {
            pub const ALL: &[Self] = &[$( $( Self::$variant ),+ ),+];

            /// The code as text.
            pub const fn name(self) -> &'static str {
                match self {
                    $( $( Self::$variant => $name, )+ )+
                }
            }

            /// The HTTP status of a request that was not executed because of it.
            pub const fn status(self) -> u16 {
                match self {
                    $( $( Self::$variant => $status, )+ )+
                }
            }

            pub const fn status_rule(self) -> StatusRule {
                match self {
                    $( $( Self::$variant => StatusRule::$rule, )+ )+
                }
            }

            /// Its section in the documentation.
            pub const fn section(self) -> Section {
                match self {
                    $( $( Self::$variant => Section::$section, )+ )+
                }
            }

            /// What happened and what to do.
            pub fn documentation(self) -> Documentation {
                Documentation::of(match self {
                    $( $( Self::$variant => concat!($( $line, "\n" ),+), )+ )+
                })
            }
        }
    };
}

/// When a GraphQL request that was not executed gets the status of its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusRule {
    /// Always: the request is rejected before it is read as GraphQL.
    Always,
    /// If the client accepts `application/graphql-response+json`. Clients of `application/json` get 200.
    ByMediaType,
}

/// The sections of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Request,
    Authentication,
    Retry,
    DocumentLimit,
    PersistedDocument,
}

error_codes! {
    Request {
        /// The request is not a GraphQL request: no JSON, no `query`, or the body ended early.
        ///
        /// Correct the client.
        BadRequest = "BAD_REQUEST", 400, Always;
        /// The document has a syntax error. The message has its line and column.
        ///
        /// Correct the document.
        GraphqlParseFailed = "GRAPHQL_PARSE_FAILED", 400, ByMediaType;
        /// The document does not match the schema.
        ///
        /// Correct the document, or generate types again.
        GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED", 400, ByMediaType;
        /// An argument, a variable or a parameter is invalid.
        ///
        /// Correct the value that is named.
        BadUserInput = "BAD_USER_INPUT", 400, ByMediaType;
        /// REST: there is nothing at this path, or no job or run with this id. GraphQL returns `null`.
        ///
        /// Show that it does not exist.
        NotFound = "NOT_FOUND", 404, Always;
        /// The path does not support the method. GET only executes queries and subscriptions.
        ///
        /// Use a method that `Allow` names.
        MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, Always;
        /// `Accept` has none of the supported media types, or a subscription was requested without a
        /// streaming one.
        ///
        /// Send one of the types that the message names.
        NotAcceptable = "NOT_ACCEPTABLE", 406, Always;
        /// The body is not `application/json` in UTF-8.
        ///
        /// Set `Content-Type`.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415, Always;
        /// The body is compressed, but not with gzip.
        ///
        /// Use gzip, or do not compress it.
        UnsupportedContentEncoding = "UNSUPPORTED_CONTENT_ENCODING", 415, Always;
        /// The body is longer than `--max-body-bytes`, as sent or decompressed.
        ///
        /// Send less at a time.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413, Always;
        /// The body did not arrive within `--request-timeout`, because it was sent too slowly or the
        /// client is beyond its budget.
        ///
        /// Send less, or send it faster.
        BodyTimeout = "BODY_TIMEOUT", 408, Always;
        /// A list of requests was sent, and `--max-batch` is 0.
        ///
        /// Send the requests one by one.
        BatchesDisabled = "BATCHES_DISABLED", 400, Always;
        /// The list of requests is longer than `--max-batch`.
        ///
        /// Send shorter lists.
        BatchTooLarge = "BATCH_TOO_LARGE", 400, Always;
    }
    Authentication {
        /// The token is missing, invalid, expired or revoked.
        ///
        /// Sign in again. Do not retry with the same token.
        Unauthenticated = "UNAUTHENTICATED", 401, Always;
        /// The role or the scope of the token does not allow it.
        ///
        /// Use another token.
        Forbidden = "FORBIDDEN", 403, Always;
        /// A page of another origin sent the request.
        ///
        /// Allow the origin with `--cors-origin`.
        CrossSiteRequest = "CROSS_SITE_REQUEST", 403, Always;
        /// The keys of the OpenID Connect issuer are not fetched yet, or are too old.
        ///
        /// Retry later.
        IssuerUnavailable = "ISSUER_UNAVAILABLE", 503, Always;
    }
    Retry {
        /// The database cannot be reached or written, or is too busy.
        ///
        /// Send the same request again, at first after a second.
        DatabaseUnavailable = "DATABASE_UNAVAILABLE", 503, ByMediaType;
        /// The queue of writes is full.
        ///
        /// Send the same request again after `retryAfter` milliseconds.
        Overloaded = "OVERLOADED", 503, ByMediaType;
        /// The request took longer than `--request-timeout`; mutations have a minute more.
        ///
        /// Request less at a time.
        RequestTimeout = "REQUEST_TIMEOUT", 503, ByMediaType;
        /// The client sent more requests than `--max-client-rate` a second, with five seconds' worth at
        /// once. The response is delayed by 250 ms.
        ///
        /// Wait, and send fewer requests.
        RateLimited = "RATE_LIMITED", 429, Always;
        /// The client has more requests at a time than `--max-client-requests`.
        ///
        /// Wait until others have finished.
        TooManyRequests = "TOO_MANY_REQUESTS", 429, Always;
        /// The client has more sockets, subscriptions and event streams than `--max-client-streams`.
        ///
        /// Close others first.
        TooManyStreams = "TOO_MANY_STREAMS", 429, Always;
        /// A WebSocket has more than 100 operations at a time.
        ///
        /// Complete others first.
        TooManyOperations = "TOO_MANY_OPERATIONS", 429, Always;
        /// A defect of the service. Its log has the cause with the `x-request-id`.
        ///
        /// Report it.
        Internal = "INTERNAL", 500, ByMediaType;
    }
    DocumentLimit {
        /// The document is longer than `--max-document-bytes`.
        ///
        /// Send a shorter document.
        DocumentTooLong = "DOCUMENT_TOO_LONG", 400, ByMediaType;
        /// The document has more tokens than `--max-tokens`.
        ///
        /// Send a shorter document.
        TooManyTokens = "TOO_MANY_TOKENS", 400, ByMediaType;
        /// Fields are nested deeper than `--max-depth`, which is at most 50, or brackets are.
        ///
        /// Nest less deeply.
        DocumentTooDeep = "DOCUMENT_TOO_DEEP", 400, ByMediaType;
        /// The document has more fields than `--max-fields`.
        ///
        /// Select fewer fields, or spread fragments less often.
        TooManyFields = "TOO_MANY_FIELDS", 400, ByMediaType;
        /// An operation has more aliases than `--max-aliases`.
        ///
        /// Split the operation.
        TooManyAliases = "TOO_MANY_ALIASES", 400, ByMediaType;
        /// The document has more directives than `--max-directives`.
        ///
        /// Use fewer directives.
        TooManyDirectives = "TOO_MANY_DIRECTIVES", 400, ByMediaType;
        /// An operation has more root fields than `--max-root-fields`.
        ///
        /// Split the operation.
        TooManyRootFields = "TOO_MANY_ROOT_FIELDS", 400, ByMediaType;
        /// The operations declare more variables than `--max-variables`.
        ///
        /// Use an input object or a list.
        TooManyVariables = "TOO_MANY_VARIABLES", 400, ByMediaType;
        /// The variables hold more values than `--max-variable-values`, multiplied by how often
        /// variables are used.
        ///
        /// Send shorter lists.
        TooManyVariableValues = "TOO_MANY_VARIABLE_VALUES", 400, ByMediaType;
        /// The estimated number of values in the response is higher than `--max-complexity`. A list
        /// counts as `take`, `first` or `last` times its content.
        ///
        /// Request smaller pages or fewer fields.
        TooComplex = "TOO_COMPLEX", 400, ByMediaType;
        /// Introspection is disabled by `--no-introspection`.
        ///
        /// Use the `schema.graphql` of the repository.
        IntrospectionDisabled = "INTROSPECTION_DISABLED", 400, ByMediaType;
    }
    PersistedDocument {
        /// No document is known by this hash.
        ///
        /// Send the document with its hash once; clients for automatic persisted queries do so.
        PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND", 400, ByMediaType;
        /// The hash is not the document's SHA-256.
        ///
        /// Correct the client.
        PersistedQueryHashMismatch = "PERSISTED_QUERY_HASH_MISMATCH", 400, ByMediaType;
        /// `extensions.persistedQuery` has a version other than 1.
        ///
        /// Correct the client.
        PersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED", 400, ByMediaType;
        /// Only the documents of `--persisted-documents` are executed, and this is not one of them.
        ///
        /// Register the document.
        PersistedDocumentRequired = "PERSISTED_DOCUMENT_REQUIRED", 400, ByMediaType;
    }
}

impl ErrorCode {
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_documents_are_documented() {
        for code in graphql_server::ErrorCode::ALL {
            assert!(ErrorCode::from_name(code.name()).is_some(), "{}", code.name());
        }
    }
}
