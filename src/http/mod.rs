//! The HTTP server.

mod auth;
mod body;
mod connection;
mod graphql;
mod limits;
mod ops;
mod options;
mod pages;
mod rejection;
mod rest;
mod site;

use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::graphql::Api;
pub use auth::origin::OriginPattern;
use auth::sign_in;
pub use connection::listener::{Listener, listen, listen_unix};
use connection::server::{self, ConnectionLimits};
use limits::ClientLimiter;
pub use limits::client_ip::TrustedProxy;
use ops::{health, metrics, observe};
pub use options::HttpOptions;
use pages::{assets, headers, slash, static_pages};
use site::Site;

/// All routes.
pub fn router(api: Api, options: HttpOptions) -> Router {
    let limiter = ClientLimiter::new(options.client_limits());
    let site = Site { api, options: Arc::new(options), limiter };
    let pages = Router::new()
        .merge(assets::dashboard_routes())
        .route("/graphiql", get(assets::graphiql))
        .route_layer(from_fn_with_state(site.api.clone(), sign_in::require));
    let graphql = Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post).fallback(graphql::other_method))
        .route("/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .layer(from_fn_with_state(site.clone(), graphql::limit));
    let rest = rest::routes().layer(from_fn_with_state(site.clone(), rest::limit));
    // The other routes authenticate requests themselves, or are public.
    let router = Router::new()
        .merge(pages)
        .merge(graphql)
        .nest("/api", rest)
        .route("/pages.css", get(static_pages::style))
        .route("/icon.svg", get(static_pages::icon))
        .route("/assets/{*path}", get(assets::asset))
        .route("/openapi", get(rest::page))
        .route("/schema.graphql", get(schema))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::protected))
        .fallback(static_pages::not_found)
        .layer(from_fn(slash::redirect))
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(worth_compressing()),
        );
    cors(router, &site.options)
        .layer(from_fn(headers::protect))
        .layer(from_fn(observe::observe))
        .with_state(site)
}

/// The routes for operators, for an address that only they can reach.
pub fn operation_router(api: Api) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::open))
        .with_state(api)
}

/// Headers that pages of the listed origins may send: those of GraphQL clients, and those with which
/// OpenTelemetry and Sentry propagate a trace.
const CORS_HEADERS: [HeaderName; 11] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("apollographql-client-name"),
    HeaderName::from_static("apollographql-client-version"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static("sentry-trace"),
];

/// Lets pages of the listed origins read responses. Cookies are not allowed: such pages send a token.
fn cors(router: Router<Site>, options: &HttpOptions) -> Router<Site> {
    if options.cors_origins.is_empty() {
        return router;
    }
    let origins = options.cors_origins.clone();
    let is_listed = move |origin: &HeaderValue, _: &Parts| {
        origins.iter().any(|pattern| pattern.matches(origin))
    };
    router.layer(
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(is_listed))
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(AllowHeaders::list(
                CORS_HEADERS.into_iter().chain(options.cors_headers.iter().cloned()),
            ))
            .max_age(std::time::Duration::from_mins(10)),
    )
}

/// Compression buffers and so delays a response: streams are not compressed.
fn worth_compressing() -> impl Predicate {
    DefaultPredicate::new().and(NotForContentType::const_new("multipart/"))
}

/// The schema, unless introspection is disabled.
async fn schema(axum::extract::State(api): axum::extract::State<Api>) -> axum::response::Response {
    if api.hides_schema() {
        return (StatusCode::NOT_FOUND, "introspection is disabled on this server\n")
            .into_response();
    }
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], crate::graphql::sdl()).into_response()
}

/// Serves until `stop` resolves and running requests are finished.
pub async fn serve(
    listener: impl Into<Listener>,
    api: Api,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    serve_with(listener, api, HttpOptions::default(), stop).await
}

/// The same, with options.
pub async fn serve_with(
    listener: impl Into<Listener>,
    api: Api,
    options: HttpOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let upgraded = api.connections().clone();
    let limits = ConnectionLimits {
        client_timeout: options.client_timeout,
        idle_timeout: options.idle_timeout,
        max_connections: options.max_connections,
    };
    server::serve(listener.into(), router(api, options), limits, upgraded, stop).await
}
