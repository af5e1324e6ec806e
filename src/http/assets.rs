//! The pages that Node builds into `web/dist`, as part of the binary. A build without Node has
//! none, and says so.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

pub async fn graphiql() -> Response {
    match Dist::get("graphiql.html") {
        // The page names the assets of its own build, so it is asked for anew each time.
        Some(page) => {
            ([(header::CACHE_CONTROL, "no-cache")], Html(page.data.into_owned())).into_response()
        }
        None => (StatusCode::NOT_FOUND, Html(include_str!("not_built.html"))).into_response(),
    }
}

pub async fn asset(Path(path): Path<String>) -> Response {
    let Some(file) = Dist::get(&format!("assets/{path}")) else {
        return (StatusCode::NOT_FOUND, "there is no such asset\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        // An asset's name has a hash of its content.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
    ];
    (headers, file.data).into_response()
}
