use async_graphql::SimpleObject;
use entity::Timestamp;
use uuid::Uuid;

use crate::access::{Role, Viewer};
use crate::jobs::scope::Scope;

/// Whoever sends a request.
#[derive(SimpleObject)]
#[graphql(name = "Viewer")]
pub struct Caller {
    /// The name of the API token, or the subject that the issuer names; `anyone` where the service
    /// runs without access control.
    name: String,
    /// What it may do.
    role: Role,
    /// The configurations that all it sees and does is limited to. Null: it is not limited.
    configuration_ids: Option<Vec<Uuid>>,
    /// The agent that it speaks for. Null if it is no agent, or may speak for any.
    agent_id: Option<Uuid>,
    /// Until when it is let in. Null: for good.
    expires: Option<Timestamp>,
}

impl From<&Viewer> for Caller {
    fn from(viewer: &Viewer) -> Self {
        Self {
            name: viewer.name().to_owned(),
            role: viewer.role(),
            configuration_ids: match viewer.scope() {
                Scope::All => None,
                Scope::Only(ids) => Some(ids.to_vec()),
            },
            agent_id: viewer.agent(),
            expires: viewer.expires(),
        }
    }
}
