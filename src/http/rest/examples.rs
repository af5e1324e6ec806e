//! Example rows for the API description, rendered by the same code as real ones.

use entity::{Columns, JobState, ProcessingState, Table, Timestamp, job, job_run};
use sea_orm::ModelTrait;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::{jobs, values};
use crate::jobs::derived::Figure;

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

pub fn csv(job: &job::Model, names: &str) -> String {
    let values = row::<job::Entity>(job, names);
    let cells: Vec<_> = values.values().filter_map(Json::as_str).collect();
    format!("{names}\r\n{}\r\n", cells.join(","))
}
