//! Reading GraphQL requests from bodies and URLs.

use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::error::{DocumentError, ErrorCode};
use crate::limits::check;
use crate::request::Parameters;

/// The parameters of a request in a URL. Variables and extensions are JSON texts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UrlParameters {
    query: Option<String>,
    document_id: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// One request, or several in a list.
pub enum Batch {
    One(Parameters),
    Several(Vec<Parameters>),
}

/// Reads the body of a request: one request, or a list of at most `most`; of none if it is 0.
///
/// # Errors
/// If it is not JSON, not GraphQL, or the list is too long.
pub fn read_body(bytes: &[u8], most: usize) -> Result<Batch, DocumentError> {
    let malformed = |error: serde_json::Error| {
        bad_request(format!(
            "expected a JSON object with a `query` and perhaps `operationName` and `variables`: {error}"
        ))
    };
    if bytes.trim_ascii_start().first() != Some(&b'[') {
        return serde_json::from_slice(bytes).map(Batch::One).map_err(malformed);
    }
    if most == 0 {
        return Err(DocumentError::new(
            ErrorCode::BatchesDisabled,
            "expected one request: this server takes no lists of them",
        ));
    }
    // The requests are parsed only if the list is not too long.
    let all: Vec<&serde_json::value::RawValue> =
        serde_json::from_slice(bytes).map_err(malformed)?;
    if all.is_empty() {
        return Err(bad_request("expected at least one request in the list"));
    }
    check(ErrorCode::BatchTooLarge, "requests in a list", most, all.len())?;
    let all = all.iter().map(|each| serde_json::from_str(each.get()));
    all.collect::<Result<_, _>>().map(Batch::Several).map_err(malformed)
}

fn bad_request(message: impl Into<String>) -> DocumentError {
    DocumentError::new(ErrorCode::BadRequest, message)
}

/// Accepts JSON only, which the form of another site's page cannot send.
///
/// # Errors
/// If the body has another content type, or another charset than UTF-8.
pub fn check_content_type(headers: &HeaderMap) -> Result<(), DocumentError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|part| part.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if is_json && is_utf8 {
        return Ok(());
    }
    Err(DocumentError::new(
        ErrorCode::UnsupportedMediaType,
        "expected a body with the Content-Type application/json, in UTF-8",
    ))
}

/// Reads the request in a URL.
///
/// # Errors
/// If a parameter is not what it should be.
pub fn read_url(parameters: UrlParameters) -> Result<Parameters, DocumentError> {
    let object = |name: &str, text: Option<String>| -> Result<Option<Map<String, Json>>, _> {
        let text = text.filter(|text| !text.is_empty());
        serde_json::from_str(text.as_deref().unwrap_or("null"))
            .map_err(|error| bad_request(format!("expected `{name}` to be a JSON object: {error}")))
    };
    Ok(Parameters {
        query: parameters.query,
        document_id: parameters.document_id,
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables: object("variables", parameters.variables)?,
        extensions: object("extensions", parameters.extensions)?,
    })
}
