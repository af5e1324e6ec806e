use clap::{Args, Subcommand};

use super::database_options::DatabaseOptions;
use super::failure::{Failure, print};
use crate::jobs::statistics::verify;
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
    /// Compare the counters and the statistics with the jobs and runs; exit code 1 if they differ.
    Verify,
    /// Count all jobs anew, and make the statistics anew from the jobs and runs that there are. Those of
    /// removed jobs stay. Writers wait until it is done.
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
            let of_statistics = verify::verify(&db).await?;
            for drift in &of_statistics {
                let configuration = match drift.configuration_id {
                    Some(id) => format!("configuration {id}"),
                    None if drift.is_total => "all configurations".to_owned(),
                    None => "no configuration".to_owned(),
                };
                let ((runs, jobs), (found_runs, found_jobs)) = (drift.counted, drift.found);
                print(format_args!(
                    "statistics of {configuration} from {}: {runs} runs and {jobs} jobs, but there are \
                     {found_runs} and {found_jobs}, or their times or tasks differ",
                    drift.start
                ))?;
            }
            if !(drifts.is_empty() && groups.is_empty() && of_statistics.is_empty()) {
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
            verify::rebuild(&db).await?;
            print("counted anew")?;
        }
    }
    db.close().await;
    Ok(())
}
