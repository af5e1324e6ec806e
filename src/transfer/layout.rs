//! Which column of a table each cell of a file belongs to, and reading rows by that.

use std::collections::{BTreeMap, HashMap};

use entity::{Columns, Kind};
use sea_orm::Value;
use uuid::Uuid;

use super::csv::Record;
use super::json::Object;
use super::source::{Cells, CsvLayout, Row};
use super::tables::{Import, normalize};
use super::text;
use crate::reports::op::MESSAGE_LENGTH;

/// What other texts than messages may be long, in characters: names, types, keys.
const TEXT_LENGTH: usize = 1_000;

/// Names of columns or states that are told at most, and remembered at most.
const NAMES_TOLD: usize = 10;
const NAMES_KEPT: usize = 1_000;

/// Where the cells of a file go in the table's rows.
pub struct Layout<E: Import> {
    headers: Vec<String>,
    /// Whether the columns that only the service uses are taken.
    complete: bool,
    /// The column of each header; none for a header that means none.
    places: Vec<Option<Place>>,
    /// The same for the keys of JSON, as they are met.
    known: HashMap<String, Option<Place>>,
    /// All columns that were met.
    columns: Columns<E>,
    required: Vec<usize>,
    nulls: Vec<Value>,
    pub notes: Notes,
}

/// A column among the table's.
#[derive(Clone, Copy, Debug)]
struct Place {
    index: usize,
    /// Whether the header is the column's own name, not another one for it.
    is_own: bool,
}

pub struct BadCell {
    pub column: Option<String>,
    pub reason: String,
}

/// What was read otherwise than it stands in the file, for the person who imports it.
#[derive(Debug, Default)]
pub struct Notes {
    ignored_columns: Vec<String>,
    unused_columns: Vec<String>,
    internal_columns: Vec<String>,
    /// Unknown states, and in how many rows.
    states: BTreeMap<String, u64>,
    /// Columns with texts that were too long, and in how many rows.
    cut: BTreeMap<&'static str, u64>,
    /// Cells with what may be escapes.
    escapes: u64,
}

impl Notes {
    /// What is worth telling, a line each.
    pub fn lines(&self) -> Vec<String> {
        let list = |names: &[String]| {
            let more = names.len().saturating_sub(NAMES_TOLD);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", names[..names.len().min(NAMES_TOLD)].join(", "))
        };
        let mut lines = Vec::new();
        if !self.ignored_columns.is_empty() {
            lines.push(format!("ignored unknown columns: {}", list(&self.ignored_columns)));
        }
        if !self.internal_columns.is_empty() {
            lines.push(format!(
                "ignored columns that only --complete takes: {}",
                list(&self.internal_columns)
            ));
        }
        lines.extend(self.unused_columns.iter().cloned());
        if !self.states.is_empty() {
            let rows: u64 = self.states.values().sum();
            let states: Vec<_> =
                self.states.iter().map(|(state, rows)| format!("{state:?} ({rows})")).collect();
            lines.push(format!("{rows} unknown states are shown as Unknown: {}", list(&states)));
        }
        for (column, rows) in &self.cut {
            lines.push(format!("{rows} texts of {column} were too long and were cut"));
        }
        if self.escapes > 0 {
            lines.push(format!(
                "{} texts have backslash escapes such as \\n, which were kept as they are; \
                 --escape backslash reads them",
                self.escapes
            ));
        }
        lines
    }
}

impl<E: Import> Layout<E> {
    /// The layout of a file with these headers, which all rows have if they are fixed. With `complete`
    /// it takes the columns that only the service uses, too.
    ///
    /// # Errors
    /// If the headers lack a column that is required, or have one twice.
    pub fn new(headers: &[String], are_fixed: bool, complete: bool) -> Result<Self, String> {
        let mut layout = Self {
            headers: headers.to_vec(),
            complete,
            places: Vec::new(),
            known: HashMap::new(),
            columns: Columns::none(),
            required: E::REQUIRED.iter().map(|name| E::place(name)).collect(),
            nulls: E::fields().iter().map(|field| field.kind.null()).collect(),
            notes: Notes::default(),
        };
        if are_fixed {
            layout.fix()?;
        }
        Ok(layout)
    }

    /// The columns that were met.
    pub fn columns(&self) -> Columns<E> {
        self.columns
    }

    /// Looks up the headers of a file whose rows all have them.
    fn fix(&mut self) -> Result<(), String> {
        let headers = std::mem::take(&mut self.headers);
        // The header of each column that was met.
        let mut taken = HashMap::<usize, (usize, bool)>::new();
        for (position, header) in headers.iter().enumerate() {
            let place = self.find(header);
            self.places.push(place);
            let Some(place) = place else { continue };
            if let Some(&(other, is_own)) = taken.get(&place.index) {
                let name = &E::fields()[place.index].external_name;
                if is_own == place.is_own {
                    return Err(format!(
                        "it has the column {name} twice: {:?} and {header:?}",
                        headers[other]
                    ));
                }
                let (used, unused) = if is_own { (other, position) } else { (position, other) };
                self.places[unused] = None;
                self.notes.unused_columns.push(format!(
                    "took {name} from the column {:?}, and ignored the column {:?}",
                    headers[used], headers[unused]
                ));
                taken.insert(place.index, (used, true));
                continue;
            }
            taken.insert(place.index, (position, place.is_own));
            self.columns.insert_at(place.index);
        }
        self.headers = headers;
        let missing: Vec<_> = self
            .required
            .iter()
            .filter(|required| !taken.contains_key(required))
            .map(|required| E::fields()[*required].external_name.as_str())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("it has no column {}", missing.join(", ")))
    }

    /// Reads a whole row of the table, null where the file says nothing.
    pub fn read(&mut self, row: &Row) -> Result<Vec<Value>, BadCell> {
        let mut values = self.nulls.clone();
        match &row.cells {
            Cells::Csv(record, layout) => self.read_cells(record, *layout, &mut values)?,
            Cells::Json(object) => self.read_object(object, &mut values)?,
        }
        for (field, value) in E::fields().iter().zip(&mut values) {
            // .NET's Guid.Empty: no id.
            if field.nullable && *value == Value::Uuid(Some(Uuid::nil())) {
                *value = Value::Uuid(None);
            }
        }
        for &required in &self.required {
            if values[required] == self.nulls[required] {
                return Err(BadCell {
                    column: Some(E::fields()[required].external_name.clone()),
                    reason: "expected a value, not null".to_owned(),
                });
            }
        }
        Ok(values)
    }

    fn read_cells(
        &mut self,
        record: &Record,
        layout: CsvLayout,
        values: &mut [Value],
    ) -> Result<(), BadCell> {
        for (position, cell) in record.cells().enumerate().take(self.places.len()) {
            let Some(place) = self.places[position] else { continue };
            let field = &E::fields()[place.index];
            let content = if layout.is_padded { cell.content.trim_ascii() } else { cell.content };
            let value = std::str::from_utf8(content)
                .map_err(|_| {
                    "expected UTF-8; --encoding gives another encoding, such as windows-1252"
                        .to_owned()
                })
                .and_then(|content| {
                    let is_quoted = cell.is_quoted && !layout.quotes_everything;
                    text::read(field.kind, content, is_quoted)
                })
                .map_err(|reason| BadCell {
                    column: Some(self.headers[position].clone()),
                    reason,
                })?;
            if !cell.is_quoted && has_escape(field.kind, content) {
                self.notes.escapes += 1;
            }
            values[place.index] = self.kept(place.index, value);
        }
        Ok(())
    }

    fn read_object(&mut self, object: &Object, values: &mut [Value]) -> Result<(), BadCell> {
        // The key of each column that was met.
        let mut taken: Vec<(usize, &str, bool)> = Vec::new();
        for (key, value) in &object.0 {
            let Some(place) = self.look_up(key) else { continue };
            let bad = |reason| BadCell { column: Some(key.clone()), reason };
            let field = &E::fields()[place.index];
            let value = text::read_json(field.kind, value).map_err(bad)?;
            if let Some(other) = taken.iter_mut().find(|(index, ..)| *index == place.index) {
                if other.2 == place.is_own {
                    return Err(bad(format!(
                        "the column {} is there twice: {:?} and {key:?}",
                        field.external_name, other.1
                    )));
                }
                let (used, unused) =
                    if other.2 { (other.1, key.as_str()) } else { (key.as_str(), other.1) };
                let note =
                    format!("took {} from {used:?}, and ignored {unused:?}", field.external_name);
                if !self.notes.unused_columns.contains(&note) {
                    self.notes.unused_columns.push(note);
                }
                let is_replaced = place.is_own;
                (other.1, other.2) = (used, true);
                if !is_replaced {
                    continue;
                }
            } else {
                taken.push((place.index, key, place.is_own));
            }
            self.columns.insert_at(place.index);
            values[place.index] = self.kept(place.index, value);
        }
        Ok(())
    }

    /// The value as it is stored: long texts are cut, unknown states are counted.
    fn kept(&mut self, index: usize, value: Value) -> Value {
        let field = &E::fields()[index];
        let Value::String(Some(text)) = &value else { return value };
        match field.kind {
            Kind::Text => {
                let limit =
                    if field.name.ends_with("message") { MESSAGE_LENGTH } else { TEXT_LENGTH };
                if text.len() <= limit || text.chars().count() <= limit {
                    return value;
                }
                *self.notes.cut.entry(field.external_name.as_str()).or_default() += 1;
                text.chars().take(limit - 1).chain(['…']).collect::<String>().into()
            }
            Kind::JobState | Kind::ProcessingState => {
                if !text::is_known_state(field.kind, text) {
                    let states = &mut self.notes.states;
                    if states.len() < NAMES_KEPT || states.contains_key(text) {
                        *states.entry(text.clone()).or_default() += 1;
                    }
                }
                value
            }
            _ => value,
        }
    }

    fn look_up(&mut self, key: &str) -> Option<Place> {
        if let Some(place) = self.known.get(key) {
            return *place;
        }
        let place = self.find(key);
        // A file may have other keys in each row.
        if place.is_some() || self.known.len() < NAMES_KEPT {
            self.known.insert(key.to_owned(), place);
        }
        place
    }

    /// The column that a header means.
    fn find(&mut self, header: &str) -> Option<Place> {
        let word = normalize(header);
        if word.is_empty() || E::COMPUTED.contains(&word.as_str()) {
            return None;
        }
        let is_of = |name: &str| {
            let letters = name.bytes().filter(|letter| *letter != b'_');
            letters.eq(word.bytes())
        };
        let own = E::fields().iter().position(|field| is_of(field.name));
        if own.is_some_and(|index| E::fields()[index].internal) && !self.complete {
            self.notes.internal_columns.push(header.to_owned());
            return None;
        }
        let place = match (own, E::alias(&word)) {
            (Some(index), _) => Some(Place { index, is_own: true }),
            (None, Some(name)) => Some(Place { index: E::place(name), is_own: false }),
            (None, None) => None,
        };
        let ignored = &mut self.notes.ignored_columns;
        if place.is_none()
            && ignored.len() < NAMES_KEPT
            && !ignored.iter().any(|each| each == header)
        {
            ignored.push(header.to_owned());
        }
        place
    }
}

/// Whether a text has what may be an escape, as in files that do not quote.
fn has_escape(kind: Kind, content: &[u8]) -> bool {
    kind == Kind::Text
        && content.windows(2).any(|pair| pair[0] == b'\\' && matches!(pair[1], b'n' | b't' | b'r'))
        // A path on Windows.
        && !content.windows(2).any(|pair| pair == b":\\")
}
