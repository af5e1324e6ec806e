//! Which principal changed a job, and not only its kind. Null for events from before, for what agents and
//! the service do, and where there is no access control.

use sea_orm_migration::prelude::*;

use crate::sql::Null::Yes;
use crate::sql::Type::Text;
use crate::sql::{add_column, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_column(manager, "job_event", ("principal", Text, Yes)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "ALTER TABLE job_event DROP COLUMN principal").await
    }
}
