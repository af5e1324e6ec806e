//! What a serving process does beside answering.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::clock;
use crate::db::{Db, failure, write_health};
use crate::graphql::Api;
use crate::jobs::scope::Scope;
use crate::jobs::{counts, retention};
use crate::live::feed;
use crate::metrics;
use entity::{JobState, Timestamp};

/// How often the counters' appended changes are folded. A count adds up those that wait, so
/// folding only keeps it cheap.
const FOLD_EVERY: Duration = Duration::from_secs(1);

/// How often old jobs are looked for, at most.
const REMOVE_EVERY: Duration = Duration::from_mins(10);

/// Removing takes one part of the time in so many, so that others hardly notice.
const REMOVING_PART: u32 = 10;

/// Runs until it is dropped. Jobs that have been over for as long as `retain` are removed.
pub async fn run(api: Api, retain: Option<Duration>) {
    let db = api.db();
    let removing = async {
        match retain {
            Some(retain) => remove_old(db, retain).await,
            None => std::future::pending().await,
        }
    };
    tokio::join!(fold(&api), removing, write_health::recover(db));
}

async fn fold(api: &Api) {
    let db = api.db();
    let mut ticks = interval(FOLD_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = counts::fold(db).await {
            failure::log("folding the counters", &error);
            db.write_health().record(&error);
        }
        match counts::read(db.reader(), &Scope::All, None).await {
            Ok(counts) => {
                let executing = counts.of(JobState::Executing);
                api.set_executing(executing.try_into().unwrap_or_default());
            }
            Err(error) => failure::log("counting the jobs that execute", &error),
        }
        if let Err(error) = feed::delete_old_changes(db).await {
            failure::log("removing old changes", &error);
            db.write_health().record(&error);
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
        let (mut place, mut removed) = (None, 0);
        loop {
            let started = Instant::now();
            match retention::remove(db, before, place).await {
                Ok(step) => {
                    metrics::removed(step.removed);
                    removed += step.removed;
                    place = step.next;
                }
                Err(error) => {
                    failure::log("removing old jobs", &error);
                    db.write_health().record(&error);
                    place = None;
                }
            }
            if place.is_none() {
                break;
            }
            sleep(started.elapsed() * (REMOVING_PART - 1)).await;
        }
        if removed > 0 {
            tracing::info!(removed, "removed jobs that were over for long enough");
        }
    }
}
