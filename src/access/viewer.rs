//! Whoever asks, and what it may.

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

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, clap::ValueEnum)]
pub enum Role {
    /// Reads and subscribes.
    Viewer,
    /// Reads, takes jobs and reports on its own runs.
    Agent,
    /// Reads, queues, cancels and retries jobs.
    Operator,
    /// Does everything, and sees agents' keys.
    Admin,
}

/// Something that takes a role.
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

/// Whoever asks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Viewer {
    name: Arc<str>,
    role: Role,
    scope: Scope,
    /// The agent that it speaks for; `None` for all of them.
    agent: Option<Uuid>,
    token: Option<Uuid>,
    expires: Option<Timestamp>,
    /// Cancelled when its token is revoked, or the issuer withdraws the key that signed it.
    revoked: CancellationToken,
    /// What agents' keys are shown by; `None` shows them.
    fingerprints: Option<Arc<hmac::Key>>,
}

/// The digits of a fingerprint, each of which is six bits.
const FINGERPRINT_LENGTH: usize = 10;

impl Viewer {
    /// Everyone, where there is no access control: an admin.
    pub fn anyone() -> Self {
        Self {
            name: "anyone".into(),
            role: Role::Admin,
            scope: Scope::All,
            agent: None,
            token: None,
            expires: None,
            revoked: CancellationToken::new(),
            fingerprints: None,
        }
    }

    /// Somebody with this role for these configurations.
    pub fn new(name: &str, role: Role, scope: Scope, fingerprints: Arc<hmac::Key>) -> Self {
        Self {
            name: name.into(),
            role,
            scope,
            fingerprints: Some(fingerprints).filter(|_| role != Role::Admin),
            ..Self::anyone()
        }
    }

    /// Speaks for this agent alone.
    pub fn with_agent(self, agent: Option<Uuid>) -> Self {
        Self { agent, ..self }
    }

    /// Is nobody any more from this moment on.
    pub fn until(self, expires: Option<Timestamp>) -> Self {
        Self { expires, ..self }
    }

    /// Has shown the API token with this id.
    pub fn with_token(self, id: Uuid) -> Self {
        Self { token: Some(id), ..self }
    }

    /// The viewer has no access any more once this is cancelled.
    pub fn until_revoked(self, revoked: CancellationToken) -> Self {
        Self { revoked, ..self }
    }

    /// A token's name, or an issuer's subject.
    pub fn name(&self) -> &str {
        &self.name
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

    /// The agent whose runs alone it reports on; `None` if it may speak for any.
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

    /// An agent's key as it may be shown to this viewer: in full to admins. To others a
    /// fingerprint, which tells keys apart and nothing else: the first 60 bits of the key's
    /// HMAC-SHA256 with a secret that the database keeps, in URL-safe base64 after `fp_`. Without
    /// the secret nobody can try out keys.
    pub fn agent_key<'a>(&self, key: &'a str) -> Cow<'a, str> {
        match &self.fingerprints {
            // No key has no fingerprint.
            Some(secret) if !key.is_empty() => {
                let tag = hmac::sign(secret, key.as_bytes());
                let digits = URL_SAFE_NO_PAD.encode(tag);
                Cow::Owned(format!("fp_{}", &digits[..FINGERPRINT_LENGTH]))
            }
            _ => Cow::Borrowed(key),
        }
    }

    /// What executions that several share may know of those who watch: what they see, not who they
    /// are. Those whose [`Viewer::group`] is the same share one.
    pub fn shared(&self) -> Self {
        let role = if self.role == Role::Admin { Role::Admin } else { Role::Viewer };
        Self {
            name: "several".into(),
            role,
            scope: self.scope.clone(),
            fingerprints: self.fingerprints.clone(),
            ..Self::anyone()
        }
    }

    /// Names all that [`Viewer::shared`] keeps.
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

    /// Whether it is nobody any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.revoked.is_cancelled() || self.expires.is_some_and(|expires| expires <= now)
    }

    /// Done when it is nobody any more.
    pub async fn over(&self) {
        // The clock may be set, so it is looked at now and then.
        const LOOK_EVERY: Duration = Duration::from_secs(30);
        loop {
            let left = self.expires.map(|expires| expires.micros() - clock::now().micros());
            let Some(left) = left else { return self.revoked.cancelled().await };
            let Ok(left @ 1..) = u64::try_from(left) else { return };
            let wait = Duration::from_micros(left).min(LOOK_EVERY);
            if timeout(wait, self.revoked.cancelled()).await.is_ok() {
                return;
            }
            // At least a moment passes.
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(role: Role) -> Viewer {
        let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, b"secret"));
        Viewer::new("somebody", role, Scope::All, key)
    }

    #[test]
    fn only_admins_see_keys() {
        assert_eq!(viewer(Role::Admin).agent_key("key"), "key");
        for role in [Role::Viewer, Role::Agent, Role::Operator] {
            let shown = viewer(role).agent_key("key").into_owned();
            assert!(shown.starts_with("fp_") && shown.len() == 13, "{shown}");
            assert_eq!(viewer(role).agent_key("key"), shown);
            assert_ne!(viewer(role).agent_key("other"), shown);
            assert_eq!(viewer(role).shared().agent_key("key"), shown);
            assert_eq!(viewer(role).agent_key(""), "");
        }
    }

    #[test]
    fn who_shares_an_execution_sees_the_same() {
        let limited = |ids: &[u128]| Viewer {
            scope: Scope::only(ids.iter().copied().map(Uuid::from_u128)),
            ..viewer(Role::Viewer)
        };
        let groups = [
            viewer(Role::Admin),
            viewer(Role::Operator),
            limited(&[1]),
            limited(&[2]),
            limited(&[1, 2]),
            limited(&[]),
        ]
        .map(|viewer| viewer.group());
        for (n, group) in groups.iter().enumerate() {
            assert!(!groups[..n].contains(group), "{group}");
        }
        assert_eq!(viewer(Role::Operator).group(), viewer(Role::Viewer).group());
    }
}
