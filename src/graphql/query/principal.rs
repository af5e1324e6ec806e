//! The caller.

use async_graphql::{Context, Object};

use super::super::context::principal;
use super::super::object::Principal;

#[derive(Default)]
pub struct PrincipalQuery;

#[Object]
impl PrincipalQuery {
    /// The authenticated caller and its permissions.
    async fn principal(&self, context: &Context<'_>) -> Principal {
        Principal::from(principal(context))
    }
}
