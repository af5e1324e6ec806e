//! Lists of jobs at every depth, against the same jobs sorted and filtered in memory.

use agent_jobs::jobs::argument::{PageRequest, UuidArgument};
use agent_jobs::jobs::conditions::Conditions;
use agent_jobs::jobs::cursor::Cursor;
use agent_jobs::jobs::filter::JobFilter;
use agent_jobs::jobs::list::JobList;
use agent_jobs::jobs::order::{Order, OrderField};
use agent_jobs::jobs::page::{Bounds, ListedJob, Selection};
use agent_jobs::jobs::scope::Scope;
use agent_jobs::samples::fill;
use entity::{Columns, JobState, Timestamp, job, job_run};
use synth::{History, Shape};
use uuid::Uuid;

use crate::support::on_both_databases;

/// Enough for pages that are reached from the list's nearer end.
const JOBS: u32 = 3_500;
const TAKE: i64 = 170;

/// What a list is filtered by; no states stand for all.
#[derive(Clone, Copy, Debug)]
struct Filter {
    configuration_id: Option<Uuid>,
    states: &'static [JobState],
}

impl Filter {
    fn conditions(self) -> Conditions {
        let filter = JobFilter {
            configuration_ids: self.configuration_id.map(|id| vec![UuidArgument::from(id)]),
            states: Some(self.states.to_vec()),
            ..JobFilter::default()
        };
        Conditions::new(filter, None).expect("a filter")
    }
}

fn filters(configuration: Option<Uuid>) -> Vec<Filter> {
    let states: [&'static [JobState]; 4] = [
        &[],
        &[JobState::Completed],
        &[JobState::Completed, JobState::Failed],
        &[JobState::Unknown, JobState::Queued, JobState::Completed, JobState::Cancelled],
    ];
    [None, configuration]
        .into_iter()
        .flat_map(|configuration_id| states.map(|states| Filter { configuration_id, states }))
        .collect()
}

/// A job with its current run.
type Job = (job::Model, Option<job_run::Model>);

/// The ids that match, in this order.
fn expected(jobs: &[Job], filter: Filter, order: Order) -> Vec<Uuid> {
    let mut jobs: Vec<_> = jobs
        .iter()
        .filter(|(job, _)| filter.states.is_empty() || filter.states.contains(&job.state))
        .filter(|(job, _)| {
            filter.configuration_id.is_none_or(|id| job.configuration_id == Some(id))
        })
        .collect();
    // Dates that are not known come before all others.
    match order.field {
        OrderField::CreatedDate => jobs.sort_by_key(|(job, _)| (job.created_date, job.id)),
        OrderField::UpdateDate => {
            jobs.sort_by_key(|(job, _)| (job.update_date.unwrap_or(job.created_date), job.id));
        }
        OrderField::Name => {
            jobs.sort_by_key(|(job, _)| (job.name.clone().unwrap_or_default(), job.id));
        }
        OrderField::ScheduledDate => {
            jobs.sort_by_key(|(job, _)| (job.scheduled_date.unwrap_or(job.created_date), job.id));
        }
        OrderField::StartedDate => jobs
            .sort_by_key(|(job, run)| (run.as_ref().and_then(|run| run.agent_start_time), job.id)),
        OrderField::FinishedDate => jobs.sort_by_key(|(job, run)| {
            let end = run.as_ref().and_then(|run| run.agent_end_time).or(job.update_date);
            (end.filter(|_| job.state.is_terminal()), job.id)
        }),
        OrderField::Duration => jobs.sort_by_key(|(job, run)| {
            let run = run.as_ref().filter(|_| job.state.is_terminal());
            let worked = run.and_then(|run| {
                let spent = || Some(run.agent_end_time?.micros() - run.agent_start_time?.micros());
                let elapsed = run.agent_elapsed_execution_time.map(|elapsed| elapsed.0);
                elapsed.or_else(|| Some(spent()? / 1_000))
            });
            (worked, job.id)
        }),
        OrderField::Priority => {
            jobs.sort_by_key(|(job, _)| (job.priority, job.created_date, job.id));
        }
    }
    let ids = jobs.into_iter().map(|(job, _)| job.id);
    if order.is_descending() { ids.rev().collect() } else { ids.collect() }
}

/// Checks that each job came with its own current run.
fn ids_of(items: &[ListedJob]) -> Vec<Uuid> {
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
        let jobs: Vec<Job> = History::new(shape, now)
            .map(|(job, runs)| {
                let run = runs.into_iter().find(|run| Some(run.id) == job.current_run_id);
                (job, run)
            })
            .collect();
        let selection = Selection { job: Columns::all(), run: Some(Columns::all()) };

        for filter in filters(jobs[0].0.configuration_id) {
            for field in OrderField::ALL {
                let order = match field {
                    OrderField::Name => Order::ascending(field),
                    _ => Order::descending(field),
                };
                let conditions = filter.conditions();
                let list = JobList::new(&Scope::All, &conditions, order);
                let expected = expected(&jobs, filter, order);
                let total = i64::try_from(expected.len()).expect("few enough");

                let mut paged = Vec::new();
                // One page beyond the last is empty.
                for number in 0..=total / TAKE + 1 {
                    let request = PageRequest { number, size: TAKE };
                    let found = list
                        .page(db.reader(), request, selection, true)
                        .await
                        .expect("the statement is right");
                    assert_eq!(found.total.map(|total| total.n), Some(total));
                    assert_eq!(found.has_next, (number + 1) * TAKE < total);
                    paged.extend(ids_of(&found.items));
                }
                assert!(paged == expected, "{filter:?} {order:?}");

                let mut walked = Vec::new();
                let mut bounds =
                    Bounds { after: None, before: None, limit: TAKE, from_end: false };
                loop {
                    let found = list
                        .keyset_page(db.reader(), &bounds, selection)
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
