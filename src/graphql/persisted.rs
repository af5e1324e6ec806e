//! Documents that clients name instead of sending them.
//!
//! Either any document that a client has sent once with its hash (Apollo's automatic persisted
//! queries), or none but those of a file (an allow-list).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::ServerError;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::error::refusal;

/// Bytes of documents that a generation has.
const GENERATION_BYTES: usize = 2 << 20;

/// The `persistedQuery` of a request's `extensions`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistedQuery {
    version: u32,
    sha256_hash: String,
}

/// How a request says which document it means.
#[derive(Default)]
pub struct Named {
    pub query: Option<String>,
    /// As in the appendix on persisted documents of GraphQL over HTTP.
    pub document_id: Option<String>,
    /// The `persistedQuery` of the request's `extensions`.
    pub persisted_query: Option<serde_json::Value>,
}

/// The document that a request means.
#[derive(Debug)]
pub struct Found {
    pub text: Arc<str>,
    /// What to call it from now on, once it proves good.
    hash: Option<String>,
}

/// The documents that go by a name.
pub enum Persisted {
    /// Those that clients have sent with their hashes, of late.
    Automatic(Mutex<Generations>),
    /// These, and nothing else runs.
    Only(HashMap<String, Arc<str>>),
}

/// Two generations of documents, as [`super::documents::Documents`] has them, by bytes.
#[derive(Default)]
pub struct Generations {
    young: HashMap<String, Arc<str>>,
    young_bytes: usize,
    old: HashMap<String, Arc<str>>,
}

impl Generations {
    fn get(&mut self, hash: &str) -> Option<Arc<str>> {
        if let Some(text) = self.young.get(hash) {
            return Some(Arc::clone(text));
        }
        let (hash, text) = self.old.remove_entry(hash)?;
        self.keep(hash, Arc::clone(&text));
        Some(text)
    }

    fn keep(&mut self, hash: String, text: Arc<str>) {
        // A name costs something, too.
        let bytes = hash.len() + text.len() + 100;
        if self.young_bytes + bytes > GENERATION_BYTES {
            self.old = mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(hash, text).is_none() {
            self.young_bytes += bytes;
        }
    }
}

impl Default for Persisted {
    fn default() -> Self {
        Self::Automatic(Mutex::default())
    }
}

impl Persisted {
    /// Reads an allow-list: a JSON object of documents by their ids.
    ///
    /// # Errors
    /// Why it is none, for whoever wrote it.
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

    /// The documents of an allow-list with their names; none if there is no list.
    pub fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        let only = match self {
            Self::Only(documents) => Some(documents),
            Self::Automatic(_) => None,
        };
        only.into_iter().flatten().map(|(id, text)| (id.as_str(), &**text))
    }

    /// The document that is meant.
    ///
    /// # Errors
    /// If it is not known or not allowed, the hash is not the document's, or none is named.
    pub fn find(&self, named: Named) -> Result<Found, ServerError> {
        let id = id_of(&named)?;
        match self {
            Self::Only(documents) => {
                let id = match (id, named.query) {
                    (Some(id), _) => id,
                    (None, Some(text)) => sha256(&text),
                    (None, None) => return Err(missing()),
                };
                documents.get(&id).map(|text| Found { text: Arc::clone(text), hash: None }).ok_or_else(
                    || refusal("PERSISTED_DOCUMENT_REQUIRED", "only the documents that were registered with this server run here, and this is none of them"),
                )
            }
            Self::Automatic(generations) => match (id, named.query) {
                (None, None) => Err(missing()),
                (None, Some(text)) => Ok(Found { text: text.into(), hash: None }),
                (Some(hash), Some(text)) => {
                    if sha256(&text) != hash {
                        return Err(refusal(
                            "PERSISTED_QUERY_HASH_MISMATCH",
                            "the hash is not the SHA-256 of the document, in lower-case hexadecimal digits",
                        ));
                    }
                    Ok(Found { text: text.into(), hash: Some(hash) })
                }
                (Some(hash), None) => {
                    let mut kept = generations.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.get(&hash).map(|text| Found { text, hash: None }).ok_or_else(|| {
                        refusal(
                            "PERSISTED_QUERY_NOT_FOUND",
                            "no document is known by this hash; send the document with it once",
                        )
                    })
                }
            },
        }
    }

    /// Keeps a document that has proved good under the name that it came with.
    pub fn keep(&self, found: Found) {
        if let (Self::Automatic(generations), Some(hash)) = (self, found.hash) {
            generations.lock().unwrap_or_else(PoisonError::into_inner).keep(hash, found.text);
        }
    }
}

/// The document's name, without the word that says that it is a hash.
fn id_of(named: &Named) -> Result<Option<String>, ServerError> {
    if let Some(extension) = &named.persisted_query {
        let malformed = || {
            bad_request(
                "extensions.persistedQuery: expected an object with a `version` and a `sha256Hash`",
            )
        };
        let query = PersistedQuery::deserialize(extension).map_err(|_| malformed())?;
        if query.version != 1 {
            return Err(refusal(
                "PERSISTED_QUERY_NOT_SUPPORTED",
                "extensions.persistedQuery: expected the version 1",
            ));
        }
        return Ok(Some(query.sha256_hash));
    }
    let id = named.document_id.as_deref();
    Ok(id.map(|id| id.strip_prefix("sha256:").unwrap_or(id).to_owned()))
}

fn missing() -> ServerError {
    bad_request("expected a `query`, which is a text, or a `documentId`")
}

fn bad_request(message: &str) -> ServerError {
    refusal("BAD_REQUEST", message)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hash, byte| {
        _ = write!(hash, "{byte:02x}");
        hash
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_others_do() {
        // From the specification's appendix.
        let query = "query($id:ID!){user(id:$id){name}}";
        let hash = "71f7dc5758652baac68e4a10c50be732b741c892ade2883a99358f52b555286b";
        assert_eq!(sha256(query), hash);
    }

    #[test]
    fn memory_is_bounded() {
        let mut kept = Generations::default();
        let text: Arc<str> = "x".repeat(10_000).into();
        for number in 0..2_000 {
            kept.keep(format!("{number}"), Arc::clone(&text));
            kept.keep("often".to_owned(), Arc::clone(&text));
            assert!(kept.get("often").is_some());
        }
        assert!(kept.get("0").is_none());
        assert!((kept.young.len() + kept.old.len()) * text.len() <= 2 * GENERATION_BYTES);
    }

    #[test]
    fn an_allow_list_says_what_is_wrong_with_it() {
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
