use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use entity::{JobState, ProcessingState, Timestamp};
use uuid::Uuid;

use super::{DatabaseOptions, Failure, written};
use crate::jobs::filter::JobFilter;
use crate::output;
use crate::transfer::export::{self, ExportError, FileFormat, export};
use crate::transfer::output_file::OutputFile;
use crate::transfer::tables::FileTable;
use crate::transfer::text;

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
    /// Only jobs in this state; several may be given.
    #[arg(long = "state", value_parser = parse_state)]
    states: Vec<JobState>,
    /// Only jobs of this configuration.
    #[arg(long)]
    configuration_id: Option<Uuid>,
    /// Only jobs whose name contains this, or whose id begins with it.
    #[arg(long)]
    search: Option<String>,
    /// Only jobs created at this moment or later, such as 2026-05-01T10:22:33Z.
    #[arg(long, value_parser = parse_moment)]
    created_after: Option<Timestamp>,
    /// Only jobs created before this moment.
    #[arg(long, value_parser = parse_moment)]
    created_before: Option<Timestamp>,
    /// Only jobs whose current run is this agent's.
    #[arg(long)]
    agent_id: Option<Uuid>,
    /// Only jobs that are scheduled for this moment or later.
    #[arg(long, value_parser = parse_moment)]
    scheduled_after: Option<Timestamp>,
    /// Only jobs whose current run's processing is in this state; several may be given.
    #[arg(long = "processing-state", value_parser = parse_processing_state)]
    processing_states: Vec<ProcessingState>,
    /// Only jobs whose current run's processing has ended and received fewer clues than the agent
    /// submitted; with `false` only the others.
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    clues_missing: Option<bool>,
}

fn parse_state(text: &str) -> Result<JobState, String> {
    JobState::parse(text).ok_or_else(|| {
        let names: Vec<_> = JobState::ALL.iter().map(|state| state.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn parse_processing_state(text: &str) -> Result<ProcessingState, String> {
    ProcessingState::parse(text).ok_or_else(|| {
        let names: Vec<_> = ProcessingState::ALL.iter().map(|state| state.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn parse_moment(text: &str) -> Result<Timestamp, String> {
    text::moment(text).ok_or_else(|| "expected a moment such as 2026-05-01T10:22:33Z".to_owned())
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
    let db = options.database.open().await?;
    let filter = JobFilter {
        configuration_id: options.configuration_id,
        states: options.states,
        search: options.search,
        created_after: options.created_after,
        created_before: options.created_before,
        agent_id: options.agent_id,
        scheduled_after: options.scheduled_after,
        updated_before: None,
        processing_states: options.processing_states,
        clues_missing: options.clues_missing,
    }
    .validate()
    .map_err(|error| Failure::new(Failure::USAGE, error.to_string()))?;
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
            filter: &filter,
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
