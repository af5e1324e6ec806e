//! The listening side: connections, and clients that are slow or gone.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
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
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::clients::Peer;
use super::head_timer::{HeadTimer, Received};
use super::linger::{Lingering, Unread};
use super::listener::{Accepted, Listener};

/// How long requests may take to finish once the server is to stop. Containers are usually given
/// ten seconds, and the database is still to be closed.
const GRACE: Duration = Duration::from_secs(5);

/// How long what was sent may wait to be received. Whoever takes longer is gone, or has stopped
/// reading, and what is kept for it is let go.
#[cfg(target_os = "linux")]
const UNREAD: Duration = Duration::from_mins(1);

/// What a request's head may have in bytes, and what is read of a body at once.
const BUFFER_BYTES: usize = 64 << 10;

/// How long connections may take, and how many may be open.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// For a new connection's first byte, for a request's head from its first byte on, and for a
    /// piece of a response to be read.
    pub client_timeout: Duration,
    /// Between two requests.
    pub idle_timeout: Duration,
    pub max_connections: usize,
}

/// Serves until `stop` is done, then lets the requests that run finish, but waits for no client
/// longer than [`GRACE`]. `upgraded` has the connections that became something else.
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
    let places = Arc::new(Semaphore::new(most));
    // Dropping it ends them all.
    let mut connections = JoinSet::new();
    loop {
        // Those who come when there is no place wait in the system's queue.
        let place = tokio::select! {
            () = &mut stop => break,
            place = Arc::clone(&places).acquire_owned() => place.map_err(io::Error::other)?,
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // The client is gone again, or the process has too many files open.
                if !is_about_the_client(&error) {
                    tracing::error!(%error, "accepting a connection");
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
                connections.spawn(serve_connection(stream, peer, app, limits, stopping, place));
            }
            Accepted::Unix(stream) => {
                let peer = Peer::Local;
                connections.spawn(serve_connection(stream, peer, app, limits, stopping, place));
            }
        }
    }
    drop(listener);
    stopping.cancel();
    let finished = async {
        while connections.join_next().await.is_some() {}
        // Those that were upgraded are no requests any more.
        upgraded.close();
        upgraded.wait().await;
    };
    if timeout(GRACE, finished).await.is_err() {
        tracing::warn!("stopping in spite of requests that are not finished");
    }
    Ok(())
}

fn set_options(stream: &TcpStream) {
    // Answers are written whole: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "setting TCP_NODELAY");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD)) {
        tracing::debug!(%error, "setting TCP_USER_TIMEOUT");
    }
}

/// Serves one connection until its end, or after `stopping` until its running request is answered.
async fn serve_connection<S>(
    stream: S,
    peer: Peer,
    app: Router,
    ConnectionLimits { client_timeout, idle_timeout, .. }: ConnectionLimits,
    stopping: CancellationToken,
    _place: OwnedSemaphorePermit,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unread = Unread::default();
    let watched = unread.clone();
    let app = app.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(|body| Body::new(watched.watch(body)));
        request.extensions_mut().insert(peer);
        request
    });
    let received = Received::default();
    let timer = HeadTimer::new(client_timeout, idle_timeout, received.clone());
    let patient = Patient { stream, patience: client_timeout, received, stuck: None };
    let io = TokioIo::new(Lingering::new(patient, unread));
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
        tracing::debug!(%error, %peer, "a connection ended");
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

/// A connection that gives up when nothing of what is written goes out for too long: a client that
/// does not read would hold on to its answer for ever.
struct Patient<S> {
    stream: S,
    patience: Duration,
    received: Received,
    /// Since when a write waits.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > length {
            self.received.set();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
