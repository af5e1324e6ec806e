//! Lists whose conditions have another index than their order, with fewer and with more matching jobs
//! than are probed, against the same jobs sorted and filtered in memory.

use agent_jobs::db::{Db, Sql};
use agent_jobs::jobs::argument::{PageRequest, UuidArgument};
use agent_jobs::jobs::conditions::Conditions;
use agent_jobs::jobs::cursor::Cursor;
use agent_jobs::jobs::filter::JobFilter;
use agent_jobs::jobs::list::JobList;
use agent_jobs::jobs::order::{Order, OrderField, SortDirection};
use agent_jobs::jobs::page::{Bounds, Selection};
use agent_jobs::jobs::scope::Scope;
use agent_jobs::samples::fill;
use entity::{Columns, JobState, LongInput, ProcessingState, Table as _, Timestamp, job};
use synth::{History, Shape};
use uuid::Uuid;

use crate::support::on_both_databases;

/// More than twice what a probe reads.
const JOBS: u32 = 6_000;
const TAKE: i64 = 60;

/// A job's place in an order, among jobs with other places.
fn place(job: &job::Model, field: OrderField) -> (Option<i64>, String, Uuid) {
    let moment = |date: Option<Timestamp>| date.map(Timestamp::micros);
    let number = match field {
        OrderField::CreatedDate | OrderField::Priority => moment(Some(job.created_date)),
        OrderField::UpdateDate => moment(job.update_date.or(Some(job.created_date))),
        OrderField::Name => None,
        OrderField::ScheduledDate => moment(job.scheduled_date.or(Some(job.created_date))),
        OrderField::StartedDate => moment(job.started_date),
        OrderField::FinishedDate => moment(job.finished_date),
        OrderField::Duration => job.duration.map(|duration| duration.0),
    };
    let text = match field {
        OrderField::Name => job.name.clone().unwrap_or_default(),
        _ => String::new(),
    };
    (number, text, job.id)
}

fn sort(jobs: &mut [job::Model], order: Order) {
    jobs.sort_by_key(|job| place(job, order.field));
    if order.field == OrderField::Priority {
        jobs.sort_by_key(|job| job.priority);
    }
    if order.is_descending() {
        jobs.reverse();
    }
}

/// The jobs that match, by a statement without any order.
async fn matching(db: &Db, conditions: &Conditions) -> Vec<job::Model> {
    let columns = Columns::<job::Entity>::all();
    let mut sql = Sql::new(db.backend());
    sql.push(&format!("SELECT {} FROM job", columns.select(job::Entity::NAME)));
    conditions.push_where(&mut sql, &Scope::All);
    let rows = sql.all(db.reader()).await.expect("the statement is right");
    rows.iter().map(|row| columns.read(row, 0).expect("a job")).collect()
}

/// Filters with which few, many and no jobs match, of all kinds of conditions.
fn filters(jobs: &[job::Model]) -> Vec<JobFilter> {
    let none = JobFilter::default;
    let mut moments: Vec<_> = jobs.iter().filter_map(|job| job.finished_date).collect();
    moments.sort_unstable();
    let [early, middle, late] = [moments.len() / 50, moments.len() / 2, moments.len() * 49 / 50]
        .map(|at| Some(moments[at]));
    let id = |id: Option<Uuid>| Some(vec![UuidArgument::from(id.expect("an id"))]);
    let configuration = || id(jobs[0].configuration_id);
    let agent = || id(jobs.iter().find_map(|job| job.agent_id));
    let mut filters = vec![
        none(),
        JobFilter { states: Some(vec![JobState::Executing]), ..none() },
        JobFilter { states: Some(vec![JobState::Failed, JobState::Completed]), ..none() },
        JobFilter { configuration_ids: configuration(), ..none() },
        JobFilter {
            configuration_ids: configuration(),
            states: Some(vec![JobState::Failed, JobState::Queued]),
            ..none()
        },
        JobFilter { agent_ids: agent(), ..none() },
        JobFilter { agent_ids: agent(), states: Some(vec![JobState::Failed]), ..none() },
        JobFilter { providers: Some(vec!["hubspot".to_owned(), "none".to_owned()]), ..none() },
        JobFilter { priority: Some(2), ..none() },
        JobFilter { priority: Some(77), ..none() },
        JobFilter { clues_missing: Some(true), ..none() },
        JobFilter {
            min_duration: Some(LongInput(1)),
            max_duration: Some(LongInput(60_000)),
            ..none()
        },
        JobFilter { max_duration: Some(LongInput(10_000_000)), ..none() },
        JobFilter { search: Some("crawl".to_owned()), ..none() },
        JobFilter { search: Some("a".to_owned()), ..none() },
        JobFilter { search: Some(jobs[7].id.to_string()[..3].to_owned()), ..none() },
        JobFilter { search: jobs[9].name.clone(), states: Some(vec![JobState::Failed]), ..none() },
        JobFilter { search: Some("in no name".to_owned()), priority: Some(2), ..none() },
        JobFilter { message_contains: Some("status".to_owned()), ..none() },
        JobFilter {
            message_contains: Some("e".to_owned()),
            finished_after: early,
            min_duration: Some(LongInput(0)),
            ..none()
        },
    ];
    for moment in [early, middle, late] {
        filters.extend([
            JobFilter { created_after: moment, ..none() },
            JobFilter { created_before: moment, ..none() },
            JobFilter { started_after: moment, ..none() },
            JobFilter { started_before: moment, ..none() },
            JobFilter { finished_after: moment, ..none() },
            JobFilter { finished_before: moment, ..none() },
            JobFilter { updated_before: moment, ..none() },
            JobFilter { scheduled_after: moment, ..none() },
            JobFilter {
                started_after: early,
                finished_before: moment,
                priority: Some(2),
                ..none()
            },
        ]);
    }
    for state in [ProcessingState::Completed, ProcessingState::Failed, ProcessingState::Unknown] {
        filters.push(JobFilter { processing_states: Some(vec![state]), ..none() });
    }
    filters
}

on_both_databases! {
    async fn lists_are_the_same_whichever_index_is_read(database: TestDatabase) {
        let db = database.open().await;
        let now = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        let shape = Shape { jobs: JOBS, days: 30, configurations: 5, agents: 3, ..Shape::default() };
        fill(db.writer(), &mut History::new(shape, now), usize::MAX).await.expect("filling");
        for sql in [
            // Clocks that lag: begun and ended before the job was created.
            "UPDATE job_run SET agent_start_time = agent_queued_date, agent_end_time = agent_queued_date
             WHERE agent_percent_completed < 30 OR agent_tasks_count % 40 = 1",
            "UPDATE job_run SET processing_state = 'Paused' WHERE agent_tasks_count % 50 = 2",
        ] {
            let mut statement = Sql::new(db.backend());
            statement.push(sql);
            statement.execute(db.writer()).await.expect("the statement is right");
        }
        let mut sql = Sql::new(db.backend());
        sql.push("UPDATE job SET created_date = ").bind(now).push(" WHERE priority = 0");
        sql.execute(db.writer()).await.expect("the statement is right");
        let all = matching(&db, &Conditions::default()).await;
        let selection = Selection { job: Columns::none().with(job::Column::Id), run: None };
        for (nth, filter) in filters(&all).into_iter().enumerate() {
            let conditions = Conditions::new(filter.clone(), None).expect("a filter");
            let mut expected = matching(&db, &conditions).await;
            // The list's own order, and each of the others with some of the filters.
            let others = [nth, nth + 3].map(|nth| OrderField::ALL[nth % OrderField::ALL.len()]);
            for fields in [[OrderField::CreatedDate; 2], others] {
                for (field, direction) in fields.into_iter().zip([SortDirection::Asc, SortDirection::Desc]) {
                    let order = Order::new(field, direction);
                    sort(&mut expected, order);
                    let list = JobList::new(&Scope::All, &conditions, order);
                    // The text is looked for in some jobs at a time, which only cursors go beyond.
                    let numbers = if filter.message_contains.is_some() { vec![] } else { vec![0, 3, 40] };
                    for number in numbers {
                        let request = PageRequest { number, size: TAKE };
                        let page = list.page(db.reader(), request, selection, false).await.expect("a page");
                        let found: Vec<_> = page.items.iter().map(|listed| listed.job.id).collect();
                        let from = expected.len().min(usize::try_from(request.offset()).unwrap());
                        let to = expected.len().min(from + usize::try_from(TAKE).unwrap());
                        let wanted: Vec<_> = expected[from..to].iter().map(|job| job.id).collect();
                        assert!(found == wanted, "{filter:?} {order:?} {number}");
                    }
                    // From the middle of the list, both ways.
                    let middle = expected.len() / 2;
                    let cursor = expected.get(middle).map(|job| Cursor::of(job, field));
                    for from_end in [false, true] {
                        let (after, before) = if from_end { (None, cursor.clone()) } else { (cursor.clone(), None) };
                        let mut bounds = Bounds { after, before, limit: TAKE, from_end };
                        let mut found = Vec::new();
                        while found.len() < usize::try_from(2 * TAKE).unwrap() {
                            let slice = list.keyset_page(db.reader(), &bounds, selection_for(field)).await.expect("a slice");
                            let mut ids: Vec<_> = slice.items.iter().map(|listed| listed.job.id).collect();
                            let edge = if from_end { slice.items.first() } else { slice.items.last() };
                            let edge = slice.end.or(edge.map(|listed| Cursor::of(&listed.job, field)));
                            if from_end { ids.reverse(); bounds.before = edge; } else { bounds.after = edge; }
                            found.extend(ids);
                            if !slice.has_more {
                                break;
                            }
                        }
                        let mut wanted: Vec<_> = if from_end {
                            expected[..middle].iter().rev().map(|job| job.id).collect()
                        } else {
                            expected.iter().skip(middle + 1).map(|job| job.id).collect()
                        };
                        if cursor.is_none() {
                            wanted.clear();
                        }
                        wanted.truncate(found.len().max(wanted.len().min(usize::try_from(2 * TAKE).unwrap())));
                        assert!(found == wanted, "{filter:?} {order:?} {from_end} {} {}", found.len(), wanted.len());
                    }
                }
            }
        }
        db.close().await;
    }
}

fn selection_for(field: OrderField) -> Selection {
    Selection { job: Cursor::columns(field).iter().copied().collect(), run: None }
}
