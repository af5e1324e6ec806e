//! GraphQL over HTTP: what becomes a request, and how it is executed. How its answer goes out is in
//! [`super::answer`].

use std::time::Duration;

use async_graphql::ServerError;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use futures_util::FutureExt as _;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use tokio::time::timeout;

use super::answer::{Outcome, Refusal, respond_all};
use super::clients::{Client, Turn};
use super::heavy::HEAVY;
use super::negotiate::Accept;
use super::origin::is_welcome;
use super::socket::Upgrade;
use super::{Site, access, body, heavy, websocket};
use crate::access::Viewer;
use crate::clock;
use crate::error::{Error, refusal};
use crate::graphql::{Admitted, Api, Kind, Parameters, errors_to_json};
use crate::live::group::Payload;

/// For how much longer than other requests mutations may run: they may be told to wait for a job for a
/// minute. A mutation that was taken is committed whether or not somebody waits for the answer, so to
/// end it early would tell the client nothing.
const MUTATION_GRACE: Duration = Duration::from_secs(65);

/// A request's parameters in a URL, where variables and extensions are JSON in text.
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
enum Sent {
    One(Parameters),
    Several(Vec<Parameters>),
}

pub async fn post(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let accept = Accept::of(&headers);
    let viewer = match let_in(&site, &Method::POST, &headers).await {
        Ok(viewer) => viewer,
        Err(refusal) => return Outcome::from(refusal).respond(accept),
    };
    let reading = read_body(&site, &client, &headers, body);
    let sent = body::within(site.options.request_timeout, reading).await.flatten();
    let asked =
        Asked { site: &site, client: &client, viewer: &viewer, accept, only_queries: false };
    match sent {
        Ok(Sent::One(parameters)) => asked.answer(parameters).await,
        Ok(Sent::Several(all)) => {
            let Some(media_type) = accept.json() else {
                return Outcome::from(not_acceptable()).respond(accept);
            };
            let mut outcomes = Vec::with_capacity(all.len());
            // One after the other, as whoever sends several mutations expects.
            for parameters in all {
                outcomes.push(match asked.execute(parameters).await {
                    Answered::Once(outcome) => outcome,
                    Answered::Streamed(_) => Refusal::bad_request(
                        "a subscription comes by itself, not in a list of requests",
                    )
                    .into(),
                });
            }
            respond_all(outcomes, media_type)
        }
        Err(refusal) => Outcome::from(refusal).respond(accept),
    }
}

pub async fn get(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    upgrade: Option<Upgrade>,
    parameters: Result<Query<UrlParameters>, QueryRejection>,
) -> Response {
    let accept = Accept::of(&headers);
    let answer = async {
        if let Some(upgrade) = upgrade {
            check_sender(&site, &headers)?;
            let viewer = access::socket_viewer(&site.api, &headers).await;
            let viewer = viewer.map_err(|denied| Refusal::denied(&denied))?;
            let bounds = websocket::Bounds {
                place: site.clients.stream(&client)?,
                request_timeout: site.options.request_timeout,
                message_bytes: site.options.max_body_bytes,
            };
            return Ok(websocket::upgrade(site.api.clone(), viewer, upgrade, bounds));
        }
        let viewer = let_in(&site, &Method::GET, &headers).await?;
        let asked =
            Asked { site: &site, client: &client, viewer: &viewer, accept, only_queries: true };
        Ok(asked.answer(read_url(parameters)?).await)
    };
    answer.await.unwrap_or_else(|refusal: Refusal| Outcome::from(refusal).respond(accept))
}

pub async fn other_method(method: Method, headers: HeaderMap) -> Response {
    let refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        format!("expected POST, or GET for a query, not {method}"),
    )
    .with_header(header::ALLOW, "GET, POST");
    Outcome::from(refusal).respond(Accept::of(&headers))
}

fn not_acceptable() -> Refusal {
    Refusal::new(
        StatusCode::NOT_ACCEPTABLE,
        "NOT_ACCEPTABLE",
        "expected an Accept of application/graphql-response+json or application/json",
    )
}

/// Who sends the request, if it may.
async fn let_in(site: &Site, method: &Method, headers: &HeaderMap) -> Result<Viewer, Refusal> {
    check_sender(site, headers)?;
    let viewer = access::viewer(&site.api, method, headers).await;
    viewer.map_err(|denied| Refusal::denied(&denied))
}

/// Refuses what a page of another site made a browser send. A form cannot have the content type that
/// is expected, so this is for links, pictures, scripts, and WebSockets.
fn check_sender(site: &Site, headers: &HeaderMap) -> Result<(), Refusal> {
    if is_welcome(headers, &site.options.cors_origins) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "CROSS_SITE_REQUEST",
        "pages of this origin may not use the API; the server's --cors-origin says which may",
    ))
}

async fn read_body(
    site: &Site,
    client: &Client,
    headers: &HeaderMap,
    body: Body,
) -> Result<Sent, Refusal> {
    let turn = site.clients.turn(client);
    let most = site.options.max_body_bytes;
    let bytes = body::read(body, most, &turn).await?;
    check_content_type(headers)?;
    let bytes = body::decode(headers, bytes, most, &turn).await?;
    let most = site.options.max_batch;
    heavy::read(turn, bytes.len(), move || read_json(&bytes, most)).await
}

/// Reads one request, or a list of so many.
fn read_json(bytes: &[u8], most: usize) -> Result<Sent, Refusal> {
    let malformed = |error: serde_json::Error| {
        Refusal::bad_request(format!(
            "expected a JSON object with a `query` and perhaps `operationName` and `variables`: {error}"
        ))
    };
    if bytes.trim_ascii_start().first() != Some(&b'[') {
        return serde_json::from_slice(bytes).map(Sent::One).map_err(malformed);
    }
    if most == 0 {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "BATCHES_DISABLED",
            "expected one request: this server takes no lists of them",
        ));
    }
    // As texts at first: a long list is not read any further.
    let all: Vec<&serde_json::value::RawValue> =
        serde_json::from_slice(bytes).map_err(malformed)?;
    if all.is_empty() {
        return Err(Refusal::bad_request("expected at least one request in the list"));
    }
    if let Err(error) =
        crate::limits::check("BATCH_TOO_LARGE", "requests in a list", most, all.len())
    {
        return Err(Refusal::of(StatusCode::BAD_REQUEST, error));
    }
    let all = all.iter().map(|each| serde_json::from_str(each.get()));
    all.collect::<Result<_, _>>().map(Sent::Several).map_err(malformed)
}

/// Only JSON, which no form of a page can send.
fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
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
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        "expected a body with the Content-Type application/json, in UTF-8",
    ))
}

fn read_url(
    parameters: Result<Query<UrlParameters>, QueryRejection>,
) -> Result<Parameters, Refusal> {
    let Query(parameters) = parameters.map_err(|error| Refusal::bad_request(error.body_text()))?;
    let object = |name: &str, text: Option<String>| -> Result<Option<Map<String, Json>>, Refusal> {
        let text = text.filter(|text| !text.is_empty());
        serde_json::from_str(text.as_deref().unwrap_or("null")).map_err(|error| {
            Refusal::bad_request(format!("expected `{name}` to be a JSON object: {error}"))
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

/// An answer, or several.
enum Answered {
    Once(Outcome),
    Streamed(Response),
}

/// Around a request: who asks, and how.
struct Asked<'a> {
    site: &'a Site,
    client: &'a Client,
    viewer: &'a Viewer,
    accept: Accept,
    only_queries: bool,
}

impl Asked<'_> {
    async fn answer(&self, parameters: Parameters) -> Response {
        let accept = self.accept;
        if accept.json().is_none() && accept.stream().is_none() {
            return Outcome::from(not_acceptable()).respond(accept);
        }
        match (self.execute(parameters).await, accept.single_in_stream()) {
            (Answered::Streamed(response), _) => response,
            (Answered::Once(outcome), Some(form)) if !matches!(outcome, Outcome::Refused(_)) => {
                form.once(&Payload::Response(outcome.into_json().into()))
            }
            (Answered::Once(outcome), _) => outcome.respond(accept),
        }
    }

    async fn execute(&self, parameters: Parameters) -> Answered {
        match self.try_execute(parameters).await {
            Ok(answered) => answered,
            Err(refusal) => Answered::Once(refusal.into()),
        }
    }

    async fn try_execute(&self, parameters: Parameters) -> Result<Answered, Refusal> {
        let api = &self.site.api;
        let failed = |error: ServerError| {
            let is_malformed = error.extensions.as_ref().is_some_and(|extensions| {
                extensions.get("code").is_some_and(|code| *code == "BAD_REQUEST".into())
            });
            if is_malformed {
                return Err(Refusal::of(StatusCode::BAD_REQUEST, error));
            }
            Ok(Answered::Once(Outcome::NotExecuted(vec![error])))
        };
        let turn = self.site.clients.turn(self.client);
        let admitted = match admit(api, parameters, self.viewer, turn.clone()).await {
            Ok(admitted) => admitted,
            Err(error) => return failed(error),
        };
        let kind = admitted.kind;
        let stream = self.accept.stream();
        // EventSource sends GET, and sends it again after each break, so GET may subscribe.
        if self.only_queries
            && (kind == Kind::Mutation || kind == Kind::Subscription && stream.is_none())
        {
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "expected a query: only POST executes mutations",
            ));
        }
        if kind == Kind::Subscription {
            let Some(form) = stream else {
                return Err(Refusal::new(
                    StatusCode::NOT_ACCEPTABLE,
                    "NOT_ACCEPTABLE",
                    "expected an Accept of text/event-stream or multipart/mixed;subscriptionSpec=1.0 \
                     for a subscription, or a WebSocket",
                ));
            };
            let place = self.site.clients.stream(self.client)?;
            return Ok(Answered::Streamed(match api.watch(admitted.request, self.viewer) {
                Ok(watching) => form.watch(api.clone(), watching, self.viewer.clone(), place),
                Err(error) => form.once(&Payload::Refusal(errors_to_json(&[error]))),
            }));
        }
        let time = self.site.options.request_timeout;
        Ok(Answered::Once(execute_within(api, admitted, self.viewer, turn, time).await))
    }
}

/// Decides whether a request may be executed. A long document is read in its client's turn.
pub(super) async fn admit(
    api: &Api,
    parameters: Parameters,
    viewer: &Viewer,
    turn: Turn,
) -> Result<Admitted, ServerError> {
    if api.knows_or_reads_soon(&parameters) {
        return api.admit(parameters, viewer.scope());
    }
    let (api, scope) = (api.clone(), viewer.scope().clone());
    heavy::run(turn, 0, async move { api.admit(parameters, &scope) }).await
}

/// Executes a query or a mutation, if it takes no longer than this; a heavy one in its client's turn.
pub(super) async fn execute_within(
    api: &Api,
    Admitted { request, kind, weight }: Admitted,
    viewer: &Viewer,
    turn: Turn,
    time: Duration,
) -> Outcome {
    let most = if kind == Kind::Mutation { time + MUTATION_GRACE } else { time };
    let viewer = viewer.clone();
    let is_heavy = weight >= HEAVY;
    let mut api = if is_heavy { api.for_heavy_work(turn.statements()) } else { api.clone() };
    if let Some(submitter) = turn.submitter() {
        api = api.for_client(submitter);
    }
    let execution = async move { api.execute(request, &viewer, clock::now()).await.into() }.boxed();
    let answer = async {
        if !is_heavy {
            return execution.await;
        }
        if kind == Kind::Mutation {
            // It may wait for a job, and others are not to wait for that.
            drop(turn.wait(weight).await);
            return heavy::work_on(execution).await;
        }
        heavy::run(turn, weight, execution).await
    };
    timeout(most, answer).await.unwrap_or_else(|_| {
        let error = Error::TimedOut;
        Outcome::NotExecuted(vec![refusal(error.code(), error.to_string())])
    })
}
