//! The parameters of each route.

use std::sync::LazyLock;

use serde_json::json;

use super::filter;
use super::parameters::{Parameter, value_names};
use crate::jobs::failures::filter::FailureGroupOrder;
use crate::jobs::statistics::query::{Bucket, GroupBy};

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

/// The parameters of `/v1/statistics`.
pub static STATISTICS: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    const KNOWN: [&str; 6] =
        ["states", "excludeStates", "configurationIds", "providers", "agentIds", "search"];
    let known = filter::parameters().filter(|parameter| KNOWN.contains(&parameter.name));
    let groups = value_names::<GroupBy>();
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
            json!({ "type": "string", "enum": value_names::<Bucket>() }),
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

/// The parameters that request a page of jobs. A configuration alone requests counts.
pub fn of_a_page() -> impl Iterator<Item = Parameter> {
    [Parameter::page(), Parameter::take(), Parameter::state()]
        .into_iter()
        .chain(filter::parameters())
        .chain(Parameter::order())
        .chain([Parameter::job_fields(), Parameter::run_fields()])
}
