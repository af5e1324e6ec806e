//! Properties that hold for any input, over a running server.

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// Runs `test` on this many inputs, and shrinks one that fails. The inputs are made from a fixed
/// seed: a test that passes here passes everywhere.
pub fn property<S: Strategy<Value: Debug>>(cases: u32, strategy: &S, test: impl AsyncFn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let run = |input| {
        // Proptest takes a failed assertion for a failed case.
        block_in_place(|| Handle::current().block_on(test(input)));
        Ok(())
    };
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(strategy, run) {
        panic!("{error}");
    }
}
