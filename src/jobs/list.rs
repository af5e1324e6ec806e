//! Walking the list of jobs: the statement part that pages and connections share.

use entity::JobState;

use super::cursor::Cursor;
use super::filter::{JobFilter, Order, OrderField};
use crate::db::Sql;

/// Which stretch of the list.
pub(super) struct Stretch<'a> {
    pub filter: &'a JobFilter,
    pub order: Order,
    /// Only what comes after this one, in the stretch's order.
    pub after: Option<&'a Cursor>,
    /// Only what comes before this one, in the stretch's order.
    pub before: Option<&'a Cursor>,
}

impl<'a> Stretch<'a> {
    /// The list from one end to the other.
    pub fn whole(filter: &'a JobFilter, order: Order) -> Self {
        Self { filter, order, after: None, before: None }
    }

    /// Adds a query for the `id` and sort key `k` of the jobs on the stretch, in its order. A
    /// limit may follow, and only what it lets through is read.
    ///
    /// Rows are found by walking an index that has the list's order. For several states there
    /// is none, so each state's own index is walked, and both databases merge such walks row by
    /// row.
    pub fn push_keys(&self, sql: &mut Sql) {
        let states = &self.filter.states;
        if states.len() < 2 || self.order.field != OrderField::CreatedDate {
            self.push_walk(sql, states);
            return;
        }
        sql.push("SELECT id, k FROM (");
        for (index, state) in states.iter().enumerate() {
            if index > 0 {
                sql.push(" UNION ALL ");
            }
            sql.push("SELECT id, k FROM (");
            self.push_walk(sql, &[*state]);
            sql.push(") AS one_state");
        }
        sql.push(") AS merged");
        self.push_order(sql, "k");
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
        self.push_order(sql, key);
    }

    fn push_order(&self, sql: &mut Sql, key: &str) {
        let direction = self.order.direction();
        sql.push(&format!(" ORDER BY {key} {direction}, id {direction}"));
    }
}

/// Adds a limit, as text: PostgreSQL would plan a statement with a parameter in its place anew
/// each time, which takes longer than to run it.
pub(super) fn push_limit(sql: &mut Sql, limit: i64, offset: i64) {
    sql.push(&format!(" LIMIT {limit}"));
    if offset > 0 {
        sql.push(" OFFSET ").bind(offset);
    }
}
