//! Observability of requests: a request id in logs and the response, metrics, and the trace of the
//! caller.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument as _, Level, Span};
use uuid::Uuid;

use crate::{metrics, telemetry};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is accepted from a proxy.
const MAX_ID_LENGTH: usize = 100;

pub async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    let route = route.to_owned();
    // Without the query string, which may be long and contain personal data.
    let span = tracing::info_span!(
        "request",
        id = id.to_str().unwrap_or_default(),
        method = %request.method(),
        route,
        status = tracing::field::Empty,
    );
    telemetry::join_trace(&span, request.headers());
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, time) = (response.status(), started.elapsed());
    metrics::http_request(&route, status.as_u16(), time);
    finish(&span, status.as_u16(), time.as_secs_f64() * 1e3);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn finish(span: &Span, status: u16, milliseconds: f64) {
    span.record("status", status);
    let _entered = span.enter();
    if status >= 500 {
        tracing::warn!(status, milliseconds, "request failed");
    } else if tracing::enabled!(Level::DEBUG) {
        tracing::debug!(status, milliseconds, "request answered");
    }
}

/// The id set by a proxy, or a new one if there is none or it could forge a log line.
fn request_id(request: &Request) -> HeaderValue {
    let is_plain = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=MAX_ID_LENGTH).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
    };
    request.headers().get(REQUEST_ID).filter(is_plain).cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a UUID is a valid header value")
    })
}
