//! The parameters of the REST routes: how each is read, and how it is described.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use axum::extract::rejection::QueryRejection;
use axum::http::request::Parts;
use clap::ValueEnum;
use entity::{Columns, JobState, Table, Timestamp, job, job_run, pascal_case};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::filter;
use super::problem::Problem;
use crate::jobs::argument::{PageRequest, TAKE_MAX};
use crate::jobs::statistics::query::{Bucket, GroupBy};
use crate::names::{folded, nearest};

/// How many jobs a page has unless `take` is given, as in the platform.
pub const TAKE: i64 = 20;

/// The parameters of `/v1/jobs`.
pub static JOBS: LazyLock<Vec<Parameter>> =
    LazyLock::new(|| Parameter::of_a_page().chain([Parameter::configuration_id()]).collect());

/// The parameters of `/v1/jobstatecount`.
pub static COUNTS: LazyLock<Vec<Parameter>> = LazyLock::new(|| vec![Parameter::configuration_id()]);

/// The parameters of `/v1/jobrun`.
pub static RUN: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    let fields = "Values to return. Default: all 42.";
    vec![Parameter::id(), Parameter::fields::<job_run::Entity>("fields", fields)]
});

/// The parameters of `/v1/jobs/executing` and of its events.
pub static EXECUTING: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    vec![Parameter::configuration_id(), Parameter::job_fields(), Parameter::run_fields()]
});

/// The parameters of `/v1/jobs.csv`.
pub static FILE: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    let more = [Parameter::configuration_id(), Parameter::job_fields()];
    [Parameter::state()].into_iter().chain(filter::parameters()).chain(more).collect()
});

/// The parameters of `/v1/statistics`.
pub static STATISTICS: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    const KNOWN: [&str; 6] =
        ["states", "excludeStates", "configurationIds", "providers", "agentIds", "search"];
    let known = filter::parameters().filter(|parameter| KNOWN.contains(&parameter.name));
    let groups = Parameter::names::<GroupBy>();
    let moment = || json!({ "type": "string", "format": "date-time" });
    [
        Parameter::new(
            "from",
            "What ended at this moment or later, from the beginning of its hour or day. Default: 30 days \
             before `to`.",
            moment(),
        ),
        Parameter::new(
            "to",
            "What ended before this moment, to the end of its hour or day. Default: now.",
            moment(),
        ),
        Parameter::new(
            "bucket",
            "The length of a bucket, in UTC. Default: the whole time is one.",
            json!({ "type": "string", "enum": Parameter::names::<Bucket>() }),
        ),
        Parameter::new(
            "groupBy",
            "What to tell apart. Default: nothing but the buckets.",
            json!({ "type": "array", "minItems": 1, "items": { "type": "string", "enum": groups } }),
        ),
    ]
    .into_iter()
    .chain(known)
    .collect()
});

/// The description of a parameter. Its schema is in JSON Schema.
pub struct Parameter {
    pub name: &'static str,
    pub description: &'static str,
    pub is_required: bool,
    pub schema: Json,
}

impl Parameter {
    fn new(name: &'static str, description: &'static str, schema: Json) -> Self {
        Self { name, description, is_required: false, schema }
    }

    /// The names of an enum's values on the platform.
    fn names<T: ValueEnum>() -> Vec<String> {
        let value =
            |value: &T| value.to_possible_value().map(|value| pascal_case(value.get_name()));
        T::value_variants().iter().filter_map(value).collect()
    }

    fn page() -> Self {
        let schema =
            json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": i32::MAX });
        Self::new("page", "Page number, from 0.", schema)
    }

    fn take() -> Self {
        let schema = json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": TAKE_MAX, "default": TAKE });
        Self::new("take", "Jobs per page.", schema)
    }

    fn state() -> Self {
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
        Self::fields::<job_run::Entity>(
            "runFields",
            "Values of each job's current run to return, as `CurrentRun`. Default: none.",
        )
    }

    /// The parameters that request a page of jobs. A configuration alone requests counts.
    pub fn of_a_page() -> impl Iterator<Item = Self> {
        [Self::page(), Self::take(), Self::state()]
            .into_iter()
            .chain(filter::parameters())
            .chain([Self::job_fields(), Self::run_fields()])
    }

    pub fn id() -> Self {
        let schema = json!({ "type": "string", "format": "uuid" });
        let description = "Id of a job, for its current run, or of a run.";
        Self { is_required: true, ..Self::new("id", description, schema) }
    }

    /// Which of a table's values to answer with.
    pub fn fields<E: Table>(name: &'static str, description: &'static str) -> Self {
        let names: Vec<_> = E::public().map(|field| field.external_name.as_str()).collect();
        let schema =
            json!({ "type": "array", "minItems": 1, "items": { "type": "string", "enum": names } });
        Self::new(name, description, schema)
    }
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

    /// One of the values of an enum.
    pub fn one_of<T: ValueEnum>(&self, name: &'static str) -> Result<Option<T>, Problem> {
        self.get(name).map(|text| value_of(name, text)).transpose()
    }

    /// The values of an enum that are named in a list with commas.
    pub fn list_of<T: ValueEnum>(&self, name: &'static str) -> Result<Vec<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(Vec::new()) };
        text.split(',').map(|word| value_of(name, word.trim())).collect()
    }

    /// The columns that are named in a list with commas; `None` without the parameter.
    pub fn columns<E: Table>(&self, name: &'static str) -> Result<Option<Columns<E>>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let mut columns = Columns::none();
        for word in text.split(',').map(str::trim) {
            let field = E::public().find(|field| field.external_name.eq_ignore_ascii_case(word));
            let Some(field) = field else {
                return Err(Problem::parameter(
                    name,
                    format_args!(
                        "expected names of values with commas between them, and there is none called {}",
                        quoted(word)
                    ),
                ));
            };
            columns.insert(field.column);
        }
        Ok(Some(columns))
    }
}

fn value_of<T: ValueEnum>(name: &'static str, text: &str) -> Result<T, Problem> {
    T::from_str(text, true).map_err(|_| {
        let names = Parameter::names::<T>().join(", ");
        Problem::parameter(name, format_args!("expected one of {names}, not {}", quoted(text)))
    })
}

/// The beginning of a value, for a message.
pub fn quoted(text: &str) -> Cow<'_, str> {
    let start: String = text.chars().take(60).collect();
    format!("{start:?}").into()
}
