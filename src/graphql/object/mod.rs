//! The object types: a table's columns, with relations and derived fields around them.

mod agent;
mod configuration;
mod counts;
mod failure_group;
mod job;
mod job_run;
mod principal;
mod statistics;

pub use agent::Agent;
pub use configuration::Configuration;
pub use counts::JobCounts;
pub use failure_group::FailureGroup;
pub use job::Job;
pub use job_run::JobRun;
pub use principal::Principal;
pub use statistics::JobStatistics;

use async_graphql::Context;

use super::loader::{ById, RowLoader};
use super::selection::{Selectable, columns};
use crate::error::ApiError;
use crate::jobs::scope::Scoped;

/// The row with this id as a `T`, with the columns that the present field selects.
pub async fn load<T>(context: &Context<'_>, id: uuid::Uuid) -> Result<Option<T>, ApiError>
where
    T: Selectable<Entity: Scoped>
        + From<std::sync::Arc<<T::Entity as sea_orm::EntityTrait>::Model>>,
{
    let key: ById<_> = (id, columns::<T>(context));
    let row = context.data_unchecked::<RowLoader>().load_one(key).await?;
    Ok(row.map(T::from))
}

/// Defines the object type of a table's rows. What follows in braces are fields that clients do
/// not see, which begin with their defaults.
macro_rules! object {
    ($(#[$meta:meta])* $name:ident: $table:ident $({ $($field:ident: $type:ty),* })?) => {
        $(#[$meta])*
        #[derive(Clone, async_graphql::SimpleObject)]
        #[graphql(complex)]
        pub struct $name {
            #[graphql(flatten)]
            row: std::sync::Arc<entity::$table::Model>,
            $($(#[graphql(skip)] $field: $type,)*)?
        }

        impl From<std::sync::Arc<entity::$table::Model>> for $name {
            fn from(row: std::sync::Arc<entity::$table::Model>) -> Self {
                Self { row, $($($field: Default::default(),)*)? }
            }
        }

        impl From<entity::$table::Model> for $name {
            fn from(row: entity::$table::Model) -> Self {
                Self::from(std::sync::Arc::new(row))
            }
        }
    };
}
use object;
