//! Reading the rows of a CSV or NDJSON file, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value as Json};

/// How far into a file its format is looked for.
const PEEK_BYTES: u64 = 1 << 16;

/// What a row may have in bytes: enough for any message, little enough to hold.
const ROW_BYTES: u64 = 16 << 20;

type Reader = Box<dyn Read + Send>;

/// A file that is being read.
pub struct Source {
    /// What messages call it.
    pub name: String,
    format: Format,
}

enum Format {
    Csv { reader: Box<csv::Reader<Reader>>, headers: Vec<String> },
    Ndjson { reader: Box<BufReader<Reader>>, line: u64, first: Option<Record> },
}

/// A row as the file has it.
#[derive(Debug)]
pub struct Record {
    /// The line that it begins at, counted from 1.
    pub line: u64,
    pub cells: Cells,
}

#[derive(Debug)]
pub enum Cells {
    /// In the order of the headers.
    Csv(csv::ByteRecord),
    Ndjson(Map<String, Json>),
}

/// Why there is no record.
#[derive(Debug)]
pub enum ReadError {
    /// The row is no row; those after it can be read.
    Row { line: u64, reason: String, text: String },
    /// Nothing more can be read.
    File(String),
}

/// How much of a file was read, for a progress bar to look at.
#[derive(Clone, Debug)]
pub struct Progress {
    /// `None` for standard input.
    pub bytes_total: Option<u64>,
    pub bytes_read: Arc<AtomicU64>,
}

struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Source {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// Why it cannot be read, in words that name no file.
    pub fn open(path: &Path) -> Result<(Self, Progress), String> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let (name, raw, bytes_total): (_, Reader, _) = if path == Path::new("-") {
            ("standard input".to_owned(), Box::new(io::stdin()), None)
        } else {
            let file = File::open(path).map_err(|error| error.to_string())?;
            let metadata = file.metadata().map_err(|error| error.to_string())?;
            if metadata.is_dir() {
                return Err("it is a folder".to_owned());
            }
            // A pipe has no length.
            let length = metadata.is_file().then_some(metadata.len());
            (path.display().to_string(), Box::new(file), length)
        };
        let progress = Progress { bytes_total, bytes_read: Arc::clone(&bytes_read) };
        let format = detect(Box::new(Counted(raw, bytes_read)))?;
        Ok((Self { name, format }, progress))
    }

    /// The columns' names: the headers of CSV, the keys of the first object of NDJSON.
    pub fn headers(&self) -> Vec<String> {
        match &self.format {
            Format::Csv { headers, .. } => headers.clone(),
            Format::Ndjson { first: Some(Record { cells: Cells::Ndjson(object), .. }), .. } => {
                object.keys().cloned().collect()
            }
            Format::Ndjson { .. } => Vec::new(),
        }
    }

    /// Whether every row has all columns.
    pub fn has_fixed_columns(&self) -> bool {
        matches!(self.format, Format::Csv { .. })
    }

    /// The next row; `None` at the end.
    pub fn next(&mut self) -> Option<Result<Record, ReadError>> {
        match &mut self.format {
            Format::Csv { reader, headers } => next_csv(reader, headers),
            Format::Ndjson { first: first @ Some(_), .. } => first.take().map(Ok),
            Format::Ndjson { reader, line, .. } => next_ndjson(reader, line),
        }
    }
}

fn detect(raw: Reader) -> Result<Format, String> {
    let (start, raw) = peek(raw)?;
    let (mut start, decoded) = if start.starts_with(&[0x1f, 0x8b]) {
        peek(Box::new(MultiGzDecoder::new(raw)))?
    } else {
        (start, raw)
    };
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16; expected UTF-8".to_owned());
    }
    let mut decoded = decoded;
    if start.starts_with("\u{feff}".as_bytes()) {
        decoded.read_exact(&mut [0; 3]).map_err(|error| error.to_string())?;
        start.drain(..3);
    }
    match start.trim_ascii_start().first() {
        Some(b'{') => {
            let mut reader = Box::new(BufReader::with_capacity(1 << 16, decoded));
            let mut line = 0;
            // The first object tells the columns. If it is bad it is met again as a row.
            match next_ndjson(&mut reader, &mut line) {
                Some(Ok(first)) => Ok(Format::Ndjson { reader, line, first: Some(first) }),
                Some(Err(ReadError::Row { line, reason, .. })) => {
                    Err(format!("line {line}: {reason}"))
                }
                Some(Err(ReadError::File(reason))) => Err(reason),
                None => Ok(Format::Ndjson { reader, line, first: None }),
            }
        }
        Some(b'[') => Err("it is a JSON array; expected one JSON object per line".to_owned()),
        _ => {
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(delimiter(&start))
                .flexible(true)
                .from_reader(decoded);
            let headers = reader.headers().map_err(|error| error.to_string())?;
            let headers = headers.iter().map(|header| header.trim().to_owned()).collect();
            Ok(Format::Csv { reader: Box::new(reader), headers })
        }
    }
}

/// The start of a file, and the whole of it.
fn peek(mut raw: Reader) -> Result<(Vec<u8>, Reader), String> {
    let mut start = Vec::new();
    raw.by_ref().take(PEEK_BYTES).read_to_end(&mut start).map_err(|error| error.to_string())?;
    let whole = Box::new(Cursor::new(start.clone()).chain(raw));
    Ok((start, whole))
}

/// Which of the usual separators the headers have most of.
fn delimiter(start: &[u8]) -> u8 {
    let header = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| header.iter().filter(|byte| **byte == delimiter).count();
    // The comma comes last: `max_by_key` takes the last of equals.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn next_csv(
    reader: &mut csv::Reader<Reader>,
    headers: &[String],
) -> Option<Result<Record, ReadError>> {
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(false) => None,
        Ok(true) => {
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() == headers.len() {
                return Some(Ok(Record { line, cells: Cells::Csv(record) }));
            }
            let text: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
            Some(Err(ReadError::Row {
                line,
                reason: format!(
                    "expected {} fields, as the headers have, not {}",
                    headers.len(),
                    record.len()
                ),
                text: text.join(","),
            }))
        }
        Err(error) => Some(Err(ReadError::File(error.to_string()))),
    }
}

fn next_ndjson(
    reader: &mut BufReader<Reader>,
    line: &mut u64,
) -> Option<Result<Record, ReadError>> {
    let mut text = Vec::new();
    loop {
        text.clear();
        match reader.by_ref().take(ROW_BYTES).read_until(b'\n', &mut text) {
            Ok(0) => return None,
            Ok(n) if n as u64 == ROW_BYTES && text.last() != Some(&b'\n') => {
                return Some(Err(ReadError::File(format!(
                    "line {}: a row has more than {ROW_BYTES} bytes",
                    *line + 1
                ))));
            }
            Ok(_) => *line += 1,
            Err(error) => return Some(Err(ReadError::File(error.to_string()))),
        }
        if !text.trim_ascii().is_empty() {
            break;
        }
    }
    Some(match serde_json::from_slice(&text) {
        Ok(object) => Ok(Record { line: *line, cells: Cells::Ndjson(object) }),
        Err(error) => Err(ReadError::Row {
            line: *line,
            reason: format!("expected a JSON object: {error}"),
            text: String::from_utf8_lossy(text.trim_ascii()).into_owned(),
        }),
    })
}

impl Record {
    /// The row for a person to mend: an object with the file's own names.
    pub fn to_json(&self, headers: &[String]) -> Json {
        match &self.cells {
            Cells::Csv(record) => headers
                .iter()
                .zip(record)
                .map(|(header, cell)| (header.clone(), String::from_utf8_lossy(cell).into()))
                .collect::<Map<_, _>>()
                .into(),
            Cells::Ndjson(object) => object.clone().into(),
        }
    }
}
