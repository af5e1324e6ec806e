//! Reading generated files: well-formed ones, whose cells and lines are known, and arbitrary
//! bytes, which must do no harm. Each test has files of its own, so that they run side by side.
//! `AGENT_JOBS_TEST_FILES` says how many a test has; with 64,000 all of them together are more than a
//! million (`make fuzz`).

use std::fmt::Write as _;
use std::io::{self, Read};
use std::sync::Arc;

use entity::job_run;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::input::{self, Progress};
use super::layout::Layout;
use super::source::{Cells, ReadError, ReadOptions, Source};

/// A stream that gives a few bytes at a time.
struct Trickle {
    content: io::Cursor<Vec<u8>>,
    rng: SmallRng,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.rng.random_range(1..=7).min(buffer.len());
        self.content.read(&mut buffer[..n])
    }
}

/// What reading a file came to.
#[derive(Debug, PartialEq)]
enum Event {
    Row { line: u64, cells: Vec<String> },
    Rejected { line: u64 },
    Broken { line: Option<u64> },
}

fn open(reader: impl Read + Send + 'static, options: &ReadOptions) -> Result<Source, String> {
    let progress = Progress { bytes_total: None, bytes_read: Arc::default() };
    let opened = input::decode(Box::new(reader), Vec::new(), options.encoding, progress)?;
    Source::new("test".to_owned(), opened, options)
}

/// Reads a file to its end. Panics where a row takes more memory than the limit allows.
fn read(content: &[u8], options: &ReadOptions, seed: u64) -> Vec<Event> {
    let rng = SmallRng::seed_from_u64(seed);
    let reader = Trickle { content: io::Cursor::new(content.to_vec()), rng };
    let Ok(mut source) = open(reader, options) else { return vec![Event::Broken { line: None }] };
    let headers = source.headers().to_vec();
    let mut layout =
        Layout::<job_run::Entity>::new(&headers, source.has_fixed_columns(), false).ok();
    let mut events = Vec::new();
    while let Some(row) = source.next() {
        events.push(match row {
            Ok(row) => {
                let is_good = layout.as_mut().is_some_and(|layout| layout.read(&row).is_ok());
                let cells = match &row.cells {
                    Cells::Csv(record, _) => {
                        assert!(record.capacity() <= 32 * (options.row_bytes + 64));
                        let text = |cell: super::csv::Cell| {
                            String::from_utf8_lossy(cell.content).into_owned()
                        };
                        record.cells().map(text).collect()
                    }
                    Cells::Json(object) => {
                        object.0.iter().map(|(key, value)| format!("{key}{value:?}")).collect()
                    }
                };
                if layout.is_some() && !is_good {
                    Event::Rejected { line: row.line }
                } else {
                    Event::Row { line: row.line, cells }
                }
            }
            Err(ReadError::Row { line, .. }) => Event::Rejected { line },
            Err(ReadError::Content { line, .. }) => {
                events.push(Event::Broken { line: Some(line) });
                break;
            }
            Err(ReadError::File(_)) => {
                events.push(Event::Broken { line: None });
                break;
            }
        });
        assert!(events.len() <= content.len() + 1, "it ends");
    }
    events
}

fn line_of(event: &Event) -> u64 {
    match event {
        Event::Row { line, .. } | Event::Rejected { line } => *line,
        Event::Broken { line } => line.unwrap_or(u64::MAX),
    }
}

/// Files of bytes that mean something to the readers, and some that do not.
fn arbitrary_files(first_seed: u64, count: u64) {
    const PIECES: [&[u8]; 40] = [
        b",",
        b",",
        b";",
        b"\t",
        b"|",
        b"\"",
        b"\"",
        b"\"\"",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"\\",
        b"\\\"",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"{\"Id\":",
        b"},",
        b"sep=;\n",
        b"\xef\xbb\xbf",
        b"Id,JobId,AgentId,AgentState\n",
        b"00000000-0000-0000-0000-000000000001",
        b"NULL",
        b" ",
        b"Failed",
        b"1",
        b"-",
        b"---",
        b"(3 rows)",
        b"\0",
        b"\xff",
        b"\xff\xfe",
        b"\xc3\xa4",
        b"a",
        b"JSON_F52E2B61-18A1-11d1-B105-00805F49916B\n---\n",
        b"\x1f\x8b",
        b"e",
    ];
    for seed in first_seed..first_seed + count {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut content = Vec::new();
        if rng.random_bool(0.5) {
            content.extend_from_slice(b"Id,JobId,AgentId,AgentState,AgentResultMessage\n");
        }
        for _ in 0..rng.random_range(0..40) {
            content.extend_from_slice(PIECES.choose(&mut rng).expect("there are pieces"));
        }
        let options = ReadOptions {
            row_bytes: rng.random_range(8..200),
            has_escapes: rng.random_bool(0.2),
            no_quotes: rng.random_bool(0.1),
            ..ReadOptions::default()
        };
        let events = read(&content, &options, seed);
        let file = || format!("seed {seed}: {:?}", String::from_utf8_lossy(&content));
        // However the bytes come, they mean the same.
        assert_eq!(events, read(&content, &options, seed + 1), "{}", file());
        let breaks = content.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
        for pair in events.windows(2) {
            assert!(line_of(&pair[0]) <= line_of(&pair[1]), "{}", file());
        }
        for event in &events {
            let line = line_of(event);
            assert!(line >= 1 && (line == u64::MAX || line <= breaks as u64 + 1), "{}", file());
        }
    }
}

/// How a generated CSV file is written.
struct Style {
    delimiter: char,
    line_break: &'static str,
    quotes: f64,
}

/// Adds a cell, and returns how many line breaks are in it.
fn write_cell(file: &mut String, text: &str, style: &Style, rng: &mut SmallRng) -> u64 {
    let is_null = super::text::is_null(text);
    let must = text.contains(['"', '\n', '\r', ',', ';', '\t', '|']) || is_null;
    if must || rng.random_bool(style.quotes) {
        _ = write!(file, "\"{}\"", text.replace('"', "\"\""));
    } else {
        file.push_str(text);
    }
    text.replace("\r\n", "\n").matches(['\n', '\r']).count() as u64
}

/// Well-formed files: every row must come with its cells and its line.
fn well_formed_files(first_seed: u64, count: u64) {
    const WORDS: [&str; 16] = [
        "a", "ab c", "\"", "\n", "\r\n", "\r", ",", ";", "|", "\t", "ä", "NULL", "\\", "x\"y", "'",
        "-",
    ];
    for seed in first_seed..first_seed + count {
        let mut rng = SmallRng::seed_from_u64(seed);
        let style = Style {
            delimiter: *[',', ';', '\t', '|'].choose(&mut rng).expect("some"),
            line_break: ["\n", "\r\n", "\r"].choose(&mut rng).expect("some"),
            quotes: *[0.0, 0.2, 1.0].choose(&mut rng).expect("some"),
        };
        let mut file = String::new();
        let mut line = 1;
        if rng.random_bool(0.2) {
            file.push('\u{feff}');
        }
        if rng.random_bool(0.2) {
            _ = write!(file, "sep={}{}", style.delimiter, style.line_break);
            line += 1;
        }
        let headers = ["Id", "JobId", "AgentId", "AgentState", "AgentResultMessage"];
        file.push_str(&headers.join(&style.delimiter.to_string()));
        file.push_str(style.line_break);
        line += 1;
        let mut expected = Vec::new();
        let mut quoted_at = None;
        for _ in 0..rng.random_range(0..4) {
            if rng.random_bool(0.2) {
                file.push_str(style.line_break);
                line += 1;
            }
            let id = format!("00000000-0000-0000-0000-{:012x}", rng.random_range(1..1_u64 << 40));
            let is_bad = rng.random_bool(0.2);
            let id = if is_bad { "zz".to_owned() } else { id };
            let message: String = (0..rng.random_range(0..5))
                .map(|_| *WORDS.choose(&mut rng).expect("some"))
                .collect();
            let cells = [id.as_str(), &id, &id, "Failed", &message];
            let mut breaks = 0;
            for (index, cell) in cells.into_iter().enumerate() {
                if index > 0 {
                    file.push(style.delimiter);
                }
                let at = file.len();
                breaks += write_cell(&mut file, cell, &style, &mut rng);
                if file[at..].starts_with('"') {
                    quoted_at = Some((at, line));
                }
            }
            expected.push(if is_bad {
                Event::Rejected { line }
            } else {
                Event::Row { line, cells: cells.map(str::to_owned).to_vec() }
            });
            file.push_str(style.line_break);
            line += 1 + breaks;
        }
        let options = ReadOptions::default();
        let context = |file: &str| format!("seed {seed}: {file:?}");
        assert_eq!(read(file.as_bytes(), &options, seed), expected, "{}", context(&file));
        // With the last quoted cell left open, the rest of the file is an error in its line.
        if let Some((at, line)) = quoted_at {
            let open = format!("{}\"never closed", &file[..at]);
            let events = read(open.as_bytes(), &options, seed);
            assert_eq!(
                events.last(),
                Some(&Event::Broken { line: Some(line) }),
                "{}",
                context(&open)
            );
        }
    }
}

macro_rules! pieces {
    ($($name:ident: $test:ident, $piece:literal;)*) => {
        $(
            #[test]
            fn $name() {
                $test($piece << 32, files());
            }
        )*
    };
}

/// How many files a test reads.
fn files() -> u64 {
    std::env::var("AGENT_JOBS_TEST_FILES").map_or(4_000, |files| files.parse().expect("a number"))
}

pieces! {
    arbitrary_bytes_are_read_or_refused_1: arbitrary_files, 1;
    arbitrary_bytes_are_read_or_refused_2: arbitrary_files, 2;
    arbitrary_bytes_are_read_or_refused_3: arbitrary_files, 3;
    arbitrary_bytes_are_read_or_refused_4: arbitrary_files, 4;
    arbitrary_bytes_are_read_or_refused_5: arbitrary_files, 5;
    arbitrary_bytes_are_read_or_refused_6: arbitrary_files, 6;
    arbitrary_bytes_are_read_or_refused_7: arbitrary_files, 7;
    arbitrary_bytes_are_read_or_refused_8: arbitrary_files, 8;
    rows_come_with_their_cells_and_lines_1: well_formed_files, 11;
    rows_come_with_their_cells_and_lines_2: well_formed_files, 12;
    rows_come_with_their_cells_and_lines_3: well_formed_files, 13;
    rows_come_with_their_cells_and_lines_4: well_formed_files, 14;
    rows_come_with_their_cells_and_lines_5: well_formed_files, 15;
    rows_come_with_their_cells_and_lines_6: well_formed_files, 16;
    rows_come_with_their_cells_and_lines_7: well_formed_files, 17;
    rows_come_with_their_cells_and_lines_8: well_formed_files, 18;
}
