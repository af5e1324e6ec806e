use std::path::PathBuf;

use clap::Args;

use super::{DatabaseOptions, Failure, print};
use crate::clock;
use crate::transfer::import::{self, ImportError};
use crate::transfer::tables::FileTable;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    /// CSV or NDJSON files, also compressed with gzip, in any order; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The table that the files hold. Told from each file's headers unless given.
    #[arg(long, value_enum)]
    table: Option<FileTable>,
    /// Write bad rows to this file, with the reasons, and go on; otherwise the first one ends
    /// the import.
    #[arg(long, value_name = "FILE")]
    skip_bad_rows: Option<PathBuf>,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let db = options.database.open().await?;
    let summary = import::import(
        &db,
        &import::Options {
            files: &options.files,
            table: options.table,
            bad_rows: options.skip_bad_rows.as_deref(),
            now: clock::now(),
        },
    )
    .await;
    db.close().await;
    let summary = summary.map_err(|error| {
        let code = match &error {
            ImportError::File { .. } => Failure::NO_INPUT,
            ImportError::Row { .. } => Failure::DATA,
            ImportError::BadRows { .. } => Failure::OUTPUT,
            ImportError::Database(_) => Failure::DATABASE,
        };
        Failure::new(code, error.to_string())
    })?;
    print(format_args!("imported {} rows, {} bad rows put aside", summary.rows, summary.bad_rows))
}
