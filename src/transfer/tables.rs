//! Which table a file holds, and which column each of its headers means.

use std::future::ready;

use entity::{Table, Timestamp, agent, configuration, job, job_run, snake_case};
use sea_orm::{ConnectionTrait, DbErr};

use crate::jobs::store::{self, RowSet};

/// A table that files can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FileTable {
    Configurations,
    Agents,
    Jobs,
    JobRuns,
}

impl FileTable {
    /// The table whose export has these headers.
    pub fn detect(headers: &[String]) -> Option<Self> {
        let has = |name: &str| headers.iter().any(|header| snake_case(header) == name);
        let is_job = headers.iter().any(|header| {
            let name = snake_case(header);
            matches!(name.as_str(), "priority" | "scheduled_date" | "configuration_id")
                || job_alias(&name).is_some()
                || matches!(name.as_str(), "state" | "type")
        });
        if has("job_id") && has("agent_state") {
            Some(Self::JobRuns)
        } else if !has("id") {
            None
        } else if is_job {
            Some(Self::Jobs)
        } else if has("provider") {
            Some(Self::Configurations)
        } else {
            None
        }
    }
}

/// What platforms call a job's columns.
fn job_alias(name: &str) -> Option<&'static str> {
    Some(match name {
        "provider_definition_id" => "configuration_id",
        "component" | "job_name" => "name",
        "job_type" => "type",
        "job_state" => "state",
        "created_at" | "creation_date" | "date_created" => "created_date",
        "scheduled_at" | "scheduled_for" => "scheduled_date",
        "updated_at" | "updated_date" | "last_updated_date" => "update_date",
        _ => return None,
    })
}

/// A table that can be imported.
pub trait Import: Table {
    /// The columns without which a row means nothing.
    const REQUIRED: &'static [&'static str];

    /// Columns that a file may have but that are computed here.
    const COMPUTED: &'static [&'static str] = &[];

    /// The column that says what a row is about. Rows about the same are written in the order
    /// of the file; others may be written side by side.
    const OWNER: &'static str = "id";

    /// The name of the column that `header` means.
    fn resolve(header: &str) -> String {
        snake_case(header)
    }

    /// Makes what the rows belong to, if it is not known yet and a row of it needs nothing but an id.
    /// That is not for the transaction of the rows: others that need the same would wait for it.
    fn make_parents(
        _db: &(impl ConnectionTrait + Send),
        _set: &RowSet<Self>,
        _now: Timestamp,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        ready(Ok(()))
    }

    /// Writes rows.
    fn store(
        db: &(impl ConnectionTrait + Send),
        set: RowSet<Self>,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), DbErr>> + Send;
}

impl Import for configuration::Entity {
    const REQUIRED: &'static [&'static str] = &["id"];

    async fn store(
        db: &(impl ConnectionTrait + Send),
        set: RowSet<Self>,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        store::configurations(db, set, now).await
    }
}

impl Import for agent::Entity {
    const REQUIRED: &'static [&'static str] = &["id"];

    async fn store(
        db: &(impl ConnectionTrait + Send),
        set: RowSet<Self>,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        store::agents(db, set, now).await
    }
}

impl Import for job::Entity {
    const REQUIRED: &'static [&'static str] = &["id", "created_date"];
    // It is the newest run.
    const COMPUTED: &'static [&'static str] = &["current_run_id", "current_job_run_id"];

    fn resolve(header: &str) -> String {
        let name = snake_case(header);
        job_alias(&name).map(str::to_owned).unwrap_or(name)
    }

    async fn make_parents(
        db: &(impl ConnectionTrait + Send),
        set: &RowSet<Self>,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        store::make_unknown::<configuration::Entity>(db, &set.ids("configuration_id"), now).await
    }

    async fn store(
        db: &(impl ConnectionTrait + Send),
        set: RowSet<Self>,
        _now: Timestamp,
    ) -> Result<(), DbErr> {
        store::jobs(db, set).await
    }
}

impl Import for job_run::Entity {
    const REQUIRED: &'static [&'static str] = &["id", "job_id", "agent_id", "agent_state"];
    const OWNER: &'static str = "job_id";

    async fn make_parents(
        db: &(impl ConnectionTrait + Send),
        set: &RowSet<Self>,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        store::make_unknown::<agent::Entity>(db, &set.ids("agent_id"), now).await
    }

    async fn store(
        db: &(impl ConnectionTrait + Send),
        set: RowSet<Self>,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        store::runs(db, set, now).await
    }
}
