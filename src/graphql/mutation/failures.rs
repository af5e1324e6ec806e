//! Acknowledging failure groups.

use async_graphql::{ComplexObject, Context, InputObject, SimpleObject};
use uuid::Uuid;

use crate::clock;
use crate::db::Db;
use crate::error::ApiError;
use crate::graphql::context::principal;
use crate::graphql::object::FailureGroup;
use crate::jobs::argument::UuidArgument;
use crate::jobs::failures::acknowledgement;
use crate::jobs::failures::parts::by_ids;
use crate::reports::op::{Refusal, check_text};

/// Which failure group is acknowledged.
#[derive(InputObject)]
pub struct AcknowledgeFailureGroupInput {
    /// The group.
    id: UuidArgument,
    /// What others should know, such as the number of a ticket.
    note: Option<String>,
}

/// Which failure group is reopened.
#[derive(InputObject)]
pub struct ReopenFailureGroupInput {
    /// The group.
    id: UuidArgument,
}

/// The answer to `acknowledgeFailureGroup` and `reopenFailureGroup`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct FailureGroupPayload {
    #[graphql(skip)]
    id: Option<Uuid>,
    /// Why it was not done. Null if it was.
    refusal: Option<Refusal>,
}

#[ComplexObject]
impl FailureGroupPayload {
    /// The group as it is now. Null if it was refused.
    async fn failure_group(&self, context: &Context<'_>) -> Result<Option<FailureGroup>, ApiError> {
        match self.id {
            Some(id) => FailureGroup::load(context, id).await,
            None => Ok(None),
        }
    }
}

impl FailureGroupPayload {
    fn new(id: Uuid, is_found: bool) -> Self {
        let refusal = (!is_found).then(|| Refusal::not_found("id", "failure group"));
        Self { id: is_found.then_some(id), refusal }
    }
}

pub async fn acknowledge(
    context: &Context<'_>,
    input: AcknowledgeFailureGroupInput,
) -> Result<FailureGroupPayload, ApiError> {
    let id = input.id.get("id")?;
    let note = input.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if let Some(note) = &note {
        check_text("note", note).map_err(|wrong| ApiError::invalid("note", wrong.message))?;
    }
    let (db, principal) = (context.data_unchecked::<Db>(), principal(context));
    let (scope, by) = (principal.scope(), principal.name());
    let found =
        acknowledgement::acknowledge(db, scope, id, by, note.as_deref(), clock::now()).await;
    Ok(FailureGroupPayload::new(id, found.map_err(|error| db.write_failed(error))?))
}

pub async fn reopen(
    context: &Context<'_>,
    input: ReopenFailureGroupInput,
) -> Result<FailureGroupPayload, ApiError> {
    let id = input.id.get("id")?;
    let (db, scope) = (context.data_unchecked::<Db>(), principal(context).scope());
    let is_found = by_ids(db.reader(), scope, &[id]).await?.contains_key(&id);
    if is_found {
        let reopened = acknowledgement::reopen(db, scope, id).await;
        reopened.map_err(|error| db.write_failed(error))?;
    }
    Ok(FailureGroupPayload::new(id, is_found))
}
