//! Configurations.

use async_graphql::{Context, Object, SimpleObject};
use entity::Long;

use super::super::object::{self, Configuration};
use super::super::selection::columns_at;
use super::named_page::named_page;
use crate::error::ApiError;
use crate::jobs::argument::UuidArgument;

/// One numbered page of configurations.
#[derive(SimpleObject)]
pub struct ConfigurationPage {
    /// The configurations on it.
    items: Vec<Configuration>,
    /// How many configurations there are in all.
    total_count: Long,
    /// Whether there is a page after this one.
    has_next_page: bool,
}

#[derive(Default)]
pub struct ConfigurationQuery;

#[Object]
impl ConfigurationQuery {
    /// A configuration. Null if there is none with this id.
    async fn configuration(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The configuration's id.")] id: UuidArgument,
    ) -> Result<Option<Configuration>, ApiError> {
        object::load(context, id.get("id")?).await
    }

    /// One page of configurations, by name.
    async fn configurations(
        &self,
        context: &Context<'_>,
        #[graphql(default = 0, desc = "The page's number, counted from 0.")] page: Option<i32>,
        #[graphql(default = 50, desc = "How many a page has, from 1 to 200.")] take: Option<i32>,
    ) -> Result<ConfigurationPage, ApiError> {
        let columns = columns_at::<Configuration>(context, &["items"]);
        let (rows, has_next_page, total) = named_page(context, page, take, columns).await?;
        Ok(ConfigurationPage {
            items: rows.into_iter().map(Configuration::from).collect(),
            total_count: Long(total),
            has_next_page,
        })
    }
}
