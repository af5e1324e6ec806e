//! Cursors: a job's place in a sorted list, which stays right whatever is added around it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{Timestamp, job};
use sea_orm::Value;
use uuid::Uuid;

use super::order::OrderField;
use crate::error::ApiError;

/// Julian day 0, before which PostgreSQL knows no moments.
pub(super) const EARLIEST: i64 = -210_866_803_200_000_000;

/// The sort key and the id of a job. As text it is opaque to clients: the order's letter, the
/// id and the key, in URL-safe base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub id: Uuid,
    key: Key,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Created(Timestamp),
    Updated(Timestamp),
    Name(String),
    Due(Timestamp),
}

impl Cursor {
    /// The columns that a cursor in this order is made of.
    pub fn columns(field: OrderField) -> &'static [job::Column] {
        match field {
            OrderField::CreatedDate => &[job::Column::Id, job::Column::CreatedDate],
            OrderField::UpdateDate => {
                &[job::Column::Id, job::Column::CreatedDate, job::Column::UpdateDate]
            }
            OrderField::Name => &[job::Column::Id, job::Column::Name],
            OrderField::ScheduledDate => {
                &[job::Column::Id, job::Column::CreatedDate, job::Column::ScheduledDate]
            }
        }
    }

    /// The job's place.
    pub fn of(job: &job::Model, field: OrderField) -> Self {
        let key = match field {
            OrderField::CreatedDate => Key::Created(job.created_date),
            OrderField::UpdateDate => Key::Updated(job.update_date.unwrap_or(job.created_date)),
            OrderField::Name => Key::Name(job.name.clone().unwrap_or_default()),
            OrderField::ScheduledDate => Key::Due(job.scheduled_date.unwrap_or(job.created_date)),
        };
        Self { id: job.id, key }
    }

    pub fn encode(&self) -> String {
        let (letter, key) = match &self.key {
            Key::Created(moment) => (b'c', moment.micros().to_be_bytes().to_vec()),
            Key::Updated(moment) => (b'u', moment.micros().to_be_bytes().to_vec()),
            Key::Name(name) => (b'n', name.clone().into_bytes()),
            Key::Due(moment) => (b's', moment.micros().to_be_bytes().to_vec()),
        };
        let mut bytes = Vec::with_capacity(17 + key.len());
        bytes.push(letter);
        bytes.extend(self.id.as_bytes());
        bytes.extend(key);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Cursor::encode`] wrote, for a list in this order.
    pub fn decode(text: &str, field: OrderField, argument: &'static str) -> Result<Self, ApiError> {
        let cursor = Self::parse(text).ok_or_else(|| {
            ApiError::invalid(argument, "expected a cursor that this list has given out")
        })?;
        let same_order = match cursor.key {
            Key::Created(_) => field == OrderField::CreatedDate,
            Key::Updated(_) => field == OrderField::UpdateDate,
            Key::Name(_) => field == OrderField::Name,
            Key::Due(_) => field == OrderField::ScheduledDate,
        };
        if same_order {
            Ok(cursor)
        } else {
            Err(ApiError::invalid(argument, "the cursor is from a list in another order"))
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (letter, rest) = bytes.split_first()?;
        let (id, key) = rest.split_at_checked(16)?;
        let moment = || {
            let micros = i64::from_be_bytes(key.try_into().ok()?);
            Timestamp::from_micros(micros).filter(|_| micros >= EARLIEST)
        };
        let key = match letter {
            b'c' => Key::Created(moment()?),
            b'u' => Key::Updated(moment()?),
            b's' => Key::Due(moment()?),
            b'n' => {
                let name = String::from_utf8(key.to_vec()).ok()?;
                Key::Name(Some(name).filter(|name| !name.contains('\0'))?)
            }
            _ => return None,
        };
        Some(Self { id: Uuid::from_slice(id).ok()?, key })
    }

    pub(super) fn value(&self) -> Value {
        match &self.key {
            Key::Created(moment) | Key::Updated(moment) | Key::Due(moment) => (*moment).into(),
            Key::Name(name) => name.as_str().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIELDS: [OrderField; 4] = [
        OrderField::CreatedDate,
        OrderField::UpdateDate,
        OrderField::Name,
        OrderField::ScheduledDate,
    ];

    proptest! {
        #[test]
        fn reads_what_it_wrote(id: u128, micros in -10_i64.pow(15)..10_i64.pow(16), name: String) {
            let job = job::Model {
                id: Uuid::from_u128(id),
                created_date: Timestamp::from_micros(micros).unwrap(),
                name: Some(name.replace('\0', "")),
                ..job::Model::default()
            };
            for field in FIELDS {
                let cursor = Cursor::of(&job, field);
                prop_assert_eq!(&Cursor::decode(&cursor.encode(), field, "after").unwrap(), &cursor);
            }
        }

        #[test]
        fn refuses_anything_else(text: String) {
            for field in FIELDS {
                if let Ok(cursor) = Cursor::decode(&text, field, "after") {
                    prop_assert_eq!(cursor.encode(), text.clone());
                }
            }
        }
    }

    #[test]
    fn refuses_a_cursor_of_another_order() {
        let cursor = Cursor::of(&job::Model::default(), OrderField::Name).encode();
        let error = Cursor::decode(&cursor, OrderField::CreatedDate, "after").unwrap_err();
        assert_eq!(error.to_string(), "after: the cursor is from a list in another order");
    }
}
