//! Statistics of finished runs and jobs, which outlive the rows.
//!
//! Triggers append what ended to `job_statistics_event`; `agent-jobs` folds these rows into
//! `job_statistics`, which has a few rows for each configuration and month. Their `cells` are a format of
//! the program's own. Reading folds what is not folded yet, so that statistics are right for every writer
//! at any time.
//!
//! A run counts once it is in a terminal state, and so does a job. What a row counts as is a function of
//! the row: an update that changes it, or the row's deletion, appends the old value with `change` -1, and
//! the new one with 1, so that statistics equal a recount of the tables. What is removed for its age stays
//! in the statistics: the program appends it once more with `change` 2.
//!
//! Progress of runs fires none of these triggers, since their conditions are on terminal states.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::sql::Null::No;
use crate::sql::Type::{Float, Int, Long, Text, Uuid};
use crate::sql::{create_table, current_schema, finished, run, run_either};

#[derive(DeriveMigrationName)]
pub struct Migration;

const FINISHED: &str = "('Completed', 'Cancelled', 'Failed')";

/// The columns of `job_statistics_event`, in the order of [`Facts::of_run`].
const COLUMNS: &str = "change, configuration_id, name, agent_id, state, is_job, hour, wait, duration, tasks, \
     clues";

/// When a run ended, as far as is known.
const RUN_END: &str = "coalesce(ROW.agent_end_time, ROW.update_date, ROW.agent_start_time, \
     ROW.agent_queued_date)";

/// When a job ended.
const JOB_END: &str = "coalesce(ROW.update_date, ROW.created_date)";

/// The columns that decide what a run counts as.
const RUN_COLUMNS: [&str; 11] = [
    "job_id",
    "agent_id",
    "agent_state",
    "update_date",
    "agent_queued_date",
    "agent_start_time",
    "agent_end_time",
    "agent_elapsed_queued_time",
    "agent_elapsed_execution_time",
    "agent_tasks_completed_count",
    "agent_clues_completed_count",
];

/// The columns that decide what a job counts as.
const JOB_COLUMNS: [&str; 5] = ["configuration_id", "name", "state", "created_date", "update_date"];

/// The columns of a job that decide where its runs count.
const MOVING_COLUMNS: [&str; 2] = ["configuration_id", "name"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = manager.get_database_backend() == DbBackend::Postgres;
        run_either(
            manager,
            "CREATE TABLE job_statistics_event (\
               id INTEGER PRIMARY KEY, change INTEGER NOT NULL, configuration_id BLOB, name TEXT, \
               agent_id BLOB, state TEXT NOT NULL, is_job INTEGER NOT NULL, hour INTEGER NOT NULL, \
               wait INTEGER, duration INTEGER, tasks INTEGER, clues INTEGER) STRICT",
            "CREATE TABLE job_statistics_event (\
               id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, change integer NOT NULL, \
               configuration_id uuid, name text, agent_id uuid, state text NOT NULL, \
               is_job boolean NOT NULL, hour bigint NOT NULL, wait bigint, duration bigint, \
               tasks bigint, clues bigint)",
        )
        .await?;
        // The cells are read by the thousand: PostgreSQL keeps them within their rows, and as they are.
        run_either(
            manager,
            "CREATE TABLE job_statistics (\
               tier INTEGER NOT NULL, start INTEGER NOT NULL, configuration_id BLOB NOT NULL, \
               name TEXT NOT NULL, agent_id BLOB NOT NULL, is_removed INTEGER NOT NULL, \
               cells BLOB NOT NULL, \
               PRIMARY KEY (tier, start, configuration_id, name, agent_id, is_removed)) \
               STRICT, WITHOUT ROWID",
            "CREATE TABLE job_statistics (\
               tier integer NOT NULL, start integer NOT NULL, configuration_id uuid NOT NULL, \
               name text COLLATE \"C\" NOT NULL, agent_id uuid NOT NULL, is_removed boolean NOT NULL, \
               cells bytea NOT NULL, \
               PRIMARY KEY (tier, start, configuration_id, name, agent_id, is_removed)) \
               WITH (toast_tuple_target = 8160); \
             ALTER TABLE job_statistics ALTER COLUMN cells SET STORAGE MAIN",
        )
        .await?;
        // How long runs of a configuration and name are expected to take, which the program estimates from
        // the newest completed ones.
        create_table(
            manager,
            "run_estimate",
            &[
                ("configuration_id", Uuid, No),
                ("name", Text, No),
                ("samples", Int, No),
                ("mean", Float, No),
                ("spread", Float, No),
                ("overdue_after", Long, No),
            ],
            &["PRIMARY KEY (configuration_id, name)"],
            "",
        )
        .await?;
        run(
            manager,
            "CREATE INDEX job_by_completion ON job (configuration_id, (coalesce(name, '')), \
             (coalesce(update_date, created_date)), current_run_id) WHERE state = 'Completed'",
        )
        .await?;
        if is_postgres {
            postgres(manager).await?;
        } else {
            run(manager, &sqlite()).await?;
        }
        // Making the triggers has locked the tables, so no row is missed or counted twice.
        let facts = if is_postgres { POSTGRES } else { SQLITE };
        run(
            manager,
            &format!(
                "INSERT INTO job_statistics_event ({COLUMNS}) SELECT 1, {} \
                 FROM job_run AS r JOIN job AS j ON j.id = r.job_id \
                 WHERE r.agent_state IN {FINISHED}",
                facts.of_run("r", "j")
            ),
        )
        .await?;
        run(
            manager,
            &format!(
                "INSERT INTO job_statistics_event ({COLUMNS}) SELECT 1, {} \
                 FROM job AS j WHERE j.state IN {FINISHED}",
                facts.of_job("j")
            ),
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = manager.get_database_backend() == DbBackend::Postgres;
        for (table, triggers) in [
            ("job_run", &["insert", "update", "delete", "truncate"][..]),
            ("job", &["insert", "update", "move", "delete", "truncate"]),
        ] {
            for trigger in triggers {
                let name = format!("{table}_statistics_{trigger}");
                if is_postgres {
                    run(manager, &format!("DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}"))
                        .await?;
                } else if *trigger != "truncate" {
                    run(manager, &format!("DROP TRIGGER {name}")).await?;
                }
            }
        }
        run(manager, "DROP INDEX job_by_completion").await?;
        for table in ["run_estimate", "job_statistics", "job_statistics_event"] {
            run(manager, &format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}

/// What a row counts as, in a database's SQL.
struct Facts {
    no_uuid: &'static str,
    no_number: &'static str,
    is_true: &'static str,
    is_false: &'static str,
    /// The hours from 1970 to a moment; 0 for none.
    hour: fn(&str) -> String,
    /// The milliseconds between two moments.
    between: fn(&str, &str) -> String,
}

const SQLITE: Facts = Facts {
    no_uuid: "NULL",
    no_number: "NULL",
    is_true: "1",
    is_false: "0",
    // Division cuts towards 0, and moments before 1970 are negative.
    hour: |moment| {
        format!(
            "coalesce(({moment} - (({moment} % 3600000000) + 3600000000) % 3600000000) \
             / 3600000000, 0)"
        )
    },
    between: |start, end| format!("({end} - {start}) / 1000"),
};

/// The moments `infinity` have no hour, and no length: nothing here may fail a writer's statement.
const POSTGRES: Facts = Facts {
    no_uuid: "CAST(NULL AS uuid)",
    no_number: "CAST(NULL AS bigint)",
    is_true: "true",
    is_false: "false",
    hour: |moment| {
        format!(
            "CASE WHEN isfinite({moment}) \
             THEN CAST(floor(extract(epoch FROM {moment}) / 3600) AS bigint) ELSE 0 END"
        )
    },
    between: |start, end| {
        format!(
            "CASE WHEN isfinite({start}) AND isfinite({end}) \
             THEN CAST(trunc(extract(epoch FROM {end} - {start}) * 1000) AS bigint) END"
        )
    },
};

impl Facts {
    fn of_run(&self, run: &str, job: &str) -> String {
        let hour = (self.hour)(&RUN_END.replace("ROW", run));
        let wait =
            (self.between)(&format!("{run}.agent_queued_date"), &format!("{run}.agent_start_time"));
        let duration =
            (self.between)(&format!("{run}.agent_start_time"), &format!("{run}.agent_end_time"));
        format!(
            "{job}.configuration_id, {job}.name, {run}.agent_id, {run}.agent_state, {}, {hour}, \
             coalesce({run}.agent_elapsed_queued_time, {wait}), \
             coalesce({run}.agent_elapsed_execution_time, {duration}), \
             {run}.agent_tasks_completed_count, {run}.agent_clues_completed_count",
            self.is_false
        )
    }

    fn of_job(&self, job: &str) -> String {
        let hour = (self.hour)(&JOB_END.replace("ROW", job));
        format!(
            "{job}.configuration_id, {job}.name, {}, {job}.state, {}, {hour}, {number}, {number}, \
             {number}, {number}",
            self.no_uuid,
            self.is_true,
            number = self.no_number
        )
    }
}

/// Whether a row counts as something else: `OLD.a <> NEW.a OR …` with this comparison. The date of the last
/// change matters only as the end: processing changes it for long after the agent's end.
fn differ(columns: &[&str], end: &str, comparison: &str) -> String {
    let columns = columns.iter().filter(|column| !["update_date", "created_date"].contains(column));
    let values = columns.map(|column| format!("ROW.{column}")).chain([end.to_owned()]);
    let each = values.map(|value| {
        format!("{} {comparison} {}", value.replace("ROW", "OLD"), value.replace("ROW", "NEW"))
    });
    each.collect::<Vec<_>>().join(" OR ")
}

/// Appends the facts of rows with a change.
fn append(table: &str, change: i32, facts: &str, source: &str) -> String {
    format!("INSERT INTO {table} ({COLUMNS}) SELECT {change}, {facts} {source};")
}

fn sqlite() -> String {
    let append =
        |change, facts: &str, source: &str| append("job_statistics_event", change, facts, source);
    let of_run = |row: &str, change| {
        append(
            change,
            &SQLITE.of_run(row, "j"),
            &format!("FROM job AS j WHERE j.id = {row}.job_id AND {row}.agent_state IN {FINISHED}"),
        )
    };
    let of_job = |row: &str, change| {
        append(change, &SQLITE.of_job(row), &format!("WHERE {row}.state IN {FINISHED}"))
    };
    let of_runs = |row: &str, change| {
        append(
            change,
            &SQLITE.of_run("r", row),
            &format!("FROM job_run AS r WHERE r.job_id = {row}.id AND r.agent_state IN {FINISHED}"),
        )
    };
    // The runs of a deleted job are deleted after it: they are counted before.
    [
        format!(
            "CREATE TRIGGER job_run_statistics_insert AFTER INSERT ON job_run \
             WHEN NEW.agent_state IN {FINISHED} BEGIN {} END;",
            of_run("NEW", 1)
        ),
        format!(
            "CREATE TRIGGER job_run_statistics_update AFTER UPDATE OF {} ON job_run \
             WHEN ({} OR {}) AND ({}) BEGIN {} {} END;",
            RUN_COLUMNS.join(", "),
            finished("NEW.agent_state"),
            finished("OLD.agent_state"),
            differ(&RUN_COLUMNS, RUN_END, "IS NOT"),
            of_run("OLD", -1),
            of_run("NEW", 1)
        ),
        format!(
            "CREATE TRIGGER job_run_statistics_delete AFTER DELETE ON job_run \
             WHEN OLD.agent_state IN {FINISHED} BEGIN {} END;",
            of_run("OLD", -1)
        ),
        format!(
            "CREATE TRIGGER job_statistics_insert AFTER INSERT ON job \
             WHEN NEW.state IN {FINISHED} BEGIN {} END;",
            of_job("NEW", 1)
        ),
        format!(
            "CREATE TRIGGER job_statistics_update AFTER UPDATE OF {} ON job \
             WHEN ({} OR {}) AND ({}) BEGIN {} {} END;",
            JOB_COLUMNS.join(", "),
            finished("NEW.state"),
            finished("OLD.state"),
            differ(&JOB_COLUMNS, JOB_END, "IS NOT"),
            of_job("OLD", -1),
            of_job("NEW", 1)
        ),
        format!(
            "CREATE TRIGGER job_statistics_move AFTER UPDATE OF {} ON job WHEN {} \
             BEGIN {} {} END;",
            MOVING_COLUMNS.join(", "),
            differ(&MOVING_COLUMNS, "ROW.name", "IS NOT"),
            of_runs("OLD", -1),
            of_runs("NEW", 1)
        ),
        format!(
            "CREATE TRIGGER job_statistics_delete BEFORE DELETE ON job BEGIN {} {} END;",
            of_runs("OLD", -1),
            of_job("OLD", -1)
        ),
    ]
    .join("\n")
}

async fn postgres(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // Other writers may have another search path, so the functions name the schema.
    let schema = current_schema(manager).await?;
    let append = |change, facts: &str, source: &str| {
        append(&format!("{schema}.job_statistics_event"), change, facts, source)
    };
    // The job's row is locked against a change of its configuration or name meanwhile, after which its
    // trigger would not see this run as finished.
    let of_run = |row: &str, change| {
        append(
            change,
            &POSTGRES.of_run(row, "j"),
            &format!(
                "FROM {schema}.job AS j WHERE j.id = {row}.job_id \
                 AND {row}.agent_state IN {FINISHED} FOR SHARE OF j"
            ),
        )
    };
    let of_job = |row: &str, change| {
        append(change, &POSTGRES.of_job(row), &format!("WHERE {row}.state IN {FINISHED}"))
    };
    let of_runs = |row: &str, change| {
        append(
            change,
            &POSTGRES.of_run("r", row),
            &format!(
                "FROM {schema}.job_run AS r WHERE r.job_id = {row}.id \
                 AND r.agent_state IN {FINISHED}"
            ),
        )
    };
    let all_runs = |runs: &str, change, lock: &str| {
        append(
            change,
            &POSTGRES.of_run("r", "j"),
            &format!(
                "FROM {runs} AS r JOIN {schema}.job AS j ON j.id = r.job_id \
                 WHERE r.agent_state IN {FINISHED} {lock}"
            ),
        )
    };
    let all_jobs = |jobs: &str, change| {
        append(
            change,
            &POSTGRES.of_job("j"),
            &format!("FROM {jobs} AS j WHERE j.state IN {FINISHED}"),
        )
    };
    for (table, trigger, when, body) in [
        (
            "job_run",
            "insert",
            "AFTER INSERT ON job_run REFERENCING NEW TABLE AS added FOR EACH STATEMENT".to_owned(),
            // A query is cheaper than an insertion of none, and most statements add no finished runs.
            format!(
                "IF EXISTS (SELECT 1 FROM added WHERE agent_state IN {FINISHED}) THEN {} END IF; \
                 RETURN NULL;",
                all_runs("added", 1, "FOR SHARE OF j")
            ),
        ),
        (
            "job_run",
            "update",
            format!(
                "AFTER UPDATE OF {} ON job_run FOR EACH ROW \
                 WHEN ((OLD.agent_state IN {FINISHED} OR NEW.agent_state IN {FINISHED}) AND ({}))",
                RUN_COLUMNS.join(", "),
                differ(&RUN_COLUMNS, RUN_END, "IS DISTINCT FROM")
            ),
            format!("{} {} RETURN NULL;", of_run("OLD", -1), of_run("NEW", 1)),
        ),
        (
            "job_run",
            "delete",
            format!("AFTER DELETE ON job_run FOR EACH ROW WHEN (OLD.agent_state IN {FINISHED})"),
            format!("{} RETURN NULL;", of_run("OLD", -1)),
        ),
        (
            "job_run",
            "truncate",
            "BEFORE TRUNCATE ON job_run FOR EACH STATEMENT".to_owned(),
            format!("{} RETURN NULL;", all_runs(&format!("{schema}.job_run"), -1, "")),
        ),
        (
            "job",
            "insert",
            "AFTER INSERT ON job REFERENCING NEW TABLE AS added FOR EACH STATEMENT".to_owned(),
            format!(
                "IF EXISTS (SELECT 1 FROM added WHERE state IN {FINISHED}) THEN {} END IF; \
                 RETURN NULL;",
                all_jobs("added", 1)
            ),
        ),
        (
            "job",
            "update",
            format!(
                "AFTER UPDATE OF {} ON job FOR EACH ROW \
                 WHEN ((OLD.state IN {FINISHED} OR NEW.state IN {FINISHED}) AND ({}))",
                JOB_COLUMNS.join(", "),
                differ(&JOB_COLUMNS, JOB_END, "IS DISTINCT FROM")
            ),
            format!("{} {} RETURN NULL;", of_job("OLD", -1), of_job("NEW", 1)),
        ),
        (
            "job",
            "move",
            format!(
                "AFTER UPDATE OF {} ON job FOR EACH ROW WHEN ({})",
                MOVING_COLUMNS.join(", "),
                differ(&MOVING_COLUMNS, "ROW.name", "IS DISTINCT FROM")
            ),
            format!("{} {} RETURN NULL;", of_runs("OLD", -1), of_runs("NEW", 1)),
        ),
        (
            "job",
            "delete",
            // The runs of a deleted job are deleted after it: they are counted before, once no other
            // transaction can finish one.
            "BEFORE DELETE ON job FOR EACH ROW".to_owned(),
            format!(
                "PERFORM 1 FROM {schema}.job_run AS r WHERE r.job_id = OLD.id ORDER BY r.id FOR UPDATE; \
                 {} {} RETURN OLD;",
                of_runs("OLD", -1),
                of_job("OLD", -1)
            ),
        ),
        (
            "job",
            "truncate",
            "BEFORE TRUNCATE ON job FOR EACH STATEMENT".to_owned(),
            format!("{} RETURN NULL;", all_jobs(&format!("{schema}.job"), -1)),
        ),
    ] {
        let name = format!("{table}_statistics_{trigger}");
        run(
            manager,
            &format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;\n\
                 CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()"
            ),
        )
        .await?;
    }
    Ok(())
}
