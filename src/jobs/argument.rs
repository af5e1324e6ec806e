//! Arguments as clients send them, checked with error messages that name them.

use std::borrow::Cow;
use std::convert::Infallible;
use std::str::FromStr;

use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult, Value};
use uuid::Uuid;

use crate::error::ApiError;

/// The largest page.
pub const TAKE_MAX: i32 = 200;

/// An unparsed id. The error of the scalar would not name the argument.
#[derive(Clone, Debug)]
pub struct UuidArgument(String);

impl UuidArgument {
    pub fn get(&self, argument: &'static str) -> Result<Uuid, ApiError> {
        Uuid::parse_str(&self.0).map_err(|_| {
            let start: String = self.0.chars().take(60).collect();
            ApiError::invalid(
                argument,
                format_args!(
                    "expected a UUID such as 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f, not {start:?}"
                ),
            )
        })
    }

    /// The text sent by the client.
    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn get_optional(
        id: Option<Self>,
        argument: &'static str,
    ) -> Result<Option<Uuid>, ApiError> {
        id.map(|id| id.get(argument)).transpose()
    }
}

impl From<Uuid> for UuidArgument {
    fn from(id: Uuid) -> Self {
        Self(id.to_string())
    }
}

impl FromStr for UuidArgument {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl InputType for UuidArgument {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <Uuid as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Uuid as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => Ok(Self(text)),
            Value::Null => Err(InputValueError::expected_type(Value::Null)),
            other => Ok(Self(other.to_string())),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// Checks the size of a page.
pub fn take_of(argument: &'static str, take: i32) -> Result<i64, ApiError> {
    if (1..=TAKE_MAX).contains(&take) {
        return Ok(i64::from(take));
    }
    Err(ApiError::invalid(
        argument,
        format_args!("expected a number from 1 to {TAKE_MAX}, not {take}"),
    ))
}

/// A numbered page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Counted from 0.
    pub number: i64,
    /// How many items a page has.
    pub size: i64,
}

impl PageRequest {
    /// The page that the arguments `page` and `take` name.
    pub fn new(page: i32, take: i32) -> Result<Self, ApiError> {
        if page < 0 {
            return Err(ApiError::invalid(
                "page",
                format_args!("expected 0 for the first page or a larger number, not {page}"),
            ));
        }
        Ok(Self { number: i64::from(page), size: take_of("take", take)? })
    }

    /// How many items come before the page.
    pub fn offset(self) -> i64 {
        self.number.saturating_mul(self.size)
    }

    /// How many pages this many items fill.
    pub fn count_of(self, items: i64) -> i64 {
        (items + self.size - 1) / self.size
    }
}
