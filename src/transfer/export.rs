//! Exporting the tables, in a form that an import reads back the same.

use std::io::Write;

use entity::{Columns, Field, Table, agent, configuration, job, job_event, job_run, to_json};
use sea_orm::{DbErr, ModelTrait as _, Value};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::tables::{FileTable, Import, normalize};
use super::text;
use crate::db::{Db, Sql};
use crate::jobs::conditions::Conditions;
use crate::jobs::cursor::Cursor;
use crate::jobs::list::JobList;
use crate::jobs::order::Order;
use crate::jobs::page::{Bounds, Selection};
use crate::jobs::scope::Scope;

/// Rows that are read at once. Between pages no transaction is open: on SQLite a long reader
/// would keep the write-ahead log from being folded into the file.
const PAGE_ROWS: i64 = 2_000;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FileFormat {
    /// Comma-separated values with a line of headers (RFC 4180).
    Csv,
    /// One JSON object per line.
    Ndjson,
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] std::io::Error),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
}

/// What to export.
#[derive(Debug)]
pub struct Options<'a> {
    pub table: FileTable,
    /// Of jobs those that match; of runs and events those whose job does.
    pub conditions: &'a Conditions,
    /// The order of jobs; `None`: that of their ids, as other tables have.
    pub order: Option<Order>,
    pub format: FileFormat,
    /// Write the columns that only the service uses, too.
    pub complete: bool,
}

/// Writes a table. Returns the number of rows.
pub async fn export(
    db: &Db,
    options: &Options<'_>,
    output: impl Write,
) -> Result<u64, ExportError> {
    let conditions = options.conditions;
    let everything = |_: &mut Sql| {};
    let of_matching_jobs = |sql: &mut Sql| {
        if conditions.is_empty() {
            return;
        }
        sql.push(" AND job_id IN (SELECT id FROM job");
        conditions.push_where(sql, &Scope::All);
        sql.push(")");
    };
    match options.table {
        FileTable::Configurations => {
            rows::<configuration::Entity>(db, everything, options, output).await
        }
        FileTable::Agents => rows::<agent::Entity>(db, everything, options, output).await,
        FileTable::Jobs => {
            if let Some(order) = options.order {
                return sorted_jobs(db, order, options, output).await;
            }
            let matching = |sql: &mut Sql| {
                sql.push(" AND id IN (SELECT id FROM job");
                conditions.push_where(sql, &Scope::All);
                sql.push(")");
            };
            rows::<job::Entity>(db, matching, options, output).await
        }
        FileTable::JobRuns => rows::<job_run::Entity>(db, of_matching_jobs, options, output).await,
        FileTable::JobEvents => {
            rows::<job_event::Entity>(db, of_matching_jobs, options, output).await
        }
    }
}

async fn rows<E: Import>(
    db: &Db,
    push_conditions: impl Fn(&mut Sql),
    options: &Options<'_>,
    output: impl Write,
) -> Result<u64, ExportError> {
    let columns = if options.complete { complete() } else { Columns::<E>::public() };
    let fields: Vec<_> = columns.fields().collect();
    let mut writer = Writer::new(options.format, &fields, output)?;
    let mut after = Uuid::nil();
    let mut count = 0;
    loop {
        let mut sql = Sql::new(db.backend());
        sql.push(&format!("SELECT {} FROM {} AS t", columns.select("t"), E::NAME))
            .push(" WHERE id > ")
            .bind(after);
        push_conditions(&mut sql);
        sql.push(" ORDER BY id LIMIT ").bind(PAGE_ROWS);
        let page = sql.all(db.reader()).await?;
        for row in &page {
            let values = fields
                .iter()
                .enumerate()
                .map(|(index, field)| field.kind.read(row, index))
                .collect::<Result<Vec<_>, _>>()?;
            if let Some(Value::Uuid(Some(id))) = values.first() {
                after = *id;
            }
            writer.write(&fields, &values)?;
            count += 1;
        }
        if i64::try_from(page.len()).unwrap_or(i64::MAX) < PAGE_ROWS {
            writer.finish()?;
            return Ok(count);
        }
    }
}

async fn sorted_jobs(
    db: &Db,
    order: Order,
    options: &Options<'_>,
    output: impl Write,
) -> Result<u64, ExportError> {
    let job = if options.complete { Columns::all() } else { Columns::<job::Entity>::public() };
    let fields: Vec<_> = job.fields().collect();
    let list = JobList::new(&Scope::All, options.conditions, order);
    let mut writer = Writer::new(options.format, &fields, output)?;
    let mut bounds = Bounds { after: None, before: None, limit: PAGE_ROWS, from_end: false };
    let mut count = 0;
    loop {
        let page = list.keyset_page(db.reader(), &bounds, Selection { job, run: None }).await?;
        for listed in &page.items {
            let values: Vec<_> = fields.iter().map(|field| listed.job.get(field.column)).collect();
            writer.write(&fields, &values)?;
            count += 1;
        }
        let end = page.items.last().map(|listed| Cursor::of(&listed.job, order.field));
        bounds.after = page.end.or(end);
        if !page.has_more {
            writer.finish()?;
            return Ok(count);
        }
    }
}

/// The error of the output itself: csv's own conversion hides which kind it is.
pub(super) fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => std::io::Error::other(format!("{kind:?}")),
    }
}

enum Writer<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Ndjson(std::io::BufWriter<W>),
}

impl<W: Write> Writer<W> {
    fn new<E: Table>(format: FileFormat, fields: &[&Field<E>], output: W) -> std::io::Result<Self> {
        match format {
            FileFormat::Csv => {
                // The cells come with their quotes, which tell a text from null.
                let mut writer = csv::WriterBuilder::new()
                    .quote_style(csv::QuoteStyle::Never)
                    .from_writer(output);
                writer
                    .write_record(fields.iter().map(|field| &field.external_name))
                    .map_err(io_error)?;
                Ok(Self::Csv(Box::new(writer)))
            }
            FileFormat::Ndjson => Ok(Self::Ndjson(std::io::BufWriter::new(output))),
        }
    }

    fn write<E: Table>(&mut self, fields: &[&Field<E>], values: &[Value]) -> std::io::Result<()> {
        match self {
            Self::Csv(writer) => {
                writer.write_record(values.iter().map(text::write_cell)).map_err(io_error)
            }
            Self::Ndjson(writer) => {
                let object: Map<String, Json> = fields
                    .iter()
                    .zip(values)
                    .map(|(field, value)| (field.external_name.clone(), to_json(value)))
                    .collect();
                writeln!(writer, "{}", Json::from(object))
            }
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Csv(mut writer) => writer.flush(),
            Self::Ndjson(mut writer) => writer.flush(),
        }
    }
}

/// What another database needs to go on with the rows: all columns but the internal ones that it computes
/// itself.
fn complete<E: Import>() -> Columns<E> {
    let is_computed = |name: &str| E::COMPUTED.contains(&normalize(name).as_str());
    let fields = E::fields().iter();
    let fields = fields.filter(|field| !(field.internal && is_computed(field.name)));
    fields.map(|field| field.column).collect()
}
