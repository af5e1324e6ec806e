//! The seed's REST routes, over the same code as GraphQL: names and states are the seed's, in
//! `PascalCase`, and what a table's columns are is known from the table.

mod csv;
mod events;
mod jobs;
mod openapi;
mod page;
mod parameters;
mod problem;
mod values;

use axum::Router;
use axum::http::{Method, StatusCode, header};
use axum::routing::get;
use tokio::time::timeout;

use super::Site;
use crate::error::Error;
pub use page::page;
pub use problem::Problem;

/// The routes below `/api`.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/v1/jobs", get(jobs::jobs))
        .route("/v1/jobs.csv", get(csv::jobs))
        .route("/v1/jobs/executing", get(jobs::executing))
        .route("/v1/jobs/executing/events", get(events::executing))
        .route("/v1/jobstatecount", get(jobs::job_state_count))
        .route("/v1/jobrun", get(jobs::job_run))
        .route("/v1/openapi.json", get(description))
        .method_not_allowed_fallback(other_method)
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing at this path")
        })
}

async fn description() -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], openapi::DOCUMENT.as_str())
}

async fn other_method(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        format!("expected GET, not {method}"),
    )
}

/// What reading gives, if it takes no longer than a request may.
async fn within<T>(
    site: &Site,
    reading: impl Future<Output = Result<T, sea_orm::DbErr>>,
) -> Result<T, Problem> {
    match timeout(site.options.request_timeout, reading).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(Error::TimedOut.into()),
    }
}
