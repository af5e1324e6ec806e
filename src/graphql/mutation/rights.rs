//! What is outside a principal's rights is, for it, not there: ops on it are answered as if the id did
//! not exist, before the writer sees them. What they are judged by, a run's job and agent and a job's
//! configuration, no op of the API changes.

use async_graphql::Context;
use uuid::Uuid;

use crate::db::Db;
use crate::error::ApiError;
use crate::graphql::context::principal;
use crate::jobs::rows;
use crate::jobs::scope::Scope;
use crate::reports::op::{Op, Refusal};

type Checked = Result<Op, Refusal>;

/// Refuses the ops that are about something outside the principal's rights, and narrows claims to them.
pub async fn within_rights(
    context: &Context<'_>,
    mut ops: Vec<Checked>,
) -> Result<Vec<Checked>, ApiError> {
    let principal = principal(context);
    let (scope, agent) = (principal.scope(), principal.agent());
    if *scope == Scope::All && agent.is_none() {
        return Ok(ops);
    }
    let db = context.data_unchecked::<Db>().reader();
    let ids = |of: fn(&Op) -> Option<Uuid>| -> Vec<Uuid> {
        let mut ids: Vec<_> = ops.iter().flatten().filter_map(of).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let runs = rows::reportable(db, scope, agent, &ids(run_of)).await?;
    let jobs = rows::visible::<entity::job::Entity>(db, scope, &ids(job_of)).await?;
    let agents = match agent {
        // It is registered, or the writer says that it is not.
        Some(own) => [own].into(),
        None => rows::visible::<entity::agent::Entity>(db, scope, &ids(agent_of)).await?,
    };
    for checked in &mut ops {
        let Ok(op) = checked else { continue };
        let refusal = if agent_of(op).is_some_and(|id| !agents.contains(&id)) {
            Some(Refusal::not_found("agentId", "agent"))
        } else if job_of(op).is_some_and(|id| !jobs.contains(&id)) {
            Some(Refusal::not_found("jobId", "job"))
        } else if run_of(op).is_some_and(|id| !runs.contains(&id)) {
            Some(Refusal::not_found("runId", "run"))
        } else if let Op::Queue(new) = op
            && !scope.sees(new.job.configuration_id)
        {
            Some(Refusal::not_found("configurationId", "configuration"))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            *checked = Err(refusal);
        } else if let Op::Claim(claim) = op {
            claim.configurations = claim.configurations.within(scope);
        }
    }
    Ok(ops)
}

fn run_of(op: &Op) -> Option<Uuid> {
    match op {
        Op::Agent(report) => Some(report.run_id),
        Op::Processing(report) => Some(report.run_id),
        Op::Expire(expired) => Some(expired.run_id),
        Op::Queue(_)
        | Op::Claim(_)
        | Op::Start(_)
        | Op::Cancel(_)
        | Op::Retry { .. }
        | Op::Register(_)
        | Op::Configure(_)
        | Op::RecordSightings(_) => None,
    }
}

fn job_of(op: &Op) -> Option<Uuid> {
    match op {
        Op::Start(start) => Some(start.job_id),
        Op::Cancel(cancel) => Some(cancel.job_id),
        Op::Retry { job_id, .. } => Some(*job_id),
        Op::Agent(_)
        | Op::Processing(_)
        | Op::Queue(_)
        | Op::Claim(_)
        | Op::Expire(_)
        | Op::Register(_)
        | Op::Configure(_)
        | Op::RecordSightings(_) => None,
    }
}

fn agent_of(op: &Op) -> Option<Uuid> {
    match op {
        Op::Claim(claim) => Some(claim.agent_id),
        Op::Start(start) => Some(start.agent_id),
        Op::Agent(_)
        | Op::Processing(_)
        | Op::Queue(_)
        | Op::Cancel(_)
        | Op::Retry { .. }
        | Op::Expire(_)
        | Op::Register(_)
        | Op::Configure(_)
        | Op::RecordSightings(_) => None,
    }
}
