use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use entity::{Long, Timestamp};
use uuid::Uuid;

use super::{Configuration, load};
use crate::error::ApiError;
use crate::graphql::context::{Now, principal};
use crate::graphql::loader::{DaysOf, GroupOf, RowLoader, SampleOf};
use crate::jobs::failures::parts::{Acknowledged, Group};
use crate::jobs::scope::Scope;

/// How many days a trend has at most.
const DAYS_MAX: i32 = 366;

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// A failure group: as much of it as a scope has.
#[derive(Clone)]
pub struct FailureGroup {
    group: Arc<Group>,
    scope: Scope,
}

impl FailureGroup {
    pub fn new(group: Arc<Group>, scope: Scope) -> Self {
        Self { group, scope }
    }

    /// The group with this id, as much of it as the principal may see.
    pub async fn load(context: &Context<'_>, id: Uuid) -> Result<Option<Self>, ApiError> {
        let scope = principal(context).scope().clone();
        let loader = context.data_unchecked::<RowLoader>();
        let group = loader.load_one(GroupOf { scope: scope.clone(), id }).await?;
        Ok(group.map(|group| Self { group, scope }))
    }
}

/// The failures of a group in one configuration.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct FailureGroupConfiguration {
    #[graphql(skip)]
    id: Option<Uuid>,
    /// How many of the configuration's jobs are failed.
    count: Long,
}

#[ComplexObject]
impl FailureGroupConfiguration {
    /// The configuration. Null for jobs without one.
    async fn configuration(
        &self,
        context: &Context<'_>,
    ) -> Result<Option<Configuration>, ApiError> {
        match self.id {
            Some(id) => load(context, id).await,
            None => Ok(None),
        }
    }
}

/// The failures of a group on one day.
#[derive(SimpleObject)]
pub struct FailureGroupDay {
    /// When the day begins, in UTC.
    day: Timestamp,
    /// How many runs failed that day, those that were retried or removed since included.
    count: Long,
}

/// That someone knows of the failures of a group.
#[derive(SimpleObject)]
pub struct FailureGroupAcknowledgement {
    /// When it was acknowledged.
    at: Timestamp,
    /// The name of the principal who did.
    by: String,
    /// What they noted.
    note: Option<String>,
}

impl From<&Acknowledged> for FailureGroupAcknowledgement {
    fn from(known: &Acknowledged) -> Self {
        Self { at: known.at, by: known.by.clone(), note: known.note.clone() }
    }
}

/// Failures with the same cause: those of runs whose messages differ in nothing but ids, numbers,
/// times, paths, hosts and quoted values. A job belongs to the group of its current run while it is
/// `FAILED`; one that is retried leaves it.
#[Object]
impl FailureGroup {
    /// The group. It is the same for equal titles, in every database.
    async fn id(&self) -> Uuid {
        self.group.id
    }

    /// What the messages have in common, with placeholders such as `<number>` where they differ.
    async fn title(&self) -> &str {
        &self.group.title
    }

    /// The message of the newest of its jobs. Null if it has no failed jobs any more, or that has no
    /// message.
    async fn sample_message(&self, context: &Context<'_>) -> Result<Option<String>, ApiError> {
        let key = SampleOf(GroupOf { scope: self.scope.clone(), id: self.group.id });
        context.data_unchecked::<RowLoader>().load_one(key).await
    }

    /// When the first run failed of it. Null when not known.
    async fn first_seen(&self) -> Option<Timestamp> {
        self.group.first_seen()
    }

    /// When the last run failed of it, or was reported if that was later. Null when not known.
    async fn last_seen(&self) -> Option<Timestamp> {
        self.group.last_seen()
    }

    /// How many jobs are failed of it: as many as `jobs(filter: { failureGroupId: … })` lists.
    async fn job_count(&self) -> Long {
        Long(self.group.jobs())
    }

    /// The configurations that have failed jobs, the most first.
    async fn by_configuration(&self) -> Vec<FailureGroupConfiguration> {
        let parts = self.group.parts.iter().filter(|part| part.jobs > 0);
        parts
            .map(|part| FailureGroupConfiguration {
                id: part.configuration_id,
                count: Long(part.jobs),
            })
            .collect()
    }

    /// How many runs failed on each of the last days, by the end of the run, the oldest first. Days
    /// without failures are left out.
    async fn per_day(
        &self,
        context: &Context<'_>,
        #[graphql(default = 30, desc = "How many days, today included, from 1 to 366.")]
        days: Option<i32>,
    ) -> Result<Vec<FailureGroupDay>, ApiError> {
        let days = days.unwrap_or(30);
        if !(1..=DAYS_MAX).contains(&days) {
            let expected = format!("expected a number from 1 to {DAYS_MAX}, not {days}");
            return Err(ApiError::invalid("days", expected));
        }
        let now = context.data_unchecked::<Arc<Now>>().get().micros();
        let from = now - now.rem_euclid(DAY) - i64::from(days - 1) * DAY;
        let group = GroupOf { scope: self.scope.clone(), id: self.group.id };
        let key = DaysOf { group, from: Timestamp::from_micros(from).unwrap_or_default() };
        let found = context.data_unchecked::<RowLoader>().load_one(key).await?.unwrap_or_default();
        let day = |&(day, n): &(Timestamp, i64)| FailureGroupDay { day, count: Long(n) };
        Ok(found.iter().map(day).collect())
    }

    /// The newest acknowledgement. Null if none, or if a job of a configuration has failed since it was
    /// acknowledged there.
    async fn acknowledgement(&self) -> Option<FailureGroupAcknowledgement> {
        self.group.acknowledgement().map(Into::into)
    }
}
