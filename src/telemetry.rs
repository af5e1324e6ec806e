//! What the program says of itself: its log, and traces where they are collected.

use std::io::IsTerminal as _;

use axum::http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::Url;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object in a line.
    Json,
}

/// The log and the traces while the program runs. Dropping it sends the traces that are left.
#[derive(Debug, Default)]
pub struct Telemetry(Option<SdkTracerProvider>);

/// Begins to log to standard error what `AGENT_JOBS_LOG` selects, and to send traces to the
/// OpenTelemetry collector with this base URL, by OTLP over HTTP.
///
/// # Errors
/// If the URL is invalid.
pub fn start(format: LogFormat, otlp_endpoint: Option<&str>) -> Result<Telemetry, String> {
    let filter = || {
        EnvFilter::try_from_env("AGENT_JOBS_LOG")
            .unwrap_or_else(|_| EnvFilter::new("info,sea_orm_migration=warn,sqlx=warn"))
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let provider = otlp_endpoint.map(provider).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("agent-jobs"))
            .with_filter(EnvFilter::new("info,hyper=off,hyper_util=off,reqwest=off"))
    });
    tracing_subscriber::registry().with(lines.with_filter(filter())).with(traces).init();
    Ok(Telemetry(provider))
}

fn provider(endpoint: &str) -> Result<SdkTracerProvider, String> {
    let wrong = |_| format!("expected a URL such as http://collector:4318, not {endpoint:?}");
    let base: Url = endpoint.parse().map_err(wrong)?;
    if !matches!(base.scheme(), "http" | "https") {
        return Err("expected http:// or https://".to_owned());
    }
    // An error means that there is a provider already.
    _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", base.as_str().trim_end_matches('/')))
        .build()
        .map_err(|error| format!("cannot send traces to {base}: {error}"))?;
    let resource = Resource::builder().with_service_name("agent-jobs").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take()
            && let Err(error) = provider.shutdown()
        {
            // The log goes on without the traces.
            tracing::warn!(%error, "failed to send the last traces");
        }
    }
}

/// Makes a request's span a part of the trace that its sender began, if it says so (W3C Trace
/// Context).
pub fn join_trace(span: &Span, headers: &HeaderMap) {
    struct Headers<'a>(&'a HeaderMap);
    impl Extractor for Headers<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            self.0.get(key)?.to_str().ok()
        }
        fn keys(&self) -> Vec<&str> {
            self.0.keys().map(axum::http::HeaderName::as_str).collect()
        }
    }
    if headers.contains_key("traceparent") {
        let context = TraceContextPropagator::new().extract(&Headers(headers));
        // Without traces there is nothing to join.
        _ = span.set_parent(context);
    }
}
