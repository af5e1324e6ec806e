//! Reading GraphQL requests from bodies and URLs.

use axum::body::Body;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, header};
use graphql_server::Parameters;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::error::ErrorCode;
use crate::http::body;
use crate::http::limits::{Client, cpu_pool};
use crate::http::rejection::Rejection;
use crate::http::site::Site;
use crate::limits::check;

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

/// Reads the requests of a body.
///
/// # Errors
/// If it is not JSON, not GraphQL, or beyond a limit.
pub async fn read_body(
    site: &Site,
    client: &Client,
    headers: &HeaderMap,
    body: Body,
) -> Result<Batch, Rejection> {
    let queue = site.limiter.queue(client);
    let most = site.options.max_body_bytes;
    let bytes = body::read(body, most, &queue).await?;
    check_content_type(headers)?;
    let bytes = body::decode(headers, bytes, most, &queue).await?;
    let most = site.options.max_batch;
    cpu_pool::parse(queue, bytes.len(), move || read_json(&bytes, most)).await
}

/// Parses one request, or a list of at most `most`.
fn read_json(bytes: &[u8], most: usize) -> Result<Batch, Rejection> {
    let malformed = |error: serde_json::Error| {
        Rejection::bad_request(format!(
            "expected a JSON object with a `query` and perhaps `operationName` and `variables`: {error}"
        ))
    };
    if bytes.trim_ascii_start().first() != Some(&b'[') {
        return serde_json::from_slice(bytes).map(Batch::One).map_err(malformed);
    }
    if most == 0 {
        return Err(Rejection::new(
            ErrorCode::BatchesDisabled,
            "expected one request: this server takes no lists of them",
        ));
    }
    // The requests are parsed only if the list is not too long.
    let all: Vec<&serde_json::value::RawValue> =
        serde_json::from_slice(bytes).map_err(malformed)?;
    if all.is_empty() {
        return Err(Rejection::bad_request("expected at least one request in the list"));
    }
    check(ErrorCode::BatchTooLarge, "requests in a list", most, all.len())?;
    let all = all.iter().map(|each| serde_json::from_str(each.get()));
    all.collect::<Result<_, _>>().map(Batch::Several).map_err(malformed)
}

/// Accepts JSON only, which the form of another site's page cannot send.
fn check_content_type(headers: &HeaderMap) -> Result<(), Rejection> {
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
    Err(Rejection::new(
        ErrorCode::UnsupportedMediaType,
        "expected a body with the Content-Type application/json, in UTF-8",
    ))
}

/// Reads the request in a URL.
///
/// # Errors
/// If a parameter is not what it should be.
pub fn read_url(
    parameters: Result<Query<UrlParameters>, QueryRejection>,
) -> Result<Parameters, Rejection> {
    let Query(parameters) =
        parameters.map_err(|error| Rejection::bad_request(error.body_text()))?;
    let object =
        |name: &str, text: Option<String>| -> Result<Option<Map<String, Json>>, Rejection> {
            let text = text.filter(|text| !text.is_empty());
            serde_json::from_str(text.as_deref().unwrap_or("null")).map_err(|error| {
                Rejection::bad_request(format!("expected `{name}` to be a JSON object: {error}"))
            })
        };
    Ok(Parameters {
        query: parameters.query,
        document_id: parameters.document_id,
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables: object("variables", parameters.variables)?,
        extensions: object("extensions", parameters.extensions)?,
    })
}
