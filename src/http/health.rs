//! Whether the process is alive and ready for requests.

use std::borrow::Cow;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::db::migrate;
use crate::graphql::Api;

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Requests are welcome: the database is there, can be written and its schema is up to date, changes
/// are heard of, and the process is not about to stop.
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
    match timeout(PATIENCE, migrate::is_current(api.live().db())).await {
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
