//! Records of delimited text (RFC 4180), with what exports of real tools need beyond it: the line
//! that a record begins at whatever ends the lines, a limit on a record's size, and errors for
//! quotes that are not closed or not doubled. Crates that read CSV take these for content.

use std::io::{self, BufRead as _, BufReader, Read};

use memchr::{memchr2, memchr3};

/// The cells that a record may have.
const CELLS: usize = 10_000;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: u8,
    /// What cells are quoted with; `None` if a quote is a character like any other.
    pub quote: Option<u8>,
    /// Whether a backslash makes the next character an ordinary one, as in MySQL's exports and in
    /// PostgreSQL's text format.
    pub has_escapes: bool,
}

/// Records of a stream.
pub struct Records<R> {
    input: BufReader<R>,
    dialect: Dialect,
    /// What a record may have in bytes.
    limit: usize,
    /// The line that comes next, from 1.
    line: u64,
    /// The byte before was a CR, with which a LF is one line break.
    is_after_cr: bool,
}

/// A record as the file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The line that it begins at, from 1.
    pub line: u64,
    content: Vec<u8>,
    cells: Vec<Bounds>,
    /// Why it is not well-formed.
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    end: usize,
    is_quoted: bool,
}

/// A cell without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    pub content: &'a [u8],
    pub is_quoted: bool,
}

/// What is wrong in a record that has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Text follows a quote that closes a cell.
    TextAfterQuote { line: u64, cell: usize, is_after_backslash: bool },
    /// A cell ends with a backslash and a quote, and a quote stands in another one: escaped quotes,
    /// most likely.
    EscapedQuote { line: u64, cell: usize },
}

/// Why no record follows.
#[derive(Debug)]
pub enum CsvError {
    /// A quote is open at the end.
    OpenQuote {
        line: u64,
        cell: usize,
    },
    /// A record is larger than the limit; `quote` is where a quote in it was opened and not closed.
    TooLarge {
        line: u64,
        limit: usize,
        quote: Option<(u64, usize)>,
    },
    /// A record has more cells than any table has columns.
    TooManyCells {
        line: u64,
    },
    Io(io::Error),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Unquoted,
    Quoted,
    /// After a quote in a quoted cell: it closes the cell unless another follows.
    QuoteInQuoted,
    Escape {
        is_quoted: bool,
    },
}

impl Record {
    /// The cells in the order of the file.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = Cell<'_>> {
        let mut start = 0;
        self.cells.iter().map(move |bounds| {
            let content = &self.content[start..bounds.end];
            start = bounds.end;
            Cell { content, is_quoted: bounds.is_quoted }
        })
    }

    /// Whether no cell has anything in it, as in the rows that spreadsheets write below a table.
    pub fn is_blank(&self) -> bool {
        self.is_blank_from(0)
    }

    /// Whether no cell from this one on has anything in it.
    pub fn is_blank_from(&self, first: usize) -> bool {
        let is_blank = |cell: Cell| !cell.is_quoted && cell.content.trim_ascii().is_empty();
        self.cells().skip(first).all(is_blank)
    }

    /// Ends the present cell. Returns where its quote was opened, if it ends with a backslash and a
    /// quote.
    fn end_cell(
        &mut self,
        state: State,
        is_quoted: bool,
        opened: (u64, usize),
    ) -> Option<(u64, usize)> {
        let start = self.cells.last().map_or(0, |cell| cell.end);
        self.cells.push(Bounds { end: self.content.len(), is_quoted });
        let ends_with_backslash = self.content[start..].ends_with(b"\\");
        (state == State::QuoteInQuoted && ends_with_backslash).then_some(opened)
    }

    /// The memory that it holds, in bytes.
    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.content.capacity() + self.cells.capacity() * size_of::<Bounds>()
    }
}

impl<R: Read> Records<R> {
    /// Reads records from a stream whose next line is `line`, each of at most `limit` bytes.
    pub fn new(input: R, dialect: Dialect, line: u64, limit: usize) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, input),
            dialect,
            limit,
            line,
            is_after_cr: false,
        }
    }

    /// Reads the next record; `false` at the end. Lines without anything are no records.
    pub fn read(&mut self, record: &mut Record) -> Result<bool, CsvError> {
        let Dialect { delimiter, quote, has_escapes } = self.dialect;
        record.content.clear();
        record.cells.clear();
        record.fault = None;
        record.line = self.line;
        let mut state = State::CellStart;
        let mut is_quoted = false;
        // Where the quote of the present cell was opened.
        let mut opened = (self.line, 0);
        let mut size = 0;
        // The first cell that ends with a backslash and a quote.
        let mut escaped = None;
        let mut has_stray_quote = false;
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(CsvError::Io(error)),
            };
            if buffer.is_empty() {
                let cell = record.cells.len();
                if matches!(state, State::Quoted | State::Escape { is_quoted: true }) {
                    return Err(CsvError::OpenQuote { line: opened.0, cell });
                }
                if state == State::CellStart && cell == 0 {
                    return Ok(false);
                }
                escaped = escaped.or(record.end_cell(state, is_quoted, opened));
                break;
            }
            let mut position = 0;
            let mut is_complete = false;
            while position < buffer.len() && !is_complete {
                let byte = buffer[position];
                if self.is_after_cr {
                    self.is_after_cr = false;
                    if byte == b'\n' {
                        position += 1;
                        // Elsewhere the CR has ended the record already.
                        if matches!(state, State::Quoted | State::Unquoted) {
                            record.content.push(byte);
                        }
                        continue;
                    }
                }
                let is_line_break = matches!(byte, b'\n' | b'\r');
                // Plain content is taken as far as it goes.
                let run = match state {
                    State::Unquoted if !has_escapes => {
                        let rest = &buffer[position..];
                        memchr3(delimiter, b'\n', b'\r', rest).unwrap_or(rest.len())
                    }
                    State::Quoted if !has_escapes => {
                        let rest = &buffer[position..];
                        let quote = quote.unwrap_or(b'"');
                        memchr3(quote, b'\n', b'\r', rest).unwrap_or(rest.len())
                    }
                    _ => 0,
                };
                if run > 0 {
                    let text = &buffer[position..position + run];
                    if state == State::Unquoted {
                        has_stray_quote |= text.contains(&b'"');
                    }
                    record.content.extend_from_slice(text);
                    position += run;
                } else {
                    position += 1;
                    if is_line_break {
                        self.line += 1;
                        self.is_after_cr = byte == b'\r';
                    }
                    match state {
                        State::Quoted => {
                            if Some(byte) == quote {
                                state = State::QuoteInQuoted;
                            } else if byte == b'\\' && has_escapes {
                                state = State::Escape { is_quoted: true };
                            } else {
                                record.content.push(byte);
                            }
                        }
                        State::QuoteInQuoted if Some(byte) == quote => {
                            record.content.push(byte);
                            state = State::Quoted;
                        }
                        State::Escape { is_quoted } => {
                            push_escaped(&mut record.content, byte, is_quoted);
                            state = if is_quoted { State::Quoted } else { State::Unquoted };
                        }
                        State::CellStart if Some(byte) == quote => {
                            state = State::Quoted;
                            is_quoted = true;
                            opened = (self.line, record.cells.len());
                        }
                        _ if is_line_break => {
                            if state == State::CellStart && record.cells.is_empty() {
                                // A line without anything.
                                record.line = self.line;
                                size = 0;
                                continue;
                            }
                            is_complete = true;
                        }
                        _ if byte == delimiter => {
                            escaped = escaped.or(record.end_cell(state, is_quoted, opened));
                            if record.cells.len() > CELLS {
                                return Err(CsvError::TooManyCells { line: record.line });
                            }
                            is_quoted = false;
                            state = State::CellStart;
                        }
                        // Blanks between a quote and a delimiter mean nothing.
                        State::QuoteInQuoted if byte == b' ' => {}
                        State::QuoteInQuoted => {
                            let is_after_backslash = record.content.ends_with(b"\\");
                            let (line, cell) = opened;
                            record.fault.get_or_insert(Fault::TextAfterQuote {
                                line,
                                cell,
                                is_after_backslash,
                            });
                            record.content.push(byte);
                            state = State::Unquoted;
                        }
                        State::CellStart | State::Unquoted => {
                            if byte == b'\\' && has_escapes {
                                state = State::Escape { is_quoted: false };
                            } else {
                                has_stray_quote |= byte == b'"';
                                record.content.push(byte);
                                state = State::Unquoted;
                            }
                        }
                    }
                }
                size += run.max(1);
                if size > self.limit {
                    let is_open =
                        matches!(state, State::Quoted | State::Escape { is_quoted: true });
                    return Err(CsvError::TooLarge {
                        line: record.line,
                        limit: self.limit,
                        quote: is_open.then_some(opened),
                    });
                }
            }
            self.input.consume(position);
            if is_complete {
                escaped = escaped.or(record.end_cell(state, is_quoted, opened));
                break;
            }
        }
        if let (Some((line, cell)), true) = (escaped, has_stray_quote) {
            record.fault.get_or_insert(Fault::EscapedQuote { line, cell });
        }
        Ok(true)
    }
}

/// Adds what a backslash and `byte` stand for.
fn push_escaped(content: &mut Vec<u8>, byte: u8, is_quoted: bool) {
    let control = match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        // The two letters that stand for null, which are read with the other spellings of it.
        b'N' => {
            content.extend_from_slice(b"\\N");
            return;
        }
        _ => {
            if is_quoted && !matches!(byte, b'"' | b'\'' | b'\\' | b'\n' | b'\r') {
                content.push(b'\\');
            }
            content.push(byte);
            return;
        }
    };
    // Inside quotes a line break stands for itself, and a backslash before a letter, too.
    if is_quoted {
        content.extend_from_slice(&[b'\\', byte]);
    } else {
        content.push(control);
    }
}

/// The delimiter that a line of headers has most of, outside quotes: a comma, a semicolon, a tab or
/// a vertical bar.
pub fn delimiter(line: &[u8]) -> u8 {
    let mut is_quoted = false;
    let mut counts = [(b'|', 0), (b'\t', 0), (b';', 0), (b',', 0)];
    for byte in line {
        if *byte == b'"' {
            is_quoted = !is_quoted;
        } else if !is_quoted
            && let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| delimiter == byte)
        {
            *count += 1;
        }
    }
    // The comma comes last: `max_by_key` takes the last of equals.
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

/// The first line of some text, without its end.
pub fn first_line(text: &[u8]) -> &[u8] {
    &text[..memchr2(b'\n', b'\r', text).unwrap_or(text.len())]
}
