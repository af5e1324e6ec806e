//! What lists find and sort jobs by of their current runs, copied into the jobs by triggers: right for
//! every writer, and read from one index.
//!
//! `agent_id` and `started_date` are the run's. `finished_date` is the run's end or, if that is not
//! known, the last change of the job; `duration` is how long the run's agent worked, in milliseconds.
//! Both are null unless the job is finished. `clues_missing`: the run's processing has ended, and
//! received fewer clues than the agent submitted.
//!
//! Progress of a run, which is nearly all that is written, changes none of them: the triggers on runs
//! have conditions that it does not meet, and touch the job only if a copy differs.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::sql::Null::{NoDefault, Yes};
use crate::sql::Type::{Bool, Long, Time, Uuid};
use crate::sql::{add_column, run, run_either};

#[derive(DeriveMigrationName)]
pub struct Migration;

const FINISHED: &str = "('Completed', 'Cancelled', 'Failed')";
const PROCESSED: &str = "('Completed', 'Failed')";

/// In the place of a null in indexes, so that a list has one order: the earliest moment that PostgreSQL
/// knows, and a duration below all that are shown.
const NO_TIME_SQLITE: &str = "-210866803200000000";
const NO_TIME_POSTGRES: &str = "'4714-11-24 00:00:00+00 BC'::timestamptz";
const NO_DURATION: &str = "-9007199254740992";

/// Of a run `r`.
const DURATION_SQLITE: &str =
    "coalesce(r.agent_elapsed_execution_time, (r.agent_end_time - r.agent_start_time) / 1000)";
const DURATION_POSTGRES: &str = "coalesce(r.agent_elapsed_execution_time, \
     CAST(trunc(extract(epoch FROM r.agent_end_time - r.agent_start_time) * 1000) AS bigint))";
const CLUES_MISSING: &str = "coalesce(r.processing_state IN ('Completed', 'Failed') \
     AND r.processing_tasks_received_clues_count < r.agent_clues_completed_count, false)";

/// The columns of a run that decide what its job copies.
const OF_RUN: &str = "agent_id, agent_state, agent_start_time, agent_end_time, \
     agent_elapsed_execution_time, processing_state, processing_tasks_received_clues_count, \
     agent_clues_completed_count";

const INDEXES: [(&str, &str); 9] = [
    ("job_by_agent", "job (agent_id, created_date, id) WHERE agent_id IS NOT NULL"),
    ("job_by_started", "job ((coalesce(started_date, NO_TIME)), id)"),
    ("job_by_finished", "job ((coalesce(finished_date, NO_TIME)), id)"),
    ("job_by_duration", "job ((coalesce(duration, NO_DURATION)), id)"),
    ("job_by_priority", "job (priority, created_date, id)"),
    ("job_by_due_date", "job ((coalesce(scheduled_date, created_date)), id)"),
    ("job_by_scheduled", "job (scheduled_date, id) WHERE scheduled_date IS NOT NULL"),
    ("job_by_clues_missing", "job (created_date, id) WHERE clues_missing"),
    // Dates that come before the job's creation, by clocks that differ: few. All others are bounded
    // by the creation date, so that lists in its order begin where the first can be.
    (
        "job_dated_before_creation",
        "job (created_date, id) WHERE started_date < created_date OR finished_date < created_date \
         OR update_date < created_date",
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_column(manager, "job", ("agent_id", Uuid, Yes)).await?;
        add_column(manager, "job", ("started_date", Time, Yes)).await?;
        add_column(manager, "job", ("finished_date", Time, Yes)).await?;
        add_column(manager, "job", ("duration", Long, Yes)).await?;
        add_column(manager, "job", ("clues_missing", Bool, NoDefault("false"))).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => postgres(manager).await?,
            _ => run(manager, &sqlite()).await?,
        }
        for (name, definition) in INDEXES {
            let index =
                format!("CREATE INDEX {name} ON {definition}").replace("NO_DURATION", NO_DURATION);
            run_either(
                manager,
                &index.replace("NO_TIME", NO_TIME_SQLITE),
                &index.replace("NO_TIME", NO_TIME_POSTGRES),
            )
            .await?;
        }
        // All states of processing, in place of the one that was thought to be rare.
        run(manager, "DROP INDEX job_run_by_failed_processing").await?;
        run(
            manager,
            "CREATE INDEX job_run_by_processing ON job_run (processing_state, job_id, id) \
             WHERE processing_state IS NOT NULL",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "DROP INDEX job_run_by_processing").await?;
        run(
            manager,
            "CREATE INDEX job_run_by_failed_processing ON job_run (job_id, id) \
             WHERE processing_state = 'Failed'",
        )
        .await?;
        for (name, _) in INDEXES {
            run(manager, &format!("DROP INDEX {name}")).await?;
        }
        let drop = if manager.get_database_backend() == DbBackend::Postgres {
            "DROP TRIGGER job_current_run ON job;
             DROP TRIGGER job_current_run_update ON job_run;
             DROP TRIGGER job_current_run_insert ON job_run;
             DROP TRIGGER job_current_run_delete ON job_run;
             DROP TRIGGER job_current_run_truncate ON job_run;
             DROP FUNCTION job_current_run;
             DROP FUNCTION job_current_run_updated;
             DROP FUNCTION job_current_run_inserted;
             DROP FUNCTION job_current_run_deleted;
             DROP FUNCTION job_current_run_truncated;"
        } else {
            "DROP TRIGGER job_current_run_of_insert;
             DROP TRIGGER job_current_run_of_update;
             DROP TRIGGER job_current_run_update;
             DROP TRIGGER job_current_run_insert;
             DROP TRIGGER job_current_run_delete;"
        };
        run(manager, drop).await?;
        for column in ["agent_id", "started_date", "finished_date", "duration", "clues_missing"] {
            run(manager, &format!("ALTER TABLE job DROP COLUMN {column}")).await?;
        }
        Ok(())
    }
}

/// Whether a change of a run concerns its job. The comparison is `IS NOT` or `IS DISTINCT FROM`.
fn concerns_job(is_not: &str) -> String {
    format!(
        "OLD.agent_id {is_not} NEW.agent_id OR OLD.agent_start_time {is_not} NEW.agent_start_time \
         OR OLD.agent_end_time {is_not} NEW.agent_end_time \
         OR (NEW.agent_state IN {FINISHED} AND (OLD.agent_state {is_not} NEW.agent_state \
           OR OLD.agent_elapsed_execution_time {is_not} NEW.agent_elapsed_execution_time)) \
         OR ((NEW.processing_state IN {PROCESSED} OR OLD.processing_state IN {PROCESSED}) \
           AND (OLD.processing_state {is_not} NEW.processing_state \
           OR OLD.processing_tasks_received_clues_count {is_not} NEW.processing_tasks_received_clues_count \
           OR OLD.agent_clues_completed_count {is_not} NEW.agent_clues_completed_count))"
    )
}

/// Whether a job, the row `j`, differs from its current run, the row `r`.
fn differs(duration: &str, is_not: &str) -> String {
    format!(
        "(j.agent_id {is_not} r.agent_id OR j.started_date {is_not} r.agent_start_time \
         OR j.clues_missing <> {CLUES_MISSING} OR (j.state IN {FINISHED} \
         AND (j.finished_date {is_not} coalesce(r.agent_end_time, j.update_date) \
           OR j.duration {is_not} {duration})))"
    )
}

fn sqlite() -> String {
    // A trigger cannot change the row that is written before it is, so that it writes the row again
    // where it differs. With the columns alone that are named, which spares the other indexes.
    let copies = |job: &str| {
        format!(
            "SELECT r.agent_id, r.agent_start_time, \
             CASE WHEN {job}.state IN {FINISHED} THEN coalesce(r.agent_end_time, {job}.update_date) END, \
             CASE WHEN {job}.state IN {FINISHED} THEN {DURATION_SQLITE} END, {CLUES_MISSING} \
             FROM (SELECT 1) LEFT JOIN job_run AS r ON r.id = {job}.current_run_id"
        )
    };
    let (of_new, of_job) = (copies("NEW"), copies("job"));
    let (concerns_job, differs) = (concerns_job("IS NOT"), differs(DURATION_SQLITE, "IS NOT"));
    let columns = "agent_id, started_date, finished_date, duration, clues_missing";
    let copy = format!(
        "WHEN (NEW.agent_id, NEW.started_date, NEW.finished_date, NEW.duration, NEW.clues_missing) \
         IS NOT ({of_new})\nBEGIN\n\
         UPDATE job SET ({columns}) = ({of_new}) WHERE id = NEW.id;\nEND;\n"
    );
    // An assignment of the run to itself makes the trigger on jobs copy.
    let again = "UPDATE job SET current_run_id = current_run_id";
    format!(
        "DROP TRIGGER job_change_update;\n\
         UPDATE job SET ({columns}) = ({of_job});\n\
         CREATE TRIGGER job_change_update AFTER update ON job BEGIN\n\
         INSERT INTO job_change (job_id) VALUES (NEW.id);\nEND;\n\
         CREATE TRIGGER job_current_run_of_insert AFTER INSERT ON job\n{copy}\
         CREATE TRIGGER job_current_run_of_update \
         AFTER UPDATE OF state, current_run_id, update_date, {columns} ON job\n{copy}\
         CREATE TRIGGER job_current_run_update AFTER UPDATE OF {OF_RUN} ON job_run\n\
         WHEN {concerns_job}\nBEGIN\n\
         {again} WHERE id = (SELECT j.id FROM job AS j JOIN job_run AS r ON r.id = j.current_run_id \
         WHERE j.id = NEW.job_id AND r.id = NEW.id AND {differs});\nEND;\n\
         CREATE TRIGGER job_current_run_insert AFTER INSERT ON job_run BEGIN\n\
         {again} WHERE id = NEW.job_id AND current_run_id = NEW.id;\nEND;\n\
         CREATE TRIGGER job_current_run_delete AFTER DELETE ON job_run BEGIN\n\
         {again} WHERE id = OLD.job_id AND current_run_id = OLD.id;\nEND;"
    )
}

async fn postgres(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // Other writers may have another search path, so the functions name the schema.
    let row = manager
        .get_connection()
        .query_one_raw(Statement::from_string(
            DbBackend::Postgres,
            "SELECT quote_ident(current_schema())",
        ))
        .await?
        .ok_or_else(|| DbErr::Custom("there is no current schema".to_owned()))?;
    let schema: String = row.try_get_by_index(0)?;
    // No run may be missed between the copies and the triggers.
    run(manager, "LOCK TABLE job, job_run IN SHARE ROW EXCLUSIVE MODE").await?;
    run(
        manager,
        &format!(
            "UPDATE job SET agent_id = r.agent_id, started_date = r.agent_start_time, \
             finished_date = CASE WHEN j.state IN {FINISHED} \
               THEN coalesce(r.agent_end_time, j.update_date) END, \
             duration = CASE WHEN j.state IN {FINISHED} THEN {DURATION_POSTGRES} END, \
             clues_missing = {CLUES_MISSING} \
             FROM job AS j LEFT JOIN job_run AS r ON r.id = j.current_run_id \
             WHERE job.id = j.id AND (r.id IS NOT NULL OR j.state IN {FINISHED})"
        ),
    )
    .await?;

    let is_not = "IS DISTINCT FROM";
    let differs = differs(DURATION_POSTGRES, is_not);
    // An assignment of the run to itself makes the trigger on jobs copy.
    let again = |from: &str, condition: &str| {
        format!(
            "UPDATE {schema}.job AS j SET current_run_id = j.current_run_id {from} \
             WHERE {condition}; RETURN NULL;"
        )
    };
    for (function, body, triggers) in [
        (
            "job_current_run",
            // A job without a run, or whose run is not there, has the nulls that INTO leaves.
            format!(
                "SELECT r.agent_id, r.agent_start_time, r.agent_end_time, {DURATION_POSTGRES}, \
                 {CLUES_MISSING} \
                 INTO NEW.agent_id, NEW.started_date, NEW.finished_date, NEW.duration, NEW.clues_missing \
                 FROM {schema}.job_run AS r WHERE r.id = NEW.current_run_id; \
                 NEW.clues_missing := coalesce(NEW.clues_missing, false); \
                 IF NEW.state IN {FINISHED} THEN \
                   NEW.finished_date := coalesce(NEW.finished_date, NEW.update_date); \
                 ELSE NEW.finished_date := NULL; NEW.duration := NULL; END IF; RETURN NEW;"
            ),
            "CREATE TRIGGER job_current_run BEFORE INSERT OR UPDATE OF state, current_run_id, \
             update_date, agent_id, started_date, finished_date, duration, clues_missing ON job \
             FOR EACH ROW"
                .to_owned(),
        ),
        (
            "job_current_run_updated",
            again(
                &format!("FROM {schema}.job_run AS r"),
                &format!(
                    "j.id = NEW.job_id AND j.current_run_id = NEW.id AND r.id = NEW.id AND {differs}"
                ),
            ),
            format!(
                "CREATE TRIGGER job_current_run_update AFTER UPDATE OF {OF_RUN} ON job_run \
                 FOR EACH ROW WHEN ({})",
                concerns_job(is_not)
            ),
        ),
        (
            "job_current_run_inserted",
            again("FROM added AS n", "j.id = n.job_id AND j.current_run_id = n.id"),
            "CREATE TRIGGER job_current_run_insert AFTER INSERT ON job_run \
             REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
                .to_owned(),
        ),
        (
            "job_current_run_deleted",
            again("FROM removed AS o", "j.id = o.job_id AND j.current_run_id = o.id"),
            "CREATE TRIGGER job_current_run_delete AFTER DELETE ON job_run \
             REFERENCING OLD TABLE AS removed FOR EACH STATEMENT"
                .to_owned(),
        ),
        (
            "job_current_run_truncated",
            again("", "j.current_run_id IS NOT NULL"),
            "CREATE TRIGGER job_current_run_truncate AFTER TRUNCATE ON job_run FOR EACH STATEMENT"
                .to_owned(),
        ),
    ] {
        run(
            manager,
            &format!(
                "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN {body} END $$;\n{triggers} EXECUTE FUNCTION {function}()"
            ),
        )
        .await?;
    }
    Ok(())
}
