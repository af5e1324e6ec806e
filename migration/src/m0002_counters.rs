//! How many jobs there are of each configuration and state, kept by triggers: right for every
//! writer and under rollback, and read at a cost that does not depend on the number of jobs.
//!
//! `job_count` has a row for each (configuration, state), and under the UUID of all ones
//! the sums over all configurations (jobs without one included). No configuration has that id; the
//! nil UUID would not do, since platforms export it for a missing one.
//!
//! On PostgreSQL, writers that update a shared row wait for each other until they commit. There
//! the triggers only append to `job_count_delta`; a count is the row plus its deltas, and the
//! service folds deltas into the rows now and then.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::sql::Null::{No, Yes};
use crate::sql::Type::{Long, Text, Uuid};
use crate::sql::{create_table, current_schema, run, run_either};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ALL: &str = "x'ffffffffffffffffffffffffffffffff'";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_table(
            manager,
            "job_count",
            &[("configuration_id", Uuid, No), ("state", Text, No), ("n", Long, No)],
            &["PRIMARY KEY (configuration_id, state)"],
            "WITH (fillfactor = 50)",
        )
        .await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => postgres(manager).await?,
            _ => run(manager, &sqlite()).await?,
        }
        // Making the triggers has locked the table, so no job is missed or counted twice.
        run_either(manager, &count(ALL), &count("'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            for (trigger, function) in [
                ("job_count_insert", "job_count_inserted"),
                ("job_count_update", "job_count_updated"),
                ("job_count_delete", "job_count_deleted"),
                ("job_count_truncate", "job_count_truncated"),
            ] {
                run(manager, &format!("DROP TRIGGER {trigger} ON job; DROP FUNCTION {function}"))
                    .await?;
            }
            run(manager, "DROP TABLE job_count_delta").await?;
        } else {
            for trigger in ["job_count_insert", "job_count_update", "job_count_delete"] {
                run(manager, &format!("DROP TRIGGER {trigger}")).await?;
            }
        }
        run(manager, "DROP TABLE job_count").await
    }
}

/// Counts the jobs that are there already; `all` is the key of the sums.
fn count(all: &str) -> String {
    format!(
        "INSERT INTO job_count (configuration_id, state, n) \
         SELECT configuration_id, state, count(*) FROM job \
         WHERE configuration_id IS NOT NULL GROUP BY 1, 2 \
         UNION ALL SELECT {all}, state, count(*) FROM job GROUP BY 2"
    )
}

fn sqlite() -> String {
    // An upsert would be shorter, but a trigger's statements take over the conflict clause of
    // the statement that fires them: under INSERT OR REPLACE it would start counts afresh. And a
    // query that reads the table it inserts into makes SQLite build a temporary one, for every job.
    let each_key = |row: &str, statements: &dyn Fn(&str) -> String| {
        [format!("{row}.configuration_id"), ALL.to_owned()].map(|key| statements(&key)).join("\n")
    };
    let add = each_key("NEW", &|key| {
        format!(
            "UPDATE job_count SET n = n + 1 WHERE configuration_id = {key} AND state = NEW.state;\n\
             INSERT INTO job_count (configuration_id, state, n) SELECT {key}, NEW.state, 1 \
             WHERE changes() = 0 AND {key} IS NOT NULL;"
        )
    });
    let remove = each_key("OLD", &|key| {
        format!(
            "UPDATE job_count SET n = n - 1 WHERE configuration_id = {key} AND state = OLD.state;"
        )
    });
    format!(
        "CREATE TRIGGER job_count_insert AFTER INSERT ON job BEGIN\n{add}\nEND;\n\
         CREATE TRIGGER job_count_delete AFTER DELETE ON job BEGIN\n{remove}\nEND;\n\
         CREATE TRIGGER job_count_update AFTER UPDATE OF state, configuration_id ON job \
         WHEN OLD.state IS NOT NEW.state OR OLD.configuration_id IS NOT NEW.configuration_id \
         BEGIN\n{remove}\n{add}\nEND;"
    )
}

async fn postgres(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create_table(
        manager,
        "job_count_delta",
        &[("configuration_id", Uuid, Yes), ("state", Text, No), ("n", Long, No)],
        &[],
        "",
    )
    .await?;
    // Other writers of `job` may have another search path, so the functions name the schema.
    let schema = current_schema(manager).await?;
    let delta = format!("INSERT INTO {schema}.job_count_delta (configuration_id, state, n)");

    for (event, function, referencing, level, body) in [
        (
            "INSERT",
            "inserted",
            "REFERENCING NEW TABLE AS added",
            "STATEMENT",
            format!("{delta} SELECT configuration_id, state, count(*) FROM added GROUP BY 1, 2;"),
        ),
        (
            "DELETE",
            "deleted",
            "REFERENCING OLD TABLE AS removed",
            "STATEMENT",
            format!(
                "{delta} SELECT configuration_id, state, -count(*) FROM removed GROUP BY 1, 2;"
            ),
        ),
        (
            // A row trigger with a condition costs updates that change neither column nothing;
            // a statement trigger would gather every updated row.
            "UPDATE",
            "updated",
            "",
            "ROW WHEN (OLD.state IS DISTINCT FROM NEW.state \
             OR OLD.configuration_id IS DISTINCT FROM NEW.configuration_id)",
            format!(
                "{delta} VALUES (OLD.configuration_id, OLD.state, -1), \
                 (NEW.configuration_id, NEW.state, 1);"
            ),
        ),
        (
            "TRUNCATE",
            "truncated",
            "",
            "STATEMENT",
            format!("DELETE FROM {schema}.job_count; DELETE FROM {schema}.job_count_delta;"),
        ),
    ] {
        let trigger = format!("job_count_{}", event.to_lowercase());
        run(
            manager,
            &format!(
                "CREATE FUNCTION job_count_{function}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN {body} RETURN NULL; END $$;\n\
                 CREATE TRIGGER {trigger} AFTER {event} ON job {referencing} \
                 FOR EACH {level} EXECUTE FUNCTION job_count_{function}()"
            ),
        )
        .await?;
    }
    Ok(())
}
