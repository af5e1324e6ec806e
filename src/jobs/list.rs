//! A list of jobs, and reading its keys from indexes: the statement part that pages and connections
//! share.

use entity::JobState;

use super::conditions::{Conditions, MAX_SCANS};
use super::cursor::Cursor;
use super::order::{Order, OrderField};
use super::scope::Scope;
use crate::db::Sql;

/// Which jobs, in what order.
#[derive(Clone, Debug)]
pub struct JobList<'a> {
    /// The part of the principal's scope that the conditions leave.
    pub(super) scope: Scope,
    pub(super) conditions: &'a Conditions,
    pub order: Order,
}

/// A part of a list.
pub(super) struct Stretch<'a> {
    pub list: &'a JobList<'a>,
    pub order: Order,
    /// Only what comes after this one, in the stretch's order.
    pub after: Option<&'a Cursor>,
    /// Only what comes before this one, in the stretch's order.
    pub before: Option<&'a Cursor>,
}

impl<'a> JobList<'a> {
    /// The scope's jobs that match.
    pub fn new(scope: &Scope, conditions: &'a Conditions, order: Order) -> Self {
        Self { scope: conditions.scope(scope), conditions, order }
    }

    /// From one end to the other.
    pub(super) fn whole(&self) -> Stretch<'_> {
        Stretch { list: self, order: self.order, after: None, before: None }
    }

    /// The same from the other end.
    pub(super) fn reversed(&self) -> Stretch<'_> {
        Stretch { order: self.order.reversed(), ..self.whole() }
    }
}

impl Stretch<'_> {
    /// Adds a query for the `id` and sort key `k` of the jobs on the stretch, in its order. A
    /// limit may follow, and only what it lets through is read.
    ///
    /// Rows are found by reading an index that has the list's order. For several states or
    /// configurations there is none, so the index of each state of each configuration is read,
    /// and both databases merge such scans row by row.
    pub fn push_keys(&self, sql: &mut Sql) {
        let scans = self.scans();
        if let [(scope, states)] = scans.as_slice() {
            self.push_scan(sql, scope, *states);
            return;
        }
        sql.push("SELECT id, k FROM (");
        for (index, (scope, states)) in scans.iter().enumerate() {
            if index > 0 {
                sql.push(" UNION ALL ");
            }
            sql.push("SELECT id, k FROM (");
            self.push_scan(sql, scope, *states);
            sql.push(") AS one_scan");
        }
        sql.push(") AS merged");
        self.push_order(sql, "k");
    }

    /// The scans that are merged: for each state, and for each configuration if there are indexes
    /// for that and unless they are so many that one scan of all jobs is better.
    fn scans(&self) -> Vec<(Scope, Option<&[JobState]>)> {
        let (scope, states) = (&self.list.scope, self.list.conditions.states());
        let has_own_index = self.list.conditions.failure_group().is_some();
        if has_own_index || matches!(self.order.field, OrderField::UpdateDate | OrderField::Name) {
            return vec![(scope.clone(), states)];
        }
        let states: Vec<_> = match states {
            Some(states) if states.len() > 1 => states.chunks(1).map(Some).collect(),
            states => vec![states],
        };
        let scopes = match scope {
            Scope::Only(ids)
                if self.order.field == OrderField::CreatedDate
                    && ids.len() > 1
                    && ids.len() * states.len() <= MAX_SCANS =>
            {
                ids.iter().map(|id| Scope::only([*id])).collect()
            }
            _ => vec![scope.clone()],
        };
        let each = |scope: Scope| states.iter().map(move |states| (scope.clone(), *states));
        scopes.into_iter().flat_map(each).collect()
    }

    fn push_scan(&self, sql: &mut Sql, scope: &Scope, states: Option<&[JobState]>) {
        let key = self.order.field.expression();
        sql.push(&format!("SELECT id, {key} AS k FROM job"));
        self.list.conditions.push_part(sql, scope, states);
        for (cursor, comes_later) in [(self.after, true), (self.before, false)] {
            if let Some(cursor) = cursor {
                let comparison = if self.order.is_descending() == comes_later { "<" } else { ">" };
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
