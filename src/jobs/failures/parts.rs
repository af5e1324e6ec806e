//! Reading failure groups: their counts, dates and acknowledgements by configuration, days and samples.

use std::collections::HashMap;

use entity::{Columns, Timestamp, job, job_run};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::NONE;
use super::counts::push_counted;
use crate::db::Sql;
use crate::jobs::rows;
use crate::jobs::scope::Scope;

/// A failure group, as much of it as a scope has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: Uuid,
    pub title: String,
    /// The most jobs first.
    pub parts: Vec<Part>,
}

/// The failures of a group in one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `None` for jobs without a configuration.
    pub configuration_id: Option<Uuid>,
    /// How many jobs are failed of it.
    pub jobs: i64,
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
    /// `None` if it is not acknowledged, or has failed since.
    pub acknowledgement: Option<Acknowledged>,
}

/// That someone knows of the failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub at: Timestamp,
    pub by: String,
    pub note: Option<String>,
}

impl Group {
    pub fn jobs(&self) -> i64 {
        self.parts.iter().map(|part| part.jobs).sum()
    }

    pub fn first_seen(&self) -> Option<Timestamp> {
        self.parts.iter().filter_map(|part| part.first_seen).min()
    }

    pub fn last_seen(&self) -> Option<Timestamp> {
        self.parts.iter().filter_map(|part| part.last_seen).max()
    }

    /// The newest acknowledgement, if all configurations that have failed jobs are acknowledged; without
    /// failed jobs, if all are.
    pub fn acknowledgement(&self) -> Option<&Acknowledged> {
        let has_jobs = self.jobs() > 0;
        let parts = || self.parts.iter().filter(|part| part.jobs > 0 || !has_jobs);
        if parts().any(|part| part.acknowledgement.is_none()) {
            return None;
        }
        parts().filter_map(|part| part.acknowledgement.as_ref()).max_by_key(|known| known.at)
    }
}

/// The groups with these ids that have failures in the scope.
pub async fn by_ids(
    db: &impl ConnectionTrait,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Group>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("WITH ");
    push_counted(&mut sql, scope, Some(ids));
    sql.push(
        " SELECT g.id, g.title, configuration_id, jobs, first_seen, last_seen, is_acknowledged, \
         acknowledged_date, acknowledged_by, acknowledged_note \
         FROM counted JOIN failure_group AS g ON g.id = counted.group_id \
         ORDER BY jobs DESC, configuration_id",
    );
    let mut groups = HashMap::<Uuid, Group>::new();
    for row in sql.all(db).await? {
        let id = row.try_get_by_index(0)?;
        let configuration: Uuid = row.try_get_by_index(2)?;
        let is_acknowledged = row.try_get_by_index::<i32>(6)? == 1;
        let acknowledged = (
            row.try_get_by_index::<Option<Timestamp>>(7)?,
            row.try_get_by_index::<Option<String>>(8)?,
        );
        let part = Part {
            configuration_id: Some(configuration).filter(|id| *id != NONE),
            jobs: row.try_get_by_index(3)?,
            first_seen: row.try_get_by_index(4)?,
            last_seen: row.try_get_by_index(5)?,
            acknowledgement: match acknowledged {
                (Some(at), Some(by)) if is_acknowledged => {
                    Some(Acknowledged { at, by, note: row.try_get_by_index(9)? })
                }
                _ => None,
            },
        };
        let title = row.try_get_by_index(1)?;
        let group = groups.entry(id).or_insert_with(|| Group { id, title, parts: Vec::new() });
        group.parts.push(part);
    }
    Ok(groups)
}

/// The number of failed runs of each of these groups by day, from this moment on, the oldest first. Days
/// without are left out.
pub async fn days(
    db: &impl ConnectionTrait,
    scope: &Scope,
    ids: &[Uuid],
    from: Timestamp,
) -> Result<HashMap<Uuid, Vec<(Timestamp, i64)>>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT group_id, day, CAST(sum(failures) AS bigint) FROM (")
        .push("SELECT group_id, day, failures FROM failure_group_day WHERE group_id")
        .any_uuid(ids)
        .push(" AND day >= ")
        .bind(from);
    scope.push(&mut sql, "configuration_id");
    if sql.is_postgres() {
        const DAY: &str = "date_trunc('day', failed AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'";
        sql.push(&format!(
            " UNION ALL SELECT group_id, {DAY}, failures FROM failure_group_delta WHERE group_id"
        ))
        .any_uuid(ids)
        .push(&format!(" AND {DAY} >= "))
        .bind(from);
        scope.push(&mut sql, "configuration_id");
    }
    sql.push(") AS days GROUP BY group_id, day HAVING sum(failures) > 0 ORDER BY day");
    let mut days = HashMap::<Uuid, Vec<(Timestamp, i64)>>::new();
    for row in sql.all(db).await? {
        let day = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        days.entry(row.try_get_by_index(0)?).or_default().push(day);
    }
    Ok(days)
}

/// The message of the newest of the scope's jobs of each of these groups.
pub async fn samples(
    db: &impl ConnectionTrait,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, String>, DbErr> {
    let columns = Columns::none().with(job::Column::CurrentRunId);
    let newest = rows::newest_failed(db, scope, ids, columns).await?;
    let runs: HashMap<Uuid, Uuid> = newest
        .into_iter()
        .filter_map(|(group, jobs)| Some((jobs.first()?.current_run_id?, group)))
        .collect();
    let run_ids: Vec<_> = runs.keys().copied().collect();
    let message = Columns::none().with(job_run::Column::AgentResultMessage);
    let messages = rows::by_ids::<job_run::Entity>(db, scope, &run_ids, message).await?;
    let sample =
        |(run, row): (Uuid, job_run::Model)| Some((*runs.get(&run)?, row.agent_result_message?));
    Ok(messages.into_iter().filter_map(sample).collect())
}
