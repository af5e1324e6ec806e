//! The rows of a file, whatever its format.

use std::io::Read as _;

use encoding_rs::Encoding;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::csv::{self, CsvError, Dialect, Fault, Records};
use super::input::{Input, Opened, Progress, Reader};
use super::json::{self, Arrangement, JsonError, Object, Objects};

/// What a row may have in bytes: enough for any message, little enough to hold.
const ROW_BYTES: usize = 16 << 20;

/// The header that SQL Server gives to the one column of `FOR JSON`.
const FOR_JSON: &[u8] = b"JSON_F52E2B61-18A1-11d1-B105-00805F49916B";

const DOUBLED_BACKSLASHES: &str = "; its backslashes seem to be doubled, as by PostgreSQL's COPY in its \
    text format: write JSON with psql -At -c \"SELECT row_to_json(t) FROM ...\" -o FILE";

/// How files are read, where they do not tell by themselves.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// `None` for UTF-8, or UTF-16 where a file looks like it.
    pub encoding: Option<&'static Encoding>,
    /// `None` for what the headers have most of.
    pub delimiter: Option<u8>,
    /// Whether quotes in CSV are characters like any other.
    pub no_quotes: bool,
    /// Whether a backslash in CSV escapes the next character.
    pub has_escapes: bool,
    /// The names of the columns of CSV without headers.
    pub columns: Option<Vec<String>>,
    /// Whether the columns that only the service uses are taken.
    pub complete: bool,
    /// What a row may have in bytes.
    pub row_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            encoding: None,
            delimiter: None,
            no_quotes: false,
            has_escapes: false,
            columns: None,
            complete: false,
            row_bytes: ROW_BYTES,
        }
    }
}

/// A file that is being read.
pub struct Source {
    /// What messages call it.
    pub name: String,
    /// What the file was taken for, such as `CSV, separated by semicolons, UTF-16LE`.
    pub description: String,
    pub progress: Progress,
    headers: Vec<String>,
    first_line: String,
    format: Format,
}

enum Format {
    Csv {
        records: Box<Records<Reader>>,
        record: csv::Record,
        /// Whether the next record may be a line of dashes below the headers.
        is_first: bool,
        layout: CsvLayout,
    },
    Json {
        objects: Box<Objects<Reader>>,
        text: Vec<u8>,
    },
}

/// What the beginning of a CSV file tells about its cells.
#[derive(Clone, Copy, Debug, Default)]
pub struct CsvLayout {
    /// Cells are filled up with blanks, as by SQL clients that draw columns.
    pub is_padded: bool,
    /// Quotes are around everything, so that they do not tell a text from null.
    pub quotes_everything: bool,
}

/// A row as the file has it.
pub struct Row<'a> {
    /// The line that it begins at, from 1.
    pub line: u64,
    pub cells: Cells<'a>,
}

pub enum Cells<'a> {
    /// In the order of the headers.
    Csv(&'a csv::Record, CsvLayout),
    Json(Object),
}

/// Why there is no row.
#[derive(Debug)]
pub enum ReadError {
    /// The row is no row; those after it can be read.
    Row { line: u64, reason: String, text: String },
    /// Nothing more can be read, since the content is damaged from this line on.
    Content { line: u64, reason: String },
    /// Nothing more can be read.
    File(String),
}

impl Source {
    /// Opens an input and finds out what it holds.
    ///
    /// # Errors
    /// Why it cannot be read, in words that name no file.
    pub fn open(input: &Input, options: &ReadOptions) -> Result<Self, String> {
        Self::new(input.name.clone(), input.open(options.encoding)?, options)
    }

    /// Finds out what an open file holds.
    ///
    /// # Errors
    /// Why it cannot be read, in words that name no file.
    pub fn new(name: String, opened: Opened, options: &ReadOptions) -> Result<Self, String> {
        let Opened { start, mut content, layers, progress } = opened;
        let first_line: String =
            String::from_utf8_lossy(csv::first_line(&start)).chars().take(80).collect();
        let limit = options.row_bytes;
        let skip = for_json_prefix(&start);
        let rest = &start[skip..];
        let (format, what, headers) = if let Some(arrangement) = json::arrangement(rest) {
            let line = 1 + line_breaks(&start[..skip]);
            skip_bytes(&mut content, skip)?;
            let mut objects = Objects::new(content, arrangement, line, limit);
            if skip > 0 {
                objects = objects.cut_into_lines();
            }
            let what = match arrangement {
                Arrangement::Lines => "NDJSON",
                Arrangement::Sequence => "JSON objects",
                Arrangement::Array { .. } => "a JSON array",
            };
            let headers = keys(Objects::new(rest, arrangement, 1, limit), skip > 0);
            let format = Format::Json { objects: Box::new(objects), text: Vec::new() };
            (format, what.to_owned(), headers)
        } else if start.trim_ascii().is_empty() && options.columns.is_none() && !is_named_csv(&name)
        {
            // An NDJSON file of no rows.
            let objects = Objects::new(content, Arrangement::Lines, 1, limit);
            let format = Format::Json { objects: Box::new(objects), text: Vec::new() };
            (format, "an empty file".to_owned(), Vec::new())
        } else {
            open_csv(&start, content, options)?
        };
        let description = [what].into_iter().chain(layers).collect::<Vec<_>>().join(", ");
        Ok(Self { name, description, progress, headers, first_line, format })
    }

    /// The columns' names: the headers of CSV, the keys of the first objects of JSON.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Whether every row has all columns.
    pub fn has_fixed_columns(&self) -> bool {
        matches!(self.format, Format::Csv { .. })
    }

    /// Whether it has neither columns nor rows.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.first_line.trim().is_empty()
    }

    /// What the beginning looks like, for a file that is no table's.
    pub fn looks_like(&self) -> String {
        let line = &self.first_line;
        let upper = line.trim_start().to_ascii_uppercase();
        let begins = |words: &[&str]| words.iter().any(|word| upper.starts_with(word));
        if line.trim().is_empty() {
            "it is empty, or begins with an empty line".to_owned()
        } else if begins(&["<"]) {
            format!("it looks like XML or HTML: {line:?}")
        } else if begins(&["INSERT ", "COPY ", "CREATE ", "SET ", "BEGIN", "--", "/*", "USE ["]) {
            format!("it looks like SQL statements: {line:?}")
        } else if self.headers.iter().any(|header| Uuid::parse_str(header).is_ok()) {
            format!(
                "its first line holds values, not the names of columns: {line:?}; name the columns \
                 with --columns, such as --columns Id,JobId,AgentId,AgentKey,AgentState"
            )
        } else if self.has_fixed_columns() && self.headers.len() == 1 {
            format!(
                "its first line is not separated by a comma, semicolon, tab or vertical bar: \
                 {line:?}; --delimiter gives another separator"
            )
        } else {
            format!("its first line is {line:?}")
        }
    }

    /// The next row; `None` at the end.
    pub fn next(&mut self) -> Option<Result<Row<'_>, ReadError>> {
        match &mut self.format {
            Format::Csv { records, record, is_first, layout } => {
                next_csv(records, record, is_first, layout, &self.headers)
            }
            Format::Json { objects, text } => next_json(objects, text),
        }
    }

    /// The present row for a person to correct: an object with the file's own names.
    pub fn row_as_json(&self) -> Json {
        match &self.format {
            Format::Csv { record, .. } => self
                .headers
                .iter()
                .zip(record.cells())
                .map(|(header, cell)| {
                    (header.clone(), String::from_utf8_lossy(cell.content).into())
                })
                .collect::<Map<_, _>>()
                .into(),
            Format::Json { text, .. } => serde_json::from_slice(text)
                .unwrap_or_else(|_| String::from_utf8_lossy(text).into_owned().into()),
        }
    }
}

fn next_csv<'a>(
    records: &mut Records<Reader>,
    record: &'a mut csv::Record,
    is_first: &mut bool,
    layout: &mut CsvLayout,
    headers: &[String],
) -> Option<Result<Row<'a>, ReadError>> {
    let name = |cell: usize| {
        headers
            .get(cell)
            .map_or_else(|| format!("column {}", cell + 1), |name| format!("column {name}"))
    };
    loop {
        match records.read(record) {
            Ok(false) => return None,
            Ok(true) => {}
            Err(error) => return Some(Err(csv_error(error, name))),
        }
        if std::mem::take(is_first) && is_line_of_dashes(record) {
            layout.is_padded = true;
            continue;
        }
        if record.is_blank() {
            continue;
        }
        let is_alone = record.cells().len() == 1 && headers.len() > 1;
        if is_alone && record.cells().all(|cell| json::is_row_count(cell.content.trim_ascii())) {
            continue;
        }
        break;
    }
    let (line, cells) = (record.line, record.cells().len());
    let escape =
        "this file seems to escape quotes with a backslash, which --escape backslash reads";
    let reason = match record.fault {
        Some(Fault::TextAfterQuote { line, cell, is_after_backslash }) => {
            let advice = if is_after_backslash {
                escape
            } else {
                "within quotes, a quote is written twice; --no-quotes takes quotes as they are"
            };
            format!(
                "{}: text follows the quote that ends the cell begun in line {line}; {advice}",
                name(cell)
            )
        }
        Some(Fault::EscapedQuote { line, cell }) => {
            format!(
                "{}: the cell begun in line {line} ends with a backslash and a quote; {escape}",
                name(cell)
            )
        }
        // Spreadsheets write separators for empty cells beyond the table.
        None if cells > headers.len() && record.is_blank_from(headers.len()) => {
            return Some(Ok(Row { line, cells: Cells::Csv(record, *layout) }));
        }
        None if cells != headers.len() => {
            format!("expected {} fields, as the headers have, not {cells}", headers.len())
        }
        None => return Some(Ok(Row { line, cells: Cells::Csv(record, *layout) })),
    };
    let text: Vec<_> = record.cells().map(|cell| String::from_utf8_lossy(cell.content)).collect();
    Some(Err(ReadError::Row { line, reason, text: text.join(",") }))
}

fn next_json<'a>(
    objects: &mut Objects<Reader>,
    text: &mut Vec<u8>,
) -> Option<Result<Row<'a>, ReadError>> {
    let line = match objects.read(text) {
        Ok(None) => return None,
        Ok(Some(line)) => line,
        Err(error) => return Some(Err(json_error(error))),
    };
    Some(match Object::parse(text) {
        Ok(object) => Ok(Row { line, cells: Cells::Json(object) }),
        Err(mut reason) => {
            if text.windows(2).any(|pair| pair == b"\\\\") {
                reason.push_str(DOUBLED_BACKSLASHES);
            }
            Err(ReadError::Row {
                line,
                reason,
                text: String::from_utf8_lossy(text.trim_ascii()).into_owned(),
            })
        }
    })
}

fn csv_error(error: CsvError, name: impl Fn(usize) -> String) -> ReadError {
    match error {
        CsvError::OpenQuote { line, cell } => ReadError::Content {
            line,
            reason: format!("{}: the quote that opens in this line is never closed", name(cell)),
        },
        CsvError::TooLarge { line, limit, quote } => {
            let quote = quote.map(|(line, cell)| {
                format!("; the quote that opens in line {line}, {}, is not closed", name(cell))
            });
            let reason = format!("a row has more than {limit} bytes{}", quote.unwrap_or_default());
            ReadError::Content { line, reason }
        }
        CsvError::TooManyCells { line } => {
            ReadError::Content { line, reason: "a row has too many fields".to_owned() }
        }
        CsvError::Io(error) => ReadError::File(error.to_string()),
    }
}

fn json_error(error: JsonError) -> ReadError {
    match error {
        JsonError::TooLarge { line, limit } => {
            ReadError::Content { line, reason: format!("a row has more than {limit} bytes") }
        }
        JsonError::Unfinished { line } => ReadError::Content {
            line,
            reason: "the file ends within the array or object that begins here".to_owned(),
        },
        JsonError::TextAfterArray { line } => ReadError::Content {
            line,
            reason: "expected nothing after the array of rows".to_owned(),
        },
        JsonError::Io(error) => ReadError::File(error.to_string()),
    }
}

fn open_csv(
    start: &[u8],
    mut content: Reader,
    options: &ReadOptions,
) -> Result<(Format, String, Vec<String>), String> {
    let mut skip = 0;
    let mut delimiter = options.delimiter;
    // Excel's first line, which is for Excel.
    if let Some(separator) = separator_line(start) {
        delimiter = delimiter.or(Some(separator));
        skip = csv::first_line(start).len();
        skip_bytes(&mut content, skip)?;
    }
    let line = csv::first_line(start[skip..].trim_ascii_start());
    let dialect = Dialect {
        delimiter: delimiter.unwrap_or_else(|| csv::delimiter(line)),
        quote: (!options.no_quotes).then_some(b'"'),
        has_escapes: options.has_escapes,
    };
    let mut records = Records::new(content, dialect, 1, options.row_bytes);
    let mut record = csv::Record::default();
    let mut layout = CsvLayout::default();
    let headers = if let Some(columns) = &options.columns {
        columns.clone()
    } else {
        let error = |error| match csv_error(error, |cell| format!("column {}", cell + 1)) {
            ReadError::Content { line, reason } => format!("line {line}: {reason}"),
            ReadError::Row { reason, .. } | ReadError::File(reason) => reason,
        };
        records.read(&mut record).map_err(error)?;
        layout.quotes_everything =
            record.cells().len() > 1 && record.cells().all(|cell| cell.is_quoted);
        let header = |cell: csv::Cell| {
            std::str::from_utf8(cell.content).map(|header| header.trim().to_owned())
        };
        record.cells().map(header).collect::<Result<_, _>>().map_err(|_| {
            "its headers are not UTF-8; --encoding gives another encoding, such as windows-1252"
        })?
    };
    let separated = match dialect.delimiter {
        b',' => "commas".to_owned(),
        b';' => "semicolons".to_owned(),
        b'\t' => "tabs".to_owned(),
        b'|' => "vertical bars".to_owned(),
        other => format!("{:?}", char::from(other)),
    };
    let format = Format::Csv {
        records: Box::new(records),
        record,
        is_first: options.columns.is_none(),
        layout,
    };
    Ok((format, format!("CSV, separated by {separated}"), headers))
}

fn skip_bytes(content: &mut Reader, count: usize) -> Result<(), String> {
    let mut skipped = vec![0; count];
    content.read_exact(&mut skipped).map_err(|error| error.to_string())
}

/// The separator that a line such as `sep=;` tells.
fn separator_line(start: &[u8]) -> Option<u8> {
    let line = csv::first_line(start).trim_ascii();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line {
        [s, e, p, b'=', separator] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(*separator),
        // A tab would have been trimmed.
        [s, e, p, b'='] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(b'\t'),
        _ => None,
    }
}

/// The length of SQL Server's header above `FOR JSON`, and of the dashes below it; 0 without one.
fn for_json_prefix(start: &[u8]) -> usize {
    if !csv::first_line(start).trim_ascii().eq_ignore_ascii_case(FOR_JSON) {
        return 0;
    }
    let after_line = |from: usize| {
        let end = from + csv::first_line(&start[from..]).len();
        let line_break = if start[end..].starts_with(b"\r\n") { 2 } else { 1 };
        (end + line_break).min(start.len())
    };
    let second = after_line(0);
    let line = csv::first_line(&start[second..]).trim_ascii();
    let is_dashes = !line.is_empty() && line.iter().all(|byte| *byte == b'-');
    if is_dashes { after_line(second) } else { second }
}

/// The line breaks in some text: LF, CR LF or CR.
fn line_breaks(text: &[u8]) -> u64 {
    let starts = |(index, byte): (usize, &u8)| match byte {
        b'\r' => true,
        b'\n' => index == 0 || text[index - 1] != b'\r',
        _ => false,
    };
    text.iter().enumerate().filter(|each| starts(*each)).count() as u64
}

fn is_named_csv(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".csv", ".tsv", ".txt"].iter().any(|ending| name.contains(ending))
}

fn is_line_of_dashes(record: &csv::Record) -> bool {
    record.cells().all(|cell| {
        let cell = cell.content.trim_ascii();
        cell.contains(&b'-') && cell.iter().all(|byte| matches!(byte, b'-' | b'+'))
    })
}

/// The keys of the objects at the start of some JSON. Objects may leave out keys, and be wrong.
fn keys(objects: Objects<&[u8]>, is_cut_into_lines: bool) -> Vec<String> {
    let mut objects = if is_cut_into_lines { objects.cut_into_lines() } else { objects };
    let (mut text, mut keys) = (Vec::new(), Vec::<String>::new());
    // Enough to know the table by.
    for _ in 0..100 {
        let Ok(Some(_)) = objects.read(&mut text) else { break };
        for (key, _) in Object::parse(&text).unwrap_or_default().0 {
            if keys.len() < 200 && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}
