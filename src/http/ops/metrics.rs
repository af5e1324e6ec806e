//! `/metrics`: recorded metrics, and gauges that are read for each scrape.

use std::sync::Arc;

use ::metrics::gauge;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use entity::JobState;
use sea_orm::DbBackend;
use tokio::sync::Semaphore;

use crate::clock;
use crate::db::{Db, failure};
use crate::graphql::Api;
use crate::http::auth::authenticate::{authenticate, unauthenticated};
use crate::jobs::scope::Scope;
use crate::jobs::{counts, due};
use crate::live::Live;
use crate::metrics;
use crate::reports::WriteQueue;

/// Metrics for a principal that sees all jobs.
pub async fn protected(State(api): State<Api>, method: Method, headers: HeaderMap) -> Response {
    let principal = match authenticate(&api, &method, &headers).await {
        Ok(principal) => principal,
        Err(error) => return unauthenticated(error),
    };
    if *principal.scope() != Scope::All {
        return (StatusCode::FORBIDDEN, "expected a token for all configurations\n")
            .into_response();
    }
    open(State(api)).await
}

/// Metrics for everyone who reaches `--metrics-listen`.
pub async fn open(State(api): State<Api>) -> Response {
    update_gauges(api.live(), api.write_queue()).await;
    match metrics::render() {
        Some(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
            .into_response(),
        None => (StatusCode::NOT_FOUND, "metrics are not recorded\n").into_response(),
    }
}

/// Updates the gauges that are read for each scrape. Without a database the others are still rendered.
#[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are floats")]
async fn update_gauges(live: &Live, write_queue: &WriteQueue) {
    let db = live.db();
    for (pool, size, idle) in pools(db) {
        gauge!("agent_jobs_connections", "pool" => pool, "use" => "idle").set(idle as f64);
        let busy = f64::from(size) - idle as f64;
        gauge!("agent_jobs_connections", "pool" => pool, "use" => "busy").set(busy.max(0.0));
    }
    let is_writable = db.write_health().failure().is_none();
    gauge!("agent_jobs_database_writable").set(f64::from(u8::from(is_writable)));
    gauge!("agent_jobs_writer_waiting_ops").set(write_queue.waiting() as f64);
    gauge!("agent_jobs_subscribers").set(live.subscriber_count() as f64);
    gauge!("agent_jobs_shared_executions").set(live.subscription_count() as f64);
    gauge!("agent_jobs_feed_connected").set(f64::from(u8::from(live.is_feed_connected())));
    let counts = counts::read(db.reader(), &Scope::All, None).await;
    if let Err(error) = &counts {
        failure::log("counting the jobs for metrics", error);
    }
    let now = clock::now();
    let oldest = due::oldest(db.reader(), now).await;
    if let Err(error) = &oldest {
        failure::log("reading the oldest due job for metrics", error);
    }
    let age = oldest.map_or(f64::NAN, |since| {
        since.map_or(0.0, |since| (now.micros() - since.micros()).max(0) as f64 / 1e6)
    });
    gauge!("agent_jobs_oldest_due_job_age_seconds").set(age);
    for state in JobState::ALL {
        let jobs = counts.as_ref().map_or(f64::NAN, |counts| counts.of(*state) as f64);
        gauge!("agent_jobs_jobs", "state" => state.name()).set(jobs);
    }
}

fn pools(db: &Db) -> [(&'static str, u32, usize); 3] {
    let long = db.for_long_queries(Arc::new(Semaphore::new(1)));
    [("reader", db.reader()), ("long reader", long.reader()), ("writer", db.writer())].map(
        |(name, connection)| {
            if db.backend() == DbBackend::Postgres {
                let pool = connection.get_postgres_connection_pool();
                (name, pool.size(), pool.num_idle())
            } else {
                let pool = connection.get_sqlite_connection_pool();
                (name, pool.size(), pool.num_idle())
            }
        },
    )
}
