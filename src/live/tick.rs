//! The notification that a batch of changes was applied.

use std::collections::HashSet;

use uuid::Uuid;

/// A batch of applied changes.
#[derive(Debug, Default)]
pub struct Tick {
    /// The changed jobs; `None` if any job may have changed.
    pub jobs: Option<HashSet<Uuid>>,
}

impl Tick {
    pub fn may_have_changed(&self, job: Uuid) -> bool {
        self.jobs.as_ref().is_none_or(|jobs| jobs.contains(&job))
    }
}
