//! Which pages may talk to us through a browser.
//!
//! A page of another site can make a browser send us a form, open a link, or connect a WebSocket, with
//! whatever the browser has for us: cookies, or just its place inside a network. Browsers say from where
//! they do, in headers that a page cannot set, and programs that are no browsers do not have them.

use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// An origin of the option `--cors-origin`, such as `https://dashboard.example.org`.
///
/// # Errors
/// What was expected.
pub fn parse_origin(text: &str) -> Result<HeaderValue, String> {
    let text = text.trim();
    let expected =
        || format!("expected an origin such as https://dashboard.example.org, not {text:?}");
    let uri: Uri = text.parse().map_err(|_| expected())?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && !text.ends_with('/')
        && uri.path() == "/"
        && uri.query().is_none();
    if !is_origin {
        return Err(expected());
    }
    HeaderValue::from_str(&text.to_ascii_lowercase()).map_err(|_| expected())
}

/// Whether a browser sends this for a page that may: ours, or one of these origins.
pub fn is_welcome(headers: &HeaderMap, origins: &[HeaderValue]) -> bool {
    let origin = headers.get(header::ORIGIN);
    if origin.is_some_and(|origin| origins.contains(origin)) {
        return true;
    }
    // The browser's own word, which no page can set, and which holds behind proxies that change the
    // host, too.
    if let Some(site) = headers.get("sec-fetch-site") {
        // `none` is somebody who follows a bookmark or types an address.
        return site == "same-origin" || site == "none";
    }
    is_of_host(headers).unwrap_or(true)
}

/// Whether a browser says that a page of this very service sends this. Other programs need not say
/// so.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => is_of_host(headers) == Some(true),
    }
}

/// Whether a page that sends this is of the host that it is sent to, by what older browsers say, and
/// those without TLS; `None` where none is named.
fn is_of_host(headers: &HeaderMap) -> Option<bool> {
    let origin = headers.get(header::ORIGIN)?;
    let origin: Option<Uri> = origin.to_str().ok().and_then(|origin| origin.parse().ok());
    // `null` has none: a sandboxed page, or a file.
    let Some(authority) = origin.as_ref().and_then(Uri::authority) else { return Some(false) };
    // Some proxies tell the host that the browser asked for in a header of their own, which a page
    // cannot set without being asked first whether it may.
    let hosts = [header::HOST.as_str(), "x-forwarded-host"].map(|name| headers.get(name));
    let mut hosts = hosts.into_iter().flatten().filter_map(|host| host.to_str().ok());
    Some(hosts.any(|host| authority.as_str().eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            ((*name).parse::<header::HeaderName>().unwrap(), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_its_own_pages_are_of_the_same_origin() {
        for (pairs, expected) in [
            ([].as_slice(), false),
            (&[("host", "jobs.example")], false),
            (&[("host", "jobs.example"), ("origin", "https://jobs.example")], true),
            (&[("host", "jobs.example:81"), ("origin", "http://jobs.example:81")], true),
            (&[("host", "jobs.example:81"), ("origin", "http://jobs.example")], false),
            (&[("host", "jobs.example"), ("origin", "null")], false),
            (&[("host", "jobs.example"), ("origin", "https://evil.example")], false),
            (&[("host", "inner:80"), ("x-forwarded-host", "a.b"), ("origin", "https://a.b")], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-site"), ("host", "a.b"), ("origin", "https://a.b")], false),
            (&[("sec-fetch-site", "none")], false),
        ] {
            assert_eq!(is_same_origin(&headers(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_told_apart() {
        let listed = [parse_origin("https://Dashboard.example.org").unwrap()];
        for (given, expected) in [
            (&[][..], true),
            (&[("host", "jobs.example.org")], true),
            (&[("host", "jobs.example.org"), ("origin", "https://jobs.example.org")], true),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")], true),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8081")], false),
            (&[("host", "jobs.example.org"), ("origin", "https://evil.example.org")], false),
            (&[("host", "jobs.example.org"), ("origin", "https://dashboard.example.org")], true),
            (&[("host", "jobs.example.org"), ("origin", "null")], false),
            (
                &[
                    ("host", "inside:8080"),
                    ("origin", "https://jobs.example.org"),
                    ("sec-fetch-site", "same-origin"),
                ],
                true,
            ),
            (
                &[
                    ("host", "inside:8080"),
                    ("origin", "https://jobs.example.org"),
                    ("x-forwarded-host", "jobs.example.org"),
                ],
                true,
            ),
            (&[("host", "a"), ("sec-fetch-site", "none")], true),
            (&[("host", "a"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "a"), ("sec-fetch-site", "same-site")], false),
            (&[("host", "a"), ("origin", "http://a"), ("sec-fetch-site", "cross-site")], false),
            (
                &[
                    ("host", "a"),
                    ("origin", "https://dashboard.example.org"),
                    ("sec-fetch-site", "cross-site"),
                ],
                true,
            ),
        ] {
            assert_eq!(is_welcome(&headers(given), &listed), expected, "{given:?}");
        }
        for wrong in [
            "*",
            "null",
            "example.org",
            "ftp://a",
            "https://a/",
            "https://a/b",
            "https://u@a",
            "https://a?b",
        ] {
            assert!(parse_origin(wrong).is_err(), "{wrong}");
        }
    }
}
