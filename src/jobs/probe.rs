//! Probes: reading the jobs that meet a condition from the condition's own index, where the list's
//! order has another.
//!
//! Which of the two is better depends on how many jobs match. A probe reads at most [`ROWS`] of them and
//! so finds out. If there are no more, they are all: what else the list asks for is checked on them, and
//! they are sorted. If there are more, every few hundred jobs one meets the condition, and a page is soon
//! found in the list's order.

use super::conditions::Conditions;
use super::list::Part;
use super::order::OrderField;
use crate::db::Sql;

/// The most jobs that a probe reads: of a million, those beyond are one in 200.
const ROWS: i64 = 5_000;

/// The jobs that meet one condition.
pub(super) struct Probe<'a> {
    /// They are read one after the other.
    pub scans: Vec<Scan<'a>>,
}

/// One scan of an index.
pub(super) enum Scan<'a> {
    Jobs {
        /// The order that the index has, so that the databases take no other.
        order: Box<dyn Fn(bool) -> String + 'a>,
        /// Adds the conditions, each after an ` AND `.
        push: Box<dyn Fn(&mut Sql) + 'a>,
    },
    /// The runs whose processing state meets a condition. Their jobs are looked up.
    Runs(String),
}

impl<'a> Scan<'a> {
    /// The jobs of a part of the list, by creation.
    pub fn of_part(conditions: &'a Conditions, part: Part<'a>) -> Self {
        Self::Jobs {
            order: Box::new(|_| "created_date DESC, id DESC".to_owned()),
            push: Box::new(move |sql| conditions.push_bounds(sql, &part, OrderField::CreatedDate)),
        }
    }
}

impl Probe<'_> {
    /// Adds a query for the `id`, `keys` and `matches` of the jobs, the latter by a condition, if the
    /// `gate` is open.
    pub fn push(&self, sql: &mut Sql, keys: &str, gate: &str, push_matches: impl Fn(&mut Sql)) {
        for (number, scan) in self.scans.iter().enumerate() {
            if number > 0 {
                sql.push(" UNION ALL ");
            }
            sql.push(&format!("SELECT * FROM (SELECT id, {keys}, (true"));
            push_matches(sql);
            match scan {
                Scan::Jobs { order, push } => {
                    sql.push(") AS matches FROM job WHERE true");
                    push(sql);
                    let order = order(sql.is_postgres());
                    sql.push(&format!("{gate} ORDER BY {order} LIMIT {}) AS scan", ROWS + 1));
                }
                Scan::Runs(condition) => {
                    sql.push(&format!(
                        " AND current_run_id = run_id) AS matches FROM (SELECT job_id, id AS run_id \
                         FROM job_run WHERE {condition}{gate} \
                         ORDER BY processing_state, job_id, id LIMIT {}) AS runs",
                        ROWS + 1
                    ));
                    // The order of the join is given, or the databases may read all jobs.
                    sql.push_either(
                        " CROSS JOIN job WHERE job.id = runs.job_id) AS scan",
                        " CROSS JOIN LATERAL (SELECT * FROM job WHERE job.id = runs.job_id OFFSET 0) \
                         AS job) AS scan",
                    );
                }
            }
        }
        if self.scans.len() > 1 {
            sql.push(&format!(" LIMIT {}", ROWS + 1));
        }
    }

    /// The condition that a probe has read all jobs that meet its condition.
    pub fn is_complete(number: usize) -> String {
        format!(" AND (SELECT count(*) FROM probe{number}) <= {ROWS}")
    }

    /// The condition that there are more jobs than a probe reads.
    pub fn has_more(number: usize) -> String {
        format!(" AND (SELECT count(*) FROM probe{number}) > {ROWS}")
    }
}
