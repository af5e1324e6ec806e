//! What a job is to do.

use rand::Rng;

use super::providers::Provider;
use super::random::Draw;
use super::work::{JobKind, Pace};

/// The work of a job, independent of the agent and the attempt.
#[derive(Clone, Debug)]
pub struct Task {
    pub provider: &'static Provider,
    pub kind: JobKind,
    /// What is crawled: one of the provider's components.
    pub component: &'static str,
    /// 0, 2 or 4.
    pub priority: i32,
    /// One of the few very large ones.
    pub bulk: bool,
}

impl Task {
    /// A task for a configuration of this provider.
    pub fn draw(provider: &'static Provider, rng: &mut impl Rng) -> Self {
        let kind = JobKind::draw(rng);
        let priority = match rng.random_range(0..100) {
            0..15 => 0,
            15..85 => 2,
            _ => 4,
        };
        let bulk = rng.chance(0.004) && Pace::can_be_bulk(provider, kind);
        Self { provider, kind, component: rng.pick(provider.components), priority, bulk }
    }

    /// What the job is called: `HubSpot contacts crawl`.
    pub fn name(&self) -> String {
        let what = if self.kind == JobKind::Delete { "removal" } else { "crawl" };
        [self.provider.label, " ", self.component, " ", what].concat()
    }
}
