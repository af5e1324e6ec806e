//! Lists of jobs.

use async_graphql::connection::PageInfo;
use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use entity::{Columns, JobState, Long};
use tokio::sync::OwnedSemaphorePermit;

use super::super::context::{reader, scope, stale_before};
use super::super::object::{Job, JobRun};
use super::super::selection::{columns_at, is_selected};
use crate::db::Db;
use crate::error::ApiError;
use crate::jobs::argument::{PageRequest, UuidArgument, take_of};
use crate::jobs::conditions::Conditions;
use crate::jobs::cursor::Cursor;
use crate::jobs::filter::JobFilter;
use crate::jobs::list::JobList;
use crate::jobs::order::Order;
use crate::jobs::page::{Bounds, Selection, Total, executing};

/// One numbered page of jobs.
#[derive(SimpleObject)]
pub struct JobPage {
    /// The jobs on it.
    items: Vec<Job>,
    /// Its number, counted from 0.
    page: i32,
    /// How many jobs a page has at most.
    take: i32,
    /// How many jobs match. Where `totalCountIsExact` is false, counting stopped here and there
    /// are more.
    total_count: Long,
    /// Always true where only states and configurations filter. With other conditions jobs are
    /// counted one by one, and no further than 10,000. With `messageContains` false, too, if there are
    /// more than the 5,000 jobs that were looked through.
    total_count_is_exact: bool,
    /// How many pages `totalCount` jobs fill.
    page_count: Long,
    /// Whether there is a page after this one.
    has_next_page: bool,
}

/// A page of the list of jobs beside a cursor, with a cursor for each job.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct JobConnection {
    /// The jobs with their cursors.
    edges: Vec<JobEdge>,
    /// Whether there are more before and after it, and its first and last cursor.
    page_info: PageInfo,
}

#[ComplexObject]
impl JobConnection {
    /// The jobs alone.
    async fn nodes(&self) -> Vec<&Job> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }
}

/// A job and its place in the list.
#[derive(SimpleObject)]
pub struct JobEdge {
    /// The place: what `after` and `before` take. It is for lists in the same order.
    cursor: String,
    /// The job.
    node: Job,
}

/// Makes the lists of a request with long queries read one after the other, so that it uses one
/// connection at a time.
async fn long_query_permit(context: &Context<'_>) -> Option<OwnedSemaphorePermit> {
    context.data_unchecked::<Db>().long_query_permit().await
}

/// What to read for the jobs at the ends of these paths below the present field.
fn selection_at(context: &Context<'_>, paths: &[&[&str]]) -> Selection {
    let mut selection = Selection { job: Columns::none(), run: None };
    for path in paths {
        selection.job = selection.job.union(columns_at::<Job>(context, path));
        let run = [path, ["currentRun"].as_slice()].concat();
        if is_selected(context, &run) {
            let columns = columns_at::<JobRun>(context, &run);
            selection.run = Some(selection.run.map_or(columns, |others| others.union(columns)));
        }
    }
    selection
}

#[derive(Default)]
pub struct JobsQuery;

#[Object]
impl JobsQuery {
    /// One page of jobs, the newest first unless `orderBy` says otherwise. A job must match
    /// `state`, `configurationId` and `filter`.
    #[expect(clippy::too_many_arguments, reason = "they are the API")]
    async fn jobs(
        &self,
        context: &Context<'_>,
        #[graphql(default = 0, desc = "The page's number, counted from 0.")] page: Option<i32>,
        #[graphql(default = 20, desc = "How many jobs a page has, from 1 to 200.")] take: Option<
            i32,
        >,
        #[graphql(desc = "Only jobs in this state.")] state: Option<JobState>,
        #[graphql(desc = "Only jobs of this configuration.")] configuration_id: Option<
            UuidArgument,
        >,
        #[graphql(desc = "Only jobs that match; null: all.")] filter: Option<JobFilter>,
        #[graphql(desc = "The order; null: the newest first.")] order_by: Option<Order>,
    ) -> Result<JobPage, ApiError> {
        let (page, take) = (page.unwrap_or(0), take.unwrap_or(20));
        let request = PageRequest::new(page, take)?;
        let configuration = UuidArgument::get_optional(configuration_id, "configurationId")?;
        let mut conditions = Conditions::new(filter.unwrap_or_default(), stale_before(context))?;
        if let Some(state) = state {
            conditions.retain_states(|each| each == state);
        }
        let scope = scope(context).narrowed(configuration);
        let list = JobList::new(&scope, &conditions, order_by.unwrap_or_default());
        let with_total = ["totalCount", "totalCountIsExact", "pageCount"]
            .iter()
            .any(|field| is_selected(context, &[field]));
        let selection = selection_at(context, &[&["items"]]);
        let _permit = long_query_permit(context).await;
        let found = list.page(reader(context), request, selection, with_total).await?;
        let total = found.total.unwrap_or(Total { n: 0, is_exact: false });
        Ok(JobPage {
            items: found.items.into_iter().map(Job::from).collect(),
            page,
            take,
            total_count: Long(total.n),
            total_count_is_exact: total.is_exact,
            page_count: Long(request.count_of(total.n)),
            has_next_page: found.has_next,
        })
    }

    /// The same list by cursors (a Relay connection): a place in it stays right while jobs are
    /// added, and costs the same at any depth. With the filter `messageContains` a page may have fewer
    /// jobs than asked for, or none, and others after it: 5,000 are looked through at a time.
    #[expect(clippy::too_many_arguments, reason = "they are the API")]
    async fn jobs_connection(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "The first this many after `after`, from 1 to 200. 20 unless `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only jobs after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last this many before `before`, from 1 to 200.")] last: Option<i32>,
        #[graphql(desc = "Only jobs before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only jobs that match; null: all.")] filter: Option<JobFilter>,
        #[graphql(desc = "The order; null: the newest first.")] order_by: Option<Order>,
    ) -> Result<JobConnection, ApiError> {
        let (limit, from_end) = match (first, last) {
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid(
                    "last",
                    "expected either `first` or `last`, not both",
                ));
            }
            (None, Some(last)) => (take_of("last", last)?, true),
            (first, None) => (take_of("first", first.unwrap_or(20))?, false),
        };
        let conditions = Conditions::new(filter.unwrap_or_default(), stale_before(context))?;
        let order = order_by.unwrap_or_default();
        let cursor = |text: Option<String>, argument| {
            text.map(|text| Cursor::decode(&text, order.field, argument)).transpose()
        };
        let bounds = Bounds {
            after: cursor(after, "after")?,
            before: cursor(before, "before")?,
            limit,
            from_end,
        };
        let selection = selection_at(context, &[&["nodes"], &["edges", "node"]]);
        let _permit = long_query_permit(context).await;
        let jobs = JobList::new(scope(context), &conditions, order);
        let found = jobs.keyset_page(reader(context), &bounds, selection).await?;
        // Beyond a cursor there is at least the job that the cursor was made from.
        let (has_previous, has_next) = if from_end {
            (found.has_more, bounds.before.is_some())
        } else {
            (bounds.after.is_some(), found.has_more)
        };
        let edges: Vec<_> = found
            .items
            .into_iter()
            .map(|listed| JobEdge {
                cursor: Cursor::of(&listed.job, order.field).encode(),
                node: Job::from(listed),
            })
            .collect();
        let end = found.end.map(|end| end.encode());
        let (start, end) = if from_end { (end, None) } else { (None, end) };
        let page_info = PageInfo {
            has_previous_page: has_previous,
            has_next_page: has_next,
            start_cursor: start.or_else(|| edges.first().map(|edge| edge.cursor.clone())),
            end_cursor: end.or_else(|| edges.last().map(|edge| edge.cursor.clone())),
        };
        Ok(JobConnection { edges, page_info })
    }

    /// All jobs in the state `EXECUTING`, the newest first.
    async fn executing_jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only jobs of this configuration.")] configuration_id: Option<
            UuidArgument,
        >,
    ) -> Result<Vec<Job>, ApiError> {
        let selection = selection_at(context, &[&[]]);
        let id = UuidArgument::get_optional(configuration_id, "configurationId")?;
        let _permit = long_query_permit(context).await;
        let jobs = executing(reader(context), &scope(context).narrowed(id), selection).await?;
        Ok(jobs.into_iter().map(Job::from).collect())
    }
}
