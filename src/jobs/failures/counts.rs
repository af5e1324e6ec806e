//! The counts of failure groups: reading the counters that triggers keep, folding, checking and
//! rebuilding them.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use uuid::Uuid;

use super::NONE;
use crate::db::{Db, Sql};
use crate::jobs::scope::Scope;

/// Adds the rows `state, n` that make up the counts of a scope's jobs in a group, which are all failed.
pub fn push_rows(sql: &mut Sql, scope: &Scope, group: Uuid) {
    sql.push("SELECT 'Failed' AS state, jobs AS n FROM failure_group_count WHERE group_id = ");
    sql.bind(group);
    scope.push(sql, "configuration_id");
    if sql.is_postgres() {
        sql.push(" UNION ALL SELECT 'Failed', jobs FROM failure_group_delta WHERE group_id = ");
        sql.bind(group);
        scope.push(sql, "configuration_id");
    }
}

/// Adds the table `counted` of the scope's counters, deltas included: a row for each group and
/// configuration that has failures, with whether it is acknowledged. `groups` limits it to these.
pub(super) fn push_counted(sql: &mut Sql, scope: &Scope, groups: Option<&[Uuid]>) {
    let push_where = |sql: &mut Sql| {
        sql.push(" WHERE true");
        if let Some(groups) = groups {
            sql.push(" AND group_id").any_uuid(groups);
        }
        scope.push(sql, "configuration_id");
    };
    sql.push(
        "counted AS (SELECT group_id, configuration_id, jobs, failures, first_seen, last_seen, \
         acknowledged_date, acknowledged_by, acknowledged_note, \
         CASE WHEN acknowledged_date IS NOT NULL AND (last_seen IS NULL \
         OR last_seen <= acknowledged_until) THEN 1 ELSE 0 END AS is_acknowledged FROM (",
    );
    if sql.is_postgres() {
        sql.push(
            "SELECT group_id, configuration_id, CAST(sum(jobs) AS bigint) AS jobs, \
             CAST(sum(failures) AS bigint) AS failures, min(first_seen) AS first_seen, \
             max(last_seen) AS last_seen, max(acknowledged_date) AS acknowledged_date, \
             max(acknowledged_until) AS acknowledged_until, max(acknowledged_by) AS acknowledged_by, \
             max(acknowledged_note) AS acknowledged_note FROM (\
             SELECT group_id, configuration_id, jobs, failures, first_seen, last_seen, \
             acknowledged_date, acknowledged_until, acknowledged_by, acknowledged_note \
             FROM failure_group_count",
        );
        push_where(sql);
        sql.push(
            " UNION ALL SELECT group_id, configuration_id, jobs, failures, \
             CASE WHEN failures > 0 THEN failed END, CASE WHEN failures > 0 THEN seen END, \
             NULL, NULL, NULL, NULL FROM failure_group_delta",
        );
        push_where(sql);
        sql.push(") AS rows GROUP BY group_id, configuration_id");
    } else {
        sql.push("SELECT * FROM failure_group_count");
        push_where(sql);
    }
    sql.push(") AS summed WHERE failures > 0 OR jobs > 0)");
}

/// Folds what PostgreSQL's triggers appended into the counters' rows, unless another process is
/// at it. Counts read the same before and after. Nothing to do on SQLite.
pub async fn fold(db: &Db) -> Result<(), DbErr> {
    if db.backend() != DbBackend::Postgres {
        return Ok(());
    }
    let mut sql = Sql::new(db.backend());
    // "agentfgc": the advisory lock's key.
    sql.push(
        "WITH gone AS (
           DELETE FROM failure_group_delta
           WHERE pg_try_advisory_xact_lock(7018690069353883491) RETURNING *
         ), counted AS (
           INSERT INTO failure_group_count AS c
             (group_id, configuration_id, jobs, failures, first_seen, last_seen)
           SELECT group_id, configuration_id, sum(jobs), sum(failures),
             min(failed) FILTER (WHERE failures > 0), max(seen) FILTER (WHERE failures > 0)
           FROM gone GROUP BY 1, 2 ORDER BY 1, 2
           ON CONFLICT (group_id, configuration_id) DO UPDATE SET jobs = c.jobs + excluded.jobs,
             failures = c.failures + excluded.failures,
             first_seen = least(c.first_seen, excluded.first_seen),
             last_seen = greatest(c.last_seen, excluded.last_seen)
         ), days AS (
           INSERT INTO failure_group_day AS d (group_id, configuration_id, day, failures)
           SELECT group_id, configuration_id,
             date_trunc('day', failed AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', sum(failures)
           FROM gone WHERE failures <> 0 AND failed IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 3, 2
           ON CONFLICT (group_id, day, configuration_id)
             DO UPDATE SET failures = d.failures + excluded.failures
         )
         SELECT count(*) FROM gone",
    );
    let folded: i64 = match sql.one(db.writer()).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    // A count reads the table through, the space of removed rows included.
    if folded > 1000 {
        db.writer().execute_unprepared("VACUUM failure_group_delta").await?;
    }
    Ok(())
}

/// A counter of a group that differs from the jobs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift {
    pub group_id: Uuid,
    /// [`NONE`] for jobs without a configuration.
    pub configuration_id: Uuid,
    pub counter: i64,
    pub jobs: i64,
}

/// Which group a job is to have.
const DERIVED: &str = "CASE WHEN job.state = 'Failed' THEN \
     (SELECT r.failure_group_id FROM job_run AS r WHERE r.id = job.current_run_id) END";

/// Compares the numbers of jobs with the jobs' current runs, which takes a look at every job.
pub async fn verify(db: &Db) -> Result<Vec<Drift>, DbErr> {
    fold(db).await?;
    let mut sql = Sql::new(db.backend());
    sql.push(
        "SELECT group_id, configuration_id, CAST(sum(counter) AS bigint), CAST(sum(n) AS bigint) ",
    )
    .push(
        "FROM (SELECT group_id, configuration_id, jobs AS counter, 0 AS n FROM failure_group_count",
    );
    if sql.is_postgres() {
        sql.push(" UNION ALL SELECT group_id, configuration_id, jobs, 0 FROM failure_group_delta");
    }
    sql.push(" UNION ALL SELECT derived.group_id, derived.configuration_id, 0, 1 FROM (SELECT ")
        .push(&format!("{DERIVED} AS group_id, coalesce(configuration_id, "))
        .bind(NONE)
        .push(") AS configuration_id FROM job) AS derived WHERE derived.group_id IS NOT NULL")
        .push(") AS summed GROUP BY 1, 2 HAVING sum(counter) <> sum(n) ORDER BY 1, 2");
    let drift = |row: &sea_orm::QueryResult| {
        Ok(Drift {
            group_id: row.try_get_by_index(0)?,
            configuration_id: row.try_get_by_index(1)?,
            counter: row.try_get_by_index(2)?,
            jobs: row.try_get_by_index(3)?,
        })
    };
    sql.all(db.reader()).await?.iter().map(drift).collect()
}

/// Gives every job the group of its current run and counts the jobs anew. Writers wait until it is done.
/// The failures of days that are gone stay as they were counted.
pub async fn rebuild(db: &Db) -> Result<(), DbErr> {
    let transaction = db.begin_write().await?;
    if db.backend() == DbBackend::Postgres {
        transaction
            .execute_unprepared("LOCK TABLE job_run, job IN SHARE ROW EXCLUSIVE MODE")
            .await?;
    }
    let distinct = if db.backend() == DbBackend::Postgres { "IS DISTINCT FROM" } else { "IS NOT" };
    transaction
        .execute_unprepared(&format!(
            "UPDATE job SET failure_group_id = {DERIVED} WHERE failure_group_id {distinct} {DERIVED}"
        ))
        .await?;
    if db.backend() == DbBackend::Postgres {
        transaction.execute_unprepared("UPDATE failure_group_delta SET jobs = 0").await?;
    }
    transaction.execute_unprepared("UPDATE failure_group_count SET jobs = 0").await?;
    let mut sql = Sql::new(db.backend());
    sql.push("INSERT INTO failure_group_count (group_id, configuration_id, jobs) ")
        .push("SELECT failure_group_id, coalesce(configuration_id, ")
        .bind(NONE)
        .push("), count(*) FROM job WHERE failure_group_id IS NOT NULL GROUP BY 1, 2 ")
        .push("ON CONFLICT (group_id, configuration_id) DO UPDATE SET jobs = excluded.jobs");
    sql.execute(&transaction).await?;
    transaction.commit().await
}
