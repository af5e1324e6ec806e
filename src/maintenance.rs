//! Background maintenance: folding counters, grouping failures, removing old jobs, recovering from failed writes.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::clock;
use crate::db::{Db, failure, write_health};
use crate::graphql::Api;
use crate::jobs::scope::Scope;
use crate::jobs::statistics::finished::Finished;
use crate::jobs::statistics::fold::Folded;
use crate::jobs::{counts, failures, retention, statistics};
use crate::live::feed;
use crate::metrics;
use entity::{JobState, Timestamp};

/// How often the counters' appended deltas are folded. Counts include deltas that are not folded yet;
/// folding only keeps them cheap.
const FOLD_EVERY: Duration = Duration::from_secs(1);

/// How often it looks for failed runs without a failure group.
const GROUP_EVERY: Duration = Duration::from_secs(1);

/// How often the events of the statistics are folded, which are read with them until then.
const FOLD_STATISTICS_EVERY: Duration = Duration::from_secs(5);

/// Runs that ended longer ago are imported history, which the metrics do not count: two hours, in microseconds.
const RECENT: i64 = 2 * 3_600 * 1_000_000;

/// Folding many events, such as those of an import, is active for one part of the time in this many.
const FOLDING_PARTS: u32 = 3;

/// The longest interval at which old jobs are removed.
const REMOVE_EVERY: Duration = Duration::from_mins(10);

/// Removal is active for one part of the time in this many, so that it hardly slows requests.
const REMOVAL_PARTS: u32 = 10;

/// Runs until it is dropped. Jobs that finished longer than `retain` ago are removed.
pub async fn run(api: Api, retain: Option<Duration>) {
    let db = api.db();
    let removing = async {
        match retain {
            Some(retain) => remove_old(db, retain).await,
            None => std::future::pending().await,
        }
    };
    tokio::join!(
        fold(&api),
        group_failures(db),
        fold_statistics(db),
        removing,
        write_health::recover(db)
    );
}

async fn fold(api: &Api) {
    let db = api.db();
    let mut ticks = interval(FOLD_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = counts::fold(db).await {
            failure::log("failed to fold the counters", &error);
            db.write_health().record(&error);
        }
        if let Err(error) = failures::counts::fold(db).await {
            failure::log("failed to fold the counters of failure groups", &error);
            db.write_health().record(&error);
        }
        match counts::read(db.reader(), &Scope::All, None).await {
            Ok(counts) => {
                let executing = counts.of(JobState::Executing);
                api.set_executing(executing.try_into().unwrap_or_default());
            }
            Err(error) => failure::log("failed to count the executing jobs", &error),
        }
        if let Err(error) = feed::delete_old_changes(db).await {
            failure::log("failed to remove old changes", &error);
            db.write_health().record(&error);
        }
    }
}

/// Groups failed runs that the writer has not grouped.
async fn group_failures(db: &Db) {
    let mut ticks = interval(GROUP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            let started = Instant::now();
            match failures::grouping::group(db, clock::now()).await {
                Ok(0) => break,
                // As long as it took, so that others write meanwhile.
                Ok(_) => sleep(started.elapsed()).await,
                Err(error) => {
                    failure::log("failed to group failed runs", &error);
                    db.write_health().record(&error);
                    break;
                }
            }
        }
    }
}

async fn fold_statistics(db: &Db) {
    let mut ticks = interval(FOLD_STATISTICS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            let started = Instant::now();
            let since = clock::now().micros().saturating_sub(RECENT);
            match statistics::fold::fold(db, Timestamp::from_micros(since)).await {
                Ok(Folded { has_more, finished }) => {
                    for Finished { provider, runs, waits, durations } in &finished {
                        metrics::finished_runs(provider.as_deref(), runs, waits, durations);
                    }
                    if !has_more {
                        break;
                    }
                    sleep(started.elapsed() * (FOLDING_PARTS - 1)).await;
                }
                Err(error) => {
                    failure::log("failed to fold the statistics", &error);
                    db.write_health().record(&error);
                    break;
                }
            }
        }
    }
}

async fn remove_old(db: &Db, retain: Duration) {
    let mut ticks = interval(REMOVE_EVERY.min(retain));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let retain = i64::try_from(retain.as_micros()).unwrap_or(i64::MAX);
    loop {
        ticks.tick().await;
        let before = clock::now().micros().saturating_sub(retain);
        let Some(before) = Timestamp::from_micros(before) else { continue };
        let (mut cursor, mut removed) = (None, 0);
        loop {
            let started = Instant::now();
            match retention::remove(db, before, cursor).await {
                Ok(batch) => {
                    metrics::removed(batch.jobs);
                    removed += batch.jobs;
                    cursor = batch.next;
                }
                Err(error) => {
                    failure::log("failed to remove old jobs", &error);
                    db.write_health().record(&error);
                    cursor = None;
                }
            }
            if cursor.is_none() {
                break;
            }
            sleep(started.elapsed() * (REMOVAL_PARTS - 1)).await;
        }
        if removed > 0 {
            tracing::info!(removed, "removed old jobs");
        }
    }
}
