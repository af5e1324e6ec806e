//! Subscriptions that several subscribers share.
//!
//! One task per distinct subscription executes and serialises each update once and appends it to a
//! bounded replay buffer, which the subscribers read at their own pace. A subscriber that is new, or too
//! slow for the buffer, requests a frame to catch up: a snapshot, or the changes since its last frame.
//! The task makes it together with the buffer's next frame, from the same state, so that no change is
//! missing or repeated. A subscriber's memory does not depend on its pace.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};

/// The most frames, and bytes, that a replay buffer holds. It always holds the newest frame.
const BUFFER_FRAMES: usize = 8;
const BUFFER_BYTES: usize = 1 << 20;

/// A serialised response.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A GraphQL response in JSON.
    Response(Arc<String>),
    /// The operation failed: a list of GraphQL errors in JSON.
    Refusal(Arc<String>),
}

impl Payload {
    fn len(&self) -> usize {
        match self {
            Self::Response(json) | Self::Refusal(json) => json.len(),
        }
    }
}

/// A message to subscribers.
#[derive(Clone, Debug)]
pub struct Frame {
    pub payload: Payload,
    seq: u64,
    version: u64,
    is_last: bool,
}

impl Frame {
    /// The only frame of an operation that cannot be executed, with a list of GraphQL errors in JSON.
    pub fn refusal(errors: Arc<String>) -> Self {
        Self { payload: Payload::Refusal(errors), seq: 0, version: 0, is_last: true }
    }
}

/// The newest frames, for subscribers that are slightly behind.
#[derive(Debug, Default)]
struct ReplayBuffer {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl ReplayBuffer {
    /// The frame after the one with this number.
    fn after(&self, seq: u64) -> Next {
        let Some(oldest) = self.frames.front().map(|frame| frame.seq) else {
            return Next::None;
        };
        if oldest > seq + 1 {
            return Next::Dropped;
        }
        let index = usize::try_from(seq + 1 - oldest).unwrap_or(usize::MAX);
        self.frames.get(index).map_or(Next::None, |frame| Next::Frame(frame.clone()))
    }

    fn push(&mut self, frame: Frame) {
        self.bytes += frame.payload.len();
        self.frames.push_back(frame);
        while self.frames.len() > 1
            && (self.frames.len() > BUFFER_FRAMES || self.bytes > BUFFER_BYTES)
        {
            self.bytes -= self.frames.pop_front().map_or(0, |frame| frame.payload.len());
        }
    }
}

/// The frame after another one in a replay buffer.
enum Next {
    Frame(Frame),
    /// The buffer no longer holds it.
    Dropped,
    None,
}

/// A subscriber's request for a frame of its own: a snapshot, or the changes since a version.
#[derive(Debug)]
struct CatchUp {
    since: Option<u64>,
    reply: oneshot::Sender<Frame>,
}

/// A subscription, as its subscribers and its task see it.
#[derive(Debug)]
pub struct SharedSubscription {
    key: String,
    buffer: Mutex<ReplayBuffer>,
    /// The newest frame's number; the maximum once the task has ended.
    newest: watch::Sender<u64>,
    catch_ups: mpsc::UnboundedSender<CatchUp>,
    subscribers: AtomicUsize,
}

/// The task's side of a subscription. Dropping it ends the subscription.
#[derive(Debug)]
pub struct SharedTask<T> {
    hub: Arc<Hub<T>>,
    shared: Arc<SharedSubscription>,
    ticks: broadcast::Receiver<Arc<T>>,
    requests: mpsc::UnboundedReceiver<CatchUp>,
    /// Subscribers that wait for a frame to catch up.
    waiting: Vec<CatchUp>,
    seq: u64,
}

/// What a task is to make frames for.
#[derive(Debug)]
pub struct Step<T> {
    /// A tick, which may be a change for all subscribers.
    pub tick: Option<Arc<T>>,
    /// The versions from which subscribers catch up; `None` for new subscribers, who get a snapshot.
    pub catch_up: BTreeSet<Option<u64>>,
}

/// The most frames with changes that are made at a time for subscribers to catch up.
const MAX_CATCH_UPS: usize = 4;

/// Lets subscribers that are behind share frames. Changes since an older version are correct for a
/// subscriber that has seen a newer one, since a frame shows the current state of each job.
fn coalesce(waiting: &mut [CatchUp]) {
    let versions: BTreeSet<_> = waiting.iter().filter_map(|catch_up| catch_up.since).collect();
    if versions.len() <= MAX_CATCH_UPS {
        return;
    }
    let versions: Vec<_> = versions.into_iter().collect();
    let shared: Vec<_> = versions.chunks(versions.len().div_ceil(MAX_CATCH_UPS)).collect();
    for since in waiting.iter_mut().filter_map(|catch_up| catch_up.since.as_mut()) {
        let older = shared.iter().rev().find(|versions| versions[0] <= *since);
        *since = older.map_or(*since, |versions| versions[0]);
    }
}

/// All shared subscriptions. A tick `T` says what has changed in the state that they show; the default
/// one, that anything may have.
#[derive(Debug)]
pub struct Hub<T> {
    subscriptions: Mutex<HashMap<String, Arc<SharedSubscription>>>,
    ticks: broadcast::Sender<Arc<T>>,
    /// Notified when a subscription is added.
    added: Notify,
    /// Whether the state is kept current, which it need be only while there are subscribers.
    is_current: watch::Sender<bool>,
}

/// Ticks that a task may be behind before it takes everything for changed.
const MAX_TICKS_BEHIND: usize = 64;

impl<T> Hub<T> {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            subscriptions: Mutex::default(),
            ticks: broadcast::Sender::new(MAX_TICKS_BEHIND),
            added: Notify::new(),
            is_current: watch::Sender::new(false),
        })
    }

    /// Subscribes to the subscription with this key. For its first subscriber the task is returned,
    /// which is to be run.
    pub fn subscribe(self: &Arc<Self>, key: &str) -> (Subscriber, Option<SharedTask<T>>) {
        let mut subscriptions = self.subscriptions();
        if let Some(shared) = subscriptions.get(key) {
            shared.subscribers.fetch_add(1, Ordering::Relaxed);
            return (Subscriber::new(shared), None);
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(SharedSubscription {
            key: key.to_owned(),
            buffer: Mutex::default(),
            newest: watch::Sender::new(0),
            catch_ups: sender,
            subscribers: AtomicUsize::new(1),
        });
        subscriptions.insert(key.to_owned(), Arc::clone(&shared));
        self.added.notify_one();
        let subscriber = Subscriber::new(&shared);
        let task = SharedTask {
            hub: Arc::clone(self),
            shared,
            ticks: self.ticks(),
            requests: receiver,
            waiting: Vec::new(),
            seq: 0,
        };
        (subscriber, Some(task))
    }

    fn subscriptions(&self) -> MutexGuard<'_, HashMap<String, Arc<SharedSubscription>>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_empty(&self) -> bool {
        self.subscriptions().is_empty()
    }

    /// The number of distinct subscriptions.
    pub fn subscription_count(&self) -> usize {
        self.subscriptions().len()
    }

    /// The number of subscribers of all subscriptions.
    pub fn subscriber_count(&self) -> usize {
        let subscriptions = self.subscriptions();
        subscriptions.values().map(|shared| shared.subscribers.load(Ordering::Relaxed)).sum()
    }

    /// Receives each tick from now on.
    pub fn ticks(&self) -> broadcast::Receiver<Arc<T>> {
        self.ticks.subscribe()
    }

    /// Tells all tasks what has changed.
    pub fn publish(&self, tick: T) {
        // An error means that there are no tasks.
        _ = self.ticks.send(Arc::new(tick));
    }

    /// Waits until a subscription is added.
    pub async fn added(&self) {
        self.added.notified().await;
    }

    /// Sets whether the state is kept current.
    pub fn set_current(&self, is_current: bool) {
        self.is_current.send_replace(is_current);
    }

    /// Waits until the state is kept current.
    pub async fn wait_until_current(&self) {
        let mut is_current = self.is_current.subscribe();
        // The sender lives as long as this.
        _ = is_current.wait_for(|is_current| *is_current).await;
    }
}

impl SharedSubscription {
    fn buffer(&self) -> MutexGuard<'_, ReplayBuffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> SharedTask<T> {
    /// Waits for a tick, or for subscribers that catch up; `None` when the last subscriber has left.
    pub async fn next(&mut self) -> Option<Step<T>> {
        let mut tick = None;
        tokio::select! {
            received = self.ticks.recv() => tick = Some(received),
            request = self.requests.recv() => self.waiting.extend(request),
        }
        while let Ok(request) = self.requests.try_recv() {
            self.waiting.push(request);
        }
        if self.remove_if_unused() {
            return None;
        }
        self.waiting.retain(|catch_up| !catch_up.reply.is_closed());
        coalesce(&mut self.waiting);
        let tick = match tick {
            None => None,
            Some(Ok(tick)) => Some(tick),
            Some(Err(RecvError::Lagged(_))) => Some(Arc::default()),
            Some(Err(RecvError::Closed)) => return None,
        };
        self.hub.wait_until_current().await;
        let catch_up = self.waiting.iter().map(|waiting| waiting.since).collect();
        Some(Step { tick, catch_up })
    }
}

impl<T> SharedTask<T> {
    /// Sends changes to all subscribers that are up to date.
    pub fn publish(&mut self, payload: Payload, version: u64, is_last: bool) {
        self.seq += 1;
        self.shared.buffer().push(Frame { payload, seq: self.seq, version, is_last });
        self.shared.newest.send_replace(self.seq);
    }

    /// Sends a frame to the subscribers that catch up from this version, or with `None` are new.
    pub fn answer(&mut self, since: Option<u64>, payload: &Payload, version: u64, is_last: bool) {
        for catch_up in self.waiting.extract_if(.., |catch_up| catch_up.since == since) {
            let payload = payload.clone();
            // An error means that the subscriber has left.
            _ = catch_up.reply.send(Frame { payload, seq: self.seq, version, is_last });
        }
    }

    /// Tells all subscribers that the operation cannot be executed.
    pub async fn refuse(mut self, errors: Arc<String>) {
        // The first subscriber has requested a frame, or is about to.
        let first = self.requests.recv().await;
        self.waiting.extend(first);
        // From here on a subscriber starts a new subscription.
        self.leave();
        while let Ok(request) = self.requests.try_recv() {
            self.waiting.push(request);
        }
        for catch_up in std::mem::take(&mut self.waiting) {
            _ = catch_up.reply.send(Frame::refusal(Arc::clone(&errors)));
        }
    }

    /// Removes the subscription if it has no subscribers.
    fn remove_if_unused(&self) -> bool {
        if self.shared.subscribers.load(Ordering::Relaxed) > 0 {
            return false;
        }
        let mut subscriptions = self.hub.subscriptions();
        // A subscriber may have been added before the lock was taken; none can be while it is held.
        if self.shared.subscribers.load(Ordering::Relaxed) > 0 {
            return false;
        }
        self.remove(&mut subscriptions);
        true
    }

    fn leave(&self) {
        self.remove(&mut self.hub.subscriptions());
    }

    fn remove(&self, subscriptions: &mut HashMap<String, Arc<SharedSubscription>>) {
        let key = &self.shared.key;
        if subscriptions.get(key).is_some_and(|shared| Arc::ptr_eq(shared, &self.shared)) {
            subscriptions.remove(key);
        }
    }
}

impl<T> Drop for SharedTask<T> {
    fn drop(&mut self) {
        self.leave();
        // Wakes the subscribers, which then see that there are no more frames.
        self.shared.newest.send_replace(u64::MAX);
    }
}

/// A subscriber of a shared subscription. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscriber {
    shared: Arc<SharedSubscription>,
    newest: watch::Receiver<u64>,
    /// The number and the version of the last frame; `None` before the first.
    last: Option<(u64, u64)>,
    is_finished: bool,
}

impl Subscriber {
    fn new(shared: &Arc<SharedSubscription>) -> Self {
        Self {
            shared: Arc::clone(shared),
            newest: shared.newest.subscribe(),
            last: None,
            is_finished: false,
        }
    }

    /// Whether it has received the last frame.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Waits for the next frame; `None` when the subscription is finished, or its task has ended before
    /// this subscriber received the last frame.
    pub async fn next(&mut self) -> Option<Frame> {
        if self.is_finished {
            return None;
        }
        let frame = loop {
            let Some((seq, version)) = self.last else { break self.catch_up(None).await? };
            let newest = *self.newest.borrow_and_update();
            let next = self.shared.buffer().after(seq);
            match next {
                Next::Frame(frame) => break frame,
                Next::Dropped => break self.catch_up(Some(version)).await?,
                Next::None => {}
            }
            if newest == u64::MAX || self.newest.changed().await.is_err() {
                return None;
            }
        };
        self.last = Some((frame.seq, frame.version));
        self.is_finished = frame.is_last;
        Some(frame)
    }

    async fn catch_up(&self, since: Option<u64>) -> Option<Frame> {
        let (reply, frame) = oneshot::channel();
        self.shared.catch_ups.send(CatchUp { since, reply }).ok()?;
        frame.await.ok()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        if self.shared.subscribers.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Wakes the task, which checks whether that was the last subscriber.
            let (reply, _) = oneshot::channel();
            _ = self.shared.catch_ups.send(CatchUp { since: None, reply });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catch_up(since: Option<u64>) -> CatchUp {
        CatchUp { since, reply: oneshot::channel().0 }
    }

    fn coalesced(since: &[Option<u64>]) -> Vec<Option<u64>> {
        let mut waiting: Vec<_> = since.iter().copied().map(catch_up).collect();
        coalesce(&mut waiting);
        waiting.into_iter().map(|catch_up| catch_up.since).collect()
    }

    #[test]
    fn subscribers_that_are_behind_share_frames() {
        let few = [None, Some(7), Some(1), Some(7), Some(3), Some(9)];
        assert_eq!(coalesced(&few), few);
        let many: Vec<_> = (0..1_000).rev().map(Some).chain([None]).collect();
        let coalesced = coalesced(&many);
        let distinct: BTreeSet<_> = coalesced.iter().collect();
        assert_eq!(distinct.len(), MAX_CATCH_UPS + 1);
        // No subscriber misses a change, and a new one gets a snapshot.
        assert!(coalesced.iter().zip(&many).all(|(shared, own)| shared <= own));
        assert_eq!(coalesced.last(), Some(&None));
    }

    #[test]
    fn a_replay_buffer_keeps_the_newest_frames() {
        let mut buffer = ReplayBuffer::default();
        let frame = |seq: u64, bytes: usize| Frame {
            payload: Payload::Response("x".repeat(bytes).into()),
            seq,
            version: seq,
            is_last: false,
        };
        assert!(matches!(buffer.after(0), Next::None));
        for seq in 1..=20 {
            buffer.push(frame(seq, 10));
        }
        assert_eq!(buffer.frames.len(), BUFFER_FRAMES);
        assert!(matches!(buffer.after(20), Next::None));
        assert!(matches!(buffer.after(19), Next::Frame(frame) if frame.seq == 20));
        assert!(matches!(buffer.after(11), Next::Dropped));
        // The newest frame is kept even if it is larger than the buffer.
        buffer.push(frame(21, 2 * BUFFER_BYTES));
        assert_eq!((buffer.frames.len(), buffer.bytes), (1, 2 * BUFFER_BYTES));
        assert!(matches!(buffer.after(20), Next::Frame(frame) if frame.seq == 21));
    }
}
