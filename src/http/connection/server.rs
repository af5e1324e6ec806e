//! The accept loop. `axum::serve` has no timeouts, so connections are served directly.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::head_timer::{HeadTimer, Received};
use super::linger::{Lingering, Unread};
use super::listener::{Accepted, Listener};
use super::write_timeout::WriteTimeout;
use crate::http::limits::Peer;

/// How long requests may take to finish once the server stops. Containers usually get ten seconds,
/// and the database has to be closed after this.
const GRACE: Duration = Duration::from_secs(5);

/// How long sent data may remain unacknowledged. After that the client is gone or has stopped reading,
/// and the connection is closed.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_mins(1);

/// The longest head of a request, and how much of a body is read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// The limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// For the first byte of a new connection, for a request's head from its first byte on, and for a
    /// chunk of a response to be read.
    pub client_timeout: Duration,
    /// Between two requests.
    pub idle_timeout: Duration,
    pub max_connections: usize,
}

/// Serves until `stop` resolves, then lets running requests finish for up to [`GRACE`]. `upgraded`
/// tracks the connections that were upgraded to WebSockets.
pub async fn serve(
    listener: Listener,
    app: Router,
    limits: ConnectionLimits,
    upgraded: TaskTracker,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let mut stop = pin!(stop);
    let stopping = CancellationToken::new();
    let most = limits.max_connections.clamp(1, Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(most));
    // Dropping it closes all connections.
    let mut connections = JoinSet::new();
    loop {
        // Beyond the limit, connections wait in the backlog of the operating system.
        let permit = tokio::select! {
            () = &mut stop => break,
            permit = Arc::clone(&permits).acquire_owned() => permit.map_err(io::Error::other)?,
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // The client has disconnected, or the process has too many open files.
                if !is_about_the_client(&error) {
                    tracing::error!(%error, "failed to accept a connection");
                    sleep(Duration::from_millis(100)).await;
                }
                continue;
            }
        };
        let app = app.clone();
        let stopping = stopping.clone();
        match accepted {
            Accepted::Tcp(stream, peer) => {
                set_options(&stream);
                let peer = Peer::Address(peer);
                connections.spawn(serve_connection(stream, peer, app, limits, stopping, permit));
            }
            Accepted::Unix(stream) => {
                let peer = Peer::Local;
                connections.spawn(serve_connection(stream, peer, app, limits, stopping, permit));
            }
        }
    }
    drop(listener);
    stopping.cancel();
    let finished = async {
        while connections.join_next().await.is_some() {}
        // Upgraded connections are no longer in `connections`.
        upgraded.close();
        upgraded.wait().await;
    };
    if timeout(GRACE, finished).await.is_err() {
        tracing::warn!("stopped with requests that did not finish in time");
    }
    Ok(())
}

fn set_options(stream: &TcpStream) {
    // Responses are written at once, so Nagle's algorithm would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "failed to set TCP_NODELAY");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED)) {
        tracing::debug!(%error, "failed to set TCP_USER_TIMEOUT");
    }
}

/// Serves one connection until it is closed, or after `stopping` until its running request is answered.
async fn serve_connection<S>(
    stream: S,
    peer: Peer,
    app: Router,
    ConnectionLimits { client_timeout, idle_timeout, .. }: ConnectionLimits,
    stopping: CancellationToken,
    _permit: OwnedSemaphorePermit,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unread = Unread::default();
    let tracked = unread.clone();
    let app = app.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(|body| Body::new(tracked.track(body)));
        request.extensions_mut().insert(peer);
        request
    });
    let received = Received::default();
    let timer = HeadTimer::new(client_timeout, idle_timeout, received.clone());
    let stream = WriteTimeout::new(stream, client_timeout, received);
    let io = TokioIo::new(Lingering::new(stream, unread));
    let connection = http1::Builder::new()
        .timer(timer)
        .header_read_timeout(client_timeout)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(io, TowerToHyperService::new(app))
        .with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, %peer, "a connection failed");
    }
}

fn is_about_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
