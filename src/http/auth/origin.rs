//! Which pages may use the service from a browser.
//!
//! A page of another site can make a browser send a form, open a link, or connect a WebSocket, with
//! the browser's cookies and from its network. Browsers send the page's origin in headers that pages
//! cannot set; other programs do not send these headers.

use std::borrow::Cow;
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// An origin as browsers send it (RFC 6454, section 6.2), in lower case and without a default port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin<'a> {
    scheme: Cow<'a, str>,
    host: Cow<'a, str>,
    /// Empty for the scheme's default.
    port: &'a str,
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !is_scheme {
            return None;
        }
        let scheme = lower(scheme);
        let (host, port) = split_port(authority);
        let port = without_default(&scheme, port);
        Some(Self { scheme, host: lower(host), port })
    }

    /// Whether a server with this `Host` header has this origin.
    fn is_at(&self, host: &str) -> bool {
        let (host, port) = split_port(host);
        self.host.eq_ignore_ascii_case(host) && self.port == without_default(&self.scheme, port)
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_ascii_lowercase().into()
    } else {
        text.into()
    }
}

/// The host, and the port or an empty text. The colons of an IPv6 address are within brackets.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    }
}

fn without_default<'a>(scheme: &str, port: &'a str) -> &'a str {
    match (scheme, port) {
        ("http", "80") | ("https", "443") => "",
        _ => port,
    }
}

/// A value of the option `--cors-origin`: one origin or a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// `null`, the opaque origin of files and sandboxed pages.
    Null,
    /// Origins of this scheme, host and port.
    Of { scheme: String, host: HostPattern, port: PortPattern },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    Any,
    Exactly(String),
    /// Any host whose name ends with this, which starts with a dot.
    Below(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortPattern {
    Any,
    /// Empty for the scheme's default.
    Exactly(String),
}

impl OriginPattern {
    /// Whether an `Origin` header matches.
    pub fn matches(&self, origin: &HeaderValue) -> bool {
        let Ok(text) = origin.to_str() else { return false };
        match self {
            Self::Null => text == "null",
            Self::Of { scheme, host, port } => Origin::parse(text).is_some_and(|origin| {
                *scheme == origin.scheme
                    && match host {
                        HostPattern::Any => true,
                        HostPattern::Exactly(host) => *host == origin.host,
                        HostPattern::Below(domain) => {
                            origin.host.len() > domain.len() && origin.host.ends_with(domain)
                        }
                    }
                    && match port {
                        PortPattern::Any => true,
                        PortPattern::Exactly(port) => port == origin.port,
                    }
            }),
        }
    }
}

impl FromStr for OriginPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "null" {
            return Ok(Self::Null);
        }
        let expected = |why: &str| {
            format!(
                "expected an origin such as https://dashboard.example.org, https://*.example.org, \
                 http://localhost:* or chrome-extension://abcdef, not {text:?}{why}"
            )
        };
        if text == "*" {
            return Err(expected(": name the origins whose pages may use the API"));
        }
        let Some(Origin { scheme, host, port }) = Origin::parse(text) else {
            return Err(expected(": it begins with a scheme, such as https://"));
        };
        let is_web = matches!(&*scheme, "http" | "https");
        if host.contains(['/', '?', '#', '@']) || port.contains(['/', '?', '#']) {
            return Err(expected(": it has no path, not even a slash at its end, and no user"));
        }
        let host = match host.strip_prefix("*.") {
            _ if host == "*" && is_web => {
                return Err(expected(": any host would be any page of the web"));
            }
            _ if host == "*" => HostPattern::Any,
            Some("") => return Err(expected(": a domain follows *.")),
            Some(domain) if is_web => {
                HostPattern::Below(format!(".{}", checked(domain, &expected)?))
            }
            Some(_) | None => HostPattern::Exactly(checked(&host, &expected)?.to_owned()),
        };
        if is_web && host == HostPattern::Exactly(String::new()) {
            return Err(expected(": it has a host"));
        }
        let port = match port {
            "*" => PortPattern::Any,
            "" => PortPattern::Exactly(String::new()),
            _ if port.parse::<u16>().is_ok_and(|number| number.to_string() == port) => {
                PortPattern::Exactly(port.to_owned())
            }
            _ => return Err(expected(": its port is a number, or * for any")),
        };
        Ok(Self::Of { scheme: scheme.into_owned(), host, port })
    }
}

/// A host as browsers send it.
fn checked<'a>(host: &'a str, expected: &impl Fn(&str) -> String) -> Result<&'a str, String> {
    if host.contains('*') {
        return Err(expected(": a * stands in front of a domain, or for any port"));
    }
    if !host.is_ascii() {
        return Err(expected(
            ": browsers send such a name in its ASCII form, which begins with xn--",
        ));
    }
    let is_address = host.starts_with('[') && host.ends_with(']');
    let name = if is_address { &host[1..host.len() - 1] } else { host };
    let others: &[u8] = if is_address { b":" } else { b"" };
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte) || others.contains(&byte)
    };
    if !name.bytes().all(is_plain) || name.starts_with('.') && name.len() > 1 {
        return Err(expected(": its host is a name or an address"));
    }
    Ok(host)
}

/// A value of the option `--cors-header`.
///
/// # Errors
/// If it is not a header name, or a header that only proxies may set.
pub fn parse_header(text: &str) -> Result<HeaderName, String> {
    let name: HeaderName = text
        .trim()
        .parse()
        .map_err(|_| format!("expected a header's name such as x-tenant, not {text:?}"))?;
    if name.as_str().starts_with("x-forwarded-") || name == "forwarded" || name == "x-real-ip" {
        return Err(format!("expected a header that pages may send: {name} is for proxies"));
    }
    Ok(name)
}

/// Whether the page that sends a request may use the API: a page of this service, or of one of these
/// origins. Requests from programs are allowed.
pub fn origin_allowed(headers: &HeaderMap, origins: &[OriginPattern]) -> bool {
    let origin = headers.get(header::ORIGIN);
    if origin.is_some_and(|origin| origins.iter().any(|pattern| pattern.matches(origin))) {
        return true;
    }
    // Set by the browser, and correct behind proxies that change the host.
    if let Some(site) = headers.get("sec-fetch-site") {
        // `none`: the user followed a bookmark or typed the address.
        return site == "same-origin" || site == "none";
    }
    has_origin_of_host(headers).unwrap_or(true)
}

/// Whether a browser states that a page of this service sends the request.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => has_origin_of_host(headers) == Some(true),
    }
}

/// Whether the origin of a request is the host that it is sent to; `None` without an origin. Older
/// browsers, and browsers without TLS, send only this.
fn has_origin_of_host(headers: &HeaderMap) -> Option<bool> {
    let origin = headers.get(header::ORIGIN)?;
    // `null`: a sandboxed page, or a file.
    let Some(origin) = origin.to_str().ok().and_then(Origin::parse) else { return Some(false) };
    // Some proxies send the original host in `X-Forwarded-Host`, which a page cannot set without a
    // CORS preflight.
    let hosts = [header::HOST.as_str(), "x-forwarded-host"].map(|name| headers.get(name));
    let mut hosts = hosts.into_iter().flatten().filter_map(|host| host.to_str().ok());
    Some(hosts.any(|host| origin.is_at(host)))
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
    fn only_pages_of_the_service_are_same_origin() {
        for (pairs, expected) in [
            ([].as_slice(), false),
            (&[("host", "jobs.example")], false),
            (&[("host", "jobs.example"), ("origin", "https://jobs.example")], true),
            (&[("host", "jobs.example:81"), ("origin", "http://jobs.example:81")], true),
            (&[("host", "jobs.example:81"), ("origin", "http://jobs.example")], false),
            (&[("host", "jobs.example:443"), ("origin", "https://jobs.example")], true),
            (&[("host", "jobs.example:443"), ("origin", "http://jobs.example")], false),
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
    fn pages_of_other_sites_are_rejected_unless_listed() {
        let listed = ["https://Dashboard.example.org".parse().unwrap()];
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
            assert_eq!(origin_allowed(&headers(given), &listed), expected, "{given:?}");
        }
    }

    #[test]
    fn origins_match_patterns_as_browsers_write_them() {
        for (pattern, origin, expected) in [
            ("https://b.example", "https://b.example", true),
            ("https://b.example", "HTTPS://B.Example", true),
            ("https://b.example:443", "https://b.example", true),
            ("https://b.example", "https://b.example:443", true),
            ("http://b.example:80", "http://b.example", true),
            ("http://b.example:443", "http://b.example", false),
            ("https://b.example", "http://b.example", false),
            ("https://b.example", "https://b.example:8443", false),
            ("https://b.example", "https://b.example.org", false),
            ("https://b.example", "https://a.b.example", false),
            ("https://b.example", "null", false),
            ("https://b.example", "", false),
            ("https://b.example", "b.example", false),
            ("http://[::1]:3000", "http://[::1]:3000", true),
            ("http://[::1]", "http://[::1]:3000", false),
            ("https://*.example.org", "https://a.example.org", true),
            ("https://*.Example.org", "https://a.b.example.org", true),
            ("https://*.example.org", "https://example.org", false),
            ("https://*.example.org", "https://.example.org", false),
            ("https://*.example.org", "https://evilexample.org", false),
            ("https://*.example.org", "https://example.org.evil.com", false),
            ("https://*.example.org", "https://a.example.org:8443", false),
            ("https://*.example.org:*", "https://a.example.org:8443", true),
            ("http://localhost:*", "http://localhost:5173", true),
            ("http://localhost:*", "http://localhost", true),
            ("http://localhost:*", "https://localhost:5173", false),
            ("http://localhost:*", "http://localhost.evil.com:80", false),
            ("http://[::1]:*", "http://[::1]:5173", true),
            ("null", "null", true),
            ("null", "https://a.example", false),
            ("electron://altair", "electron://altair", true),
            ("tauri://localhost", "tauri://localhost", true),
            ("app://.", "app://.", true),
            ("file://", "file://", true),
            ("chrome-extension://abcdef", "chrome-extension://abcdef", true),
            ("chrome-extension://abcdef", "chrome-extension://abcdeg", false),
            ("moz-extension://*", "moz-extension://0b1c2d3e-0000-4000-8000-000000000000", true),
            ("moz-extension://*", "chrome-extension://abcdef", false),
        ] {
            let parsed: OriginPattern = pattern.parse().unwrap();
            let found = parsed.matches(&HeaderValue::from_str(origin).unwrap());
            assert_eq!(found, expected, "{pattern} {origin}");
        }
    }

    #[test]
    fn patterns_that_never_match_are_rejected() {
        for (wrong, why) in [
            ("*", "name the origins"),
            ("", "it begins with a scheme"),
            ("example.org", "it begins with a scheme"),
            ("localhost:3000", "it begins with a scheme"),
            ("*://example.org", "it begins with a scheme"),
            ("https://", "it has a host"),
            ("https://*", "any host would be any page"),
            ("https://*:*", "any host would be any page"),
            ("https://a/", "it has no path"),
            ("https://a/b", "it has no path"),
            ("https://a:80/b", "it has no path"),
            ("https://u@a", "it has no path"),
            ("https://a?b", "it has no path"),
            ("https://a.*.example.org", "a * stands in front"),
            ("https://app-*.example.org", "a * stands in front"),
            ("https://*.", "a domain follows"),
            ("https://.example.org", "its host is a name"),
            ("https://a b", "its host is a name"),
            ("https://größe.example", "xn--"),
            ("https://a:0x50", "its port is a number"),
            ("https://a:70000", "its port is a number"),
            ("https://a:0443", "its port is a number"),
        ] {
            let message = wrong.parse::<OriginPattern>().unwrap_err();
            assert!(message.starts_with("expected an origin such as https://"), "{message}");
            assert!(message.contains(why), "{wrong}: {message}");
        }
    }

    #[test]
    fn cors_headers_exclude_those_of_proxies() {
        assert_eq!(parse_header(" X-Tenant ").unwrap(), "x-tenant");
        for wrong in ["", "a b", "X-Forwarded-For", "x-forwarded-host", "Forwarded", "x-real-ip"] {
            assert!(parse_header(wrong).is_err(), "{wrong}");
        }
    }
}
