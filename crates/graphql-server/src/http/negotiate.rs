//! Content negotiation (RFC 9110, section 12.5.1): JSON, server-sent events or multipart.

use std::cmp::Reverse;

use axum::http::{HeaderMap, header};

use super::stream::StreamFormat;

/// The media types of a single GraphQL response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`, the older one.
    Json,
    /// `application/graphql-response+json`, with which statuses describe the result.
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

/// What a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accept {
    /// The media type for JSON; `None` if the client refuses JSON.
    json: Option<MediaType>,
    /// The format of a stream; `None` if the client names none that the service supports.
    stream: Option<StreamFormat>,
    /// Whether the stream's quality is above that of JSON.
    prefers_stream: bool,
}

impl Accept {
    /// Reads the `Accept` headers.
    ///
    /// A client without `Accept` or with `*/*` gets `application/json`, as the audits of graphql-http
    /// expect. The September 2026 edition of GraphQL over HTTP sends the newer type, but clients that
    /// name none were written before it existed.
    ///
    /// Wildcards do not match streams: a client that knows the protocol of a stream names its media
    /// type.
    pub fn of(headers: &HeaderMap) -> Self {
        let texts: Vec<_> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .filter(|text| !text.trim().is_empty())
            .collect();
        if texts.is_empty() {
            return Self { json: Some(MediaType::Json), stream: None, prefers_stream: false };
        }
        let ranges: Vec<_> =
            texts.iter().flat_map(|text| split(text, ',')).filter_map(Range::parse).collect();
        let best = |of: &dyn Fn(&Range<'_>) -> bool| {
            let matching = ranges.iter().enumerate().filter(|(_, range)| of(range));
            matching
                .map(|(nth, range)| Rank { quality: range.quality, position: Some(Reverse(nth)) })
                .max()
        };
        let named = |name: &str| best(&|range| range.is(name));
        // The most specific range decides: a named type goes before a wildcard.
        let json = |name: &str| {
            named(name).or_else(|| {
                let wildcard = best(&|range| range.is("application/*"))
                    .or_else(|| best(&|range| range.is("*/*")));
                wildcard.map(|rank| Rank { position: None, ..rank })
            })
        };
        let multipart =
            best(&|range| range.is("multipart/mixed") && range.subscription_spec == Some("1.0"));
        let (json, json_quality) = choose([
            (MediaType::Json, json("application/json")),
            (MediaType::GraphQlResponse, json("application/graphql-response+json")),
        ]);
        let (stream, stream_quality) = choose([
            (StreamFormat::Events, named("text/event-stream")),
            (StreamFormat::Multipart, multipart),
        ]);
        Self { json, stream, prefers_stream: stream_quality > json_quality }
    }

    /// The media type of a response in JSON.
    pub fn json(self) -> Option<MediaType> {
        self.json
    }

    /// The format of the responses to a subscription.
    pub fn stream(self) -> Option<StreamFormat> {
        self.stream
    }

    /// The format of a single response, if it is not JSON: for clients that accept nothing else, or
    /// prefer it.
    pub fn single_in_stream(self) -> Option<StreamFormat> {
        self.stream.filter(|_| self.prefers_stream)
    }
}

/// How much a client prefers a media type, greater for more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// From 0, not at all, to 1000.
    quality: u16,
    /// The position of the range in the header: the first is preferred. `None` for a wildcard.
    position: Option<Reverse<usize>>,
}

/// The preferred media type and its quality, without those of quality 0. Of equals the first one.
fn choose<T>(offered: [(T, Option<Rank>); 2]) -> (Option<T>, u16) {
    let mut best: Option<(T, Rank)> = None;
    for (offer, rank) in offered {
        if let Some(rank) = rank.filter(|rank| rank.quality > 0)
            && best.as_ref().is_none_or(|(_, other)| rank > *other)
        {
            best = Some((offer, rank));
        }
    }
    best.map_or((None, 0), |(offer, rank)| (Some(offer), rank.quality))
}

/// One entry of an `Accept` header.
struct Range<'a> {
    media_type: &'a str,
    quality: u16,
    /// The version of Apollo's subscription protocol, a parameter of `multipart/mixed`.
    subscription_spec: Option<&'a str>,
}

impl<'a> Range<'a> {
    /// Parses an entry; `None` if it is malformed or requires a charset other than UTF-8.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = split(text, ';').map(str::trim);
        let media_type = parts.next()?;
        let mut range = Self { media_type, quality: 1000, subscription_spec: None };
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => range.quality = thousandths(value)?,
                "charset" if !value.eq_ignore_ascii_case("utf-8") => return None,
                "subscriptionspec" => range.subscription_spec = Some(value),
                _ => {}
            }
        }
        Some(range)
    }

    fn is(&self, media_type: &str) -> bool {
        self.media_type.eq_ignore_ascii_case(media_type)
    }
}

/// Splits a header value, but not within quoted strings (RFC 9110, section 5.6.4).
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        let is_separator = character == separator && !is_quoted;
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = is_quoted && character == '\\' && !is_escaped;
        is_separator
    })
}

/// Reads `0.8` as 800; `None` for values outside 0 to 1.
fn thousandths(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f32 = text.parse().ok().filter(|value| is_plain && (0.0..=1.0).contains(value))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    Some((value * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::MediaType::{GraphQlResponse, Json};
    use super::StreamFormat::{Events, Multipart};
    use super::*;

    proptest! {
        #[test]
        fn any_header_is_read(accept in "[a-z/*;,=.q0-9\"\\\\ +-]{0,60}") {
            of(&accept);
        }
    }

    fn of(accept: &str) -> Accept {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        Accept::of(&headers)
    }

    #[test]
    fn the_media_type_of_json_goes_by_quality_then_order() {
        assert_eq!(Accept::of(&HeaderMap::new()).json(), Some(Json));
        for (accept, expected) in [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json", Some(Json)),
            ("Application/JSON; charset=UTF-8", Some(Json)),
            ("  application/json  ;  q=1.000  ", Some(Json)),
            ("application/json;version=\"1,2;3\"", Some(Json)),
            (
                "text/x;a=\"\\\",application/json\", application/graphql-response+json",
                Some(GraphQlResponse),
            ),
            ("application/graphql-response+json", Some(GraphQlResponse)),
            ("application/graphql-response+json, application/json", Some(GraphQlResponse)),
            ("application/json, application/graphql-response+json", Some(Json)),
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
            ("*/*, application/graphql-response+json", Some(GraphQlResponse)),
            ("application/graphql-response+json, */*;q=0.1", Some(GraphQlResponse)),
            ("application/json;q=0, */*", Some(GraphQlResponse)),
            ("application/*;q=0.1, */*;q=0, application/json;q=0", Some(GraphQlResponse)),
            ("text/html", None),
            ("text/*, image/png", None),
            ("application/json;q=0", None),
            ("application/json;q=2", None),
            ("application/json;q=-1", None),
            ("application/json;q=x", None),
            ("application/json;q=", None),
            ("application/json;q=1e0", None),
            ("application/json;charset=latin1", None),
            ("\"application/json\"", None),
            ("text/x;a=\"unclosed, application/json", None),
            ("*/*;q=0", None),
            ("application/*;q=0, */*", None),
            ("nonsense", None),
            ("application/graphql+json", None),
        ] {
            assert_eq!(of(accept).json(), expected, "{accept}");
        }
    }

    #[test]
    fn a_stream_must_be_named_and_goes_by_quality_then_order() {
        let spec = "multipart/mixed;subscriptionSpec=1.0";
        for (accept, expected) in [
            ("text/event-stream".to_owned(), Some(Events)),
            ("TEXT/Event-Stream; charset=utf-8".to_owned(), Some(Events)),
            (spec.to_owned(), Some(Multipart)),
            (
                "Multipart/Mixed; boundary=\"a,b;c\" ; SubscriptionSpec=\"1.0\"".to_owned(),
                Some(Multipart),
            ),
            (format!("{spec}, text/event-stream"), Some(Multipart)),
            (format!("text/event-stream, {spec}"), Some(Events)),
            (format!("text/event-stream;q=0.4, {spec};q=0.5"), Some(Multipart)),
            (format!("text/event-stream;q=0, {spec};q=0.001"), Some(Multipart)),
            (format!("text/event-stream, {spec};q=0"), Some(Events)),
            ("application/json, text/event-stream;q=0.1".to_owned(), Some(Events)),
            (
                "multipart/mixed;deferSpec=20220824, multipart/mixed;subscriptionSpec=1.0"
                    .to_owned(),
                Some(Multipart),
            ),
            ("multipart/mixed".to_owned(), None),
            ("multipart/mixed;deferSpec=20220824".to_owned(), None),
            ("multipart/mixed;subscriptionSpec=2.0".to_owned(), None),
            ("application/json;subscriptionSpec=1.0".to_owned(), None),
            ("text/event-stream;q=0".to_owned(), None),
            ("text/event-stream;q=0, text/*".to_owned(), None),
            ("text/event-stream;q=9".to_owned(), None),
            ("application/json;x=\"text/event-stream\"".to_owned(), None),
            ("*/*".to_owned(), None),
            ("text/*".to_owned(), None),
            ("multipart/*".to_owned(), None),
        ] {
            assert_eq!(of(&accept).stream(), expected, "{accept}");
        }
    }

    /// The headers are those that the clients send.
    #[test]
    fn clients_get_what_they_can_read() {
        for (client, accept, json, single, stream) in [
            (
                "urql",
                "application/graphql-response+json, application/graphql+json, application/json, \
                 text/event-stream, multipart/mixed",
                Some(GraphQlResponse),
                None,
                Some(Events),
            ),
            ("Apollo Client 3", "*/*", Some(Json), None, None),
            (
                "Apollo Client 4",
                "application/graphql-response+json,application/json;q=0.9",
                Some(GraphQlResponse),
                None,
                None,
            ),
            (
                "Apollo Client 3, subscription",
                "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/json",
                Some(Json),
                None,
                Some(Multipart),
            ),
            (
                "Apollo Client 4, subscription",
                "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,\
                 application/graphql-response+json,application/json;q=0.9",
                Some(GraphQlResponse),
                None,
                Some(Multipart),
            ),
            (
                "Apollo Client 4, @defer",
                "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9",
                Some(GraphQlResponse),
                None,
                None,
            ),
            ("Relay, network layer with fetch", "application/json", Some(Json), None, None),
            (
                "Relay, network layer of its documentation",
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
                Some(GraphQlResponse),
                None,
                None,
            ),
            (
                "graphql-request",
                "application/graphql-response+json, application/json",
                Some(GraphQlResponse),
                None,
                None,
            ),
            (
                "Strawberry Shake",
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8, \
                 application/jsonl; charset=utf-8, text/event-stream; charset=utf-8",
                Some(GraphQlResponse),
                None,
                Some(Events),
            ),
            (
                "Apollo iOS",
                "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json",
                Some(GraphQlResponse),
                None,
                None,
            ),
            (
                "Apollo iOS, subscription",
                "multipart/mixed;subscriptionSpec=1.0,application/json",
                Some(Json),
                None,
                Some(Multipart),
            ),
            (
                "Apollo Kotlin",
                "multipart/mixed;deferSpec=20220824, application/graphql-response+json, application/json",
                Some(GraphQlResponse),
                None,
                None,
            ),
            (
                "Apollo Kotlin, subscription",
                "multipart/mixed;subscriptionSpec=1.0, application/graphql-response+json, application/json",
                Some(GraphQlResponse),
                None,
                Some(Multipart),
            ),
            ("graphql-sse and EventSource", "text/event-stream", None, Some(Events), Some(Events)),
            ("refuses streams", "application/json, text/event-stream;q=0", Some(Json), None, None),
            ("takes either", "text/event-stream, application/json", Some(Json), None, Some(Events)),
            ("takes anything", "text/event-stream, */*", Some(Json), None, Some(Events)),
            (
                "likes streams better",
                "application/json;q=0.9, text/event-stream",
                Some(Json),
                Some(Events),
                Some(Events),
            ),
            (
                "refuses JSON",
                "application/json;q=0, application/graphql-response+json;q=0, text/event-stream;q=0.1",
                None,
                Some(Events),
                Some(Events),
            ),
            ("a page of a browser", "text/html,*/*;q=0.8", Some(Json), None, None),
        ] {
            let accept = of(accept);
            assert_eq!(accept.json(), json, "{client}");
            assert_eq!(accept.single_in_stream(), single, "{client}");
            assert_eq!(accept.stream(), stream, "{client}");
        }
    }
}
