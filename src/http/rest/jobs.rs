//! The routes for counts, lists and runs.

use std::sync::LazyLock;

use axum::extract::{Extension, State};
use axum::response::Response;
use entity::{Columns, JobState, job};
use graphql_server::cost::{LENGTH, skipping};
use serde_json::{Map, Value as Json, json};

use super::filter;
use super::parameters::{Given, RawParameters, RunValues};
use super::problem::Problem;
use super::request::{Authenticated, respond, within};
use super::{route_parameters, values};
use crate::access::Principal;
use crate::db::Db;
use crate::error::ErrorCode;
use crate::http::limits::Client;
use crate::http::site::Site;
use crate::jobs::conditions::Conditions;
use crate::jobs::list::JobList;
use crate::jobs::order::Order;
use crate::jobs::page::Selection;
use crate::jobs::scope::Scope;
use crate::jobs::{counts, page, rows};

/// The five states that the dashboard counts.
pub const COUNTED: [JobState; 5] = [
    JobState::Completed,
    JobState::Executing,
    JobState::Failed,
    JobState::Queued,
    JobState::Cancelled,
];

/// The parameters with which `/v1/jobs` returns a page of jobs instead of the counts.
static OF_A_PAGE: LazyLock<Vec<&str>> =
    LazyLock::new(|| route_parameters::of_a_page().map(|parameter| parameter.name).collect());

/// The counts, or one page of jobs.
pub async fn jobs(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Authenticated(principal): Authenticated,
    raw: RawParameters,
) -> Result<Response, Problem> {
    let given = raw.read(&route_parameters::JOBS)?;
    if !OF_A_PAGE.iter().any(|name| given.has(name)) {
        return counted(&site, &principal, &given).await;
    }
    let request = given.page()?;
    let conditions = filter::conditions(&site, &given)?;
    let order = given.order()?;
    let scope = principal.scope().narrowed(given.uuid("configurationId")?);
    let (columns, runs) = selected(&given)?;
    let selection = Selection { job: columns, run: runs.as_ref().map(RunValues::needed) };
    let cost = list_cost(request.size, selection, &conditions, order, &scope)
        + skipping(request.offset().unsigned_abs());
    let make = async move |db: Db| {
        let list = JobList::new(&scope, &conditions, order);
        let found = list.page(db.reader(), request, selection, true).await?;
        let total = found.total.map_or(0, |total| total.n);
        let items: Vec<_> = found
            .items
            .iter()
            .map(|each| values::job(each, columns, runs.as_ref(), &principal))
            .collect();
        values::json(&json!({
            "Items": items,
            "Page": request.number,
            "Take": request.size,
            "TotalCount": total,
            "HasNextPage": found.has_next,
        }))
    };
    Box::pin(respond(&site, &client, cost, make)).await
}

pub async fn job_state_count(
    State(site): State<Site>,
    Authenticated(principal): Authenticated,
    raw: RawParameters,
) -> Result<Response, Problem> {
    let given = raw.read(&route_parameters::COUNTS)?;
    counted(&site, &principal, &given).await
}

async fn counted(site: &Site, principal: &Principal, given: &Given) -> Result<Response, Problem> {
    let configuration = given.uuid("configurationId")?;
    let counts =
        within(site, counts::read(site.api.db().reader(), principal.scope(), configuration))
            .await?;
    let counts: Map<_, _> = COUNTED
        .iter()
        .map(|state| (state.name().to_owned(), Json::from(counts.of(*state))))
        .collect();
    values::json(&counts)
}

/// One run.
pub async fn job_run(
    State(site): State<Site>,
    Authenticated(principal): Authenticated,
    raw: RawParameters,
) -> Result<Response, Problem> {
    let given = raw.read(&route_parameters::RUN)?;
    let id = given.id()?;
    let all = || RunValues { columns: Columns::public(), figures: Vec::new() };
    let values = given.run_values("fields")?.unwrap_or_else(all);
    let (reader, scope) = (site.api.db().reader(), principal.scope());
    let run = within(&site, rows::run_of(reader, scope, id, values.needed())).await?;
    let run = run.ok_or_else(|| {
        let message = "there is no run with this id, and no job with this id that has one";
        Problem::new(ErrorCode::NotFound, message)
    })?;
    values::json(&values::run(&run, &values, &principal))
}

/// The executing jobs.
pub async fn executing(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Authenticated(principal): Authenticated,
    raw: RawParameters,
) -> Result<Response, Problem> {
    let given = raw.read(&route_parameters::EXECUTING)?;
    let configuration = given.uuid("configurationId")?;
    let (columns, runs) = selected(&given)?;
    let selection = Selection { job: columns, run: runs.as_ref().map(RunValues::needed) };
    let make = async move |db: Db| {
        let scope = principal.scope().narrowed(configuration);
        let found = page::executing(db.reader(), &scope, selection).await?;
        let items: Vec<_> = found
            .iter()
            .map(|each| values::job(each, columns, runs.as_ref(), &principal))
            .collect();
        values::json(&items)
    };
    let all = site.api.executing();
    let jobs = if configuration.is_some() { all.min(LENGTH) } else { all };
    respond(&site, &client, jobs.saturating_mul(values_of(selection)), make).await
}

/// The values of each job.
fn values_of(Selection { job, run }: Selection) -> u64 {
    (job.places().count() + run.map_or(0, |run| run.places().count())) as u64
}

/// The estimated cost of finding and reading this many jobs of the scope.
pub fn list_cost(
    jobs: i64,
    selection: Selection,
    conditions: &Conditions,
    order: Order,
    scope: &Scope,
) -> u64 {
    jobs.unsigned_abs() * values_of(selection) + conditions.cost(order, scope)
}

/// The selected fields of jobs, and of their current runs if they are selected.
pub fn selected(given: &Given) -> Result<(Columns<job::Entity>, Option<RunValues>), Problem> {
    let columns = given.columns("fields")?.unwrap_or_else(Columns::public);
    Ok((columns, given.run_values("runFields")?))
}
