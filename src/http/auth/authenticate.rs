//! The principal of a request: by its `Authorization` header, or by the session cookie of a browser.

use async_graphql::ServerError;
use axum::Json;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::origin::is_same_origin;
use crate::access::{Credential, Principal, invalid_token};
use crate::clock;
use crate::error::ApiError;
use crate::graphql::Api;
use crate::http::rejection::{challenge, status};

/// The session cookie of a browser.
pub const COOKIE: &str = "agent_jobs_session";

/// Authenticates a request with this method and these headers.
pub async fn authenticate(
    api: &Api,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Principal, ApiError> {
    let credential = credential(headers)?;
    // A page of another site can make a browser send the cookie, though not read the response. Such
    // a request must not change anything.
    if matches!(credential, Some(Credential::Session(_)))
        && !matches!(*method, Method::GET | Method::HEAD)
        && !is_same_origin(headers)
    {
        return Err(ApiError::forbidden(
            "a signed-in browser sends this from this service's pages",
        ));
    }
    api.access().authenticate(credential, clock::now()).await
}

/// Authenticates a request for a WebSocket; `None` if the client authenticates once it is open.
pub async fn authenticate_socket(
    api: &Api,
    headers: &HeaderMap,
) -> Result<Option<Principal>, ApiError> {
    let credential = credential(headers)?;
    // Browsers open WebSockets to any site, send its cookies, and let the page read the messages.
    if matches!(credential, Some(Credential::Session(_))) && !is_same_origin(headers) {
        return Err(ApiError::forbidden(
            "a signed-in browser opens this from this service's pages",
        ));
    }
    if credential.is_none() && !api.access().is_open() {
        return Ok(None);
    }
    api.access().authenticate(credential, clock::now()).await.map(Some)
}

fn credential(headers: &HeaderMap) -> Result<Option<Credential<'_>>, ApiError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| invalid_token())?;
        return bearer(text).map(|token| Some(Credential::Bearer(token))).ok_or_else(invalid_token);
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

/// The response to a request that could not be authenticated, in the form of GraphQL.
pub fn unauthenticated(error: ApiError) -> Response {
    let status = status(error.code);
    let errors = [ServerError::from(error)];
    let mut response = (status, Json(json!({ "errors": errors }))).into_response();
    challenge(&mut response);
    response
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn credentials_are_read_from_headers() {
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
