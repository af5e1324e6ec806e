//! Column values as JSON.

use sea_orm::Value;
use serde_json::{Number, Value as Json};

use crate::Timestamp;

/// A column's value in JSON, as REST and export files have it. Null stays null.
pub fn to_json(value: &Value) -> Json {
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
