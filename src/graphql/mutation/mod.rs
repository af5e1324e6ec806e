//! The mutations: how agents report, and operators queue, cancel and retry.

mod failures;
mod inputs;
mod payloads;
mod rights;

use std::collections::HashSet;
use std::time::Duration;

use async_graphql::{Context, Object};
use entity::{JobState, Long, Timestamp};
use uuid::Uuid;

use super::context::{May, lease_policy, principal};
use crate::access::Right;
use crate::clock;
use crate::db::Db;
use crate::error::ApiError;
use crate::jobs::argument::UuidArgument;
use crate::jobs::conditions::Conditions;
use crate::jobs::filter::JobFilter;
use crate::jobs::list::JobList;
use crate::jobs::order::Order;
use crate::jobs::scope::Scope;
use crate::jobs::{page, rows};
use crate::reports::WriteQueue;
use crate::reports::op::{Actor, Cancel, Claim, Op, Outcome, Refusal, Registration, check_text};
use inputs::{
    ClaimJobInput, FinishJobRunInput, ForceCancelInput, JobRunReportInput, ProcessingReportInput,
    QueueJobInput, RegisterAgentInput, RequestCancellationInput, RetryJobsInput,
    SaveConfigurationInput, StartJobRunInput,
};
use payloads::{
    AttemptPayload, FinishJobRunPayload, JobResult, JobsPayload, QueueJobsPayload,
    RegisterAgentPayload, ReportPayload, ReportResult, SaveConfigurationPayload,
};

use failures::{AcknowledgeFailureGroupInput, FailureGroupPayload, ReopenFailureGroupInput};
use rights::within_rights;

/// How many items a request may have, and how many jobs a filter touches.
const MOST: usize = 1_000;

/// How long a claim may wait, in milliseconds.
const WAIT_MAX: i32 = 60_000;

/// Mutations.
pub struct Mutation;

fn write_queue<'a>(context: &Context<'a>) -> &'a WriteQueue {
    context.data_unchecked::<WriteQueue>()
}

/// The principal, for the history.
fn operator(context: &Context<'_>) -> Actor {
    Actor::Operator(principal(context).recorded_name())
}

fn check_count(argument: &'static str, count: usize) -> Result<(), ApiError> {
    if count <= MOST {
        return Ok(());
    }
    Err(ApiError::invalid(argument, format_args!("expected at most {MOST}, not {count}")))
}

/// Submits the valid ops that the principal may submit. Returns the outcomes in the order of the ops.
async fn submit(
    context: &Context<'_>,
    ops: Vec<Result<Op, Refusal>>,
) -> Result<Vec<Outcome>, ApiError> {
    let ops = within_rights(context, ops).await?;
    let mut refusals = Vec::with_capacity(ops.len());
    let mut valid = Vec::with_capacity(ops.len());
    for op in ops {
        match op {
            Ok(op) => {
                valid.push(op);
                refusals.push(None);
            }
            Err(refusal) => refusals.push(Some(refusal)),
        }
    }
    let mut outcomes = write_queue(context).submit(valid).await?.into_iter();
    refusals
        .into_iter()
        .map(|refusal| match refusal {
            Some(refusal) => Ok(Err(refusal)),
            None => outcomes.next().ok_or_else(ApiError::internal),
        })
        .collect()
}

/// Mutations.
#[Object]
impl Mutation {
    /// Introduces an agent, or changes what is known of it. Agents do so when they start; a repeat
    /// changes nothing.
    #[graphql(guard = "May(Right::Report)")]
    async fn register_agent(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The agent.")] input: RegisterAgentInput,
    ) -> Result<RegisterAgentPayload, ApiError> {
        let (db, principal) = (context.data_unchecked::<Db>(), principal(context));
        let is_given = input.id.is_some();
        let row = match input.into_row(principal.agent(), clock::now()) {
            Ok(row) => row,
            Err(refusal) => return Ok(RegisterAgentPayload { id: None, refusal: Some(refusal) }),
        };
        // Who is limited neither changes nor finds out what is outside.
        if principal.agent().is_none()
            && is_given
            && *principal.scope() != Scope::All
            && !rows::visible::<entity::agent::Entity>(db.reader(), principal.scope(), &[row.id])
                .await?
                .contains(&row.id)
        {
            let message = "a token for some configurations registers agents that have worked for \
                           them, or new ones without an id";
            return Err(ApiError::forbidden(message));
        }
        let id = row.id;
        let registration = Registration { agent: row, scope: principal.scope().clone() };
        let refusal = write_queue(context).submit_one(Op::Register(registration)).await?.err();
        Ok(RegisterAgentPayload { id: Some(id).filter(|_| refusal.is_none()), refusal })
    }

    /// Creates a configuration, or changes one.
    #[graphql(guard = "May(Right::Administer)")]
    async fn save_configuration(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The configuration.")] input: SaveConfigurationInput,
    ) -> Result<SaveConfigurationPayload, ApiError> {
        let is_given = input.id.is_some();
        let row = match input.into_row(clock::now()) {
            Ok(row) => row,
            Err(refusal) => {
                return Ok(SaveConfigurationPayload { id: None, refusal: Some(refusal) });
            }
        };
        let scope = principal(context).scope();
        if *scope != Scope::All && !(is_given && scope.sees(Some(row.id))) {
            let message = "a token for some configurations changes these, and makes no others";
            return Err(ApiError::forbidden(message));
        }
        let id = row.id;
        let refusal = write_queue(context).submit_one(Op::Configure(row)).await?.err();
        Ok(SaveConfigurationPayload { id: Some(id).filter(|_| refusal.is_none()), refusal })
    }

    /// Creates jobs, to run now or when they are scheduled for.
    #[graphql(guard = "May(Right::Operate)")]
    async fn queue_jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The jobs, at most 1,000.")] input: Vec<QueueJobInput>,
    ) -> Result<QueueJobsPayload, ApiError> {
        check_count("input", input.len())?;
        let ops = input.into_iter().map(|job| job.into_op(operator(context))).collect();
        let outcomes = submit(context, ops).await?;
        let results = outcomes.into_iter().map(|outcome| JobResult::of(None, outcome)).collect();
        Ok(QueueJobsPayload { results })
    }

    /// Gives an agent the next queued job that is due: that of the highest priority, and of these
    /// the one that has been due for the longest. No two agents get the same job.
    #[graphql(guard = "May(Right::Report)")]
    async fn claim_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The agent, and what it can do.")] input: ClaimJobInput,
    ) -> Result<AttemptPayload, ApiError> {
        let wait = u64::try_from(input.wait).ok().filter(|_| input.wait <= WAIT_MAX);
        let wait = wait.ok_or_else(|| {
            let expected = format!("expected a number from 0 to {WAIT_MAX}, not {}", input.wait);
            ApiError::invalid("wait", expected)
        })?;
        let configurations = input.configuration_ids.unwrap_or_default();
        check_count("configurationIds", configurations.len())?;
        let configuration_ids = configurations
            .into_iter()
            .map(|id| id.get("configurationIds"))
            .collect::<Result<Vec<_>, _>>()?;
        let configurations =
            if configuration_ids.is_empty() { Scope::All } else { Scope::only(configuration_ids) };
        let claim = Claim {
            agent_id: input.agent_id.get("agentId")?,
            configurations,
            token: UuidArgument::get_optional(input.attempt_token, "attemptToken")?,
        };
        let claim = within_rights(context, vec![Ok(Op::Claim(claim))]).await?.pop();
        let outcome = match claim {
            Some(Ok(Op::Claim(claim))) => {
                write_queue(context).claim(claim, Duration::from_millis(wait)).await?
            }
            Some(Err(refusal)) => Err(refusal),
            _ => return Err(ApiError::internal()),
        };
        Ok(AttemptPayload::new(outcome, lease_policy(context), clock::now()))
    }

    /// Begins a queued job, for agents that are told elsewhere which one to run. A repeat with the
    /// same token returns the same attempt; another token is refused with `CONFLICT`.
    #[graphql(guard = "May(Right::Report)")]
    async fn start_job_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job and its agent.")] input: StartJobRunInput,
    ) -> Result<AttemptPayload, ApiError> {
        let mut outcomes = submit(context, vec![input.into_op()]).await?;
        let outcome = outcomes.pop().ok_or_else(ApiError::internal)?;
        Ok(AttemptPayload::new(outcome, lease_policy(context), clock::now()))
    }

    /// Takes agents' reports on their runs. A report that is `ACCEPTED` or `REPEATED` is saved:
    /// it survives whatever happens next. One that is refused does not keep others from being
    /// saved.
    #[graphql(guard = "May(Right::Report)")]
    async fn report_job_runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The reports, at most 1,000.")] reports: Vec<JobRunReportInput>,
    ) -> Result<ReportPayload, ApiError> {
        check_count("reports", reports.len())?;
        let ids: Vec<_> = reports.iter().map(|report| report.run_id.text().to_owned()).collect();
        let ops = reports.into_iter().map(JobRunReportInput::into_op).collect();
        report(context, ids, ops, true).await
    }

    /// Takes the pipeline's reports on the processing of what agents submitted.
    #[graphql(guard = "May(Right::Report)")]
    async fn report_processing(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The reports, at most 1,000.")] reports: Vec<ProcessingReportInput>,
    ) -> Result<ReportPayload, ApiError> {
        check_count("reports", reports.len())?;
        let ids: Vec<_> = reports.iter().map(|report| report.run_id.text().to_owned()).collect();
        let ops = reports.into_iter().map(ProcessingReportInput::into_op).collect();
        report(context, ids, ops, false).await
    }

    /// Ends an agent's work on a run: well, with an error, or cancelled.
    #[graphql(guard = "May(Right::Report)")]
    async fn finish_job_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run and how it ended.")] input: FinishJobRunInput,
    ) -> Result<FinishJobRunPayload, ApiError> {
        let id = input.run_id.text().to_owned();
        let mut payload = report(context, vec![id], vec![input.into_op()], true).await?;
        Ok(FinishJobRunPayload { result: payload.results.pop().ok_or_else(ApiError::internal)? })
    }

    /// Asks to cancel jobs. A queued job is cancelled at once; one that executes becomes
    /// `CANCELLING`, and its agent learns of it with the answer to its next report.
    #[graphql(guard = "May(Right::Operate)")]
    async fn request_cancellation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which jobs, and why.")] input: RequestCancellationInput,
    ) -> Result<JobsPayload, ApiError> {
        let (by, reason) = (operator(context), checked_reason(input.reason)?);
        let found = Found::look(context, input.job_ids, input.filter, |state| !state.is_terminal());
        let found = found.await?;
        found
            .touch(context, input.dry_run, |job_id| {
                let (by, reason) = (by.clone(), reason.clone());
                Op::Cancel(Cancel { job_id, reason, by, force: false })
            })
            .await
    }

    /// Ends jobs without waiting for their agents, whose later reports are refused with `ALREADY_FINISHED`.
    #[graphql(guard = "May(Right::Operate)")]
    async fn force_cancel(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which jobs, and why.")] input: ForceCancelInput,
    ) -> Result<JobsPayload, ApiError> {
        let (by, reason) = (operator(context), checked_reason(input.reason)?);
        let found = Found::look(context, Some(input.job_ids), None, |_| true).await?;
        found
            .touch(context, false, |job_id| {
                let (by, reason) = (by.clone(), reason.clone());
                Op::Cancel(Cancel { job_id, reason, by, force: true })
            })
            .await
    }

    /// Queues finished jobs again. The next agent makes a new run of each; those before it are
    /// kept.
    #[graphql(guard = "May(Right::Operate)")]
    async fn retry_jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which jobs, and why.")] input: RetryJobsInput,
    ) -> Result<JobsPayload, ApiError> {
        let (by, reason) = (operator(context), checked_reason(input.reason)?);
        let found = Found::look(context, input.job_ids, input.filter, JobState::is_terminal);
        let found = found.await?;
        found
            .touch(context, input.dry_run, |job_id| {
                let (by, reason) = (by.clone(), reason.clone());
                Op::Retry { job_id, reason, by }
            })
            .await
    }

    /// Notes that the failures of a group are known, in the configurations that the principal may see.
    /// A new failure in it reopens it.
    #[graphql(guard = "May(Right::Operate)")]
    async fn acknowledge_failure_group(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which group, and a note.")] input: AcknowledgeFailureGroupInput,
    ) -> Result<FailureGroupPayload, ApiError> {
        failures::acknowledge(context, input).await
    }

    /// Takes back the acknowledgement of a group.
    #[graphql(guard = "May(Right::Operate)")]
    async fn reopen_failure_group(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which group.")] input: ReopenFailureGroupInput,
    ) -> Result<FailureGroupPayload, ApiError> {
        failures::reopen(context, input).await
    }
}

async fn report(
    context: &Context<'_>,
    ids: Vec<String>,
    ops: Vec<Result<Op, Refusal>>,
    has_lease: bool,
) -> Result<ReportPayload, ApiError> {
    let outcomes = submit(context, ops).await?;
    let (lease_policy, now): (_, Timestamp) = (lease_policy(context), clock::now());
    let results = ids
        .into_iter()
        .zip(outcomes)
        .map(|(id, outcome)| ReportResult::new(id, outcome, has_lease, lease_policy, now))
        .collect();
    Ok(ReportPayload { results })
}

fn checked_reason(reason: Option<String>) -> Result<Option<String>, ApiError> {
    if let Some(reason) = &reason {
        check_text("reason", reason).map_err(|wrong| ApiError::invalid("reason", wrong.message))?;
    }
    Ok(reason)
}

/// The jobs that an operator means.
struct Found {
    ids: Vec<Uuid>,
    total: page::Total,
    counted_at: Timestamp,
}

impl Found {
    /// Looks up jobs by their ids, or those that match and are in one of the states in which
    /// something can be done.
    async fn look(
        context: &Context<'_>,
        ids: Option<Vec<UuidArgument>>,
        filter: Option<JobFilter>,
        is_possible: fn(JobState) -> bool,
    ) -> Result<Self, ApiError> {
        let counted_at = clock::now();
        match (ids, filter) {
            (Some(ids), None) => {
                check_count("jobIds", ids.len())?;
                let mut met = HashSet::new();
                let mut unique = Vec::with_capacity(ids.len());
                for id in ids {
                    let id = id.get("jobIds")?;
                    if met.insert(id) {
                        unique.push(id);
                    }
                }
                let n = i64::try_from(unique.len()).unwrap_or(i64::MAX);
                Ok(Self { ids: unique, total: page::Total { n, is_exact: true }, counted_at })
            }
            (None, Some(filter)) => {
                let mut conditions =
                    Conditions::new(filter, lease_policy(context).stale_before(counted_at))?;
                conditions.retain_states(is_possible);
                let db = context.data_unchecked::<Db>();
                let _permit = db.long_query_permit().await;
                let list = JobList::new(principal(context).scope(), &conditions, Order::default())
                    .exhaustive();
                let total = list.count(db.reader()).await?;
                Ok(Self { ids: list.first_ids(db.reader(), MOST).await?, total, counted_at })
            }
            _ => Err(ApiError::invalid("filter", "expected either `jobIds` or `filter`")),
        }
    }

    async fn touch(
        self,
        context: &Context<'_>,
        dry_run: bool,
        op: impl Fn(Uuid) -> Op,
    ) -> Result<JobsPayload, ApiError> {
        let mut results = Vec::new();
        if !dry_run {
            let ops = self.ids.iter().map(|id| Ok(op(*id))).collect();
            let outcomes = submit(context, ops).await?;
            results = self
                .ids
                .iter()
                .zip(outcomes)
                .map(|(id, outcome)| JobResult::of(Some(*id), outcome))
                .collect();
        }
        let touched = i64::try_from(self.ids.len()).unwrap_or(i64::MAX);
        Ok(JobsPayload {
            counted_at: self.counted_at,
            matched_count: Long(self.total.n),
            matched_count_is_exact: self.total.is_exact,
            results,
            has_more: self.total.n > touched || !self.total.is_exact,
        })
    }
}
