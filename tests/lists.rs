//! Lists of jobs at every depth, against the same jobs sorted and filtered in memory.

use agent_jobs::jobs::cursor::Cursor;
use agent_jobs::jobs::filter::{JobFilter, Order, OrderField};
use agent_jobs::jobs::page::{Bounds, Listed, Selection, page, slice};
use agent_jobs::jobs::scope::Scope;
use agent_jobs::samples::fill;
use entity::{Columns, JobState, Timestamp, job};
use synth::{History, Shape};
use uuid::Uuid;

use crate::support::on_both_databases;

/// Enough for pages that are reached from the list's nearer end.
const JOBS: u32 = 3_500;
const TAKE: i64 = 170;

fn filters(configuration: Option<Uuid>) -> Vec<JobFilter> {
    let states: [&[JobState]; 4] = [
        &[],
        &[JobState::Completed],
        &[JobState::Completed, JobState::Failed],
        &[JobState::Unknown, JobState::Queued, JobState::Completed, JobState::Cancelled],
    ];
    [None, configuration]
        .into_iter()
        .flat_map(|configuration_id| {
            states.map(|states| JobFilter {
                configuration_id,
                states: states.to_vec(),
                ..JobFilter::default()
            })
        })
        .collect()
}

/// The ids that match, in this order.
fn expected(jobs: &[job::Model], filter: &JobFilter, order: Order) -> Vec<Uuid> {
    let mut jobs: Vec<_> = jobs
        .iter()
        .filter(|job| filter.states.is_empty() || filter.states.contains(&job.state))
        .filter(|job| filter.configuration_id.is_none_or(|id| job.configuration_id == Some(id)))
        .collect();
    match order.field {
        OrderField::CreatedDate => jobs.sort_by_key(|job| (job.created_date, job.id)),
        OrderField::UpdateDate => {
            jobs.sort_by_key(|job| (job.update_date.unwrap_or(job.created_date), job.id));
        }
        OrderField::Name => jobs.sort_by_key(|job| (job.name.clone().unwrap_or_default(), job.id)),
        OrderField::ScheduledDate => {
            jobs.sort_by_key(|job| (job.scheduled_date.unwrap_or(job.created_date), job.id));
        }
    }
    let ids = jobs.into_iter().map(|job| job.id);
    if order.descending { ids.rev().collect() } else { ids.collect() }
}

/// Checks that each job came with its own current run.
fn ids_of(items: &[Listed]) -> Vec<Uuid> {
    items
        .iter()
        .map(|listed| {
            assert_eq!(listed.run.as_ref().map(|run| run.id), listed.job.current_run_id);
            listed.job.id
        })
        .collect()
}

on_both_databases! {
    async fn pages_and_cursors_reach_every_job_once(database: TestDatabase) {
        let db = database.open().await;
        let now = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        let shape = Shape { jobs: JOBS, days: 5, configurations: 2, ..Shape::default() };
        fill(db.writer(), &mut History::new(shape, now), usize::MAX).await.expect("filling");
        let jobs: Vec<_> = History::new(shape, now).map(|(job, _)| job).collect();
        let selection = Selection { job: Columns::all(), run: Some(Columns::all()) };

        for filter in filters(jobs[0].configuration_id) {
            for field in [
                OrderField::CreatedDate,
                OrderField::UpdateDate,
                OrderField::Name,
                OrderField::ScheduledDate,
            ] {
                let order = Order { field, descending: field != OrderField::Name };
                let expected = expected(&jobs, &filter, order);
                let total = i64::try_from(expected.len()).expect("few enough");

                let mut paged = Vec::new();
                // One page beyond the last is empty.
                for offset in (0..=total + TAKE).step_by(usize::try_from(TAKE).expect("positive")) {
                    let found = page(db.reader(), &Scope::All, &filter, order, (offset, TAKE), selection, true)
                        .await
                        .expect("the statement is right");
                    assert_eq!(found.total.map(|total| total.n), Some(total));
                    assert_eq!(found.has_next, offset + TAKE < total);
                    paged.extend(ids_of(&found.items));
                }
                assert!(paged == expected, "{filter:?} {order:?}");

                let mut walked = Vec::new();
                let mut bounds =
                    Bounds { after: None, before: None, limit: TAKE, from_end: false };
                loop {
                    let found = slice(db.reader(), &Scope::All, &filter, order, &bounds, selection)
                        .await
                        .expect("the statement is right");
                    walked.extend(ids_of(&found.items));
                    bounds.after = found.items.last().map(|last| Cursor::of(&last.job, field));
                    if !found.has_more {
                        break;
                    }
                }
                assert!(walked == expected, "{filter:?} {order:?}");
            }
        }
        db.close().await;
    }
}
