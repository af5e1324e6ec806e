//! Rows as JSON objects with the platform's names.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use entity::{Columns, Field, Table, job_run, to_json};
use sea_orm::{IdenStatic as _, ModelTrait as _};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::parameters::RunValues;
use super::problem::Problem;
use crate::access::Principal;
use crate::jobs::derived::{self, Figure};
use crate::jobs::page::ListedJob;

/// The values of these columns by name.
pub fn object<E: Table>(row: &E::Model, columns: Columns<E>) -> Map<String, Json>
where
    E::Model: sea_orm::ModelTrait<Entity = E>,
{
    columns.fields().map(|field| (field.external_name.clone(), value(row, field))).collect()
}

/// One value of a row.
pub fn value<E: Table>(row: &E::Model, field: &Field<E>) -> Json
where
    E::Model: sea_orm::ModelTrait<Entity = E>,
{
    to_json(&row.get(field.column))
}

/// A run. The agent's key is sensitive and masked here for principals that may not read it.
pub fn run(
    row: &job_run::Model,
    RunValues { columns, figures }: &RunValues,
    principal: &Principal,
) -> Map<String, Json> {
    let mut object = object(row, *columns);
    let agent_key = job_run::Entity::public()
        .find(|field| field.column.as_str() == job_run::Column::AgentKey.as_str());
    if let Some(key) = agent_key.and_then(|field| object.get_mut(&field.external_name)) {
        *key = Json::from(principal.agent_key(&row.agent_key));
    }
    object.extend(
        figures
            .iter()
            .map(|figure| (figure.external_name().to_owned(), self::figure(row, *figure))),
    );
    object
}

/// A figure of a run's progress.
pub fn figure(run: &job_run::Model, figure: Figure) -> Json {
    match figure {
        Figure::PercentCompleted => derived::percent_completed(run).into(),
        Figure::TasksPerMinute => derived::tasks_per_minute(run).into(),
        Figure::EstimatedRemaining => derived::estimated_remaining(run).into(),
    }
}

/// A job of a list, with its current run if that is selected.
pub fn job(
    listed: &ListedJob,
    columns: Columns<entity::job::Entity>,
    runs: Option<&RunValues>,
    principal: &Principal,
) -> Map<String, Json> {
    let mut job = object(&listed.job, columns);
    if let Some(runs) = runs {
        let run = listed.run.as_ref().map(|row| Json::from(run(row, runs, principal)));
        job.insert(CURRENT_RUN.to_owned(), run.unwrap_or_default());
    }
    job
}

/// The name of a job's current run.
pub const CURRENT_RUN: &str = "CurrentRun";

/// A response in JSON.
pub fn json(value: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_string(value).map_err(|error| {
        tracing::error!(%error, "failed to serialise a response");
        Problem::from(crate::error::ApiError::internal())
    })?;
    let mut response = graphql_server::http::text(text);
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
