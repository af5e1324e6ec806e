//! The runs whose processing failed, which are few: lists of their jobs do not read all runs. The state
//! changes a few times in a run's life, so that progress touches no index as before.

use sea_orm_migration::prelude::*;

use crate::sql::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "CREATE INDEX job_run_by_failed_processing ON job_run (job_id, id) \
             WHERE processing_state = 'Failed'",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "DROP INDEX job_run_by_failed_processing").await
    }
}
