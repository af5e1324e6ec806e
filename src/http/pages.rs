//! The pages that the server writes itself, without a script: in the dashboard's design, from the same
//! tokens and fonts.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};

use super::assets;

/// The dashboard's colours, sizes and spaces, which the build of the dashboard reads too.
const TOKENS: &str = include_str!("../../web/src/dashboard/styles/tokens.css");
const ICON: &str = include_str!("../../web/src/icon.svg");
const FRAME: &str = include_str!("page.html");

/// The style of these pages: the fonts of the build, if it has the dashboard, the tokens, the rules.
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
    // Before the rules, the file names its fonts as the build of the dashboard finds them.
    let rules = TOKENS.find(":root {").map_or(TOKENS, |start| &TOKENS[start..]);
    [&fonts.concat(), rules, include_str!("pages.css")].concat()
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

/// A page with the links to the others around it. `title` is text, `main` is HTML.
pub fn page(title: &str, main: &str) -> String {
    // The place of the title comes before all of `main`, which may have such braces of its own.
    FRAME.replace("{main}", main).replacen("{title}", &escaped(title), 1)
}

/// Text as HTML shows it, in elements and in attributes with double quotes.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What a browser gets if it has followed a link to nothing: a page with a way back. Other clients
/// get a line of text.
pub async fn not_found(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let is_read = matches!(method, Method::GET | Method::HEAD);
    let mut response = if is_read && accepts_html(&headers) {
        let page = page("Page not found", include_str!("not_found.html"));
        (StatusCode::NOT_FOUND, Html(assets::rooted(&page, &uri))).into_response()
    } else {
        (StatusCode::NOT_FOUND, "404 Not found\n").into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether a client names HTML among what it takes, as browsers do of the pages that they open, and
/// programs that take anything do not.
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
    fn the_style_has_the_tokens_and_no_font_that_only_the_build_finds() {
        assert!(STYLE.contains("--page: light-dark("));
        assert!(!STYLE.contains("@fontsource"));
    }

    #[test]
    fn html_is_for_clients_that_name_it() {
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
