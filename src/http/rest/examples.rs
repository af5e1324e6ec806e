//! Example rows for the API description, rendered by the same code as real ones.

use entity::{Columns, JobState, ProcessingState, Table, Timestamp, job, job_run};
use fingerprint::Fingerprint;
use sea_orm::ModelTrait;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::{failures, jobs, values};
use crate::jobs::derived::Figure;
use crate::jobs::failures::cursor::Cursor;
use crate::jobs::failures::filter::FailureGroupOrder;
use crate::jobs::failures::parts::{Group as FailureGroup, Part};
use crate::jobs::statistics::event::Outcome;
use crate::jobs::statistics::read::{Group, Row, Summary};
use crate::jobs::statistics::record;

/// A failed job and its run.
pub fn job_and_run() -> (job::Model, job_run::Model) {
    let id = |text| Uuid::parse_str(text).unwrap_or_default();
    let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
    let run = job_run::Model {
        id: id("019dfb52-7b8e-7d21-9c55-03c4b6a1f210"),
        job_id: id("019dfb4f-1c0a-7c3d-9e2f-4a5b6c7d8e9f"),
        agent_state: JobState::Failed,
        agent_start_time: at(1_777_630_953),
        agent_percent_completed: Some(42.5),
        agent_result_message: Some("The source answered with status 503".to_owned()),
        processing_state: Some(ProcessingState::Completed),
        ..job_run::Model::default()
    };
    let job = job::Model {
        id: run.job_id,
        name: Some("HubSpot contacts crawl".to_owned()),
        state: JobState::Failed,
        created_date: at(1_777_630_920).unwrap_or_default(),
        ..job::Model::default()
    };
    (job, run)
}

/// The selected values of a row.
fn row<E: Table>(row: &E::Model, names: &str) -> Map<String, Json>
where
    E::Model: ModelTrait<Entity = E>,
{
    let mut columns = Columns::<E>::none();
    for field in
        E::public().filter(|field| names.split(',').any(|name| name == field.external_name))
    {
        columns.insert(field.column);
    }
    values::object(row, columns)
}

pub fn job(job: &job::Model, names: &str, current: Option<(&job_run::Model, &str)>) -> Json {
    let mut object = row::<job::Entity>(job, names);
    if let Some((current, names)) = current {
        object.insert(values::CURRENT_RUN.to_owned(), run(current, names));
    }
    object.into()
}

pub fn run(run: &job_run::Model, names: &str) -> Json {
    let mut object = row::<job_run::Entity>(run, names);
    let is_named = |figure: &Figure| names.split(',').any(|name| name == figure.external_name());
    let figures = Figure::ALL.into_iter().filter(is_named);
    object.extend(
        figures.map(|figure| (figure.external_name().to_owned(), values::figure(run, figure))),
    );
    object.into()
}

pub fn counts() -> Json {
    let counts = jobs::COUNTED.iter().zip([18_520, 7, 1_529, 152, 606]);
    counts.map(|(state, count)| (state.name(), count)).collect()
}

/// A record of statistics.
pub fn statistics() -> Json {
    let row = Row {
        start: Timestamp::from_micros(1_767_225_600_000_000).unwrap_or_default(),
        end: Timestamp::from_micros(1_767_312_000_000_000).unwrap_or_default(),
        group: Group {
            configuration_id: Uuid::parse_str("019dfb4f-0b77-7a10-8f21-5d0c3b1e2a90").ok(),
            ..Group::default()
        },
        summary: Summary::of([(Outcome::Completed, 41), (Outcome::Failed, 2)], 180_000),
        has_jobs: true,
    };
    record::object(&row).into()
}

pub fn csv(job: &job::Model, names: &str) -> String {
    let values = row::<job::Entity>(job, names);
    let cells: Vec<_> = values.values().filter_map(Json::as_str).collect();
    format!("{names}\r\n{}\r\n", cells.join(","))
}

/// A failure group with the failed job.
pub fn failure_group() -> Json {
    let (_, run) = job_and_run();
    let message = run.agent_result_message.unwrap_or_default();
    let seen = Timestamp::from_micros(1_777_630_960_000_000);
    let Some(fingerprint) = Fingerprint::of_message(&message) else { return Json::Null };
    let part = Part {
        configuration_id: Some(run.id),
        jobs: 1,
        first_seen: seen,
        last_seen: seen,
        acknowledgement: None,
    };
    let group = FailureGroup { id: fingerprint.id, title: fingerprint.title, parts: vec![part] };
    let day = Timestamp::from_micros(1_777_593_600_000_000).unwrap_or_default();
    failures::object(&group, Some(&message), &[(day, 1)])
}

/// The place of that group in a list.
pub fn failure_cursor() -> String {
    let id = failure_group()["Id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
    Cursor::new(id.unwrap_or_default(), FailureGroupOrder::LastSeen, 1_777_630_960_000_000).encode()
}
