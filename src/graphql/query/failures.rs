//! Failure groups.

use async_graphql::connection::PageInfo;
use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use entity::Long;

use super::super::context::{reader, scope};
use super::super::loader::{GroupOf, RowLoader};
use super::super::object::FailureGroup;
use super::super::selection::is_selected;
use crate::db::Db;
use crate::error::ApiError;
use crate::jobs::argument::{UuidArgument, take_of};
use crate::jobs::failures::cursor::Cursor;
use crate::jobs::failures::filter::{FailureGroupFilter, FailureGroupOrder};
use crate::jobs::failures::list::GroupList;

/// A page of the list of failure groups, with a cursor for each.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct FailureGroupConnection {
    /// The groups with their cursors.
    edges: Vec<FailureGroupEdge>,
    /// Whether there are more before and after it, and its first and last cursor.
    page_info: PageInfo,
    /// How many groups match.
    total_count: Long,
}

#[ComplexObject]
impl FailureGroupConnection {
    /// The groups alone.
    async fn nodes(&self) -> Vec<&FailureGroup> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }
}

/// A failure group and its place in the list.
#[derive(SimpleObject)]
pub struct FailureGroupEdge {
    /// The place: what `after` takes. It is for lists in the same order.
    cursor: String,
    /// The group.
    node: FailureGroup,
}

#[derive(Default)]
pub struct FailuresQuery;

#[Object]
impl FailuresQuery {
    /// Failed jobs by their cause: those whose current runs' messages differ in nothing but ids,
    /// numbers, times, paths, hosts and quoted values. By cursors (a Relay connection), those with the
    /// last failures first unless `orderBy` says otherwise.
    async fn failure_groups(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only groups that match; null: all that have failed jobs.")]
        filter: Option<FailureGroupFilter>,
        #[graphql(desc = "The order; null: by the last failure.")] order_by: Option<
            FailureGroupOrder,
        >,
        #[graphql(
            default = 20,
            desc = "The first this many after `after`, from 1 to 200."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only groups after this cursor.")] after: Option<String>,
    ) -> Result<FailureGroupConnection, ApiError> {
        let (order, size) = (order_by.unwrap_or_default(), take_of("first", first.unwrap_or(20))?);
        let after = after.map(|text| Cursor::decode(&text, order, "after")).transpose()?;
        let _permit = context.data_unchecked::<Db>().long_query_permit().await;
        let db = reader(context);
        let list = GroupList::new(db, scope(context), filter.unwrap_or_default(), order).await?;
        let found = list.keyset_page(db, after, size).await?;
        let total_count =
            if is_selected(context, &["totalCount"]) { list.count(db).await? } else { 0 };
        let keys =
            found.cursors.iter().map(|at| GroupOf { scope: list.scope().clone(), id: at.id });
        let groups = context.data_unchecked::<RowLoader>().load_many(keys).await?;
        let edge = |cursor: &Cursor| {
            let key = GroupOf { scope: list.scope().clone(), id: cursor.id };
            let node = FailureGroup::new(groups.get(&key)?.clone(), key.scope);
            Some(FailureGroupEdge { cursor: cursor.encode(), node })
        };
        let edges: Vec<_> = found.cursors.iter().filter_map(edge).collect();
        let page_info = PageInfo {
            has_previous_page: after.is_some(),
            has_next_page: found.has_more,
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: edges.last().map(|edge| edge.cursor.clone()),
        };
        Ok(FailureGroupConnection { edges, page_info, total_count: Long(total_count) })
    }

    /// A failure group. Null if there is none with this id.
    async fn failure_group(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The group's id.")] id: UuidArgument,
    ) -> Result<Option<FailureGroup>, ApiError> {
        FailureGroup::load(context, id.get("id")?).await
    }
}
