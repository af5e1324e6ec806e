//! Which of our media types a client would rather have (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

/// The media types of a single GraphQL answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`, which clients had before there was another.
    Json,
    /// `application/graphql-response+json`, with which statuses mean something.
    GraphQlResponse,
}

impl MediaType {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphQlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// One entry of an `Accept` header.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// From 0, not at all, to 1000.
    quality: u16,
}

/// What the client accepts of these; `None` if neither.
///
/// Whoever asks for nothing in particular, without `Accept` or with `*/*`, gets `application/json`, as
/// the audits of graphql-http want it. The September 2026 edition of GraphQL over HTTP would give
/// them the new type; but those are the clients that were written before there was one.
pub fn accepted(headers: &HeaderMap) -> Option<MediaType> {
    let texts: Vec<_> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|text| !text.trim().is_empty())
        .collect();
    if texts.is_empty() {
        return Some(MediaType::Json);
    }
    let ranges: Vec<_> = texts.iter().flat_map(|text| text.split(',')).filter_map(range).collect();
    let (json, json_is_named) = quality(&ranges, "json");
    let (graphql, graphql_is_named) = quality(&ranges, "graphql-response+json");
    let graphql_is_better =
        graphql > json || graphql == json && graphql_is_named >= json_is_named && graphql_is_named;
    match (json, graphql) {
        (0, 0) => None,
        _ if graphql_is_better => Some(MediaType::GraphQlResponse),
        _ => Some(MediaType::Json),
    }
}

/// How much `application/SUBTYPE` is wanted, and whether it was named. The most specific range
/// decides.
fn quality(ranges: &[Range<'_>], subtype: &str) -> (u16, bool) {
    let best = |is_match: &dyn Fn(&Range<'_>) -> bool| {
        ranges.iter().filter(|range| is_match(range)).map(|range| range.quality).max()
    };
    let is_application = |range: &Range<'_>| range.kind.eq_ignore_ascii_case("application");
    if let Some(quality) =
        best(&|range| is_application(range) && range.subtype.eq_ignore_ascii_case(subtype))
    {
        return (quality, true);
    }
    let quality = best(&|range| is_application(range) && range.subtype == "*")
        .or_else(|| best(&|range| range.kind == "*" && range.subtype == "*"));
    (quality.unwrap_or(0), false)
}

fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let mut quality = 1000;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => quality = thousandths(value)?,
            // We write in no other.
            "charset" if !value.eq_ignore_ascii_case("utf-8") => return None,
            _ => {}
        }
    }
    Some(Range { kind, subtype, quality })
}

/// Reads `0.8` as 800; nothing beyond 0 to 1.
fn thousandths(text: &str) -> Option<u16> {
    let value: f32 = text.parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    Some((value * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_header_is_read(accept in "[a-z/*;,=.q0-9\" +-]{0,60}") {
            of(&accept);
        }
    }

    fn of(accept: &str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        accepted(&headers)
    }

    #[test]
    fn the_best_that_is_accepted() {
        use MediaType::{GraphQlResponse, Json};
        assert_eq!(accepted(&HeaderMap::new()), Some(Json));
        for (accept, expected) in [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json", Some(Json)),
            ("Application/JSON; charset=UTF-8", Some(Json)),
            ("application/graphql-response+json", Some(GraphQlResponse)),
            ("application/graphql-response+json, application/json", Some(GraphQlResponse)),
            ("application/json, application/graphql-response+json", Some(GraphQlResponse)),
            ("application/json, application/graphql-response+json;q=0.9", Some(Json)),
            (
                "application/json;q=0.5, application/graphql-response+json;q=0.51",
                Some(GraphQlResponse),
            ),
            (
                "application/json;q=0, application/graphql-response+json;q=0.001",
                Some(GraphQlResponse),
            ),
            ("application/graphql-response+json;q=0, */*", Some(Json)),
            ("application/graphql-response+json, */*;q=0.1", Some(GraphQlResponse)),
            ("application/json;q=0, */*", Some(GraphQlResponse)),
            ("text/html", None),
            ("text/*, image/png", None),
            ("application/json;q=0", None),
            ("application/json;q=2", None),
            ("application/json;charset=latin1", None),
            ("*/*;q=0", None),
            ("nonsense", None),
            ("application/graphql+json", None),
        ] {
            assert_eq!(of(accept), expected, "{accept}");
        }
    }
}
