use clap::{Args, Subcommand};

use super::database_options::DatabaseOptions;
use super::failure::{Failure, print};
use crate::db::migrate;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Apply the steps that are missing.
    Up,
    /// Take back the newest steps, with the data in what they made.
    Down {
        /// How many.
        #[arg(default_value_t = 1)]
        steps: u32,
    },
    /// List the steps and whether they are applied; exit code 1 if some are missing.
    Status,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let db = options.database.connect().await?;
    match options.action {
        Action::Up => migrate::up(&db).await?,
        Action::Down { steps } => migrate::down(&db, steps).await?,
        Action::Status => {}
    }
    let steps = migrate::status(&db).await?;
    for (name, is_applied) in &steps {
        print(format_args!("{} {name}", if *is_applied { "applied" } else { "missing" }))?;
    }
    // Refuses a newer version's schema. The steps above are only a part of that.
    let is_current = migrate::is_current(&db).await?;
    if matches!(options.action, Action::Status) && !is_current {
        return Err(Failure::new(1, "the database's schema is not up to date"));
    }
    db.close().await;
    Ok(())
}
