//! JSON objects of a stream: one per line (NDJSON), or the elements of an array.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};

use memchr::memchr2;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// How objects follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// One per line. A line that is no object says nothing of the next one.
    Lines,
    /// One after the other, with or without commas in between.
    Sequence,
    /// The elements of an array, which is at the start or in an object around it.
    Array {
        /// The bytes before the first element.
        prefix: usize,
        is_in_object: bool,
    },
}

/// The objects of a stream.
pub struct Objects<R> {
    input: BufReader<R>,
    arrangement: Arrangement,
    /// Whether line breaks stand anywhere, as where a tool cuts long text into lines.
    is_cut_into_lines: bool,
    limit: usize,
    /// The line that comes next, from 1.
    line: u64,
    is_after_cr: bool,
    is_at_end: bool,
}

/// Why no object follows.
#[derive(Debug)]
pub enum JsonError {
    /// An object is larger than the limit.
    TooLarge {
        line: u64,
        limit: usize,
    },
    /// The text ends within an object or array that began in this line.
    Unfinished {
        line: u64,
    },
    /// Something other than the end follows the array.
    TextAfterArray {
        line: u64,
    },
    Io(io::Error),
}

impl<R: Read> Objects<R> {
    /// Reads objects from a stream whose next line is `line`, each of at most `limit` bytes.
    pub fn new(input: R, arrangement: Arrangement, line: u64, limit: usize) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, input),
            arrangement,
            is_cut_into_lines: false,
            limit,
            line,
            is_after_cr: false,
            is_at_end: false,
        }
    }

    /// Leaves line breaks out of texts: a tool has put them there.
    pub fn cut_into_lines(self) -> Self {
        Self { is_cut_into_lines: true, ..self }
    }

    /// Reads the text of the next object into `text`, and returns the line that it begins at; `None`
    /// at the end. The text may turn out not to be an object.
    pub fn read(&mut self, text: &mut Vec<u8>) -> Result<Option<u64>, JsonError> {
        text.clear();
        if self.is_at_end {
            return Ok(None);
        }
        match self.arrangement {
            Arrangement::Lines => self.read_line(text),
            Arrangement::Sequence => self.read_element(text, false),
            Arrangement::Array { prefix, is_in_object } => {
                for _ in 0..prefix {
                    self.next_byte()?;
                }
                self.arrangement = Arrangement::Array { prefix: 0, is_in_object };
                let found = self.read_element(text, true)?;
                if found.is_none() {
                    self.read_rest(is_in_object)?;
                }
                Ok(found)
            }
        }
    }

    fn read_line(&mut self, text: &mut Vec<u8>) -> Result<Option<u64>, JsonError> {
        loop {
            let line = self.line;
            let is_last = self.read_to_line_break(text)?;
            if !text.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
            if is_last {
                self.is_at_end = true;
                return Ok(None);
            }
            text.clear();
        }
    }

    /// Adds what is left of the line, and returns whether the stream ends with it.
    fn read_to_line_break(&mut self, text: &mut Vec<u8>) -> Result<bool, JsonError> {
        loop {
            let buffer = fill(&mut self.input)?;
            if buffer.is_empty() {
                return Ok(true);
            }
            if self.is_after_cr {
                self.is_after_cr = false;
                if buffer[0] == b'\n' {
                    self.input.consume(1);
                    continue;
                }
            }
            let end = memchr2(b'\n', b'\r', buffer);
            let run = end.unwrap_or(buffer.len());
            if text.len() + run > self.limit {
                return Err(JsonError::TooLarge { line: self.line, limit: self.limit });
            }
            text.extend_from_slice(&buffer[..run]);
            let Some(end) = end else {
                self.input.consume(run);
                continue;
            };
            self.is_after_cr = buffer[end] == b'\r';
            self.line += 1;
            self.input.consume(end + 1);
            return Ok(false);
        }
    }

    /// Reads a value up to its end: to the bracket that closes it, or to what separates it from the
    /// next one.
    fn read_element(
        &mut self,
        text: &mut Vec<u8>,
        is_array: bool,
    ) -> Result<Option<u64>, JsonError> {
        let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
        let mut start = self.line;
        loop {
            let Some(byte) = self.peek_byte()? else {
                return match (text.is_empty(), is_array) {
                    (true, false) => {
                        self.is_at_end = true;
                        Ok(None)
                    }
                    // A scalar at the end, which is no row.
                    (false, false) if depth == 0 && !is_string => Ok(Some(start)),
                    _ => Err(JsonError::Unfinished { line: start }),
                };
            };
            let is_separator = byte.is_ascii_whitespace() || byte == b',';
            if text.is_empty() {
                if is_array && byte == b']' {
                    self.next_byte()?;
                    return Ok(None);
                }
                if is_separator {
                    self.next_byte()?;
                    continue;
                }
                start = self.line;
            } else if depth == 0 && !is_string && (is_separator || byte == b']' || byte == b'{') {
                return Ok(Some(start));
            }
            self.next_byte()?;
            if self.is_cut_into_lines && matches!(byte, b'\n' | b'\r') {
                continue;
            }
            if text.len() == self.limit {
                return Err(JsonError::TooLarge { line: start, limit: self.limit });
            }
            text.push(byte);
            if is_string {
                if is_escaped {
                    is_escaped = false;
                } else if byte == b'\\' {
                    is_escaped = true;
                } else if byte == b'"' {
                    is_string = false;
                }
                continue;
            }
            match byte {
                b'"' => is_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(Some(start));
                    }
                }
                _ => {}
            }
        }
    }

    /// Reads what follows the array: the end of the object around it, if there is one, or the line
    /// in which a tool tells how many rows there were.
    fn read_rest(&mut self, is_in_object: bool) -> Result<(), JsonError> {
        let line = self.line;
        let mut rest = Vec::new();
        while let Some(byte) = self.peek_byte()? {
            self.next_byte()?;
            if rest.len() == self.limit {
                return Err(JsonError::TextAfterArray { line });
            }
            rest.push(byte);
        }
        self.is_at_end = true;
        let trimmed = rest.trim_ascii();
        let is_fine = if is_in_object {
            let whole = [b"{\"\":[]", trimmed].concat();
            serde_json::from_slice::<Surroundings>(&whole).is_ok()
        } else {
            trimmed.is_empty() || is_row_count(trimmed)
        };
        if is_fine {
            Ok(())
        } else if is_in_object && trimmed.is_empty() {
            Err(JsonError::Unfinished { line: 1 })
        } else {
            Err(JsonError::TextAfterArray { line })
        }
    }

    fn peek_byte(&mut self) -> Result<Option<u8>, JsonError> {
        Ok(fill(&mut self.input)?.first().copied())
    }

    /// Takes a byte and counts the line break that it may be.
    fn next_byte(&mut self) -> Result<(), JsonError> {
        let Some(byte) = self.peek_byte()? else { return Ok(()) };
        self.input.consume(1);
        if byte == b'\r' || (byte == b'\n' && !self.is_after_cr) {
            self.line += 1;
        }
        self.is_after_cr = byte == b'\r';
        Ok(())
    }
}

fn fill<R: Read>(input: &mut BufReader<R>) -> Result<&[u8], JsonError> {
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(JsonError::Io(error));
        }
    }
    Ok(input.buffer())
}

/// Whether a line is what SQL clients print below rows, such as `(3 rows affected)`.
pub fn is_row_count(line: &[u8]) -> bool {
    let Some(inner) = line.strip_prefix(b"(").and_then(|line| line.strip_suffix(b")")) else {
        return false;
    };
    let digits = inner.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && inner.get(digits) == Some(&b' ')
}

/// How the objects of a text are arranged, by its start; `None` if it holds none.
pub fn arrangement(start: &[u8]) -> Option<Arrangement> {
    let trimmed = start.trim_ascii_start();
    let skipped = start.len() - trimmed.len();
    match trimmed.first()? {
        // A name in brackets is a header of SQL Server's.
        b'[' if trimmed[1..].trim_ascii_start().first().is_some_and(u8::is_ascii_alphabetic) => {
            None
        }
        b'[' => Some(Arrangement::Array { prefix: skipped + 1, is_in_object: false }),
        b'{' => {
            if let Some(prefix) = rows_in_object(trimmed) {
                return Some(Arrangement::Array { prefix: skipped + prefix, is_in_object: true });
            }
            let end = memchr2(b'\n', b'\r', trimmed).unwrap_or(trimmed.len());
            let (first, others) = trimmed.split_at(end);
            let first = first.trim_ascii_end();
            let is_only_line = others.trim_ascii().is_empty();
            let is_spread = first == b"{" || (is_only_line && has_objects_with_commas(first));
            Some(if is_spread { Arrangement::Sequence } else { Arrangement::Lines })
        }
        _ => None,
    }
}

/// Whether a line holds objects with commas in between.
fn has_objects_with_commas(line: &[u8]) -> bool {
    let Some(length) = value_length(line) else { return false };
    let rest = line[length..].trim_ascii_start();
    rest.strip_prefix(b",").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
}

/// The bytes before the first row, if this object has an array of rows in it, as `FOR JSON` with a
/// root, OData, DBeaver and ClickHouse write them. An object with an id is a row itself.
fn rows_in_object(text: &[u8]) -> Option<usize> {
    let mut position = 1;
    let skip_blanks = |position: usize| {
        let rest = text.get(position..).unwrap_or_default();
        position + (rest.len() - rest.trim_ascii_start().len())
    };
    loop {
        position = skip_blanks(position);
        if text.get(position) != Some(&b'"') {
            return None;
        }
        let key_length = value_length(&text[position..])?;
        let key = &text[position + 1..position + key_length - 1];
        if key.eq_ignore_ascii_case(b"id") {
            return None;
        }
        position = skip_blanks(position + key_length);
        if text.get(position) != Some(&b':') {
            return None;
        }
        position = skip_blanks(position + 1);
        if text.get(position) == Some(&b'[') && key != b"meta" {
            let first = text.get(skip_blanks(position + 1))?;
            return matches!(first, b'{' | b']').then_some(position + 1);
        }
        position = skip_blanks(position + value_length(&text[position..])?);
        if text.get(position) != Some(&b',') {
            return None;
        }
        position += 1;
    }
}

/// The length of the JSON value at the start of a text; `None` if the text ends before it does.
fn value_length(text: &[u8]) -> Option<usize> {
    let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    stream.next()?.ok()?;
    let length = stream.byte_offset();
    (length < text.len() || matches!(text.last(), Some(b'}' | b']' | b'"'))).then_some(length)
}

/// What may stand around an array of rows: no other array of objects.
struct Surroundings;

impl<'de> Deserialize<'de> for Surroundings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Outer;
        impl<'de> Visitor<'de> for Outer {
            type Value = Surroundings;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Surroundings, A::Error> {
                while map.next_key::<IgnoredAny>()?.is_some() {
                    let value: serde_json::Value = map.next_value()?;
                    if value.get(0).is_some_and(serde_json::Value::is_object) {
                        return Err(serde::de::Error::custom("another array of objects"));
                    }
                }
                Ok(Surroundings)
            }
        }
        deserializer.deserialize_map(Outer)
    }
}

/// An object, with its keys in their order.
#[derive(Debug, Default, PartialEq)]
pub struct Object(pub Vec<(String, Scalar)>);

/// A value of an object.
#[derive(Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// An array or an object, which no column holds. It is not kept, so that an object takes little
    /// more memory than its text.
    Nested,
}

impl Object {
    /// Reads the text of an object.
    ///
    /// # Errors
    /// What was expected, and at which column of the text.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| {
            let reason = error.to_string();
            let end = reason.rfind(" at line ").unwrap_or(reason.len());
            format!("expected a JSON object: {} at column {}", &reason[..end], error.column())
        })
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyValue;
        impl<'de> Visitor<'de> for AnyValue {
            type Value = Scalar;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar::Number(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                Ok(Number::from_f64(value).map_or(Scalar::Null, Scalar::Number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
                Ok(Scalar::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Nested)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Nested)
            }
        }
        deserializer.deserialize_any(AnyValue)
    }
}
