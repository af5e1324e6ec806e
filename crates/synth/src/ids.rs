//! Ids in the layout of UUID version 7, whose clock is a counter: they sort in the order of
//! creation and are the same whenever the history is made.

use rand::Rng;
use uuid::{Builder, Uuid};

/// The first job's moment on the fictional clock: 2026-01-01, in milliseconds since 1970.
const EPOCH: u64 = 1_767_225_600_000;
/// What a job takes on the fictional clock, in milliseconds; its runs' ids lie within.
const JOB: u64 = 1_000;
const RUN: u64 = 250;
/// How many runs of a job have ids of their own.
pub const RUNS: usize = 3;

/// The id of the job with this index.
pub fn job(index: u32, rng: &mut impl Rng) -> Uuid {
    at(EPOCH + u64::from(index) * JOB, rng)
}

/// The ids of the runs that the job with this index may have, oldest first.
pub fn runs(index: u32, rng: &mut impl Rng) -> [Uuid; RUNS] {
    let mut clock = EPOCH + u64::from(index) * JOB;
    std::array::from_fn(|_| {
        clock += RUN;
        at(clock, rng)
    })
}

/// The id of a configuration or an agent: older than every job.
pub fn before_jobs(index: usize, rng: &mut impl Rng) -> Uuid {
    at(EPOCH / 2 + index as u64, rng)
}

/// An agent's key, which has no order.
pub fn key(rng: &mut impl Rng) -> Uuid {
    Builder::from_random_bytes(rng.random()).into_uuid()
}

fn at(millis: u64, rng: &mut impl Rng) -> Uuid {
    Builder::from_unix_timestamp_millis(millis, &rng.random()).into_uuid()
}
