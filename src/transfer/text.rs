//! Values as files have them: reading what databases and platforms export, and writing what
//! reads back the same.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use entity::{JobState, Kind, ProcessingState, Timestamp, to_json};
use sea_orm::Value;
use serde_json::Value as Json;
use uuid::Uuid;

use super::json::Scalar;

/// The largest magnitude of a number that every client reads exactly (RFC 8259, section 6). The API
/// has no larger ones.
const MAX_NUMBER: i64 = (1 << 53) - 1;

/// What tools write for null: SQL clients, PostgreSQL and MySQL, pandas, DBeaver, DataGrip, Excel.
const NULLS: [&str; 9] =
    ["NULL", "\\N", "NaN", "NaT", "None", "[NULL]", "(null)", "<null>", "<NA>"];

/// Whether an unquoted cell means null.
pub fn is_null(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || NULLS.iter().any(|null| null.eq_ignore_ascii_case(text))
}

/// Reads a cell of a CSV file. An unquoted cell that is empty or spells null is null, and so is a
/// quoted one in columns that hold no text.
///
/// # Errors
/// What was expected instead.
pub fn read(kind: Kind, text: &str, is_quoted: bool) -> Result<Value, String> {
    let is_text = kind == Kind::Text;
    if (!is_quoted || !is_text) && is_null(text) {
        return Ok(kind.null());
    }
    let trimmed = text.trim();
    let expected = |what: &str| {
        let start: String = trimmed.chars().take(80).collect();
        format!("expected {what}, not {start:?}")
    };
    match kind {
        Kind::Text if text.contains('\0') => Err("a text cannot have a NUL character".to_owned()),
        Kind::Text => Ok(text.into()),
        Kind::Uuid => Uuid::parse_str(trimmed).map(Value::from).map_err(|_| expected("a UUID")),
        Kind::Bool => match trimmed.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "1.0" => Ok(true.into()),
            "0" | "false" | "f" | "no" | "n" | "0.0" => Ok(false.into()),
            _ => Err(expected("0, 1, true or false")),
        },
        Kind::Integer => whole_number(trimmed)
            .and_then(|number| i32::try_from(number).ok())
            .map(Value::from)
            .ok_or_else(|| expected("a whole number")),
        Kind::Count => match whole_number(trimmed) {
            Some(count) if (0..=MAX_NUMBER).contains(&count) => Ok(count.into()),
            _ => Err(expected(&format!("a whole number from 0 to {MAX_NUMBER}"))),
        },
        Kind::Float => match trimmed.parse::<f64>() {
            Ok(percentage) if (0.0..=100.0).contains(&percentage) => Ok(percentage.into()),
            _ => Err(expected("a number from 0 to 100")),
        },
        Kind::Duration => duration(trimmed)
            .filter(|milliseconds| milliseconds.abs() <= MAX_NUMBER)
            .map(Value::from)
            .ok_or_else(|| expected("milliseconds, or a time span such as 1.02:03:04.5670000")),
        Kind::Timestamp if is_no_moment(trimmed) => Ok(kind.null()),
        Kind::Timestamp => moment(trimmed)
            .map(Value::from)
            .ok_or_else(|| expected("a date and time such as 2024-05-01 10:22:33.447")),
        // A number may have become a float.
        Kind::JobState | Kind::ProcessingState => {
            let text = trimmed.strip_suffix(".0").unwrap_or(trimmed);
            let known = match kind {
                Kind::JobState => JobState::parse(text).map(JobState::name),
                _ => ProcessingState::parse(text).map(ProcessingState::name),
            };
            state(text, known).ok_or_else(|| expected("a state"))
        }
    }
}

/// Reads a JSON value: its own types where JSON has them, otherwise the text of a cell.
///
/// # Errors
/// What was expected instead.
pub fn read_json(kind: Kind, value: &Scalar) -> Result<Value, String> {
    match value {
        Scalar::Null => Ok(kind.null()),
        Scalar::Text(text) => read(kind, text, true),
        Scalar::Bool(value) => read(kind, if *value { "true" } else { "false" }, true),
        Scalar::Number(number) => read(kind, &number.to_string(), true),
        Scalar::Nested => Err("expected a single value, not a list or an object".to_owned()),
    }
}

/// A state's name; one that this version does not know is kept as it is.
fn state(text: &str, known: Option<&'static str>) -> Option<Value> {
    let name = known.unwrap_or(text);
    (name.len() <= 64 && !name.contains('\0')).then(|| name.into())
}

/// Whether this version knows a state's name.
pub fn is_known_state(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::JobState => JobState::ALL.iter().any(|state| state.name() == name),
        _ => ProcessingState::ALL.iter().any(|state| state.name() == name),
    }
}

/// A whole number, also one that was written as a float, such as `12.0` or `1e3`.
fn whole_number(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let is_number =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let number = text.parse::<f64>().ok().filter(|_| text.bytes().all(is_number))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "it is whole, and exact in this range"
    )]
    (number.fract() == 0.0 && number.abs() <= MAX_NUMBER as f64).then_some(number as i64)
}

/// .NET's `DateTime.MinValue` and the earliest `datetime` of SQL Server, which stand for no moment.
fn is_no_moment(text: &str) -> bool {
    let date = text.get(..10).unwrap_or_default();
    let time = text.get(10..).unwrap_or_default().split(['+', '-', 'Z', 'z']).next();
    matches!(date, "0001-01-01" | "1753-01-01")
        && time
            .unwrap_or_default()
            .chars()
            .all(|letter| matches!(letter, 'T' | ' ' | ':' | '.' | '0'))
}

/// A length of time in milliseconds, from
/// - a number of milliseconds,
/// - a .NET time span, `[-][d.]hh:mm:ss[.fffffff]` (the constant format specifier "c"),
/// - an interval of PostgreSQL or pandas, `[d day[s]] [[-]hh:mm:ss[.ffffff]]`, whose hours may go
///   beyond a day. Months have no length in milliseconds.
/// - an ISO 8601 duration of days, hours, minutes and seconds, `P1DT2H3M4.5S`.
pub fn duration(text: &str) -> Option<i64> {
    whole_number(text)
        .or_else(|| time_span(text))
        .or_else(|| interval(text))
        .or_else(|| iso_duration(text))
}

/// The value of a text of nothing but digits.
fn digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// Milliseconds of a number of seconds, given its whole part and its fraction's digits. Digits
/// beyond milliseconds are cut off.
fn milliseconds(seconds: i64, fraction: &str) -> Option<i64> {
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let nanoseconds = digits(&format!("{fraction:0<9}"))?;
    seconds.checked_mul(1000)?.checked_add(nanoseconds / 1_000_000)
}

fn time_span(text: &str) -> Option<i64> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let span = match text.split_once(':')?.0.split_once('.') {
        Some((days, _)) => {
            days_and_time(digits(days)?, clock_time(&text[days.len() + 1..], true)?)?
        }
        None => clock_time(text, false)?,
    };
    Some(if is_negative { -span } else { span })
}

/// The milliseconds of `hh:mm:ss[.fffffffff]`. Beside days there are fewer than 24 hours.
fn clock_time(text: &str, has_days: bool) -> Option<i64> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || hours.len() < 2 {
        return None;
    }
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let below = |limit: i64, text: &str| digits(text).filter(|n| text.len() == 2 && *n < limit);
    let hours = if has_days { below(24, hours)? } else { digits(hours)? };
    let seconds = hours
        .checked_mul(60)?
        .checked_add(below(60, minutes)?)?
        .checked_mul(60)?
        .checked_add(below(60, seconds)?)?;
    milliseconds(seconds, fraction)
}

fn days_and_time(days: i64, time: i64) -> Option<i64> {
    days.checked_mul(86_400_000)?.checked_add(time)
}

fn interval(text: &str) -> Option<i64> {
    let (days, rest) = text.split_once(' ')?;
    let days = match days.strip_prefix('-') {
        Some(days) => -digits(days)?,
        None => digits(days)?,
    };
    let rest = rest.strip_prefix("days").or_else(|| rest.strip_prefix("day"))?;
    let time = rest.trim_start_matches(',').trim_start();
    if time.is_empty() {
        return days_and_time(days, 0);
    }
    let (is_negative, time) = match time.strip_prefix('-') {
        Some(time) => (true, time),
        None => (false, time.strip_prefix('+').unwrap_or(time)),
    };
    // Python writes hours below ten with one digit.
    let time = if time.find(':') == Some(1) { format!("0{time}") } else { time.to_owned() };
    let time = clock_time(&time, true)?;
    days_and_time(days, if is_negative { -time } else { time })
}

fn iso_duration(text: &str) -> Option<i64> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let text = text.strip_prefix('P')?;
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let mut total = match date.strip_suffix('D') {
        Some(days) => days_and_time(digits(days)?, 0)?,
        None if date.is_empty() => 0,
        None => return None,
    };
    let mut rest = time;
    for (unit, seconds) in [('H', 3600), ('M', 60)] {
        if let Some((number, after)) = rest.split_once(unit) {
            total = total.checked_add(digits(number)?.checked_mul(seconds * 1000)?)?;
            rest = after;
        }
    }
    if !rest.is_empty() {
        let number = rest.strip_suffix('S')?;
        let (seconds, fraction) = number.split_once('.').unwrap_or((number, "0"));
        total = total.checked_add(milliseconds(digits(seconds)?, fraction)?)?;
    }
    Some(if is_negative { -total } else { total })
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
    // PostgreSQL leaves out the minutes of an offset of whole hours.
    let is_sign = |byte: u8| matches!(byte, b'+' | b'-');
    let text = match text.len().checked_sub(3).map(|at| (at, text.as_bytes()[at])) {
        Some((at, sign)) if at >= 19 && is_sign(sign) && digits(&text[at + 1..]).is_some() => {
            Cow::from(format!("{text}:00"))
        }
        _ => Cow::from(text),
    };
    let text = text.as_ref();
    for format in ["%Y-%m-%d %H:%M:%S%.f %:z", "%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f%:z"]
    {
        if let Ok(moment) = DateTime::parse_from_str(text, format) {
            return in_range(moment.to_utc());
        }
    }
    let text =
        ["Z", " UTC", " Z"].iter().rev().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
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

/// A value as text: null as nothing.
pub fn write(value: &Value) -> String {
    match to_json(value) {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    }
}

/// A value as a CSV cell, so that [`read`] gives it back: null as nothing, and in quotes a text that
/// would be taken for null or for several cells.
pub fn write_cell(value: &Value) -> String {
    match value {
        Value::String(Some(text)) if needs_quotes(text) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        other => write(other),
    }
}

/// Whether a text cannot stand in a CSV cell as it is.
fn needs_quotes(text: &str) -> bool {
    is_null(text) || text.contains(['"', ',', '\n', '\r']) || text.trim().len() < text.len()
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
            ("5500.0", 5_500),
            ("1e3", 1_000),
            ("26:00:00", 93_600_000),
            ("1 day 02:03:04.5", 93_784_500),
            ("-2 days +01:00:00", -169_200_000),
            ("0 days 00:00:00.123456789", 123),
            ("1 day, 2:03:04", 93_784_000),
            ("3 days", 259_200_000),
            ("P1DT2H3M4.5S", 93_784_500),
            ("PT90M", 5_400_000),
            ("-PT1S", -1_000),
        ] {
            assert_eq!(duration(text), Some(milliseconds), "{text}");
        }
        for text in [
            "",
            "00:60:00",
            "00:00:60",
            "1:2:3",
            "00:00",
            "1.00:00",
            "--00:00:01",
            "00:00:00.",
            "00:00:00.1234567890",
            "1.24:00:00",
            "1 mon 02:00:00",
            "1 day 24:00:00",
            "P1M",
            "PT",
            "1.5",
            "00:00:+1",
            "a",
            "99999999999999.00:00:00",
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
            ("2024-05-01 10:22:33.447+00", "2024-05-01T10:22:33.447Z"),
            ("2024-05-01 10:22:33+02", "2024-05-01T08:22:33Z"),
            ("2024-05-01T10:22:33-03", "2024-05-01T13:22:33Z"),
            ("2024-05-01 10:22:33.447 +0530", "2024-05-01T04:52:33.447Z"),
            ("2024-05-01 10:22:33 UTC", "2024-05-01T10:22:33Z"),
            ("2024-05-01 10:22:33.447 Z", "2024-05-01T10:22:33.447Z"),
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
        let read = |kind, text| read(kind, text, false);
        assert_eq!(read(Kind::Count, " 12 "), Ok(12_i64.into()));
        assert_eq!(read(Kind::Count, "12.0"), Ok(12_i64.into()));
        assert_eq!(read(Kind::Bool, "True"), Ok(true.into()));
        assert_eq!(read(Kind::Bool, "t"), Ok(true.into()));
        assert_eq!(read(Kind::Bool, "0.0"), Ok(false.into()));
        assert_eq!(read(Kind::JobState, "20"), Ok("Executing".into()));
        assert_eq!(read(Kind::JobState, "20.0"), Ok("Executing".into()));
        assert_eq!(read(Kind::JobState, "executionCompleted"), Ok("ExecutionCompleted".into()));
        assert_eq!(read(Kind::JobState, "Canceled"), Ok("Cancelled".into()));
        assert_eq!(read(Kind::JobState, "Paused"), Ok("Paused".into()));
        assert_eq!(read(Kind::Text, " two\nlines "), Ok(" two\nlines ".into()));
        for (kind, text, reason) in [
            (Kind::Uuid, "zz", "expected a UUID, not \"zz\""),
            (Kind::Count, "-1", "expected a whole number from 0 to 9007199254740991, not \"-1\""),
            (
                Kind::Count,
                "12.5",
                "expected a whole number from 0 to 9007199254740991, not \"12.5\"",
            ),
            (Kind::Float, "100.5", "expected a number from 0 to 100, not \"100.5\""),
            (Kind::Float, "inf", "expected a number from 0 to 100, not \"inf\""),
            (Kind::Text, "a\0b", "a text cannot have a NUL character"),
        ] {
            assert_eq!(read(kind, text), Err(reason.to_owned()));
        }
    }

    #[test]
    fn numbers_that_the_api_cannot_show_are_refused() {
        for (text, is_read) in [
            ("9007199254740991", true),
            ("9007199254740992", false),
            ("9223372036854775807", false),
            ("1e300", false),
        ] {
            assert_eq!(read(Kind::Count, text, false).is_ok(), is_read, "{text}");
            assert_eq!(read(Kind::Duration, text, false).is_ok(), is_read, "{text}");
        }
    }

    #[test]
    fn spellings_of_null_are_null_unless_they_are_quoted_texts() {
        for text in
            ["", "  ", "NULL", "null", "\\N", "NaN", "NaT", "None", "[NULL]", "(null)", "<NA>"]
        {
            for kind in [Kind::Text, Kind::Count, Kind::Timestamp, Kind::JobState, Kind::Float] {
                assert_eq!(read(kind, text, false), Ok(kind.null()), "{text:?}");
            }
            assert_eq!(read(Kind::Text, text, true), Ok(text.into()));
            assert_eq!(read(Kind::Count, text, true), Ok(Value::BigInt(None)));
        }
    }

    #[test]
    fn dates_that_stand_for_none_are_null() {
        for text in [
            "0001-01-01",
            "0001-01-01 00:00:00.0000000",
            "0001-01-01T00:00:00",
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+02:00",
            "1753-01-01 00:00:00.000",
        ] {
            assert_eq!(read(Kind::Timestamp, text, false), Ok(Kind::Timestamp.null()), "{text}");
        }
        for text in ["0001-01-01 00:00:01", "1753-01-02", "1900-01-01"] {
            assert_ne!(read(Kind::Timestamp, text, false), Ok(Kind::Timestamp.null()), "{text}");
        }
    }

    /// Reads one CSV cell as a file has it.
    fn unquoted(cell: &str) -> (String, bool) {
        match cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')) {
            Some(inner) => (inner.replace("\"\"", "\""), true),
            None => (cell.to_owned(), false),
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text: String, is_quoted: bool) {
            for kind in [
                Kind::Uuid, Kind::Text, Kind::Bool, Kind::Integer, Kind::Float, Kind::Timestamp,
                Kind::Count, Kind::Duration, Kind::JobState, Kind::ProcessingState,
            ] {
                if let Ok(value) = read(kind, &text, is_quoted) {
                    // Once read, a value stays what it is however often it goes out and in.
                    let (cell, is_quoted) = unquoted(&write_cell(&value));
                    prop_assert_eq!(&read(kind, &cell, is_quoted).unwrap(), &value);
                    let json = serde_json::from_value(to_json(&value)).unwrap();
                    prop_assert_eq!(&read_json(kind, &json).unwrap(), &value);
                }
            }
        }
    }
}
