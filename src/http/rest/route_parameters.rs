//! The parameters of each route.

use std::sync::LazyLock;

use serde_json::json;

use super::filter;
use super::parameters::{Parameter, value_names};
use crate::jobs::failures::filter::FailureGroupOrder;

/// The parameters of `/v1/jobs`.
pub static JOBS: LazyLock<Vec<Parameter>> =
    LazyLock::new(|| of_a_page().chain([Parameter::configuration_id()]).collect());

/// The parameters of `/v1/jobstatecount`.
pub static COUNTS: LazyLock<Vec<Parameter>> = LazyLock::new(|| vec![Parameter::configuration_id()]);

/// The parameters of `/v1/jobrun`.
pub static RUN: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    vec![
        Parameter::id(),
        Parameter::run_values("fields", "Values to return. Default: the 42 of a run."),
    ]
});

/// The parameters of `/v1/jobs/executing` and of its events.
pub static EXECUTING: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    vec![Parameter::configuration_id(), Parameter::job_fields(), Parameter::run_fields()]
});

/// The parameters of `/v1/jobs.csv`.
pub static FILE: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    let more = [Parameter::configuration_id(), Parameter::job_fields()];
    [Parameter::state()]
        .into_iter()
        .chain(filter::parameters())
        .chain(Parameter::order())
        .chain(more)
        .collect()
});

/// The parameters of `/v1/failures`.
pub static FAILURES: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    let order = json!({
        "type": "string",
        "enum": value_names::<FailureGroupOrder>(),
        "default": "LastSeen",
    });
    let cursor = json!({ "type": "string" });
    let by = "What the groups are sorted by, the largest or newest first.";
    filter::failure_group_parameters()
        .chain([
            Parameter::new("orderBy", by, order),
            Parameter { description: "Groups per answer.", ..Parameter::take() },
            Parameter::new("after", "`EndCursor` of the answer before.", cursor),
        ])
        .collect()
});

/// The parameters of `/v1/failures/{id}`, all of its path.
pub static FAILURE: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    vec![Parameter { description: "Id of the failure group.", ..Parameter::id() }]
});

/// The parameters that request a page of jobs. A configuration alone requests counts.
pub fn of_a_page() -> impl Iterator<Item = Parameter> {
    [Parameter::page(), Parameter::take(), Parameter::state()]
        .into_iter()
        .chain(filter::parameters())
        .chain(Parameter::order())
        .chain([Parameter::job_fields(), Parameter::run_fields()])
}
