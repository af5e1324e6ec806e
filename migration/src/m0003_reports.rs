//! What reporting agents need beside the runs themselves: whose attempt a run is, which report was
//! the last, which job is next, and what has happened to each.

use sea_orm_migration::prelude::*;

use crate::sql::Null::{No, Yes};
use crate::sql::Type::{Long, Text, Time, Uuid};
use crate::sql::{add_column, create_table, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ADDED: [(&str, &str, crate::sql::Type); 7] = [
    ("agent", "agent_key", Text),
    ("job", "client_request_id", Text),
    ("job_run", "attempt_token", Uuid),
    ("job_run", "agent_sequence", Long),
    ("job_run", "processing_sequence", Long),
    ("job_run", "agent_report_date", Time),
    ("job_run", "cancellation_requested_date", Time),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, ty) in ADDED {
            add_column(manager, table, (column, ty, Yes)).await?;
        }
        run(
            manager,
            "CREATE UNIQUE INDEX job_by_client_request ON job (client_request_id) \
             WHERE client_request_id IS NOT NULL",
        )
        .await?;
        // The order in which jobs are given to agents: by priority, then by how long they have
        // been due. The configuration is a filter within the index.
        run(
            manager,
            "CREATE INDEX job_claimable ON job \
             (priority DESC, (coalesce(scheduled_date, created_date)), id, configuration_id) \
             WHERE state = 'Queued'",
        )
        .await?;

        create_table(
            manager,
            "job_event",
            &[
                ("id", Uuid, No),
                ("job_id", Uuid, No),
                ("run_id", Uuid, Yes),
                ("state", Text, No),
                ("date", Time, No),
                ("changed_by", Text, No),
                ("message", Text, Yes),
            ],
            &["PRIMARY KEY (id)", "FOREIGN KEY (job_id) REFERENCES job (id) ON DELETE CASCADE"],
            "",
        )
        .await?;
        run(manager, "CREATE INDEX job_event_by_job ON job_event (job_id, id)").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "DROP TABLE job_event").await?;
        run(manager, "DROP INDEX job_claimable").await?;
        run(manager, "DROP INDEX job_by_client_request").await?;
        for (table, column, _) in ADDED {
            run(manager, &format!("ALTER TABLE {table} DROP COLUMN {column}")).await?;
        }
        Ok(())
    }
}
