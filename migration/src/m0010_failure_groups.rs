//! Failure groups: failed runs whose messages have the same cause, and how many there are.
//!
//! A failed run has a group, which the service writes with the failure or soon after. Triggers derive the
//! rest, for every writer:
//!
//! - A job has the group of its current run while it is failed. A group's number of jobs is thereby a
//!   function of the rows of `job` alone, so that concurrent writers cannot make it wrong.
//! - A run whose message changes, or that is not failed any more, loses its group until the service groups
//!   it anew.
//! - `failure_group_count` has, for each (group, configuration), the number of jobs now and of failed runs
//!   ever, and `failure_group_day` the failed runs of each day. Both keep the runs that are deleted.
//!   Jobs without a configuration count under the UUID of all ones, which no configuration has.
//!
//! As for the counts of jobs, on PostgreSQL the triggers append to `failure_group_delta`, which the
//! service folds.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::sql::Null::{No, NoDefault, Yes};
use crate::sql::Type::{Int, Long, Text, Time, Uuid};
use crate::sql::{add_column, create_table, current_schema, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [(&str, &str, crate::sql::Type); 3] = [
    ("job", "failure_group_id", Uuid),
    ("job_run", "failure_group_id", Uuid),
    ("job_run", "failure_group_version", Int),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, ty) in COLUMNS {
            add_column(manager, table, (column, ty, Yes)).await?;
        }
        create_table(
            manager,
            "failure_group",
            &[("id", Uuid, No), ("title", Text, No), ("created_date", Time, No)],
            &["PRIMARY KEY (id)"],
            "",
        )
        .await?;
        create_table(
            manager,
            "failure_group_count",
            &[
                ("group_id", Uuid, No),
                ("configuration_id", Uuid, No),
                ("jobs", Long, NoDefault("0")),
                ("failures", Long, NoDefault("0")),
                ("first_seen", Time, Yes),
                ("last_seen", Time, Yes),
                ("acknowledged_date", Time, Yes),
                // Failures up to here are acknowledged.
                ("acknowledged_until", Time, Yes),
                ("acknowledged_by", Text, Yes),
                ("acknowledged_note", Text, Yes),
            ],
            &["PRIMARY KEY (group_id, configuration_id)"],
            "WITH (fillfactor = 50)",
        )
        .await?;
        create_table(
            manager,
            "failure_group_day",
            &[
                ("group_id", Uuid, No),
                ("configuration_id", Uuid, No),
                ("day", Time, No),
                ("failures", Long, No),
            ],
            &["PRIMARY KEY (group_id, day, configuration_id)"],
            "WITH (fillfactor = 50)",
        )
        .await?;
        // Newest first, with the configuration as a filter within the index.
        run(
            manager,
            "CREATE INDEX job_by_failure_group ON job \
             (failure_group_id, created_date, id, configuration_id) \
             WHERE failure_group_id IS NOT NULL",
        )
        .await?;
        // By the version that grouped them, so that those to group are side by side. None of its columns
        // is one that progress changes.
        run(
            manager,
            "CREATE INDEX job_run_by_failure_group_version ON job_run \
             ((coalesce(failure_group_version, 0)), id) WHERE agent_state = 'Failed'",
        )
        .await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => postgres(manager).await,
            _ => run(manager, &sqlite()).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            for (table, trigger, function) in POSTGRES_TRIGGERS {
                run(manager, &format!("DROP TRIGGER {trigger} ON {table}")).await?;
                run(manager, &format!("DROP FUNCTION IF EXISTS {function}()")).await?;
            }
            run(manager, "DROP TABLE failure_group_delta").await?;
        } else {
            for trigger in SQLITE_TRIGGERS {
                run(manager, &format!("DROP TRIGGER {trigger}")).await?;
            }
        }
        run(manager, "DROP INDEX job_run_by_failure_group_version").await?;
        run(manager, "DROP INDEX job_by_failure_group").await?;
        for table in ["failure_group_day", "failure_group_count", "failure_group"] {
            run(manager, &format!("DROP TABLE {table}")).await?;
        }
        for (table, column, _) in COLUMNS {
            run(manager, &format!("ALTER TABLE {table} DROP COLUMN {column}")).await?;
        }
        Ok(())
    }
}

/// When a run failed, as far as it is known. The update date comes last, since processing goes on.
fn failed_date(row: &str) -> String {
    format!(
        "coalesce({row}.agent_end_time, {row}.agent_start_time, {row}.agent_queued_date, \
         {row}.update_date)"
    )
}

const SQLITE_TRIGGERS: [&str; 9] = [
    "failure_group_job_inserted",
    "failure_group_job_derived",
    "failure_group_job_added",
    "failure_group_job_removed",
    "failure_group_job_changed",
    "failure_group_job_moved",
    "failure_group_run_added",
    "failure_group_run_changed",
    "failure_group_run_invalid",
];

/// Without upserts, whose conflict clauses a trigger's statements would take from the statement that
/// fires them.
fn sqlite() -> String {
    const NONE: &str = "x'ffffffffffffffffffffffffffffffff'";
    const DAY: i64 = 86_400_000_000;

    let key = |row: &str| format!("coalesce({row}.configuration_id, {NONE})");
    // Statements add up in any order, since which of several triggers comes first is not defined.
    let job = |row: &str, n: i32| {
        format!(
            "UPDATE failure_group_count SET jobs = jobs + ({n})
           WHERE group_id = {row}.failure_group_id AND configuration_id = {key};
         INSERT INTO failure_group_count (group_id, configuration_id, jobs)
           SELECT {row}.failure_group_id, {key}, {n}
           WHERE changes() = 0 AND {row}.failure_group_id IS NOT NULL;",
            key = key(row)
        )
    };
    let (job_removed, job_added) = (job("OLD", -1), job("NEW", 1));
    let of_job = |row: &str| {
        format!("coalesce((SELECT configuration_id FROM job WHERE id = {row}.job_id), {NONE})")
    };
    let day = |row: &str| format!("({date} - {date} % {DAY})", date = failed_date(row));
    let run = |row: &str, n: i32| {
        let date = failed_date(row);
        let seen = format!("max({date}, coalesce({row}.agent_report_date, {date}))");
        let dates = if n > 0 {
            format!(
                ",
           first_seen = min(coalesce(first_seen, {date}), coalesce({date}, first_seen)),
           last_seen = max(coalesce(last_seen, {seen}), coalesce({seen}, last_seen))"
            )
        } else {
            String::new()
        };
        format!(
            "INSERT INTO failure_group_count (group_id, configuration_id)
           SELECT {row}.failure_group_id, {key} WHERE {row}.failure_group_id IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM failure_group_count
               WHERE group_id = {row}.failure_group_id AND configuration_id = {key});
         UPDATE failure_group_count SET failures = failures + ({n}){dates}
           WHERE group_id = {row}.failure_group_id AND configuration_id = {key};
         INSERT INTO failure_group_day (group_id, configuration_id, day, failures)
           SELECT {row}.failure_group_id, {key}, {day}, 0
           WHERE {row}.failure_group_id IS NOT NULL AND {day} IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM failure_group_day WHERE group_id = {row}.failure_group_id
               AND configuration_id = {key} AND day = {day});
         UPDATE failure_group_day SET failures = failures + ({n})
           WHERE group_id = {row}.failure_group_id AND configuration_id = {key} AND day = {day};",
            key = of_job(row),
            day = day(row),
        )
    };
    let (run_removed, run_added) = (run("OLD", -1), run("NEW", 1));
    let group = "(SELECT r.failure_group_id FROM job_run AS r WHERE r.id = NEW.id)";
    let job_derived = format!(
        "UPDATE job SET failure_group_id = {group}
           WHERE id = NEW.job_id AND current_run_id = NEW.id AND state = 'Failed'
             AND failure_group_id IS NOT {group};"
    );
    let group_of_run =
        "(SELECT r.failure_group_id FROM job_run AS r WHERE r.id = NEW.current_run_id)";
    let runs = "FROM job_run AS r WHERE r.job_id = NEW.id AND r.failure_group_id IS NOT NULL";
    let run_day = format!("({date} - {date} % {DAY})", date = failed_date("r"));
    format!(
        "CREATE TRIGGER failure_group_job_inserted AFTER INSERT ON job
         WHEN NEW.state = 'Failed' AND NEW.current_run_id IS NOT NULL BEGIN
           UPDATE job SET failure_group_id = {group_of_run}
           WHERE id = NEW.id AND failure_group_id IS NOT {group_of_run};
         END;
         CREATE TRIGGER failure_group_job_derived AFTER UPDATE OF state, current_run_id ON job
         WHEN (OLD.state IS NOT NEW.state OR OLD.current_run_id IS NOT NEW.current_run_id)
           AND (NEW.state = 'Failed' OR NEW.failure_group_id IS NOT NULL) BEGIN
           UPDATE job SET failure_group_id = CASE WHEN NEW.state = 'Failed' THEN {group_of_run} END
           WHERE id = NEW.id AND failure_group_id IS NOT
             CASE WHEN NEW.state = 'Failed' THEN {group_of_run} END;
         END;
         CREATE TRIGGER failure_group_job_added AFTER INSERT ON job
         WHEN NEW.failure_group_id IS NOT NULL BEGIN
         {job_added}
         END;
         CREATE TRIGGER failure_group_job_removed AFTER DELETE ON job
         WHEN OLD.failure_group_id IS NOT NULL BEGIN
         {job_removed}
         END;
         CREATE TRIGGER failure_group_job_changed
         AFTER UPDATE OF failure_group_id, configuration_id ON job
         WHEN OLD.failure_group_id IS NOT NEW.failure_group_id
           OR (NEW.failure_group_id IS NOT NULL
             AND OLD.configuration_id IS NOT NEW.configuration_id) BEGIN
         {job_removed}
         {job_added}
         END;
         CREATE TRIGGER failure_group_job_moved AFTER UPDATE OF configuration_id ON job
         WHEN OLD.configuration_id IS NOT NEW.configuration_id BEGIN
           INSERT INTO failure_group_count (group_id, configuration_id)
             SELECT DISTINCT r.failure_group_id, {new} {runs} AND NOT EXISTS (
               SELECT 1 FROM failure_group_count AS c
               WHERE c.group_id = r.failure_group_id AND c.configuration_id = {new});
           UPDATE failure_group_count
             SET failures = failures
               - (SELECT count(*) {runs} AND r.failure_group_id = failure_group_count.group_id)
             WHERE configuration_id = {old}
               AND group_id IN (SELECT r.failure_group_id {runs});
           UPDATE failure_group_count SET failures = failures + moved.n,
             first_seen = min(coalesce(first_seen, moved.first), coalesce(moved.first, first_seen)),
             last_seen = max(coalesce(last_seen, moved.last), coalesce(moved.last, last_seen))
             FROM (SELECT r.failure_group_id AS group_id, count(*) AS n, min({date}) AS first,
                 max(max({date}, coalesce(r.agent_report_date, {date}))) AS last {runs} GROUP BY 1)
               AS moved
             WHERE failure_group_count.group_id = moved.group_id AND configuration_id = {new};
           INSERT INTO failure_group_day (group_id, configuration_id, day, failures)
             SELECT DISTINCT r.failure_group_id, {new}, {run_day}, 0 {runs}
               AND {run_day} IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM failure_group_day AS d
                 WHERE d.group_id = r.failure_group_id AND d.configuration_id = {new}
                   AND d.day = {run_day});
           UPDATE failure_group_day SET failures = failures + CASE configuration_id
               WHEN {new} THEN moved.n ELSE -moved.n END
             FROM (SELECT r.failure_group_id AS group_id, {run_day} AS day, count(*) AS n {runs}
               GROUP BY 1, 2) AS moved
             WHERE failure_group_day.group_id = moved.group_id AND failure_group_day.day = moved.day
               AND configuration_id IN ({old}, {new});
         END;
         CREATE TRIGGER failure_group_run_added AFTER INSERT ON job_run
         WHEN NEW.failure_group_id IS NOT NULL BEGIN
         {run_added}
         {job_derived}
         END;
         CREATE TRIGGER failure_group_run_changed AFTER UPDATE OF failure_group_id, job_id,
           agent_end_time, agent_start_time, agent_queued_date, update_date ON job_run
         WHEN (OLD.failure_group_id IS NOT NULL OR NEW.failure_group_id IS NOT NULL)
           AND (OLD.failure_group_id IS NOT NEW.failure_group_id OR OLD.job_id IS NOT NEW.job_id
             OR {old_date} IS NOT {new_date}) BEGIN
         {run_removed}
         {run_added}
         {job_derived}
         END;
         CREATE TRIGGER failure_group_run_invalid
         AFTER UPDATE OF agent_result_message, agent_state ON job_run
         WHEN OLD.failure_group_id IS NOT NULL AND OLD.failure_group_id IS NEW.failure_group_id
           AND (OLD.agent_result_message IS NOT NEW.agent_result_message
             OR NEW.agent_state <> 'Failed') BEGIN
           UPDATE job_run SET failure_group_id = NULL, failure_group_version = NULL
           WHERE id = NEW.id;
         END;",
        new = key("NEW"),
        old = key("OLD"),
        date = failed_date("r"),
        old_date = failed_date("OLD"),
        new_date = failed_date("NEW"),
    )
}

/// The triggers with their tables and functions.
const POSTGRES_TRIGGERS: [(&str, &str, &str); 10] = [
    ("job", "failure_group_job_inserted", "failure_group_job_derive_inserted"),
    ("job", "failure_group_job_derived", "failure_group_job_derive"),
    ("job", "failure_group_job_added", "failure_group_job_add"),
    ("job", "failure_group_job_removed", "failure_group_job_remove"),
    ("job", "failure_group_job_changed", "failure_group_job_change"),
    ("job", "failure_group_job_moved", "failure_group_job_move"),
    ("job", "failure_group_job_truncated", "failure_group_job_truncate"),
    ("job_run", "failure_group_run_added", "failure_group_run_add"),
    ("job_run", "failure_group_run_changed", "failure_group_run_change"),
    ("job_run", "failure_group_run_invalid", "failure_group_run_invalidate"),
];

async fn postgres(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create_table(
        manager,
        "failure_group_delta",
        &[
            ("group_id", Uuid, No),
            ("configuration_id", Uuid, No),
            ("jobs", Long, No),
            ("failures", Long, No),
            // When the run failed, and was seen.
            ("failed", Time, Yes),
            ("seen", Time, Yes),
        ],
        &[],
        "",
    )
    .await?;
    // Other writers may have another search path, so the functions name the schema.
    let schema = current_schema(manager).await?;

    for sql in postgres_triggers(&schema) {
        run(manager, &sql).await?;
    }
    Ok(())
}

fn postgres_triggers(schema: &str) -> Vec<String> {
    const NONE: &str = "'ffffffff-ffff-ffff-ffff-ffffffffffff'";
    let key = |row: &str| format!("coalesce({row}.configuration_id, {NONE})");
    let delta = format!(
        "INSERT INTO {schema}.failure_group_delta \
         (group_id, configuration_id, jobs, failures, failed, seen)"
    );
    let job = |row: &str, n: i32| {
        format!(
            "IF {row}.failure_group_id IS NOT NULL THEN
               {delta} VALUES ({row}.failure_group_id, {}, {n}, 0, NULL, NULL);
             END IF;",
            key(row)
        )
    };
    let group_of_run = format!(
        "SELECT r.failure_group_id INTO NEW.failure_group_id FROM {schema}.job_run AS r
         WHERE r.id = NEW.current_run_id;"
    );
    // Locks the job, so that what is read of it and written for it is not outdated by another writer.
    let run_changed = |remove: bool| {
        let removed = format!(
            "IF OLD.failure_group_id IS NOT NULL THEN
               {delta} VALUES (OLD.failure_group_id, {key}, 0, -1, {date}, NULL);
             END IF;",
            key = key("j"),
            date = failed_date("OLD")
        );
        format!(
            "DECLARE j record; BEGIN
             SELECT configuration_id, state, current_run_id, failure_group_id INTO j
             FROM {schema}.job WHERE id = NEW.job_id FOR NO KEY UPDATE;
             {removed}
             IF NEW.failure_group_id IS NOT NULL THEN
               {delta} VALUES (NEW.failure_group_id, {key}, 0, 1, {date},
                 greatest({date}, NEW.agent_report_date));
             END IF;
             IF j.current_run_id = NEW.id AND j.state = 'Failed'
               AND j.failure_group_id IS DISTINCT FROM NEW.failure_group_id THEN
               UPDATE {schema}.job SET failure_group_id = NEW.failure_group_id WHERE id = NEW.job_id;
             END IF;
             RETURN NULL; END",
            removed = if remove { removed } else { String::new() },
            key = key("j"),
            date = failed_date("NEW")
        )
    };
    let moved = |row: &str, n: i32| {
        format!(
            "SELECT r.failure_group_id, {key}, 0, {n}, {date}, greatest({date}, r.agent_report_date)
             FROM {schema}.job_run AS r WHERE r.job_id = NEW.id AND r.failure_group_id IS NOT NULL",
            key = key(row),
            date = failed_date("r")
        )
    };
    let bodies = [
        (
            "BEFORE INSERT ON job FOR EACH ROW
             WHEN (NEW.state = 'Failed' AND NEW.current_run_id IS NOT NULL)"
                .to_owned(),
            format!("BEGIN {group_of_run} RETURN NEW; END"),
        ),
        (
            "BEFORE UPDATE OF state, current_run_id ON job FOR EACH ROW
             WHEN ((OLD.state IS DISTINCT FROM NEW.state
                 OR OLD.current_run_id IS DISTINCT FROM NEW.current_run_id)
               AND (NEW.state = 'Failed' OR NEW.failure_group_id IS NOT NULL))"
                .to_owned(),
            format!(
                "BEGIN IF NEW.state = 'Failed' THEN {group_of_run}
                 ELSE NEW.failure_group_id := NULL; END IF; RETURN NEW; END"
            ),
        ),
        (
            "AFTER INSERT ON job FOR EACH ROW WHEN (NEW.failure_group_id IS NOT NULL)".to_owned(),
            format!("BEGIN {} RETURN NULL; END", job("NEW", 1)),
        ),
        (
            "AFTER DELETE ON job FOR EACH ROW WHEN (OLD.failure_group_id IS NOT NULL)".to_owned(),
            format!("BEGIN {} RETURN NULL; END", job("OLD", -1)),
        ),
        (
            // Not of a column: the trigger before the update sets the group, too.
            "AFTER UPDATE ON job FOR EACH ROW
             WHEN (OLD.failure_group_id IS DISTINCT FROM NEW.failure_group_id
               OR (NEW.failure_group_id IS NOT NULL
                 AND OLD.configuration_id IS DISTINCT FROM NEW.configuration_id))"
                .to_owned(),
            format!("BEGIN {} {} RETURN NULL; END", job("OLD", -1), job("NEW", 1)),
        ),
        (
            "AFTER UPDATE OF configuration_id ON job FOR EACH ROW
             WHEN (OLD.configuration_id IS DISTINCT FROM NEW.configuration_id)"
                .to_owned(),
            format!(
                "BEGIN {delta} {} UNION ALL {}; RETURN NULL; END",
                moved("OLD", -1),
                moved("NEW", 1)
            ),
        ),
        (
            "AFTER TRUNCATE ON job FOR EACH STATEMENT".to_owned(),
            format!(
                "BEGIN UPDATE {schema}.failure_group_count SET jobs = 0;
                 UPDATE {schema}.failure_group_delta SET jobs = 0; RETURN NULL; END"
            ),
        ),
        (
            "AFTER INSERT ON job_run FOR EACH ROW WHEN (NEW.failure_group_id IS NOT NULL)".to_owned(),
            run_changed(false),
        ),
        (
            format!(
                "AFTER UPDATE ON job_run FOR EACH ROW
                 WHEN ((OLD.failure_group_id IS NOT NULL OR NEW.failure_group_id IS NOT NULL)
                   AND (OLD.failure_group_id IS DISTINCT FROM NEW.failure_group_id
                     OR OLD.job_id IS DISTINCT FROM NEW.job_id
                     OR {} IS DISTINCT FROM {}))",
                failed_date("OLD"),
                failed_date("NEW")
            ),
            run_changed(true),
        ),
        (
            "BEFORE UPDATE OF agent_result_message, agent_state ON job_run FOR EACH ROW
             WHEN (OLD.failure_group_id IS NOT NULL
               AND OLD.failure_group_id IS NOT DISTINCT FROM NEW.failure_group_id
               AND (OLD.agent_result_message IS DISTINCT FROM NEW.agent_result_message
                 OR NEW.agent_state <> 'Failed'))"
                .to_owned(),
            "BEGIN NEW.failure_group_id := NULL; NEW.failure_group_version := NULL; RETURN NEW; END"
                .to_owned(),
        ),
    ];
    let triggers = POSTGRES_TRIGGERS.into_iter().zip(bodies);
    triggers
        .map(|((_, trigger, function), (event, body))| {
            format!(
                "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$;\n\
                 CREATE TRIGGER {trigger} {event} EXECUTE FUNCTION {function}()"
            )
        })
        .collect()
}
