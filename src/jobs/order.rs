//! In what order a list shows jobs.

use async_graphql::{Enum, InputObject};

/// What a list is sorted by. Ties go by the id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(name = "JobOrderField")]
pub enum OrderField {
    /// When the job was created.
    #[default]
    CreatedDate,
    /// When the job last changed, or was created if it never did.
    UpdateDate,
    /// Its name, by code points; jobs without a name come first.
    Name,
    /// When the job is due, as agents claim it: its `scheduledDate`, or its `createdDate` if it is
    /// not scheduled.
    ScheduledDate,
}

impl OrderField {
    pub(super) fn expression(self) -> &'static str {
        match self {
            Self::CreatedDate => "created_date",
            Self::UpdateDate => "coalesce(update_date, created_date)",
            Self::Name => "coalesce(name, '')",
            Self::ScheduledDate => "coalesce(scheduled_date, created_date)",
        }
    }
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SortDirection {
    /// The smallest, oldest or alphabetically first comes first.
    Asc,
    /// The largest, newest or alphabetically last comes first.
    Desc,
}

/// What a list of jobs is sorted by. Jobs that are equal in it are sorted by their ids.
#[derive(Clone, Copy, Debug, InputObject)]
#[graphql(name = "JobOrder")]
pub struct Order {
    /// The value that is compared.
    pub field: OrderField,
    /// Which way.
    #[graphql(default_with = "Some(SortDirection::Desc)")]
    direction: Option<SortDirection>,
}

/// Newest first.
impl Default for Order {
    fn default() -> Self {
        Self::descending(OrderField::CreatedDate)
    }
}

impl Order {
    pub fn ascending(field: OrderField) -> Self {
        Self { field, direction: Some(SortDirection::Asc) }
    }

    pub fn descending(field: OrderField) -> Self {
        Self { field, direction: Some(SortDirection::Desc) }
    }

    pub fn is_descending(self) -> bool {
        self.direction != Some(SortDirection::Asc)
    }

    pub(super) fn reversed(self) -> Self {
        if self.is_descending() {
            Self::ascending(self.field)
        } else {
            Self::descending(self.field)
        }
    }

    pub(super) fn direction(self) -> &'static str {
        if self.is_descending() { "DESC" } else { "ASC" }
    }
}
