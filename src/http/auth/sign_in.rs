//! Signing in and out with a browser. The page is a form without a script. The cookie has no path, so
//! browsers send it to the folder of the page only, whatever prefix a proxy adds.

use axum::Form;
use axum::body::Body;
use axum::extract::{Extension, FromRequest as _, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::authenticate::{COOKIE, authenticate};
use super::origin::is_same_origin;
use crate::clock;
use crate::error::ErrorCode;
use crate::graphql::Api;
use crate::http::body;
use crate::http::limits::Client;
use crate::http::pages::{html::BRAND, slash};
use crate::http::rejection::{challenge, status};
use crate::http::site::Site;

/// The longest value that browsers store: 4096 bytes without the cookie's name and attributes.
const COOKIE_BYTES: usize = 3_800;

const PAGE: &str = include_str!("sign_in.html");

/// The root page for browsers that are not signed in. It redirects by script, since only the browser
/// knows whether the path of the root ends with a slash.
const GO_TO_SIGN_IN: &str = include_str!("go_to_sign_in.html");

#[derive(Deserialize)]
pub struct NextPage {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct SignIn {
    token: String,
}

pub async fn page(State(api): State<Api>) -> Response {
    if api.access().is_open() {
        return to("./");
    }
    form(StatusCode::OK, "")
}

/// Checks a token and sets the session cookie.
pub async fn sign_in(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Query(next): Query<NextPage>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let api = &site.api;
    // Another site must not sign a user in as someone else.
    if !is_same_origin(&headers) {
        return form(StatusCode::FORBIDDEN, "This form was sent from another site. Sign in here.");
    }
    let (parts, body) = request.into_parts();
    let queue = site.limiter.queue(&client);
    let reading = body::read(body, site.options.max_body_bytes, &queue);
    let bytes = match body::within(site.options.request_timeout, reading).await.flatten() {
        Ok(bytes) => bytes,
        Err(rejection) => {
            let message = match rejection.error.code {
                ErrorCode::BodyTimeout => "The form did not arrive in time. Try again.",
                ErrorCode::PayloadTooLarge => "The form is too large to be a token.",
                _ => "The form did not arrive whole. Try again.",
            };
            let mut response = form(status(rejection.error.code), message);
            if let Some((name, value)) = rejection.header {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            return response;
        }
    };
    let read = Request::from_parts(parts, Body::from(bytes));
    let token = match Form::<SignIn>::from_request(read, &site).await {
        Ok(Form(SignIn { token })) => token,
        Err(rejection) => return rejection.into_response(),
    };
    let cookie = match api.access().sign_in(token.trim(), clock::now()).await {
        Ok(cookie) => cookie,
        Err(error) => {
            let message = match error.code {
                ErrorCode::Unauthenticated => "Invalid or expired token.",
                ErrorCode::Forbidden => "This token gives no access to this service.",
                _ => "The token cannot be checked right now. Try again later.",
            };
            return form(status(error.code), message);
        }
    };
    if cookie.value.len() > COOKIE_BYTES {
        return form(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This token is too long for a browser cookie. Ask for one with fewer claims.",
        );
    }
    let mut response = to(&format!("./{}", safe_next(&next.next)));
    set_cookie(&mut response, &headers, &cookie.value, cookie.max_age);
    response
}

/// Removes the session cookie.
pub async fn sign_out(headers: HeaderMap) -> Response {
    if !is_same_origin(&headers) {
        return (StatusCode::FORBIDDEN, "expected a page of this service\n").into_response();
    }
    let mut response = to("sign-in");
    set_cookie(&mut response, &headers, "", 0);
    response
}

/// Redirects browsers that are not signed in from pages to the sign-in page. The pages contain no
/// data, but are useless without a session.
pub async fn require(
    State(api): State<Api>,
    request: Request,
    next: axum::middleware::Next,
) -> Response {
    match authenticate(&api, request.method(), request.headers()).await {
        Err(error) if matches!(error.code, ErrorCode::Unauthenticated | ErrorCode::Forbidden) => {
            redirect(request.uri())
        }
        // When the session cannot be checked, the page shows the error.
        Ok(_) | Err(_) => next.run(request).await,
    }
}

/// Redirects from a page to the sign-in page, which leads back afterwards.
fn redirect(page: &Uri) -> Response {
    let path = page.path().trim_start_matches('/');
    // Relative, so that it works below any prefix.
    let up = "../".repeat(path.matches('/').count());
    let query = page.query().map_or_else(String::new, |query| format!("?{query}"));
    let next = percent_encode(&format!("{path}{query}"));
    let location =
        if next.is_empty() { format!("{up}sign-in") } else { format!("{up}sign-in?next={next}") };
    if page.path() != "/" {
        return to(&location);
    }
    // Needs no HTML escaping, since it is percent-encoded.
    let page = slash::with_script(&GO_TO_SIGN_IN.replace("{location}", &location));
    let mut response = Html(page).into_response();
    no_store(&mut response);
    response
}

fn to(location: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    no_store(&mut response);
    response
}

/// The form. The message describes the focused field, so that screen readers announce it.
fn form(status: StatusCode, message: &str) -> Response {
    let page = PAGE.replacen("{brand}", BRAND, 1);
    let page = if message.is_empty() {
        page.replace("{title}", "Sign in").replace("{described}", "").replace("{message}", "")
    } else {
        let message = format!(r#"<p id="error" class="error" role="alert">{message}</p>"#);
        page.replace("{title}", "Error: Sign in")
            .replace("{described}", r#" aria-invalid="true" aria-describedby="error""#)
            .replace("{message}", &message)
    };
    let mut response = (status, Html(page)).into_response();
    challenge(&mut response);
    no_store(&mut response);
    response
}

fn no_store(response: &mut Response) {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn set_cookie(response: &mut Response, headers: &HeaderMap, value: &str, seconds: i64) {
    // If the browser uses HTTPS, possibly with a proxy, the cookie is limited to HTTPS.
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let is_secure = origin.is_some_and(|origin| origin.starts_with("https://"));
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// The page to continue with, or an empty text if it would leave the folder of the service.
fn safe_next(next: &str) -> &str {
    let is_plain = next
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/?=&%,:+@!$'()*;[]".contains(&byte));
    let path = next.split('?').next().unwrap_or_default();
    let leads_out = path.starts_with('/')
        || path.contains("//")
        || path.contains(':')
        || path.split('/').any(|part| part == "..");
    if is_plain && !leads_out { next } else { "" }
}

fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_stays_within_the_service() {
        for next in ["", "graphiql", "jobs/1?state=FAILED&page=2", "jobs?after=a:b"] {
            assert_eq!(safe_next(next), next);
        }
        for next in [
            "//evil.example",
            "/x",
            "https://evil.example",
            "a//b",
            "../x",
            "a/../../x",
            "a\r\nb",
            "a\\b",
        ] {
            assert_eq!(safe_next(next), "", "{next}");
        }
    }

    #[tokio::test]
    async fn the_root_page_redirects_by_script() {
        for (page, expected) in [("/", "sign-in"), ("/?a=%22b&c", "sign-in?next=%3Fa%3D%2522b%26c")]
        {
            let response = redirect(&page.parse().unwrap());
            assert_eq!(response.status(), StatusCode::OK);
            let page = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
            let page = String::from_utf8(page.to_vec()).unwrap();
            assert!(
                page.contains(&format!("<html lang=\"en\" data-next=\"{expected}\">")),
                "{page}"
            );
        }
    }

    #[test]
    fn redirects_to_sign_in_are_relative() {
        for (page, expected) in [
            ("/graphiql", "sign-in?next=graphiql"),
            ("/jobs/7?a=b&c", "../sign-in?next=jobs/7%3Fa%3Db%26c"),
        ] {
            let response = redirect(&page.parse().unwrap());
            assert_eq!(response.headers()[header::LOCATION], expected);
        }
    }
}
