//! Headers that tell browsers what pages from here may do.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::slash;

/// Scripts are files of our own, or the one for the root's slash, and nothing comes from, or goes to, another host. Styles may be
/// inline: Monaco, the editor in GraphiQL, makes `<style>` elements as it runs, and has no way to put a
/// nonce on them. Without scripts, styles can send nothing anywhere, since images and fonts are ours,
/// too. Monaco's cursors and GraphiQL's font are `data:` addresses. The dashboard's pages tell in `<base>`
/// where the root is.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let script = STANDARD.encode(Sha256::digest(slash::SCRIPT));
    let policy = format!(
        "default-src 'none'; script-src 'self' 'sha256-{script}'; worker-src 'self'; \
         connect-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
         img-src 'self' data:; manifest-src 'self'; base-uri 'self'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("it is plain text")
});

const HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    // For browsers that do not know `frame-ancestors`.
    ("x-frame-options", "DENY"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
    // Other sites cannot make a picture or a script of an answer. CORS is another matter.
    ("cross-origin-resource-policy", "same-origin"),
];

/// Puts the headers on every answer, unless it has its own.
pub async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| POLICY.clone());
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
