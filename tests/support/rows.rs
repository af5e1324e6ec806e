//! Rows to begin a test with.

use agent_jobs::jobs::store;
use entity::{JobState, Table, Timestamp, agent, configuration, job, job_run};
use synth::{History, Shape};
use uuid::Uuid;

use super::TestServer;

/// The id with this number.
pub fn id(n: u32) -> Uuid {
    Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0000 | u128::from(n))
}

/// The moment this many seconds into the tests' year, 2026.
pub fn second(n: i64) -> Timestamp {
    Timestamp::from_micros((1_767_225_600 + n) * 1_000_000).expect("a moment")
}

/// A queued job without a configuration, created in second `n`.
pub fn job(n: u32) -> job::Model {
    job::Model {
        id: id(n),
        name: Some(format!("Job {n}")),
        priority: 2,
        state: JobState::Queued,
        created_date: second(i64::from(n)),
        ..job::Model::default()
    }
}

/// A run that executes, by the agent `agent_id`.
pub fn job_run(n: u32, job_id: Uuid, agent_id: Uuid) -> job_run::Model {
    job_run::Model {
        id: id(n),
        job_id,
        agent_id,
        agent_state: JobState::Executing,
        agent_queued_date: Some(second(i64::from(n))),
        ..job_run::Model::default()
    }
}

pub fn configuration(n: u32, name: Option<&str>) -> configuration::Model {
    configuration::Model {
        id: id(n),
        name: name.map(str::to_owned),
        created_date: second(0),
        ..configuration::Model::default()
    }
}

pub fn agent(n: u32, name: Option<&str>) -> agent::Model {
    agent::Model {
        id: id(n),
        name: name.map(str::to_owned),
        created_date: second(0),
        ..agent::Model::default()
    }
}

/// A made-up history, in memory.
pub struct Rows {
    pub configurations: Vec<configuration::Model>,
    pub agents: Vec<agent::Model>,
    pub jobs: Vec<job::Model>,
    pub runs: Vec<job_run::Model>,
}

impl Rows {
    pub fn of_history(jobs: u32) -> Self {
        let shape = Shape { jobs, days: 2, configurations: 5, agents: 4, ..Shape::default() };
        let history = History::new(shape, second(10_000_000));
        let (configurations, agents) =
            (history.configurations().to_vec(), history.agents().to_vec());
        let (jobs, runs): (_, Vec<_>) = history.unzip();
        Self { configurations, agents, jobs, runs: runs.concat() }
    }

    pub async fn insert(&self, server: &TestServer) {
        server.insert::<configuration::Entity>(&self.configurations).await;
        server.insert::<agent::Entity>(&self.agents).await;
        server.insert::<job::Entity>(&self.jobs).await;
        server.insert::<job_run::Entity>(&self.runs).await;
    }
}

impl TestServer {
    /// Inserts rows into the server's database.
    pub async fn insert<E: Table>(&self, rows: &[E::Model]) {
        store::models::<E>(self.db().writer(), rows).await.expect("inserting rows");
    }
}
