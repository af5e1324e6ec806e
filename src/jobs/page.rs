//! Lists of jobs: numbered pages, cursors, and all that execute.

use entity::{Columns, JobState, job, job_run};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use super::argument::PageRequest;
use super::conditions::Conditions;
use super::counts;
use super::cursor::Cursor;
use super::failures;
use super::list::{JobList, KeysetRange, LOOKED_THROUGH, names, push_limit, push_page_order};
use super::order::Order;
use super::scope::Scope;
use super::states::push_counted_states;
use crate::db::Sql;

/// From this offset on, a page is reached from the list's nearer end.
const DEEP: i64 = 1_000;

/// Where counting stops when the counters do not know how many jobs match.
pub const COUNT_BOUND: i64 = 10_000;

/// What to read of each job on a list.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    pub job: Columns<job::Entity>,
    /// Of its current run, which is read by the same statement; `None` to leave it out.
    pub run: Option<Columns<job_run::Entity>>,
}

/// A job on a list.
#[derive(Debug)]
pub struct ListedJob {
    pub job: job::Model,
    /// Its current run, if it has one and that was asked for.
    pub run: Option<job_run::Model>,
}

impl Selection {
    fn push_list(self, sql: &mut Sql) {
        sql.push(&self.job.select("job"));
        if let Some(run) = self.run {
            sql.push(", run.id, ").push(&run.select("run"));
        }
    }

    fn push_join(self, sql: &mut Sql) {
        if self.run.is_some() {
            sql.push(" LEFT JOIN job_run AS run ON run.id = job.current_run_id");
        }
    }

    /// Reads a row whose columns from `first` on are the list's.
    fn read(self, row: &QueryResult, first: usize) -> Result<ListedJob, DbErr> {
        let job = self.job.read(row, first)?;
        let mut run = None;
        if let Some(columns) = self.run {
            // An empty set of columns is a column, too.
            let run_id = first + self.job.places().count().max(1);
            if row.try_get_by_index::<Option<Uuid>>(run_id)?.is_some() {
                run = Some(columns.read(row, run_id + 1)?);
            }
        }
        Ok(ListedJob { job, run })
    }
}

/// One page of jobs.
#[derive(Debug)]
pub struct Page {
    pub items: Vec<ListedJob>,
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

/// A page of the list beside a cursor.
#[derive(Debug)]
pub struct KeysetPage {
    /// In the list's order.
    pub items: Vec<ListedJob>,
    /// Whether there are more in the direction of reading.
    pub has_more: bool,
    /// Where reading ended, if that is not at the last of the items: further jobs were looked through in
    /// vain.
    pub end: Option<Cursor>,
}

/// Where a page beside a cursor lies.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub after: Option<Cursor>,
    pub before: Option<Cursor>,
    pub limit: i64,
    /// Take the last ones within the bounds, not the first.
    pub from_end: bool,
}

impl JobList<'_> {
    /// One page of the list.
    pub async fn page(
        &self,
        db: &impl ConnectionTrait,
        page: PageRequest,
        selection: Selection,
        with_total: bool,
    ) -> Result<Page, DbErr> {
        // Near the start the total is not needed to find the page.
        if self.conditions.is_counted() && (with_total || page.offset() >= DEEP) {
            return self.counted_page(db, page, selection).await;
        }
        let list = self.resolved(db).await?;
        let limit = Some((page.offset(), page.size + 1));
        let mut items = jobs_on(db, &list.whole(), limit, selection).await?;
        let has_next = cut(&mut items, page.size);
        let total = if with_total { Some(list.count_resolved(db).await?) } else { None };
        Ok(Page { items, has_next, total })
    }

    /// A page of a list whose length the counters know, read in the same statement.
    ///
    /// With the count, the offset of a deep page from the end of the list is known too. The statement has
    /// both index scans, since which is shorter depends on the count; the other has a limit of 0, with
    /// which neither database starts a scan.
    async fn counted_page(
        &self,
        db: &impl ConnectionTrait,
        page: PageRequest,
        selection: Selection,
    ) -> Result<Page, DbErr> {
        let (offset, take) = (page.offset(), page.size);
        let mut sql = Sql::new(db.get_database_backend());
        sql.push("WITH counted(total) AS (SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM (");
        match self.conditions.failure_group() {
            None => counts::push_rows(&mut sql, &self.scope),
            Some(group) => failures::counts::push_rows(&mut sql, &self.scope, group),
        }
        sql.push(") AS counts");
        push_counted_states(&mut sql, self.conditions.states());
        sql.push("), page AS (");
        if offset < DEEP {
            self.whole().push_keys(&mut sql, Some(offset.saturating_add(take)));
            push_limit(&mut sql, take, offset);
        } else {
            let list = names(self.order.field).join(", ");
            sql.push(&format!("SELECT id, {list} FROM (SELECT id, {list} FROM ("));
            self.whole().push_keys(&mut sql, None);
            sql.push(" LIMIT (SELECT CASE WHEN ")
                .bind(offset)
                .push(" * 2 <= total THEN ")
                .bind(take);
            sql.push(" ELSE 0 END FROM counted) OFFSET ").bind(offset);
            sql.push(&format!(") AS from_start UNION ALL SELECT id, {list} FROM ("));
            self.reversed().push_keys(&mut sql, None);
            // The last page may have fewer jobs than asked for.
            sql.push(" LIMIT (SELECT CASE WHEN ")
                .bind(offset)
                .push(" * 2 <= total OR ")
                .bind(offset);
            sql.push(" >= total THEN 0 WHEN ").bind(offset).push(" + ").bind(take);
            sql.push(" > total THEN total - ").bind(offset).push(" ELSE ").bind(take);
            sql.push(" END FROM counted) OFFSET (SELECT CASE WHEN ").bind(offset).push(" + ");
            sql.bind(take).push(" > total THEN 0 ELSE total - ").bind(offset).push(" - ");
            sql.bind(take).push(" END FROM counted)) AS from_end) AS nearer");
            // There are no more anyway, but PostgreSQL takes an unknown limit for a tenth of the
            // table, for which it would read all of it.
            push_limit(&mut sql, take, 0);
        }
        sql.push(") SELECT counted.total, page.id, ");
        selection.push_list(&mut sql);
        sql.push(" FROM counted LEFT JOIN page ON true LEFT JOIN job ON job.id = page.id");
        selection.push_join(&mut sql);
        push_page_order(&mut sql, self.order);
        let rows = sql.all(db).await?;
        let total: i64 = match rows.first() {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        };
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.try_get_by_index::<Option<Uuid>>(1)?.is_some() {
                items.push(selection.read(row, 2)?);
            }
        }
        Ok(Page {
            items,
            has_next: offset.saturating_add(take) < total,
            total: Some(Total { n: total, is_exact: true }),
        })
    }

    /// How many jobs are on the list, counted up to [`COUNT_BOUND`].
    pub async fn count(&self, db: &impl ConnectionTrait) -> Result<Total, DbErr> {
        self.resolved(db).await?.count_resolved(db).await
    }

    async fn count_resolved(&self, db: &impl ConnectionTrait) -> Result<Total, DbErr> {
        let mut sql = Sql::new(db.get_database_backend());
        // As the list is read: an index that a condition has is used.
        sql.push("SELECT count(*) FROM (");
        self.whole().push_keys(&mut sql, Some(COUNT_BOUND + 1));
        push_limit(&mut sql, COUNT_BOUND + 1, 0);
        sql.push(") AS found");
        let n: i64 = match sql.one(db).await? {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        };
        let is_whole = !self.is_bounded() || {
            let unsearched = KeysetRange { is_unsearched: true, ..self.whole() };
            let next = Some((LOOKED_THROUGH, 1));
            let nothing = Selection { job: Columns::none(), run: None };
            jobs_on(db, &unsearched, next, nothing).await?.is_empty()
        };
        Ok(Total { n: n.min(COUNT_BOUND), is_exact: is_whole && n <= COUNT_BOUND })
    }

    /// The first or the last jobs between two cursors; costs the same wherever they lie.
    pub async fn keyset_page(
        &self,
        db: &impl ConnectionTrait,
        bounds: &Bounds,
        mut selection: Selection,
    ) -> Result<KeysetPage, DbErr> {
        let cursor: Columns<job::Entity> =
            Cursor::columns(self.order.field).iter().copied().collect();
        selection.job = selection.job.union(cursor);
        let (after, before) = (bounds.after.as_ref(), bounds.before.as_ref());
        let list = self.resolved(db).await?;
        let range = if bounds.from_end {
            KeysetRange { after: before, before: after, ..list.reversed() }
        } else {
            KeysetRange { after, before, ..list.whole() }
        };
        let mut items = jobs_on(db, &range, Some((0, bounds.limit + 1)), selection).await?;
        let mut has_more = cut(&mut items, bounds.limit);
        let mut end = None;
        if !has_more && list.is_bounded() {
            let unsearched = KeysetRange { is_unsearched: true, ..range };
            let furthest = Some((LOOKED_THROUGH - 1, 1));
            let selection = Selection { job: cursor, run: None };
            let furthest = jobs_on(db, &unsearched, furthest, selection).await?;
            end = furthest.first().map(|last| Cursor::of(&last.job, self.order.field));
            has_more = end.is_some();
        }
        if bounds.from_end {
            items.reverse();
        }
        Ok(KeysetPage { items, has_more, end })
    }

    /// All jobs of the list.
    pub async fn all(
        &self,
        db: &impl ConnectionTrait,
        selection: Selection,
    ) -> Result<Vec<ListedJob>, DbErr> {
        jobs_on(db, &self.resolved(db).await?.whole(), None, selection).await
    }

    /// The ids of the first jobs.
    pub async fn first_ids(
        &self,
        db: &impl ConnectionTrait,
        limit: usize,
    ) -> Result<Vec<Uuid>, DbErr> {
        let mut sql = Sql::new(db.get_database_backend());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.resolved(db).await?.whole().push_keys(&mut sql, Some(limit));
        push_limit(&mut sql, limit, 0);
        sql.all(db).await?.iter().map(|row| row.try_get_by_index(0)).collect()
    }
}

/// All of the scope's jobs in state Executing, newest first.
pub async fn executing(
    db: &impl ConnectionTrait,
    scope: &Scope,
    selection: Selection,
) -> Result<Vec<ListedJob>, DbErr> {
    let executing = Conditions::in_state(JobState::Executing);
    JobList::new(scope, &executing, Order::default()).all(db, selection).await
}

/// The jobs in a range, or as many of them as the limit lets through after the offset.
async fn jobs_on(
    db: &impl ConnectionTrait,
    range: &KeysetRange<'_>,
    offset_and_limit: Option<(i64, i64)>,
    selection: Selection,
) -> Result<Vec<ListedJob>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("WITH page AS (");
    range.push_keys(&mut sql, offset_and_limit.map(|(offset, limit)| offset.saturating_add(limit)));
    if let Some((offset, limit)) = offset_and_limit {
        push_limit(&mut sql, limit, offset);
    }
    sql.push(") SELECT ");
    selection.push_list(&mut sql);
    sql.push(" FROM page JOIN job ON job.id = page.id");
    selection.push_join(&mut sql);
    push_page_order(&mut sql, range.order);
    sql.all(db).await?.iter().map(|row| selection.read(row, 0)).collect()
}

/// Cuts off what was read beyond `limit`, and tells whether there was any.
fn cut<T>(items: &mut Vec<T>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    more
}
