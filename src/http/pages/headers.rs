//! Security headers for browsers.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::slash;

/// Scripts are files of this service or the script for trailing slashes; nothing is loaded from or sent
/// to another host. Styles may be inline, because Monaco, the editor in GraphiQL, creates `<style>`
/// elements and cannot set a nonce on them. Inline styles cannot send data, since images and fonts come
/// from this service only. Monaco's cursors and GraphiQL's font are `data:` URLs. The dashboard's pages
/// set the root in `<base>`.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let script = STANDARD.encode(digest(&SHA256, slash::SCRIPT.as_bytes()));
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
    // For browsers without `frame-ancestors`.
    ("x-frame-options", "DENY"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
    // Other sites cannot embed responses as images or scripts. CORS is configured separately.
    ("cross-origin-resource-policy", "same-origin"),
];

/// Adds the headers to every response that does not set them itself.
pub async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| POLICY.clone());
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
