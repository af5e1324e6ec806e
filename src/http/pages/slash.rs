//! Trailing slashes: only the root path has one.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// A script for pages at the root. It redirects from the root of a path prefix without the trailing slash
/// to the one with it, and then to `<html data-next>`, if set.
pub const SCRIPT: &str = include_str!("slash.js");

/// The page with [`SCRIPT`].
pub fn with_script(page: &str) -> String {
    page.replacen("<head>", &format!("<head><script>{SCRIPT}</script>"), 1)
}

/// Redirects from a path with trailing slashes to the path without, preserving method and body.
pub async fn redirect(request: Request, next: Next) -> Response {
    match location(request.uri()) {
        Some(location) => {
            (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response()
        }
        None => next.run(request).await,
    }
}

/// The path without trailing slashes, relative to the one with them, so that it works below any prefix.
/// `None` if it has none, or is the root.
fn location(uri: &axum::http::Uri) -> Option<HeaderValue> {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    let slashes = path.len() - trimmed.len();
    let (_, last) = trimmed.rsplit_once('/')?;
    if slashes == 0 {
        return None;
    }
    let up = "../".repeat(slashes);
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    HeaderValue::from_str(&format!("{up}{last}{query}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_slashes_are_removed_by_redirect() {
        for (path, expected) in [
            ("/", None),
            ("//", None),
            ("/graphql", None),
            ("/graphql/", Some("../graphql")),
            ("/graphql//?query={a}", Some("../../graphql?query={a}")),
            ("/api/v1/jobs/?take=1", Some("../jobs?take=1")),
            ("/a%2Fb/", Some("../a%2Fb")),
        ] {
            let location = location(&path.parse().unwrap());
            assert_eq!(location.as_ref().map(|text| text.to_str().unwrap()), expected, "{path}");
        }
    }

    #[test]
    fn redirects_stay_on_the_host() {
        for path in ["//evil.example/", "///evil.example//", "/http://evil.example/"] {
            let location = location(&path.parse().unwrap()).unwrap();
            let base: reqwest::Url = format!("http://here{path}").parse().unwrap();
            let target = base.join(location.to_str().unwrap()).unwrap();
            assert_eq!(target.host_str(), Some("here"), "{target}");
        }
    }
}
