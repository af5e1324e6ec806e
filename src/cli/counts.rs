use clap::{Args, Subcommand};

use super::database_options::DatabaseOptions;
use super::failure::{Failure, print};
use crate::jobs::{counts, failures};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Compare the counters with the jobs; exit code 1 if they differ.
    Verify,
    /// Count all jobs anew. Writers wait until it is done.
    Rebuild,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let db = options.database.open().await?;
    match options.action {
        Action::Verify => {
            let drifts = counts::verify(&db).await?;
            for drift in &drifts {
                let configuration = if drift.configuration_id == counts::ALL {
                    "all configurations".to_owned()
                } else {
                    format!("configuration {}", drift.configuration_id)
                };
                print(format_args!(
                    "{configuration}, {}: counted {}, but there are {}",
                    drift.state, drift.counter, drift.jobs
                ))?;
            }
            let groups = failures::counts::verify(&db).await?;
            for drift in &groups {
                let configuration = if drift.configuration_id == failures::NONE {
                    "without a configuration".to_owned()
                } else {
                    format!("configuration {}", drift.configuration_id)
                };
                print(format_args!(
                    "failure group {}, {configuration}: counted {}, but there are {}",
                    drift.group_id, drift.counter, drift.jobs
                ))?;
            }
            if !(drifts.is_empty() && groups.is_empty()) {
                return Err(Failure::new(
                    1,
                    "the counters differ from the jobs; `agent-jobs counts rebuild` mends them",
                ));
            }
            print("the counters are right")?;
        }
        Action::Rebuild => {
            counts::rebuild(&db).await?;
            failures::counts::rebuild(&db).await?;
            print("counted anew")?;
        }
    }
    db.close().await;
    Ok(())
}
