//! What waits to be written: a fair queue.
//!
//! Clients take turns: each puts a piece of what it has waiting into the next batch, so
//! that a long request is written in pieces between those of others: a short one is in a batch before
//! any other client has had a second turn. A client is in one batch at a time, so its ops are written
//! in order.
//!
//! What operators ask for comes in bulk and is dear. One batch at a time has such ops, so that other
//! lanes are left to agents, and beside those of agents it has one piece of each client. At the same
//! address the two take turns apart, so that an agent does not wait for an operator's ops.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::op::{Op, Outcome};
use crate::error::Error;

/// How many ops may wait to be written, or be in a batch. They take little memory.
const ROOM: usize = 20_000;

/// How many of these may be one client's.
const ROOM_OF_CLIENT: usize = ROOM / 2;

/// How long to wait before trying again when there is no room, in milliseconds.
const RETRY_AFTER: u32 = 500;

/// What a batch costs at most, about, in the unit of [`Op::cost`]: some milliseconds.
const BATCH: u32 = 2_000;

/// What a client puts into a batch in one turn costs at most, about.
const PIECE: u32 = 200;

/// Who takes turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Source {
    owner: Owner,
    is_bulk: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Client(IpAddr),
    /// A request that no client is known of.
    Request(u64),
}

type Answer = Result<Vec<Outcome>, Error>;

/// Ops that wait for their outcomes.
#[derive(Debug)]
struct Request {
    ops: Vec<Op>,
    /// Those of the first ops.
    outcomes: Vec<Outcome>,
    answer: oneshot::Sender<Answer>,
}

/// What a source has waiting.
#[derive(Debug, Default)]
struct Waiting {
    requests: VecDeque<Request>,
    /// How many ops they have, those in a batch included.
    ops: usize,
    /// Its next turn comes when the batch has been written.
    is_in_batch: bool,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<Source, Waiting>,
    /// Sources with something waiting and nothing in a batch, the next one first.
    turns: VecDeque<Source>,
    bulk_turns: VecDeque<Source>,
    is_bulk_in_batch: bool,
    ops: usize,
    /// How many requests came so far.
    requests: u64,
    is_closed: bool,
}

/// Ops that are written together.
#[derive(Debug)]
pub struct Batch {
    parts: Vec<Part>,
}

/// The part of a batch that is of one request.
#[derive(Debug)]
pub struct Part {
    source: Source,
    request: Request,
    /// The part is from the first op without an outcome up to here.
    end: usize,
}

impl Batch {
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn is_bulk(&self) -> bool {
        self.parts.iter().any(|part| part.source.is_bulk)
    }
}

impl Part {
    pub fn ops(&self) -> &[Op] {
        &self.request.ops[self.request.outcomes.len()..self.end]
    }

    fn has_more(&self) -> bool {
        self.end < self.request.ops.len()
    }
}

impl State {
    fn add(&mut self, client: Option<IpAddr>, request: Request) -> Result<(), Error> {
        if self.is_closed {
            return Err(Error::Unavailable);
        }
        self.requests += 1;
        let owner = client.map_or(Owner::Request(self.requests), Owner::Client);
        let source = Source { owner, is_bulk: request.ops.iter().any(Op::is_of_operator) };
        let ops = request.ops.len();
        let of_source = self.waiting.get(&source).map_or(0, |waiting| waiting.ops);
        if self.ops + ops > ROOM || of_source + ops > ROOM_OF_CLIENT {
            return Err(Error::Overloaded { retry_after: RETRY_AFTER });
        }
        self.ops += ops;
        let waiting = self.waiting.entry(source).or_default();
        waiting.ops += ops;
        waiting.requests.push_back(request);
        if waiting.requests.len() == 1 && !waiting.is_in_batch {
            self.turns_like(source).push_back(source);
        }
        Ok(())
    }

    fn turns_like(&mut self, source: Source) -> &mut VecDeque<Source> {
        if source.is_bulk { &mut self.bulk_turns } else { &mut self.turns }
    }

    /// A piece of each source, and then more of those that have it, until it costs enough.
    fn take(&mut self) -> Option<Batch> {
        let mut parts = Vec::<Part>::new();
        let mut left = BATCH;
        // Sources that have more, and the last part of each.
        let mut again = VecDeque::<(Source, Option<usize>)>::new();
        let (mut is_bulk_turn, mut has_agents) = (false, false);
        while left > 0 {
            is_bulk_turn = !is_bulk_turn;
            let Some((source, last)) = self
                .next_turn(is_bulk_turn)
                .map(|source| (source, None))
                .or_else(|| again.pop_front())
            else {
                break;
            };
            has_agents |= !source.is_bulk;
            if has_agents && source.is_bulk && last.is_some() {
                continue;
            }
            let Some(waiting) = self.waiting.get_mut(&source) else { continue };
            waiting.is_in_batch = true;
            let last = waiting.put_piece(source, last, &mut left, &mut parts);
            let has_more = last.is_some_and(|last: usize| parts[last].has_more());
            if has_more || !waiting.requests.is_empty() {
                again.push_back((source, last));
            }
        }
        let batch = Batch { parts };
        self.is_bulk_in_batch |= batch.is_bulk();
        (!batch.parts.is_empty()).then_some(batch)
    }

    fn next_turn(&mut self, is_bulk_turn: bool) -> Option<Source> {
        let mut bulk = || if self.is_bulk_in_batch { None } else { self.bulk_turns.pop_front() };
        if is_bulk_turn {
            bulk().or_else(|| self.turns.pop_front())
        } else {
            self.turns.pop_front().or_else(bulk)
        }
    }

    /// Takes a batch back, and answers the requests in it that are complete or have failed.
    fn put_back(&mut self, batch: Batch, outcomes: Vec<Answer>) {
        if batch.is_bulk() {
            self.is_bulk_in_batch = false;
        }
        let sources: Vec<_> = batch.parts.iter().map(|part| part.source).collect();
        for (Part { source, mut request, .. }, outcomes) in batch.parts.into_iter().zip(outcomes) {
            let Some(waiting) = self.waiting.get_mut(&source) else { continue };
            let ops = request.ops.len();
            let answer = match outcomes {
                Ok(outcomes) => {
                    request.outcomes.extend(outcomes);
                    if request.outcomes.len() < ops {
                        waiting.requests.push_front(request);
                        continue;
                    }
                    Ok(request.outcomes)
                }
                Err(error) => Err(error),
            };
            waiting.ops -= ops;
            self.ops -= ops;
            // The client may be gone.
            _ = request.answer.send(answer);
        }
        for source in sources {
            let Some(waiting) = self.waiting.get_mut(&source) else { continue };
            // A source may have several parts.
            if !mem::take(&mut waiting.is_in_batch) {
                continue;
            }
            if waiting.requests.is_empty() {
                self.waiting.remove(&source);
            } else {
                self.turns_like(source).push_back(source);
            }
        }
    }
}

impl Waiting {
    /// Adds a piece to a batch that has room for so much cost, beginning with what is left of the part
    /// `last`. Returns the part that it ends with.
    fn put_piece(
        &mut self,
        source: Source,
        mut last: Option<usize>,
        left: &mut u32,
        parts: &mut Vec<Part>,
    ) -> Option<usize> {
        let mut piece = PIECE.min(*left);
        while piece > 0 {
            let index = match last.filter(|last| parts[*last].has_more()) {
                Some(last) => last,
                None => {
                    let Some(request) = self.requests.pop_front() else { break };
                    parts.push(Part { source, end: request.outcomes.len(), request });
                    parts.len() - 1
                }
            };
            last = Some(index);
            let part = &mut parts[index];
            let cost = part.request.ops[part.end].cost();
            part.end += 1;
            piece = piece.saturating_sub(cost);
            *left = left.saturating_sub(cost);
        }
        last
    }
}

/// A fair queue of requests to write. Lanes take batches from it.
#[derive(Debug, Default)]
pub struct WriteQueue {
    state: Mutex<State>,
    /// Wakes a lane.
    arrived: Notify,
}

impl WriteQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request, of a client if it is known. Its outcomes come once all are committed.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if there is no room for so many ops more; [`Error::Unavailable`] once the
    /// queue is closed.
    pub fn add(
        &self,
        client: Option<IpAddr>,
        ops: Vec<Op>,
    ) -> Result<oneshot::Receiver<Answer>, Error> {
        let (answer, answered) = oneshot::channel();
        self.state().add(client, Request { ops, outcomes: Vec::new(), answer })?;
        self.arrived.notify_one();
        Ok(answered)
    }

    pub fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// How many ops wait or are in a batch.
    pub fn len(&self) -> usize {
        self.state().ops
    }

    /// The next batch, as soon as there is one; `None` once the queue is closed and empty but for what
    /// is in batches.
    pub async fn take(&self) -> Option<Batch> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut state = self.state();
                if let Some(batch) = state.take() {
                    // There may be something for another lane.
                    if !state.turns.is_empty() {
                        self.arrived.notify_one();
                    }
                    return Some(batch);
                }
                if state.is_closed {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// Takes a batch back with the outcomes of each part, and answers the requests that are complete or
    /// have failed. Those that had only a piece in the batch wait for their next turn.
    pub fn put_back(&self, batch: Batch, outcomes: Vec<Answer>) {
        self.state().put_back(batch, outcomes);
    }

    /// Takes no more requests; those that wait are still written.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.arrived.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::reports::op::{AgentReport, By, Receipt, Step};

    fn client(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    fn retry(n: u128) -> Op {
        Op::Retry { job_id: Uuid::from_u128(n), by: By::Operator }
    }

    fn report(n: u128) -> Op {
        let (run_id, token) = (Uuid::from_u128(n), Uuid::nil());
        Op::Agent(AgentReport {
            run_id,
            token,
            sequence: 0,
            progress: Vec::new(),
            step: Step::Stay,
        })
    }

    fn number(op: &Op) -> u128 {
        match op {
            Op::Retry { job_id, .. } => job_id.as_u128(),
            Op::Agent(report) => report.run_id.as_u128(),
            _ => unreachable!("the tests make no other ops"),
        }
    }

    /// Which ops a batch has.
    fn numbers(batch: &Batch) -> Vec<u128> {
        batch.parts().iter().flat_map(Part::ops).map(number).collect()
    }

    /// Outcomes that tell the ops apart.
    fn write(queue: &WriteQueue, batch: Batch) {
        let outcome =
            |op: &Op| Ok(Receipt::Job { job_id: Uuid::from_u128(number(op)), is_repeat: false });
        let of_part = |part: &Part| Ok(part.ops().iter().map(outcome).collect());
        let outcomes = batch.parts().iter().map(of_part).collect();
        queue.put_back(batch, outcomes);
    }

    fn take(queue: &WriteQueue) -> Option<Batch> {
        queue.state().take()
    }

    fn add(queue: &WriteQueue, client: Option<IpAddr>, ops: Vec<Op>) -> oneshot::Receiver<Answer> {
        queue.add(client, ops).expect("room")
    }

    fn outcomes(mut answered: oneshot::Receiver<Answer>) -> Vec<u128> {
        let outcomes = answered.try_recv().expect("an answer").expect("it was written");
        let number = |outcome| match outcome {
            Ok(Receipt::Job { job_id, .. }) => job_id.as_u128(),
            other => panic!("{other:?}"),
        };
        outcomes.into_iter().map(number).collect()
    }

    #[test]
    fn a_lone_client_fills_a_batch() {
        let queue = WriteQueue::default();
        let answered = add(&queue, Some(client(1)), (0..3_000).map(report).collect());
        let first = take(&queue).expect("a batch");
        assert_eq!(numbers(&first).len(), BATCH as usize);
        assert!(take(&queue).is_none(), "a client is in one batch at a time");
        write(&queue, first);
        write(&queue, take(&queue).expect("the rest"));
        assert!(outcomes(answered).into_iter().eq(0..3_000));
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_short_request_is_in_the_next_batch() {
        let queue = WriteQueue::default();
        for n in 0..5 {
            add(&queue, Some(client(n)), (0..2_000).map(report).collect());
        }
        add(&queue, Some(client(9)), vec![report(7_777)]);
        let batch = take(&queue).expect("a batch");
        assert!(numbers(&batch).contains(&7_777));
        // Each has had a turn before one has had two.
        let firsts: Vec<_> = batch.parts().iter().map(|part| part.source).collect();
        assert_eq!(firsts.len(), 6, "{firsts:?}");
    }

    #[test]
    fn bulk_ops_leave_a_lane_to_agents() {
        let queue = WriteQueue::default();
        let bulk = [1, 2].map(|n| add(&queue, Some(client(n)), (0..100).map(retry).collect()));
        let batch = take(&queue).expect("a batch");
        assert!(batch.is_bulk());
        // The same client's agents do not wait for it either.
        let answered = add(&queue, Some(client(1)), vec![report(5)]);
        let beside = take(&queue).expect("a batch of agents");
        assert_eq!(numbers(&beside), [5]);
        assert!(take(&queue).is_none(), "there is one batch with bulk ops at a time");
        write(&queue, beside);
        assert_eq!(outcomes(answered), [5]);
        write(&queue, batch);
        // Beside agents there is a piece of each, and no more.
        add(&queue, None, vec![report(6)]);
        let batch = take(&queue).expect("a batch");
        let piece = (PIECE / retry(0).cost()) as usize;
        let lengths: Vec<_> = batch.parts().iter().map(|part| part.ops().len()).collect();
        assert_eq!(lengths, [piece, 1, piece]);
        write(&queue, batch);
        while let Some(batch) = take(&queue) {
            write(&queue, batch);
        }
        for answered in bulk {
            assert!(outcomes(answered).into_iter().eq(0..100));
        }
    }

    #[test]
    fn a_request_without_a_client_takes_turns_with_all_others() {
        let queue = WriteQueue::default();
        for _ in 0..3 {
            add(&queue, None, (0..2_000).map(report).collect());
        }
        let batch = take(&queue).expect("a batch");
        assert_eq!(batch.parts().len(), 3);
    }

    #[test]
    fn a_client_does_not_take_all_room() {
        let queue = WriteQueue::default();
        for _ in 0..ROOM_OF_CLIENT / 1_000 {
            add(&queue, Some(client(1)), (0..1_000).map(report).collect());
        }
        let refused = queue.add(Some(client(1)), vec![report(0)]).expect_err("no room");
        assert_eq!(refused.code(), "OVERLOADED");
        add(&queue, Some(client(2)), vec![report(0)]);
        add(&queue, None, vec![report(0)]);
        while let Some(batch) = take(&queue) {
            write(&queue, batch);
        }
        assert_eq!(queue.len(), 0);
        add(&queue, Some(client(1)), vec![report(0)]);
    }

    #[test]
    fn a_failed_piece_fails_its_request_alone() {
        let queue = WriteQueue::default();
        let mut failed = add(&queue, Some(client(1)), (0..100).map(retry).collect());
        let next = add(&queue, Some(client(1)), vec![retry(1_000)]);
        let batch = take(&queue).expect("a batch");
        let outcomes = vec![Err(Error::Unavailable); batch.parts().len()];
        queue.put_back(batch, outcomes);
        assert!(failed.try_recv().expect("an answer").is_err());
        write(&queue, take(&queue).expect("the next request"));
        assert_eq!(super::tests::outcomes(next), [1_000]);
        assert_eq!(queue.len(), 0);
    }

    #[tokio::test]
    async fn a_closed_queue_gives_what_it_has_and_ends() {
        let queue = WriteQueue::default();
        let answered = add(&queue, None, vec![report(1)]);
        queue.close();
        assert_eq!(
            queue.add(None, vec![report(2)]).expect_err("closed").code(),
            "DATABASE_UNAVAILABLE"
        );
        write(&queue, queue.take().await.expect("what was added"));
        assert_eq!(outcomes(answered), [1]);
        assert!(queue.take().await.is_none());
    }

    proptest! {
        /// Whatever comes when, with two lanes: each op is written once, those of a source in order,
        /// and each request is answered with its outcomes in order.
        #[test]
        fn every_op_is_written_once_and_in_order(
            steps in prop::collection::vec((0..4_u8, 1..400_u128, any::<bool>(), 0..3_u8), 1..60),
        ) {
            let queue = WriteQueue::default();
            let (mut next, mut requests) = (0, Vec::new());
            let mut lanes = [None, None];
            let mut written = HashMap::<Source, Vec<u128>>::new();
            let mut run = |lane: &mut Option<Batch>| {
                if let Some(batch) = lane.take() {
                    for part in batch.parts() {
                        let of_source = written.entry(part.source).or_default();
                        of_source.extend(part.ops().iter().map(number));
                    }
                    write(&queue, batch);
                }
                *lane = take(&queue);
                lane.is_some()
            };
            for (of, ops, is_bulk, lane) in steps {
                let numbers = next..next + ops;
                let make = if is_bulk { retry } else { report };
                // One of them has no address.
                let client = (of > 0).then(|| client(of));
                if let Ok(answered) = queue.add(client, numbers.clone().map(make).collect()) {
                    requests.push((answered, numbers));
                    next += ops;
                }
                if let Some(lane) = lanes.get_mut(usize::from(lane)) {
                    run(lane);
                }
            }
            while run(&mut lanes[0]) | run(&mut lanes[1]) {}
            for (answered, numbers) in requests {
                prop_assert!(outcomes(answered).into_iter().eq(numbers));
            }
            for of_source in written.values() {
                prop_assert!(of_source.is_sorted());
            }
            prop_assert_eq!(written.values().map(Vec::len).sum::<usize>() as u128, next);
            prop_assert_eq!(queue.len(), 0);
        }
    }
}
