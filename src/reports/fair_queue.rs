//! A fair queue of operations to write.
//!
//! Clients are scheduled round-robin: each contributes a quantum of its backlog to the next batch. So a
//! long request is written in pieces between those of other clients, and a short one is in a batch
//! before any other client has had a second turn. A client is in one batch at a time, so its operations
//! are written in order.
//!
//! Operators' ops come in bulk and are expensive. Only one batch at a time contains them, which leaves
//! the other workers to agents, and a batch that also has agents' ops takes one quantum of each
//! operator. Agents and operators at the same address are scheduled as two flows, so that an agent does
//! not wait for an operator's ops.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::op::{Op, Outcome};
use crate::error::ApiError;

/// How many ops may wait or be in a batch. They take little memory.
const CAPACITY: usize = 20_000;

/// How many of these may be one flow's.
const FLOW_CAPACITY: usize = CAPACITY / 2;

/// How long to wait before trying again when the queue is full, in milliseconds.
const RETRY_AFTER: u32 = 500;

/// The approximate limit of a batch's cost, in the unit of [`Op::cost`]: about three milliseconds of
/// SQLite's writer, for which the reports that come meanwhile wait. Larger batches make reports no faster.
const BATCH_COST: u32 = 640;

/// The cost of an op that the fast path writes, in all likelihood.
const CHEAP: u32 = 1;

/// The approximate cost that a flow contributes to a batch in one turn.
const QUANTUM: u32 = 80;

/// What is scheduled round-robin: the ops of one client and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Flow {
    owner: Owner,
    is_bulk: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Client(IpAddr),
    /// A request without a known client.
    Request(u64),
}

type Response = Result<Vec<Outcome>, ApiError>;

/// Ops that wait for their outcomes.
#[derive(Debug)]
struct Request {
    ops: Vec<Op>,
    /// The outcomes of the first ops.
    outcomes: Vec<Outcome>,
    response: oneshot::Sender<Response>,
}

/// The waiting requests of a flow.
#[derive(Debug, Default)]
struct Backlog {
    requests: VecDeque<Request>,
    /// The number of their ops, including those in a batch.
    ops: usize,
    /// It is scheduled again when the batch has been written.
    is_in_batch: bool,
}

#[derive(Debug, Default)]
struct State {
    backlogs: HashMap<Flow, Backlog>,
    /// Flows with waiting requests and nothing in a batch, the next one first.
    ready: VecDeque<Flow>,
    ready_bulk: VecDeque<Flow>,
    is_bulk_in_batch: bool,
    ops: usize,
    /// How many requests were added so far.
    requests: u64,
    is_closed: bool,
}

/// Ops that are written together.
#[derive(Debug)]
pub struct Batch {
    parts: Vec<Part>,
}

/// The part of a batch that belongs to one request.
#[derive(Debug)]
pub struct Part {
    flow: Flow,
    request: Request,
    /// The part begins with the first op without an outcome and ends here.
    end: usize,
}

impl Batch {
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Splits it into the flows that have cheap ops only, in this batch, and the others.
    pub fn split_by_cost(self) -> [Self; 2] {
        let is_expensive = |part: &&Part| part.ops().iter().any(|op| op.cost() > CHEAP);
        let expensive: HashSet<_> =
            self.parts.iter().filter(is_expensive).map(|part| part.flow).collect();
        let (expensive, cheap): (Vec<_>, Vec<_>) =
            self.parts.into_iter().partition(|part| expensive.contains(&part.flow));
        [Self { parts: cheap }, Self { parts: expensive }]
    }

    fn is_bulk(&self) -> bool {
        self.parts.iter().any(|part| part.flow.is_bulk)
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
    fn push(&mut self, client: Option<IpAddr>, request: Request) -> Result<(), ApiError> {
        if self.is_closed {
            return Err(ApiError::unavailable());
        }
        self.requests += 1;
        let owner = client.map_or(Owner::Request(self.requests), Owner::Client);
        let flow = Flow { owner, is_bulk: request.ops.iter().any(Op::is_of_operator) };
        let ops = request.ops.len();
        let of_flow = self.backlogs.get(&flow).map_or(0, |backlog| backlog.ops);
        if self.ops + ops > CAPACITY || of_flow + ops > FLOW_CAPACITY {
            return Err(ApiError::overloaded(RETRY_AFTER));
        }
        self.ops += ops;
        let backlog = self.backlogs.entry(flow).or_default();
        backlog.ops += ops;
        backlog.requests.push_back(request);
        if backlog.requests.len() == 1 && !backlog.is_in_batch {
            self.ready_like(flow).push_back(flow);
        }
        Ok(())
    }

    fn ready_like(&mut self, flow: Flow) -> &mut VecDeque<Flow> {
        if flow.is_bulk { &mut self.ready_bulk } else { &mut self.ready }
    }

    /// Takes a quantum of each ready flow, and then more of those that have more, up to the cost of a
    /// batch.
    fn next_batch(&mut self) -> Option<Batch> {
        let mut parts = Vec::<Part>::new();
        let mut budget = BATCH_COST;
        // Flows that have more, and the last part of each.
        let mut unfinished = VecDeque::<(Flow, Option<usize>)>::new();
        let (mut is_bulk_turn, mut has_agents) = (false, false);
        while budget > 0 {
            is_bulk_turn = !is_bulk_turn;
            let Some((flow, last)) = self
                .next_ready(is_bulk_turn)
                .map(|flow| (flow, None))
                .or_else(|| unfinished.pop_front())
            else {
                break;
            };
            has_agents |= !flow.is_bulk;
            if has_agents && flow.is_bulk && last.is_some() {
                continue;
            }
            let Some(backlog) = self.backlogs.get_mut(&flow) else { continue };
            backlog.is_in_batch = true;
            let last = backlog.fill(flow, last, &mut budget, &mut parts);
            let has_more = last.is_some_and(|last: usize| parts[last].has_more());
            if has_more || !backlog.requests.is_empty() {
                unfinished.push_back((flow, last));
            }
        }
        let batch = Batch { parts };
        self.is_bulk_in_batch |= batch.is_bulk();
        (!batch.parts.is_empty()).then_some(batch)
    }

    fn next_ready(&mut self, is_bulk_turn: bool) -> Option<Flow> {
        let mut bulk = || if self.is_bulk_in_batch { None } else { self.ready_bulk.pop_front() };
        if is_bulk_turn {
            bulk().or_else(|| self.ready.pop_front())
        } else {
            self.ready.pop_front().or_else(bulk)
        }
    }

    /// Records the outcomes of a batch, and responds to the requests that are complete or have failed.
    fn complete(&mut self, batch: Batch, outcomes: Vec<Response>) {
        if batch.is_bulk() {
            self.is_bulk_in_batch = false;
        }
        let flows: Vec<_> = batch.parts.iter().map(|part| part.flow).collect();
        for (Part { flow, mut request, .. }, outcomes) in batch.parts.into_iter().zip(outcomes) {
            let Some(backlog) = self.backlogs.get_mut(&flow) else { continue };
            let ops = request.ops.len();
            let response = match outcomes {
                Ok(outcomes) => {
                    request.outcomes.extend(outcomes);
                    if request.outcomes.len() < ops {
                        backlog.requests.push_front(request);
                        continue;
                    }
                    Ok(request.outcomes)
                }
                Err(error) => Err(error),
            };
            backlog.ops -= ops;
            self.ops -= ops;
            // The client may have disconnected.
            _ = request.response.send(response);
        }
        for flow in flows {
            let Some(backlog) = self.backlogs.get_mut(&flow) else { continue };
            // A flow may have several parts.
            if !mem::take(&mut backlog.is_in_batch) {
                continue;
            }
            if backlog.requests.is_empty() {
                self.backlogs.remove(&flow);
            } else {
                self.ready_like(flow).push_back(flow);
            }
        }
    }
}

impl Backlog {
    /// Adds a quantum to a batch, within its budget, starting with the rest of the part `last`. Returns
    /// the part that it ends with.
    fn fill(
        &mut self,
        flow: Flow,
        mut last: Option<usize>,
        budget: &mut u32,
        parts: &mut Vec<Part>,
    ) -> Option<usize> {
        let mut quantum = QUANTUM.min(*budget);
        while quantum > 0 {
            let index = match last.filter(|last| parts[*last].has_more()) {
                Some(last) => last,
                None => {
                    let Some(request) = self.requests.pop_front() else { break };
                    parts.push(Part { flow, end: request.outcomes.len(), request });
                    parts.len() - 1
                }
            };
            last = Some(index);
            let part = &mut parts[index];
            let cost = part.request.ops[part.end].cost();
            part.end += 1;
            quantum = quantum.saturating_sub(cost);
            *budget = budget.saturating_sub(cost);
        }
        last
    }
}

/// A fair queue of requests to write. Workers take batches from it.
#[derive(Debug, Default)]
pub struct FairQueue {
    state: Mutex<State>,
    /// Wakes a worker.
    arrived: Notify,
}

impl FairQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request, of a client if it is known. The receiver gets its outcomes once all are
    /// committed.
    ///
    /// # Errors
    /// `OVERLOADED` if the queue is full; `DATABASE_UNAVAILABLE` once it is closed.
    pub fn push(
        &self,
        client: Option<IpAddr>,
        ops: Vec<Op>,
    ) -> Result<oneshot::Receiver<Response>, ApiError> {
        let (response, receiver) = oneshot::channel();
        self.state().push(client, Request { ops, outcomes: Vec::new(), response })?;
        self.arrived.notify_one();
        Ok(receiver)
    }

    pub fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// The number of ops that wait or are in a batch.
    pub fn len(&self) -> usize {
        self.state().ops
    }

    /// The next batch, as soon as there is one; `None` once the queue is closed and has no more to
    /// write.
    pub async fn next_batch(&self) -> Option<Batch> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut state = self.state();
                if let Some(batch) = state.next_batch() {
                    // There may be work for another worker.
                    if !state.ready.is_empty() {
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

    /// Records the outcomes of a batch, one per part, and responds to the requests that are complete or
    /// have failed. Requests with more to write are scheduled again.
    pub fn complete(&self, batch: Batch, outcomes: Vec<Response>) {
        self.state().complete(batch, outcomes);
    }

    /// Rejects new requests; those that wait are still written.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.arrived.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
