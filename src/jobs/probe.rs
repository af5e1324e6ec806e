//! Probes: reading the jobs that meet a condition from the condition's own index, where the list's
//! order has another.
//!
//! Which of the two is better depends on how many jobs match. A probe reads at most [`ROWS`] of them and
//! so finds out. If there are no more, they are all: what else the list asks for is checked on them, and
//! they are sorted. If there are more, every few hundred jobs one meets the condition, and a page is soon
//! found in the list's order.

use super::search;
use crate::db::Sql;

/// The most jobs that a probe reads, all over the table. If more of a million match, it is one in 500 or
/// more, so that a page of 20 takes 10,000 in the list's order at most, which are side by side as a rule.
const ROWS: i64 = 2_000;

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
    /// The jobs with one of the names that contain a text.
    Names(&'a str),
}

/// The most names that are looked through. Their jobs are not found so if there are more.
const NAMES: i64 = 2_000;

/// The names of jobs, each once: from each the index leads to the next. One more than are looked through.
const KNOWN_NAMES: &str = "names(known_name) AS (SELECT * FROM (SELECT coalesce(name, '') FROM job \
     ORDER BY coalesce(name, ''), id LIMIT 1) AS first_name UNION ALL \
     SELECT (SELECT coalesce(job.name, '') FROM job WHERE coalesce(job.name, '') > names.known_name \
       ORDER BY coalesce(job.name, ''), job.id LIMIT 1) FROM names WHERE names.known_name IS NOT NULL), \
     known_names AS MATERIALIZED (SELECT known_name FROM names WHERE known_name IS NOT NULL LIMIT ";

impl Probe<'_> {
    /// Adds a query for the `id`, `keys` and `matches` of the jobs, the latter by a condition, if the
    /// `gate` is open.
    fn push(&self, sql: &mut Sql, keys: &str, gate: &str, push_matches: impl Fn(&mut Sql)) {
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
                Scan::Names(text) => {
                    sql.push(") AS matches FROM (SELECT known_name FROM known_names WHERE ");
                    search::push_contains(sql, "known_name", text);
                    sql.push(&format!(" AND (SELECT count(*) FROM known_names) <= {NAMES}{gate}"));
                    sql.push(") AS matching").push_either(
                        " CROSS JOIN job WHERE coalesce(job.name, '') = known_name",
                        " CROSS JOIN LATERAL (SELECT * FROM job \
                         WHERE coalesce(job.name, '') = known_name OFFSET 0) AS job",
                    );
                    sql.push(&format!(" LIMIT {}) AS scan", ROWS + 1));
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

    fn has_names(&self) -> bool {
        self.scans.iter().any(|scan| matches!(scan, Scan::Names(_)))
    }

    /// The condition that the probe, which has this number, has read all jobs that meet its condition.
    pub fn is_complete(&self, number: usize) -> String {
        let mut all = format!(" AND (SELECT count(*) FROM probe{number}) <= {ROWS}");
        if self.has_names() {
            all.push_str(&format!(" AND (SELECT count(*) FROM known_names) <= {NAMES}"));
        }
        all
    }

    /// The condition that there are more jobs than it reads, where `gate` says whether it was begun.
    fn has_more(&self, number: usize, gate: &str) -> String {
        let more = format!("(SELECT count(*) FROM probe{number}) > {ROWS}");
        if self.has_names() {
            format!("{gate} AND ({more} OR (SELECT count(*) FROM known_names) > {NAMES})")
        } else {
            format!(" AND {more}")
        }
    }

    /// Adds `WITH probe0 AS (…), …`, each with the `keys` and with whether it `matches`: one runs if the one
    /// before it has more jobs than it reads. Returns the condition that the last one has.
    pub fn push_all(
        probes: &[Self],
        sql: &mut Sql,
        keys: &str,
        push_matches: impl Fn(&mut Sql),
    ) -> String {
        let mut gate = String::new();
        for (number, probe) in probes.iter().enumerate() {
            sql.push(if number == 0 { "WITH RECURSIVE " } else { ", " });
            if probe.has_names() {
                sql.push(&format!("{KNOWN_NAMES}{}), ", NAMES + 1));
            }
            sql.push(&format!("probe{number} AS MATERIALIZED ("));
            probe.push(sql, keys, &gate, &push_matches);
            sql.push(")");
            gate = probe.has_more(number, &gate);
        }
        if !probes.is_empty() {
            sql.push(" ");
        }
        gate
    }
}
