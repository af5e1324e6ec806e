//! The style sheet and the icon of pages rendered by the server, and the 404 page. They use the design
//! tokens and fonts of the dashboard.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};

use super::assets;
use super::html::page;

/// The design tokens of the dashboard.
const TOKENS: &str = include_str!("../../../web/src/dashboard/styles/tokens.css");
const BRAND: &str = include_str!("../../../web/src/brand.css");
const ICON: &str = include_str!("../../../web/src/icon.svg");

/// The style sheet: the fonts of the dashboard if it is built, the tokens, the rules.
static STYLE: LazyLock<String> = LazyLock::new(|| {
    let font = |family: &str, file: &str| {
        assets::path_of(file).map_or_else(String::new, |path| {
            format!(
                "@font-face {{ font-family: \"{family}\"; font-weight: 100 900; font-display: swap; \
                 src: url(\"{path}\") format(\"woff2\"); }}\n"
            )
        })
    };
    let fonts = [
        font("Geist", "geist-latin-wght-normal"),
        font("Geist Mono", "geist-mono-latin-wght-normal"),
    ];
    // The lines before are imports that only the build of the dashboard can resolve.
    let rules = TOKENS.find(":root {").map_or(TOKENS, |start| &TOKENS[start..]);
    [&fonts.concat(), rules, BRAND, include_str!("pages.css")].concat()
});

pub async fn style() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, STYLE.as_str())
}

pub async fn icon() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers, ICON)
}

/// The response to an unknown path: a page with a link back for browsers, a line of text for other
/// clients.
pub async fn not_found(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let is_get = matches!(method, Method::GET | Method::HEAD);
    let mut response = if is_get && accepts_html(&headers) {
        let page = page("Page not found", include_str!("not_found.html"));
        (StatusCode::NOT_FOUND, Html(assets::rooted(&page, &uri))).into_response()
    } else {
        (StatusCode::NOT_FOUND, "404 Not found\n").into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether a client names HTML in `Accept`, as browsers do when they open a page. Wildcards do not
/// count.
fn accepts_html(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|range| {
        let media_type = range.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("text/html")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_has_tokens_but_no_imports_of_the_build() {
        assert!(STYLE.contains("--page: light-dark("));
        assert!(!STYLE.contains("@fontsource"));
    }

    #[test]
    fn html_is_sent_to_clients_that_name_it() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("application/json, TEXT/HTML;q=0.1", true),
            ("*/*", false),
            ("application/json", false),
            ("", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(accepts_html(&headers), expected, "{accept}");
        }
        assert!(!accepts_html(&HeaderMap::new()));
    }
}
