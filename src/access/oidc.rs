//! Tokens of an OpenID Connect issuer: JWTs that it has signed.
//!
//! Its keys are fetched when a token first needs them, and again every ten minutes while they are
//! used. A key that is not known is looked for once more, since issuers change keys, but not more
//! often than every ten seconds: anyone can name keys that do not exist. While the issuer is away
//! the keys that are known go on being used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use entity::Timestamp;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use ring::hmac;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;

use super::Denied;
use super::viewer::{Role, Viewer};
use crate::jobs::scope::Scope;

/// What a token may be signed with: only what a public key checks. With a shared secret, or `none`,
/// whoever knows the public key could sign.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY: u64 = 30;

/// How old keys may be before they are fetched again.
const KEEP: Duration = Duration::from_mins(10);

/// How long the issuer may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the issuer may answer in bytes.
const ANSWER_BYTES: usize = 1 << 20;

/// How many checked tokens are kept at hand.
const CHECKED: usize = 1_000;

/// An issuer, and how its tokens are read.
#[derive(Clone, Debug)]
pub struct Options {
    /// What its tokens name as `iss`, letter by letter, and where it is found: an `https` URL, or
    /// `http` on this machine.
    pub issuer: String,
    /// What its tokens for this service name as `aud`.
    pub audience: String,
    /// The claim with the role's name, or several. Dots lead into objects: `realm_access.roles`.
    pub role_claim: String,
    /// The claim with the ids of the configurations that a token is limited to. `None`: tokens are
    /// not limited.
    pub configurations_claim: Option<String>,
    /// The claim with the id of the agent that a token with the role `agent` speaks for.
    pub agent_claim: String,
    /// The shortest time between two looks for the issuer's keys.
    pub look_every: Duration,
}

impl Options {
    /// With the claims' usual names.
    pub fn new(issuer: String, audience: String) -> Self {
        Self {
            issuer,
            audience,
            role_claim: "role".to_owned(),
            configurations_claim: None,
            agent_claim: "agent_id".to_owned(),
            look_every: Duration::from_secs(10),
        }
    }
}

/// Checks an issuer's tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Issuer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    fingerprints: Arc<hmac::Key>,
    http: reqwest::Client,
    keys: RwLock<Arc<Keys>>,
    /// When they were last looked for. Whoever looks holds it.
    looked: AsyncMutex<Option<Instant>>,
    /// Tokens that were checked: a signature takes longer than many a query.
    checked: Mutex<HashMap<String, Viewer>>,
}

#[derive(Debug, Default)]
struct Keys {
    keys: Vec<Key>,
    fetched: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// The only one that it is for, if it says so.
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

impl Keys {
    /// The key that a token was signed with; without an id only the one key that fits.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let fits = |key: &&Key| {
            key.key.family().algorithms().contains(&algorithm)
                && key.algorithm.is_none_or(|of| of == algorithm)
        };
        let mut found = self.keys.iter().filter(fits);
        if let Some(id) = id {
            return found.find(|key| key.id.as_deref() == Some(id));
        }
        let only = found.next()?;
        found.next().is_none().then_some(only)
    }
}

/// Why keys were not fetched. For the log only.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("no answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the answer is no JSON of the expected form: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Wrong(String),
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Issuer {
    pub fn new(options: Options, fingerprints: Arc<hmac::Key>) -> Self {
        // Another part of the program may have done so already, with the same.
        _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().unwrap_or_default();
        Self(Arc::new(Inner {
            options,
            fingerprints,
            http,
            keys: RwLock::default(),
            looked: AsyncMutex::new(None),
            checked: Mutex::default(),
        }))
    }

    /// Whose token this is.
    pub async fn viewer(&self, text: &str) -> Result<Viewer, Denied> {
        let checked = self.0.checked().get(text).cloned();
        if let Some(viewer) = checked {
            return Ok(viewer);
        }
        let wrong = |error| {
            tracing::debug!(%error, "a token of the issuer's is refused");
            Denied::Invalid
        };
        let header = decode_header(text).map_err(wrong)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Denied::Invalid);
        }
        let key = self.key(header.kid.as_deref(), header.alg).await?;
        let options = &self.0.options;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_audience(&[&options.audience]);
        validation.set_issuer(&[&options.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims: Map<String, Value> = decode(text, &key.key, &validation).map_err(wrong)?.claims;
        let viewer = self.read(&claims)?;
        let mut checked = self.0.checked();
        if checked.len() >= CHECKED {
            checked.clear();
        }
        checked.insert(text.to_owned(), viewer.clone());
        Ok(viewer)
    }

    fn read(&self, claims: &Map<String, Value>) -> Result<Viewer, Denied> {
        let options = &self.0.options;
        let named = words(claim(claims, &options.role_claim));
        // The mightiest that it names.
        let role = Role::ALL.into_iter().rfind(|role| named.contains(&role.name()));
        let role = role.ok_or(Denied::Forbidden("the token names none of this service's roles"))?;
        let scope = match &options.configurations_claim {
            None => Scope::All,
            Some(name) => {
                let named = words(claim(claims, name));
                if named == ["*"] {
                    Scope::All
                } else {
                    // What is no id is no configuration of ours.
                    Scope::only(named.into_iter().filter_map(|id| Uuid::parse_str(id).ok()))
                }
            }
        };
        let mut agent = None;
        if role == Role::Agent {
            let named = words(claim(claims, &options.agent_claim));
            agent = named.first().and_then(|id| Uuid::parse_str(id).ok());
            if agent.is_none() {
                return Err(Denied::Forbidden("the token does not say which agent it is for"));
            }
        }
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let seconds = claims.get("exp").and_then(Value::as_f64).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest integer")]
        let expires = Timestamp::from_micros((seconds * 1e6) as i64)
            .and_then(|expires| expires.micros().checked_add(LEEWAY.cast_signed() * 1_000_000))
            .and_then(Timestamp::from_micros)
            .unwrap_or_default();
        Ok(Viewer::new(subject, role, scope, Arc::clone(&self.0.fingerprints))
            .with_agent(agent)
            .until(Some(expires)))
    }

    async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Key, Denied> {
        let keys = self.0.keys();
        if let Some(key) = keys.find(id, algorithm) {
            if keys.fetched.is_none_or(|fetched| fetched.elapsed() > KEEP) {
                let inner = Arc::clone(&self.0);
                tokio::spawn(async move { inner.look().await });
            }
            return Ok(key.clone());
        }
        self.0.look().await;
        let keys = self.0.keys();
        match keys.find(id, algorithm) {
            Some(key) => Ok(key.clone()),
            None if keys.fetched.is_none() => Err(Denied::IssuerAway),
            None => Err(Denied::Invalid),
        }
    }
}

impl Inner {
    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn checked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Viewer>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches the keys, unless that was tried just now. Those who want it at the same time wait
    /// for one of them.
    async fn look(&self) {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|looked| looked.elapsed() < self.options.look_every) {
            return;
        }
        *looked = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                let keys = Keys { keys, fetched: Some(Instant::now()) };
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                // What was signed with a key that is gone is not valid any more.
                self.checked().clear();
            }
            Err(error) => tracing::warn!(%error, "fetching the issuer's keys"),
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, FetchError> {
        let issuer = &self.options.issuer;
        let path = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery: Discovery = self.get(&path).await?;
        if discovery.issuer != *issuer {
            let message = format!("expected the issuer {issuer}, not {}", discovery.issuer);
            return Err(FetchError::Wrong(message));
        }
        if issuer.starts_with("https:") && !discovery.jwks_uri.starts_with("https:") {
            return Err(FetchError::Wrong("expected its keys at an https address".to_owned()));
        }
        let set: KeySet = self.get(&discovery.jwks_uri).await?;
        // Keys of a kind that is not known here are nobody's fault.
        let keys = set.keys.into_iter().filter_map(|key| {
            let algorithm =
                key.get("alg").and_then(Value::as_str).map(str::parse).transpose().ok()?;
            let jwk: Jwk = serde_json::from_value(key).ok()?;
            let is_for_encryption = jwk.common.public_key_use == Some(PublicKeyUse::Encryption);
            let key = DecodingKey::from_jwk(&jwk).ok().filter(|_| !is_for_encryption)?;
            Some(Key { id: jwk.common.key_id, algorithm, key })
        });
        Ok(keys.collect())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, FetchError> {
        let mut response = self.http.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES {
                return Err(FetchError::Wrong("the answer is too large".to_owned()));
            }
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

/// The claim of this name, or the one that its dots lead to.
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    claim(claims.get(first)?.as_object()?, rest)
}

/// A list of texts, or a text with spaces or commas between its words.
fn words(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => {
            text.split([' ', ',']).filter(|word| !word.is_empty()).collect()
        }
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_found_by_name_and_by_path() {
        let claims = serde_json::json!({
            "role": "admin viewer",
            "https://example.com/roles": ["operator"],
            "realm_access": { "roles": ["viewer", 7] },
        });
        let claims = claims.as_object().unwrap();
        let words_of = |name| words(claim(claims, name));
        assert_eq!(words_of("role"), ["admin", "viewer"]);
        assert_eq!(words_of("https://example.com/roles"), ["operator"]);
        assert_eq!(words_of("realm_access.roles"), ["viewer"]);
        assert!(words_of("realm_access").is_empty() && words_of("nothing.at.all").is_empty());
    }
}
