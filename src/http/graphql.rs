//! GraphQL over HTTP: what becomes a request, and with which status and media type its answer
//! goes out.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{Request, Response as Answer, ServerError, Variables};
use async_graphql_axum::GraphQLResponse;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde::Deserialize;

use super::socket::Upgrade;
use super::stream::Form;
use super::{access, websocket};
use crate::access::{Denied, Viewer};
use crate::clock;
use crate::graphql::Api;
use crate::live::group::Payload;

/// What a request's body may have in bytes.
const BODY_BYTES: usize = 1 << 20;

/// How much of a body that is too large is read and thrown away. Most clients listen only once they
/// have sent everything, and would see a broken connection in place of the refusal.
const DISCARDED_BYTES: usize = 64 << 20;

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// A request's parameters, in a body of JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(super) struct Parameters {
    pub query: String,
    #[serde(default)]
    pub operation_name: Option<String>,
    #[serde(default)]
    pub variables: Option<serde_json::Map<String, serde_json::Value>>,
    /// Nothing is extended by it yet, so it is only checked.
    #[serde(default)]
    #[expect(dead_code, reason = "must be an object all the same")]
    extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A request's parameters in a URL, where variables are JSON in text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UrlParameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
}

/// Why a request was not executed.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn denied(denied: &Denied) -> Self {
        Self::new(access::status(denied), denied.code(), denied.to_string())
    }

    fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }
}

pub async fn post(State(api): State<Api>, headers: HeaderMap, body: Body) -> Response {
    let answer = async {
        let viewer = access::viewer(&api, &Method::POST, &headers).await;
        let viewer = viewer.map_err(|denied| Refusal::denied(&denied))?;
        let parameters = read_body(&headers, body).await?;
        execute(&api, &viewer, parameters, &headers, false).await
    };
    respond(answer.await, &headers)
}

pub async fn get(
    State(api): State<Api>,
    headers: HeaderMap,
    upgrade: Option<Upgrade>,
    parameters: Result<Query<UrlParameters>, QueryRejection>,
) -> Response {
    if let Some(upgrade) = upgrade {
        return match access::socket_viewer(&api, &headers).await {
            Ok(viewer) => websocket::upgrade(api, viewer, upgrade),
            Err(denied) => respond(Err(Refusal::denied(&denied)), &headers),
        };
    }
    let answer = async {
        let viewer = access::viewer(&api, &Method::GET, &headers).await;
        let viewer = viewer.map_err(|denied| Refusal::denied(&denied))?;
        execute(&api, &viewer, read_url(parameters)?, &headers, true).await
    };
    respond(answer.await, &headers)
}

pub async fn other_method(method: Method, headers: HeaderMap) -> Response {
    let mut response = respond(
        Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            format!("expected POST, or GET for a query, not {method}"),
        )),
        &headers,
    );
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    response
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Parameters, Refusal> {
    let bytes = read_bytes(body).await?;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).map(str::trim);
    if !media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "expected a body with the Content-Type application/json",
        ));
    }
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Refusal::bad_request("expected one request: batches are not supported"));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Refusal::bad_request(format!(
            "expected a JSON object with a `query` and perhaps `operationName` and `variables`: {error}"
        ))
    })
}

async fn read_bytes(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::bad_request("the body ended too early"))?;
        length += chunk.len();
        if length <= BODY_BYTES {
            bytes.extend_from_slice(&chunk);
        } else if length > DISCARDED_BYTES {
            break;
        }
    }
    if length <= BODY_BYTES {
        return Ok(bytes);
    }
    Err(Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "PAYLOAD_TOO_LARGE",
        format!("expected a body of at most {BODY_BYTES} bytes"),
    ))
}

fn read_url(
    parameters: Result<Query<UrlParameters>, QueryRejection>,
) -> Result<Parameters, Refusal> {
    let Query(parameters) = parameters.map_err(|error| Refusal::bad_request(error.body_text()))?;
    let query = parameters
        .query
        .ok_or_else(|| Refusal::bad_request("expected a `query` in the URL's parameters"))?;
    let variables = parameters.variables.as_deref().filter(|text| !text.is_empty());
    Ok(Parameters {
        query,
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables: serde_json::from_str(variables.unwrap_or("null")).map_err(|error| {
            Refusal::bad_request(format!("expected `variables` to be a JSON object: {error}"))
        })?,
        extensions: None,
    })
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Query,
    Mutation,
    Subscription,
}

/// What the operation that is meant does. Without one execution says what is wrong, as of a query.
pub(super) fn kind_of(document: &ExecutableDocument, operation_name: Option<&str>) -> Kind {
    let operation = match (&document.operations, operation_name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        // The only one has a name, which need not be said.
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        // Execution refuses to guess.
        (DocumentOperations::Multiple(_), None) => None,
    };
    match operation.map(|operation| operation.node.ty) {
        Some(OperationType::Mutation) => Kind::Mutation,
        Some(OperationType::Subscription) => Kind::Subscription,
        Some(OperationType::Query) | None => Kind::Query,
    }
}

/// Reads a document.
pub(super) fn parse(api: &Api, query: &str) -> Result<ExecutableDocument, ServerError> {
    api.parse(query).map_err(|error| {
        let mut error = ServerError::from(error);
        // The parser draws the whole line with a mark below. What it expected there comes
        // last; where it was is in `locations`.
        if let Some((_, expected)) = error.message.rsplit_once("\n  = ") {
            error.message = format!("the document cannot be parsed: {expected}");
        }
        error.extensions.get_or_insert_default().set("code", "GRAPHQL_PARSE_FAILED");
        error
    })
}

async fn execute(
    api: &Api,
    viewer: &Viewer,
    parameters: Parameters,
    headers: &HeaderMap,
    only_queries: bool,
) -> Result<Answered, Refusal> {
    let form = Form::accepted(headers);
    let failed = |error: ServerError| {
        Answered::Once(error_status(headers), Answer::from_errors(vec![error]))
    };
    let document = match parse(api, &parameters.query) {
        Ok(document) => document,
        Err(error) => return Ok(failed(error)),
    };
    let kind = kind_of(&document, parameters.operation_name.as_deref());
    // What streams is read again and again by whoever sends GET, as EventSource does.
    if only_queries && (kind == Kind::Mutation || kind == Kind::Subscription && form.is_none()) {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "expected a query: only POST executes mutations",
        ));
    }
    let mut request = Request::new(parameters.query);
    request.operation_name = parameters.operation_name;
    if let Some(variables) = parameters.variables {
        request.variables = Variables::from_json(variables.into());
    }
    request.set_parsed_query(document);
    if kind == Kind::Subscription {
        let Some(form) = form else {
            return Err(Refusal::new(
                StatusCode::NOT_ACCEPTABLE,
                "NOT_ACCEPTABLE",
                "expected an Accept of text/event-stream or multipart/mixed;subscriptionSpec=1.0 \
                 for a subscription, or a WebSocket",
            ));
        };
        return Ok(match api.watch(request, viewer) {
            Ok(watching) => Answered::Streamed(form.watch(api.clone(), watching, viewer.clone())),
            Err(error) => failed(error),
        });
    }
    let answer = api.execute(request, viewer, clock::now()).await;
    // Without data nothing was executed.
    let failed = answer.is_err()
        && answer.data == async_graphql::Value::Null
        && answer.errors.iter().all(|error| error.path.is_empty());
    let status = if failed { error_status(headers) } else { StatusCode::OK };
    Ok(Answered::Once(status, answer))
}

/// An answer, or several.
enum Answered {
    Once(StatusCode, Answer),
    Streamed(Response),
}

/// Clients that ask for the GraphQL media type understand statuses; for the others a status
/// other than 200 would mean that the body is no GraphQL response (GraphQL over HTTP, section
/// 6.4.1).
fn error_status(headers: &HeaderMap) -> StatusCode {
    if wants_graphql_response(headers) { StatusCode::BAD_REQUEST } else { StatusCode::OK }
}

fn wants_graphql_response(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains(GRAPHQL_RESPONSE))
}

/// An answer where several may come. Without data and path nothing was executed.
pub(super) fn payload_of(answer: &Answer) -> serde_json::Result<Payload> {
    if answer.is_err() && answer.errors.iter().all(|error| error.path.is_empty()) {
        return Ok(Payload::Refusal(serde_json::to_string(&answer.errors)?.into()));
    }
    Ok(Payload::Response(serde_json::to_string(answer)?.into()))
}

fn respond(answer: Result<Answered, Refusal>, headers: &HeaderMap) -> Response {
    let (status, answer) = match answer {
        Ok(Answered::Streamed(response)) => return response,
        Ok(Answered::Once(status, answer)) => (status, answer),
        Err(refusal) => {
            let mut error = ServerError::new(refusal.message, None);
            error.extensions.get_or_insert_default().set("code", refusal.code);
            (refusal.status, Answer::from_errors(vec![error]))
        }
    };
    // Clients that read a stream read nothing else.
    if let Some(form) = Form::accepted(headers).filter(|_| status == StatusCode::OK)
        && let Ok(payload) = payload_of(&answer)
    {
        return form.once(&payload);
    }
    let mut response = (status, GraphQLResponse::from(answer)).into_response();
    if !wants_graphql_response(headers) {
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
    }
    access::challenge(&mut response);
    response
}
