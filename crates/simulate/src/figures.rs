//! What the agents of a simulation have seen.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value as Json, json};

/// The requests whose time is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Claim,
    Report,
    Processing,
    Finish,
    /// All others: registering, queueing, cancelling.
    Other,
}

const CALLS: [(Call, &str); 5] = [
    (Call::Claim, "claimJob"),
    (Call::Report, "reportJobRuns"),
    (Call::Processing, "reportProcessing"),
    (Call::Finish, "finishJobRun"),
    (Call::Other, "others"),
];

/// What became of reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    pub accepted: u64,
    /// Sent twice or late.
    pub repeated: u64,
    /// For runs that were ended by others.
    pub over: u64,
}

/// What became of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    pub begun: u64,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    /// Left by an agent that vanished.
    pub vanished: u64,
    /// Ended by the server or an operator without the agent.
    pub taken: u64,
}

/// Counts and times, which all agents add to.
pub struct Figures {
    started: Instant,
    seen: Mutex<Seen>,
}

#[derive(Default)]
pub(super) struct Seen {
    pub reports: Reports,
    pub processing: Reports,
    pub runs: Runs,
    pub queued: u64,
    /// Requests that got no answer, and those that were told to try again.
    pub unanswered: u64,
    pub told_to_wait: u64,
    /// Codes that an agent which does everything right never gets, with an example.
    pub wrong: BTreeMap<String, (u64, String)>,
    times: [Option<Histogram<u64>>; CALLS.len()],
}

impl Default for Figures {
    fn default() -> Self {
        Self { started: Instant::now(), seen: Mutex::default() }
    }
}

impl Figures {
    pub(super) fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen());
    }

    /// Notes that a request was answered after so long.
    pub(super) fn answered(&self, call: Call, time: Duration) {
        let place = CALLS.iter().position(|(known, _)| *known == call).expect("all are listed");
        let mut seen = self.seen();
        // From a microsecond to an hour, to three digits.
        let times = seen.times[place].get_or_insert_with(|| {
            Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("the bounds are valid")
        });
        times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    /// Notes what an agent should never have been told.
    pub(super) fn wrong(&self, code: &str, message: &str) {
        let mut seen = self.seen();
        let entry = seen.wrong.entry(code.to_owned()).or_insert((0, message.to_owned()));
        entry.0 += 1;
    }

    /// Whether everything was as it should be.
    pub fn is_clean(&self) -> bool {
        self.seen().wrong.is_empty()
    }

    /// Reports that were accepted so far, of agents and of the pipeline.
    pub fn accepted(&self) -> (u64, u64) {
        let seen = self.seen();
        (seen.reports.accepted, seen.processing.accepted)
    }

    /// For how long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// All of it for programs. Times are in milliseconds.
    pub fn to_json(&self) -> Json {
        let seconds = self.elapsed().as_secs_f64();
        let seen = self.seen();
        let reports = |reports: &Reports| {
            json!({
                "accepted": reports.accepted,
                "repeated": reports.repeated,
                "over": reports.over,
                "perSecond": per_second(reports.accepted, seconds),
            })
        };
        let latency: serde_json::Map<_, _> = CALLS
            .iter()
            .zip(&seen.times)
            .filter_map(|((_, name), times)| {
                let times = times.as_ref()?;
                let at = |quantile| millis(times.value_at_quantile(quantile));
                let times = json!({
                    "requests": times.len(), "p50": at(0.5), "p99": at(0.99), "p999": at(0.999),
                    "max": millis(times.max()),
                });
                Some(((*name).to_owned(), times))
            })
            .collect();
        let wrong: serde_json::Map<_, _> = seen
            .wrong
            .iter()
            .map(|(code, (count, example))| {
                (code.clone(), json!({ "count": count, "example": example }))
            })
            .collect();
        json!({
            "seconds": seconds,
            "reports": reports(&seen.reports),
            "processing": reports(&seen.processing),
            "runs": {
                "begun": seen.runs.begun,
                "completed": seen.runs.completed,
                "failed": seen.runs.failed,
                "cancelled": seen.runs.cancelled,
                "vanished": seen.runs.vanished,
                "taken": seen.runs.taken,
            },
            "jobsQueued": seen.queued,
            "unanswered": seen.unanswered,
            "toldToWait": seen.told_to_wait,
            "wrong": wrong,
            "latency": latency,
        })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For people.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed().as_secs_f64();
        let seen = self.seen();
        writeln!(f, "{seconds:.1} seconds")?;
        for (name, reports) in [("agents", &seen.reports), ("pipeline", &seen.processing)] {
            let Reports { accepted, repeated, over } = reports;
            let rate = per_second(*accepted, seconds);
            writeln!(
                f,
                "  {name:<9} {rate:>9.1} reports a second; {accepted} accepted, {repeated} sent \
                 twice or late, {over} for finished runs"
            )?;
        }
        let Runs { begun, completed, failed, cancelled, vanished, taken } = seen.runs;
        writeln!(
            f,
            "  runs      {begun} begun: {completed} completed, {failed} failed, {cancelled} \
             cancelled, {vanished} left by agents that vanished, {taken} ended by others"
        )?;
        if seen.unanswered + seen.told_to_wait > 0 {
            let (unanswered, waits) = (seen.unanswered, seen.told_to_wait);
            writeln!(f, "  trouble   {unanswered} requests unanswered, {waits} told to wait")?;
        }
        writeln!(f, "  answered           requests       p50       p99     p99.9       max (ms)")?;
        for ((_, name), times) in CALLS.iter().zip(&seen.times) {
            let Some(times) = times else { continue };
            let at = |quantile| millis(times.value_at_quantile(quantile));
            writeln!(
                f,
                "  {name:<17} {:>9} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
                times.len(),
                at(0.5),
                at(0.99),
                at(0.999),
                millis(times.max())
            )?;
        }
        for (code, (count, example)) in &seen.wrong {
            writeln!(f, "  WRONG     {count} times {code}, for example: {example}")?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(0.001)
}

#[expect(clippy::cast_precision_loss, reason = "a time for people")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}
