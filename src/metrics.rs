//! What a serving process counts, for Prometheus. Names begin with `agent_jobs_`, times are in
//! seconds. Without [`install`] nothing is counted, at next to no cost.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// What times are counted in: from a tenth of a millisecond to half a minute.
const SECONDS: [f64; 12] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0];

const SIZES: [f64; 8] = [1.0, 2.0, 5.0, 20.0, 100.0, 500.0, 1_000.0, 2_000.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// What runs' times are counted in: from a second to a day.
const RUN_SECONDS: [f64; 12] =
    [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 43_200.0, 86_400.0];

/// Begins to count, once in a process.
pub fn install() {
    HANDLE.get_or_init(|| {
        let buckets = |builder: PrometheusBuilder, suffix: &str, values: &[f64]| {
            builder
                .set_buckets_for_metric(Matcher::Suffix(suffix.to_owned()), values)
                .expect("there are buckets")
        };
        let builder = buckets(PrometheusBuilder::new(), "_run_seconds", &RUN_SECONDS);
        let builder = buckets(builder, "_seconds", &SECONDS);
        let recorder = buckets(builder, "_ops", &SIZES).build_recorder();
        let handle = recorder.handle();
        // Another recorder may be there already, which then counts.
        _ = metrics::set_global_recorder(recorder);
        describe();
        handle
    });
}

fn describe() {
    use Unit::{Count, Seconds};
    describe_counter!("agent_jobs_http_requests_total", Count, "HTTP requests by route and status");
    describe_histogram!("agent_jobs_http_request_seconds", Seconds, "HTTP requests' time by route");
    describe_counter!(
        "agent_jobs_operations_total",
        Count,
        "GraphQL operations by name and outcome"
    );
    describe_histogram!(
        "agent_jobs_operation_seconds",
        Seconds,
        "GraphQL operations' time by name"
    );
    describe_counter!("agent_jobs_statements_total", Count, "database statements by outcome");
    describe_histogram!("agent_jobs_statement_seconds", Seconds, "database statements' time");
    describe_gauge!("agent_jobs_connections", Count, "database connections by pool and use");
    describe_gauge!(
        "agent_jobs_database_writable",
        Count,
        "0 while writes fail since the database is read-only, full or away, else 1"
    );
    describe_counter!("agent_jobs_failed_writes_total", Count, "failed writes by reason");
    describe_gauge!("agent_jobs_writer_waiting_ops", Count, "ops that wait for the writer");
    describe_histogram!("agent_jobs_writer_batch_ops", Count, "ops in a batch of the writer");
    describe_histogram!("agent_jobs_writer_batch_seconds", Seconds, "batches' time");
    describe_gauge!("agent_jobs_subscribers", Count, "subscriptions that are watched");
    describe_gauge!("agent_jobs_shared_executions", Count, "executions that subscribers share");
    describe_gauge!("agent_jobs_feed_connected", Count, "1 while the change feed is connected");
    describe_histogram!(
        "agent_jobs_feed_lag_seconds",
        Seconds,
        "from hearing of a change to having read it"
    );
    describe_gauge!(
        "agent_jobs_jobs",
        Count,
        "jobs by state; NaN while the database cannot be read"
    );
    describe_counter!(
        "agent_jobs_finished_runs_total",
        Count,
        "runs that ended, by outcome and provider; each is counted by one replica"
    );
    describe_histogram!(
        "agent_jobs_waiting_run_seconds",
        Seconds,
        "how long finished runs had waited for their agent, by provider"
    );
    describe_histogram!(
        "agent_jobs_working_run_seconds",
        Seconds,
        "how long agents worked on finished runs, by provider"
    );
    describe_gauge!(
        "agent_jobs_oldest_due_job_age_seconds",
        Seconds,
        "how long the due job has waited that has waited longest; 0 if none is due"
    );
    describe_counter!(
        "agent_jobs_removed_jobs_total",
        Count,
        "jobs that were removed for their age"
    );
    describe_counter!(
        "agent_jobs_issuer_key_fetches_total",
        Count,
        "fetches of the token issuer's keys by outcome"
    );
    describe_gauge!(
        "agent_jobs_issuer_keys_fetched_timestamp_seconds",
        Seconds,
        "when the token issuer's keys were last fetched, in Unix time"
    );
}

/// An HTTP request was answered.
pub fn http_request(route: &str, status: u16, time: Duration) {
    let route = route.to_owned();
    counter!("agent_jobs_http_requests_total", "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    histogram!("agent_jobs_http_request_seconds", "route" => route).record(time);
}

/// A GraphQL operation was executed.
pub fn operation(name: Option<&str>, outcome: &'static str, time: Duration) {
    let name = operation_label(name.unwrap_or_default());
    counter!("agent_jobs_operations_total", "operation" => name.clone(), "outcome" => outcome)
        .increment(1);
    histogram!("agent_jobs_operation_seconds", "operation" => name).record(time);
}

/// How many values of a label are told apart. Others make them up.
const LABELS: usize = 100;

/// The values of a label that are told apart: the first that came.
#[derive(Default)]
struct Labels(Mutex<HashSet<String>>);

impl Labels {
    /// The value if it is told apart, otherwise `other`.
    fn label(&self, value: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(value) {
            if known.len() >= LABELS || value.len() > 100 {
                return "other".to_owned();
            }
            known.insert(value.to_owned());
        }
        value.to_owned()
    }
}

fn operation_label(name: &str) -> String {
    static KNOWN: LazyLock<Labels> = LazyLock::new(Labels::default);
    if name.is_empty() { "anonymous".to_owned() } else { KNOWN.label(name) }
}

/// Runs of configurations of a provider ended: how many, by outcome, and how many milliseconds they had waited
/// and took, each with how often.
#[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are floats")]
pub fn finished_runs(
    provider: Option<&str>,
    runs: &[(&'static str, u64)],
    waits: &[(u64, u64)],
    durations: &[(u64, u64)],
) {
    static KNOWN: LazyLock<Labels> = LazyLock::new(Labels::default);
    let provider = KNOWN.label(provider.unwrap_or("none"));
    for (outcome, runs) in runs {
        counter!("agent_jobs_finished_runs_total", "outcome" => *outcome, "provider" => provider.clone())
            .increment(*runs);
    }
    let waiting = histogram!("agent_jobs_waiting_run_seconds", "provider" => provider.clone());
    let working = histogram!("agent_jobs_working_run_seconds", "provider" => provider);
    for (histogram, times) in [(waiting, waits), (working, durations)] {
        for (milliseconds, count) in times {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            histogram.record_many(*milliseconds as f64 / 1_000.0, count);
        }
    }
}

/// A statement ran.
pub fn statement(has_failed: bool, time: Duration) {
    let outcome = if has_failed { "failed" } else { "ok" };
    counter!("agent_jobs_statements_total", "outcome" => outcome).increment(1);
    histogram!("agent_jobs_statement_seconds").record(time);
}

/// A transaction that writes failed.
pub fn failed_write(reason: &'static str) {
    counter!("agent_jobs_failed_writes_total", "reason" => reason).increment(1);
}

/// The writer wrote a batch.
pub fn batch(ops: usize, time: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "a batch has thousands of ops at most")]
    histogram!("agent_jobs_writer_batch_ops").record(ops as f64);
    histogram!("agent_jobs_writer_batch_seconds").record(time);
}

/// Records that a change was read, this long after it was detected.
pub fn feed_lag(time: Duration) {
    histogram!("agent_jobs_feed_lag_seconds").record(time);
}

/// The keys of the tokens' issuer were fetched, or that has failed.
pub fn issuer_keys(has_worked: bool) {
    let outcome = if has_worked { "ok" } else { "failed" };
    counter!("agent_jobs_issuer_key_fetches_total", "outcome" => outcome).increment(1);
    if has_worked {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge!("agent_jobs_issuer_keys_fetched_timestamp_seconds").set(now.as_secs_f64());
    }
}

/// Jobs were removed for their age.
pub fn removed(jobs: u64) {
    counter!("agent_jobs_removed_jobs_total").increment(jobs);
}

/// Everything that was counted, in Prometheus' text form; `None` if nothing is.
pub fn render() -> Option<String> {
    let handle = HANDLE.get()?;
    handle.run_upkeep();
    Some(handle.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_cannot_make_up_any_number_of_names() {
        let names: HashSet<_> = (0..1_000).map(|n| operation_label(&format!("Query{n}"))).collect();
        assert!(names.len() <= LABELS + 1, "{}", names.len());
        assert!(names.contains("other"));
        assert_eq!(operation_label(""), "anonymous");
    }
}
