//! Lists of jobs in the order in which they are due.

use sea_orm_migration::prelude::*;

use crate::sql::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The configuration at its end, so that lists of one are filtered within the index.
        run(
            manager,
            "CREATE INDEX job_by_due ON job \
             (state, (coalesce(scheduled_date, created_date)), id, configuration_id)",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "DROP INDEX job_by_due").await
    }
}
