//! Who may see and do what.
//!
//! - [`viewer`] is whoever asks: a role, the configurations that it is limited to, when it ends.
//! - [`token`] is API tokens, which the service makes itself; [`known`] keeps those in use at hand
//!   and notices when one is revoked.
//! - [`oidc`] is the tokens of an OpenID Connect issuer.
//! - [`session`] is signing in with either from a browser.
//!
//! [`Access`] brings them together: it makes a [`Viewer`] of what a request shows. Without access
//! control everyone is an admin.

mod known;
pub mod oidc;
pub mod session;
pub mod token;
pub mod viewer;

use std::sync::Arc;

use entity::Timestamp;
use ring::hmac;
use sea_orm::DbErr;

use crate::db::Db;
use crate::error::Error;
use known::Known;
use oidc::Issuer;
use session::Sessions;
pub use viewer::{Right, Role, Viewer};

/// Why somebody gets nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Denied {
    /// Nothing was shown. The sender sees `UNAUTHENTICATED`.
    #[error("expected a token: `Authorization: Bearer …`, or a signed-in browser")]
    Missing,
    /// What was shown is not valid, or not any more. The sender sees `UNAUTHENTICATED`; which of
    /// its faults it was is logged only.
    #[error("the token is not valid, or not any more")]
    Invalid,
    /// The token is valid, and allows nothing. The sender sees `FORBIDDEN`.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The issuer's keys are not known yet, or are too old. The sender sees `ISSUER_UNAVAILABLE` and
    /// may try again.
    #[error("the issuer's keys cannot be fetched at the moment; try again")]
    IssuerAway,
    /// It could not be checked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Denied {
    /// The stable code that programs switch on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::Invalid => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::IssuerAway => "ISSUER_UNAVAILABLE",
            Self::Failed(error) => error.code(),
        }
    }
}

impl From<DbErr> for Denied {
    fn from(error: DbErr) -> Self {
        Self::Failed(error.into())
    }
}

/// What somebody shows to be let in.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'a> {
    /// An API token, or one of the issuer's.
    Bearer(&'a str),
    /// What a browser got when it signed in.
    Session(&'a str),
}

/// Who is let in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Access(Option<Arc<Control>>);

#[derive(Debug)]
struct Control {
    tokens: Known,
    issuer: Option<Issuer>,
    sessions: Sessions,
}

impl Access {
    /// Everyone is an admin.
    pub fn open() -> Self {
        Self(None)
    }

    /// Only who has a token is let in: one of the database's, or one of the issuer's.
    pub async fn controlled(db: &Db, issuer: Option<oidc::Options>) -> Result<Self, DbErr> {
        let secret = token::secret(db).await?;
        let key = |purpose: &str| {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), purpose.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref())
        };
        let fingerprints = Arc::new(key("fingerprints of agents' keys"));
        Ok(Self(Some(Arc::new(Control {
            tokens: Known::new(db.clone(), Arc::clone(&fingerprints)),
            issuer: issuer.map(|options| Issuer::new(options, fingerprints)),
            sessions: Sessions::new(key("browser sessions")),
        }))))
    }

    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Who shows this.
    pub async fn viewer(
        &self,
        credential: Option<Credential<'_>>,
        now: Timestamp,
    ) -> Result<Viewer, Denied> {
        let Some(control) = &self.0 else { return Ok(Viewer::anyone()) };
        let viewer = match credential {
            None => Err(Denied::Missing),
            Some(Credential::Bearer(text)) => control.bearer(text, now).await,
            Some(Credential::Session(text)) => match control.sessions.read(text, now) {
                Some(session::Session::Token(id)) => control.tokens.by_id(id, now).await,
                Some(session::Session::Issued(jwt)) => control.bearer(&jwt, now).await,
                None => Err(Denied::Invalid),
            },
        }?;
        if viewer.is_over(now) { Err(Denied::Invalid) } else { Ok(viewer) }
    }

    /// Lets a browser in that shows a token: what it is to show from now on, and until when.
    pub async fn sign_in(&self, text: &str, now: Timestamp) -> Result<session::Ticket, Denied> {
        let viewer = self.viewer(Some(Credential::Bearer(text)), now).await?;
        let Some(control) = &self.0 else { return Err(Denied::Missing) };
        let session = match viewer.token() {
            Some(id) => session::Session::Token(id),
            None => session::Session::Issued(text.to_owned()),
        };
        Ok(control.sessions.issue(&session, viewer.expires(), now))
    }

    /// Notices tokens that end, notes when each was last used, and keeps the issuer's keys fresh, until
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
    async fn bearer(&self, text: &str, now: Timestamp) -> Result<Viewer, Denied> {
        if text.starts_with(token::PREFIX) {
            return self.tokens.by_text(text, now).await;
        }
        match &self.issuer {
            Some(issuer) => issuer.viewer(text, now).await,
            None => Err(Denied::Invalid),
        }
    }
}
