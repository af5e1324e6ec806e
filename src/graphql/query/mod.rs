//! The root fields, a file for each noun.

mod agent;
mod configuration;
mod counts;
mod job;
mod job_run;
mod jobs;
mod principal;
mod statistics;

use async_graphql::{Context, MergedObject};
use entity::Columns;

use super::context;
use super::selection::is_selected;
use crate::db::{Db, Pool};
use crate::error::ApiError;
use crate::jobs::argument::PageRequest;
use crate::jobs::rows;
use crate::jobs::scope::{Scope, Scoped};

/// Queries.
#[derive(Default, MergedObject)]
pub struct Query(
    principal::PrincipalQuery,
    counts::CountsQuery,
    jobs::JobsQuery,
    job_run::JobRunQuery,
    job::JobQuery,
    configuration::ConfigurationQuery,
    agent::AgentQuery,
    statistics::StatisticsQuery,
);

fn reader<'a>(context: &Context<'a>) -> &'a Pool {
    context.data_unchecked::<Db>().reader()
}

fn scope<'a>(context: &Context<'a>) -> &'a Scope {
    context::principal(context).scope()
}

/// A page of a table of named rows: the rows, whether there is a page after it, and the total, 0
/// where it is not selected.
async fn named_page<E: Scoped>(
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
