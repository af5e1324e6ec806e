//! What resolvers read from the context of a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_graphql::{Context, Guard};
use entity::Timestamp;

use crate::access::{Principal, Right, Role};
use crate::db::{Db, Pool};
use crate::error::ApiError;
use crate::jobs::scope::Scope;
use crate::reports::LeasePolicy;

/// The current time of a response. A subscription updates it for each of its responses.
pub struct Now(AtomicI64);

impl Now {
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.micros()))
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::Relaxed);
    }

    pub fn get(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed)).unwrap_or_default()
    }
}

/// The authenticated principal.
pub fn principal<'a>(context: &Context<'a>) -> &'a Principal {
    context.data_unchecked::<Principal>()
}

/// The connections to read with.
pub fn reader<'a>(context: &Context<'a>) -> &'a Pool {
    context.data_unchecked::<Db>().reader()
}

/// The configurations that the principal may see.
pub fn scope<'a>(context: &Context<'a>) -> &'a Scope {
    principal(context).scope()
}

/// The lease policy for agents.
pub fn lease_policy<'a>(context: &Context<'a>) -> &'a LeasePolicy {
    context.data_unchecked::<LeasePolicy>()
}

/// The moment since which an agent must have reported, or its run is stale; `None` if none ever is.
pub fn stale_before(context: &Context<'_>) -> Option<Timestamp> {
    lease_policy(context).stale_before(context.data_unchecked::<Arc<Now>>().get())
}

/// A guard that requires a right.
pub struct May(pub Right);

impl Guard for May {
    async fn check(&self, context: &Context<'_>) -> async_graphql::Result<()> {
        if principal(context).may(self.0) {
            return Ok(());
        }
        let roles: Vec<_> =
            Role::ALL.into_iter().filter(|role| role.may(self.0)).map(Role::name).collect();
        Err(ApiError::forbidden(format!("this takes the role {}", roles.join(" or "))).into())
    }
}
