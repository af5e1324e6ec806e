//! Column types that need care on one of the databases or in GraphQL.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, Number, OutputType, Positioned, Scalar,
    ScalarType, ServerError, ServerResult, Value as GraphQlValue,
};
use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr};
use sea_orm::sqlx::Row as _;
use sea_orm::{ColIdx, DbErr, QueryResult, TryGetError, TryGetable};

/// PostgreSQL counts microseconds from the year 2000; this is that moment after 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A moment, in UTC, with microseconds: what both databases keep exactly.
///
/// PostgreSQL stores it as `timestamptz`, SQLite as an integer: microseconds since 1970, which
/// sorts and compares as the moments do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The moment, cut to whole microseconds.
    pub fn new(moment: DateTime<Utc>) -> Self {
        Self(moment.trunc_subsecs(6))
    }

    /// The moment this many microseconds after 1970; `None` beyond the year 262,000.
    pub fn from_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).map(Self)
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// The same moment for calculations.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }
}

/// RFC 3339 in UTC with as many digits as the moment needs: `2026-05-01T10:22:33.447Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// As people write it on a command line: RFC 3339, without an offset in UTC, or a date.
impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")]
            .iter()
            .find_map(|text| DateTime::parse_from_rfc3339(text).ok())
            .map(|moment| Self::new(moment.to_utc()))
            .ok_or_else(|| "expected a moment such as 2026-05-01T10:22:33Z".to_owned())
    }
}

/// A moment in RFC 3339 form, given in UTC with up to six digits after the second:
/// `2026-05-01T10:22:33.447Z`. As an argument any offset is understood.
#[Scalar(name = "DateTime", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339")]
impl ScalarType for Timestamp {
    fn parse(value: GraphQlValue) -> InputValueResult<Self> {
        let GraphQlValue::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        DateTime::parse_from_rfc3339(text).map(|moment| Self::new(moment.to_utc())).map_err(|_| {
            InputValueError::custom(format!(
                "expected an RFC 3339 moment with an offset such as 2026-05-01T10:22:33Z, not {text:?}"
            ))
        })
    }

    fn is_valid(value: &GraphQlValue) -> bool {
        matches!(value, GraphQlValue::String(text) if DateTime::parse_from_rfc3339(text).is_ok())
    }

    fn to_value(&self) -> GraphQlValue {
        GraphQlValue::String(self.to_string())
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Value::ChronoDateTimeUtc(Some(moment.0))
    }
}

impl TryGetable for Timestamp {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let error = |message: String| TryGetError::DbErr(DbErr::Type(message));
        let micros = if let Some(row) = row.try_as_pg_row() {
            // The driver's own reading panics at `infinity` and at years that chrono has not.
            let micros = row
                .try_get_unchecked::<Option<i64>, _>(index.as_sqlx_postgres_index())
                .map_err(|read| error(read.to_string()))?
                .ok_or_else(|| TryGetError::Null(format!("{index:?}")))?;
            micros.saturating_add(POSTGRES_EPOCH)
        } else {
            i64::try_get_by(row, index)?
        };
        Self::from_micros(micros)
            .ok_or_else(|| error(format!("{micros} microseconds is no moment")))
    }
}

impl ValueType for Timestamp {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <DateTime<Utc> as ValueType>::try_from(value).map(Self)
    }

    fn type_name() -> String {
        "Timestamp".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::ChronoDateTimeUtc
    }

    fn column_type() -> ColumnType {
        ColumnType::TimestampWithTimeZone
    }
}

impl Nullable for Timestamp {
    fn null() -> Value {
        Value::ChronoDateTimeUtc(None)
    }
}

/// Defines a 64-bit integer column type; `$column` tells the [`Kind`](crate::Kind).
macro_rules! integer_column {
    ($name:ident, $column:expr) => {
        impl From<i64> for $name {
            fn from(value: i64) -> Self {
                Self(value)
            }
        }

        impl From<$name> for Value {
            fn from(value: $name) -> Self {
                Value::BigInt(Some(value.0))
            }
        }

        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                i64::try_get_by(row, index).map(Self)
            }
        }

        impl ValueType for $name {
            fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
                <i64 as ValueType>::try_from(value).map(Self)
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> ArrayType {
                ArrayType::BigInt
            }

            fn column_type() -> ColumnType {
                $column
            }
        }

        impl Nullable for $name {
            fn null() -> Value {
                Value::BigInt(None)
            }
        }
    };
}

/// A count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Long(pub i64);

integer_column!(Long, ColumnType::BigInteger);

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Millis(pub i64);

integer_column!(Millis, ColumnType::Interval(None, None));

impl Long {
    /// The largest whole number that every JSON reader takes exactly: 2^53 - 1
    /// (RFC 8259, section 6).
    pub const MAX: i64 = (1 << 53) - 1;
}

/// A whole number of up to 53 bits, as a JSON number: from -9007199254740991 to
/// 9007199254740991, the numbers that JavaScript takes exactly. A larger one is an error.
#[Scalar(name = "Long")]
impl ScalarType for LongInput {
    fn parse(value: GraphQlValue) -> InputValueResult<Self> {
        let GraphQlValue::Number(number) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        match number.as_i64() {
            Some(number) if (-Long::MAX..=Long::MAX).contains(&number) => Ok(Self(number)),
            _ => Err(InputValueError::custom(
                "expected a whole number from -9007199254740991 to 9007199254740991",
            )),
        }
    }

    fn is_valid(value: &GraphQlValue) -> bool {
        matches!(value, GraphQlValue::Number(number)
            if number.as_i64().is_some_and(|number| (-Long::MAX..=Long::MAX).contains(&number)))
    }

    fn to_value(&self) -> GraphQlValue {
        GraphQlValue::Number(Number::from(self.0))
    }
}

/// A `Long` as a client sends it; also registers the scalar. Output goes through [`Long`]'s own [`OutputType`], which can
/// refuse a number where [`ScalarType::to_value`] could only return a wrong one.
#[derive(Clone, Copy, Debug)]
pub struct LongInput(pub i64);

/// As it stands on a command line.
impl FromStr for LongInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| (-Long::MAX..=Long::MAX).contains(number));
        number.map(Self).ok_or_else(|| "expected a whole number of up to 53 bits".to_owned())
    }
}

impl From<LongInput> for Value {
    fn from(number: LongInput) -> Self {
        Value::BigInt(Some(number.0))
    }
}

macro_rules! long_output {
    ($name:ident) => {
        impl OutputType for $name {
            fn type_name() -> Cow<'static, str> {
                Cow::Borrowed("Long")
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <LongInput as OutputType>::create_type_info(registry)
            }

            async fn resolve(
                &self,
                context: &ContextSelectionSet<'_>,
                field: &Positioned<Field>,
            ) -> ServerResult<GraphQlValue> {
                if (-Long::MAX..=Long::MAX).contains(&self.0) {
                    return Ok(GraphQlValue::Number(Number::from(self.0)));
                }
                let mut error = ServerError::new(
                    format!("{} does not fit a Long, which has 53 bits", self.0),
                    Some(field.pos),
                );
                error.extensions.get_or_insert_default().set("code", "NUMBER_TOO_LARGE");
                Err(context.set_error_path(error))
            }
        }
    };
}

long_output!(Long);
long_output!(Millis);
