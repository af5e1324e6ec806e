//! Importing exports of the tables.
//!
//! A thread reads and checks rows; batches of them go through short queues to the database, which
//! takes each in one transaction (on PostgreSQL in several, each with a queue of its own). Memory is
//! that of a few batches, whatever the files' size. Rows are written by id and never over a newer
//! one, so an import that was interrupted is simply run again.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum as _;
use entity::{Timestamp, agent, configuration, job, job_event, job_run};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::input::Input;
use super::layout::{BadCell, Layout};
use super::output_file::OutputFile;
use super::progress::Meter;
use super::source::{ReadError, ReadOptions, Source};
use super::tables::{FileTable, Import};
use crate::db::{Db, Failure};
use crate::jobs::counts;
use crate::jobs::store::{self, RowSet};
use crate::output;

/// The rows of a batch. It is read and checked as a whole before any of it is written.
const BATCH_ROWS: usize = 10_000;

/// Concurrent transactions on PostgreSQL, where each uses a processor of the server. They never touch
/// the same job, and seldom wait for each other.
const POSTGRES_WRITERS: usize = 2;

/// How often a transaction is tried. It can deadlock with writers of the same new agents or
/// configurations, or with a server that takes reports; PostgreSQL then ends one of them.
const MAX_TRIES: u32 = 5;

/// Pages of 4 KiB in SQLite's write-ahead log that trigger a checkpoint. Every batch has rows all over
/// the indexes, so that several batches in the log have many pages in common.
const LOG_PAGES: u32 = 16_384;

/// Partitions of batches that wait for their writer.
const PARTITIONS_AHEAD: usize = 2;

/// A file to import.
pub struct ImportFile {
    input: Input,
    /// The table that it is said to hold.
    table: Option<FileTable>,
}

/// What an import has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows read and written, unless what was there was newer.
    pub rows: u64,
    /// Rows that were bad, and are in the reject file.
    pub rejected: u64,
}

/// Why an import stopped. What was committed before stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file is not there, or is none that can be read.
    #[error("cannot read {file}: {reason}")]
    File { file: String, reason: String },
    /// A row is bad.
    #[error(
        "{file}, line {line}{}: {reason}\n\
         Nothing from line {first_unsaved} on was imported. Correct the row and run the same command \
         again: imports are idempotent. Or skip bad rows with --reject-file FILE, to which they are \
         written.",
        .column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default()
    )]
    Row { file: String, line: u64, column: Option<String>, reason: String, first_unsaved: u64 },
    /// The rest of a file cannot be told apart into rows.
    #[error(
        "{file}, line {line}: {reason}\n\
         Nothing from line {first_unsaved} on was imported. Correct the file and run the same \
         command again: imports are idempotent."
    )]
    Content { file: String, line: u64, reason: String, first_unsaved: u64 },
    /// The reject file cannot be written.
    #[error("cannot write {file}: {reason}")]
    RejectFile { file: String, reason: String },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
}

/// Looks at the files of an import, so that what cannot be imported is refused before anything is
/// written. What can only be read once, such as standard input, is looked at when it is read. A path
/// may say which table it holds, as `agents=people.csv`; `table` is that of all others, if it is not
/// to be told from each file's headers.
///
/// # Errors
/// If a file cannot be read, or is no table's.
pub fn look_at(
    paths: &[PathBuf],
    table: Option<FileTable>,
    options: &ReadOptions,
) -> Result<Vec<ImportFile>, ImportError> {
    let mut files = Vec::new();
    for path in paths {
        let (table, path) = match table_of(path) {
            Some((table, path)) => (Some(table), path),
            None => (table, path.clone()),
        };
        let inputs = Input::locate(&path)
            .map_err(|reason| ImportError::File { file: path.display().to_string(), reason })?;
        for input in inputs {
            if input.can_be_reopened() {
                open(&input, table, options)?;
            }
            files.push(ImportFile { input, table });
        }
    }
    Ok(files)
}

/// The paths that an import reads, without the tables that they may be said to hold.
pub fn input_paths(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().map(|path| table_of(path).map_or_else(|| path.clone(), |(_, path)| path)).collect()
}

/// The table and the path of `agents=people.csv`.
fn table_of(path: &Path) -> Option<(FileTable, PathBuf)> {
    let (table, path) = path.to_str()?.split_once('=')?;
    Some((FileTable::from_str(table, false).ok()?, path.into()))
}

/// Opens an input and finds out which table it holds.
fn open(
    input: &Input,
    table: Option<FileTable>,
    options: &ReadOptions,
) -> Result<(Source, FileTable), ImportError> {
    let opened = Source::open(input, options).and_then(|source| {
        let table = find_table(&source, table, options.complete)?;
        Ok((source, table))
    });
    opened.map_err(|reason| ImportError::File { file: input.name.clone(), reason })
}

/// The table that a file holds: the one it is said to, or the one whose columns it has.
fn find_table(
    source: &Source,
    table: Option<FileTable>,
    complete: bool,
) -> Result<FileTable, String> {
    let headers = source.headers();
    let table = match table.or_else(|| FileTable::detect(headers)) {
        Some(table) => table,
        // Nothing to import is fine, whatever it would have been.
        None if source.is_empty() && !source.has_fixed_columns() => FileTable::Jobs,
        None => {
            return Err(format!(
                "{}\nIts headers are those of no table. Expected at least Id, CreatedDate and State \
                 for jobs, Id, JobId, AgentId and AgentState for job runs, Id and Provider for \
                 configurations, or Id, Name, CreatedDate and UpdateDate for agents; --table says \
                 which table it holds.",
                source.looks_like(),
            ));
        }
    };
    let are_fixed = source.has_fixed_columns();
    let checked = match table {
        FileTable::Configurations => {
            Layout::<configuration::Entity>::new(headers, are_fixed, complete).map(drop)
        }
        FileTable::Agents => Layout::<agent::Entity>::new(headers, are_fixed, complete).map(drop),
        FileTable::Jobs => Layout::<job::Entity>::new(headers, are_fixed, complete).map(drop),
        FileTable::JobRuns => {
            Layout::<job_run::Entity>::new(headers, are_fixed, complete).map(drop)
        }
        FileTable::JobEvents => {
            Layout::<job_event::Entity>::new(headers, are_fixed, complete).map(drop)
        }
    };
    checked.map_err(|reason| format!("{reason}\n{}", source.looks_like()))?;
    Ok(table)
}

/// Imports the files, one after the other. Bad rows go to the reject file; without one the first of
/// them ends the import.
pub async fn import(
    db: &Db,
    files: Vec<ImportFile>,
    options: &ReadOptions,
    reject_file: Option<OutputFile>,
    now: Timestamp,
) -> Result<Summary, ImportError> {
    let mut rejects = reject_file.map(RejectFile::new);
    let mut summary = Summary::default();
    if db.backend() == DbBackend::Sqlite {
        let pragma = format!("PRAGMA wal_autocheckpoint = {LOG_PAGES}");
        db.writer().execute_unprepared(&pragma).await?;
    }
    for ImportFile { input, table } in files {
        let (source, table) = open(&input, table, options)?;
        let name = &source.name;
        output::note(format_args!("reading {name}: {}, as {}", source.description, table.name()));
        let meter = Meter::start(name, source.progress.clone());
        let (done, rejects_again) = match table {
            FileTable::Configurations => {
                import_file::<configuration::Entity>(
                    db,
                    source,
                    rejects,
                    meter,
                    options.complete,
                    now,
                )
                .await
            }
            FileTable::Agents => {
                import_file::<agent::Entity>(db, source, rejects, meter, options.complete, now)
                    .await
            }
            FileTable::Jobs => {
                import_file::<job::Entity>(db, source, rejects, meter, options.complete, now).await
            }
            FileTable::JobRuns => {
                import_file::<job_run::Entity>(db, source, rejects, meter, options.complete, now)
                    .await
            }
            FileTable::JobEvents => {
                import_file::<job_event::Entity>(db, source, rejects, meter, options.complete, now)
                    .await
            }
        }?;
        rejects = rejects_again;
        summary.rows += done.rows;
        summary.rejected += done.rejected;
    }
    if let Some(rejects) = rejects {
        rejects.finish()?;
    }
    Ok(summary)
}

/// Where bad rows are written, one JSON object per line. The file is made at the first of them.
struct RejectFile {
    output: OutputFile,
    file: Option<BufWriter<File>>,
}

impl RejectFile {
    fn new(output: OutputFile) -> Self {
        Self { output, file: None }
    }

    fn write(&mut self, row: &Json) -> Result<(), ImportError> {
        self.try_write(row).map_err(|error| self.error(&error))
    }

    fn try_write(&mut self, row: &Json) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BufWriter::new(self.output.create()?)),
        };
        writeln!(file, "{row}")
    }

    fn finish(mut self) -> Result<(), ImportError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush().map_err(|error| self.error(&error))
    }

    fn error(&self, error: &std::io::Error) -> ImportError {
        let file = self.output.path().display().to_string();
        ImportError::RejectFile { file, reason: error.to_string() }
    }
}

async fn import_file<E: Import>(
    db: &Db,
    source: Source,
    rejects: Option<RejectFile>,
    meter: Meter,
    complete: bool,
    now: Timestamp,
) -> Result<(Summary, Option<RejectFile>), ImportError> {
    let writers = match db.backend() {
        DbBackend::Postgres => POSTGRES_WRITERS,
        _ => 1,
    };
    let name = source.name.clone();
    let meter = Arc::new(meter);
    let (mut queues, mut writing) = (Vec::new(), JoinSet::new());
    for _ in 0..writers {
        let (queue, partitions) = mpsc::channel(PARTITIONS_AHEAD);
        queues.push(queue);
        writing.spawn(write::<E>(db.clone(), partitions, Arc::clone(&meter), now));
    }
    let reading =
        tokio::task::spawn_blocking(move || read_file::<E>(source, rejects, &queues, complete));
    while let Some(written) = writing.join_next().await {
        written.expect("writing does not panic")?;
    }
    let FileRead { rejected, rejects, notes } = reading.await.expect("reading does not panic")?;
    let rows = meter.finish();
    for note in notes {
        output::note(format_args!("warning: {name}: {note}"));
    }
    Ok((Summary { rows, rejected }, rejects))
}

/// Writes the partitions of a queue until it is closed.
async fn write<E: Import>(
    db: Db,
    mut partitions: mpsc::Receiver<RowSet<E>>,
    meter: Arc<Meter>,
    now: Timestamp,
) -> Result<(), DbErr> {
    while let Some(partition) = partitions.recv().await {
        let rows = partition.rows.len() as u64;
        E::make_parents(db.writer(), &partition, now).await?;
        write_partition(&db, partition, now).await?;
        counts::fold(&db).await?;
        meter.add(rows);
    }
    Ok(())
}

/// Writes rows in one transaction, again if it met another in a deadlock.
async fn write_partition<E: Import>(
    db: &Db,
    partition: RowSet<E>,
    now: Timestamp,
) -> Result<(), DbErr> {
    let write = async |partition| {
        let transaction = db.begin_write().await?;
        store::prefer_indexes(&transaction).await?;
        E::store(&transaction, partition, now).await?;
        transaction.commit().await
    };
    // SQLite has one writer at a time.
    if db.backend() == DbBackend::Postgres {
        for _ in 1..MAX_TRIES {
            let copy = RowSet { columns: partition.columns, rows: partition.rows.clone() };
            match write(copy).await {
                Err(error) if Failure::of(&error) == Failure::Conflict => {}
                written => return written,
            }
        }
    }
    write(partition).await
}

/// Partitions a batch and queues a part for each writer. Returns whether they still run: if not, they
/// return the failure of the database.
fn partition<E: Import>(batch: RowSet<E>, queues: &[mpsc::Sender<RowSet<E>>]) -> bool {
    let partitions = batch.partition(E::OWNER, queues.len());
    partitions.into_iter().zip(queues).all(|(part, queue)| queue.blocking_send(part).is_ok())
}

/// A file that was read to its end.
struct FileRead {
    rejected: u64,
    rejects: Option<RejectFile>,
    notes: Vec<String>,
}

/// Reads the file to its end, or to its first bad row if there is no reject file.
fn read_file<E: Import>(
    mut source: Source,
    mut rejects: Option<RejectFile>,
    queues: &[mpsc::Sender<RowSet<E>>],
    complete: bool,
) -> Result<FileRead, ImportError> {
    let file = source.name.clone();
    let mut layout = Layout::<E>::new(source.headers(), source.has_fixed_columns(), complete)
        .map_err(|reason| ImportError::File { file: file.clone(), reason })?;
    let mut rows = Vec::with_capacity(BATCH_ROWS);
    let mut first_unsaved = 1;
    let mut rejected = 0;
    while let Some(row) = source.next() {
        let (line, bad, text) = match row {
            Ok(row) => {
                if rows.is_empty() {
                    first_unsaved = row.line;
                }
                match layout.read(&row) {
                    Ok(values) => {
                        rows.push(values);
                        if rows.len() == BATCH_ROWS {
                            let rows = mem::replace(&mut rows, Vec::with_capacity(BATCH_ROWS));
                            let batch = RowSet { columns: layout.columns(), rows };
                            if !partition(batch, queues) {
                                break;
                            }
                        }
                        continue;
                    }
                    Err(bad) => (row.line, bad, None),
                }
            }
            Err(ReadError::Row { line, reason, text }) => {
                (line, BadCell { column: None, reason }, Some(text))
            }
            Err(ReadError::Content { line, reason }) => {
                let first_unsaved = if rows.is_empty() { line } else { first_unsaved };
                return Err(ImportError::Content { file, line, reason, first_unsaved });
            }
            Err(ReadError::File(reason)) => return Err(ImportError::File { file, reason }),
        };
        let Some(rejects) = &mut rejects else {
            return Err(ImportError::Row {
                file,
                line,
                column: bad.column,
                reason: bad.reason,
                first_unsaved: if rows.is_empty() { line } else { first_unsaved },
            });
        };
        rejected += 1;
        rejects.write(&json!({
            "file": file,
            "line": line,
            "column": bad.column,
            "reason": bad.reason,
            "row": text.map_or_else(|| source.row_as_json(), Json::from),
        }))?;
    }
    if !rows.is_empty() {
        _ = partition(RowSet { columns: layout.columns(), rows }, queues);
    }
    Ok(FileRead { rejected, rejects, notes: layout.notes.lines() })
}
