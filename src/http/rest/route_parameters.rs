//! The parameters of each route.

use std::sync::LazyLock;

use super::filter;
use super::parameters::Parameter;

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
    [Parameter::state()].into_iter().chain(filter::parameters()).chain(more).collect()
});

/// The parameters that request a page of jobs. A configuration alone requests counts.
pub fn of_a_page() -> impl Iterator<Item = Parameter> {
    [Parameter::page(), Parameter::take(), Parameter::state()]
        .into_iter()
        .chain(filter::parameters())
        .chain([Parameter::job_fields(), Parameter::run_fields()])
}
