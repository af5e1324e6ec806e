//! Walking the list of jobs: the statement part that pages and connections share.

use entity::JobState;

use super::cursor::Cursor;
use super::filter::{JobFilter, Order, OrderField};
use super::scope::Scope;
use crate::db::Sql;

/// How many walks over indexes one statement merges at most.
pub(super) const MOST_WALKS: usize = 64;

/// Which stretch of the list.
pub(super) struct Stretch<'a> {
    pub scope: &'a Scope,
    pub filter: &'a JobFilter,
    pub order: Order,
    /// Only what comes after this one, in the stretch's order.
    pub after: Option<&'a Cursor>,
    /// Only what comes before this one, in the stretch's order.
    pub before: Option<&'a Cursor>,
}

impl<'a> Stretch<'a> {
    /// The list from one end to the other.
    pub fn whole(scope: &'a Scope, filter: &'a JobFilter, order: Order) -> Self {
        Self { scope, filter, order, after: None, before: None }
    }

    /// Adds a query for the `id` and sort key `k` of the jobs on the stretch, in its order. A
    /// limit may follow, and only what it lets through is read.
    ///
    /// Rows are found by walking an index that has the list's order. For several states or
    /// configurations there is none, so the index of each state of each configuration is walked,
    /// and both databases merge such walks row by row.
    pub fn push_keys(&self, sql: &mut Sql) {
        let scope = self.scope.narrowed(self.filter.configuration_id);
        let states = &self.filter.states;
        let walks = self.walks(&scope, states);
        if walks.len() == 1 {
            self.push_walk(sql, &scope, states);
            return;
        }
        sql.push("SELECT id, k FROM (");
        for (index, (scope, states)) in walks.iter().enumerate() {
            if index > 0 {
                sql.push(" UNION ALL ");
            }
            sql.push("SELECT id, k FROM (");
            self.push_walk(sql, scope, states);
            sql.push(") AS one_walk");
        }
        sql.push(") AS merged");
        self.push_order(sql, "k");
    }

    /// The walks that are merged: for each state, and for each configuration if there are indexes
    /// for that and unless they are so many that one walk over all jobs is better.
    fn walks<'b>(&self, scope: &Scope, states: &'b [JobState]) -> Vec<(Scope, &'b [JobState])> {
        if matches!(self.order.field, OrderField::UpdateDate | OrderField::Name) {
            return vec![(scope.clone(), states)];
        }
        let states: Vec<_> =
            if states.len() < 2 { vec![states] } else { states.chunks(1).collect() };
        let scopes = match scope {
            Scope::Only(ids)
                if self.order.field == OrderField::CreatedDate
                    && ids.len() > 1
                    && ids.len() * states.len() <= MOST_WALKS =>
            {
                ids.iter().map(|id| Scope::only([*id])).collect()
            }
            _ => vec![scope.clone()],
        };
        let each = |scope: Scope| states.iter().map(move |states| (scope.clone(), *states));
        scopes.into_iter().flat_map(each).collect()
    }

    fn push_walk(&self, sql: &mut Sql, scope: &Scope, states: &[JobState]) {
        let key = self.order.field.expression();
        sql.push(&format!("SELECT id, {key} AS k FROM job"));
        self.filter.push_where(sql, scope, states);
        for (cursor, comes_later) in [(self.after, true), (self.before, false)] {
            if let Some(cursor) = cursor {
                let comparison = if self.order.descending == comes_later { "<" } else { ">" };
                if !sql.is_postgres() && key != "created_date" {
                    // It follows from the next condition, but of an index on an expression SQLite
                    // begins at a place only for a comparison with the expression alone.
                    sql.push(&format!(" AND {key} {comparison}= ")).bind(cursor.value());
                }
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
