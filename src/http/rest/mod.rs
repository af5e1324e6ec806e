//! The platform's REST API, over the same code as GraphQL. Names and states are those of the platform,
//! in `PascalCase`; the fields of an object are derived from the table's columns.

mod csv;
mod events;
mod examples;
mod failures;
mod filter;
mod jobs;
mod openapi;
mod page;
mod parameters;
mod problem;
mod request;
mod route_parameters;
mod statistics;
mod values;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::limits;
use super::site::Site;
use crate::error::ErrorCode;
pub use page::page;
use problem::Problem;

/// Applies the limits of the client to a request.
pub async fn limit(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    match site.limiter.admit(&mut request).await {
        // A stream has taken its own permit by the time that this one is dropped.
        Ok(_permit) => next.run(request).await,
        Err(error) => {
            let mut response = Problem::from(error).into_response();
            limits::retry_after(&mut response);
            response
        }
    }
}

/// The routes below `/api`.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/v1/jobs", get(jobs::jobs))
        .route("/v1/jobs.csv", get(csv::jobs))
        .route("/v1/jobs/executing", get(jobs::executing))
        .route("/v1/jobs/executing/events", get(events::executing))
        .route("/v1/jobstatecount", get(jobs::job_state_count))
        .route("/v1/jobrun", get(jobs::job_run))
        .route("/v1/failures", get(failures::list))
        .route("/v1/failures/{id}", get(failures::one))
        .route("/v1/statistics", get(statistics::statistics))
        .route("/v1/openapi.json", get(description))
        .method_not_allowed_fallback(other_method)
        .fallback(|| async { Problem::new(ErrorCode::NotFound, "there is nothing at this path") })
}

async fn description() -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], openapi::DOCUMENT.as_str())
}

async fn other_method(method: Method) -> Problem {
    Problem::new(ErrorCode::MethodNotAllowed, format!("expected GET, not {method}"))
}
