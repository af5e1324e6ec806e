//! Lists of failure groups.

use entity::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use super::counts::push_counted;
use super::cursor::Cursor;
use super::filter::{FailureGroupFilter, FailureGroupOrder};
use crate::db::Sql;
use crate::error::ApiError;
use crate::jobs::conditions::{ids, limit, text};
use crate::jobs::list::push_limit;
use crate::jobs::scope::Scope;
use crate::jobs::search;

/// What a list of groups costs, in values of an answer: it sums the counters of all groups and
/// configurations of the scope.
pub const COST: u64 = 500;

/// The groups that match, in an order.
#[derive(Debug)]
pub struct GroupList {
    filter: FailureGroupFilter,
    /// What the filter leaves of the principal's scope.
    scope: Scope,
    order: FailureGroupOrder,
}

/// Some of the groups on a list.
#[derive(Debug)]
pub struct KeysetPage {
    /// Their places, in the list's order.
    pub cursors: Vec<Cursor>,
    pub has_more: bool,
}

impl GroupList {
    /// Checks the filter and finds the configurations that it means.
    pub async fn new(
        db: &impl ConnectionTrait,
        scope: &Scope,
        mut filter: FailureGroupFilter,
        order: FailureGroupOrder,
    ) -> Result<Self, ApiError> {
        let mut scope = scope.clone();
        let configurations = ids("configurationIds", filter.configuration_ids.as_deref())?;
        if !configurations.is_empty() {
            scope = scope.within(&Scope::only(configurations));
        }
        filter.search = text("search", filter.search)?;
        let providers = filter.providers.take().unwrap_or_default();
        limit("providers", providers.len())?;
        for provider in &providers {
            text("providers", Some(provider.clone()))?;
        }
        if !providers.is_empty() {
            let mut sql = Sql::new(db.get_database_backend());
            sql.push("SELECT id FROM configuration WHERE provider").any_text(&providers);
            let rows = sql.all(db).await?;
            let ids: Vec<Uuid> =
                rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
            scope = scope.within(&Scope::only(ids));
        }
        Ok(Self { filter, scope, order })
    }

    /// The scope of the counts of its groups.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The first groups after a cursor.
    pub async fn keyset_page(
        &self,
        db: &impl ConnectionTrait,
        after: Option<Cursor>,
        size: i64,
    ) -> Result<KeysetPage, DbErr> {
        let mut sql = Sql::new(db.get_database_backend());
        self.push_matching(&mut sql);
        sql.push(" SELECT id, k FROM matching");
        if let Some(after) = after {
            sql.push(" WHERE (k, id) < (").bind(after.value()).push(", ").bind(after.id).push(")");
        }
        sql.push(" ORDER BY k DESC, id DESC");
        push_limit(&mut sql, size + 1, 0);
        let cursor = |row: &QueryResult| {
            let key = match self.order {
                FailureGroupOrder::JobCount => row.try_get_by_index(1)?,
                _ => row.try_get_by_index::<Timestamp>(1)?.micros(),
            };
            Ok(Cursor::new(row.try_get_by_index(0)?, self.order, key))
        };
        let mut cursors: Vec<_> =
            sql.all(db).await?.iter().map(cursor).collect::<Result<_, DbErr>>()?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let has_more = cursors.len() > size;
        cursors.truncate(size);
        Ok(KeysetPage { cursors, has_more })
    }

    /// How many groups match.
    pub async fn count(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
        let mut sql = Sql::new(db.get_database_backend());
        self.push_matching(&mut sql);
        sql.push(" SELECT count(*) FROM matching");
        sql.one(db).await?.map_or(Ok(0), |row| row.try_get_by_index(0))
    }

    /// Adds the table `matching` of ids and keys.
    fn push_matching(&self, sql: &mut Sql) {
        let filter = &self.filter;
        sql.push("WITH ");
        push_counted(sql, &self.scope, None);
        sql.push(
            ", grouped AS (SELECT group_id, CAST(sum(jobs) AS bigint) AS jobs, \
             min(first_seen) AS first_seen, max(last_seen) AS last_seen, \
             coalesce(min(CASE WHEN jobs > 0 THEN is_acknowledged END), min(is_acknowledged)) \
             AS is_acknowledged FROM counted GROUP BY group_id), matching AS (SELECT g.id, ",
        );
        match self.order {
            FailureGroupOrder::JobCount => _ = sql.push("jobs"),
            order => {
                let unknown = Timestamp::default();
                sql.push("coalesce(").push(order.expression()).push(", ").bind(unknown).push(")");
            }
        }
        sql.push(
            " AS k FROM grouped JOIN failure_group AS g ON g.id = grouped.group_id WHERE true",
        );
        if filter.include_empty != Some(true) {
            sql.push(" AND jobs > 0");
        }
        if let Some(moment) = filter.last_seen_after {
            sql.push(" AND last_seen >= ").bind(moment);
        }
        if let Some(moment) = filter.first_seen_after {
            sql.push(" AND first_seen >= ").bind(moment);
        }
        if let Some(is_acknowledged) = filter.is_acknowledged {
            sql.push(if is_acknowledged {
                " AND is_acknowledged = 1"
            } else {
                " AND is_acknowledged = 0"
            });
        }
        if let Some(text) = &filter.search {
            sql.push(" AND ");
            search::push_contains(sql, "g.title", text);
        }
        sql.push(")");
    }
}
