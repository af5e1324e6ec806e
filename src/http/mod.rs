//! The HTTP server.

mod assets;
mod graphql;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;

use crate::graphql::Api;

/// All routes.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/", get(|| async { Html(include_str!("index.html")) }))
        .route("/graphql", get(graphql::get).post(graphql::post).fallback(graphql::other_method))
        .route("/graphiql", get(assets::graphiql))
        // The page finds the API and its assets beside itself, so it is at one place only.
        .route("/graphiql/", get(|| async { Redirect::permanent("../graphiql") }))
        .route("/assets/{*path}", get(assets::asset))
        .route("/schema.graphql", get(schema))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing at this path\n") })
        .layer(CompressionLayer::new())
        .with_state(api)
}

async fn schema() -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], crate::graphql::sdl()).into_response()
}

/// Serves until `stop` is done, then lets the requests that run finish.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // Answers are written whole: waiting for more to send would only delay them.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "setting TCP_NODELAY");
        }
    });
    axum::serve(listener, router(api)).with_graceful_shutdown(stop).await
}
