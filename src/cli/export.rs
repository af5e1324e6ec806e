use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use entity::Timestamp;

use super::database_options::DatabaseOptions;
use super::failure::{Failure, written};
use crate::clock;
use crate::error::ApiError;
use crate::jobs::conditions::Conditions;
use crate::jobs::filter::JobFilter;
use crate::jobs::order::OrderOptions;
use crate::jobs::scope::Scope;
use crate::jobs::statistics::query::{Bucket, GroupBy, Query};
use crate::jobs::statistics::read;
use crate::output;
use crate::reports::LeasePolicy;
use crate::transfer::export::{self, ExportError, FileFormat, export};
use crate::transfer::output_file::OutputFile;
use crate::transfer::statistics;
use crate::transfer::tables::FileTable;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    /// What to export. The filters are on jobs; of runs and events those go out whose job matches.
    #[arg(value_enum, value_name = "TABLE")]
    exported: Exported,
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
    statistics: StatisticsOptions,
    #[command(flatten)]
    filter: JobFilter,
    #[command(flatten)]
    order: OrderOptions,
}

/// What can be exported.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Exported {
    Configurations,
    Agents,
    Jobs,
    JobRuns,
    /// The history of jobs.
    JobEvents,
    /// What finished, by time and group.
    Statistics,
}

impl Exported {
    /// The table; `None` for statistics, which no import reads.
    fn table(self) -> Option<FileTable> {
        Some(match self {
            Self::Configurations => FileTable::Configurations,
            Self::Agents => FileTable::Agents,
            Self::Jobs => FileTable::Jobs,
            Self::JobRuns => FileTable::JobRuns,
            Self::JobEvents => FileTable::JobEvents,
            Self::Statistics => return None,
        })
    }
}

#[derive(Args)]
struct StatisticsOptions {
    /// Of statistics: what ended at this moment or later, from the beginning of its hour or day; 30 days
    /// before --to if not given.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Of statistics: what ended before this moment, to the end of its hour or day; now if not given.
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Of statistics: the length of a bucket, in UTC; the whole time is one if not given.
    #[arg(long, value_enum)]
    bucket: Option<Bucket>,
    /// Of statistics: what to tell apart.
    #[arg(long, value_enum, value_delimiter = ',')]
    group_by: Vec<GroupBy>,
}

impl StatisticsOptions {
    /// An option that is given; `None` if none is.
    fn given(&self) -> Option<&'static str> {
        let options = [
            ("--from", self.from.is_some()),
            ("--to", self.to.is_some()),
            ("--bucket", self.bucket.is_some()),
            ("--group-by", !self.group_by.is_empty()),
        ];
        options.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }
}

/// What is read and how.
enum Source {
    Table(FileTable, Box<Conditions>),
    Statistics(Query),
}

impl Source {
    fn of(
        exported: Exported,
        conditions: Conditions,
        options: StatisticsOptions,
    ) -> Result<Self, Failure> {
        let Some(table) = exported.table() else {
            let StatisticsOptions { from, to, bucket, group_by } = options;
            let query = conditions
                .into_statistics()
                .and_then(|known| Query::new(known, from, to, bucket, group_by, clock::now()));
            let usage = |error: ApiError| Failure::new(Failure::USAGE, error.to_string());
            return query.map(Self::Statistics).map_err(usage);
        };
        match options.given() {
            None => Ok(Self::Table(table, Box::new(conditions))),
            Some(option) => {
                Err(Failure::new(Failure::USAGE, format!("{option} is for statistics alone")))
            }
        }
    }
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
    if order.is_some() && options.exported != Exported::Jobs {
        let message = "--order-by is for jobs: other tables go out by id";
        return Err(Failure::new(Failure::USAGE, message));
    }
    let stale_before = LeasePolicy::default().stale_before(clock::now());
    let conditions = Conditions::new(options.filter, stale_before)
        .map_err(|error| Failure::new(Failure::USAGE, error.to_string()))?;
    let source = Source::of(options.exported, conditions, options.statistics)?;
    let db = options.database.open().await?;
    let output: Box<dyn Write> = match &file {
        Some(file) => Box::new(file.create().map_err(|error| {
            let path = file.path().display();
            Failure::new(Failure::OUTPUT, format!("cannot write {path}: {error}"))
        })?),
        None => Box::new(io::stdout().lock()),
    };
    let (format, complete) = (options.format, options.complete);
    let exported = match source {
        Source::Table(table, conditions) => {
            let conditions = &*conditions;
            let options = export::Options { table, conditions, order, format, complete };
            export(&db, &options, output).await
        }
        Source::Statistics(query) => match read::read(&db, &Scope::All, &query).await {
            Ok(rows) => statistics::write(&rows, format, output)
                .map(|()| rows.len() as u64)
                .map_err(ExportError::Output),
            Err(error) => return Err(Failure::new(Failure::DATABASE, error.to_string())),
        },
    };
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
