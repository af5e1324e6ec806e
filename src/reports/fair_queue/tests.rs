use std::collections::HashMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::error::ErrorCode;
use crate::reports::machine::Ending;
use crate::reports::op::{Actor, AgentReport, Receipt, Transition};

fn client(n: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, n])
}

fn retry(n: u128) -> Op {
    Op::Retry { job_id: Uuid::from_u128(n), reason: None, by: Actor::Operator(None) }
}

fn report(n: u128) -> Op {
    agent_report(n, Transition::Stay)
}

fn finish(n: u128) -> Op {
    agent_report(n, Transition::Finish(Ending::Completed))
}

fn agent_report(n: u128, transition: Transition) -> Op {
    let (run_id, token) = (Uuid::from_u128(n), Uuid::nil());
    Op::Agent(AgentReport { run_id, token, sequence: 0, progress: Vec::new(), transition })
}

fn number(op: &Op) -> u128 {
    match op {
        Op::Retry { job_id, .. } => job_id.as_u128(),
        Op::Agent(report) => report.run_id.as_u128(),
        _ => unreachable!("the tests make no other ops"),
    }
}

/// The ops of a batch.
fn numbers(batch: &Batch) -> Vec<u128> {
    batch.parts().iter().flat_map(Part::ops).map(number).collect()
}

/// Completes a batch with outcomes that identify the ops.
fn write(queue: &FairQueue, batch: Batch) {
    let outcome =
        |op: &Op| Ok(Receipt::Job { job_id: Uuid::from_u128(number(op)), is_repeat: false });
    let of_part = |part: &Part| Ok(part.ops().iter().map(outcome).collect());
    let outcomes = batch.parts().iter().map(of_part).collect();
    queue.complete(batch, outcomes);
}

fn take(queue: &FairQueue) -> Option<Batch> {
    queue.state().next_batch()
}

fn push(queue: &FairQueue, client: Option<IpAddr>, ops: Vec<Op>) -> oneshot::Receiver<Response> {
    queue.push(client, ops).expect("capacity")
}

fn outcomes(mut response: oneshot::Receiver<Response>) -> Vec<u128> {
    let outcomes = response.try_recv().expect("a response").expect("it was written");
    let number = |outcome| match outcome {
        Ok(Receipt::Job { job_id, .. }) => job_id.as_u128(),
        other => panic!("{other:?}"),
    };
    outcomes.into_iter().map(number).collect()
}

#[test]
fn a_lone_client_fills_a_batch() {
    let queue = FairQueue::default();
    let response = push(&queue, Some(client(1)), (0..3_000).map(report).collect());
    let first = take(&queue).expect("a batch");
    assert_eq!(numbers(&first).len(), BATCH_COST as usize);
    assert!(take(&queue).is_none(), "a client is in one batch at a time");
    write(&queue, first);
    while let Some(batch) = take(&queue) {
        write(&queue, batch);
    }
    assert!(outcomes(response).into_iter().eq(0..3_000));
    assert_eq!(queue.len(), 0);
}

#[test]
fn a_short_request_is_in_the_next_batch() {
    let queue = FairQueue::default();
    for n in 0..5 {
        push(&queue, Some(client(n)), (0..2_000).map(report).collect());
    }
    push(&queue, Some(client(9)), vec![report(7_777)]);
    let batch = take(&queue).expect("a batch");
    assert!(numbers(&batch).contains(&7_777));
    // Each flow had a turn before one had two.
    let firsts: Vec<_> = batch.parts().iter().map(|part| part.flow).collect();
    assert_eq!(firsts.len(), 6, "{firsts:?}");
}

#[test]
fn a_batch_is_split_into_cheap_and_expensive_flows() {
    let queue = FairQueue::default();
    push(&queue, Some(client(1)), vec![retry(1)]);
    push(&queue, Some(client(2)), vec![report(2)]);
    push(&queue, Some(client(2)), vec![report(3)]);
    // Its report stays behind the op that it was submitted with.
    push(&queue, None, vec![finish(4), report(5)]);
    let [cheap, expensive] = take(&queue).expect("a batch").split_by_cost();
    let (cheap_numbers, mut expensive_numbers) = (numbers(&cheap), numbers(&expensive));
    expensive_numbers.sort_unstable();
    assert_eq!((cheap_numbers, expensive_numbers), (vec![2, 3], vec![1, 4, 5]));
    // The flow of cheap ops has its next turn while the others are written.
    write(&queue, cheap);
    push(&queue, Some(client(2)), vec![report(6)]);
    push(&queue, Some(client(1)), vec![retry(7)]);
    let beside = take(&queue).expect("a batch");
    assert_eq!(numbers(&beside), [6]);
    write(&queue, beside);
    write(&queue, expensive);
    assert_eq!(numbers(&take(&queue).expect("a batch")), [7]);
}

#[test]
fn bulk_ops_leave_a_worker_to_agents() {
    let queue = FairQueue::default();
    let bulk = [1, 2].map(|n| push(&queue, Some(client(n)), (0..100).map(retry).collect()));
    let batch = take(&queue).expect("a batch");
    assert!(batch.is_bulk());
    // The same client's agents do not wait for it either.
    let response = push(&queue, Some(client(1)), vec![report(5)]);
    let beside = take(&queue).expect("a batch of agents");
    assert_eq!(numbers(&beside), [5]);
    assert!(take(&queue).is_none(), "there is one batch with bulk ops at a time");
    write(&queue, beside);
    assert_eq!(outcomes(response), [5]);
    write(&queue, batch);
    // Beside agents there is one quantum of each.
    push(&queue, None, vec![report(6)]);
    let batch = take(&queue).expect("a batch");
    let quantum = (QUANTUM / retry(0).cost()) as usize;
    let lengths: Vec<_> = batch.parts().iter().map(|part| part.ops().len()).collect();
    assert_eq!(lengths, [quantum, 1, quantum]);
    write(&queue, batch);
    while let Some(batch) = take(&queue) {
        write(&queue, batch);
    }
    for response in bulk {
        assert!(outcomes(response).into_iter().eq(0..100));
    }
}

#[test]
fn a_request_without_a_client_is_scheduled_as_its_own() {
    let queue = FairQueue::default();
    for _ in 0..3 {
        push(&queue, None, (0..2_000).map(report).collect());
    }
    let batch = take(&queue).expect("a batch");
    assert_eq!(batch.parts().len(), 3);
}

#[test]
fn a_client_cannot_fill_the_queue() {
    let queue = FairQueue::default();
    for _ in 0..FLOW_CAPACITY / 1_000 {
        push(&queue, Some(client(1)), (0..1_000).map(report).collect());
    }
    let refused = queue.push(Some(client(1)), vec![report(0)]).expect_err("full");
    assert_eq!(refused.code, ErrorCode::Overloaded);
    push(&queue, Some(client(2)), vec![report(0)]);
    push(&queue, None, vec![report(0)]);
    while let Some(batch) = take(&queue) {
        write(&queue, batch);
    }
    assert_eq!(queue.len(), 0);
    push(&queue, Some(client(1)), vec![report(0)]);
}

#[test]
fn a_failed_batch_fails_only_its_requests() {
    let queue = FairQueue::default();
    let mut failed = push(&queue, Some(client(1)), (0..100).map(retry).collect());
    let next = push(&queue, Some(client(1)), vec![retry(1_000)]);
    let batch = take(&queue).expect("a batch");
    let outcomes = vec![Err(ApiError::unavailable()); batch.parts().len()];
    queue.complete(batch, outcomes);
    assert!(failed.try_recv().expect("a response").is_err());
    write(&queue, take(&queue).expect("the next request"));
    assert_eq!(super::tests::outcomes(next), [1_000]);
    assert_eq!(queue.len(), 0);
}

#[tokio::test]
async fn a_closed_queue_drains() {
    let queue = FairQueue::default();
    let response = push(&queue, None, vec![report(1)]);
    queue.close();
    assert_eq!(
        queue.push(None, vec![report(2)]).expect_err("closed").code,
        ErrorCode::DatabaseUnavailable
    );
    write(&queue, queue.next_batch().await.expect("what was added"));
    assert_eq!(outcomes(response), [1]);
    assert!(queue.next_batch().await.is_none());
}

proptest! {
    /// Whatever comes when, with two workers: each op is written once, those of a source in order,
    /// and each request is response with its outcomes in order.
    #[test]
    fn every_op_is_written_once_and_in_order(
        steps in prop::collection::vec((0..4_u8, 1..400_u128, any::<bool>(), 0..3_u8), 1..60),
    ) {
        let queue = FairQueue::default();
        let (mut next, mut requests) = (0, Vec::new());
        let mut workers = [None, None];
        let mut written = HashMap::<Flow, Vec<u128>>::new();
        let mut run = |worker: &mut Option<Batch>| {
            if let Some(batch) = worker.take() {
                for part in batch.parts() {
                    let of_flow = written.entry(part.flow).or_default();
                    of_flow.extend(part.ops().iter().map(number));
                }
                write(&queue, batch);
            }
            *worker = take(&queue);
            worker.is_some()
        };
        for (of, ops, is_bulk, worker) in steps {
            let numbers = next..next + ops;
            let make = if is_bulk { retry } else { report };
            // One of them has no address.
            let client = (of > 0).then(|| client(of));
            if let Ok(response) = queue.push(client, numbers.clone().map(make).collect()) {
                requests.push((response, numbers));
                next += ops;
            }
            if let Some(worker) = workers.get_mut(usize::from(worker)) {
                run(worker);
            }
        }
        while run(&mut workers[0]) | run(&mut workers[1]) {}
        for (response, numbers) in requests {
            prop_assert!(outcomes(response).into_iter().eq(numbers));
        }
        for of_flow in written.values() {
            prop_assert!(of_flow.is_sorted());
        }
        prop_assert_eq!(written.values().map(Vec::len).sum::<usize>() as u128, next);
        prop_assert_eq!(queue.len(), 0);
    }
}
