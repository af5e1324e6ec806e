//! The HTTP server.

mod access;
mod assets;
mod graphql;
mod health;
mod observe;
mod sign_in;
mod socket;
mod stream;
mod websocket;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

use crate::graphql::Api;

/// All routes.
pub fn router(api: Api) -> Router {
    let pages = Router::new()
        .merge(assets::dashboard_routes())
        .route("/graphiql", get(assets::graphiql))
        .route_layer(from_fn_with_state(api.clone(), access::pages));
    // What is here either asks who calls, or is for everybody.
    Router::new()
        .merge(pages)
        .route("/graphql", get(graphql::get).post(graphql::post).fallback(graphql::other_method))
        .route("/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/sign-in.css", get(sign_in::style))
        .route("/sign-out", post(sign_in::sign_out))
        // The page finds the API and its assets beside itself, so it is at one place only.
        .route("/graphiql/", get(|| async { Redirect::permanent("../graphiql") }))
        .route("/assets/{*path}", get(assets::asset))
        .route("/schema.graphql", get(schema))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing at this path\n") })
        .layer(CompressionLayer::new().compress_when(worth_compressing()))
        .layer(from_fn(observe::observe))
        .with_state(api)
}

/// The routes for whoever watches over the process, for an address that only they reach.
pub fn operation_router(api: Api) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::open_metrics))
        .with_state(api)
}

/// What is collected to be compressed comes late: streams are sent as they are.
fn worth_compressing() -> impl Predicate {
    DefaultPredicate::new().and(NotForContentType::const_new("multipart/"))
}

async fn schema() -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], crate::graphql::sdl()).into_response()
}

/// How long requests may take to finish once the server is to stop. Containers are usually given
/// ten seconds, and the database is still to be closed.
const GRACE: Duration = Duration::from_secs(5);

/// How long what was sent may wait to be received. Whoever takes longer is gone, or has stopped
/// reading, and what is kept for it is let go.
const UNREAD: Duration = Duration::from_mins(1);

/// Connections that may wait to be accepted. When a service starts again, all who watch it come in one
/// moment, and whoever finds no place waits for seconds before it tries again.
const WAITING: u32 = 4_096;

/// Listens on an address; port 0 takes any free one.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // The address may be that of a process that has just stopped.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Serves until `stop` is done, then lets the requests that run finish, but waits for no client
/// longer than [`GRACE`].
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
        #[cfg(target_os = "linux")]
        if let Err(error) = SockRef::from(&*stream).set_tcp_user_timeout(Some(UNREAD)) {
            tracing::debug!(%error, "setting TCP_USER_TIMEOUT");
        }
    });
    let (stopping, is_stopping) = oneshot::channel();
    let connections = api.connections().clone();
    let serving = axum::serve(listener, router(api)).with_graceful_shutdown(async {
        stop.await;
        _ = stopping.send(());
    });
    let grace_is_over = async {
        // Without an answer serving is over, too.
        _ = is_stopping.await;
        sleep(GRACE).await;
    };
    let serving = async {
        let served = serving.await;
        // Those that were upgraded are no requests any more.
        connections.close();
        connections.wait().await;
        served
    };
    tokio::select! {
        served = serving => served,
        () = grace_is_over => {
            tracing::warn!("stopping in spite of requests that are not finished");
            Ok(())
        }
    }
}
