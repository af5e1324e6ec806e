//! The database's schema, in steps that are applied in order. A step that has been released is
//! never changed, so these files name tables and columns themselves and use nothing of ours.

pub use sea_orm_migration::MigratorTrait;

mod m0001_tables;
mod m0002_counters;
mod m0003_reports;
mod m0004_changes;
mod m0005_attempts;
mod m0006_access;
mod m0007_due_jobs;
mod m0008_last_seen;
mod m0009_failed_processing;
mod m0010_failure_groups;
mod m0011_current_runs;
mod m0012_statistics;
mod m0013_event_principals;
mod sql;

/// Every step, oldest first.
pub struct Migrator;

#[sea_orm_migration::async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        vec![
            Box::new(m0001_tables::Migration),
            Box::new(m0002_counters::Migration),
            Box::new(m0003_reports::Migration),
            Box::new(m0004_changes::Migration),
            Box::new(m0005_attempts::Migration),
            Box::new(m0006_access::Migration),
            Box::new(m0007_due_jobs::Migration),
            Box::new(m0008_last_seen::Migration),
            Box::new(m0009_failed_processing::Migration),
            Box::new(m0010_failure_groups::Migration),
            Box::new(m0011_current_runs::Migration),
            Box::new(m0012_statistics::Migration),
            Box::new(m0013_event_principals::Migration),
        ]
    }
}
