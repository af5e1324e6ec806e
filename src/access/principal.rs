//! The authenticated caller and its rights.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Enum;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::Timestamp;
use ring::hmac;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock;
use crate::jobs::scope::Scope;

/// What a principal may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, clap::ValueEnum)]
pub enum Role {
    /// Reads and subscribes.
    Viewer,
    /// Reads, claims jobs and reports on its own runs.
    Agent,
    /// Reads, queues, cancels and retries jobs.
    Operator,
    /// Does everything, and sees agents' keys.
    Admin,
}

/// A right that roles grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    Read,
    Report,
    Operate,
    Administer,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Agent, Self::Operator, Self::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    pub fn may(self, right: Right) -> bool {
        match self {
            Self::Admin => true,
            Self::Operator => matches!(right, Right::Read | Right::Operate),
            Self::Agent => matches!(right, Right::Read | Right::Report),
            Self::Viewer => right == Right::Read,
        }
    }
}

/// The authenticated caller. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Principal {
    name: Arc<str>,
    /// Whether it has been authenticated, so that the name is one.
    is_authenticated: bool,
    role: Role,
    scope: Scope,
    /// The only agent that it may report as; `None` for any.
    agent: Option<Uuid>,
    token: Option<Uuid>,
    expires: Option<Timestamp>,
    /// Cancelled when its token is revoked, or the issuer withdraws the key that signed it.
    revoked: CancellationToken,
    /// The key for fingerprints of agents' keys; `None` shows the keys in full.
    fingerprints: Option<Arc<hmac::Key>>,
}

/// The length of a fingerprint, in digits of six bits.
const FINGERPRINT_LENGTH: usize = 10;

impl Principal {
    /// Any caller, where there is no access control: an admin.
    pub fn unrestricted() -> Self {
        Self {
            name: "anyone".into(),
            is_authenticated: false,
            role: Role::Admin,
            scope: Scope::All,
            agent: None,
            token: None,
            expires: None,
            revoked: CancellationToken::new(),
            fingerprints: None,
        }
    }

    /// A principal with this role for these configurations.
    pub fn new(name: &str, role: Role, scope: Scope, fingerprints: Arc<hmac::Key>) -> Self {
        Self {
            name: name.into(),
            is_authenticated: true,
            role,
            scope,
            fingerprints: Some(fingerprints).filter(|_| role != Role::Admin),
            ..Self::unrestricted()
        }
    }

    /// Limits it to reports of this agent.
    pub fn with_agent(self, agent: Option<Uuid>) -> Self {
        Self { agent, ..self }
    }

    /// Sets when it expires.
    pub fn until(self, expires: Option<Timestamp>) -> Self {
        Self { expires, ..self }
    }

    /// Sets the id of its API token.
    pub fn with_token(self, id: Uuid) -> Self {
        Self { token: Some(id), ..self }
    }

    /// It expires at once when this is cancelled.
    pub fn until_revoked(self, revoked: CancellationToken) -> Self {
        Self { revoked, ..self }
    }

    /// A token's name, or an issuer's subject.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that the history keeps of it; `None` where there is no access control.
    pub fn recorded_name(&self) -> Option<Arc<str>> {
        self.is_authenticated.then(|| self.name.clone())
    }

    pub fn role(&self) -> Role {
        self.role
    }

    pub fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// The configurations that it sees.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The only agent that it may report as; `None` if it may report as any.
    pub fn agent(&self) -> Option<Uuid> {
        self.agent
    }

    /// The id of its API token.
    pub fn token(&self) -> Option<Uuid> {
        self.token
    }

    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// An agent's key as this principal may see it: in full for admins. For others it is a
    /// fingerprint that only distinguishes keys: the first 60 bits of the key's HMAC-SHA256 with a
    /// secret that the database stores, in URL-safe base64 after `fp_`. Without the secret, keys cannot
    /// be guessed from it.
    pub fn agent_key<'a>(&self, key: &'a str) -> Cow<'a, str> {
        match &self.fingerprints {
            // An empty key has no fingerprint.
            Some(secret) if !key.is_empty() => {
                let tag = hmac::sign(secret, key.as_bytes());
                let digits = URL_SAFE_NO_PAD.encode(tag);
                Cow::Owned(format!("fp_{}", &digits[..FINGERPRINT_LENGTH]))
            }
            _ => Cow::Borrowed(key),
        }
    }

    /// The principal of an execution that several subscribers share: what they may see, not who they
    /// are. Principals with the same [`Principal::group`] share one.
    pub fn shared(&self) -> Self {
        let role = if self.role == Role::Admin { Role::Admin } else { Role::Viewer };
        Self {
            name: "shared".into(),
            role,
            scope: self.scope.clone(),
            fingerprints: self.fingerprints.clone(),
            ..Self::unrestricted()
        }
    }

    /// Identifies all that [`Principal::shared`] keeps.
    pub fn group(&self) -> String {
        let sees_keys = if self.fingerprints.is_none() { "+" } else { "-" };
        match &self.scope {
            Scope::All => format!("{sees_keys}all"),
            Scope::Only(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| id.simple().to_string()).collect();
                format!("{sees_keys}{}", ids.join(","))
            }
        }
    }

    /// Whether it has expired or its token was revoked.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.revoked.is_cancelled() || self.expires.is_some_and(|expires| expires <= now)
    }

    /// Resolves when it expires or its token is revoked.
    pub async fn expired(&self) {
        // The clock may be set meanwhile, so it is read again now and then.
        const READ_CLOCK_EVERY: Duration = Duration::from_secs(30);
        loop {
            let left = self.expires.map(|expires| expires.micros() - clock::now().micros());
            let Some(left) = left else { return self.revoked.cancelled().await };
            let Ok(left @ 1..) = u64::try_from(left) else { return };
            let wait = Duration::from_micros(left).min(READ_CLOCK_EVERY);
            if timeout(wait, self.revoked.cancelled()).await.is_ok() {
                return;
            }
            // Never spins, whatever the clock says.
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(role: Role) -> Principal {
        let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, b"secret"));
        Principal::new("test", role, Scope::All, key)
    }

    #[test]
    fn only_admins_see_keys() {
        assert_eq!(principal(Role::Admin).agent_key("key"), "key");
        for role in [Role::Viewer, Role::Agent, Role::Operator] {
            let shown = principal(role).agent_key("key").into_owned();
            assert!(shown.starts_with("fp_") && shown.len() == 13, "{shown}");
            assert_eq!(principal(role).agent_key("key"), shown);
            assert_ne!(principal(role).agent_key("other"), shown);
            assert_eq!(principal(role).shared().agent_key("key"), shown);
            assert_eq!(principal(role).agent_key(""), "");
        }
    }

    #[test]
    fn principals_of_one_group_see_the_same() {
        let limited = |ids: &[u128]| Principal {
            scope: Scope::only(ids.iter().copied().map(Uuid::from_u128)),
            ..principal(Role::Viewer)
        };
        let groups = [
            principal(Role::Admin),
            principal(Role::Operator),
            limited(&[1]),
            limited(&[2]),
            limited(&[1, 2]),
            limited(&[]),
        ]
        .map(|principal| principal.group());
        for (n, group) in groups.iter().enumerate() {
            assert!(!groups[..n].contains(group), "{group}");
        }
        assert_eq!(principal(Role::Operator).group(), principal(Role::Viewer).group());
    }
}
