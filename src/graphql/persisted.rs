//! Persisted documents, which clients reference instead of sending them.
//!
//! Either any document that a client has sent once with its hash (Apollo's automatic persisted
//! queries), or only those of a file (an allow-list).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use crate::error::{ApiError, ErrorCode};

/// The most bytes of cached documents.
const CACHE_BYTES: u64 = 4 << 20;

/// A low estimate, so that the cache is not divided into shards, which could be smaller than a document.
const ESTIMATED_DOCUMENTS: usize = 32;

/// The `persistedQuery` of a request's `extensions`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistedQuery {
    version: u32,
    sha256_hash: String,
}

/// How a request specifies its document.
#[derive(Default)]
pub struct DocumentReference {
    pub query: Option<String>,
    /// As in the appendix on persisted documents of GraphQL over HTTP.
    pub document_id: Option<String>,
    /// The `persistedQuery` of the request's `extensions`.
    pub persisted_query: Option<serde_json::Value>,
}

/// The document of a request.
#[derive(Debug)]
pub struct Found {
    pub text: Arc<str>,
    /// The hash to cache it by, once it is found to be valid.
    hash: Option<String>,
}

/// The persisted documents.
pub enum Persisted {
    /// Those that clients have sent with their hashes.
    Automatic(RecentDocuments),
    /// These by id or hash, and no other document is executed.
    Only(HashMap<String, Arc<str>>),
}

/// The weight of a document in bytes, with its hash and the overhead of an entry.
#[derive(Clone)]
struct Bytes;

impl Weighter<String, Arc<str>> for Bytes {
    fn weight(&self, hash: &String, text: &Arc<str>) -> u64 {
        (hash.len() + text.len() + 100) as u64
    }
}

/// Documents that clients have sent with their hashes, most recently.
pub struct RecentDocuments(Cache<String, Arc<str>, Bytes>);

impl Default for RecentDocuments {
    fn default() -> Self {
        Self(Cache::with_weighter(ESTIMATED_DOCUMENTS, CACHE_BYTES, Bytes))
    }
}

impl Default for Persisted {
    fn default() -> Self {
        Self::Automatic(RecentDocuments::default())
    }
}

impl Persisted {
    /// Reads an allow-list: a JSON object of documents by their ids.
    ///
    /// # Errors
    /// A description of what is wrong with the list.
    pub fn only(json: &str) -> Result<Self, String> {
        let documents: HashMap<String, String> = serde_json::from_str(json).map_err(|error| {
            format!("expected a JSON object of documents by their ids: {error}")
        })?;
        let mut named = HashMap::with_capacity(2 * documents.len());
        for (id, text) in documents {
            if id.is_empty() {
                return Err("a document's id is empty".to_owned());
            }
            let hash = sha256(&text);
            let claimed = id
                .strip_prefix("sha256:")
                .or(Some(&id).filter(|id| is_hash(id)).map(String::as_str));
            if claimed.is_some_and(|claimed| claimed != hash) {
                return Err(format!("{id}: the document's hash is {hash}"));
            }
            let text: Arc<str> = text.into();
            named.insert(hash, Arc::clone(&text));
            named.insert(id, text);
        }
        Ok(Self::Only(named))
    }

    /// The documents of an allow-list with their ids and hashes; none without a list.
    pub fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        let only = match self {
            Self::Only(documents) => Some(documents),
            Self::Automatic(_) => None,
        };
        only.into_iter().flatten().map(|(id, text)| (id.as_str(), &**text))
    }

    /// Finds a document.
    ///
    /// # Errors
    /// If it is unknown or not allowed, its hash is wrong, or none is specified.
    pub fn find(&self, reference: DocumentReference) -> Result<Found, ApiError> {
        let id = id_of(&reference)?;
        match self {
            Self::Only(documents) => {
                let id = match (id, reference.query) {
                    (Some(id), _) => id,
                    (None, Some(text)) => sha256(&text),
                    (None, None) => return Err(missing()),
                };
                documents.get(&id).map(|text| Found { text: Arc::clone(text), hash: None }).ok_or_else(
                    || ApiError::new(ErrorCode::PersistedDocumentRequired, "this server only executes registered documents, and this is not one of them"),
                )
            }
            Self::Automatic(recent) => match (id, reference.query) {
                (None, None) => Err(missing()),
                (None, Some(text)) => Ok(Found { text: text.into(), hash: None }),
                (Some(hash), Some(text)) => {
                    if sha256(&text) != hash {
                        return Err(ApiError::new(
                            ErrorCode::PersistedQueryHashMismatch,
                            "the hash is not the SHA-256 of the document, in lower-case hexadecimal digits",
                        ));
                    }
                    Ok(Found { text: text.into(), hash: Some(hash) })
                }
                (Some(hash), None) => {
                    recent.0.get(&hash).map(|text| Found { text, hash: None }).ok_or_else(|| {
                        ApiError::new(
                            ErrorCode::PersistedQueryNotFound,
                            "no document is known by this hash; send the document with it once",
                        )
                    })
                }
            },
        }
    }

    /// Caches a valid document under the hash that it was sent with.
    pub fn cache(&self, found: Found) {
        if let (Self::Automatic(recent), Some(hash)) = (self, found.hash) {
            recent.0.insert(hash, found.text);
        }
    }
}

/// The document's id without the prefix `sha256:`.
fn id_of(reference: &DocumentReference) -> Result<Option<String>, ApiError> {
    if let Some(extension) = &reference.persisted_query {
        let malformed = || {
            bad_request(
                "extensions.persistedQuery: expected an object with a `version` and a `sha256Hash`",
            )
        };
        let query = PersistedQuery::deserialize(extension).map_err(|_| malformed())?;
        if query.version != 1 {
            return Err(ApiError::new(
                ErrorCode::PersistedQueryNotSupported,
                "extensions.persistedQuery: expected the version 1",
            ));
        }
        return Ok(Some(query.sha256_hash));
    }
    let id = reference.document_id.as_deref();
    Ok(id.map(|id| id.strip_prefix("sha256:").unwrap_or(id).to_owned()))
}

fn missing() -> ApiError {
    bad_request("expected a `query`, which is a text, or a `documentId`")
}

fn bad_request(message: &str) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, message)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().fold(
        String::with_capacity(64),
        |mut hash, byte| {
            _ = write!(hash, "{byte:02x}");
            hash
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_specification() {
        // From the specification's appendix.
        let query = "query($id:ID!){user(id:$id){name}}";
        let hash = "71f7dc5758652baac68e4a10c50be732b741c892ade2883a99358f52b555286b";
        assert_eq!(sha256(query), hash);
    }

    #[test]
    fn memory_is_bounded() {
        let cache = RecentDocuments::default().0;
        let text: Arc<str> = "x".repeat(10_000).into();
        for number in 0..2_000 {
            cache.insert(format!("{number}"), Arc::clone(&text));
            cache.insert("often".to_owned(), Arc::clone(&text));
            assert!(cache.get("often").is_some());
        }
        assert!(cache.weight() <= CACHE_BYTES);
        assert!(cache.len() > 300, "{}", cache.len());
    }

    #[test]
    fn errors_of_an_allow_list_are_described() {
        for (json, problem) in [
            ("[]", "expected a JSON object"),
            (r#"{"a": 1}"#, "expected a JSON object"),
            (r#"{"": "{a}"}"#, "empty"),
            (r#"{"sha256:00": "{a}"}"#, "the document's hash is"),
        ] {
            let error = Persisted::only(json).err().unwrap();
            assert!(error.contains(problem), "{error}");
        }
    }
}
