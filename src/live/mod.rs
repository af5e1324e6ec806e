//! Live state: the executing jobs, and the subscriptions to them.
//!
//! - [`feed`] notifies of changed jobs, by any writer.
//! - [`executing_jobs`] is a materialised view of the executing jobs; [`view`] reads it and the database.
//! - [`source`] is what subscriptions show, and what has changed of it.
//!
//! [`Live`] connects them: it applies the feed's changes to the view, at most once a tick, and notifies
//! the subscriptions of its [`Hub`]. Equal subscriptions are executed once for all of their subscribers.
//! Without subscribers it does nothing.

pub mod executing_jobs;
pub mod feed;
pub mod source;
pub mod tick;
pub mod view;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use graphql_server::hub::{Hub, SharedTask, Subscriber};
use tokio::sync::{broadcast, mpsc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::db::Db;
use crate::metrics;
use feed::Change;
use source::{Source, Step};
use tick::Tick;
use view::View;

/// Changes that may wait to be applied.
const QUEUED_CHANGES: usize = 1_024;

/// The delay before a failed read is retried.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// How often it is checked whether there are subscribers.
const CHECK_SUBSCRIBERS: Duration = Duration::from_secs(1);

/// The live state of the service.
#[derive(Debug)]
pub struct Live {
    view: View,
    hub: Arc<Hub<Tick>>,
    /// The shortest time between two frames of a subscription.
    tick: Duration,
    stopping: CancellationToken,
    connections: TaskTracker,
    is_feed_connected: Arc<AtomicBool>,
}

impl Live {
    /// Prepares the live state over a database; it is to be [run](Self::run).
    pub fn new(db: Db, tick: Duration, stopping: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            hub: Hub::new(),
            view: View::new(db),
            tick,
            stopping,
            connections: TaskTracker::new(),
            is_feed_connected: Arc::default(),
        })
    }

    /// Cancelled when the service stops.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Tracks upgraded connections, which send a close frame before the service stops.
    pub fn connections(&self) -> &TaskTracker {
        &self.connections
    }

    pub fn db(&self) -> &Db {
        self.view.db()
    }

    /// Subscribes to the subscription with this key. For its first subscriber the task is returned,
    /// which is to be run.
    pub fn subscribe(&self, key: &str) -> (Subscriber, Option<SharedTask<Tick>>) {
        self.hub.subscribe(key)
    }

    /// Waits for events to send; `None` when the last subscriber has left.
    pub async fn next_step(
        &self,
        task: &mut SharedTask<Tick>,
        source: &mut Source,
    ) -> Option<Step> {
        loop {
            let next = task.next().await?;
            let step = source.step(&self.view, next.tick.as_deref(), &next.catch_up).await;
            if step.changes.is_some() || !step.catch_up.is_empty() {
                return Some(step);
            }
        }
    }

    /// Receives each tick from now on.
    pub fn ticks(&self) -> broadcast::Receiver<Arc<Tick>> {
        self.hub.ticks()
    }

    /// Whether the change feed is connected.
    pub fn is_feed_connected(&self) -> bool {
        self.is_feed_connected.load(Ordering::Relaxed)
    }

    /// The number of subscribers of all subscriptions.
    pub fn subscriber_count(&self) -> usize {
        self.hub.subscriber_count()
    }

    /// The number of distinct subscriptions.
    pub fn subscription_count(&self) -> usize {
        self.hub.subscription_count()
    }

    /// Waits until the view is kept current.
    pub async fn wait_until_current(&self) {
        self.hub.wait_until_current().await;
    }

    /// Keeps the view current while there are subscribers, until the future is dropped.
    pub async fn run(self: Arc<Self>) {
        let (sender, mut changes) = mpsc::channel(QUEUED_CHANGES);
        let feed = feed::run(self.db().clone(), sender, Arc::clone(&self.is_feed_connected));
        let applying = async {
            loop {
                self.wait_for_subscribers(&mut changes).await;
                // Changes from before are included in the resync.
                while changes.try_recv().is_ok() {}
                self.apply(vec![Change::Resync]).await;
                self.hub.set_current(true);
                while !self.hub.is_empty() {
                    let first = tokio::select! {
                        first = changes.recv() => first,
                        () = sleep(CHECK_SUBSCRIBERS) => continue,
                    };
                    let Some(first) = first else { return };
                    let received = Instant::now();
                    let mut batch = vec![first];
                    while let Ok(more) = changes.try_recv() {
                        batch.push(more);
                    }
                    self.apply(batch).await;
                    metrics::feed_lag(received.elapsed());
                    sleep(self.tick).await;
                }
                self.hub.set_current(false);
                self.view.clear_cache();
            }
        };
        tokio::join!(feed, applying);
    }

    async fn wait_for_subscribers(&self, changes: &mut mpsc::Receiver<Change>) {
        while self.hub.is_empty() {
            tokio::select! {
                _ = changes.recv() => {}
                () = self.hub.added() => {}
            }
        }
    }

    /// Applies changes to the view. Retries until the database can be read.
    async fn apply(&self, changes: Vec<Change>) {
        let mut jobs = Some(HashSet::new());
        for change in changes {
            match (change, &mut jobs) {
                (Change::Jobs(ids), Some(jobs)) => jobs.extend(ids),
                _ => jobs = None,
            }
        }
        while let Err(error) = self.view.refresh(jobs.as_ref()).await {
            tracing::warn!(%error, "failed to read changed jobs");
            // Further changes may be missed meanwhile.
            jobs = None;
            sleep(RETRY_DELAY).await;
        }
        self.hub.publish(Tick { jobs });
    }
}
