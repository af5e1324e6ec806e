//! What happened to jobs: each change of state, kept as history.

use async_graphql::SimpleObject;
use sea_orm::entity::prelude::*;

use crate::{JobState, Timestamp};

/// One change of a job's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel, SimpleObject)]
#[sea_orm(table_name = "job_event")]
#[graphql(name = "StateChange")]
pub struct Model {
    /// The change. Ids sort by time.
    #[sea_orm(primary_key, auto_increment = false)]
    #[graphql(skip)]
    pub id: Uuid,
    /// The job that changed.
    #[graphql(skip)]
    pub job_id: Uuid,
    /// The attempt that it was a part of. Null while the job waits for one.
    #[graphql(skip)]
    pub run_id: Option<Uuid>,
    /// The state that it came into.
    pub state: JobState,
    /// When.
    #[graphql(name = "at")]
    pub date: Timestamp,
    /// Who made it change: `agent`, `operator`, or `service` for what the service does by itself.
    #[graphql(name = "by")]
    pub changed_by: String,
    /// The reason that was given. Null if none was.
    pub message: Option<String>,
    /// The name of the operator's API token, or its subject at the identity provider. Null for what
    /// agents and the service did, where there is no access control, and for changes from before this
    /// was recorded.
    pub principal: Option<String>,
}

crate::table::table!("job_event");

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
