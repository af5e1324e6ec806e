//! Pages of tables of named rows.

use async_graphql::Context;
use entity::Columns;

use super::super::context::{reader, scope};
use super::super::selection::is_selected;
use crate::error::ApiError;
use crate::jobs::argument::PageRequest;
use crate::jobs::rows;
use crate::jobs::scope::Scoped;

/// A page of a table of named rows: the rows, whether there is a page after it, and the total, 0
/// where it is not selected.
pub async fn named_page<E: Scoped>(
    context: &Context<'_>,
    page: Option<i32>,
    take: Option<i32>,
    columns: Columns<E>,
) -> Result<(Vec<E::Model>, bool, i64), ApiError> {
    let db = reader(context);
    let page = PageRequest::new(page.unwrap_or(0), take.unwrap_or(50))?;
    let (rows, has_next) = rows::named_page(db, scope(context), page, columns).await?;
    let total = if is_selected(context, &["totalCount"]) {
        rows::count::<E>(db, scope(context)).await?
    } else {
        0
    };
    Ok((rows, has_next, total))
}
