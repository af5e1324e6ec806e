//! Conditions on states in SQL. `Unknown` stands for every name that is not known.

use entity::{JobState, ProcessingState};

use crate::db::Sql;

/// The condition on a run that its processing is in one of these states. `Unknown` stands for every name
/// that is not known.
pub(super) fn processing_in(states: &[ProcessingState]) -> String {
    let either = states.iter().map(|state| match state {
        ProcessingState::Unknown => {
            let known = ProcessingState::ALL.iter().filter(|each| **each != *state);
            let known: Vec<_> = known.map(|state| format!("'{}'", state.name())).collect();
            format!("job_run.processing_state NOT IN ({})", known.join(", "))
        }
        state => format!("job_run.processing_state = '{}'", state.name()),
    });
    format!("({})", either.collect::<Vec<_>>().join(" OR "))
}

/// The conditions on a run that its processing is in this state, each on a range of the index on the
/// state: one, or those around the known names for `Unknown`.
pub(super) fn processing_ranges(state: ProcessingState) -> Vec<String> {
    if state != ProcessingState::Unknown {
        return vec![processing_in(&[state])];
    }
    let known = ProcessingState::ALL.iter().filter(|each| **each != state);
    let mut known: Vec<_> = known.map(|state| state.name()).collect();
    known.sort_unstable();
    let mut after = known.iter().map(|name| format!("job_run.processing_state > '{name}'"));
    let before = known.iter().map(|name| format!("job_run.processing_state < '{name}'"));
    let mut ranges: Vec<_> = before.clone().take(1).collect();
    ranges.extend(
        after.clone().zip(before.skip(1)).map(|(after, before)| format!("{after} AND {before}")),
    );
    ranges.extend(after.next_back());
    ranges
}

/// The names of all states but `Unknown`, which stands for every other name.
fn known_names() -> String {
    quoted(JobState::ALL.iter().filter(|state| **state != JobState::Unknown))
}

pub(super) fn quoted<'a>(states: impl Iterator<Item = &'a JobState>) -> String {
    states.map(|state| format!("'{}'", state.name())).collect::<Vec<_>>().join(", ")
}

/// Adds a condition on the state of jobs.
pub(super) fn push_states(sql: &mut Sql, states: Option<&[JobState]>, column: &str) {
    let Some(states) = states else { return };
    if states.is_empty() {
        sql.push(" AND false");
        return;
    }
    let known: Vec<_> = states.iter().filter(|state| **state != JobState::Unknown).collect();
    sql.push(" AND (");
    match known.as_slice() {
        [] => {}
        [one] => {
            sql.push(&format!("{column} = '{}'", one.name()));
        }
        several => {
            sql.push(&format!("{column} IN ({})", quoted(several.iter().copied())));
        }
    }
    if known.len() < states.len() {
        if !known.is_empty() {
            sql.push(" OR ");
        }
        // The counters name the unknown states, so that the index can find their jobs.
        let unknown = format!("state NOT IN ({})", known_names());
        sql.push(&format!("{column} IN (SELECT state FROM job_count WHERE configuration_id = "))
            .bind(super::counts::ALL)
            .push(&format!(" AND {unknown}"));
        if sql.is_postgres() {
            sql.push(&format!(" UNION SELECT state FROM job_count_delta WHERE {unknown}"));
        }
        sql.push(")");
    }
    sql.push(")");
}

/// Adds a condition on counters' rows.
pub(super) fn push_counted_states(sql: &mut Sql, states: Option<&[JobState]>) {
    let Some(states) = states else { return };
    if states.is_empty() {
        sql.push(" WHERE false");
        return;
    }
    sql.push(&format!(" WHERE (state IN ({})", quoted(states.iter())));
    if states.contains(&JobState::Unknown) {
        sql.push(&format!(" OR state NOT IN ({})", known_names()));
    }
    sql.push(")");
}
