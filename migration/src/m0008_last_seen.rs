//! When each agent was last seen. Null until it is seen: of agents that files or other programs
//! write, nothing is known.

use sea_orm_migration::prelude::*;

use crate::sql::Null::Yes;
use crate::sql::Type::Time;
use crate::sql::{add_column, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_column(manager, "agent", ("last_seen", Time, Yes)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "ALTER TABLE agent DROP COLUMN last_seen").await
    }
}
