//! When agents were last seen.
//!
//! Heartbeats are frequent, and a row write for each would double their cost. So sightings are collected
//! in memory, and an agent's last one is written once per [`WRITE_EVERY`]: at once if none was written
//! for that long. All that are due within a [`TICK`] are written by one statement.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use entity::Timestamp;
use tokio::time::sleep;
use uuid::Uuid;

use super::fair_queue::FairQueue;
use super::op::Op;
use crate::clock;

/// The shortest time between two writes of an agent's sightings.
const WRITE_EVERY: TimeDelta = TimeDelta::seconds(20);

/// How often due sightings are written.
const TICK: Duration = Duration::from_secs(1);

/// The last sighting of an agent.
#[derive(Debug)]
struct Sighting {
    at: Timestamp,
    is_written: bool,
    /// When a sighting of this agent was last written.
    last_write: Option<Timestamp>,
}

/// The last sighting of each agent that was seen here recently.
#[derive(Debug, Default)]
pub struct LastSeen(Mutex<HashMap<Uuid, Sighting>>);

impl LastSeen {
    fn sightings(&self) -> MutexGuard<'_, HashMap<Uuid, Sighting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that agents were seen now. The agents must exist.
    pub fn record(&self, agents: impl IntoIterator<Item = Uuid>, now: Timestamp) {
        let mut sightings = self.sightings();
        for agent in agents {
            let new = Sighting { at: now, is_written: false, last_write: None };
            let sighting = sightings.entry(agent).or_insert(new);
            if sighting.at < now {
                (sighting.at, sighting.is_written) = (now, false);
            }
        }
    }

    /// The sightings to write now. Agents that were not seen since the last write are forgotten.
    fn take_due(&self, now: Timestamp) -> Vec<(Uuid, Timestamp)> {
        let is_recent = |sighting: &Sighting| {
            sighting.last_write.is_some_and(|last| now.utc() - last.utc() < WRITE_EVERY)
        };
        let mut sightings = self.sightings();
        sightings.retain(|_, sighting| !sighting.is_written || is_recent(sighting));
        let due = |(agent, sighting): (&Uuid, &mut Sighting)| {
            if sighting.is_written || is_recent(sighting) {
                return None;
            }
            (sighting.is_written, sighting.last_write) = (true, Some(now));
            Some((*agent, sighting.at))
        };
        sightings.iter_mut().filter_map(due).collect()
    }

    /// Takes all sightings that are not written yet.
    pub fn drain(&self) -> Vec<(Uuid, Timestamp)> {
        let sightings = std::mem::take(&mut *self.sightings());
        let unwritten = sightings.into_iter().filter(|(_, sighting)| !sighting.is_written);
        unwritten.map(|(agent, sighting)| (agent, sighting.at)).collect()
    }

    /// Submits due sightings until the queue is closed.
    pub async fn submit(self: Arc<Self>, queue: Arc<FairQueue>) {
        while !queue.is_closed() {
            sleep(TICK).await;
            let due = self.take_due(clock::now());
            if due.is_empty() {
                continue;
            }
            let written = match queue.push(None, vec![Op::RecordSightings(due.clone())]) {
                Ok(outcomes) => outcomes.await.is_ok_and(|outcomes| outcomes.is_ok()),
                Err(_) => false,
            };
            if !written {
                self.put_back(due);
            }
        }
    }

    /// Returns sightings that could not be written.
    fn put_back(&self, sightings: Vec<(Uuid, Timestamp)>) {
        let mut all = self.sightings();
        for (agent, at) in sightings {
            let sighting =
                all.entry(agent).or_insert(Sighting { at, is_written: false, last_write: None });
            (sighting.is_written, sighting.last_write) = (false, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_micros(n * 1_000_000).expect("a moment")
    }

    #[test]
    fn a_sighting_is_written_at_once_and_the_next_after_the_interval() {
        let (seen, agent) = (LastSeen::default(), Uuid::from_u128(1));
        seen.record([agent], second(0));
        assert_eq!(seen.take_due(second(1)), [(agent, second(0))]);
        assert_eq!(seen.take_due(second(2)), []);
        // Heartbeats in between cost no write, and only the last of them is written.
        for n in 5..15 {
            seen.record([agent], second(n));
            assert_eq!(seen.take_due(second(n)), []);
        }
        assert_eq!(seen.take_due(second(20)), []);
        assert_eq!(seen.take_due(second(21)), [(agent, second(14))]);
        assert_eq!(seen.take_due(second(90)), []);
        assert!(seen.sightings().is_empty(), "a silent agent is forgotten");
        seen.record([agent], second(100));
        assert_eq!(seen.take_due(second(100)), [(agent, second(100))]);
    }

    #[test]
    fn sightings_that_could_not_be_written_are_due_again() {
        let (seen, agent) = (LastSeen::default(), Uuid::from_u128(1));
        seen.record([agent], second(0));
        let due = seen.take_due(second(0));
        seen.record([agent], second(2));
        seen.put_back(due);
        assert_eq!(seen.take_due(second(3)), [(agent, second(2))]);
        seen.record([agent], second(4));
        assert_eq!(seen.drain(), [(agent, second(4))]);
        assert_eq!(seen.drain(), []);
    }
}
