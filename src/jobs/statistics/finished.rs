//! The runs that ended, as their events are folded: each event is folded once, by one of the replicas, whichever
//! program wrote the run.

use std::collections::{BTreeMap, HashMap};

use entity::Timestamp;
use run_statistics::Cell;
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::event::{Event, Outcome};
use crate::db::Sql;

const MICROS_OF_HOUR: i64 = 3_600_000_000;

/// Runs of configurations of a provider that ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finished {
    pub provider: Option<String>,
    /// How many, by the name of the state.
    pub runs: Vec<(&'static str, u64)>,
    /// How many milliseconds they had waited, each with how often.
    pub waits: Vec<(u64, u64)>,
    /// How many milliseconds they took, each with how often.
    pub durations: Vec<(u64, u64)>,
}

/// Sums up the events of runs that ended in the hour of `since` or later. A run that is corrected is taken back
/// and counted again, which is none.
pub async fn of(
    db: &impl ConnectionTrait,
    events: &[Event],
    since: Timestamp,
) -> Result<Vec<Finished>, DbErr> {
    let since = since.micros().div_euclid(MICROS_OF_HOUR);
    let recent: Vec<_> =
        events.iter().filter(|event| event.hour >= since && event.is_of_run()).collect();
    if recent.is_empty() {
        return Ok(Vec::new());
    }
    let providers = providers(db, &recent).await?;
    let mut by_provider = BTreeMap::<Option<String>, ([i64; 3], Cell)>::new();
    for event in recent {
        let provider = event.configuration_id.and_then(|id| providers.get(&id).cloned());
        let (runs, total) = by_provider.entry(provider).or_default();
        let before = total.runs;
        event.add_to(total);
        runs[event.outcome as usize] += total.runs - before;
    }
    let finished = by_provider.into_iter().map(|(provider, (runs, total))| Finished {
        provider,
        runs: Outcome::ALL
            .iter()
            .zip(runs)
            .filter_map(|(outcome, runs)| {
                let runs = u64::try_from(runs).ok().filter(|runs| *runs > 0)?;
                Some((outcome.state().name(), runs))
            })
            .collect(),
        waits: total.wait.numbers().collect(),
        durations: total.duration.numbers().collect(),
    });
    Ok(finished.collect())
}

/// The providers of the events' configurations.
async fn providers(
    db: &impl ConnectionTrait,
    events: &[&Event],
) -> Result<HashMap<Uuid, String>, DbErr> {
    let mut ids: Vec<_> = events.iter().filter_map(|event| event.configuration_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT id, provider FROM configuration WHERE provider IS NOT NULL AND id");
    sql.any_uuid(&ids);
    let rows = sql.all(db).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}
