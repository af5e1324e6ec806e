//! Finding an attempt by its token: an order to begin one that comes twice begins one attempt, even
//! when both come at once to two replicas.

use sea_orm_migration::prelude::*;

use crate::sql::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "CREATE UNIQUE INDEX job_run_by_attempt ON job_run (attempt_token) \
             WHERE attempt_token IS NOT NULL",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "DROP INDEX job_run_by_attempt").await
    }
}
