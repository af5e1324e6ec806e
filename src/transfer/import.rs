//! Importing exports of the tables.
//!
//! A thread reads and checks rows; batches of them go through a short queue to the database,
//! which takes each in one transaction. Memory is that of a few batches, whatever the files'
//! size. Rows are written by id and never over a newer one, so an import that was interrupted
//! is simply run again.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use entity::{Columns, Timestamp, agent, configuration, job, job_run};
use sea_orm::{DbErr, Value};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

use super::progress::Meter;
use super::source::{Cells, Headers, ReadError, Record, Source};
use super::tables::{FileTable, Import};
use super::text;
use crate::db::Db;
use crate::jobs::counts;
use crate::jobs::store::{self, RowSet};

/// Rows that are written in one transaction.
const BATCH_ROWS: usize = 2_000;

/// Batches that wait for the database.
const BATCHES_AHEAD: usize = 2;

/// What to import.
pub struct Options<'a> {
    pub files: &'a [PathBuf],
    /// The table that all files hold; `None` to tell from each file's headers.
    pub table: Option<FileTable>,
    /// Where bad rows go; `None` to stop at the first.
    pub bad_rows: Option<&'a Path>,
    pub now: Timestamp,
}

/// What an import has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows read and written, unless what was there was newer.
    pub rows: u64,
    /// Rows put aside.
    pub bad_rows: u64,
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
         Nothing from line {first_unsaved} on was imported. Mend the row and run the same command \
         again: rows that are saved already change nothing. Or put bad rows aside with \
         --skip-bad-rows FILE.",
        .column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default()
    )]
    Row { file: String, line: u64, column: Option<String>, reason: String, first_unsaved: u64 },
    /// The file for bad rows cannot be written.
    #[error("cannot write {file}: {reason}")]
    BadRows { file: String, reason: String },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
}

/// Imports the files, one after the other.
pub async fn import(db: &Db, options: &Options<'_>) -> Result<Summary, ImportError> {
    let mut aside = options.bad_rows.map(BadRows::create).transpose()?;
    let mut summary = Summary::default();
    for path in options.files {
        let file_error = |reason| ImportError::File { file: path.display().to_string(), reason };
        let (source, progress) = Source::open(path).map_err(file_error)?;
        let headers = source.headers();
        let table = options.table.or_else(|| FileTable::detect(&headers)).ok_or_else(|| {
            file_error(
                "its headers are those of no table; --table says which one it holds".to_owned(),
            )
        })?;
        let meter = Meter::start(&source.name, progress);
        let (done, aside_again) = match table {
            FileTable::Configurations => {
                import_file::<configuration::Entity>(db, source, aside, meter, options.now).await
            }
            FileTable::Agents => {
                import_file::<agent::Entity>(db, source, aside, meter, options.now).await
            }
            FileTable::Jobs => {
                import_file::<job::Entity>(db, source, aside, meter, options.now).await
            }
            FileTable::JobRuns => {
                import_file::<job_run::Entity>(db, source, aside, meter, options.now).await
            }
        }?;
        aside = aside_again;
        summary.rows += done.rows;
        summary.bad_rows += done.bad_rows;
    }
    if let Some(aside) = aside {
        aside.finish()?;
    }
    Ok(summary)
}

/// Bad rows that were put aside, one JSON object per line.
struct BadRows {
    path: PathBuf,
    file: BufWriter<File>,
}

impl BadRows {
    fn create(path: &Path) -> Result<Self, ImportError> {
        let error = |error: std::io::Error| ImportError::BadRows {
            file: path.display().to_string(),
            reason: error.to_string(),
        };
        let file = File::create(path).map_err(error)?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    fn write(&mut self, row: &Json) -> Result<(), ImportError> {
        writeln!(self.file, "{row}").map_err(|error| self.error(&error))
    }

    fn finish(mut self) -> Result<(), ImportError> {
        self.file.flush().map_err(|error| self.error(&error))
    }

    fn error(&self, error: &std::io::Error) -> ImportError {
        ImportError::BadRows { file: self.path.display().to_string(), reason: error.to_string() }
    }
}

/// A row's values, by their columns' places in the table.
type Cell = (usize, Value);

struct BadCell {
    column: Option<String>,
    reason: String,
}

async fn import_file<E: Import>(
    db: &Db,
    source: Source,
    aside: Option<BadRows>,
    meter: Meter,
    now: Timestamp,
) -> Result<(Summary, Option<BadRows>), ImportError> {
    let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
    let reading = tokio::task::spawn_blocking(move || read_file::<E>(source, aside, &sender));
    let mut rows = 0;
    while let Some(batch) = batches.recv().await {
        let count = batch.rows.len();
        let transaction = db.begin_write().await?;
        store::prefer_indexes(&transaction).await?;
        E::store(&transaction, batch, now).await?;
        transaction.commit().await?;
        counts::fold(db).await?;
        rows += count as u64;
        meter.add(count as u64);
    }
    let (bad_rows, aside) = reading.await.expect("reading does not panic")?;
    meter.finish();
    Ok((Summary { rows, bad_rows }, aside))
}

/// Reads the file to its end, or to its first bad row if there is nowhere to put it. Returns the
/// number of bad rows.
fn read_file<E: Import>(
    mut source: Source,
    mut aside: Option<BadRows>,
    batches: &mpsc::Sender<RowSet<E>>,
) -> Result<(u64, Option<BadRows>), ImportError> {
    let headers = source.headers();
    let mut known = Headers::new();
    if source.has_fixed_columns() {
        check_headers::<E>(&headers, &mut known)
            .map_err(|reason| ImportError::File { file: source.name.clone(), reason })?;
    }
    let mut columns = Columns::<E>::none();
    let mut batch: Vec<Vec<Cell>> = Vec::with_capacity(BATCH_ROWS);
    let mut first_unsaved = 1;
    let mut bad_rows = 0;
    while let Some(record) = source.next() {
        let (line, bad, row) = match record {
            Ok(record) => {
                if batch.is_empty() {
                    first_unsaved = record.line;
                }
                match read_row::<E>(&record, &headers, &mut known, &mut columns) {
                    Ok(row) => {
                        batch.push(row);
                        if batch.len() == BATCH_ROWS && !send(batches, &mut batch, columns) {
                            break;
                        }
                        continue;
                    }
                    Err(bad) => (record.line, bad, record.to_json(&headers)),
                }
            }
            Err(ReadError::Row { line, reason, text }) => {
                (line, BadCell { column: None, reason }, text.into())
            }
            Err(ReadError::File(reason)) => {
                return Err(ImportError::File { file: source.name, reason });
            }
        };
        let Some(aside) = &mut aside else {
            return Err(ImportError::Row {
                file: source.name,
                line,
                column: bad.column,
                reason: bad.reason,
                first_unsaved: if batch.is_empty() { line } else { first_unsaved },
            });
        };
        bad_rows += 1;
        aside.write(&json!({
            "file": source.name,
            "line": line,
            "column": bad.column,
            "reason": bad.reason,
            "row": row,
        }))?;
    }
    send(batches, &mut batch, columns);
    Ok((bad_rows, aside))
}

/// Hands a batch over; false if nobody takes it any more.
fn send<E: Import>(
    batches: &mpsc::Sender<RowSet<E>>,
    batch: &mut Vec<Vec<Cell>>,
    columns: Columns<E>,
) -> bool {
    if batch.is_empty() {
        return true;
    }
    let columns: Vec<_> = columns.fields().collect();
    // Where each of the table's columns stands in a row.
    let mut places = vec![0; E::fields().len()];
    for (place, field) in columns.iter().enumerate() {
        let index = E::fields().iter().position(|each| each.name == field.name);
        places[index.expect("it is the table's")] = place;
    }
    let nulls: Vec<_> = columns.iter().map(|field| field.kind.null()).collect();
    let rows = batch.drain(..).map(|cells| {
        let mut row = nulls.clone();
        for (index, value) in cells {
            row[places[index]] = value;
        }
        row
    });
    let rows = rows.collect();
    batches.blocking_send(RowSet { columns, rows }).is_ok()
}

/// Looks up all headers of a CSV file.
fn check_headers<E: Import>(headers: &[String], known: &mut Headers) -> Result<(), String> {
    let mut seen = Vec::new();
    for header in headers {
        if let Some(index) = look_up::<E>(header, known) {
            if seen.contains(&index) {
                return Err(format!("it has the column {} twice", E::fields()[index].seed));
            }
            seen.push(index);
        }
    }
    for required in E::REQUIRED {
        if !seen.iter().any(|index| E::fields()[*index].name == *required) {
            return Err(format!("it has no column {}", entity::pascal_case(required)));
        }
    }
    Ok(())
}

/// The place of the column that a header means. One that means none is warned of, once.
fn look_up<E: Import>(header: &str, known: &mut Headers) -> Option<usize> {
    if let Some(index) = known.get(header) {
        return *index;
    }
    let name = E::resolve(header);
    let is_computed = E::COMPUTED.contains(&name.as_str());
    let index = E::fields().iter().position(|field| field.name == name).filter(|_| !is_computed);
    if index.is_none() && !is_computed {
        tracing::warn!(table = E::NAME, column = header, "ignoring a column that is not known");
    }
    known.insert(header.to_owned(), index);
    index
}

fn read_row<E: Import>(
    record: &Record,
    headers: &[String],
    known: &mut Headers,
    columns: &mut Columns<E>,
) -> Result<Vec<Cell>, BadCell> {
    let mut row: Vec<Cell> = Vec::with_capacity(E::fields().len());
    let mut push = |header: &str, read: &dyn Fn(entity::Kind) -> Result<Value, String>| {
        let Some(index) = look_up::<E>(header, known) else { return Ok(()) };
        let field = &E::fields()[index];
        columns.insert(field.column);
        let bad = |reason| BadCell { column: Some(header.to_owned()), reason };
        let value = read(field.kind).map_err(bad)?;
        if value == field.kind.null() && E::REQUIRED.contains(&field.name) {
            return Err(bad("expected a value, not null".to_owned()));
        }
        row.push((index, value));
        Ok(())
    };
    match &record.cells {
        Cells::Csv(cells) => {
            for (header, cell) in headers.iter().zip(cells) {
                push(header, &|kind| match std::str::from_utf8(cell) {
                    Ok(cell) => text::read(kind, cell),
                    Err(_) => Err("expected UTF-8".to_owned()),
                })?;
            }
        }
        Cells::Ndjson(object) => {
            for (key, value) in object {
                push(key, &|kind| text::read_json(kind, value))?;
            }
        }
    }
    for required in E::REQUIRED {
        if !row.iter().any(|(index, _)| E::fields()[*index].name == *required) {
            let column = entity::pascal_case(required);
            return Err(BadCell { column: Some(column), reason: "it is missing".to_owned() });
        }
    }
    Ok(row)
}
