use async_graphql::SimpleObject;
use entity::Timestamp;
use uuid::Uuid;

use crate::access::{self, Role};
use crate::jobs::scope::Scope;

/// The authenticated caller of a request.
#[derive(SimpleObject)]
pub struct Principal {
    /// The name of the API token, or the `sub` claim of the issuer's token; `anyone` if the service
    /// runs without access control.
    name: String,
    /// The role, which decides what it may do.
    role: Role,
    /// The configurations that it is limited to. Null if it is not limited.
    configuration_ids: Option<Vec<Uuid>>,
    /// The agent that it is limited to. Null if it is not an agent, or may report as any.
    agent_id: Option<Uuid>,
    /// When its token expires. Null if it does not expire.
    expires: Option<Timestamp>,
}

impl From<&access::Principal> for Principal {
    fn from(principal: &access::Principal) -> Self {
        Self {
            name: principal.name().to_owned(),
            role: principal.role(),
            configuration_ids: match principal.scope() {
                Scope::All => None,
                Scope::Only(ids) => Some(ids.to_vec()),
            },
            agent_id: principal.agent(),
            expires: principal.expires(),
        }
    }
}
