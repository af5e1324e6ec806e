//! The parameters of the REST routes: how each is read, and how it is described.

use axum::extract::FromRequestParts;
use axum::extract::rejection::QueryRejection;
use axum::http::request::Parts;
use clap::ValueEnum;
use entity::{Columns, JobState, Table, Timestamp, job, job_run, pascal_case};
use graphql_server::names::{folded, nearest};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::problem::{Problem, quoted};
use crate::jobs::argument::{PageRequest, TAKE_MAX};
use crate::jobs::derived::Figure;
use crate::jobs::order::{Order, OrderField, SortDirection};

/// How many jobs a page has unless `take` is given, as in the platform.
pub const TAKE: i64 = 20;

/// The description of a parameter. Its schema is in JSON Schema.
pub struct Parameter {
    pub name: &'static str,
    pub description: &'static str,
    pub is_required: bool,
    pub schema: Json,
}

impl Parameter {
    pub fn new(name: &'static str, description: &'static str, schema: Json) -> Self {
        Self { name, description, is_required: false, schema }
    }

    pub fn page() -> Self {
        let schema =
            json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": i32::MAX });
        Self::new("page", "Page number, from 0.", schema)
    }

    pub fn take() -> Self {
        let schema = json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": TAKE_MAX, "default": TAKE });
        Self::new("take", "Jobs per page.", schema)
    }

    pub fn state() -> Self {
        let schema = json!({ "type": "string", "enum": JobState::NAMES });
        Self::new("state", "Only jobs in this state.", schema)
    }

    pub fn configuration_id() -> Self {
        let schema = json!({ "type": "string", "format": "uuid" });
        Self::new("configurationId", "Only jobs of this configuration.", schema)
    }

    pub fn job_fields() -> Self {
        Self::fields::<job::Entity>("fields", "Values of each job to return. Default: all.")
    }

    pub fn run_fields() -> Self {
        Self::run_values(
            "runFields",
            "Values of each job's current run to return, as `CurrentRun`. Default: none.",
        )
    }

    /// Which of a run's values to answer with: its columns, and the figures of its progress.
    pub fn run_values(name: &'static str, description: &'static str) -> Self {
        let figures = Figure::ALL.map(Figure::external_name);
        Self::names(name, description, public_names::<job_run::Entity>().chain(figures))
    }

    /// What jobs are sorted by, and which way.
    pub fn order() -> [Self; 2] {
        let schema = json!({
            "type": "string",
            "enum": value_names::<OrderField>(),
            "default": "CreatedDate",
        });
        let by =
            "What jobs are sorted by. Dates and durations that are not known count as the least.";
        let names = value_names::<SortDirection>();
        let direction = json!({ "type": "string", "enum": names, "default": "Desc" });
        [
            Self::new("orderBy", by, schema),
            Self::new(
                "direction",
                "Which way jobs are sorted: largest or newest first by default.",
                direction,
            ),
        ]
    }

    pub fn id() -> Self {
        let schema = json!({ "type": "string", "format": "uuid" });
        let description = "Id of a job, for its current run, or of a run.";
        Self { is_required: true, ..Self::new("id", description, schema) }
    }

    /// Which of a table's values to answer with.
    pub fn fields<E: Table>(name: &'static str, description: &'static str) -> Self {
        Self::names(name, description, public_names::<E>())
    }

    fn names(
        name: &'static str,
        description: &'static str,
        names: impl Iterator<Item = &'static str>,
    ) -> Self {
        let names: Vec<_> = names.collect();
        let schema =
            json!({ "type": "array", "minItems": 1, "items": { "type": "string", "enum": names } });
        Self::new(name, description, schema)
    }
}

fn public_names<E: Table>() -> impl Iterator<Item = &'static str> {
    E::public().map(|field| field.external_name.as_str())
}

/// What a request's URL has after the question mark.
pub struct RawParameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for RawParameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let given = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state);
        given
            .await
            .map(|given| Self(given.0))
            .map_err(|error: QueryRejection| Problem::parameter("query", error.body_text()))
    }
}

impl RawParameters {
    /// Reads them as these parameters.
    ///
    /// # Errors
    /// If one is none of them, or is there twice. To ignore a filter whose name is misspelt would
    /// answer with jobs that were not asked for.
    pub fn read(self, known: &[Parameter]) -> Result<Given, Problem> {
        let mut given: Vec<(&'static str, String)> = Vec::with_capacity(known.len());
        for (name, value) in self.0 {
            let parameter = known.iter().find(|parameter| folded(parameter.name) == folded(&name));
            let Some(parameter) = parameter else { return Err(unknown(&name, known)) };
            if given.iter().any(|(each, _)| *each == parameter.name) {
                return Err(Problem::parameter(parameter.name, "expected it once"));
            }
            given.push((parameter.name, value));
        }
        Ok(Given(given))
    }
}

/// The refusal of a parameter that a route does not have.
fn unknown(name: &str, known: &[Parameter]) -> Problem {
    let name: String = name.chars().take(60).collect();
    let near = nearest(&name, known.iter().map(|parameter| parameter.name));
    let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    let names: Vec<_> = known.iter().map(|parameter| parameter.name).collect();
    let names = names.join(", ");
    Problem::parameter(
        &name,
        format_args!("there is no such parameter{near} (this route has {names})"),
    )
}

/// The parameters of a request, each at most once and with a name that the route has.
pub struct Given(Vec<(&'static str, String)>);

impl Given {
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A parameter's text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(each, _)| *each == name).map(|(_, value)| value.as_str())
    }

    fn number(
        &self,
        name: &'static str,
        default: i64,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, Problem> {
        let Some(text) = self.get(name) else { return Ok(default) };
        // Digits alone: `+5` and `05` are not what is documented.
        let is_plain =
            text == "0" || !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| is_plain && range.contains(number));
        number.ok_or_else(|| {
            let (first, last) = (range.start(), range.end());
            Problem::parameter(
                name,
                format_args!("expected a number from {first} to {last}, not {}", quoted(text)),
            )
        })
    }

    /// The page that is asked for.
    pub fn page(&self) -> Result<PageRequest, Problem> {
        let number = self.number("page", 0, 0..=i64::from(i32::MAX))?;
        let size = self.number("take", TAKE, 1..=i64::from(TAKE_MAX))?;
        Ok(PageRequest { number, size })
    }

    pub fn uuid(&self, name: &'static str) -> Result<Option<Uuid>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        Uuid::parse_str(text).map(Some).map_err(|_| {
            Problem::parameter(
                name,
                format_args!(
                    "expected a UUID such as 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f, not {}",
                    quoted(text)
                ),
            )
        })
    }

    /// The id of the run or job.
    pub fn id(&self) -> Result<Uuid, Problem> {
        self.uuid("id")?.ok_or_else(|| Problem::parameter("id", "expected a job's or a run's id"))
    }

    /// The state in which jobs are, by its name alone: the platform's numbers are for files.
    pub fn state(&self) -> Result<Option<JobState>, Problem> {
        let Some(text) = self.get("state") else { return Ok(None) };
        JobState::by_name(text).map(Some).ok_or_else(|| {
            let names = JobState::NAMES.join(", ");
            Problem::parameter(
                "state",
                format_args!("expected one of {names}, not {}", quoted(text)),
            )
        })
    }

    /// The order of jobs: the newest first without the parameters.
    pub fn order(&self) -> Result<Order, Problem> {
        let field = self.one_of("orderBy")?.unwrap_or_default();
        Ok(Order::new(field, self.one_of("direction")?.unwrap_or(SortDirection::Desc)))
    }

    /// The value of a parameter that has one of the names of an enum.
    pub fn one_of<T: ValueEnum>(&self, name: &'static str) -> Result<Option<T>, Problem> {
        self.get(name).map(|text| value_of(name, text)).transpose()
    }

    /// The values of an enum that are named in a list with commas.
    pub fn list_of<T: ValueEnum>(&self, name: &'static str) -> Result<Vec<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(Vec::new()) };
        text.split(',').map(|word| value_of(name, word.trim())).collect()
    }

    /// A moment.
    pub fn moment(&self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            let message = format_args!(
                "expected an RFC 3339 moment with an offset, such as 2026-05-01T10:22:33Z or \
                 2026-05-01T12:22:33%2B02:00, not {}",
                quoted(text)
            );
            Problem::parameter(name, message)
        })
    }

    /// The columns that are named in a list with commas; `None` without the parameter.
    pub fn columns<E: Table>(&self, name: &'static str) -> Result<Option<Columns<E>>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let mut columns = Columns::none();
        for word in text.split(',').map(str::trim) {
            columns.insert(column::<E>(word).ok_or_else(|| unknown_value(name, word))?);
        }
        Ok(Some(columns))
    }

    /// The values of runs that are named in a list with commas; `None` without the parameter.
    pub fn run_values(&self, name: &'static str) -> Result<Option<RunValues>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let mut values = RunValues { columns: Columns::none(), figures: Vec::new() };
        for word in text.split(',').map(str::trim) {
            let named = |figure: &Figure| figure.external_name().eq_ignore_ascii_case(word);
            if let Some(column) = column::<job_run::Entity>(word) {
                values.columns.insert(column);
            } else {
                let figure = Figure::ALL.into_iter().find(named);
                let figure = figure.ok_or_else(|| unknown_value(name, word))?;
                if !values.figures.contains(&figure) {
                    values.figures.push(figure);
                }
            }
        }
        Ok(Some(values))
    }
}

/// Selected values of runs.
#[derive(Clone, Debug)]
pub struct RunValues {
    pub columns: Columns<job_run::Entity>,
    pub figures: Vec<Figure>,
}

impl RunValues {
    /// The columns to read.
    pub fn needed(&self) -> Columns<job_run::Entity> {
        let needed = self.figures.iter().flat_map(|figure| figure.columns());
        needed.fold(self.columns, |columns, column| columns.with(*column))
    }
}

fn column<E: Table>(name: &str) -> Option<E::Column> {
    let field = E::public().find(|field| field.external_name.eq_ignore_ascii_case(name))?;
    Some(field.column)
}

/// The names of the values outside GraphQL: `CreatedDate`.
pub fn value_names<T: ValueEnum>() -> Vec<String> {
    let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    values.map(|value| pascal_case(value.get_name())).collect()
}

/// The value of this name, in any spelling.
fn value_of<T: ValueEnum>(parameter: &'static str, name: &str) -> Result<T, Problem> {
    let is_it = |value: &&T| {
        value.to_possible_value().is_some_and(|value| folded(value.get_name()) == folded(name))
    };
    T::value_variants().iter().find(is_it).cloned().ok_or_else(|| {
        let names = value_names::<T>().join(", ");
        Problem::parameter(parameter, format_args!("expected one of {names}, not {}", quoted(name)))
    })
}

fn unknown_value(parameter: &'static str, name: &str) -> Problem {
    Problem::parameter(
        parameter,
        format_args!(
            "expected names of values with commas between them, and there is none called {}",
            quoted(name)
        ),
    )
}
