//! What follows from a run's columns, and every frontend would otherwise compute for itself.

use std::time::Duration;

use chrono::TimeDelta;
use entity::job_run::{self, Column};
use entity::{Long, Timestamp};
use run_statistics::forecast::{Estimate, Progress};

/// A figure of a run's progress, which all interfaces show alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    PercentCompleted,
    TasksPerMinute,
    EstimatedRemaining,
}

impl Figure {
    pub const ALL: [Self; 3] =
        [Self::PercentCompleted, Self::TasksPerMinute, Self::EstimatedRemaining];

    /// The name of its field in GraphQL.
    pub const fn graphql(self) -> &'static str {
        match self {
            Self::PercentCompleted => "percentCompleted",
            Self::TasksPerMinute => "tasksPerMinute",
            Self::EstimatedRemaining => "estimatedRemaining",
        }
    }

    /// Its name in the form of the platform's.
    pub const fn external_name(self) -> &'static str {
        match self {
            Self::PercentCompleted => "PercentCompleted",
            Self::TasksPerMinute => "TasksPerMinute",
            Self::EstimatedRemaining => "EstimatedRemaining",
        }
    }

    /// The columns that it is computed from.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::PercentCompleted => &[
                Column::AgentPercentCompleted,
                Column::AgentExpectedTasksCount,
                Column::AgentTasksCompletedCount,
                Column::AgentTasksFailedCount,
            ],
            Self::TasksPerMinute => &[
                Column::AgentElapsedExecutionTime,
                Column::AgentStartTime,
                Column::AgentEndTime,
                Column::UpdateDate,
                Column::AgentTasksCompletedCount,
                Column::AgentTasksFailedCount,
            ],
            Self::EstimatedRemaining => &[
                Column::AgentElapsedExecutionTime,
                Column::AgentStartTime,
                Column::AgentEndTime,
                Column::UpdateDate,
                Column::AgentTasksCompletedCount,
                Column::AgentTasksFailedCount,
                Column::AgentState,
                Column::AgentExpectedTasksCount,
                Column::AgentPercentCompleted,
            ],
        }
    }
}

/// An agent is at it.
pub fn is_active(run: &job_run::Model) -> bool {
    run.agent_state.is_active()
}

/// An agent should be at it, and has not reported for so long; or never did, so long after it
/// began. Of runs that are reported elsewhere only the last change is known.
pub fn is_stale(run: &job_run::Model, now: Timestamp, after: Option<Duration>) -> bool {
    let Some(after) = after.and_then(|after| TimeDelta::from_std(after).ok()) else { return false };
    let last = run.agent_report_date.or(if run.attempt_token.is_some() {
        run.agent_start_time
    } else {
        run.update_date.or(run.agent_start_time).or(run.agent_queued_date)
    });
    is_active(run) && last.is_none_or(|last| now.utc() - last.utc() > after)
}

/// How long the agent has worked, in minutes: by its own account, or from its start to its end
/// or, while it works, to its last report.
fn minutes_worked(run: &job_run::Model) -> Option<f64> {
    let milliseconds = match run.agent_elapsed_execution_time {
        Some(elapsed) => elapsed.0,
        None => {
            let end = run.agent_end_time.or(run.update_date)?;
            (end.utc() - run.agent_start_time?.utc()).num_milliseconds()
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
    let minutes = milliseconds as f64 / 60_000.0;
    (minutes > 0.0).then_some(minutes)
}

/// Tasks that the agent has dealt with, well or not.
fn tasks_done(run: &job_run::Model) -> Option<i64> {
    let completed = run.agent_tasks_completed_count?.0;
    Some(completed.saturating_add(run.agent_tasks_failed_count.map_or(0, |count| count.0)))
}

/// How far the agent is, from 0 to 100: by its own account, or by the tasks it expects, failed ones
/// included. `None` if neither is known.
pub fn percent_completed(run: &job_run::Model) -> Option<f64> {
    if let Some(percent) = run.agent_percent_completed.filter(|percent| percent.is_finite()) {
        return Some(percent.clamp(0.0, 100.0));
    }
    // What the API cannot show is not known.
    let expected = run.agent_expected_tasks_count?.0;
    let is_known = (1..=Long::MAX).contains(&expected);
    #[expect(clippy::cast_precision_loss, reason = "a percentage needs no 53 bits")]
    let percent = |done: i64| 100.0 * done as f64 / expected as f64;
    // An agent expects the tasks that it has found so far: only its own account says that it is done.
    is_known.then(|| tasks_done(run).map(percent))?.map(|percent| percent.clamp(0.0, 99.9))
}

/// The agent's tasks done per minute of its work, failed ones included. `None` before it can be
/// said.
pub fn tasks_per_minute(run: &job_run::Model) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
    let done = tasks_done(run)? as f64;
    Some(done / minutes_worked(run)?)
}

/// How much longer the agent will work at its present pace, in milliseconds: by the tasks it
/// expects, or else by its percentage. `None` when it is not at work, or neither can be said. All
/// interfaces show this estimate.
pub fn estimated_remaining(run: &job_run::Model) -> Option<i64> {
    if !is_active(run) {
        return None;
    }
    let minutes = by_tasks(run).or_else(|| by_percentage(run))?;
    let milliseconds = (minutes * 60_000.0).round();
    // Beyond a thousand years it is no estimate.
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    (milliseconds < 3.2e13).then_some(milliseconds as i64)
}

fn by_tasks(run: &job_run::Model) -> Option<f64> {
    let left = run.agent_expected_tasks_count?.0.checked_sub(tasks_done(run)?)?;
    let rate = tasks_per_minute(run)?;
    #[expect(clippy::cast_precision_loss, reason = "an estimate needs no 53 bits")]
    (left >= 0 && rate > 0.0).then(|| left as f64 / rate)
}

fn by_percentage(run: &job_run::Model) -> Option<f64> {
    let percent =
        run.agent_percent_completed.filter(|percent| *percent > 0.0 && *percent <= 100.0)?;
    Some(minutes_worked(run)? * (100.0 - percent) / percent)
}

/// When a run will end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunForecast {
    /// With a probability of 0.1 it ends before.
    pub earliest: Timestamp,
    pub likely: Timestamp,
    /// With a probability of 0.1 it ends after.
    pub latest: Timestamp,
    pub samples: usize,
}

/// How long the agent has been at an active run, in milliseconds. `None` if it has not begun.
fn elapsed(run: &job_run::Model, now: Timestamp) -> Option<i64> {
    let started = run.agent_start_time.filter(|_| is_active(run))?;
    Some((now.utc() - started.utc()).num_milliseconds().max(0))
}

/// How far a run was when it last reported.
fn progress(run: &job_run::Model) -> Option<Progress> {
    let part = percent_completed(run)? / 100.0;
    Some(Progress { elapsed: minutes_worked(run)? * 60_000.0, part })
}

/// When an active run will end, by runs like it and its own pace. `None` if it has not begun.
pub fn forecast(run: &job_run::Model, now: Timestamp, estimate: Estimate) -> Option<RunForecast> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate needs no 53 bits")]
    let elapsed = elapsed(run, now)? as f64;
    let forecast = estimate.forecast(elapsed, progress(run));
    let start = run.agent_start_time?;
    // A run of a thousand years is no forecast.
    let moment = |milliseconds: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "it is clamped")]
        let micros = (milliseconds.min(3.2e13) * 1_000.0) as i64;
        Timestamp::from_micros(start.micros().saturating_add(micros))
    };
    Some(RunForecast {
        earliest: moment(forecast.earliest)?,
        likely: moment(forecast.likely)?,
        latest: moment(forecast.latest)?,
        samples: estimate.samples,
    })
}

/// Whether an active run has taken longer than this many milliseconds.
pub fn is_overdue(run: &job_run::Model, now: Timestamp, overdue_after: i64) -> bool {
    elapsed(run, now).is_some_and(|elapsed| elapsed > overdue_after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::{JobState, Millis};

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_micros(n * 60_000_000).unwrap()
    }

    fn run() -> job_run::Model {
        job_run::Model {
            agent_state: JobState::Executing,
            agent_start_time: Some(minute(10)),
            update_date: Some(minute(20)),
            agent_tasks_completed_count: Some(Long(90)),
            agent_tasks_failed_count: Some(Long(10)),
            agent_expected_tasks_count: Some(Long(400)),
            ..job_run::Model::default()
        }
    }

    #[test]
    fn pace_and_time_left() {
        assert_eq!(tasks_per_minute(&run()), Some(10.0));
        assert_eq!(estimated_remaining(&run()), Some(30 * 60_000));

        let by_own_account =
            job_run::Model { agent_elapsed_execution_time: Some(Millis(5 * 60_000)), ..run() };
        assert_eq!(tasks_per_minute(&by_own_account), Some(20.0));

        let by_percentage = job_run::Model {
            agent_expected_tasks_count: None,
            agent_percent_completed: Some(25.0),
            ..run()
        };
        assert_eq!(estimated_remaining(&by_percentage), Some(30 * 60_000));
    }

    #[test]
    fn progress_is_the_agents_own_account_or_its_tasks() {
        let by_tasks = |done, failed, expected| {
            percent_completed(&job_run::Model {
                agent_tasks_completed_count: done,
                agent_tasks_failed_count: failed,
                agent_expected_tasks_count: expected,
                ..run()
            })
        };
        let count = |n| Some(Long(n));
        for (done, failed, expected, percent) in [
            (count(90), count(10), count(400), Some(25.0)),
            (count(90), None, count(360), Some(25.0)),
            (count(400), None, count(400), Some(99.9)),
            (count(500), None, count(400), Some(99.9)),
            (count(-5), None, count(400), Some(0.0)),
            (count(90), None, count(0), None),
            (count(90), None, count(i64::MAX), None),
            (count(90), None, None, None),
            (None, count(10), count(400), None),
        ] {
            assert_eq!(
                by_tasks(done, failed, expected),
                percent,
                "{done:?} {failed:?} {expected:?}"
            );
        }
        for (reported, percent) in [(0.0, 0.0), (61.5, 61.5), (100.0, 100.0), (130.0, 100.0)] {
            let run = job_run::Model { agent_percent_completed: Some(reported), ..run() };
            assert_eq!(percent_completed(&run), Some(percent));
        }
    }

    #[test]
    fn says_nothing_where_nothing_can_be_said() {
        let fresh = job_run::Model { update_date: Some(minute(10)), ..run() };
        assert_eq!(tasks_per_minute(&fresh), None);
        assert_eq!(estimated_remaining(&fresh), None);
        let uncounted = job_run::Model { agent_tasks_completed_count: None, ..run() };
        assert_eq!(tasks_per_minute(&uncounted), None);
        let idle = job_run::Model {
            agent_tasks_completed_count: Some(Long(0)),
            agent_tasks_failed_count: None,
            ..run()
        };
        assert_eq!(tasks_per_minute(&idle), Some(0.0));
        assert_eq!(estimated_remaining(&idle), None);
        let beyond = job_run::Model { agent_expected_tasks_count: Some(Long(50)), ..run() };
        assert_eq!(estimated_remaining(&beyond), None);
        let absurd = job_run::Model { agent_expected_tasks_count: Some(Long(i64::MAX)), ..run() };
        assert_eq!(estimated_remaining(&absurd), None);
        for state in [JobState::Queued, JobState::Completed, JobState::Failed] {
            assert_eq!(estimated_remaining(&job_run::Model { agent_state: state, ..run() }), None);
        }
    }

    #[test]
    fn stale_after_a_silent_minute() {
        let stale =
            |run: job_run::Model, n| is_stale(&run, minute(n), Some(Duration::from_mins(1)));
        assert!(!stale(run(), 21));
        assert!(stale(run(), 22));
        assert!(!is_stale(&run(), minute(22), None));
        assert!(!stale(job_run::Model { agent_state: JobState::Completed, ..run() }, 90));
        assert!(stale(job_run::Model { update_date: None, ..run() }, 12));

        // The pipeline's reports are no sign of the agent's life.
        let token = Some(uuid::Uuid::nil());
        let ours = job_run::Model { attempt_token: token, ..run() };
        assert!(!stale(ours.clone(), 11));
        assert!(stale(ours.clone(), 12));
        let reported = job_run::Model { agent_report_date: Some(minute(15)), ..ours };
        assert!(!stale(reported.clone(), 16));
        assert!(stale(reported, 17));
    }
}
