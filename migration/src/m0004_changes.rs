//! Recording which jobs changed, for any writer: triggers note the jobs whose own row or one of
//! whose runs was written. What they are now, a reader looks up.
//!
//! On PostgreSQL they notify the channel `agent_jobs`, once for each statement: ids as 32 hexadecimal
//! digits one after the other, up to 200 in a notice, which takes less than 8,000 bytes; `*` stands
//! for too many to name. On SQLite, which has no notices, they append to `job_change`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::sql::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The tables, and the column that names the job.
const TABLES: [(&str, &str); 2] = [("job", "id"), ("job_run", "job_id")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => run(manager, &postgres()).await,
            _ => run(manager, &sqlite()).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = manager.get_database_backend() == DbBackend::Postgres;
        for (table, _) in TABLES {
            for event in ["insert", "update", "delete", "truncate"] {
                if is_postgres {
                    run(manager, &format!("DROP TRIGGER {table}_change_{event} ON {table}"))
                        .await?;
                } else if event != "truncate" {
                    run(manager, &format!("DROP TRIGGER {table}_change_{event}")).await?;
                }
            }
            if is_postgres {
                run(manager, &format!("DROP FUNCTION {table}_changed")).await?;
            }
        }
        if is_postgres {
            run(manager, "DROP FUNCTION jobs_truncated").await
        } else {
            run(manager, "DROP TABLE job_change").await
        }
    }
}

fn postgres() -> String {
    let mut sql = "CREATE FUNCTION jobs_truncated() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_notify('agent_jobs', '*'); RETURN NULL; END $$;\n"
        .to_owned();
    for (table, column) in TABLES {
        sql.push_str(&format!(
            "CREATE FUNCTION {table}_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF (SELECT count(*) FROM changed) > 4000 THEN
                 PERFORM pg_notify('agent_jobs', '*');
               ELSE
                 PERFORM pg_notify('agent_jobs', string_agg(encode(uuid_send(id), 'hex'), ''))
                 FROM (SELECT id, (row_number() OVER () - 1) / 200 AS part
                       FROM (SELECT DISTINCT {column} AS id FROM changed) AS ids) AS parts
                 GROUP BY part;
               END IF;
               RETURN NULL;
             END $$;\n"
        ));
        for (event, rows) in [("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")] {
            sql.push_str(&format!(
                "CREATE TRIGGER {table}_change_{event} AFTER {event} ON {table} \
                 REFERENCING {rows} TABLE AS changed \
                 FOR EACH STATEMENT EXECUTE FUNCTION {table}_changed();\n"
            ));
        }
        sql.push_str(&format!(
            "CREATE TRIGGER {table}_change_truncate AFTER TRUNCATE ON {table} \
             FOR EACH STATEMENT EXECUTE FUNCTION jobs_truncated();\n"
        ));
    }
    sql
}

fn sqlite() -> String {
    // The last row is never removed, so that numbers are not given again.
    let mut sql =
        "CREATE TABLE job_change (seq INTEGER PRIMARY KEY, job_id BLOB NOT NULL) STRICT;\n"
            .to_owned();
    for (table, column) in TABLES {
        for (event, row) in [("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")] {
            sql.push_str(&format!(
                "CREATE TRIGGER {table}_change_{event} AFTER {event} ON {table} BEGIN\n\
                 INSERT INTO job_change (job_id) VALUES ({row}.{column});\nEND;\n"
            ));
        }
    }
    sql
}
