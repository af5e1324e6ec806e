//! Which table a file holds, and which column each of its headers means.

use std::future::ready;

use entity::{Table, Timestamp, agent, configuration, job, job_event, job_run};
use sea_orm::{ConnectionTrait, DbErr};

use crate::jobs::store::{self, RowSet};

/// A table that files can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FileTable {
    Configurations,
    Agents,
    Jobs,
    JobRuns,
    /// The history of jobs.
    JobEvents,
}

impl FileTable {
    /// The table whose export has these headers.
    pub fn detect(headers: &[String]) -> Option<Self> {
        let words: Vec<_> = headers.iter().map(|header| normalize(header)).collect();
        let has = |word: &str| words.iter().any(|each| each == word);
        let is_job = words.iter().any(|word| {
            matches!(
                word.as_str(),
                "priority" | "scheduleddate" | "configurationid" | "state" | "type"
            ) || job_alias(word).is_some()
        });
        let agent = ["id", "name", "createddate", "updatedate"];
        if has("jobid") && has("agentstate") {
            Some(Self::JobRuns)
        } else if has("jobid") && has("changedby") {
            Some(Self::JobEvents)
        } else if !has("id") {
            None
        } else if is_job {
            Some(Self::Jobs)
        } else if has("provider") {
            Some(Self::Configurations)
        } else if has("agentkey") || (words.len() == agent.len() && agent.into_iter().all(has)) {
            Some(Self::Agents)
        } else {
            None
        }
    }

    /// What its exports are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configurations => "configurations",
            Self::Agents => "agents",
            Self::Jobs => "jobs",
            Self::JobRuns => "job-runs",
            Self::JobEvents => "job-events",
        }
    }
}

/// A header in the form in which headers are compared: without case, separators and the brackets
/// and quotes that databases put around names.
pub fn normalize(header: &str) -> String {
    header.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What platforms call a job's columns.
fn job_alias(word: &str) -> Option<&'static str> {
    Some(match word {
        "providerdefinitionid" => "configuration_id",
        "component" | "jobname" => "name",
        "jobtype" => "type",
        "jobstate" => "state",
        "createdat" | "creationdate" | "datecreated" => "created_date",
        "scheduledat" | "scheduledfor" => "scheduled_date",
        "updatedat" | "updateddate" | "lastupdateddate" => "update_date",
        _ => return None,
    })
}

/// A table that can be imported.
pub trait Import: Table {
    /// The columns without which a row means nothing.
    const REQUIRED: &'static [&'static str];

    /// Columns that a file may have but that are computed here, normalized.
    const COMPUTED: &'static [&'static str] = &[];

    /// The column that says what a row is about. Rows about the same are written in the order
    /// of the file; others may be written side by side.
    const OWNER: &'static str = "id";

    /// The column that a normalized header means, if platforms call it something else.
    fn alias(_word: &str) -> Option<&'static str> {
        None
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
    // The newest run, and what the database copies from it.
    const COMPUTED: &'static [&'static str] = &[
        "currentrunid",
        "currentjobrunid",
        "failuregroupid",
        "agentid",
        "starteddate",
        "finisheddate",
        "duration",
        "cluesmissing",
    ];

    fn alias(word: &str) -> Option<&'static str> {
        job_alias(word)
    }

    async fn make_parents(
        db: &(impl ConnectionTrait + Send),
        set: &RowSet<Self>,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        store::insert_placeholders::<configuration::Entity>(db, &set.ids("configuration_id"), now)
            .await
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
    const COMPUTED: &'static [&'static str] = &["failuregroupid", "failuregroupversion"];
    const OWNER: &'static str = "job_id";

    async fn make_parents(
        db: &(impl ConnectionTrait + Send),
        set: &RowSet<Self>,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        store::insert_placeholders::<agent::Entity>(db, &set.ids("agent_id"), now).await
    }

    async fn store(
        db: &(impl ConnectionTrait + Send),
        set: RowSet<Self>,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        store::runs(db, set, now).await
    }
}

impl Import for job_event::Entity {
    const REQUIRED: &'static [&'static str] = &["id", "job_id", "state", "date", "changed_by"];
    const OWNER: &'static str = "job_id";

    async fn store(
        db: &(impl ConnectionTrait + Send),
        set: RowSet<Self>,
        _now: Timestamp,
    ) -> Result<(), DbErr> {
        store::events(db, set).await
    }
}
