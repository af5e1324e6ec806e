//! Importing exports of the tables.
//!
//! A thread reads and checks rows; batches of them go through short queues to the database, which
//! takes each in one transaction (on PostgreSQL in several, each with a queue of its own). Memory is
//! that of a few batches, whatever the files' size. Rows are written by id and never over a newer
//! one, so an import that was interrupted is simply run again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entity::{Columns, Timestamp, agent, configuration, job, job_run};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Value};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::progress::Meter;
use super::source::{Cells, ReadError, Record, Source};
use super::tables::{FileTable, Import};
use super::text;
use crate::db::{Db, error_code};
use crate::jobs::counts;
use crate::jobs::store::{self, RowSet};

/// Rows that are read, and all good, before any of them is written.
const BATCH_ROWS: usize = 10_000;

/// Transactions that share the batches on PostgreSQL, where each has a processor of the server to
/// itself. They never touch the same job, and seldom wait for each other.
const POSTGRES_WRITERS: usize = 2;

/// How often a transaction is tried that others keep waiting for, and that waits for them: writers of
/// the same new agents of configurations, or a server that takes reports. PostgreSQL ends one of them.
const TRIES: u32 = 5;

/// PostgreSQL's code of what ends it.
const DEADLOCK: &str = "40P01";

/// Pages of 4 KiB in SQLite's log from which on they are written to their places. Every batch has
/// rows all over the indexes, so that several batches in the log have many pages in common.
const LOG_PAGES: u32 = 16_384;

/// Shares of batches that wait for their writer.
const SHARES_AHEAD: usize = 2;

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
    if db.backend() == DbBackend::Sqlite {
        let pragma = format!("PRAGMA wal_autocheckpoint = {LOG_PAGES}");
        db.writer().execute_unprepared(&pragma).await?;
    }
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
    let writers = match db.backend() {
        DbBackend::Postgres => POSTGRES_WRITERS,
        _ => 1,
    };
    let meter = Arc::new(meter);
    let (mut queues, mut writing) = (Vec::new(), JoinSet::new());
    for _ in 0..writers {
        let (queue, shares) = mpsc::channel(SHARES_AHEAD);
        queues.push(queue);
        writing.spawn(write::<E>(db.clone(), shares, Arc::clone(&meter), now));
    }
    let reading = tokio::task::spawn_blocking(move || read_file::<E>(source, aside, &queues));
    while let Some(written) = writing.join_next().await {
        written.expect("writing does not panic")?;
    }
    let (bad_rows, aside) = reading.await.expect("reading does not panic")?;
    let rows = meter.finish();
    Ok((Summary { rows, bad_rows }, aside))
}

/// Writes what comes, until there is no more.
async fn write<E: Import>(
    db: Db,
    mut shares: mpsc::Receiver<RowSet<E>>,
    meter: Arc<Meter>,
    now: Timestamp,
) -> Result<(), DbErr> {
    while let Some(share) = shares.recv().await {
        let rows = share.rows.len() as u64;
        E::make_parents(db.writer(), &share, now).await?;
        write_share(&db, share, now).await?;
        counts::fold(&db).await?;
        meter.add(rows);
    }
    Ok(())
}

/// Writes rows in one transaction, again if it met another in a deadlock.
async fn write_share<E: Import>(db: &Db, share: RowSet<E>, now: Timestamp) -> Result<(), DbErr> {
    let write = async |share| {
        let transaction = db.begin_write().await?;
        store::prefer_indexes(&transaction).await?;
        E::store(&transaction, share, now).await?;
        transaction.commit().await
    };
    // SQLite has one writer at a time.
    if db.backend() == DbBackend::Postgres {
        for _ in 1..TRIES {
            let copy = RowSet { columns: share.columns, rows: share.rows.clone() };
            match write(copy).await {
                Err(error) if error_code(&error).as_deref() == Some(DEADLOCK) => {}
                written => return written,
            }
        }
    }
    write(share).await
}

/// Deals a batch out to the writers. Tells whether they still take something: if not, the database
/// failed, and they say why.
fn deal<E: Import>(batch: RowSet<E>, queues: &[mpsc::Sender<RowSet<E>>]) -> bool {
    let shares = batch.split(E::OWNER, queues.len());
    shares.into_iter().zip(queues).all(|(share, queue)| queue.blocking_send(share).is_ok())
}

/// Reads the file to its end, or to its first bad row if there is nowhere to put it. Returns the
/// number of bad rows.
fn read_file<E: Import>(
    mut source: Source,
    mut aside: Option<BadRows>,
    queues: &[mpsc::Sender<RowSet<E>>],
) -> Result<(u64, Option<BadRows>), ImportError> {
    let mut layout = Layout::<E>::new(source.headers());
    if source.has_fixed_columns() {
        layout.fix().map_err(|reason| ImportError::File { file: source.name.clone(), reason })?;
    }
    let mut rows = Vec::with_capacity(BATCH_ROWS);
    let mut first_unsaved = 1;
    let mut bad_rows = 0;
    while let Some(record) = source.next() {
        let (line, bad, row) = match record {
            Ok(record) => {
                if rows.is_empty() {
                    first_unsaved = record.line;
                }
                match layout.read(&record) {
                    Ok(row) => {
                        rows.push(row);
                        if rows.len() == BATCH_ROWS {
                            let rows = mem::replace(&mut rows, Vec::with_capacity(BATCH_ROWS));
                            let batch = RowSet { columns: layout.columns, rows };
                            if !deal(batch, queues) {
                                break;
                            }
                        }
                        continue;
                    }
                    Err(bad) => (record.line, bad, record.to_json(&layout.headers)),
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
                first_unsaved: if rows.is_empty() { line } else { first_unsaved },
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
    if !rows.is_empty() {
        _ = deal(RowSet { columns: layout.columns, rows }, queues);
    }
    Ok((bad_rows, aside))
}

/// Where the cells of a file go in the table's rows.
struct Layout<E: Import> {
    headers: Vec<String>,
    /// The place of each header's column among the table's; none for a header that means none.
    places: Vec<Option<usize>>,
    /// The same for the keys of NDJSON, as they are met.
    known: HashMap<String, Option<usize>>,
    /// All columns that were met.
    columns: Columns<E>,
    required: Vec<usize>,
    nulls: Vec<Value>,
}

impl<E: Import> Layout<E> {
    fn new(headers: Vec<String>) -> Self {
        Self {
            headers,
            places: Vec::new(),
            known: HashMap::new(),
            columns: Columns::none(),
            required: E::REQUIRED.iter().map(|name| E::place(name)).collect(),
            nulls: E::fields().iter().map(|field| field.kind.null()).collect(),
        }
    }

    /// Looks up the headers of a file whose rows all have them.
    fn fix(&mut self) -> Result<(), String> {
        self.places = self.headers.iter().map(|header| place::<E>(header)).collect();
        for place in self.places.iter().flatten() {
            if self.columns.places().any(|each| each == *place) {
                return Err(format!("it has the column {} twice", E::fields()[*place].seed));
            }
            self.columns.insert_at(*place);
        }
        for required in &self.required {
            if !self.columns.places().any(|place| place == *required) {
                return Err(format!("it has no column {}", E::fields()[*required].seed));
            }
        }
        Ok(())
    }

    /// A whole row of the table, null where the file says nothing.
    fn read(&mut self, record: &Record) -> Result<Vec<Value>, BadCell> {
        let mut row = self.nulls.clone();
        match &record.cells {
            Cells::Csv(cells) => {
                for ((cell, place), header) in cells.iter().zip(&self.places).zip(&self.headers) {
                    let Some(place) = *place else { continue };
                    row[place] = std::str::from_utf8(cell)
                        .map_err(|_| "expected UTF-8".to_owned())
                        .and_then(|cell| text::read(E::fields()[place].kind, cell))
                        .map_err(|reason| BadCell { column: Some(header.clone()), reason })?;
                }
            }
            Cells::Ndjson(object) => {
                for (key, value) in object {
                    let Some(place) = self.look_up(key) else { continue };
                    self.columns.insert_at(place);
                    row[place] = text::read_json(E::fields()[place].kind, value)
                        .map_err(|reason| BadCell { column: Some(key.clone()), reason })?;
                }
            }
        }
        // .NET's Guid.Empty: no id.
        for (field, value) in E::fields().iter().zip(&mut row) {
            if field.nullable && *value == Value::Uuid(Some(Uuid::nil())) {
                *value = Value::Uuid(None);
            }
        }
        for &required in &self.required {
            if row[required] == self.nulls[required] {
                return Err(BadCell {
                    column: Some(E::fields()[required].seed.clone()),
                    reason: "expected a value, not null".to_owned(),
                });
            }
        }
        Ok(row)
    }

    fn look_up(&mut self, key: &str) -> Option<usize> {
        if let Some(place) = self.known.get(key) {
            return *place;
        }
        let place = place::<E>(key);
        self.known.insert(key.to_owned(), place);
        place
    }
}

/// The place of the column that a header means. One that means none is warned of.
fn place<E: Import>(header: &str) -> Option<usize> {
    let name = E::resolve(header);
    if E::COMPUTED.contains(&name.as_str()) {
        return None;
    }
    let place = E::fields().iter().position(|field| field.name == name && !field.internal);
    if place.is_none() {
        tracing::warn!(table = E::NAME, column = header, "ignoring a column that is not known");
    }
    place
}
