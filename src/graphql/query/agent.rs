//! Agents.

use async_graphql::{Context, Object, SimpleObject};
use entity::Long;

use super::super::object::{self, Agent};
use super::super::selection::columns_at;
use super::named_page::named_page;
use crate::error::ApiError;
use crate::jobs::argument::UuidArgument;

/// One numbered page of agents.
#[derive(SimpleObject)]
pub struct AgentPage {
    /// The agents on it.
    items: Vec<Agent>,
    /// How many agents there are in all.
    total_count: Long,
    /// Whether there is a page after this one.
    has_next_page: bool,
}

#[derive(Default)]
pub struct AgentQuery;

#[Object]
impl AgentQuery {
    /// An agent. Null if there is none with this id.
    async fn agent(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The agent's id.")] id: UuidArgument,
    ) -> Result<Option<Agent>, ApiError> {
        object::load(context, id.get("id")?).await
    }

    /// One page of agents, by name.
    async fn agents(
        &self,
        context: &Context<'_>,
        #[graphql(default = 0, desc = "The page's number, counted from 0.")] page: Option<i32>,
        #[graphql(default = 50, desc = "How many a page has, from 1 to 200.")] take: Option<i32>,
    ) -> Result<AgentPage, ApiError> {
        let columns = columns_at::<Agent>(context, &["items"]);
        let (rows, has_next_page, total) = named_page(context, page, take, columns).await?;
        Ok(AgentPage {
            items: rows.into_iter().map(Agent::from).collect(),
            total_count: Long(total),
            has_next_page,
        })
    }
}
