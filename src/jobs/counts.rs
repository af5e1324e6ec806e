//! How many jobs there are of each state, from the counters that the database keeps (see the
//! migration that makes them). No `count(*)` over jobs answers a request.

use std::collections::HashMap;

use entity::JobState;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};
use uuid::Uuid;

use super::scope::Scope;
use crate::db::{Db, Sql};

/// What the counters call all configurations together.
pub const ALL: Uuid = Uuid::max();

/// The numbers of jobs by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([i64; JobState::ALL.len()]);

impl Counts {
    pub fn of(&self, state: JobState) -> i64 {
        self.0[index(state)]
    }

    pub fn total(&self) -> i64 {
        self.0.iter().sum()
    }

    fn add(&mut self, state: JobState, n: i64) {
        self.0[index(state)] += n;
    }
}

fn index(state: JobState) -> usize {
    JobState::ALL.iter().position(|each| *each == state).expect("ALL has every state")
}

/// Adds the rows `state, n` that make up the counts of a scope's jobs.
pub(super) fn push_rows(sql: &mut Sql, scope: &Scope) {
    sql.push("SELECT state, n FROM job_count WHERE ");
    match scope {
        Scope::All => _ = sql.push("configuration_id = ").bind(ALL),
        Scope::Only(_) => {
            sql.push("configuration_id <> ").bind(ALL);
            scope.push(sql, "configuration_id");
        }
    }
    if sql.is_postgres() {
        sql.push(" UNION ALL SELECT state, n FROM job_count_delta WHERE true");
        scope.push(sql, "configuration_id");
    }
}

/// The counts of the scope's jobs, or of those of one configuration within it.
pub async fn read(
    db: &impl ConnectionTrait,
    scope: &Scope,
    configuration_id: Option<Uuid>,
) -> Result<Counts, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT state, CAST(sum(n) AS bigint) FROM (");
    push_rows(&mut sql, &scope.narrowed(configuration_id));
    sql.push(") AS counts GROUP BY state");
    let mut counts = Counts::default();
    for row in sql.all(db).await? {
        counts.add(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    Ok(counts)
}

/// The counts of each of these configurations that the scope has. One without jobs is not in the
/// map.
pub async fn by_configuration(
    db: &impl ConnectionTrait,
    scope: &Scope,
    configuration_ids: &[Uuid],
) -> Result<HashMap<Uuid, Counts>, DbErr> {
    let seen = |id: &&Uuid| scope.sees(Some(**id));
    let configuration_ids: Vec<_> = configuration_ids.iter().filter(seen).copied().collect();
    let configuration_ids = configuration_ids.as_slice();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT configuration_id, state, CAST(sum(n) AS bigint) FROM (")
        .push("SELECT configuration_id, state, n FROM job_count WHERE configuration_id")
        .any_uuid(configuration_ids);
    if sql.is_postgres() {
        sql.push(" UNION ALL SELECT configuration_id, state, n FROM job_count_delta")
            .push(" WHERE configuration_id")
            .any_uuid(configuration_ids);
    }
    sql.push(") AS counts GROUP BY configuration_id, state");
    let mut counts = HashMap::<Uuid, Counts>::new();
    for row in sql.all(db).await? {
        counts
            .entry(row.try_get_by_index(0)?)
            .or_default()
            .add(row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    }
    Ok(counts)
}

/// Folds what PostgreSQL's triggers appended into the counters' rows, unless another process is
/// at it. Counts read the same before and after. Nothing to do on SQLite.
pub async fn fold(db: &Db) -> Result<(), DbErr> {
    if db.backend() != DbBackend::Postgres {
        return Ok(());
    }
    let mut sql = Sql::new(db.backend());
    // "agentjoc": the advisory lock's key. The rows of ALL take all deltas.
    sql.push(
        "WITH gone AS (
           DELETE FROM job_count_delta
           WHERE pg_try_advisory_xact_lock(7017280452178374499) RETURNING configuration_id, state, n
         ), folded AS (
           INSERT INTO job_count (configuration_id, state, n)
           SELECT configuration_id, state, sum(n) FROM (
             SELECT configuration_id, state, n FROM gone WHERE configuration_id IS NOT NULL
             UNION ALL
             SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff', state, n FROM gone
           ) AS deltas GROUP BY 1, 2 ORDER BY 1, 2
           ON CONFLICT (configuration_id, state) DO UPDATE SET n = job_count.n + excluded.n
         )
         SELECT count(*) FROM gone",
    );
    let folded: i64 = match sql.one(db.writer()).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    // A count reads the table through, the space of removed rows included.
    if folded > 1000 {
        db.writer().execute_unprepared("VACUUM job_count_delta").await?;
    }
    Ok(())
}

/// A counter that differs from the jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// [`ALL`] for all configurations.
    pub configuration_id: Uuid,
    pub state: String,
    pub counter: i64,
    pub jobs: i64,
}

fn push_recount(sql: &mut Sql) {
    sql.push(
        "SELECT configuration_id, state, count(*) FROM job \
         WHERE configuration_id IS NOT NULL GROUP BY 1, 2 UNION ALL SELECT ",
    )
    .bind(ALL)
    .push(", state, count(*) FROM job GROUP BY 2");
}

/// Compares the counters with the jobs, which takes a look at every job.
pub async fn verify(db: &Db) -> Result<Vec<Drift>, DbErr> {
    fn fill(rows: &[QueryResult]) -> Result<HashMap<(Uuid, String), i64>, DbErr> {
        rows.iter()
            .map(|row| {
                Ok(((row.try_get_by_index(0)?, row.try_get_by_index(1)?), row.try_get_by_index(2)?))
            })
            .collect()
    }
    fold(db).await?;
    let snapshot = db.begin_snapshot().await?;
    let mut sql = Sql::new(db.backend());
    sql.push("SELECT configuration_id, state, CAST(sum(n) AS bigint) FROM (")
        .push("SELECT configuration_id, state, n FROM job_count");
    if sql.is_postgres() {
        sql.push(
            " UNION ALL SELECT configuration_id, state, n FROM job_count_delta \
             WHERE configuration_id IS NOT NULL \
             UNION ALL SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff', state, n FROM job_count_delta",
        );
    }
    sql.push(") AS counts GROUP BY 1, 2");
    let counters = fill(&sql.all(&snapshot).await?)?;
    let mut sql = Sql::new(db.backend());
    push_recount(&mut sql);
    let mut jobs = fill(&sql.all(&snapshot).await?)?;
    snapshot.rollback().await?;

    let mut drifts: Vec<_> = counters
        .into_iter()
        .map(|(key, counter)| {
            let jobs = jobs.remove(&key).unwrap_or(0);
            (key, counter, jobs)
        })
        .collect();
    drifts.extend(jobs.into_iter().map(|(key, jobs)| (key, 0, jobs)));
    drifts.retain(|(_, counter, jobs)| counter != jobs);
    drifts.sort();
    Ok(drifts
        .into_iter()
        .map(|((configuration_id, state), counter, jobs)| Drift {
            configuration_id,
            state,
            counter,
            jobs,
        })
        .collect())
}

/// Counts all jobs anew, for databases that were restored or written around the triggers.
/// Writers wait until it is done.
pub async fn rebuild(db: &Db) -> Result<(), DbErr> {
    let transaction = db.begin_write().await?;
    if db.backend() == DbBackend::Postgres {
        transaction
            .execute_unprepared(
                "LOCK TABLE job IN SHARE ROW EXCLUSIVE MODE; DELETE FROM job_count_delta",
            )
            .await?;
    }
    transaction.execute_unprepared("DELETE FROM job_count").await?;
    let mut sql = Sql::new(db.backend());
    sql.push("INSERT INTO job_count (configuration_id, state, n) ");
    push_recount(&mut sql);
    sql.execute(&transaction).await?;
    transaction.commit().await
}
