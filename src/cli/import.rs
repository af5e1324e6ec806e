use std::path::PathBuf;

use clap::{Args, ValueEnum};
use encoding_rs::Encoding;

use super::database_options::DatabaseOptions;
use super::failure::{Failure, print};
use crate::clock;
use crate::jobs::store;
use crate::output;
use crate::transfer::ReadOptions;
use crate::transfer::import::{self, ImportError};
use crate::transfer::output_file::OutputFile;
use crate::transfer::tables::FileTable;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    /// CSV, NDJSON or JSON files, also compressed with gzip or zstd or in a zip archive, in any
    /// order; - is standard input. TABLE=FILE says which table a file holds.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The table that the files hold. Told from each file's headers unless given.
    #[arg(long, value_enum)]
    table: Option<FileTable>,
    /// Write bad rows to this file, with the reasons, and continue; otherwise the first one ends
    /// the import. The file is only made if there are any.
    #[arg(long, value_name = "FILE", alias = "skip-bad-rows")]
    reject_file: Option<PathBuf>,
    /// Replace the reject file if it exists.
    #[arg(long, requires = "reject_file")]
    overwrite: bool,
    /// The columns of CSV files that have no line of headers, in their order.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// What separates the cells of CSV files, a character or \t. Told from the headers unless given.
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// The escape character in CSV files.
    #[arg(long, value_enum, default_value_t = Escape::None)]
    escape: Escape,
    /// Take quotes in CSV files as characters like any other, as bcp and sqlcmd write them.
    #[arg(long)]
    no_quotes: bool,
    /// The files' encoding, such as windows-1252 (a label of the WHATWG Encoding Standard). UTF-8
    /// unless given; UTF-16 is recognized.
    #[arg(long, value_name = "LABEL", value_parser = parse_encoding)]
    encoding: Option<&'static Encoding>,
    /// Take all columns of `export --complete`: agents then continue their runs here. Only from files
    /// that you trust, since an attempt's token is all that a report on its run needs.
    #[arg(long)]
    complete: bool,
}

/// What a backslash means in CSV files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Escape {
    /// A character like any other.
    None,
    /// The character after it is not special, as in exports of MySQL and Spark and in PostgreSQL's
    /// text format.
    Backslash,
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [b'"' | b'\n' | b'\r' | b'\\'] => Err("it cannot separate cells".to_owned()),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err("expected one ASCII character, or \\t".to_owned()),
    }
}

fn parse_encoding(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(label.as_bytes())
        .ok_or_else(|| "expected an encoding such as utf-8, utf-16le or windows-1252".to_owned())
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let read = ReadOptions {
        encoding: options.encoding,
        delimiter: options.delimiter,
        no_quotes: options.no_quotes,
        has_escapes: options.escape == Escape::Backslash,
        columns: options.columns,
        complete: options.complete,
        ..ReadOptions::default()
    };
    let mut protected = import::input_paths(&options.files);
    protected.extend(options.database.files()?);
    let reject_file = options
        .reject_file
        .map(|path| OutputFile::check(&path, &protected, options.overwrite))
        .transpose()
        .map_err(|reason| Failure::new(Failure::OUTPUT, format!("cannot write {reason}")))?;
    let files = import::look_at(&options.files, options.table, &read)?;
    let db = options.database.open().await?;
    let summary = import::import(&db, files, &read, reject_file, clock::now()).await;
    let stranded = store::stranded(db.reader()).await;
    db.close().await;
    let (summary, stranded) = (summary?, stranded?);
    if stranded > 0 {
        output::note(format_args!(
            "warning: {stranded} jobs are executing whose agents cannot report here. Import them again \
             when they have ended, end them with forceCancel, or move them with --complete"
        ));
    }
    print(format_args!("imported {} rows, {} rejected", summary.rows, summary.rejected))
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let code = match &error {
            ImportError::File { .. } => Self::NO_INPUT,
            ImportError::Row { .. } | ImportError::Content { .. } => Self::DATA,
            ImportError::RejectFile { .. } => Self::OUTPUT,
            ImportError::Database(_) => Self::DATABASE,
        };
        Self::new(code, error.to_string())
    }
}
