//! The pages that Node builds into `web/dist`, embedded in the binary. A build without Node shows a
//! notice instead.

use std::borrow::Cow;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::{html, slash};

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

/// The routes of the dashboard: one page, which renders by its path.
pub fn dashboard_routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let paths = [
        "/jobs",
        "/jobs/{id}",
        "/overview",
        "/failures",
        "/configurations",
        "/configurations/{id}",
        "/agents",
        "/agents/{id}",
    ];
    paths.iter().fold(Router::new().route("/", get(home)), |router, path| {
        router.route(path, get(dashboard))
    })
}

/// The dashboard, or in a build without Node a list of links.
async fn home(uri: Uri) -> Response {
    match dashboard_at(&uri) {
        Some(page) => page,
        None => {
            let page = html::page("API", include_str!("index.html"));
            Html(slash::with_script(&page)).into_response()
        }
    }
}

async fn dashboard(uri: Uri) -> Response {
    dashboard_at(&uri).unwrap_or_else(|| not_built(&uri))
}

const BASE: &str = r#"<base href="./" />"#;

fn dashboard_at(uri: &Uri) -> Option<Response> {
    let page = Dist::get("index.html")?;
    let page = rooted(&String::from_utf8_lossy(&page.data), uri);
    let is_root = uri.path() == "/";
    Some(fresh(if is_root { slash::with_script(&page) } else { page }))
}

/// A page with the root relative to its path, since a proxy may have removed a prefix of the path.
pub fn rooted(page: &str, uri: &Uri) -> String {
    let depth = uri.path().matches('/').count().saturating_sub(1);
    let root = if depth == 0 { "./".to_owned() } else { "../".repeat(depth) };
    page.replacen(BASE, &format!(r#"<base href="{root}" />"#), 1)
}

/// The path of the asset with this name prefix, relative to the root; `None` in a build without Node.
pub fn path_of(name: &str) -> Option<String> {
    let start = format!("assets/{name}");
    Dist::iter().find(|path| path.starts_with(&start)).map(Cow::into_owned)
}

pub async fn graphiql(uri: Uri) -> Response {
    match Dist::get("graphiql.html") {
        Some(page) => fresh(String::from_utf8_lossy(&page.data).into_owned()),
        None => not_built(&uri),
    }
}

/// A page is revalidated on each load, since it references the assets of its build.
fn fresh(page: String) -> Response {
    ([(header::CACHE_CONTROL, "no-cache")], Html(page)).into_response()
}

fn not_built(uri: &Uri) -> Response {
    let page = html::page(
        "GraphiQL and the dashboard are not in this build",
        include_str!("not_built.html"),
    );
    (StatusCode::NOT_FOUND, Html(rooted(&page, uri))).into_response()
}

pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("assets/{path}");
    let Some(plain) = Dist::get(&path) else {
        return (StatusCode::NOT_FOUND, "there is no such asset\n").into_response();
    };
    let media_type = plain.metadata.mimetype().to_owned();
    let compressed = ["br", "gzip"].into_iter().find_map(|coding| {
        let suffix = if coding == "br" { ".br" } else { ".gz" };
        accepts(&headers, coding).then_some(())?;
        Some((coding, Dist::get(&format!("{path}{suffix}"))?))
    });
    let shared = [
        (header::CONTENT_TYPE, media_type),
        // The name of an asset contains a hash of its content.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    match compressed {
        Some((coding, EmbeddedFile { data, .. })) => {
            (shared, [(header::CONTENT_ENCODING, coding)], data).into_response()
        }
        None => (shared, plain.data).into_response(),
    }
}

/// Whether the client names this coding with a quality above 0.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING);
    lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).any(
        |item| {
            let mut parts = item.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let refused = parts
                .filter_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok())
                .any(|quality| quality <= 0.0);
            named && !refused
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn codings_are_accepted_by_name() {
        for (line, expected) in [
            ("gzip, deflate, br, zstd", true),
            ("BR;q=0.5", true),
            ("gzip, br;q=0", false),
            ("gzip", false),
            ("brotli", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(line).unwrap());
            assert_eq!(accepts(&headers, "br"), expected, "{line:?}");
        }
        assert!(!accepts(&HeaderMap::new(), "br"));
    }
}
