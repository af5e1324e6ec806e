//! Tokens of an OpenID Connect issuer: JWTs that it has signed.
//!
//! Its keys are fetched in the background, as often as its cache headers ask for within
//! [`Options::refresh`], so that a key that the issuer withdraws ends the tokens that it has signed
//! within minutes, open subscriptions included. A token with an unknown key makes them be fetched at
//! once, since issuers change keys, but not more often than every ten seconds, since any client can
//! name keys that do not exist. While the issuer is unreachable, the keys of the last fetch are used for
//! [`Options::keep`]; then its tokens are rejected until it responds.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use entity::Timestamp;
use headers::{Age, CacheControl, Date, Expires, HeaderMap, HeaderMapExt as _};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Validation, decode, decode_header};
use ring::hmac;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::error::invalid_token;
use super::principal::{Principal, Role};
use crate::clock;
use crate::error::{ApiError, ErrorCode};
use crate::jobs::scope::Scope;
use crate::metrics;

/// The algorithms that a token may be signed with: only asymmetric ones. With a shared secret or
/// `none`, everyone who knows the public key could sign.
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

/// The tolerated difference between the issuer's clock and ours, in seconds.
const LEEWAY: u64 = 30;

/// The shortest RSA modulus in bits (RFC 7518, sections 3.3 and 3.5).
const RSA_BITS: usize = 2_048;

/// The timeout of requests to the issuer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest response of the issuer, in bytes.
const RESPONSE_BYTES: usize = 1 << 20;

/// How many validated tokens are cached.
const CACHED_TOKENS: usize = 1_000;

/// An issuer, and how its tokens are read.
#[derive(Clone, Debug)]
pub struct Options {
    /// The exact `iss` of its tokens, and where it is found: an `https` URL, or `http` on this machine.
    pub issuer: String,
    /// The `aud` of its tokens for this service.
    pub audience: String,
    /// The claim with the role's name, or several. Dots lead into objects: `realm_access.roles`.
    pub role_claim: String,
    /// The claim with the ids of the configurations that a token is limited to. `None`: tokens are
    /// not limited.
    pub configurations_claim: Option<String>,
    /// The claim with the id of the agent that a token with the role `agent` may report as.
    pub agent_claim: String,
    /// The shortest time between two fetches of the issuer's keys that unknown keys cause.
    pub refetch_after: Duration,
    /// The time from one scheduled fetch of the issuer's keys to the next: what its cache headers say,
    /// but within these. Without such headers it is the longest, and after a failure the shortest.
    pub refresh: RangeInclusive<Duration>,
    /// How long keys are used after they were fetched, while the issuer cannot be reached.
    pub keep: Duration,
}

impl Options {
    /// Options with the usual names of claims.
    pub fn new(issuer: String, audience: String) -> Self {
        Self {
            issuer,
            audience,
            role_claim: "role".to_owned(),
            configurations_claim: None,
            agent_claim: "agent_id".to_owned(),
            refetch_after: Duration::from_secs(10),
            refresh: Duration::from_secs(30)..=Duration::from_mins(5),
            keep: Duration::from_hours(1),
        }
    }
}

/// Validates an issuer's tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Issuer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    fingerprints: Arc<hmac::Key>,
    http: reqwest::Client,
    keys: RwLock<Arc<Keys>>,
    /// When they were last fetched. Locked during a fetch.
    last_fetch: AsyncMutex<Option<Instant>>,
    /// Validated tokens: checking a signature takes longer than many a query.
    validated: Mutex<HashMap<String, Principal>>,
}

#[derive(Debug, Default)]
struct Keys {
    keys: Vec<Key>,
    /// `None` until they are fetched, and after [`Options::keep`].
    fetched: Option<Instant>,
    /// How long after that they are fetched again.
    fresh_for: Duration,
    /// All that the issuer publishes, of any kind.
    published: Vec<Value>,
}

#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// Its only algorithm, if it names one.
    algorithm: Option<Algorithm>,
    parameters: AlgorithmParameters,
    key: DecodingKey,
    /// Cancelled when the issuer no longer publishes it, or has been unreachable for too long.
    withdrawn: CancellationToken,
}

impl Key {
    /// # Errors
    /// Why tokens cannot be checked with it.
    fn read(published: &Value) -> Result<Self, String> {
        let algorithm = published.get("alg").and_then(Value::as_str).map(str::parse).transpose();
        let algorithm = algorithm.map_err(|_| "its algorithm is not supported".to_owned())?;
        let jwk = Jwk::deserialize(published).map_err(|error| error.to_string())?;
        let is_for_signatures =
            matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature))
                && jwk
                    .common
                    .key_operations
                    .as_ref()
                    .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !is_for_signatures {
            return Err("it is not for checking signatures".to_owned());
        }
        let key = DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?;
        if let DecodingKeyKind::RsaModulusExponent { n, .. } = key.kind() {
            let bits = bit_length(n);
            if bits < RSA_BITS {
                return Err(format!("expected an RSA key of at least {RSA_BITS} bits, not {bits}"));
            }
        }
        Ok(Self {
            id: jwk.common.key_id,
            algorithm,
            parameters: jwk.algorithm,
            key,
            withdrawn: CancellationToken::new(),
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
            && self.algorithm == other.algorithm
            && self.parameters == other.parameters
    }
}

/// The length of a big-endian number without its leading zeros.
fn bit_length(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = &number[zeros..];
    number.first().map_or(0, |first| 8 * number.len() - first.leading_zeros() as usize)
}

impl Keys {
    /// The keys of a response. A key that was there before keeps its cancellation token.
    fn replace(&self, published: Vec<Value>, fresh_for: Duration) -> Self {
        let is_new = published != self.published;
        let mut keys = Vec::new();
        for jwk in &published {
            match Key::read(jwk) {
                Ok(mut key) => {
                    if let Some(old) = self.keys.iter().find(|old| old.is_same(&key)) {
                        key.withdrawn = old.withdrawn.clone();
                    }
                    keys.push(key);
                }
                Err(reason) if is_new => {
                    let id = jwk.get("kid").and_then(Value::as_str).unwrap_or_default();
                    tracing::info!(id, reason, "ignoring a key of the issuer");
                }
                Err(_) => {}
            }
        }
        Self { keys, fetched: Some(Instant::now()), fresh_for, published }
    }

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
    #[error("request failed: {0}")]
    Http(#[from] reqwest::Error),
    #[error("unexpected JSON: {0}")]
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
        // Fails if it is installed already, which does no harm.
        _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .https_only(options.issuer.starts_with("https:"))
            .build()
            .unwrap_or_default();
        Self(Arc::new(Inner {
            options,
            fingerprints,
            http,
            keys: RwLock::default(),
            last_fetch: AsyncMutex::new(None),
            validated: Mutex::default(),
        }))
    }

    /// Refreshes its keys until it is dropped.
    pub async fn run(&self) {
        loop {
            self.0.refresh(Duration::ZERO).await;
            let keys = self.0.keys();
            let age = keys.fetched.map_or(Duration::MAX, |fetched| fetched.elapsed());
            let due = keys.fresh_for.saturating_sub(age);
            sleep(due.max(*self.0.options.refresh.start())).await;
        }
    }

    /// The principal of a token.
    pub async fn authenticate(&self, text: &str, now: Timestamp) -> Result<Principal, ApiError> {
        let cached = self.0.validated().get(text).cloned();
        if let Some(principal) = cached.filter(|principal| !principal.has_expired(now)) {
            return Ok(principal);
        }
        let wrong = |error| {
            tracing::debug!(%error, "rejected a token of the issuer");
            invalid_token()
        };
        let header = decode_header(text).map_err(wrong)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(invalid_token());
        }
        // Critical extensions (RFC 7515, section 4.1.11): none is supported.
        if header.crit.is_some() {
            tracing::debug!("rejected a token of the issuer: its header has `crit`");
            return Err(invalid_token());
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
        let principal = self.read(&claims)?.until_revoked(key.withdrawn);
        let mut validated = self.0.validated();
        if validated.len() >= CACHED_TOKENS {
            validated.clear();
        }
        validated.insert(text.to_owned(), principal.clone());
        Ok(principal)
    }

    fn read(&self, claims: &Map<String, Value>) -> Result<Principal, ApiError> {
        let options = &self.0.options;
        let named = words(claim(claims, &options.role_claim));
        // The role with the most rights that it names.
        let role = Role::ALL.into_iter().rfind(|role| named.contains(&role.name()));
        let role = role
            .ok_or_else(|| ApiError::forbidden("the token names none of this service's roles"))?;
        let scope = match &options.configurations_claim {
            None => Scope::All,
            Some(name) => {
                let named = words(claim(claims, name));
                if named == ["*"] {
                    Scope::All
                } else {
                    // Values that are no UUIDs match no configuration.
                    Scope::only(named.into_iter().filter_map(|id| Uuid::parse_str(id).ok()))
                }
            }
        };
        let mut agent = None;
        if role == Role::Agent {
            let named = words(claim(claims, &options.agent_claim));
            agent = named.first().and_then(|id| Uuid::parse_str(id).ok());
            if agent.is_none() {
                return Err(ApiError::forbidden("the token has no agent id"));
            }
        }
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let seconds = claims.get("exp").and_then(Value::as_f64).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest integer")]
        let expires = Timestamp::from_micros((seconds * 1e6) as i64)
            .and_then(|expires| expires.micros().checked_add(LEEWAY.cast_signed() * 1_000_000))
            .and_then(Timestamp::from_micros)
            .unwrap_or_default();
        Ok(Principal::new(subject, role, scope, Arc::clone(&self.0.fingerprints))
            .with_agent(agent)
            .until(Some(expires)))
    }

    async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Key, ApiError> {
        if let Some(key) = self.0.keys().find(id, algorithm) {
            return Ok(key.clone());
        }
        self.0.refresh(self.0.options.refetch_after).await;
        let keys = self.0.keys();
        match keys.find(id, algorithm) {
            Some(key) => Ok(key.clone()),
            None if keys.fetched.is_none() => {
                let message = "the issuer's keys cannot be fetched at the moment; try again";
                Err(ApiError::new(ErrorCode::IssuerUnavailable, message))
            }
            None => Err(invalid_token()),
        }
    }
}

impl Inner {
    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn validated(&self) -> std::sync::MutexGuard<'_, HashMap<String, Principal>> {
        self.validated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_keys(&self, keys: Keys) {
        let mut current = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Arc::new(keys));
        for key in &old.keys {
            if !current.keys.iter().any(|kept| kept.is_same(key)) {
                key.withdrawn.cancel();
            }
        }
        drop(current);
        let now = clock::now();
        self.validated().retain(|_, principal| !principal.has_expired(now));
    }

    /// Fetches the keys, unless that was tried within `pause`. Concurrent calls wait for one fetch.
    async fn refresh(&self, pause: Duration) {
        let called = Instant::now();
        let mut last_fetch = self.last_fetch.lock().await;
        if last_fetch.is_some_and(|last| last >= called || last.elapsed() < pause) {
            return;
        }
        let fetched = self.fetch().await;
        *last_fetch = Some(Instant::now());
        metrics::issuer_keys(fetched.is_ok());
        match fetched {
            Ok((published, fresh_for)) => {
                let keys = self.keys().replace(published, fresh_for);
                self.set_keys(keys);
            }
            Err(error) => {
                let age = self.keys().fetched.map(|fetched| fetched.elapsed());
                let age_seconds = age.map(|age| age.as_secs());
                tracing::warn!(%error, age_seconds, "failed to fetch the issuer's keys");
                if age.is_some_and(|age| age > self.options.keep) {
                    tracing::error!(
                        "the issuer's keys are too old; rejecting its tokens until it responds"
                    );
                    self.set_keys(Keys::default());
                }
            }
        }
    }

    /// The keys, and for how long they are fresh.
    async fn fetch(&self) -> Result<(Vec<Value>, Duration), FetchError> {
        let issuer = &self.options.issuer;
        let path = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let (discovery, _): (Discovery, _) = self.get(&path).await?;
        if discovery.issuer != *issuer {
            let message = format!("expected the issuer {issuer}, not {}", discovery.issuer);
            return Err(FetchError::Wrong(message));
        }
        if issuer.starts_with("https:") && !discovery.jwks_uri.starts_with("https:") {
            return Err(FetchError::Wrong("expected its keys at an https address".to_owned()));
        }
        let (set, headers): (KeySet, _) = self.get(&discovery.jwks_uri).await?;
        let refresh = &self.options.refresh;
        let fresh_for = freshness(&headers, SystemTime::now()).unwrap_or(*refresh.end());
        Ok((set.keys, fresh_for.clamp(*refresh.start(), *refresh.end())))
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        url: &str,
    ) -> Result<(T, HeaderMap), FetchError> {
        let mut response = self.http.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > RESPONSE_BYTES {
                return Err(FetchError::Wrong("the response is too large".to_owned()));
            }
        }
        Ok((serde_json::from_slice(&body)?, std::mem::take(response.headers_mut())))
    }
}

/// How long a response is fresh, if its headers say so (RFC 9111, sections 4.2 and 5.2.2).
fn freshness(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Some(control) = headers.typed_get::<CacheControl>() {
        if control.no_store() || control.no_cache() {
            return Some(Duration::ZERO);
        }
        if let Some(max_age) = control.max_age() {
            let age = headers
                .typed_get::<Age>()
                .map_or(Duration::ZERO, |age| Duration::from_secs(age.as_secs()));
            return Some(max_age.saturating_sub(age));
        }
    }
    headers.get("expires")?;
    // An invalid date, such as 0, means expired.
    let expires = headers.typed_get::<Expires>().map_or(SystemTime::UNIX_EPOCH, SystemTime::from);
    let date = headers.typed_get::<Date>().map_or(now, SystemTime::from);
    Some(expires.duration_since(date).unwrap_or_default())
}

/// The claim of this name, or the one that its dots lead to.
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    claim(claims.get(first)?.as_object()?, rest)
}

/// The strings of a list, or the words of a string, separated by spaces or commas.
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

    #[test]
    fn cache_headers_tell_how_long_keys_are_fresh() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (lines, expected) in [
            (&[][..], None),
            (&[("cache-control", "public, max-age=60")], Some(60)),
            (&[("cache-control", "public"), ("cache-control", "max-age=60")], Some(60)),
            (&[("cache-control", "max-age=60"), ("age", "20")], Some(40)),
            (&[("cache-control", "max-age=60"), ("age", "90")], Some(0)),
            (&[("cache-control", "max-age=60, no-cache")], Some(0)),
            (&[("cache-control", "no-store")], Some(0)),
            (&[("cache-control", "public")], None),
            (&[("cache-control", "max-age=much")], None),
            (
                &[("cache-control", "max-age=60"), ("expires", "Sun, 06 Nov 1994 08:59:37 GMT")],
                Some(60),
            ),
            (&[("expires", "Sun, 06 Nov 1994 08:59:37 GMT")], Some(600)),
            (
                &[
                    ("date", "Sun, 06 Nov 1994 08:59:07 GMT"),
                    ("expires", "Sun, 06 Nov 1994 08:59:37 GMT"),
                ],
                Some(30),
            ),
            (&[("expires", "0")], Some(0)),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            assert_eq!(freshness(&headers, now), expected.map(Duration::from_secs), "{lines:?}");
        }
    }

    #[test]
    fn a_number_has_no_leading_zero_bits() {
        for (number, expected) in
            [(&[][..], 0), (&[0, 0], 0), (&[1], 1), (&[0, 0x80, 0], 16), (&[0x7f, 0xff], 15)]
        {
            assert_eq!(bit_length(number), expected, "{number:?}");
        }
    }
}
