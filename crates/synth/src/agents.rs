//! The agents that run the jobs.

use std::sync::Arc;

use entity::agent;
use rand::Rng;

use super::dates::{DAY, moment};
use super::random::{Draw, whole};
use super::{Shape, ids};

const REGIONS: [&str; 3] = ["eu", "us", "ap"];

/// All agents, and the key of each.
pub struct Agents {
    pub models: Vec<agent::Model>,
    pub keys: Vec<Arc<str>>,
}

impl Agents {
    /// Makes the agents of a history that ends now, in milliseconds since 1970.
    pub fn new(shape: &Shape, now: i64, rng: &mut impl Rng) -> Self {
        let first_job = now - i64::from(shape.days.max(1)) * DAY;
        let (models, keys) = (0..shape.agents.max(1))
            .map(|index| {
                let created = first_job - whole(rng.between(1.0, 300.0) * 86_400_000.0);
                let (region, number) = (REGIONS[index % REGIONS.len()], index / REGIONS.len() + 1);
                let id = ids::before_jobs(index, rng);
                let key: Arc<str> = Arc::from(ids::key(rng).to_string());
                let model = agent::Model {
                    id,
                    name: Some(format!("agent-{region}-{number}")),
                    created_date: moment(created),
                    agent_key: Some(key.to_string()),
                    ..agent::Model::default()
                };
                (model, key)
            })
            .unzip();
        Self { models, keys }
    }
}
