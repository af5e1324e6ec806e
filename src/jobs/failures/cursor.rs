//! Cursors: a group's place in a sorted list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::Timestamp;
use sea_orm::Value;
use uuid::Uuid;

use super::filter::FailureGroupOrder;
use crate::error::ApiError;
use crate::jobs::order::NO_TIME;

/// The sort key and the id of a group. As text it is opaque to clients: the order's letter, the id
/// and the key, in URL-safe base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub id: Uuid,
    order: FailureGroupOrder,
    /// Microseconds or a count.
    key: i64,
}

fn letter(order: FailureGroupOrder) -> u8 {
    match order {
        FailureGroupOrder::LastSeen => b'l',
        FailureGroupOrder::FirstSeen => b'f',
        FailureGroupOrder::JobCount => b'j',
    }
}

impl Cursor {
    pub fn new(id: Uuid, order: FailureGroupOrder, key: i64) -> Self {
        Self { id, order, key }
    }

    pub fn encode(&self) -> String {
        let mut bytes = vec![letter(self.order)];
        bytes.extend(self.id.as_bytes());
        bytes.extend(self.key.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Cursor::encode`] wrote, for a list in this order.
    pub fn decode(
        text: &str,
        order: FailureGroupOrder,
        argument: &'static str,
    ) -> Result<Self, ApiError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let parts = bytes.as_deref().and_then(|bytes| {
            let (letter, rest) = bytes.split_first()?;
            let (id, key) = rest.split_at_checked(16)?;
            let key = i64::from_be_bytes(key.try_into().ok()?);
            Some((*letter, Uuid::from_slice(id).ok()?, key))
        });
        let Some((found, id, key)) = parts.filter(|(found, _, key)| {
            let is_date = matches!(found, b'l' | b'f');
            (is_date && *key >= NO_TIME && Timestamp::from_micros(*key).is_some()) || *found == b'j'
        }) else {
            let message = "expected a cursor that this list has given out";
            return Err(ApiError::invalid(argument, message));
        };
        if found != letter(order) {
            let message = "the cursor is from a list in another order";
            return Err(ApiError::invalid(argument, message));
        }
        Ok(Self { id, order, key })
    }

    pub(super) fn value(&self) -> Value {
        match self.order {
            FailureGroupOrder::JobCount => self.key.into(),
            _ => Timestamp::from_micros(self.key).unwrap_or_default().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_for_the_same_order() {
        let id = Uuid::from_u128(7);
        for order in
            [FailureGroupOrder::LastSeen, FailureGroupOrder::FirstSeen, FailureGroupOrder::JobCount]
        {
            let cursor = Cursor::new(id, order, 1_700_000_000_000_000);
            assert_eq!(Cursor::decode(&cursor.encode(), order, "after").unwrap(), cursor);
            for other in [FailureGroupOrder::LastSeen, FailureGroupOrder::JobCount] {
                assert_eq!(
                    Cursor::decode(&cursor.encode(), other, "after").is_ok(),
                    other == order
                );
            }
        }
        let early = Cursor::new(id, FailureGroupOrder::LastSeen, i64::MIN).encode();
        for text in ["", "x", "!", &early, "bAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(Cursor::decode(text, FailureGroupOrder::LastSeen, "after").is_err(), "{text}");
        }
    }
}
