//! Values as files have them: reading what databases and platforms export, and writing what
//! reads back the same.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use entity::{JobState, Kind, ProcessingState, Timestamp};
use sea_orm::Value;
use serde_json::{Number, Value as Json};
use uuid::Uuid;

/// Reads a cell of a CSV file. An empty cell and SQL Server's `NULL` are null.
///
/// # Errors
/// What was expected instead.
pub fn read(kind: Kind, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed == "NULL" {
        return Ok(kind.null());
    }
    let expected = |what: &str| {
        let start: String = trimmed.chars().take(80).collect();
        format!("expected {what}, not {start:?}")
    };
    match kind {
        Kind::Text if text.contains('\0') => Err("a text cannot have a NUL character".to_owned()),
        Kind::Text => Ok(text.into()),
        Kind::Uuid => Uuid::parse_str(trimmed).map(Value::from).map_err(|_| expected("a UUID")),
        Kind::Bool => match trimmed.to_ascii_lowercase().as_str() {
            "1" | "true" => Ok(true.into()),
            "0" | "false" => Ok(false.into()),
            _ => Err(expected("0, 1, true or false")),
        },
        Kind::Integer => {
            trimmed.parse::<i32>().map(Value::from).map_err(|_| expected("a whole number"))
        }
        Kind::Count => match trimmed.parse::<i64>() {
            Ok(count) if count >= 0 => Ok(count.into()),
            _ => Err(expected("a whole number of 0 or more")),
        },
        Kind::Float => match trimmed.parse::<f64>() {
            Ok(percentage) if (0.0..=100.0).contains(&percentage) => Ok(percentage.into()),
            _ => Err(expected("a number from 0 to 100")),
        },
        Kind::Duration => duration(trimmed)
            .map(Value::from)
            .ok_or_else(|| expected("milliseconds, or a time span such as 1.02:03:04.5670000")),
        Kind::Timestamp => moment(trimmed)
            .map(Value::from)
            .ok_or_else(|| expected("a date and time such as 2024-05-01 10:22:33.447")),
        Kind::JobState => state(trimmed, JobState::parse(trimmed).map(JobState::name))
            .ok_or_else(|| expected("a state")),
        Kind::ProcessingState => {
            state(trimmed, ProcessingState::parse(trimmed).map(ProcessingState::name))
                .ok_or_else(|| expected("a state"))
        }
    }
}

/// Reads a JSON value: its own types where JSON has them, otherwise the text of a cell.
///
/// # Errors
/// What was expected instead.
pub fn read_json(kind: Kind, json: &Json) -> Result<Value, String> {
    match json {
        Json::Null => Ok(kind.null()),
        Json::String(text) if kind == Kind::Text && !text.contains('\0') => {
            Ok(text.as_str().into())
        }
        Json::String(text) => read(kind, text),
        Json::Bool(value) => read(kind, if *value { "true" } else { "false" }),
        Json::Number(number) => read(kind, &number.to_string()),
        Json::Array(_) | Json::Object(_) => {
            Err("expected a single value, not a list or an object".to_owned())
        }
    }
}

/// A state's name; one that this version does not know is kept as it is.
fn state(text: &str, known: Option<&'static str>) -> Option<Value> {
    let name = known.unwrap_or(text);
    (name.len() <= 64 && !name.contains('\0')).then(|| name.into())
}

/// A .NET time span, `[-][d.]hh:mm:ss[.fffffff]` (the constant format specifier "c"), or a number
/// of milliseconds; in milliseconds.
pub fn duration(text: &str) -> Option<i64> {
    if let Ok(milliseconds) = text.parse() {
        return Some(milliseconds);
    }
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let number = |digits: &str| -> Option<i64> {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { digits.parse().ok() } else { None }
    };
    let below =
        |limit: i64, digits: &str| number(digits).filter(|n| digits.len() == 2 && *n < limit);

    let mut parts = text.split(':');
    let (days_and_hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = match days_and_hours.split_once('.') {
        Some((days, hours)) => (number(days)?, hours),
        None => (0, days_and_hours),
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if fraction.is_empty() || fraction.len() > 7 {
        return None;
    }
    let ticks = number(&format!("{fraction:0<7}"))?;
    let milliseconds = days
        .checked_mul(24)?
        .checked_add(below(24, hours)?)?
        .checked_mul(60)?
        .checked_add(below(60, minutes)?)?
        .checked_mul(60)?
        .checked_add(below(60, seconds)?)?
        .checked_mul(1000)?
        .checked_add(ticks / 10_000)?;
    Some(if is_negative { -milliseconds } else { milliseconds })
}

/// A date, perhaps with a time and an offset; without an offset it is UTC. Digits beyond
/// microseconds are cut off.
pub fn moment(text: &str) -> Option<Timestamp> {
    // Far the most frequent forms are RFC 3339, and that with a space and without an offset.
    let has_offset =
        text.ends_with(['Z', 'z']) || text.bytes().skip(19).any(|byte| matches!(byte, b'+' | b'-'));
    let common = if has_offset { Cow::from(text) } else { Cow::from(format!("{text}Z")) };
    if let Ok(moment) = DateTime::parse_from_rfc3339(&common) {
        return in_range(moment.to_utc());
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f %:z", "%Y-%m-%d %H:%M:%S%.f%:z"] {
        if let Ok(moment) = DateTime::parse_from_str(text, format) {
            return in_range(moment.to_utc());
        }
    }
    let text = text.strip_suffix('Z').unwrap_or(text);
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(text, format) {
            return in_range(moment.and_utc());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    in_range(date.and_time(NaiveTime::MIN).and_utc())
}

/// Years that every database and program can show.
fn in_range(moment: DateTime<chrono::Utc>) -> Option<Timestamp> {
    use chrono::Datelike as _;
    (1..=9999).contains(&moment.year()).then(|| Timestamp::new(moment))
}

/// Writes a value for a CSV cell: null as nothing.
pub fn write(value: &Value) -> String {
    match write_json(value) {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    }
}

/// Writes a value as JSON, so that [`read_json`] gives it back.
pub fn write_json(value: &Value) -> Json {
    match value {
        Value::Uuid(Some(id)) => Json::String(id.to_string()),
        Value::String(Some(text)) => Json::String(text.clone()),
        Value::Bool(Some(value)) => Json::Bool(*value),
        Value::Int(Some(number)) => Json::Number((*number).into()),
        Value::BigInt(Some(number)) => Json::Number((*number).into()),
        Value::Double(Some(number)) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::ChronoDateTimeUtc(Some(moment)) => Json::String(Timestamp::new(*moment).to_string()),
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn time_spans() {
        for (text, milliseconds) in [
            ("00:00:00", 0),
            ("00:00:01.5000000", 1_500),
            ("01:02:03", 3_723_000),
            ("1.02:03:04.5670000", 93_784_567),
            ("-00:00:00.0010000", -1),
            ("-10675199.02:48:05.4775808", -922_337_203_685_477),
            ("10675199.02:48:05.4775807", 922_337_203_685_477),
            ("00:00:00.0009999", 0),
            ("00:00:00.5", 500),
            ("1500", 1_500),
            ("-3", -3),
        ] {
            assert_eq!(duration(text), Some(milliseconds), "{text}");
        }
        for text in [
            "",
            "24:00:00",
            "00:60:00",
            "00:00:60",
            "1:2:3",
            "00:00",
            "1.00:00",
            "--00:00:01",
            "00:00:00.",
            "00:00:00.12345678",
            "00:00:+1",
            "a",
            "99999999999999.00:00:00",
            "1e3",
        ] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn moments() {
        for (text, expected) in [
            ("2024-05-01 10:22:33.4470000", "2024-05-01T10:22:33.447Z"),
            ("2024-05-01 10:22:33.1234567", "2024-05-01T10:22:33.123456Z"),
            ("2024-05-01T10:22:33Z", "2024-05-01T10:22:33Z"),
            ("2024-05-01T10:22:33.447", "2024-05-01T10:22:33.447Z"),
            ("2024-05-01T10:22:33+02:00", "2024-05-01T08:22:33Z"),
            ("2024-05-01 10:22:33.4470000 +02:00", "2024-05-01T08:22:33.447Z"),
            ("2024-05-01 10:22:33+00:00", "2024-05-01T10:22:33Z"),
            ("2024-05-01", "2024-05-01T00:00:00Z"),
            ("0001-01-01 00:00:00.0000000", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(moment(text).map(|m| m.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "2024-13-01", "2024-02-30 00:00:00", "01/05/2024", "10:22"] {
            assert_eq!(moment(text), None, "{text:?}");
        }
    }

    #[test]
    fn cells() {
        assert_eq!(read(Kind::Count, "NULL"), Ok(Value::BigInt(None)));
        assert_eq!(read(Kind::Count, " 12 "), Ok(12_i64.into()));
        assert_eq!(read(Kind::Bool, "True"), Ok(true.into()));
        assert_eq!(read(Kind::JobState, "20"), Ok("Executing".into()));
        assert_eq!(read(Kind::JobState, "executionCompleted"), Ok("ExecutionCompleted".into()));
        assert_eq!(read(Kind::JobState, "Paused"), Ok("Paused".into()));
        assert_eq!(read(Kind::Text, " two\nlines "), Ok(" two\nlines ".into()));
        for (kind, text, reason) in [
            (Kind::Uuid, "zz", "expected a UUID, not \"zz\""),
            (Kind::Count, "-1", "expected a whole number of 0 or more, not \"-1\""),
            (Kind::Float, "NaN", "expected a number from 0 to 100, not \"NaN\""),
            (Kind::Float, "100.5", "expected a number from 0 to 100, not \"100.5\""),
            (Kind::Text, "a\0b", "a text cannot have a NUL character"),
        ] {
            assert_eq!(read(kind, text), Err(reason.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text: String) {
            for kind in [
                Kind::Uuid, Kind::Text, Kind::Bool, Kind::Integer, Kind::Float, Kind::Timestamp,
                Kind::Count, Kind::Duration, Kind::JobState, Kind::ProcessingState,
            ] {
                if let Ok(value) = read(kind, &text) {
                    // Once read, a value stays what it is however often it goes out and in.
                    let again = read(kind, &write(&value)).unwrap();
                    prop_assert_eq!(&again, &value);
                    prop_assert_eq!(&read_json(kind, &write_json(&value)).unwrap(), &value);
                }
            }
        }
    }
}
