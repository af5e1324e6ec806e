//! One subscription that several watch.
//!
//! Its task asks what is new, executes the operation on that once, serialises the result once, and
//! puts the bytes into a short ring that all watchers read at their own pace. A watcher that is new,
//! or too slow for the ring, asks the task for a frame of its own: all that is there, or all that has
//! changed since its last frame. The task makes such a frame together with the ring's next one, from
//! the same state of things, so that between the two nothing is missing and nothing comes twice. The
//! memory that a watcher takes does not depend on its pace.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::source::{Source, Step};
use super::{Live, Tick};

/// Frames that a ring holds, and their bytes, at most; but always the newest.
const RING_FRAMES: usize = 8;
const RING_BYTES: usize = 1 << 20;

/// What an operation makes of an event.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A GraphQL response in JSON.
    Response(Arc<String>),
    /// The operation cannot be executed: a list of GraphQL errors in JSON.
    Refusal(Arc<String>),
}

impl Payload {
    fn len(&self) -> usize {
        match self {
            Self::Response(json) | Self::Refusal(json) => json.len(),
        }
    }
}

/// A piece of what a watcher sees.
#[derive(Clone, Debug)]
pub struct Frame {
    pub payload: Payload,
    seq: u64,
    version: u64,
    is_last: bool,
}

impl Frame {
    /// The only one of an operation that cannot be executed, with a list of GraphQL errors in JSON.
    pub fn refusal(errors: Arc<String>) -> Self {
        Self { payload: Payload::Refusal(errors), seq: 0, version: 0, is_last: true }
    }
}

#[derive(Debug, Default)]
struct Ring {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Ring {
    /// What comes after the frame with this number.
    fn after(&self, seq: u64) -> After {
        let Some(oldest) = self.frames.front().map(|frame| frame.seq) else {
            return After::Nothing;
        };
        if oldest > seq + 1 {
            return After::Lost;
        }
        let index = usize::try_from(seq + 1 - oldest).unwrap_or(usize::MAX);
        self.frames.get(index).map_or(After::Nothing, |frame| After::Frame(frame.clone()))
    }

    fn push(&mut self, frame: Frame) {
        self.bytes += frame.payload.len();
        self.frames.push_back(frame);
        while self.frames.len() > 1 && (self.frames.len() > RING_FRAMES || self.bytes > RING_BYTES)
        {
            self.bytes -= self.frames.pop_front().map_or(0, |frame| frame.payload.len());
        }
    }
}

/// What a ring has after a frame.
enum After {
    Frame(Frame),
    /// Something that the ring holds no more.
    Lost,
    Nothing,
}

/// A watcher that needs a frame of its own.
#[derive(Debug)]
struct Ask {
    since: Option<u64>,
    answer: oneshot::Sender<Frame>,
}

/// The shared side of a subscription.
#[derive(Debug)]
pub struct Group {
    key: String,
    ring: Mutex<Ring>,
    /// The newest frame's number.
    newest: watch::Sender<u64>,
    asks: mpsc::UnboundedSender<Ask>,
    watchers: AtomicUsize,
}

/// The task's side of a group.
#[derive(Debug)]
pub struct GroupTask {
    live: Arc<Live>,
    group: Arc<Group>,
    ticks: broadcast::Receiver<Arc<Tick>>,
    inbox: mpsc::UnboundedReceiver<Ask>,
    /// Those who wait for a frame of their own.
    asked: Vec<Ask>,
    seq: u64,
}

/// Frames of their own that are made at a time, at most, for those who have seen something.
const CATCH_UPS: usize = 4;

/// Lets those who are behind share frames: one with the changes since an older version is right for
/// who has seen a newer one, too, since it shows everything as it is now.
fn coarsen(asked: &mut [Ask]) {
    let versions: BTreeSet<_> = asked.iter().filter_map(|ask| ask.since).collect();
    if versions.len() <= CATCH_UPS {
        return;
    }
    let versions: Vec<_> = versions.into_iter().collect();
    let shared: Vec<_> = versions.chunks(versions.len().div_ceil(CATCH_UPS)).collect();
    for since in asked.iter_mut().filter_map(|ask| ask.since.as_mut()) {
        let older = shared.iter().rev().find(|versions| versions[0] <= *since);
        *since = older.map_or(*since, |versions| versions[0]);
    }
}

impl Live {
    /// Watches the subscription with this key. If it is the first to do so, the group's task is
    /// returned, which is to be run.
    pub fn watch(self: &Arc<Self>, key: &str) -> (Watcher, Option<GroupTask>) {
        let mut groups = self.groups();
        if let Some(group) = groups.get(key) {
            group.watchers.fetch_add(1, Ordering::Relaxed);
            return (Watcher::new(group), None);
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        let group = Arc::new(Group {
            key: key.to_owned(),
            ring: Mutex::default(),
            newest: watch::Sender::new(0),
            asks: sender,
            watchers: AtomicUsize::new(1),
        });
        groups.insert(key.to_owned(), Arc::clone(&group));
        self.came.notify_one();
        let watcher = Watcher::new(&group);
        let task = GroupTask {
            live: Arc::clone(self),
            group,
            ticks: self.ticks(),
            inbox: receiver,
            asked: Vec::new(),
            seq: 0,
        };
        (watcher, Some(task))
    }
}

impl Group {
    /// How many watch.
    pub(super) fn watcher_count(&self) -> usize {
        self.watchers.load(Ordering::Relaxed)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GroupTask {
    /// Waits for something to show. Returns `None` when nobody watches any more.
    pub async fn next_step(&mut self, source: &mut Source) -> Option<Step> {
        loop {
            let mut tick = None;
            tokio::select! {
                told = self.ticks.recv() => tick = Some(told),
                ask = self.inbox.recv() => self.asked.extend(ask),
            }
            while let Ok(ask) = self.inbox.try_recv() {
                self.asked.push(ask);
            }
            if self.is_deserted() {
                return None;
            }
            self.asked.retain(|ask| !ask.answer.is_closed());
            coarsen(&mut self.asked);
            let tick = match tick {
                None => None,
                Some(Ok(tick)) => Some(tick),
                // It has missed some.
                Some(Err(RecvError::Lagged(_))) => Some(Arc::new(Tick { jobs: None })),
                Some(Err(RecvError::Closed)) => return None,
            };
            self.live.keep().await;
            let asked: BTreeSet<_> = self.asked.iter().map(|ask| ask.since).collect();
            let step = source.step(&self.live, tick.as_deref(), &asked).await;
            if step.changes.is_some() || !step.catch_up.is_empty() {
                return Some(step);
            }
        }
    }

    /// Shows all who are up to date what has changed.
    pub fn publish(&mut self, payload: Payload, version: u64, is_last: bool) {
        self.seq += 1;
        self.group.ring().push(Frame { payload, seq: self.seq, version, is_last });
        self.group.newest.send_replace(self.seq);
    }

    /// Shows those who have asked for it what has changed since a version, or all there is.
    pub fn answer(&mut self, since: Option<u64>, payload: &Payload, version: u64, is_last: bool) {
        for ask in self.asked.extract_if(.., |ask| ask.since == since) {
            let payload = payload.clone();
            // Who asked may be gone.
            _ = ask.answer.send(Frame { payload, seq: self.seq, version, is_last });
        }
    }

    /// Tells all who watch that the operation cannot be executed.
    pub async fn refuse(mut self, errors: Arc<String>) {
        // Whoever made the group has asked, or is about to.
        let first = self.inbox.recv().await;
        self.asked.extend(first);
        // From here on a watcher begins a group of its own.
        self.leave();
        while let Ok(ask) = self.inbox.try_recv() {
            self.asked.push(ask);
        }
        for ask in std::mem::take(&mut self.asked) {
            _ = ask.answer.send(Frame::refusal(Arc::clone(&errors)));
        }
    }

    /// Removes the group if nobody watches any more.
    fn is_deserted(&self) -> bool {
        if self.group.watchers.load(Ordering::Relaxed) > 0 {
            return false;
        }
        let mut groups = self.live.groups();
        // Somebody may have come before the lock was taken; nobody can while it is held.
        if self.group.watchers.load(Ordering::Relaxed) > 0 {
            return false;
        }
        self.remove(&mut groups);
        true
    }

    fn leave(&self) {
        self.remove(&mut self.live.groups());
    }

    fn remove(&self, groups: &mut HashMap<String, Arc<Group>>) {
        if groups.get(&self.group.key).is_some_and(|group| Arc::ptr_eq(group, &self.group)) {
            groups.remove(&self.group.key);
        }
    }
}

impl Drop for GroupTask {
    fn drop(&mut self) {
        self.leave();
        // Wakes those who wait, who then see that there is nothing more.
        self.group.newest.send_replace(u64::MAX);
    }
}

/// One who watches a group. Dropping it ends that.
#[derive(Debug)]
pub struct Watcher {
    group: Arc<Group>,
    newest: watch::Receiver<u64>,
    /// The number and the version of the last frame; `None` before the first.
    last: Option<(u64, u64)>,
    is_over: bool,
}

impl Watcher {
    fn new(group: &Arc<Group>) -> Self {
        Self {
            group: Arc::clone(group),
            newest: group.newest.subscribe(),
            last: None,
            is_over: false,
        }
    }

    /// Whether it has seen the last frame.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next frame, as soon as there is one; `None` when there is no more: the subscription is
    /// over, or its task has ended before this watcher saw the last frame.
    pub async fn next(&mut self) -> Option<Frame> {
        if self.is_over {
            return None;
        }
        let frame = loop {
            let Some((seq, version)) = self.last else { break self.ask(None).await? };
            let newest = *self.newest.borrow_and_update();
            let after = self.group.ring().after(seq);
            match after {
                After::Frame(frame) => break frame,
                After::Lost => break self.ask(Some(version)).await?,
                After::Nothing => {}
            }
            if newest == u64::MAX || self.newest.changed().await.is_err() {
                return None;
            }
        };
        self.last = Some((frame.seq, frame.version));
        self.is_over = frame.is_last;
        Some(frame)
    }

    async fn ask(&self, since: Option<u64>) -> Option<Frame> {
        let (answer, answered) = oneshot::channel();
        self.group.asks.send(Ask { since, answer }).ok()?;
        answered.await.ok()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if self.group.watchers.fetch_sub(1, Ordering::Relaxed) == 1 {
            // The task looks whether that was the last one.
            let (answer, _) = oneshot::channel();
            _ = self.group.asks.send(Ask { since: None, answer });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(since: Option<u64>) -> Ask {
        Ask { since, answer: oneshot::channel().0 }
    }

    fn coarse(since: &[Option<u64>]) -> Vec<Option<u64>> {
        let mut asked: Vec<_> = since.iter().copied().map(ask).collect();
        coarsen(&mut asked);
        asked.into_iter().map(|ask| ask.since).collect()
    }

    #[test]
    fn those_who_are_behind_share_frames() {
        let few = [None, Some(7), Some(1), Some(7), Some(3), Some(9)];
        assert_eq!(coarse(&few), few);
        let many: Vec<_> = (0..1_000).rev().map(Some).chain([None]).collect();
        let coarse = coarse(&many);
        let distinct: BTreeSet<_> = coarse.iter().collect();
        assert_eq!(distinct.len(), CATCH_UPS + 1);
        // Nobody misses anything, and who has seen nothing sees all.
        assert!(coarse.iter().zip(&many).all(|(shared, own)| shared <= own));
        assert_eq!(coarse.last(), Some(&None));
    }

    #[test]
    fn a_ring_keeps_the_newest_frames() {
        let mut ring = Ring::default();
        let frame = |seq: u64, bytes: usize| Frame {
            payload: Payload::Response("x".repeat(bytes).into()),
            seq,
            version: seq,
            is_last: false,
        };
        assert!(matches!(ring.after(0), After::Nothing));
        for seq in 1..=20 {
            ring.push(frame(seq, 10));
        }
        assert_eq!(ring.frames.len(), RING_FRAMES);
        assert!(matches!(ring.after(20), After::Nothing));
        assert!(matches!(ring.after(19), After::Frame(frame) if frame.seq == 20));
        assert!(matches!(ring.after(11), After::Lost));
        // Whatever it takes.
        ring.push(frame(21, 2 * RING_BYTES));
        assert_eq!((ring.frames.len(), ring.bytes), (1, 2 * RING_BYTES));
        assert!(matches!(ring.after(20), After::Frame(frame) if frame.seq == 21));
    }
}
