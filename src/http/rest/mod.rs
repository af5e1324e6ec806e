//! The seed's REST routes, over the same code as GraphQL: names and states are the seed's, in
//! `PascalCase`, and what a table's columns are is known from the table.

mod csv;
mod events;
mod examples;
mod jobs;
mod openapi;
mod page;
mod parameters;
mod problem;
mod values;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use tokio::time::timeout;

use super::clients::Client;
use super::heavy::HEAVY;
use super::origin::is_welcome;
use super::{Site, access, heavy};
use crate::access::Viewer;
use crate::db::Db;
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

/// Who asks, for whom all that is answered is read.
struct Asking(Viewer);

impl FromRequestParts<Site> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Problem> {
        let welcome = is_welcome(&parts.headers, &site.options.cors_origins);
        if !welcome {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "CROSS_SITE_REQUEST",
                "pages of this origin may not use the API; the server's --cors-origin says which may",
            ));
        }
        let viewer = access::viewer(&site.api, &parts.method, &parts.headers).await;
        viewer.map(Self).map_err(|denied| Problem::from(&denied))
    }
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

/// What reading and writing an answer of about so many values gives, if it takes no longer than a
/// request may. A heavy one is made in its client's turn.
async fn answer<F: Future<Output = Result<Response, Problem>> + Send + 'static>(
    site: &Site,
    client: &Client,
    values: u64,
    make: impl FnOnce(Db) -> F,
) -> Result<Response, Problem> {
    let db = site.api.db();
    within(site, async {
        if values < HEAVY {
            return make(db.clone()).await;
        }
        let turn = site.clients.turn(client);
        let db = db.for_heavy_work(turn.statements());
        let answering = make(db.clone());
        heavy::run(turn, values, async move {
            let _alone = db.alone().await;
            answering.await
        })
        .await
    })
    .await
}

/// What reading gives, if it takes no longer than a request may.
async fn within<T, E: Into<Problem>>(
    site: &Site,
    reading: impl Future<Output = Result<T, E>>,
) -> Result<T, Problem> {
    match timeout(site.options.request_timeout, reading).await {
        Ok(read) => read.map_err(E::into),
        Err(_) => Err(Error::TimedOut.into()),
    }
}
