//! Who sends a request: by its `Authorization`, or by the cookie of a browser that signed in.

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::origin::is_same_origin;
use super::sign_in;
use crate::access::{Credential, Denied, Viewer};
use crate::clock;
use crate::error::Error;
use crate::graphql::Api;

/// The cookie of a browser that signed in.
pub const COOKIE: &str = "agent_jobs_session";

/// Whoever sends the request. Handlers that take it answer nobody else.
pub struct Caller(pub Viewer);

impl<S: Sync> FromRequestParts<S> for Caller
where
    Api: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match viewer(&Api::from_ref(state), &parts.method, &parts.headers).await {
            Ok(viewer) => Ok(Self(viewer)),
            Err(denied) => Err(refuse(&denied)),
        }
    }
}

/// Who sends a request with this method and these headers.
pub async fn viewer(api: &Api, method: &Method, headers: &HeaderMap) -> Result<Viewer, Denied> {
    let credential = credential(headers)?;
    // A page of another site can make a browser send its cookie, but not read the answer. It must
    // not change anything either.
    if matches!(credential, Some(Credential::Session(_)))
        && !matches!(*method, Method::GET | Method::HEAD)
        && !is_same_origin(headers)
    {
        return Err(Denied::Forbidden("a signed-in browser sends this from this service's pages"));
    }
    api.access().viewer(credential, clock::now()).await
}

/// Who asks for a WebSocket; `None` if that is told later, when it is open.
pub async fn socket_viewer(api: &Api, headers: &HeaderMap) -> Result<Option<Viewer>, Denied> {
    let credential = credential(headers)?;
    // Browsers open sockets to any site, cookies and all, and let the page read what comes.
    if matches!(credential, Some(Credential::Session(_))) && !is_same_origin(headers) {
        return Err(Denied::Forbidden("a signed-in browser opens this from this service's pages"));
    }
    match api.access().viewer(credential, clock::now()).await {
        Ok(viewer) => Ok(Some(viewer)),
        Err(Denied::Missing) => Ok(None),
        Err(denied) => Err(denied),
    }
}

fn credential(headers: &HeaderMap) -> Result<Option<Credential<'_>>, Denied> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| Denied::Invalid)?;
        return bearer(text).map(|token| Some(Credential::Bearer(token))).ok_or(Denied::Invalid);
    }
    Ok(cookie(headers).map(Credential::Session))
}

/// The token in the value of an `Authorization` header.
pub fn bearer(text: &str) -> Option<&str> {
    let (scheme, token) = text.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// The status of a refusal.
pub fn status(denied: &Denied) -> StatusCode {
    match denied {
        Denied::Missing | Denied::Invalid => StatusCode::UNAUTHORIZED,
        Denied::Forbidden(_) | Denied::Failed(Error::Forbidden(_)) => StatusCode::FORBIDDEN,
        Denied::IssuerAway
        | Denied::Failed(Error::Unavailable | Error::Overloaded { .. } | Error::TimedOut) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Denied::Failed(Error::Invalid { .. }) => StatusCode::BAD_REQUEST,
        Denied::Failed(Error::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What an answer with the status 401 says of how to be let in (RFC 9110, section 11.6.1).
pub fn challenge(response: &mut Response) {
    if response.status() == StatusCode::UNAUTHORIZED {
        let value = HeaderValue::from_static("Bearer realm=\"agent-jobs\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
}

/// The answer to a request that is refused, in the form of GraphQL.
fn refuse(denied: &Denied) -> Response {
    let error = json!({ "message": denied.to_string(), "extensions": { "code": denied.code() } });
    let mut response = (status(denied), Json(json!({ "errors": [error] }))).into_response();
    challenge(&mut response);
    response
}

/// Sends browsers that open a page to sign in first. The pages are no secret, but without being
/// signed in they show nothing.
pub async fn pages(State(api): State<Api>, request: Request, next: Next) -> Response {
    match viewer(&api, request.method(), request.headers()).await {
        Err(Denied::Missing | Denied::Invalid | Denied::Forbidden(_)) => {
            sign_in::redirect(request.uri())
        }
        // If it cannot be told, the page will say so.
        Ok(_) | Err(Denied::IssuerAway | Denied::Failed(_)) => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_in_headers() {
        assert_eq!(bearer("Bearer  abc "), Some("abc"));
        assert_eq!(bearer("bearer abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
        for (text, expected) in
            [("a=b; agent_jobs_session=x.y; c=d", Some("x.y")), ("xagent_jobs_session=1", None)]
        {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))]);
            assert_eq!(cookie(&headers), expected);
        }
    }
}
