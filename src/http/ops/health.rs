//! Liveness and readiness probes.

use std::borrow::Cow;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::db::migrate;
use crate::graphql::Api;

/// How long the database may take to answer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// Liveness: the process responds.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Readiness: the database can be reached and written, its schema is current, the change feed is
/// connected, and the process is not stopping.
pub async fn ready(State(api): State<Api>) -> Response {
    match unready(&api).await {
        None => "ok\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn unready(api: &Api) -> Option<Cow<'static, str>> {
    if api.draining().is_cancelled() {
        return Some("stopping".into());
    }
    match timeout(DATABASE_TIMEOUT, migrate::is_current(api.live().db())).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false) | Err(migrate::MigrateError::Newer(_))) => {
            return Some("the database's schema is of another version".into());
        }
        Ok(Err(migrate::MigrateError::Database(_))) | Err(_) => {
            return Some("the database cannot be reached".into());
        }
    }
    if let Some(failure) = api.db().write_health().failure() {
        return Some(format!("the database cannot be written: {}", failure.reason()).into());
    }
    (!api.live().is_feed_connected()).then_some("the change feed is disconnected".into())
}
