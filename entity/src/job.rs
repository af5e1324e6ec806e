//! Jobs: pieces of work for a configuration.

use async_graphql::SimpleObject;
use sea_orm::entity::prelude::*;

use crate::{JobState, Millis, Timestamp};

#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel, SimpleObject)]
#[sea_orm(table_name = "job")]
#[graphql(name = "JobColumns")]
pub struct Model {
    /// The job.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The configuration it works for. Null for a job that is only known from its runs.
    pub configuration_id: Option<Uuid>,
    /// What it is called: the component that does the work. Null for a job that is only known
    /// from its runs.
    pub name: Option<String>,
    /// The kind of work, in the platform's own words. Null when not known.
    pub r#type: Option<String>,
    /// Which of several queued jobs goes first, the higher one: 0 is low, 2 normal, 4 high.
    pub priority: i32,
    /// Where it stands: the agent state of its current run, or `QUEUED` before it has one.
    pub state: JobState,
    /// When it was created. Lists show the newest first.
    pub created_date: Timestamp,
    /// When it is to run, if it was scheduled. Null: as soon as an agent is free.
    pub scheduled_date: Option<Timestamp>,
    /// When it was queued last: a retry queues it again. Null when not known.
    pub queued_date: Option<Timestamp>,
    /// When the job itself last changed; its runs' progress is no change of the job. Null for a
    /// job that is only known from its runs.
    pub update_date: Option<Timestamp>,
    /// Its newest run. Null until an agent has taken it.
    pub current_run_id: Option<Uuid>,
    /// The id that the client gave the request that queued it, so that a repeat queues no second job.
    #[graphql(skip)]
    pub client_request_id: Option<String>,
    /// The failure group of its current run, while it is failed. Triggers keep it.
    #[graphql(skip)]
    pub failure_group_id: Option<Uuid>,
    /// The agent of its current run. This and the columns below are copied by triggers, for lists.
    #[graphql(skip)]
    pub agent_id: Option<Uuid>,
    /// When the agent of its current run began.
    #[graphql(skip)]
    pub started_date: Option<Timestamp>,
    /// When it finished: the end of its current run's agent or, if that is not known, its last change.
    /// Null until then.
    #[graphql(skip)]
    pub finished_date: Option<Timestamp>,
    /// How long the agent of its current run worked, in milliseconds. Null until it has finished.
    #[graphql(skip)]
    pub duration: Option<Millis>,
    /// Whether the processing of its current run has ended, and received fewer clues than the agent
    /// submitted.
    #[graphql(skip)]
    pub clues_missing: bool,
}

crate::table::table!("job", internal: [
    "client_request_id",
    "failure_group_id",
    "agent_id",
    "started_date",
    "finished_date",
    "duration",
    "clues_missing",
]);

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
