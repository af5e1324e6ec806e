//! Walking the list of jobs: the statement part that pages and connections share.

use entity::JobState;

use super::cursor::Cursor;
use super::filter::{JobFilter, Order, OrderField};
use crate::db::Sql;

/// Up to here a list of several states is merged from one walk per state; beyond, one walk over
/// all states skips the others'.
const MERGE_DEPTH: i64 = 2_000;

/// Which stretch of the list.
pub(super) struct Stretch<'a> {
    pub filter: &'a JobFilter,
    pub order: Order,
    /// Only what comes after this one, in the stretch's order.
    pub after: Option<&'a Cursor>,
    /// Only what comes before this one, in the stretch's order.
    pub before: Option<&'a Cursor>,
    pub offset: i64,
    pub limit: i64,
}

impl Stretch<'_> {
    /// Adds a query for the `id` and sort key `k` of the jobs on the stretch.
    ///
    /// Rows are found by walking an index that has the list's order. For several states there
    /// is none, so each state's own index is walked for as far as the page could reach, and the
    /// walks are merged: a job on the page is among the first offset + limit of its state.
    pub fn push_keys(&self, sql: &mut Sql) {
        let states = &self.filter.states;
        let depth = self.offset + self.limit;
        if states.len() < 2 || self.order.field != OrderField::CreatedDate || depth > MERGE_DEPTH {
            self.push_walk(sql, states);
            self.push_order(sql, self.order.field.expression());
            self.push_limit(sql, self.limit, self.offset);
            return;
        }
        sql.push("SELECT id, k FROM (");
        for (index, state) in states.iter().enumerate() {
            if index > 0 {
                sql.push(" UNION ALL ");
            }
            sql.push("SELECT id, k FROM (");
            self.push_walk(sql, &[*state]);
            self.push_order(sql, self.order.field.expression());
            self.push_limit(sql, depth, 0);
            sql.push(") AS one_state");
        }
        sql.push(") AS merged");
        self.push_order(sql, "k");
        self.push_limit(sql, self.limit, self.offset);
    }

    fn push_walk(&self, sql: &mut Sql, states: &[JobState]) {
        let key = self.order.field.expression();
        sql.push(&format!("SELECT id, {key} AS k FROM job"));
        self.filter.push_where(sql, states);
        for (cursor, comes_later) in [(self.after, true), (self.before, false)] {
            if let Some(cursor) = cursor {
                let comparison = if self.order.descending == comes_later { "<" } else { ">" };
                sql.push(&format!(" AND ({key}, id) {comparison} (")).bind(cursor.value());
                sql.push(", ").bind(cursor.id).push(")");
            }
        }
    }

    fn push_order(&self, sql: &mut Sql, key: &str) {
        let direction = self.order.direction();
        sql.push(&format!(" ORDER BY {key} {direction}, id {direction}"));
    }

    #[expect(clippy::unused_self, reason = "reads as its siblings do")]
    fn push_limit(&self, sql: &mut Sql, limit: i64, offset: i64) {
        sql.push(" LIMIT ").bind(limit);
        if offset > 0 {
            sql.push(" OFFSET ").bind(offset);
        }
    }
}
