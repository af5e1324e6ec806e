//! The unit of work of a batch: it loads the rows that the batch's ops refer to, applies the ops to them
//! in memory, and saves what changed.

mod attempt;
mod job_change;
mod load;
mod report;
mod save;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use entity::{Columns, JobState, Millis, Table, Timestamp, configuration, job, job_event, job_run};
use fingerprint::Fingerprint;
use sea_orm::{DbErr, ModelTrait as _};
use uuid::Uuid;

use super::op::{Actor, Op, Outcome, Receipt, Registration};
use crate::jobs::scope::Scope;

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Another replica changed the same rows first. A retry reads them again.
    #[error("another transaction changed the same rows")]
    Raced,
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// A row, with the columns that were changed.
#[derive(Debug)]
pub struct Tracked<E: Table> {
    pub row: E::Model,
    pub changed: Columns<E>,
    pub is_new: bool,
}

impl<E: Table> Tracked<E> {
    pub fn stored(row: E::Model) -> Self {
        Self { row, changed: Columns::none(), is_new: false }
    }

    fn new(row: E::Model) -> Self {
        Self { row, changed: Columns::none(), is_new: true }
    }

    fn set(&mut self, column: E::Column, value: impl Into<sea_orm::Value>) {
        self.row.set(column, value.into());
        self.changed.insert(column);
    }
}

/// The rows that a batch of ops refers to.
#[derive(Debug)]
pub struct UnitOfWork {
    pub now: Timestamp,
    pub runs: HashMap<Uuid, Tracked<job_run::Entity>>,
    pub jobs: HashMap<Uuid, Tracked<job::Entity>>,
    /// The agents that exist, with their keys.
    pub agents: HashMap<Uuid, Option<String>>,
    /// The configurations that exist.
    pub configurations: HashSet<Uuid>,
    /// The jobs that earlier requests queued, by request id and configuration.
    pub requests: HashMap<(String, Option<Uuid>), Uuid>,
    /// The due jobs of each scope that is claimed from, in the order of their assignment.
    pub due: HashMap<Scope, VecDeque<Uuid>>,
    /// The runs by the tokens that they started with.
    pub attempts: HashMap<Uuid, Uuid>,
    /// New events of the history, in order.
    pub events: Vec<job_event::Model>,
    /// Jobs and their new runs, which take over the stored events of the queued job.
    pub started: Vec<(Uuid, Uuid)>,
    pub registrations: Vec<Registration>,
    pub saved_configurations: Vec<configuration::Model>,
    /// The agents that sent these ops.
    pub agents_seen: HashSet<Uuid>,
    pub sightings: Vec<(Uuid, Timestamp)>,
    /// The failure groups of the runs that failed, by id with their titles.
    pub failure_groups: BTreeMap<Uuid, String>,
}

impl UnitOfWork {
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            runs: HashMap::new(),
            jobs: HashMap::new(),
            agents: HashMap::new(),
            configurations: HashSet::new(),
            requests: HashMap::new(),
            due: HashMap::new(),
            attempts: HashMap::new(),
            events: Vec::new(),
            started: Vec::new(),
            registrations: Vec::new(),
            saved_configurations: Vec::new(),
            agents_seen: HashSet::new(),
            sightings: Vec::new(),
            failure_groups: BTreeMap::new(),
        }
    }

    /// Applies an op to the rows.
    pub fn apply(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Agent(report) => Ok(Receipt::Report(self.agent_report(report))),
            Op::Processing(report) => Ok(Receipt::Report(self.processing_report(report))),
            Op::Queue(new) => self.queue(new),
            Op::Claim(claim) => self.claim(claim),
            Op::Start(start) => self.start(start),
            Op::Cancel(cancel) => self.cancel(cancel),
            Op::Retry { job_id, reason, by } => self.retry(*job_id, reason.as_deref(), by),
            Op::Expire(expired) => Ok(Receipt::Report(self.expire(expired))),
            Op::Register(registration) => {
                let agent = &registration.agent;
                let key = self.agents.entry(agent.id).or_default();
                if agent.agent_key.is_some() {
                    key.clone_from(&agent.agent_key);
                }
                self.registrations.push(registration.clone());
                Ok(Receipt::Saved)
            }
            Op::Configure(row) => {
                self.configurations.insert(row.id);
                self.saved_configurations.push(row.clone());
                Ok(Receipt::Saved)
            }
            Op::RecordSightings(sightings) => {
                self.sightings.extend_from_slice(sightings);
                Ok(Receipt::Saved)
            }
        }
    }

    /// Moves a run through states, and its job with it.
    fn move_run(&mut self, run_id: Uuid, path: &[JobState], by: &Actor, message: Option<&str>) {
        use job_run::Column::{
            AgentElapsedExecutionTime, AgentEndTime, AgentResultIsSuccess, AgentState,
            FailureGroupId, FailureGroupVersion,
        };

        let now = self.now;
        let run = self.runs.get_mut(&run_id).expect("the run was loaded");
        let Some(last) = path.last().copied() else { return };
        run.set(AgentState, last);
        if last.is_terminal() {
            run.set(AgentResultIsSuccess, last == JobState::Completed);
            let end = run.row.agent_end_time.unwrap_or(now);
            run.set(AgentEndTime, end);
            if let (Some(start), None) =
                (run.row.agent_start_time, run.row.agent_elapsed_execution_time)
            {
                let worked = (end.utc() - start.utc()).num_milliseconds().max(0);
                run.set(AgentElapsedExecutionTime, Millis(worked));
            }
        }
        // A failure without a message is grouped soon after, by more than the writer has read.
        if last == JobState::Failed
            && let Some(message) = &run.row.agent_result_message
            && let Some(group) = Fingerprint::of_message(message)
        {
            run.set(FailureGroupId, group.id);
            run.set(FailureGroupVersion, fingerprint::VERSION);
            self.failure_groups.insert(group.id, group.title);
        }
        let job_id = run.row.job_id;
        for state in path {
            self.record(job_id, Some(run_id), *state, by, message);
        }
        if let Some(job) = self.jobs.get_mut(&job_id)
            && job.row.current_run_id == Some(run_id)
        {
            job.set(job::Column::State, last);
            job.set(job::Column::UpdateDate, now);
        }
    }

    fn record(
        &mut self,
        job_id: Uuid,
        run_id: Option<Uuid>,
        state: JobState,
        by: &Actor,
        message: Option<&str>,
    ) {
        self.events.push(job_event::Model {
            id: Uuid::now_v7(),
            job_id,
            run_id,
            state,
            date: self.now,
            changed_by: by.name().to_owned(),
            message: message.map(str::to_owned),
            principal: by.principal().map(str::to_owned),
        });
    }
}
