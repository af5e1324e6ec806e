//! Fails runs whose lease has expired, and forces cancellations that no agent confirms.
//!
//! One replica at a time scans, protected by an advisory lock. Silence may be this service's own fault,
//! so no run is failed for a grace period of one lease after the start, after a failure of the database,
//! after this process was paused or the clock was set, and when most agents fall silent at once.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use entity::{JobState, Timestamp};
use sea_orm::{DbBackend, DbErr};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::clock_watch::ClockWatch;
use super::op::{Actor, Cancel, ExpiredLease, Op};
use super::{LeasePolicy, WriteQueue};
use crate::clock;
use crate::db::{Db, Sql, Transaction};
use crate::error::ApiError;

/// "agentsws": the key of the advisory lock that a scan holds.
const LOCK: i64 = 0x6167_656e_7473_7773;

/// The number of silent runs from which an outage is suspected.
const OUTAGE: usize = 3;

/// The most operations that are submitted at once, so that agents' reports get their turns.
const CHUNK: usize = 500;

/// Scans until it is dropped.
pub async fn run(db: Db, queue: WriteQueue, policy: LeasePolicy) {
    let shortest = policy.lease.into_iter().chain(policy.cancel_after).min();
    let Some(shortest) = shortest else { return };
    let every = (shortest / 10).clamp(Duration::from_millis(50), Duration::from_secs(10));
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reaper = LeaseReaper::new(policy, clock::now());
    // Agents report several times in a lease, so a shorter pause expires none.
    let mut watch = ClockWatch::new(shortest / 4, Instant::now(), clock::now());
    loop {
        ticks.tick().await;
        observe(&mut watch, every, &mut reaper);
        if let Err(error) = scan(&db, &queue, &mut reaper, &mut watch).await {
            tracing::warn!(%error, "failed to scan for expired leases");
            // Agents could not report either.
            reaper.restart_grace_period(clock::now());
        }
    }
}

/// Restarts the grace period if agents may have been unable to report since the last observation.
fn observe(watch: &mut ClockWatch, expected: Duration, reaper: &mut LeaseReaper) {
    let now = clock::now();
    if let Some(disturbance) = watch.observe(expected, Instant::now(), now) {
        tracing::warn!(%disturbance, "no run is failed for silence until a new grace period has passed");
        reaper.restart_grace_period(now);
    }
}

async fn scan(
    db: &Db,
    queue: &WriteQueue,
    reaper: &mut LeaseReaper,
    watch: &mut ClockWatch,
) -> Result<(), ApiError> {
    let transaction = db.begin_snapshot().await?;
    if db.backend() == DbBackend::Postgres && !lock(&transaction).await? {
        return Ok(());
    }
    let runs = active_runs(&transaction).await?;
    // The pause may have come while the runs were read.
    observe(watch, Duration::ZERO, reaper);
    let ops = reaper.ops(&runs, clock::now());
    for ops in ops.chunks(CHUNK) {
        queue.submit(ops.to_vec()).await?;
    }
    // Releases the lock.
    transaction.rollback().await?;
    Ok(())
}

async fn lock(transaction: &Transaction) -> Result<bool, DbErr> {
    let mut sql = Sql::new(DbBackend::Postgres);
    sql.push("SELECT pg_try_advisory_xact_lock(").bind(LOCK).push(")");
    sql.one(transaction).await?.map_or(Ok(false), |row| row.try_get_by_index(0))
}

/// An unfinished run.
#[derive(Clone, Debug)]
struct ActiveRun {
    run_id: Uuid,
    job_id: Uuid,
    state: JobState,
    /// Whether it was started here. Imported runs have no lease.
    has_lease: bool,
    last_heartbeat: Option<Timestamp>,
    /// The last heartbeat, or the start before the first.
    last_activity: Option<Timestamp>,
    cancellation_requested: Option<Timestamp>,
}

async fn active_runs(db: &Transaction) -> Result<Vec<ActiveRun>, DbErr> {
    let active = JobState::ALL.iter().filter(|state| state.is_active());
    let states: Vec<_> = active.map(|state| format!("'{}'", state.name())).collect();
    let mut sql = Sql::new(sea_orm::ConnectionTrait::get_database_backend(db));
    sql.push(&format!(
        "SELECT r.id, r.job_id, r.agent_state, r.attempt_token IS NOT NULL, r.agent_report_date, \
         coalesce(r.agent_report_date, r.agent_start_time, r.agent_queued_date, r.update_date), \
         r.cancellation_requested_date \
         FROM job AS j JOIN job_run AS r ON r.id = j.current_run_id WHERE j.state IN ({})",
        states.join(", ")
    ));
    sql.all(db)
        .await?
        .iter()
        .map(|row| {
            Ok(ActiveRun {
                run_id: row.try_get_by_index(0)?,
                job_id: row.try_get_by_index(1)?,
                state: row.try_get_by_index(2)?,
                has_lease: row.try_get_by_index(3)?,
                last_heartbeat: row.try_get_by_index(4)?,
                last_activity: row.try_get_by_index(5)?,
                cancellation_requested: row.try_get_by_index(6)?,
            })
        })
        .collect()
}

/// Decides which runs to end.
#[derive(Debug)]
struct LeaseReaper {
    policy: LeasePolicy,
    /// Since when agents could report, as far as is known.
    reachable_since: Timestamp,
    /// Since when most agents have been silent.
    mostly_silent_since: Option<Timestamp>,
}

impl LeaseReaper {
    fn new(policy: LeasePolicy, now: Timestamp) -> Self {
        Self { policy, reachable_since: now, mostly_silent_since: None }
    }

    /// Ignores silence before now.
    fn restart_grace_period(&mut self, now: Timestamp) {
        self.reachable_since = now;
        self.mostly_silent_since = None;
    }

    /// The operations that end the runs whose time has passed.
    fn ops(&mut self, runs: &[ActiveRun], now: Timestamp) -> Vec<Op> {
        let mut ops = Vec::new();
        if let Some(lease) = self.policy.lease {
            ops.extend(self.expired(runs, lease, now));
        }
        if let Some(time) = self.policy.cancel_after
            && has_passed(self.reachable_since, time, now)
        {
            let reason = format!("the agent did not confirm within {}", in_words(time));
            ops.extend(
                runs.iter()
                    .filter(|run| run.state == JobState::Cancelling)
                    .filter(|run| {
                        run.cancellation_requested.is_some_and(|date| has_passed(date, time, now))
                    })
                    .map(|run| {
                        Op::Cancel(Cancel {
                            job_id: run.job_id,
                            reason: Some(reason.clone()),
                            by: Actor::Service,
                            force: true,
                        })
                    }),
            );
        }
        ops
    }

    fn expired(&mut self, runs: &[ActiveRun], lease: Duration, now: Timestamp) -> Vec<Op> {
        let leased = || runs.iter().filter(|run| run.has_lease);
        let silent: Vec<_> = leased()
            .filter(|run| has_passed(run.last_activity.unwrap_or(self.reachable_since), lease, now))
            .collect();
        if silent.len() >= OUTAGE && silent.len() * 2 > leased().count() {
            let since = *self.mostly_silent_since.get_or_insert(now);
            if !has_passed(since, lease, now) {
                if since == now {
                    tracing::warn!(
                        silent = silent.len(),
                        "most agents are silent; waiting one lease, since the fault may be here"
                    );
                }
                return Vec::new();
            }
        } else {
            self.mostly_silent_since = None;
        }
        if !has_passed(self.reachable_since, lease, now) {
            return Vec::new();
        }
        let message = format!("lease expired: no report for {}", in_words(lease));
        silent
            .into_iter()
            .map(|run| {
                Op::Expire(ExpiredLease {
                    run_id: run.run_id,
                    last_heartbeat: run.last_heartbeat,
                    message: message.clone(),
                })
            })
            .collect()
    }
}

fn has_passed(since: Timestamp, time: Duration, now: Timestamp) -> bool {
    let time = TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
    now.utc() - since.utc() > time
}

/// `10 minutes`, `90 seconds`, `1 hour`.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (number, unit) = match seconds {
        0 => return format!("{} milliseconds", time.as_millis()),
        _ if seconds.is_multiple_of(3600) => (seconds / 3600, "hour"),
        _ if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros((1_780_000_000 + second) * 1_000_000).unwrap()
    }

    /// A run that started at second 0, with its last heartbeat.
    fn run(last_heartbeat: Option<i64>) -> ActiveRun {
        ActiveRun {
            run_id: Uuid::now_v7(),
            job_id: Uuid::now_v7(),
            state: JobState::Executing,
            has_lease: true,
            last_heartbeat: last_heartbeat.map(at),
            last_activity: Some(at(last_heartbeat.unwrap_or(0))),
            cancellation_requested: None,
        }
    }

    fn reaper() -> LeaseReaper {
        LeaseReaper::new(LeasePolicy::default(), at(0))
    }

    fn expired(ops: &[Op]) -> Vec<Uuid> {
        ops.iter()
            .filter_map(|op| if let Op::Expire(expired) = op { Some(expired.run_id) } else { None })
            .collect()
    }

    #[test]
    fn runs_expire_after_the_lease() {
        let runs = [run(Some(0)), run(None), run(Some(9 * MINUTE)), run(Some(9 * MINUTE))];
        assert!(expired(&reaper().ops(&runs, at(10 * MINUTE))).is_empty());
        let found = expired(&reaper().ops(&runs, at(10 * MINUTE + 1)));
        assert_eq!(found, [runs[0].run_id, runs[1].run_id]);
    }

    #[test]
    fn no_run_expires_in_the_grace_period() {
        let mut reaper = reaper();
        reaper.restart_grace_period(at(60 * MINUTE));
        let runs = [run(Some(0)), run(Some(59 * MINUTE))];
        assert!(expired(&reaper.ops(&runs, at(65 * MINUTE))).is_empty());
        let runs = [runs[0].clone(), run(Some(70 * MINUTE))];
        assert_eq!(expired(&reaper.ops(&runs, at(70 * MINUTE + 1))), [runs[0].run_id]);
    }

    #[test]
    fn a_silent_majority_gets_another_lease() {
        let mut reaper = reaper();
        let runs = [run(Some(0)), run(Some(0)), run(Some(0)), run(Some(10 * MINUTE))];
        assert!(expired(&reaper.ops(&runs, at(11 * MINUTE))).is_empty());
        // One reports again: the others are still the majority, and expire after another lease.
        assert!(expired(&reaper.ops(&runs, at(20 * MINUTE))).is_empty());
        let runs = [runs[0].clone(), runs[1].clone(), runs[2].clone(), run(Some(21 * MINUTE))];
        assert_eq!(expired(&reaper.ops(&runs, at(21 * MINUTE + 1))).len(), 3);
        // Two silent runs are no sign of an outage.
        let two = [run(Some(0)), run(Some(0))];
        assert_eq!(expired(&self::reaper().ops(&two, at(11 * MINUTE))).len(), 2);
    }

    #[test]
    fn a_run_that_started_elsewhere_does_not_expire() {
        let runs = [ActiveRun { has_lease: false, ..run(Some(0)) }];
        assert!(expired(&reaper().ops(&runs, at(100 * MINUTE))).is_empty());
    }

    #[test]
    fn an_unconfirmed_cancellation_is_forced() {
        let cancelling = |date| ActiveRun {
            state: JobState::Cancelling,
            cancellation_requested: Some(at(date)),
            ..run(Some(200))
        };
        let runs = [cancelling(0), cancelling(100), run(Some(0))];
        let ops = reaper().ops(&runs, at(200));
        let [Op::Cancel(cancel)] = ops.as_slice() else { panic!("{ops:?}") };
        assert_eq!(cancel.job_id, runs[0].job_id);
        assert!(cancel.force);
        assert_eq!(cancel.reason.as_deref(), Some("the agent did not confirm within 3 minutes"));
    }

    #[test]
    fn a_policy_without_times_ends_no_run() {
        let never = LeasePolicy { stale_after: None, lease: None, cancel_after: None };
        let mut reaper = LeaseReaper::new(never, at(0));
        assert!(reaper.ops(&[run(Some(0))], at(1_000_000)).is_empty());
    }
}
