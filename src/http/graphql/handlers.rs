//! The handlers of `/graphql`: authentication, execution, and the form of the response.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use graphql_server::http::{
    Accept, Batch, Outcome, Upgrade, UrlParameters, check_content_type, read_url, respond_all,
    upgrade,
};
use graphql_server::hub::Payload;
use graphql_server::{Kind, Parameters, errors_to_json};

use super::execute::{execute_within, prepare};
use super::outcome::not_executed;
use super::session::ClientSession;
use crate::access::Principal;
use crate::error::ErrorCode;
use crate::http::auth::authenticate::{self, authenticate_socket};
use crate::http::auth::origin::origin_allowed;
use crate::http::body;
use crate::http::limits::{self, Client, cpu_pool};
use crate::http::rejection::{Rejection, challenge};
use crate::http::site::Site;

/// Applies the limits of the client to a request.
pub async fn limit(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    match site.limiter.admit(&mut request).await {
        // A stream has taken its own permit by the time that this one is dropped.
        Ok(_permit) => {
            let mut response = next.run(request).await;
            challenge(&mut response);
            response
        }
        Err(error) => {
            let mut response = Outcome::from(error).respond(Accept::of(request.headers()));
            limits::retry_after(&mut response);
            response
        }
    }
}

pub async fn post(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let accept = Accept::of(&headers);
    let principal = match authenticate(&site, &Method::POST, &headers).await {
        Ok(principal) => principal,
        Err(rejection) => return Outcome::from(rejection).respond(accept),
    };
    let reading = read_body(&site, &client, &headers, body);
    let batch = body::within(site.options.request_timeout, reading).await.flatten();
    let context = RequestContext {
        site: &site,
        client: &client,
        principal: &principal,
        accept,
        only_queries: false,
    };
    match batch {
        Ok(Batch::One(parameters)) => context.respond(parameters).await,
        Ok(Batch::Several(all)) => {
            let Some(media_type) = accept.json() else {
                return Outcome::from(not_acceptable()).respond(accept);
            };
            let mut outcomes = Vec::with_capacity(all.len());
            // In order, as clients that send several mutations expect.
            for parameters in all {
                outcomes.push(match context.execute(parameters).await {
                    Executed::Once(outcome) => outcome,
                    Executed::Streamed(_) => Rejection::bad_request(
                        "a subscription comes by itself, not in a list of requests",
                    )
                    .into(),
                });
            }
            respond_all(outcomes, media_type)
        }
        Err(rejection) => Outcome::from(rejection).respond(accept),
    }
}

pub async fn get(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    request: Option<Upgrade>,
    parameters: Result<Query<UrlParameters>, QueryRejection>,
) -> Response {
    let accept = Accept::of(&headers);
    let response = async {
        if let Some(request) = request {
            check_origin(&site, &headers)?;
            let principal = authenticate_socket(&site.api, &headers).await?;
            let permit = site.limiter.stream(&client)?;
            let time = site.options.request_timeout;
            let session = ClientSession::new(site.api.clone(), principal, permit, time);
            return Ok(upgrade(request, site.options.max_body_bytes, session));
        }
        let principal = authenticate(&site, &Method::GET, &headers).await?;
        let context = RequestContext {
            site: &site,
            client: &client,
            principal: &principal,
            accept,
            only_queries: true,
        };
        let Query(parameters) =
            parameters.map_err(|error| Rejection::bad_request(error.body_text()))?;
        Ok(context.respond(read_url(parameters)?).await)
    };
    response.await.unwrap_or_else(|rejection: Rejection| Outcome::from(rejection).respond(accept))
}

pub async fn other_method(method: Method, headers: HeaderMap) -> Response {
    let rejection = Rejection::new(
        ErrorCode::MethodNotAllowed,
        format!("expected POST, or GET for a query, not {method}"),
    )
    .with_header(header::ALLOW, "GET, POST");
    Outcome::from(rejection).respond(Accept::of(&headers))
}

/// Reads the requests of a body.
///
/// # Errors
/// If it is not JSON, not GraphQL, or beyond a limit.
async fn read_body(
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
    let length = bytes.len();
    let read = move || graphql_server::http::read_body(&bytes, most);
    Ok(cpu_pool::parse(queue, length, read).await?)
}

fn not_acceptable() -> Rejection {
    Rejection::new(
        ErrorCode::NotAcceptable,
        "expected an Accept of application/graphql-response+json or application/json",
    )
}

/// Authenticates a request that its page may send.
async fn authenticate(
    site: &Site,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Principal, Rejection> {
    check_origin(site, headers)?;
    Ok(authenticate::authenticate(&site.api, method, headers).await?)
}

/// Rejects requests that a page of another site made a browser send. A form cannot have the required
/// content type, so these are links, images, scripts and WebSockets.
fn check_origin(site: &Site, headers: &HeaderMap) -> Result<(), Rejection> {
    if origin_allowed(headers, &site.options.cors_origins) {
        return Ok(());
    }
    Err(Rejection::cross_site())
}

/// The result of a request: one response, or a stream of them.
enum Executed {
    Once(Outcome),
    Streamed(Response),
}

/// What is known of a request besides its parameters.
struct RequestContext<'a> {
    site: &'a Site,
    client: &'a Client,
    principal: &'a Principal,
    accept: Accept,
    only_queries: bool,
}

impl RequestContext<'_> {
    async fn respond(&self, parameters: Parameters) -> Response {
        let accept = self.accept;
        if accept.json().is_none() && accept.stream().is_none() {
            return Outcome::from(not_acceptable()).respond(accept);
        }
        match (self.execute(parameters).await, accept.single_in_stream()) {
            (Executed::Streamed(response), _) => response,
            (Executed::Once(outcome), Some(format)) if !outcome.is_http_error() => {
                format.once(&Payload::Response(outcome.into_json().into()))
            }
            (Executed::Once(outcome), _) => outcome.respond(accept),
        }
    }

    async fn execute(&self, parameters: Parameters) -> Executed {
        match self.try_execute(parameters).await {
            Ok(executed) => executed,
            Err(rejection) => Executed::Once(rejection.into()),
        }
    }

    async fn try_execute(&self, parameters: Parameters) -> Result<Executed, Rejection> {
        let api = &self.site.api;
        let queue = self.site.limiter.queue(self.client);
        let prepared = match prepare(api, parameters, self.principal, queue.clone()).await {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Executed::Once(not_executed(error))),
        };
        let kind = prepared.kind;
        let stream = self.accept.stream();
        // EventSource sends GET and reconnects with GET, so GET may subscribe.
        if self.only_queries
            && (kind == Kind::Mutation || kind == Kind::Subscription && stream.is_none())
        {
            return Err(Rejection::new(
                ErrorCode::MethodNotAllowed,
                "expected a query: only POST executes mutations",
            ));
        }
        if kind == Kind::Subscription {
            let Some(format) = stream else {
                return Err(Rejection::new(
                    ErrorCode::NotAcceptable,
                    "expected an Accept of text/event-stream or multipart/mixed;subscriptionSpec=1.0 \
                     for a subscription, or a WebSocket",
                ));
            };
            let permit = self.site.limiter.stream(self.client)?;
            return Ok(Executed::Streamed(match api.subscribe(prepared.request, self.principal) {
                Ok(frames) => {
                    let (api, principal) = (api.clone(), self.principal.clone());
                    let end = async move {
                        tokio::select! {
                            () = api.stopping() => {}
                            () = principal.expired() => {}
                        }
                    };
                    format.subscribe(frames, end, permit)
                }
                Err(error) => format.once(&Payload::Refusal(errors_to_json(&[error]))),
            }));
        }
        let time = self.site.options.request_timeout;
        Ok(Executed::Once(execute_within(api, prepared, self.principal, queue, time).await))
    }
}
