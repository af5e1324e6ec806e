//! Configurations, with what a history needs to know of each.

use entity::configuration;
use rand::Rng;
use rand::seq::SliceRandom;

use super::dates::{DAY, moment};
use super::providers::{PROVIDERS, Provider};
use super::random::{Draw, whole};
use super::{Shape, ids};

/// What a configuration's jobs are like.
pub struct Source {
    pub provider: &'static Provider,
    /// How much more often than usual its runs fail.
    pub flakiness: f64,
    /// The index of the first of the two agents that run its jobs.
    pub agent: usize,
}

/// All configurations, and how the jobs fall to them.
pub struct Sources {
    pub configurations: Vec<configuration::Model>,
    pub each: Vec<Source>,
    /// For each configuration, its and its predecessors' activity.
    activity: Vec<u64>,
}

impl Sources {
    /// Makes the configurations of a history that ends now, in milliseconds since 1970.
    pub fn new(shape: &Shape, now: i64, rng: &mut impl Rng) -> Self {
        let count = shape.configurations.max(1);
        let mut providers: Vec<_> = PROVIDERS.iter().collect();
        providers.shuffle(rng);
        let first_place = rng.random_range(0..PROVIDERS.len());
        let mut ranks: Vec<u64> = (1..=count as u64).collect();
        ranks.shuffle(rng);

        let first_job = now - i64::from(shape.days.max(1)) * DAY;
        let mut configurations = Vec::with_capacity(count);
        let mut each = Vec::with_capacity(count);
        for index in 0..count {
            let provider = providers[index % providers.len()];
            let nth = index / providers.len();
            let created = first_job - whole(rng.between(2.0, 400.0) * 86_400_000.0);
            let updated = created + whole(rng.between(0.0, 2.0) * 86_400_000.0);
            configurations.push(configuration::Model {
                id: ids::before_jobs(index, rng),
                name: Some(name(provider, nth, first_place + index % providers.len())),
                provider: Some(provider.kind.to_owned()),
                created_date: moment(created),
                update_date: rng.chance(0.6).then(|| moment(updated)),
            });
            each.push(Source {
                provider,
                flakiness: if index % 5 == 3 { 2.0 } else { 0.75 },
                agent: rng.random_range(0..shape.agents.max(1)),
            });
        }
        // By Zipf's law: the busiest has twice the jobs of the next.
        let activity = ranks
            .into_iter()
            .scan(0, |sum, rank| {
                *sum += 1_000_000_000 / rank;
                Some(*sum)
            })
            .collect();
        Self { configurations, each, activity }
    }

    /// The index of a configuration, the busier the likelier.
    pub fn pick(&self, rng: &mut impl Rng) -> usize {
        let total = self.activity.last().copied().unwrap_or(1);
        let at = rng.random_range(0..total);
        self.activity.partition_point(|sum| *sum <= at)
    }
}

/// The name of a provider's nth configuration: `HubSpot EU`, and `HubSpot EU 2` once every place
/// has one.
fn name(provider: &Provider, nth: usize, first_place: usize) -> String {
    let places = provider.places;
    let place = places[(first_place + nth) % places.len()];
    match nth / places.len() {
        0 => format!("{} {place}", provider.label),
        round => format!("{} {place} {}", provider.label, round + 1),
    }
}
