//! What the tables' rows count as: the same as the triggers of the migration append.

use entity::JobState;
use uuid::Uuid;

use super::event::{Event, REMOVED};
use crate::db::Sql;
use crate::jobs::states::quoted;

const HOUR_SQLITE: &str =
    "coalesce((MOMENT - ((MOMENT % 3600000000) + 3600000000) % 3600000000) / 3600000000, 0)";
const HOUR_POSTGRES: &str = "CASE WHEN isfinite(MOMENT) \
     THEN CAST(floor(extract(epoch FROM MOMENT) / 3600) AS bigint) ELSE 0 END";

const BETWEEN_SQLITE: &str = "(TO_MOMENT - FROM_MOMENT) / 1000";
const BETWEEN_POSTGRES: &str = "CASE WHEN isfinite(FROM_MOMENT) AND isfinite(TO_MOMENT) \
     THEN CAST(trunc(extract(epoch FROM TO_MOMENT - FROM_MOMENT) * 1000) AS bigint) END";

/// Adds the columns of events of all finished jobs, or runs, without the change, and what follows in the
/// select list; a further condition may follow. Jobs are `j` and runs `r`.
pub fn push(sql: &mut Sql, of_jobs: bool, rest: &str) {
    let (hour, between, no_uuid, no_number) = if sql.is_postgres() {
        (HOUR_POSTGRES, BETWEEN_POSTGRES, "CAST(NULL AS uuid)", "CAST(NULL AS bigint)")
    } else {
        (HOUR_SQLITE, BETWEEN_SQLITE, "NULL", "NULL")
    };
    let hour = |moment: &str| hour.replace("MOMENT", moment);
    let between =
        |start: &str, end: &str| between.replace("FROM_MOMENT", start).replace("TO_MOMENT", end);
    let finished = quoted(JobState::ALL.iter().filter(|state| state.is_terminal()));
    if of_jobs {
        let hour = hour("coalesce(j.update_date, j.created_date)");
        sql.push(&format!(
            "j.configuration_id, j.name, {no_uuid}, j.state, true, {hour}, {no_number}, {no_number}, \
             {no_number}, {no_number}{rest} FROM job AS j WHERE j.state IN ({finished})"
        ));
        return;
    }
    let hour =
        hour("coalesce(r.agent_end_time, r.update_date, r.agent_start_time, r.agent_queued_date)");
    let wait = between("r.agent_queued_date", "r.agent_start_time");
    let duration = between("r.agent_start_time", "r.agent_end_time");
    sql.push(&format!(
        "j.configuration_id, j.name, r.agent_id, r.agent_state, false, {hour}, \
         coalesce(r.agent_elapsed_queued_time, {wait}), \
         coalesce(r.agent_elapsed_execution_time, {duration}), r.agent_tasks_completed_count, \
         r.agent_clues_completed_count{rest} FROM job_run AS r JOIN job AS j ON j.id = r.job_id \
         WHERE r.agent_state IN ({finished})"
    ));
}

/// Statements that keep in the statistics what these jobs and their runs count as, for when they are removed.
pub fn keep(backend: sea_orm::DbBackend, job_ids: &[Uuid]) -> [Sql; 2] {
    [false, true].map(|of_jobs| {
        let mut sql = Sql::new(backend);
        sql.push(&format!(
            "INSERT INTO job_statistics_event ({}) SELECT {REMOVED}, ",
            Event::COLUMNS
        ));
        push(&mut sql, of_jobs, "");
        sql.push(" AND j.id").any_uuid(job_ids);
        sql
    })
}
