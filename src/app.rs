//! The application: all that runs in a serving process, as `serve`, `demo` and the tests start it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::db::Db;
use crate::graphql::{Api, Rules};
use crate::http::{self, HttpOptions, Listener};
use crate::live::Live;
use crate::reports::{LeasePolicy, Writer, lease_reaper};
use crate::{maintenance, metrics};

/// What the application is started with.
pub struct App {
    /// With a migrated schema.
    pub db: Db,
    pub access: Access,
    /// The rules for documents of clients.
    pub rules: Rules,
    pub http: HttpOptions,
    /// When runs of silent agents are stale, and fail.
    pub lease_policy: LeasePolicy,
    /// The shortest time between two updates of a subscription.
    pub tick: Duration,
    /// How long finished jobs are kept; `None` for ever.
    pub retain: Option<Duration>,
}

impl App {
    /// An application without authentication, with the defaults of everything.
    pub fn new(db: Db) -> Self {
        Self {
            db,
            access: Access::open(),
            rules: Rules::default(),
            http: HttpOptions::default(),
            lease_policy: LeasePolicy::default(),
            tick: Duration::from_millis(100),
            retain: None,
        }
    }

    /// Starts the write queue, the background tasks and the HTTP server.
    pub fn start(self, listener: impl Into<Listener>) -> Running {
        let Self { db, access, rules, http, lease_policy, tick, retain } = self;
        metrics::install();
        let writer = Writer::start(&db);
        let stopping = CancellationToken::new();
        let live = Live::new(db.clone(), tick, stopping.clone());
        let api = Api::with_rules(Arc::clone(&live), writer.queue(), lease_policy, rules)
            .with_access(access.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(maintenance::run(api.clone(), retain));
        tasks.spawn(lease_reaper::run(db.clone(), writer.queue(), lease_policy));
        tasks.spawn(live.run());
        tasks.spawn(access.run());
        let stop = stopping.clone().cancelled_owned();
        let serving = tokio::spawn(http::serve_with(listener.into(), api.clone(), http, stop));
        Running { api, writer: Some(writer), stopping, serving, tasks }
    }
}

/// A running application. Dropping it ends it at once.
pub struct Running {
    api: Api,
    writer: Option<Writer>,
    stopping: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
    /// The background tasks.
    tasks: JoinSet<()>,
}

impl Running {
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Serves health and metrics at another address, without authentication.
    pub fn serve_operation(&mut self, listener: Listener) {
        let router = http::operation_router(self.api.clone());
        self.tasks.spawn(async move {
            if let Err(error) = listener.serve_unlimited(router).await {
                tracing::error!(%error, "failed to serve metrics");
            }
        });
    }

    /// Makes readiness fail, so that proxies send no more requests. Requests are still answered.
    pub fn drain(&self) {
        self.api.draining().cancel();
    }

    /// Waits until the HTTP server ends without being stopped, which is an error.
    pub async fn ended(&mut self) -> io::Error {
        match (&mut self.serving).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) => io::Error::other("the HTTP server has ended"),
            Err(error) => io::Error::other(error),
        }
    }

    /// Stops: connections are closed, running requests are answered, and queued writes are committed.
    pub async fn stop(mut self) -> io::Result<()> {
        self.stopping.cancel();
        let served = (&mut self.serving).await.map_err(io::Error::other).flatten();
        self.close().await;
        served
    }

    /// Ends what is left when the HTTP server has ended. Queued writes are committed, even if their
    /// clients have left.
    pub async fn close(&mut self) {
        self.tasks.shutdown().await;
        if let Some(writer) = self.writer.take() {
            writer.stop().await;
        }
        self.api.db().clone().close().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
