//! Authentication and roles.
//!
//! - [`principal`] is the authenticated caller: a role, a scope of configurations, an expiry.
//! - [`token`] creates, lists and revokes API tokens; [`token_cache`] caches those in use and notices
//!   revocations.
//! - [`oidc`] validates the tokens of an OpenID Connect issuer.
//! - [`session_cookie`] is the cookie of a browser that signed in with either.
//!
//! [`Access`] brings them together: it turns the credential of a request into a [`Principal`]. Without
//! access control every caller is an admin.

mod error;
pub mod oidc;
pub mod principal;
pub mod session_cookie;
pub mod token;
mod token_cache;

use std::sync::Arc;

use entity::Timestamp;
use ring::hmac;
use sea_orm::DbErr;

use crate::db::Db;
use crate::error::ApiError;
pub use error::{invalid_token, missing_token};
use oidc::Issuer;
pub use principal::{Principal, Right, Role};
use session_cookie::{Session, SessionCookie, SessionCookies};
use token_cache::TokenCache;

/// The credential of a request.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'a> {
    /// An API token, or one of the issuer's.
    Bearer(&'a str),
    /// The session cookie of a browser that signed in.
    Session(&'a str),
}

/// Authenticates requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Access(Option<Arc<Control>>);

#[derive(Debug)]
struct Control {
    tokens: TokenCache,
    issuer: Option<Issuer>,
    sessions: SessionCookies,
}

impl Access {
    /// No access control: every caller is an admin.
    pub fn open() -> Self {
        Self(None)
    }

    /// Requires an API token or, if there is an issuer, one of its tokens.
    pub async fn controlled(db: &Db, issuer: Option<oidc::Options>) -> Result<Self, DbErr> {
        let secret = token::secret(db).await?;
        let key = |purpose: &str| {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), purpose.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref())
        };
        let fingerprints = Arc::new(key("fingerprints of agents' keys"));
        Ok(Self(Some(Arc::new(Control {
            tokens: TokenCache::new(db.clone(), Arc::clone(&fingerprints)),
            issuer: issuer.map(|options| Issuer::new(options, fingerprints)),
            sessions: SessionCookies::new(key("browser sessions")),
        }))))
    }

    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// The principal of a credential.
    pub async fn authenticate(
        &self,
        credential: Option<Credential<'_>>,
        now: Timestamp,
    ) -> Result<Principal, ApiError> {
        let Some(control) = &self.0 else { return Ok(Principal::unrestricted()) };
        let principal = match credential {
            None => Err(missing_token()),
            Some(Credential::Bearer(text)) => control.bearer(text, now).await,
            Some(Credential::Session(text)) => match control.sessions.read(text, now) {
                Some(Session::Token(id)) => control.tokens.by_id(id, now).await,
                Some(Session::Issued(jwt)) => control.bearer(&jwt, now).await,
                None => Err(invalid_token()),
            },
        }?;
        if principal.has_expired(now) { Err(invalid_token()) } else { Ok(principal) }
    }

    /// Signs a browser in with a token: the session cookie to set.
    pub async fn sign_in(&self, text: &str, now: Timestamp) -> Result<SessionCookie, ApiError> {
        let principal = self.authenticate(Some(Credential::Bearer(text)), now).await?;
        let Some(control) = &self.0 else { return Err(missing_token()) };
        let session = match principal.token() {
            Some(id) => Session::Token(id),
            None => Session::Issued(text.to_owned()),
        };
        Ok(control.sessions.issue(&session, principal.expires(), now))
    }

    /// Notices revoked tokens, records when each was last used, and refreshes the issuer's keys, until
    /// it is dropped.
    pub async fn run(self) {
        let Some(control) = &self.0 else { return std::future::pending().await };
        match &control.issuer {
            Some(issuer) => _ = tokio::join!(control.tokens.run(), issuer.run()),
            None => control.tokens.run().await,
        }
    }
}

impl Control {
    async fn bearer(&self, text: &str, now: Timestamp) -> Result<Principal, ApiError> {
        if text.starts_with(token::PREFIX) {
            return self.tokens.by_text(text, now).await;
        }
        match &self.issuer {
            Some(issuer) => issuer.authenticate(text, now).await,
            None => Err(invalid_token()),
        }
    }
}
