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
use sea_orm_migration::sea_orm::DbBackend;

use crate::sql::Null::{NoDefault, Yes};
use crate::sql::Type::{Bool, Long, Time, Uuid};
use crate::sql::{add_column, current_schema, finished, run, run_either};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// In the place of a null in indexes, so that a list has one order: the earliest moment that PostgreSQL
/// knows, and a duration below all that are shown.
const NO_TIME_SQLITE: &str = "-210866803200000000";
const NO_TIME_POSTGRES: &str = "'4714-11-24 00:00:00+00 BC'::timestamptz";
const NO_DURATION: &str = "-9007199254740992";

/// The columns of a run that decide what its job copies, and when: how long the agent worked counts when
/// it has finished, and clues when they have been processed. The fewer of these columns are among what
/// progress writes, the less it costs.
const OF_RUN: [(&str, &str); 3] = [
    ("update", "agent_id, agent_state, agent_start_time, agent_end_time, processing_state"),
    ("elapsed", "agent_elapsed_execution_time"),
    ("clues", "processing_tasks_received_clues_count, agent_clues_completed_count"),
];

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
             DROP TRIGGER job_current_run_elapsed ON job_run;
             DROP TRIGGER job_current_run_clues ON job_run;
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
             DROP TRIGGER job_current_run_elapsed;
             DROP TRIGGER job_current_run_clues;
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

/// That the processing of a run has ended.
fn processed(run: &str) -> String {
    format!("({run}.processing_state = 'Completed' OR {run}.processing_state = 'Failed')")
}

fn duration(run: &str, backend: DbBackend) -> String {
    let elapsed = format!("{run}.agent_elapsed_execution_time");
    let spent = format!("{run}.agent_end_time - {run}.agent_start_time");
    match backend {
        // Between infinite moments PostgreSQL knows no time, and SQLite makes a float of a large number.
        DbBackend::Postgres => format!(
            "coalesce({elapsed}, CASE WHEN isfinite({run}.agent_start_time) \
             AND isfinite({run}.agent_end_time) \
             THEN CAST(trunc(extract(epoch FROM {spent}) * 1000) AS bigint) END)"
        ),
        _ => format!("coalesce({elapsed}, CAST(({spent}) / 1000 AS INTEGER))"),
    }
}

fn clues_missing(run: &str) -> String {
    format!(
        "coalesce({} AND {run}.processing_tasks_received_clues_count \
         < {run}.agent_clues_completed_count, false)",
        processed(run)
    )
}

/// When the trigger on these columns of a run looks at its job.
fn condition(trigger: &str, is_not: &str) -> String {
    match trigger {
        "elapsed" => finished("NEW.agent_state"),
        "clues" => processed("NEW"),
        _ => OF_RUN[0]
            .1
            .split(", ")
            .map(|column| format!("OLD.{column} {is_not} NEW.{column}"))
            .collect::<Vec<_>>()
            .join(" OR "),
    }
}

/// The condition that the job of the changed run has it as its current one, and other copies.
fn differs(job: &str, is_not: &str, backend: DbBackend) -> String {
    format!(
        "{job}.id = NEW.job_id AND {job}.current_run_id = NEW.id \
         AND ({job}.agent_id {is_not} NEW.agent_id \
         OR {job}.started_date {is_not} NEW.agent_start_time \
         OR {job}.clues_missing <> {} OR ({} \
         AND ({job}.finished_date {is_not} coalesce(NEW.agent_end_time, {job}.update_date) \
           OR {job}.duration {is_not} {})))",
        clues_missing("NEW"),
        finished(&format!("{job}.state")),
        duration("NEW", backend),
    )
}

fn sqlite() -> String {
    // A trigger cannot change the row before it is written, so that it writes it again where it
    // differs. A query for each column takes a microsecond; a join would make a table of its own.
    let of_run =
        |value: &str| format!("(SELECT {value} FROM job_run AS r WHERE r.id = JOB.current_run_id)");
    let copies = |job: &str| {
        let finished = finished("JOB.state");
        let end = of_run("r.agent_end_time");
        let duration = of_run(&duration("r", DbBackend::Sqlite));
        [
            ("agent_id", of_run("r.agent_id")),
            ("started_date", of_run("r.agent_start_time")),
            (
                "finished_date",
                format!("CASE WHEN {finished} THEN coalesce({end}, JOB.update_date) END"),
            ),
            ("duration", format!("CASE WHEN {finished} THEN {duration} END")),
            ("clues_missing", format!("coalesce({}, false)", of_run(&clues_missing("r")))),
        ]
        .map(|(column, value)| (column, value.replace("JOB", job)))
    };
    let list = |job: &str, separator: &str, item: &dyn Fn(&str, &str) -> String| {
        copies(job).map(|(column, value)| item(column, &value)).join(separator)
    };
    let assign = |column: &str, value: &str| format!("{column} = {value}");
    let compare = |column: &str, value: &str| format!("NEW.{column} IS NOT {value}");
    let columns = list("NEW", ", ", &|column, _| column.to_owned());
    let copy = format!(
        "WHEN {}\nBEGIN\nUPDATE job SET {} WHERE id = NEW.id;\nEND;\n",
        list("NEW", "\nOR ", &compare),
        list("NEW", ", ", &assign),
    );
    let finished = finished("state");
    let of_new = format!(
        "UPDATE job SET agent_id = NEW.agent_id, started_date = NEW.agent_start_time, \
         finished_date = CASE WHEN {finished} THEN coalesce(NEW.agent_end_time, update_date) END, \
         duration = CASE WHEN {finished} THEN {} END, clues_missing = {} WHERE {}",
        duration("NEW", DbBackend::Sqlite),
        clues_missing("NEW"),
        differs("job", "IS NOT", DbBackend::Sqlite),
    );
    let mut sql = format!(
        "DROP TRIGGER job_change_update;\n\
         UPDATE job SET {};\n\
         CREATE TRIGGER job_change_update AFTER update ON job BEGIN\n\
         INSERT INTO job_change (job_id) VALUES (NEW.id);\nEND;\n\
         CREATE TRIGGER job_current_run_of_insert AFTER INSERT ON job\n{copy}\
         CREATE TRIGGER job_current_run_of_update \
         AFTER UPDATE OF state, current_run_id, update_date, {columns} ON job\n{copy}\
         CREATE TRIGGER job_current_run_insert AFTER INSERT ON job_run BEGIN\n\
         {of_new};\nEND;\n\
         CREATE TRIGGER job_current_run_delete AFTER DELETE ON job_run BEGIN\n\
         UPDATE job SET current_run_id = current_run_id \
         WHERE id = OLD.job_id AND current_run_id = OLD.id;\nEND;\n",
        list("job", ", ", &assign),
    );
    for (trigger, columns) in OF_RUN {
        sql.push_str(&format!(
            "CREATE TRIGGER job_current_run_{trigger} AFTER UPDATE OF {columns} ON job_run\n\
             WHEN {}\nBEGIN\n{of_new};\nEND;\n",
            condition(trigger, "IS NOT"),
        ));
    }
    sql
}

async fn postgres(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // Other writers may have another search path, so the functions name the schema.
    let schema = current_schema(manager).await?;
    let (finished, duration) = (finished("j.state"), duration("r", DbBackend::Postgres));
    let clues_missing = clues_missing("r");
    // No run may be missed between the copies and the triggers.
    run(manager, "LOCK TABLE job, job_run IN SHARE ROW EXCLUSIVE MODE").await?;
    run(
        manager,
        &format!(
            "UPDATE job SET agent_id = r.agent_id, started_date = r.agent_start_time, \
             finished_date = CASE WHEN {finished} \
               THEN coalesce(r.agent_end_time, j.update_date) END, \
             duration = CASE WHEN {finished} THEN {duration} END, \
             clues_missing = {clues_missing} \
             FROM job AS j LEFT JOIN job_run AS r ON r.id = j.current_run_id \
             WHERE job.id = j.id AND (r.id IS NOT NULL OR {finished})"
        ),
    )
    .await?;

    let is_not = "IS DISTINCT FROM";
    let differs = differs("j", is_not, DbBackend::Postgres);
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
                "SELECT r.agent_id, r.agent_start_time, r.agent_end_time, {duration}, \
                 {clues_missing} \
                 INTO NEW.agent_id, NEW.started_date, NEW.finished_date, NEW.duration, NEW.clues_missing \
                 FROM {schema}.job_run AS r WHERE r.id = NEW.current_run_id; \
                 NEW.clues_missing := coalesce(NEW.clues_missing, false); \
                 IF {} THEN \
                   NEW.finished_date := coalesce(NEW.finished_date, NEW.update_date); \
                 ELSE NEW.finished_date := NULL; NEW.duration := NULL; END IF; RETURN NEW;",
                self::finished("NEW.state")
            ),
            "CREATE TRIGGER job_current_run BEFORE INSERT OR UPDATE OF state, current_run_id, \
             update_date, agent_id, started_date, finished_date, duration, clues_missing ON job \
             FOR EACH ROW EXECUTE FUNCTION job_current_run()"
                .to_owned(),
        ),
        (
            "job_current_run_updated",
            again("", &differs),
            OF_RUN
                .map(|(trigger, columns)| {
                    format!(
                        "CREATE TRIGGER job_current_run_{trigger} AFTER UPDATE OF {columns} \
                         ON job_run FOR EACH ROW WHEN ({}) \
                         EXECUTE FUNCTION job_current_run_updated()",
                        condition(trigger, is_not)
                    )
                })
                .join(";\n"),
        ),
        (
            "job_current_run_inserted",
            again("FROM added AS n", "j.id = n.job_id AND j.current_run_id = n.id"),
            "CREATE TRIGGER job_current_run_insert AFTER INSERT ON job_run \
             REFERENCING NEW TABLE AS added FOR EACH STATEMENT \
             EXECUTE FUNCTION job_current_run_inserted()"
                .to_owned(),
        ),
        (
            "job_current_run_deleted",
            again("FROM removed AS o", "j.id = o.job_id AND j.current_run_id = o.id"),
            "CREATE TRIGGER job_current_run_delete AFTER DELETE ON job_run \
             REFERENCING OLD TABLE AS removed FOR EACH STATEMENT \
             EXECUTE FUNCTION job_current_run_deleted()"
                .to_owned(),
        ),
        (
            "job_current_run_truncated",
            again("", "j.current_run_id IS NOT NULL"),
            "CREATE TRIGGER job_current_run_truncate AFTER TRUNCATE ON job_run FOR EACH STATEMENT \
             EXECUTE FUNCTION job_current_run_truncated()"
                .to_owned(),
        ),
    ] {
        run(
            manager,
            &format!(
                "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN {body} END $$;\n{triggers}"
            ),
        )
        .await?;
    }
    Ok(())
}
