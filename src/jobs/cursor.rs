//! Cursors: a job's place in a sorted list, which stays right whatever is added around it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{Timestamp, job};
use sea_orm::Value;
use uuid::Uuid;

use super::order::{NO_DURATION, NO_TIME, OrderField};
use crate::error::ApiError;

/// The sort key and the id of a job. As text it is opaque to clients: the order's letter, the
/// id and the key, in URL-safe base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub id: Uuid,
    field: OrderField,
    key: Key,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Moment(Timestamp),
    Text(String),
    /// Milliseconds.
    Duration(i64),
    Priority(i32, Timestamp),
}

/// The letter of an order in cursors.
fn letter(field: OrderField) -> u8 {
    match field {
        OrderField::CreatedDate => b'c',
        OrderField::UpdateDate => b'u',
        OrderField::Name => b'n',
        OrderField::ScheduledDate => b's',
        OrderField::StartedDate => b'b',
        OrderField::FinishedDate => b'f',
        OrderField::Duration => b'd',
        OrderField::Priority => b'p',
    }
}

impl Cursor {
    /// The columns that a cursor in this order is made of.
    pub fn columns(field: OrderField) -> &'static [job::Column] {
        use job::Column::{
            CreatedDate, Duration, FinishedDate, Id, Name, Priority, ScheduledDate, StartedDate,
            UpdateDate,
        };
        match field {
            OrderField::CreatedDate => &[Id, CreatedDate],
            OrderField::UpdateDate => &[Id, CreatedDate, UpdateDate],
            OrderField::Name => &[Id, Name],
            OrderField::ScheduledDate => &[Id, CreatedDate, ScheduledDate],
            OrderField::StartedDate => &[Id, StartedDate],
            OrderField::FinishedDate => &[Id, FinishedDate],
            OrderField::Duration => &[Id, Duration],
            OrderField::Priority => &[Id, Priority, CreatedDate],
        }
    }

    /// The job's place.
    pub fn of(job: &job::Model, field: OrderField) -> Self {
        let or_earliest = |date: Option<Timestamp>| {
            Key::Moment(date.or(Timestamp::from_micros(NO_TIME)).unwrap_or_default())
        };
        let key = match field {
            OrderField::CreatedDate => Key::Moment(job.created_date),
            OrderField::UpdateDate => Key::Moment(job.update_date.unwrap_or(job.created_date)),
            OrderField::Name => Key::Text(job.name.clone().unwrap_or_default()),
            OrderField::ScheduledDate => {
                Key::Moment(job.scheduled_date.unwrap_or(job.created_date))
            }
            OrderField::StartedDate => or_earliest(job.started_date),
            OrderField::FinishedDate => or_earliest(job.finished_date),
            OrderField::Duration => {
                Key::Duration(job.duration.map_or(NO_DURATION, |duration| duration.0))
            }
            OrderField::Priority => Key::Priority(job.priority, job.created_date),
        };
        Self { id: job.id, field, key }
    }

    pub fn encode(&self) -> String {
        let mut bytes = vec![letter(self.field)];
        bytes.extend(self.id.as_bytes());
        match &self.key {
            Key::Moment(moment) => bytes.extend(moment.micros().to_be_bytes()),
            Key::Text(text) => bytes.extend(text.as_bytes()),
            Key::Duration(milliseconds) => bytes.extend(milliseconds.to_be_bytes()),
            Key::Priority(priority, created) => {
                bytes.extend(priority.to_be_bytes());
                bytes.extend(created.micros().to_be_bytes());
            }
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Cursor::encode`] wrote, for a list in this order.
    pub fn decode(text: &str, field: OrderField, argument: &'static str) -> Result<Self, ApiError> {
        let cursor = Self::parse(text).ok_or_else(|| {
            ApiError::invalid(argument, "expected a cursor that this list has given out")
        })?;
        if cursor.field == field {
            Ok(cursor)
        } else {
            Err(ApiError::invalid(argument, "the cursor is from a list in another order"))
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let moment = |bytes: &[u8]| {
            let micros = i64::from_be_bytes(bytes.try_into().ok()?);
            Timestamp::from_micros(micros).filter(|_| micros >= NO_TIME)
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (first, rest) = bytes.split_first()?;
        let (id, key) = rest.split_at_checked(16)?;
        let field = OrderField::ALL.into_iter().find(|field| letter(*field) == *first)?;
        let key = match field {
            OrderField::Name => {
                let name = String::from_utf8(key.to_vec()).ok()?;
                Key::Text(Some(name).filter(|name| !name.contains('\0'))?)
            }
            OrderField::Duration => Key::Duration(i64::from_be_bytes(key.try_into().ok()?)),
            OrderField::Priority => {
                let (priority, created) = key.split_at_checked(4)?;
                Key::Priority(i32::from_be_bytes(priority.try_into().ok()?), moment(created)?)
            }
            _ => Key::Moment(moment(key)?),
        };
        Some(Self { id: Uuid::from_slice(id).ok()?, field, key })
    }

    /// The values of the order's keys.
    pub(super) fn values(&self) -> Vec<Value> {
        match &self.key {
            Key::Moment(moment) => vec![(*moment).into()],
            Key::Text(text) => vec![text.as_str().into()],
            Key::Duration(milliseconds) => vec![(*milliseconds).into()],
            Key::Priority(priority, created) => vec![(*priority).into(), (*created).into()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::Millis;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_what_it_wrote(id: u128, micros in -10_i64.pow(15)..10_i64.pow(16), name: String) {
            let job = job::Model {
                id: Uuid::from_u128(id),
                created_date: Timestamp::from_micros(micros).unwrap(),
                name: Some(name.replace('\0', "")),
                started_date: Some(micros).filter(|micros| micros % 2 == 0).and_then(Timestamp::from_micros),
                duration: Some(Millis(micros)).filter(|_| micros % 3 == 0),
                priority: i32::try_from(micros % 1_000).unwrap(),
                ..job::Model::default()
            };
            for field in OrderField::ALL {
                let cursor = Cursor::of(&job, field);
                prop_assert_eq!(&Cursor::decode(&cursor.encode(), field, "after").unwrap(), &cursor);
            }
        }

        #[test]
        fn refuses_anything_else(text: String) {
            for field in OrderField::ALL {
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
