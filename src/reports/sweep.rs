//! Finding runs whose agents are lost, and cancellations that no agent confirms.
//!
//! One replica at a time looks; when it is gone, another does. Silence may be our own fault: for a
//! lease after the start, after the database was away, after this process was paused or the clock was
//! set, and when most agents fall silent at once, no run is failed.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use entity::{JobState, Timestamp};
use sea_orm::{DbBackend, DbErr};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::clock_watch::ClockWatch;
use super::op::{By, Cancel, Lost, Op};
use super::{Patience, Reports};
use crate::clock;
use crate::db::{Db, Sql, Transaction};
use crate::error::Error;

/// "agentsws": the key of the advisory lock of whoever sweeps.
const LOCK: i64 = 0x6167_656e_7473_7773;

/// From so many silent runs on, it may be an outage of ours.
const OUTAGE: usize = 3;

/// Sweeps until it is dropped.
pub async fn run(db: Db, reports: Reports, patience: Patience) {
    let shortest = patience.lost_after.into_iter().chain(patience.cancel_after).min();
    let Some(shortest) = shortest else { return };
    let every = (shortest / 10).clamp(Duration::from_millis(50), Duration::from_secs(10));
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut judge = Judge::new(patience, clock::now());
    // Agents report several times in a lease, so a shorter pause costs no run.
    let mut watch = ClockWatch::new(shortest / 4, Instant::now(), clock::now());
    loop {
        ticks.tick().await;
        observe(&mut watch, every, &mut judge);
        if let Err(error) = sweep(&db, &reports, &mut judge, &mut watch).await {
            tracing::warn!(%error, "looking for lost agents");
            // Agents could not report either.
            judge.pause(clock::now());
        }
    }
}

/// Begins the grace period anew if agents may have been unable to report since the last observation.
fn observe(watch: &mut ClockWatch, expected: Duration, judge: &mut Judge) {
    let now = clock::now();
    if let Some(disturbance) = watch.observe(expected, Instant::now(), now) {
        tracing::warn!(%disturbance, "no run is failed for silence until a new grace period has passed");
        judge.pause(now);
    }
}

async fn sweep(
    db: &Db,
    reports: &Reports,
    judge: &mut Judge,
    watch: &mut ClockWatch,
) -> Result<(), Error> {
    let transaction = db.begin_snapshot().await?;
    if db.backend() == DbBackend::Postgres && !lock(&transaction).await? {
        return Ok(());
    }
    let runs = active_runs(&transaction).await?;
    // The pause may have come while the runs were read.
    observe(watch, Duration::ZERO, judge);
    let ops = judge.judge(&runs, clock::now());
    // A lot at a time: they share the writer with the agents that are well.
    for ops in ops.chunks(500) {
        reports.tell(ops.to_vec()).await?;
    }
    // The lock goes with the transaction.
    transaction.rollback().await?;
    Ok(())
}

async fn lock(transaction: &Transaction) -> Result<bool, DbErr> {
    let mut sql = Sql::new(DbBackend::Postgres);
    sql.push("SELECT pg_try_advisory_xact_lock(").bind(LOCK).push(")");
    sql.one(transaction).await?.map_or(Ok(false), |row| row.try_get_by_index(0))
}

/// A run that an agent should be at.
#[derive(Clone, Debug)]
struct Watched {
    run_id: Uuid,
    job_id: Uuid,
    state: JobState,
    /// Whether its agent reports here.
    is_ours: bool,
    heard: Option<Timestamp>,
    /// The last sign of life, its beginning included.
    last_sign: Option<Timestamp>,
    cancellation_requested: Option<Timestamp>,
}

async fn active_runs(db: &Transaction) -> Result<Vec<Watched>, DbErr> {
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
            Ok(Watched {
                run_id: row.try_get_by_index(0)?,
                job_id: row.try_get_by_index(1)?,
                state: row.try_get_by_index(2)?,
                is_ours: row.try_get_by_index(3)?,
                heard: row.try_get_by_index(4)?,
                last_sign: row.try_get_by_index(5)?,
                cancellation_requested: row.try_get_by_index(6)?,
            })
        })
        .collect()
}

/// Decides whose patience is over.
#[derive(Debug)]
struct Judge {
    patience: Patience,
    /// Since when agents could reach us, as far as we know.
    open_since: Timestamp,
    /// Since when most agents are silent.
    silence_since: Option<Timestamp>,
}

impl Judge {
    fn new(patience: Patience, now: Timestamp) -> Self {
        Self { patience, open_since: now, silence_since: None }
    }

    /// What was before is no agent's fault.
    fn pause(&mut self, now: Timestamp) {
        self.open_since = now;
        self.silence_since = None;
    }

    fn judge(&mut self, runs: &[Watched], now: Timestamp) -> Vec<Op> {
        let mut ops = Vec::new();
        if let Some(patience) = self.patience.lost_after {
            ops.extend(self.lost(runs, patience, now));
        }
        if let Some(patience) = self.patience.cancel_after
            && is_over(self.open_since, patience, now)
        {
            let reason = format!("the agent did not confirm within {}", in_words(patience));
            ops.extend(
                runs.iter()
                    .filter(|run| run.state == JobState::Cancelling)
                    .filter(|run| {
                        run.cancellation_requested.is_some_and(|date| is_over(date, patience, now))
                    })
                    .map(|run| {
                        Op::Cancel(Cancel {
                            job_id: run.job_id,
                            reason: Some(reason.clone()),
                            by: By::Service,
                            force: true,
                        })
                    }),
            );
        }
        ops
    }

    fn lost(&mut self, runs: &[Watched], patience: Duration, now: Timestamp) -> Vec<Op> {
        let ours = || runs.iter().filter(|run| run.is_ours);
        let silent: Vec<_> = ours()
            .filter(|run| is_over(run.last_sign.unwrap_or(self.open_since), patience, now))
            .collect();
        if silent.len() >= OUTAGE && silent.len() * 2 > ours().count() {
            let since = *self.silence_since.get_or_insert(now);
            if !is_over(since, patience, now) {
                if since == now {
                    tracing::warn!(
                        silent = silent.len(),
                        "most agents are silent; waiting in case they could not reach this service"
                    );
                }
                return Vec::new();
            }
        } else {
            self.silence_since = None;
        }
        if !is_over(self.open_since, patience, now) {
            return Vec::new();
        }
        let message = format!("no report for {}: the agent is taken for lost", in_words(patience));
        silent
            .into_iter()
            .map(|run| {
                Op::Lose(Lost { run_id: run.run_id, heard: run.heard, message: message.clone() })
            })
            .collect()
    }
}

fn is_over(since: Timestamp, patience: Duration, now: Timestamp) -> bool {
    let patience = TimeDelta::from_std(patience).unwrap_or(TimeDelta::MAX);
    now.utc() - since.utc() > patience
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

    /// A run that began at the start and was heard of then.
    fn run(heard: Option<i64>) -> Watched {
        Watched {
            run_id: Uuid::now_v7(),
            job_id: Uuid::now_v7(),
            state: JobState::Executing,
            is_ours: true,
            heard: heard.map(at),
            last_sign: Some(at(heard.unwrap_or(0))),
            cancellation_requested: None,
        }
    }

    fn judge() -> Judge {
        Judge::new(Patience::default(), at(0))
    }

    fn lost(ops: &[Op]) -> Vec<Uuid> {
        ops.iter()
            .filter_map(|op| if let Op::Lose(lost) = op { Some(lost.run_id) } else { None })
            .collect()
    }

    #[test]
    fn silence_is_judged_after_the_lease() {
        let runs = [run(Some(0)), run(None), run(Some(9 * MINUTE)), run(Some(9 * MINUTE))];
        assert!(lost(&judge().judge(&runs, at(10 * MINUTE))).is_empty());
        let found = lost(&judge().judge(&runs, at(10 * MINUTE + 1)));
        assert_eq!(found, [runs[0].run_id, runs[1].run_id]);
    }

    #[test]
    fn nobody_is_judged_for_a_lease_after_the_start() {
        let mut judge = judge();
        judge.pause(at(60 * MINUTE));
        let runs = [run(Some(0)), run(Some(59 * MINUTE))];
        assert!(lost(&judge.judge(&runs, at(65 * MINUTE))).is_empty());
        let runs = [runs[0].clone(), run(Some(70 * MINUTE))];
        assert_eq!(lost(&judge.judge(&runs, at(70 * MINUTE + 1))), [runs[0].run_id]);
    }

    #[test]
    fn when_most_fall_silent_it_may_be_us() {
        let mut judge = judge();
        let runs = [run(Some(0)), run(Some(0)), run(Some(0)), run(Some(10 * MINUTE))];
        assert!(lost(&judge.judge(&runs, at(11 * MINUTE))).is_empty());
        // One comes back: the others are still most of them, and are judged after a lease.
        assert!(lost(&judge.judge(&runs, at(20 * MINUTE))).is_empty());
        let runs = [runs[0].clone(), runs[1].clone(), runs[2].clone(), run(Some(21 * MINUTE))];
        assert_eq!(lost(&judge.judge(&runs, at(21 * MINUTE + 1))).len(), 3);
        // Two may well be lost together.
        let two = [run(Some(0)), run(Some(0))];
        assert_eq!(lost(&self::judge().judge(&two, at(11 * MINUTE))).len(), 2);
    }

    #[test]
    fn what_began_elsewhere_is_not_judged() {
        let runs = [Watched { is_ours: false, ..run(Some(0)) }];
        assert!(lost(&judge().judge(&runs, at(100 * MINUTE))).is_empty());
    }

    #[test]
    fn a_cancellation_is_forced_in_the_end() {
        let cancelling = |date| Watched {
            state: JobState::Cancelling,
            cancellation_requested: Some(at(date)),
            ..run(Some(200))
        };
        let runs = [cancelling(0), cancelling(100), run(Some(0))];
        let ops = judge().judge(&runs, at(200));
        let [Op::Cancel(cancel)] = ops.as_slice() else { panic!("{ops:?}") };
        assert_eq!(cancel.job_id, runs[0].job_id);
        assert!(cancel.force);
        assert_eq!(cancel.reason.as_deref(), Some("the agent did not confirm within 3 minutes"));
    }

    #[test]
    fn zero_is_never() {
        let never = Patience { stale_after: None, lost_after: None, cancel_after: None };
        let mut judge = Judge::new(never, at(0));
        assert!(judge.judge(&[run(Some(0))], at(1_000_000)).is_empty());
    }
}
