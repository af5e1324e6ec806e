//! Configurations: the sources that jobs crawl.

use async_graphql::SimpleObject;
use sea_orm::entity::prelude::*;

use crate::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel, SimpleObject)]
#[sea_orm(table_name = "configuration")]
#[graphql(name = "ConfigurationColumns")]
pub struct Model {
    /// The configuration. Filters take it as `configurationId`; platforms also call it the
    /// provider definition's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Display name: `HubSpot EU`. Null for a configuration that is only known from its
    /// jobs.
    pub name: Option<String>,
    /// The kind of source: `hubspot`, `sharepoint`. Null when not known.
    pub provider: Option<String>,
    /// When this service first received it.
    pub created_date: Timestamp,
    /// When it last changed. Null if it never did.
    pub update_date: Option<Timestamp>,
}

crate::table::table!("configuration");

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
