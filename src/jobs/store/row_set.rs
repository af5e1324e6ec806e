//! Rows that are written together.

use std::collections::HashSet;
use std::mem;

use entity::{Columns, Table, Timestamp, job};
use sea_orm::{DbBackend, ModelTrait as _, Value};
use uuid::Uuid;

/// SQLite takes up to 32,766 parameters; smaller statements are quicker to prepare.
const SQLITE_PARAMETERS: usize = 8_000;

/// Rows that have the same columns.
pub struct RowSet<E: Table> {
    /// Those that are written.
    pub columns: Columns<E>,
    /// Whole rows of the table, null in the columns that are not written.
    pub rows: Vec<Vec<Value>>,
}

impl<E: Table> RowSet<E> {
    /// Rows with all of their columns.
    pub fn whole<'a>(models: impl IntoIterator<Item = &'a E::Model>) -> Self
    where
        E::Model: 'a,
    {
        let row = |model: &E::Model| {
            E::fields().iter().map(|field| model.get(field.column)).collect::<Vec<_>>()
        };
        Self { columns: Columns::all(), rows: models.into_iter().map(row).collect() }
    }

    /// Partitions the rows, so that those with the same id in `column` are in the same part.
    pub fn partition(self, column: &str, parts: usize) -> Vec<Self> {
        let place = E::place(column);
        let mut sets: Vec<_> =
            (0..parts).map(|_| Self { columns: self.columns, rows: Vec::new() }).collect();
        for row in self.rows {
            // The last byte is random in all versions of UUIDs in use.
            let part = uuid(&row[place]).map_or(0, |id| usize::from(id.as_bytes()[15]) % parts);
            sets[part].rows.push(row);
        }
        sets
    }

    /// The ids in a column.
    pub fn ids(&self, name: &str) -> Vec<Uuid> {
        let place = E::place(name);
        let ids: HashSet<_> = self.rows.iter().filter_map(|row| uuid(&row[place])).collect();
        // Sorted, so that two writers cannot deadlock.
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable();
        ids
    }

    /// Keeps one row for each id, as if they were written one after the other: a row that is
    /// older than one before it changes nothing. Sorts them by id, which is the order of the
    /// table's index.
    pub fn deduplicate(&mut self) {
        let (id, date) = (E::place("id"), E::place("update_date"));
        // Stable: rows of the same id stay in the file's order.
        self.rows.sort_by_key(|row| uuid(&row[id]));
        self.rows.dedup_by(|later, kept| {
            if later[id] != kept[id] {
                return false;
            }
            let is_older = matches!(
                (moment(&kept[date]), moment(&later[date])), (Some(a), Some(b)) if b < a
            );
            if !is_older {
                mem::swap(later, kept);
            }
            true
        });
    }

    /// As many rows as one statement takes. One array holds any number on PostgreSQL.
    pub fn chunks(&mut self, backend: DbBackend) -> impl Iterator<Item = &mut [Vec<Value>]> {
        let size = match backend {
            DbBackend::Postgres => self.rows.len(),
            _ => SQLITE_PARAMETERS / self.columns.places().count().max(1),
        };
        self.rows.chunks_mut(size.max(1))
    }

    /// Gives a column that must not be null a value where the rows have none.
    pub fn default_to(&mut self, name: &str, default: &Value) {
        let place = E::place(name);
        let null = E::fields()[place].kind.null();
        for value in self.rows.iter_mut().map(|row| &mut row[place]) {
            if *value == null {
                *value = default.clone();
            }
        }
    }
}

impl RowSet<job::Entity> {
    /// Gives every job a date of its last change, if need be that of its creation: a job without
    /// one is known from its runs alone.
    pub fn date_rows(&mut self) {
        let [created, updated] = ["created_date", "update_date"].map(job::Entity::place);
        self.columns.insert_at(updated);
        for row in &mut self.rows {
            if moment(&row[updated]).is_none() {
                row[updated] = row[created].clone();
            }
        }
    }
}

pub fn uuid(value: &Value) -> Option<Uuid> {
    if let Value::Uuid(id) = value { *id } else { None }
}

pub fn moment(value: &Value) -> Option<Timestamp> {
    if let Value::ChronoDateTimeUtc(moment) = value { moment.map(Timestamp::new) } else { None }
}
