//! Statistics as flat records, for REST and files, with names as on the platform.

use run_statistics::Sketch;
use serde_json::{Map, Value, json};

use super::event::Outcome;
use super::read::Row;

/// The values of a record in their order: a name, a type of JSON Schema, whether it may be null, and a
/// description.
pub const VALUES: [(&str, &str, bool, &str); 29] = [
    ("Start", "date-time", false, "When the bucket begins, in UTC."),
    ("End", "date-time", false, "When it ends: the first moment after it."),
    ("ConfigurationId", "uuid", true, "The configuration, if grouped by it."),
    ("Provider", "string", true, "The provider that the configuration has now, if grouped by it."),
    ("AgentId", "uuid", true, "The agent, if grouped by it."),
    ("State", "string", true, "The state in which runs ended, if grouped by it."),
    ("Name", "string", true, "The jobs' name, if grouped by it."),
    ("Finished", "integer", false, "Runs that ended."),
    ("Completed", "integer", false, "Runs that ended successfully."),
    ("Failed", "integer", false, "Runs that failed."),
    ("Cancelled", "integer", false, "Runs that were cancelled."),
    ("FailureRate", "number", true, "Of the runs that completed or failed, the part that failed."),
    ("Tasks", "integer", false, "Tasks that agents completed."),
    ("Clues", "integer", false, "Clues that agents submitted."),
    ("WaitCount", "integer", false, "Runs that are known to have waited how long."),
    ("WaitP50", "integer", true, "Milliseconds that half of the runs waited at most."),
    ("WaitP90", "integer", true, "Milliseconds that 90 of 100 runs waited at most."),
    ("WaitP95", "integer", true, "Milliseconds that 95 of 100 runs waited at most."),
    ("WaitP99", "integer", true, "Milliseconds that 99 of 100 runs waited at most."),
    ("WaitMax", "integer", true, "Milliseconds that the longest waited."),
    ("DurationCount", "integer", false, "Runs that are known to have taken how long."),
    ("DurationP50", "integer", true, "Milliseconds that half of the runs took at most."),
    ("DurationP90", "integer", true, "Milliseconds that 90 of 100 runs took at most."),
    ("DurationP95", "integer", true, "Milliseconds that 95 of 100 runs took at most."),
    ("DurationP99", "integer", true, "Milliseconds that 99 of 100 runs took at most."),
    ("DurationMax", "integer", true, "Milliseconds that the longest took."),
    ("JobsCompleted", "integer", true, "Jobs that are in this state since; null by agent."),
    ("JobsFailed", "integer", true, "Jobs that are in this state since; null by agent."),
    ("JobsCancelled", "integer", true, "Jobs that are in this state since; null by agent."),
];

/// The quantiles of a record, in the order of its values.
const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 1.0];

/// The values of a row, in the order of [`VALUES`].
pub fn values(row: &Row) -> Vec<Value> {
    let (group, summary) = (&row.group, &row.summary);
    let mut values = vec![
        row.start.to_string().into(),
        row.end.to_string().into(),
        json!(group.configuration_id),
        json!(group.provider.as_deref()),
        json!(group.agent_id),
        json!(group.outcome.map(|outcome| outcome.state().name())),
        json!(group.name.as_deref()),
        summary.finished().into(),
        summary.runs_of(Outcome::Completed).into(),
        summary.runs_of(Outcome::Failed).into(),
        summary.runs_of(Outcome::Cancelled).into(),
        json!(summary.failure_rate()),
        summary.total.tasks.into(),
        summary.total.clues.into(),
    ];
    for sketch in [&summary.total.wait, &summary.total.duration] {
        values.extend(percentiles(sketch));
    }
    for outcome in [Outcome::Completed, Outcome::Failed, Outcome::Cancelled] {
        values.push(json!(row.has_jobs.then(|| summary.jobs_of(outcome))));
    }
    values
}

fn percentiles(sketch: &Sketch) -> impl Iterator<Item = Value> {
    let (count, values) = match sketch.quantiles(QUANTILES) {
        Some((count, values)) => (count, values.map(Value::from)),
        None => (0, [const { Value::Null }; 5]),
    };
    [Value::from(count)].into_iter().chain(values)
}

/// A row as a JSON object.
pub fn object(row: &Row) -> Map<String, Value> {
    let names = VALUES.iter().map(|(name, ..)| (*name).to_owned());
    names.zip(values(row)).collect()
}
