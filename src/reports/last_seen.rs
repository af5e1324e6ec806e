//! When agents were last seen.
//!
//! Heartbeats come often, and a row write for each would double what they cost. So sightings gather in
//! memory, and each agent's is written once in [`EVERY`]: at once if it was not written for that long.
//! All that are due within a [`TICK`] are written by one statement.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use entity::Timestamp;
use tokio::time::sleep;
use uuid::Uuid;

use super::op::Op;
use super::queue::WriteQueue;
use crate::clock;

/// How long after an agent's sighting was written the next one is, at the earliest.
const EVERY: TimeDelta = TimeDelta::seconds(20);

/// How often sightings that are due are written.
const TICK: Duration = Duration::from_secs(1);

/// The last sighting of an agent.
#[derive(Debug)]
struct Sighting {
    at: Timestamp,
    is_written: bool,
    /// When one of this agent was last written.
    written: Option<Timestamp>,
}

/// The last sighting of each agent that was seen here lately.
#[derive(Debug, Default)]
pub struct LastSeen(Mutex<HashMap<Uuid, Sighting>>);

impl LastSeen {
    fn sightings(&self) -> MutexGuard<'_, HashMap<Uuid, Sighting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes agents that were seen now. They exist.
    pub fn note(&self, agents: impl IntoIterator<Item = Uuid>, now: Timestamp) {
        let mut sightings = self.sightings();
        for agent in agents {
            let new = Sighting { at: now, is_written: false, written: None };
            let sighting = sightings.entry(agent).or_insert(new);
            if sighting.at < now {
                (sighting.at, sighting.is_written) = (now, false);
            }
        }
    }

    /// The sightings to write now. Agents that were not seen since the last write are forgotten.
    fn take_due(&self, now: Timestamp) -> Vec<(Uuid, Timestamp)> {
        let is_recent = |sighting: &Sighting| {
            sighting.written.is_some_and(|written| now.utc() - written.utc() < EVERY)
        };
        let mut sightings = self.sightings();
        sightings.retain(|_, sighting| !sighting.is_written || is_recent(sighting));
        let due = |(agent, sighting): (&Uuid, &mut Sighting)| {
            if sighting.is_written || is_recent(sighting) {
                return None;
            }
            (sighting.is_written, sighting.written) = (true, Some(now));
            Some((*agent, sighting.at))
        };
        sightings.iter_mut().filter_map(due).collect()
    }

    /// All sightings that are not written.
    pub fn take(&self) -> Vec<(Uuid, Timestamp)> {
        let sightings = std::mem::take(&mut *self.sightings());
        let unwritten = sightings.into_iter().filter(|(_, sighting)| !sighting.is_written);
        unwritten.map(|(agent, sighting)| (agent, sighting.at)).collect()
    }

    /// Submits the sightings that are due to the queue until it is closed.
    pub async fn submit(self: Arc<Self>, queue: Arc<WriteQueue>) {
        while !queue.is_closed() {
            sleep(TICK).await;
            let due = self.take_due(clock::now());
            if due.is_empty() {
                continue;
            }
            let written = match queue.add(None, vec![Op::Seen(due.clone())]) {
                Ok(answered) => answered.await.is_ok_and(|outcomes| outcomes.is_ok()),
                Err(_) => false,
            };
            if !written {
                self.put_back(due);
            }
        }
    }

    /// Takes back sightings that could not be written.
    fn put_back(&self, sightings: Vec<(Uuid, Timestamp)>) {
        let mut known = self.sightings();
        for (agent, at) in sightings {
            let sighting =
                known.entry(agent).or_insert(Sighting { at, is_written: false, written: None });
            (sighting.is_written, sighting.written) = (false, None);
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
        seen.note([agent], second(0));
        assert_eq!(seen.take_due(second(1)), [(agent, second(0))]);
        assert_eq!(seen.take_due(second(2)), []);
        // Heartbeats in between cost no write, and only the last of them is written.
        for n in 5..15 {
            seen.note([agent], second(n));
            assert_eq!(seen.take_due(second(n)), []);
        }
        assert_eq!(seen.take_due(second(20)), []);
        assert_eq!(seen.take_due(second(21)), [(agent, second(14))]);
        assert_eq!(seen.take_due(second(90)), []);
        assert!(seen.sightings().is_empty(), "an agent that is silent is forgotten");
        seen.note([agent], second(100));
        assert_eq!(seen.take_due(second(100)), [(agent, second(100))]);
    }

    #[test]
    fn what_could_not_be_written_is_due_again() {
        let (seen, agent) = (LastSeen::default(), Uuid::from_u128(1));
        seen.note([agent], second(0));
        let due = seen.take_due(second(0));
        seen.note([agent], second(2));
        seen.put_back(due);
        assert_eq!(seen.take_due(second(3)), [(agent, second(2))]);
        seen.note([agent], second(4));
        assert_eq!(seen.take(), [(agent, second(4))]);
        assert_eq!(seen.take(), []);
    }
}
