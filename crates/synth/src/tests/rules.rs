//! What is true of every job and every run at every moment.

use entity::{JobState, Long, ProcessingState, Timestamp, job, job_run};

use super::super::dates::millis;

/// A job with all its runs.
pub fn check(job: &job::Model, runs: &[job_run::Model], now: Timestamp) {
    assert_eq!(job.current_run_id, runs.last().map(|run| run.id));
    assert_eq!(job.state, runs.last().map_or(JobState::Queued, |run| run.agent_state));
    assert!(matches!(job.priority, 0 | 2 | 4));
    for date in [Some(job.created_date), job.queued_date, job.update_date] {
        assert!(date.is_some_and(|date| job.created_date <= date && date <= now), "{job:?}");
    }
    assert!(job.scheduled_date <= Some(now) || job.state == JobState::Queued);
    if let Some(newest) = runs.last() {
        assert_eq!(job.queued_date, newest.agent_queued_date);
        assert!(job.update_date <= newest.update_date);
    }
    let mut free = job.scheduled_date.filter(|date| *date <= now).unwrap_or(job.created_date);
    for (nth, run) in runs.iter().enumerate() {
        assert_eq!(run.job_id, job.id);
        assert!(run.id > job.id);
        assert!(run.agent_queued_date >= Some(free), "{job:?} {run:?}");
        if nth + 1 < runs.len() {
            assert!(matches!(run.agent_state, JobState::Failed | JobState::Cancelled));
            assert!(run.id < runs[nth + 1].id);
            free = run.agent_end_time.unwrap();
        }
        check_run(run, now);
    }
}

/// A run as it is at a moment.
pub fn check_run(run: &job_run::Model, now: Timestamp) {
    check_dates(run, now);
    check_agent(run);
    check_processing(run);
}

fn n(count: Option<Long>) -> i64 {
    let count = count.map_or(0, |count| count.0);
    assert!((0..=Long::MAX).contains(&count));
    count
}

fn check_dates(run: &job_run::Model, now: Timestamp) {
    // Those that are known are in order.
    let in_order = |dates: &[Option<Timestamp>]| {
        assert!(dates.iter().flatten().is_sorted(), "{run:?}");
    };
    in_order(&[
        run.agent_queued_date,
        run.agent_start_time,
        run.agent_last_submitted_date,
        run.agent_end_time,
        run.update_date,
        Some(now.max(run.agent_queued_date.unwrap())),
    ]);
    in_order(&[
        run.agent_start_time,
        run.processing_queued_date,
        run.processing_start_time,
        run.processing_end_time,
        run.update_date,
    ]);
    in_order(&[run.agent_last_submitted_date, run.processing_end_time]);
    in_order(&[run.processing_queued_date, run.processing_updated_date, run.update_date]);

    let Some(start) = run.agent_start_time else {
        assert_eq!(run.agent_state, JobState::Queued);
        return;
    };
    let waited = millis(start) - millis(run.agent_queued_date.unwrap());
    assert_eq!(run.agent_elapsed_queued_time.unwrap().0, waited);
    let elapsed = run.agent_elapsed_execution_time.unwrap().0;
    if let Some(end) = run.agent_end_time {
        assert_eq!(elapsed, millis(end) - millis(start));
    } else {
        assert!((0..=millis(now) - millis(start)).contains(&elapsed));
    }
}

fn check_agent(run: &job_run::Model) {
    let tasks = [
        run.agent_tasks_queued_count,
        run.agent_tasks_completed_count,
        run.agent_tasks_failed_count,
    ];
    assert_eq!(n(run.agent_tasks_count), tasks.map(n).iter().sum::<i64>());
    let clues = [
        run.agent_clues_queued_count,
        run.agent_clues_completed_count,
        run.agent_clues_failed_count,
    ];
    assert_eq!(n(run.agent_clues_count), clues.map(n).iter().sum::<i64>());
    assert!(
        run.agent_expected_tasks_count
            .is_none_or(|expected| n(run.agent_tasks_count) <= expected.0)
    );
    assert_eq!(run.agent_last_submitted_date.is_some(), n(run.agent_clues_completed_count) > 0);

    let over = run.agent_state.is_terminal();
    assert_eq!(run.agent_end_time.is_some(), over);
    let success = over.then_some(run.agent_state == JobState::Completed);
    assert_eq!(run.agent_result_is_success, success);
    assert_eq!(
        run.agent_result_is_cancellation_requested,
        matches!(run.agent_state, JobState::Cancelling | JobState::Cancelled)
    );
    let percent = run.agent_percent_completed;
    assert!(percent.is_none_or(|percent| (0.0..=100.0).contains(&percent)));
    match run.agent_state {
        JobState::Completed => {
            assert!(percent.is_none_or(|percent| percent >= 100.0));
            assert_eq!(n(run.agent_tasks_queued_count) + n(run.agent_clues_queued_count), 0);
        }
        JobState::Failed => {
            assert!(percent.is_none_or(|percent| percent < 100.0));
            assert!(run.agent_result_message.as_ref().is_some_and(|text| !text.contains('{')));
        }
        _ => assert!(over || run.agent_result_message.is_none()),
    }
}

fn check_processing(run: &job_run::Model) {
    let submitted = n(run.agent_clues_completed_count);
    assert_eq!(run.processing_state.is_some(), submitted > 0, "{run:?}");
    assert_eq!(run.processing_queued_date.is_some(), submitted > 0);
    assert_eq!(n(run.processing_tasks_count), submitted);
    let tasks = [
        run.processing_tasks_queued_count,
        run.processing_tasks_completed_count,
        run.processing_tasks_failed_count,
        run.processing_tasks_skipped_count,
    ];
    assert_eq!(submitted, tasks.map(n).iter().sum::<i64>());
    let unchanged = [
        run.processing_tasks_already_exists_count,
        run.processing_tasks_already_up_to_date_count,
        run.processing_tasks_ignored_count,
    ];
    assert!(unchanged.map(n).iter().sum::<i64>() <= n(run.processing_tasks_completed_count));
    let received = n(run.processing_tasks_received_clues_count);
    assert!(submitted - n(run.processing_tasks_queued_count) <= received && received <= submitted);
    assert!(n(run.processing_tasks_received_payloads_count) <= received);
    match run.processing_state {
        Some(ProcessingState::Queued) => {
            assert!(run.processing_start_time.is_none() && received == 0);
        }
        Some(ProcessingState::Executing) => {
            assert!(run.processing_start_time.is_some() && run.processing_end_time.is_none());
        }
        Some(ProcessingState::Completed) => {
            assert!(run.processing_end_time.is_some() && received == submitted);
            assert_eq!(n(run.processing_tasks_queued_count), 0);
        }
        Some(ProcessingState::Failed) => assert!(run.processing_end_time.is_some()),
        Some(ProcessingState::Unknown) => assert_eq!(run.agent_state, JobState::Unknown),
        None => assert!(run.processing_updated_date.is_none()),
    }
}

/// Between two moments of one run no counter falls and no date is forgotten.
pub fn check_progress(before: &job_run::Model, after: &job_run::Model) {
    let counts = |run: &job_run::Model| {
        [
            run.agent_tasks_count,
            run.agent_tasks_completed_count,
            run.agent_tasks_failed_count,
            run.agent_clues_count,
            run.agent_clues_completed_count,
            run.agent_clues_failed_count,
            run.processing_tasks_count,
            run.processing_tasks_completed_count,
            run.processing_tasks_failed_count,
            run.processing_tasks_skipped_count,
            run.processing_task_retries_count,
            run.processing_tasks_received_payloads_count,
            run.processing_tasks_received_clues_count,
            run.processing_tasks_received_log_lines_count,
        ]
    };
    for (index, (before, after)) in counts(before).into_iter().zip(counts(after)).enumerate() {
        assert!(before <= after, "count {index}: {before:?} {after:?}");
    }
    let dates = |run: &job_run::Model| {
        [
            run.update_date,
            run.agent_start_time,
            run.agent_end_time,
            run.agent_last_submitted_date,
            run.processing_queued_date,
            run.processing_start_time,
            run.processing_end_time,
            run.processing_updated_date,
        ]
    };
    for (index, (before, after)) in dates(before).into_iter().zip(dates(after)).enumerate() {
        assert!(before <= after, "date {index}: {before:?} {after:?}");
    }
}
