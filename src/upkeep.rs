//! What a serving process does beside answering.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::db::Db;
use crate::jobs::counts;
use crate::live::feed;

/// How often the counters' appended changes are folded. A count adds up those that wait, so
/// folding only keeps it cheap.
const FOLD_EVERY: Duration = Duration::from_secs(1);

/// Runs until it is dropped.
pub async fn run(db: Db) {
    let mut ticks = interval(FOLD_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = counts::fold(&db).await {
            tracing::warn!(%error, "folding the counters");
        }
        if let Err(error) = feed::tidy(&db).await {
            tracing::warn!(%error, "removing old changes");
        }
    }
}
