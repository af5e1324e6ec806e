//! What is happening now, for all who watch.
//!
//! - [`feed`] tells which jobs changed, whoever changed them.
//! - [`picture`] is the jobs that execute, as they are now.
//! - [`source`] is what there is to watch, and what has changed of it.
//! - [`group`] is one subscription that several watch: executed and serialised once, and sent to
//!   all of them.
//!
//! [`Live`] brings them together: it takes the feed's news, at most once a tick, into the picture,
//! and wakes the groups. Without groups it does nothing.

pub mod feed;
pub mod group;
pub mod picture;
pub mod source;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use sea_orm::DbErr;
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::db::Db;
use crate::metrics;
use feed::News;
use group::Group;
use picture::Picture;
use source::Updates;

/// News that wait for the picture.
const NEWS_AHEAD: usize = 1_024;

/// Ticks that a group may be behind before it takes everything for changed.
const TICKS_AHEAD: usize = 64;

/// Jobs that are read in one statement.
const JOBS_AT_ONCE: usize = 2_000;

/// How long to wait before the database is asked again.
const RETRY: Duration = Duration::from_millis(200);

/// What a tick has brought.
#[derive(Debug)]
pub struct Tick {
    /// The jobs that changed; `None` if any may have.
    jobs: Option<HashSet<Uuid>>,
}

impl Tick {
    pub fn may_have_changed(&self, job: Uuid) -> bool {
        self.jobs.as_ref().is_none_or(|jobs| jobs.contains(&job))
    }
}

/// The service's live side.
#[derive(Debug)]
pub struct Live {
    db: Db,
    /// The shortest time between two frames of a subscription.
    tick: Duration,
    picture: RwLock<Picture>,
    /// Whether the picture is kept up to date: only while somebody watches.
    is_kept: watch::Sender<bool>,
    ticks: broadcast::Sender<Arc<Tick>>,
    groups: Mutex<HashMap<String, Arc<Group>>>,
    updates: Mutex<Updates>,
    /// Rung by each new group.
    came: Notify,
    stopping: CancellationToken,
    connections: TaskTracker,
    /// Whether the feed hears of changes.
    is_feed_connected: Arc<AtomicBool>,
}

impl Live {
    /// Prepares the live side over a database; it is to be [run](Self::run).
    pub fn new(db: Db, tick: Duration, stopping: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            db,
            tick,
            picture: RwLock::default(),
            is_kept: watch::Sender::new(false),
            ticks: broadcast::Sender::new(TICKS_AHEAD),
            groups: Mutex::default(),
            updates: Mutex::default(),
            came: Notify::new(),
            stopping,
            connections: TaskTracker::new(),
            is_feed_connected: Arc::default(),
        })
    }

    /// Done when the service stops.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Those who watch over connections of their own, which have something to say before the service
    /// stops.
    pub fn connections(&self) -> &TaskTracker {
        &self.connections
    }

    pub fn db(&self) -> &Db {
        &self.db
    }

    pub fn picture(&self) -> RwLockReadGuard<'_, Picture> {
        self.picture.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears of each tick from now on.
    pub fn ticks(&self) -> broadcast::Receiver<Arc<Tick>> {
        self.ticks.subscribe()
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<String, Arc<Group>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether changes in the database are heard of.
    pub fn is_feed_connected(&self) -> bool {
        self.is_feed_connected.load(Ordering::Relaxed)
    }

    /// How many watch, all subscriptions together.
    pub fn watcher_count(&self) -> usize {
        self.groups().values().map(|group| group.watcher_count()).sum()
    }

    fn updates(&self) -> MutexGuard<'_, Updates> {
        self.updates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many different subscriptions are watched.
    pub fn group_count(&self) -> usize {
        self.groups().len()
    }

    /// Waits until the picture is kept up to date.
    pub async fn keep(&self) {
        let mut is_kept = self.is_kept.subscribe();
        // It lives as long as this.
        _ = is_kept.wait_for(|is_kept| *is_kept).await;
    }

    /// Keeps the picture up to date while somebody watches, until it is dropped.
    pub async fn run(self: Arc<Self>) {
        let (sender, mut news) = mpsc::channel(NEWS_AHEAD);
        let feed = feed::run(self.db.clone(), sender, Arc::clone(&self.is_feed_connected));
        let keeping = async {
            loop {
                self.wait_for_watchers(&mut news).await;
                // Whatever came meanwhile is in what is read now.
                while news.try_recv().is_ok() {}
                self.take(vec![News::Everything]).await;
                self.is_kept.send_replace(true);
                while !self.groups().is_empty() {
                    let first = tokio::select! {
                        first = news.recv() => first,
                        // Whether there are watchers is looked at now and then.
                        () = sleep(Duration::from_secs(1)) => continue,
                    };
                    let Some(first) = first else { return };
                    let heard = Instant::now();
                    let mut all = vec![first];
                    while let Ok(more) = news.try_recv() {
                        all.push(more);
                    }
                    self.take(all).await;
                    metrics::feed_lag(heard.elapsed());
                    sleep(self.tick).await;
                }
                self.is_kept.send_replace(false);
                *self.updates() = Updates::default();
            }
        };
        tokio::join!(feed, keeping);
    }

    async fn wait_for_watchers(&self, news: &mut mpsc::Receiver<News>) {
        while self.groups().is_empty() {
            tokio::select! {
                _ = news.recv() => {}
                () = self.came.notified() => {}
            }
        }
    }

    /// Takes news into the picture. They are kept until the database has said what is so.
    async fn take(&self, news: Vec<News>) {
        let mut jobs = Some(HashSet::new());
        for each in news {
            match (each, &mut jobs) {
                (News::Jobs(ids), Some(jobs)) => jobs.extend(ids),
                _ => jobs = None,
            }
        }
        while let Err(error) = self.read(jobs.as_ref()).await {
            tracing::warn!(%error, "reading what has changed");
            // Nobody knows what happens meanwhile.
            jobs = None;
            sleep(RETRY).await;
        }
        // Without groups nobody hears it.
        _ = self.ticks.send(Arc::new(Tick { jobs }));
    }

    async fn read(&self, jobs: Option<&HashSet<Uuid>>) -> Result<(), DbErr> {
        let reader = self.db.reader();
        let ids: Vec<Uuid> = if let Some(jobs) = jobs {
            jobs.iter().copied().collect()
        } else {
            let executing = picture::read(reader, None).await?;
            let known: Vec<_> = {
                let picture = self.picture();
                picture.ids().filter(|id| !executing.contains_key(id)).collect()
            };
            let ids: Vec<_> = executing.keys().copied().collect();
            self.picture.write().unwrap_or_else(PoisonError::into_inner).update(&ids, executing);
            known
        };
        for ids in ids.chunks(JOBS_AT_ONCE) {
            let found = picture::read(reader, Some(ids)).await?;
            self.picture.write().unwrap_or_else(PoisonError::into_inner).update(ids, found);
        }
        Ok(())
    }
}
