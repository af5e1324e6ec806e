//! Lists of jobs: numbered pages, cursors, and all that execute.

use entity::{Columns, JobState, job};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use super::counts;
use super::cursor::Cursor;
use super::filter::{JobFilter, Order, push_counted_states};
use super::list::{Stretch, push_limit};
use crate::db::Sql;

/// From this offset on, a page is reached from the list's nearer end.
const DEEP: i64 = 1_000;

/// Where counting stops when the counters do not know how many jobs match.
pub const COUNT_BOUND: i64 = 10_000;

/// One page of jobs.
#[derive(Debug)]
pub struct Page {
    pub items: Vec<job::Model>,
    pub has_next: bool,
    /// How many jobs match; `None` unless it was asked for or costs nothing.
    pub total: Option<Total>,
}

/// How many jobs match a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    pub n: i64,
    /// If not, there are more than `n`.
    pub is_exact: bool,
}

/// The page that begins `offset` jobs into the list and has up to `take`.
pub async fn page(
    db: &impl ConnectionTrait,
    filter: &JobFilter,
    order: Order,
    (offset, take): (i64, i64),
    columns: Columns<job::Entity>,
    with_total: bool,
) -> Result<Page, DbErr> {
    // Near the start the total is not needed to find the page.
    if filter.is_counted() && (with_total || offset >= DEEP) {
        return counted_page(db, filter, order, (offset, take), columns).await;
    }
    let stretch = Stretch::whole(filter, order);
    let mut items = jobs_on(db, &stretch, (offset, take + 1), columns).await?;
    let has_next = cut(&mut items, take);
    let total = if with_total { Some(bounded_count(db, filter).await?) } else { None };
    Ok(Page { items, has_next, total })
}

/// A page of a list whose length the counters know, read in the same statement.
///
/// A deep page's place from the end is as well known as from the start. Both ways are in the
/// statement, since which is nearer depends on the count; the other has a limit of 0, with which
/// neither database begins a walk.
async fn counted_page(
    db: &impl ConnectionTrait,
    filter: &JobFilter,
    order: Order,
    (offset, take): (i64, i64),
    columns: Columns<job::Entity>,
) -> Result<Page, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("WITH counted(total) AS (SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM (");
    counts::push_rows(&mut sql, filter.configuration_id);
    sql.push(") AS counts");
    push_counted_states(&mut sql, &filter.states);
    sql.push("), page AS (");
    if offset < DEEP {
        Stretch::whole(filter, order).push_keys(&mut sql);
        push_limit(&mut sql, take, offset);
    } else {
        sql.push("SELECT id, k FROM (SELECT id, k FROM (");
        Stretch::whole(filter, order).push_keys(&mut sql);
        sql.push(" LIMIT (SELECT CASE WHEN ").bind(offset).push(" * 2 <= total THEN ").bind(take);
        sql.push(" ELSE 0 END FROM counted) OFFSET ").bind(offset);
        sql.push(") AS from_start UNION ALL SELECT id, k FROM (");
        Stretch::whole(filter, order.reversed()).push_keys(&mut sql);
        // The last page may have fewer jobs than asked for.
        sql.push(" LIMIT (SELECT CASE WHEN ").bind(offset).push(" * 2 <= total OR ").bind(offset);
        sql.push(" >= total THEN 0 WHEN ").bind(offset).push(" + ").bind(take);
        sql.push(" > total THEN total - ").bind(offset).push(" ELSE ").bind(take);
        sql.push(" END FROM counted) OFFSET (SELECT CASE WHEN ").bind(offset).push(" + ");
        sql.bind(take).push(" > total THEN 0 ELSE total - ").bind(offset).push(" - ");
        sql.bind(take).push(" END FROM counted)) AS from_end) AS nearer");
        // There are no more anyway, but PostgreSQL takes an unknown limit for a tenth of the
        // table, for which it would read all of it.
        push_limit(&mut sql, take, 0);
    }
    sql.push(&format!(
        ") SELECT counted.total, page.id, {} FROM counted LEFT JOIN page ON true \
         LEFT JOIN job ON job.id = page.id ORDER BY page.k {1}, page.id {1}",
        columns.select("job"),
        order.direction(),
    ));
    let rows = sql.all(db).await?;
    let total: i64 = match rows.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get_by_index::<Option<Uuid>>(1)?.is_some() {
            items.push(columns.read(row, 2)?);
        }
    }
    Ok(Page {
        items,
        has_next: offset.saturating_add(take) < total,
        total: Some(Total { n: total, is_exact: true }),
    })
}

/// How many jobs match, counted up to [`COUNT_BOUND`].
pub async fn bounded_count(db: &impl ConnectionTrait, filter: &JobFilter) -> Result<Total, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT count(*) FROM (SELECT 1 FROM job");
    filter.push_where(&mut sql, &filter.states);
    push_limit(&mut sql, COUNT_BOUND + 1, 0);
    sql.push(") AS found");
    let n: i64 = match sql.one(db).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    Ok(Total { n: n.min(COUNT_BOUND), is_exact: n <= COUNT_BOUND })
}

/// A stretch of the list beside a cursor.
#[derive(Debug)]
pub struct Slice {
    /// In the list's order.
    pub items: Vec<job::Model>,
    /// Whether there are more in the direction that was walked.
    pub has_more: bool,
}

/// Where a slice lies.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub after: Option<Cursor>,
    pub before: Option<Cursor>,
    pub limit: i64,
    /// Take the last ones within the bounds, not the first.
    pub from_end: bool,
}

/// The first or the last jobs between two cursors; costs the same wherever they lie.
pub async fn slice(
    db: &impl ConnectionTrait,
    filter: &JobFilter,
    order: Order,
    bounds: &Bounds,
    columns: Columns<job::Entity>,
) -> Result<Slice, DbErr> {
    let columns = columns.union(Cursor::columns(order.field).iter().copied().collect());
    let (after, before) = (bounds.after.as_ref(), bounds.before.as_ref());
    let stretch = if bounds.from_end {
        let order = order.reversed();
        Stretch { filter, order, after: before, before: after }
    } else {
        Stretch { filter, order, after, before }
    };
    let mut items = jobs_on(db, &stretch, (0, bounds.limit + 1), columns).await?;
    let has_more = cut(&mut items, bounds.limit);
    if bounds.from_end {
        items.reverse();
    }
    Ok(Slice { items, has_more })
}

/// All jobs in state Executing, newest first.
pub async fn executing(
    db: &impl ConnectionTrait,
    configuration_id: Option<Uuid>,
    columns: Columns<job::Entity>,
) -> Result<Vec<job::Model>, DbErr> {
    let filter =
        JobFilter { configuration_id, states: vec![JobState::Executing], ..JobFilter::default() };
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM job", columns.select("job")));
    filter.push_where(&mut sql, &filter.states);
    sql.push(" ORDER BY created_date DESC, id DESC");
    read_all(&sql.all(db).await?, columns)
}

async fn jobs_on(
    db: &impl ConnectionTrait,
    stretch: &Stretch<'_>,
    (offset, limit): (i64, i64),
    columns: Columns<job::Entity>,
) -> Result<Vec<job::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("WITH page AS (");
    stretch.push_keys(&mut sql);
    push_limit(&mut sql, limit, offset);
    sql.push(&format!(
        ") SELECT {0} FROM page JOIN job ON job.id = page.id ORDER BY page.k {1}, page.id {1}",
        columns.select("job"),
        stretch.order.direction(),
    ));
    read_all(&sql.all(db).await?, columns)
}

fn read_all(rows: &[QueryResult], columns: Columns<job::Entity>) -> Result<Vec<job::Model>, DbErr> {
    rows.iter().map(|row| columns.read(row, 0)).collect()
}

/// Cuts off what was read beyond `limit`, and tells whether there was any.
fn cut<T>(items: &mut Vec<T>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    more
}
