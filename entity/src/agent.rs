//! Agents: the programs that run jobs near a data source.

use async_graphql::SimpleObject;
use sea_orm::entity::prelude::*;

use crate::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel, SimpleObject)]
#[sea_orm(table_name = "agent")]
#[graphql(name = "AgentColumns")]
pub struct Model {
    /// The agent.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Display name. Null for an agent that is only known from its runs.
    pub name: Option<String>,
    /// When this service first received it.
    pub created_date: Timestamp,
    /// When what is known of the agent itself last changed. Null if it never did.
    pub update_date: Option<Timestamp>,
    /// The agent's key on its platform, which its runs show. Sensitive. Null when not known.
    #[graphql(skip)]
    pub agent_key: Option<String>,
    /// When the service last received anything from it. APIs show it by a resolver of their own.
    #[graphql(skip)]
    pub last_seen: Option<Timestamp>,
}

crate::table::table!("agent", internal: ["agent_key", "last_seen"]);

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
