//! Configurations, agents, jobs and job runs.

use sea_orm_migration::prelude::*;

use crate::sql::Null::{No, NoDefault, Yes};
use crate::sql::Type::{Bool, Float, Int, Long, Text, Time, Uuid};
use crate::sql::{create_table, run, run_either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in [
            (
                "configuration",
                [
                    ("id", Uuid, No),
                    ("name", Text, Yes),
                    ("provider", Text, Yes),
                    ("created_date", Time, No),
                    ("update_date", Time, Yes),
                ]
                .as_slice(),
            ),
            (
                "agent",
                &[
                    ("id", Uuid, No),
                    ("name", Text, Yes),
                    ("created_date", Time, No),
                    ("update_date", Time, Yes),
                ],
            ),
        ] {
            create_table(manager, table, columns, &["PRIMARY KEY (id)"], "").await?;
            run(
                manager,
                &format!("CREATE INDEX {table}_by_name ON {table} ((coalesce(name, '')), id)"),
            )
            .await?;
        }

        create_table(
            manager,
            "job",
            &[
                ("id", Uuid, No),
                ("configuration_id", Uuid, Yes),
                ("name", Text, Yes),
                ("type", Text, Yes),
                ("priority", Int, NoDefault("2")),
                ("state", Text, No),
                ("created_date", Time, No),
                ("scheduled_date", Time, Yes),
                ("queued_date", Time, Yes),
                ("update_date", Time, Yes),
                ("current_run_id", Uuid, Yes),
            ],
            &["PRIMARY KEY (id)", "FOREIGN KEY (configuration_id) REFERENCES configuration (id)"],
            // Room for a new version of every row: a run that begins changes its job, and only
            // within the page does that touch no index.
            "WITH (fillfactor = 50)",
        )
        .await?;
        // One index for each combination of the two filters that are used all the time, each in
        // the order of the list, and one for each other order. Those without the state as a
        // filter have it at their end, so that lists of several states are filtered within them.
        for (name, columns) in [
            ("created", "created_date, id, state"),
            ("state", "state, created_date, id"),
            ("configuration", "configuration_id, created_date, id, state"),
            ("configuration_state", "configuration_id, state, created_date, id"),
            ("name", "(coalesce(name, '')), id"),
            ("updated", "(coalesce(update_date, created_date)), id"),
        ] {
            run(manager, &format!("CREATE INDEX job_by_{name} ON job ({columns})")).await?;
        }

        create_table(
            manager,
            "job_run",
            &[
                ("id", Uuid, No),
                ("job_id", Uuid, No),
                ("agent_id", Uuid, No),
                ("agent_key", Text, No),
                ("update_date", Time, Yes),
                ("agent_result_is_success", Bool, Yes),
                ("agent_result_is_cancellation_requested", Bool, NoDefault("false")),
                ("agent_result_message", Text, Yes),
                ("agent_state", Text, No),
                ("agent_queued_date", Time, Yes),
                ("agent_start_time", Time, Yes),
                ("agent_end_time", Time, Yes),
                ("agent_elapsed_queued_time", Long, Yes),
                ("agent_elapsed_execution_time", Long, Yes),
                ("agent_percent_completed", Float, Yes),
                ("agent_last_submitted_date", Time, Yes),
                ("agent_expected_tasks_count", Long, Yes),
                ("agent_tasks_count", Long, Yes),
                ("agent_tasks_queued_count", Long, Yes),
                ("agent_tasks_completed_count", Long, Yes),
                ("agent_tasks_failed_count", Long, Yes),
                ("agent_clues_count", Long, Yes),
                ("agent_clues_queued_count", Long, Yes),
                ("agent_clues_completed_count", Long, Yes),
                ("agent_clues_failed_count", Long, Yes),
                ("processing_state", Text, Yes),
                ("processing_queued_date", Time, Yes),
                ("processing_start_time", Time, Yes),
                ("processing_end_time", Time, Yes),
                ("processing_tasks_count", Long, Yes),
                ("processing_tasks_queued_count", Long, Yes),
                ("processing_tasks_completed_count", Long, Yes),
                ("processing_tasks_failed_count", Long, Yes),
                ("processing_tasks_skipped_count", Long, Yes),
                ("processing_task_retries_count", Long, Yes),
                ("processing_tasks_already_exists_count", Long, Yes),
                ("processing_tasks_already_up_to_date_count", Long, Yes),
                ("processing_tasks_ignored_count", Long, Yes),
                ("processing_tasks_received_payloads_count", Long, Yes),
                ("processing_tasks_received_clues_count", Long, Yes),
                ("processing_tasks_received_log_lines_count", Long, Yes),
                ("processing_updated_date", Time, Yes),
            ],
            &[
                "PRIMARY KEY (id)",
                "FOREIGN KEY (job_id) REFERENCES job (id) ON DELETE CASCADE",
                "FOREIGN KEY (agent_id) REFERENCES agent (id)",
            ],
            // A run is updated many times a minute. Half of each page is kept free and no index
            // has a column that progress changes, so that those updates stay within their page
            // (heap-only tuples) and touch no index.
            "WITH (fillfactor = 50)",
        )
        .await?;
        // The runs of a job and of an agent, newest first. Both databases read these backwards:
        // SQLite sorts nulls first, PostgreSQL is told to.
        for owner in ["job", "agent"] {
            let index = format!(
                "CREATE INDEX job_run_by_{owner} ON job_run \
                 ({owner}_id, (coalesce(agent_queued_date, agent_start_time)) NULLS_FIRST, id)"
            );
            run_either(
                manager,
                &index.replace("NULLS_FIRST", ""),
                &index.replace("NULLS_FIRST", "NULLS FIRST"),
            )
            .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["job_run", "job", "agent", "configuration"] {
            run(manager, &format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}
