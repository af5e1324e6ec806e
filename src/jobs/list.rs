//! A list of jobs, and reading its keys from indexes: the statement part that pages and connections
//! share.

use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::conditions::{Conditions, MAX_SCANS};
use super::cursor::Cursor;
use super::order::{Order, OrderField};
use super::part::{Creation, Part};
use super::probe::Probe;
use super::scope::Scope;
use crate::db::Sql;

/// How many jobs a list looks through for a text in messages, which no index has: they come first by its
/// other conditions and its order. The largest part of a page's time, about 20 ms.
pub const LOOKED_THROUGH: i64 = 5_000;

/// Which jobs, in what order.
#[derive(Clone, Debug)]
pub struct JobList<'a> {
    /// The part of the principal's scope that the conditions leave.
    pub(super) scope: Scope,
    pub(super) conditions: &'a Conditions,
    pub order: Order,
    /// Whether all jobs are looked through for a text, however many they are.
    is_exhaustive: bool,
}

/// The part of a list between two cursors, from either end.
pub(super) struct KeysetRange<'a> {
    pub list: &'a JobList<'a>,
    pub order: Order,
    /// Only what comes after this cursor, in the range's order.
    pub after: Option<&'a Cursor>,
    /// Only what comes before this cursor, in the range's order.
    pub before: Option<&'a Cursor>,
    /// Whether it has the jobs that are looked through for a text, and not only those that have it.
    pub is_unsearched: bool,
}

impl<'a> JobList<'a> {
    /// The scope's jobs that match.
    pub fn new(scope: &Scope, conditions: &'a Conditions, order: Order) -> Self {
        Self { scope: conditions.scope(scope), conditions, order, is_exhaustive: false }
    }

    /// The same list, with all jobs looked through for a text.
    pub fn exhaustive(self) -> Self {
        Self { is_exhaustive: true, ..self }
    }

    /// Whether a part of the list may be all that is looked through for a text.
    pub(super) fn is_bounded(&self) -> bool {
        self.conditions.has_text() && !self.is_exhaustive
    }

    /// The same list with the configurations of its providers, whose indexes are scanned then.
    pub(super) async fn resolved(&self, db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let mut list = self.clone();
        if let Some(providers) = self.conditions.providers() {
            let mut sql = Sql::new(db.get_database_backend());
            sql.push("SELECT id FROM configuration WHERE provider").any_text(providers);
            let rows = sql.all(db).await?;
            let ids: Vec<Uuid> =
                rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
            list.scope = list.scope.within(&Scope::only(ids));
        }
        Ok(list)
    }

    /// From one end to the other.
    pub(super) fn whole(&self) -> KeysetRange<'_> {
        KeysetRange {
            list: self,
            order: self.order,
            after: None,
            before: None,
            is_unsearched: false,
        }
    }

    /// The same from the other end.
    pub(super) fn reversed(&self) -> KeysetRange<'_> {
        KeysetRange { order: self.order.reversed(), ..self.whole() }
    }
}

impl KeysetRange<'_> {
    /// Adds a query for the `id` and sort keys `k0`, `k1` of the jobs in the range, in its order. A
    /// limit may follow, and only what it lets through is read.
    ///
    /// Rows are found by reading an index that has the list's order. For several states,
    /// configurations or agents there is none, so the index of each is read, and both databases merge
    /// such scans row by row.
    ///
    /// Conditions that other indexes have are probed first: if one of these has few jobs, they are
    /// read and sorted instead. If each has many, they are found soon in the list's order.
    ///
    /// A text in messages is looked for in what is found so.
    ///
    /// `most` is how many are read at most, if that is known: PostgreSQL plans each scan for as many.
    pub fn push_keys(&self, sql: &mut Sql, most: Option<i64>) {
        if !self.list.conditions.has_text() || self.is_unsearched {
            self.push_unsearched(sql, most);
            return;
        }
        let names = names(self.order.field);
        let list = names.join(", ");
        sql.push(&format!(
            "SELECT found_id AS id, {list} FROM (SELECT id AS found_id, {list} FROM ("
        ));
        if self.list.is_bounded() {
            self.push_unsearched(sql, Some(LOOKED_THROUGH));
            push_limit(sql, LOOKED_THROUGH, 0);
        } else {
            self.push_unsearched(sql, None);
        }
        // The order of the join is given, or the databases may read all jobs.
        sql.push(") AS unsearched) AS found").push_either(
            " CROSS JOIN job WHERE job.id = found_id",
            " CROSS JOIN LATERAL (SELECT * FROM job WHERE job.id = found_id OFFSET 0) AS job \
             WHERE true",
        );
        self.list.conditions.push_text(sql);
        self.push_order(sql, &names);
    }

    fn push_unsearched(&self, sql: &mut Sql, most: Option<i64>) {
        let probes = self.list.conditions.probes(self.order, &self.list.scope);
        let scans = self.scans();
        if let ([], [part]) = (probes.as_slice(), scans.as_slice()) {
            self.push_scan(sql, part, "");
            return;
        }
        let names = names(self.order.field);
        let list = names.join(", ");
        // Rounded up, so that few statements differ.
        let limit = most.map_or_else(String::new, |most| {
            format!(" LIMIT {}", most.unsigned_abs().next_power_of_two())
        });
        let keys = self.selected_keys(sql.is_postgres());
        let gate = Probe::push_all(&probes, sql, &keys, |sql| {
            self.list.conditions.push_all(sql, &self.list.scope);
        });
        sql.push(&format!("SELECT id, {list} FROM ("));
        for (number, probe) in probes.iter().enumerate() {
            sql.push(&format!("SELECT id, {list} FROM (SELECT id, {list} FROM probe{number}"));
            sql.push(&format!(" WHERE matches{}", probe.is_complete(number)));
            self.push_cursors(sql, &names);
            self.push_order(sql, &names);
            sql.push(&format!("{limit}) AS probed{number} UNION ALL "));
        }
        for (index, part) in scans.iter().enumerate() {
            if index > 0 {
                sql.push(" UNION ALL ");
            }
            sql.push(&format!("SELECT id, {list} FROM ("));
            self.push_scan(sql, part, &gate);
            sql.push(&limit).push(") AS one_scan");
        }
        sql.push(") AS merged");
        self.push_order(sql, &names);
    }

    /// The scans that are merged: for each state, and for each configuration if there are indexes
    /// for that and unless they are so many that one scan of all jobs is better.
    fn scans(&self) -> Vec<Part<'_>> {
        let conditions = self.list.conditions;
        let (scope, states, agents) = (&self.list.scope, conditions.states(), conditions.agents());
        let whole = Part { scope: scope.clone(), states, agents, creation: Creation::Any };
        let is_created = self.order.field == OrderField::CreatedDate;
        let is_whole = conditions.failure_group().is_some()
            || !is_created && self.order.field != OrderField::ScheduledDate;
        if is_whole {
            return vec![whole];
        }
        let mut parts: Vec<Part<'_>> = if is_created && conditions.is_by_agent() {
            agents.chunks(1).map(|agents| Part { agents, ..whole.clone() }).collect()
        } else {
            let states: Vec<_> = match states {
                Some(states) if states.len() > 1 => states.chunks(1).map(Some).collect(),
                states => vec![states],
            };
            let scopes = match scope {
                Scope::Only(ids)
                    if is_created && ids.len() > 1 && ids.len() * states.len() <= MAX_SCANS =>
                {
                    ids.iter().map(|id| Scope::only([*id])).collect()
                }
                _ => vec![scope.clone()],
            };
            let each = |scope: Scope| {
                let whole = &whole;
                states.iter().map(move |states| Part {
                    scope: scope.clone(),
                    states: *states,
                    ..whole.clone()
                })
            };
            scopes.into_iter().flat_map(each).collect()
        };
        if is_created && conditions.created_before().is_some() {
            parts = parts
                .into_iter()
                .flat_map(|part| {
                    [Creation::BeforeBound, Creation::Exceptions]
                        .map(|creation| Part { creation, ..part.clone() })
                })
                .collect();
        }
        parts
    }

    fn push_scan(&self, sql: &mut Sql, part: &Part<'_>, gate: &str) {
        let keys = self.order.field.keys(sql.is_postgres());
        let selected = self.selected_keys(sql.is_postgres());
        sql.push(&format!("SELECT id, {selected} FROM job WHERE true"));
        self.list.conditions.push_part(sql, part, self.order.field);
        sql.push(gate);
        self.push_cursors(sql, keys);
        self.push_order(sql, keys);
    }

    /// The keys with their names: `created_date AS k0`.
    fn selected_keys(&self, is_postgres: bool) -> String {
        let keys = self.order.field.keys(is_postgres).iter().zip(names(self.order.field));
        keys.map(|(key, name)| format!("{key} AS {name}")).collect::<Vec<_>>().join(", ")
    }

    fn push_cursors(&self, sql: &mut Sql, keys: &[&str]) {
        for (cursor, comes_later) in [(self.after, true), (self.before, false)] {
            let Some(cursor) = cursor else { continue };
            let comparison = if self.order.is_descending() == comes_later { "<" } else { ">" };
            let mut values = cursor.values();
            if !sql.is_postgres() && keys[0].contains('(') {
                // It follows from the next condition, but of an index on an expression SQLite
                // begins at a place only for a comparison with the expression alone.
                sql.push(&format!(" AND {} {comparison}= ", keys[0])).bind(values[0].clone());
            }
            sql.push(&format!(" AND ({}, id) {comparison} (", keys.join(", ")));
            for value in values.drain(..) {
                sql.bind(value).push(", ");
            }
            sql.bind(cursor.id).push(")");
        }
    }

    fn push_order(&self, sql: &mut Sql, keys: &[&str]) {
        sql.push(&order_by(self.order, keys));
    }
}

/// The names of an order's keys.
pub(super) fn names(field: OrderField) -> Vec<&'static str> {
    ["k0", "k1"][..field.keys(true).len()].to_vec()
}

/// ` ORDER BY …` the keys, then the id.
fn order_by(order: Order, keys: &[&str]) -> String {
    let direction = order.direction();
    let keys: Vec<_> = keys.iter().map(|key| format!("{key} {direction}, ")).collect();
    format!(" ORDER BY {}id {direction}", keys.concat())
}

/// Adds ` ORDER BY` the keys of the table `page`.
pub(super) fn push_page_order(sql: &mut Sql, order: Order) {
    let direction = order.direction();
    sql.push(" ORDER BY ");
    for name in names(order.field) {
        sql.push(&format!("page.{name} {direction}, "));
    }
    sql.push(&format!("page.id {direction}"));
}

/// Adds a limit, as text: PostgreSQL would plan a statement with a parameter in its place anew
/// each time, which takes longer than to run it.
pub(super) fn push_limit(sql: &mut Sql, limit: i64, offset: i64) {
    sql.push(&format!(" LIMIT {limit}"));
    if offset > 0 {
        sql.push(" OFFSET ").bind(offset);
    }
}
