use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::database_options::DatabaseOptions;
use super::failure::{Failure, written};
use crate::clock;
use crate::jobs::conditions::Conditions;
use crate::jobs::filter::JobFilter;
use crate::jobs::order::OrderOptions;
use crate::output;
use crate::reports::LeasePolicy;
use crate::transfer::export::{self, ExportError, FileFormat, export};
use crate::transfer::output_file::OutputFile;
use crate::transfer::tables::FileTable;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    /// What to export. The filters are on jobs; of runs and events those go out whose job matches.
    #[arg(value_enum)]
    table: FileTable,
    /// How to write rows.
    #[arg(long, value_enum, default_value = "csv")]
    format: FileFormat,
    /// Write the columns that only the service uses, too: what agents need to go on with their runs
    /// against another database. Keep the files secret, since they have the attempts' tokens.
    #[arg(long)]
    complete: bool,
    /// Write to this file; otherwise, or if it is -, to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long, requires = "output")]
    overwrite: bool,
    #[command(flatten)]
    filter: JobFilter,
    #[command(flatten)]
    order: OrderOptions,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let file = options
        .output
        .filter(|path| path != Path::new("-"))
        .map(|path| {
            OutputFile::check(&path, &options.database.files()?, options.overwrite)
                .map_err(|reason| Failure::new(Failure::OUTPUT, format!("cannot write {reason}")))
        })
        .transpose()?;
    let order = options.order.order();
    if order.is_some() && options.table != FileTable::Jobs {
        let message = "--order-by is for jobs: other tables go out by id";
        return Err(Failure::new(Failure::USAGE, message));
    }
    let stale_before = LeasePolicy::default().stale_before(clock::now());
    let conditions = Conditions::new(options.filter, stale_before)
        .map_err(|error| Failure::new(Failure::USAGE, error.to_string()))?;
    let db = options.database.open().await?;
    let output: Box<dyn Write> = match &file {
        Some(file) => Box::new(file.create().map_err(|error| {
            let path = file.path().display();
            Failure::new(Failure::OUTPUT, format!("cannot write {path}: {error}"))
        })?),
        None => Box::new(io::stdout().lock()),
    };
    let exported = export(
        &db,
        &export::Options {
            table: options.table,
            conditions: &conditions,
            order,
            format: options.format,
            complete: options.complete,
        },
        output,
    )
    .await;
    db.close().await;
    match exported {
        Ok(rows) => {
            output::note(format_args!("exported {rows} rows"));
            Ok(())
        }
        Err(ExportError::Output(error))
            if file.is_none() || error.kind() == io::ErrorKind::BrokenPipe =>
        {
            written(Err(error))
        }
        Err(error @ ExportError::Output(_)) => {
            Err(Failure::new(Failure::OUTPUT, error.to_string()))
        }
        Err(error @ ExportError::Database(_)) => {
            Err(Failure::new(Failure::DATABASE, error.to_string()))
        }
    }
}
