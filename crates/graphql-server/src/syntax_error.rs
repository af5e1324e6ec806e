//! Readable messages for syntax errors of documents.

use async_graphql::{Pos, ServerError};

use super::tokens::{length, next_token};

/// The most characters of a token that are quoted.
const MAX_QUOTED: usize = 40;

/// Describes a syntax error by the token at which the parser stopped. The message and the location
/// name the same line and column, both counted from 1. `expected` is the parser's own message, which
/// ends with the names of the rules that it tried there.
pub fn syntax_error(text: &str, stopped_at: Pos, expected: &str) -> ServerError {
    let bytes = text.as_bytes();
    let rules = expected.rsplit("\n  = ").next().unwrap_or_default();
    let start = next_token(bytes, offset(text, stopped_at));
    let start = start.and_then(|start| unexpected_token(bytes, start, rules));
    let at = position(text, start.unwrap_or(text.len()));
    let problem = match start {
        Some(start) => describe(&text[start..]),
        None if next_token(bytes, 0).is_none() => "the document is empty".to_owned(),
        None => "unexpected end of the document".to_owned(),
    };
    let mut message = format!("Syntax error: {problem} (line {}, column {})", at.line, at.column);
    if start.is_none()
        && let Some((bracket, opened)) = unclosed(text)
    {
        let Pos { line, column } = position(text, opened);
        message += &format!("; the \"{bracket}\" at line {line}, column {column} is not closed");
    }
    ServerError::new(message, Some(at))
}

/// The unexpected token. The parser stops at the start of a rule with missing punctuation, such as the
/// colon of an argument, so the matching part of the rule is skipped.
fn unexpected_token(bytes: &[u8], start: usize, rules: &str) -> Option<usize> {
    let tried = |rule: &str| rules.contains(rule);
    let after = |at: usize| next_token(bytes, at + length(&bytes[at..]));
    let is_name = |at: usize| bytes[at] == b'_' || bytes[at].is_ascii_alphabetic();
    match bytes[start] {
        // The parser reads the start of an unterminated block string as an empty string.
        b'"' if bytes[..start].ends_with(b"\"\"") => Some(start - 2),
        b'$' if tried("variable_definition") => {
            let name = after(start)?;
            if is_name(name) { after(name) } else { Some(name) }
        }
        _ if is_name(start) && (tried("argument") || tried("object_field")) => after(start),
        b'[' if tried("type_") => {
            let mut at = start;
            while bytes[at] == b'[' {
                at = after(at)?;
            }
            if is_name(at) {
                at = after(at)?;
                while matches!(bytes[at], b'!' | b']') {
                    at = after(at)?;
                }
            }
            Some(at)
        }
        _ => Some(start),
    }
}

/// Describes the unexpected token that starts here.
fn describe(text: &str) -> String {
    let Some(first) = text.chars().next() else {
        return "unexpected end of the document".to_owned();
    };
    if !first.is_ascii() || first.is_ascii_control() {
        return if first.is_control() {
            format!("unexpected character U+{:04X}", u32::from(first))
        } else {
            format!("unexpected character \"{first}\"")
        };
    }
    let token = text.get(..length(text.as_bytes())).unwrap_or(text);
    if first != '"' {
        return format!("unexpected \"{}\"", shortened(token));
    }
    let quotes = if token.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
    if token.len() < 2 * quotes.len() || !token.ends_with(quotes) {
        return "unterminated string".to_owned();
    }
    match (quotes, invalid_escape(token)) {
        ("\"", Some(escape)) => format!("invalid escape sequence {escape} in a string"),
        _ => format!("unexpected string {}", shortened(token)),
    }
}

/// The first escape sequence that is unknown or stands for no character.
fn invalid_escape(string: &str) -> Option<&str> {
    let mut rest = string;
    loop {
        rest = &rest[rest.find('\\')?..];
        let length = match rest[1..].chars().next()? {
            '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => 2,
            'u' => {
                let digits: &str = rest.get(2..6).unwrap_or(&rest[2..]);
                let code = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 4);
                if code.and_then(char::from_u32).is_none() {
                    return Some(rest.get(..6).unwrap_or("\\u"));
                }
                6
            }
            other => return Some(&rest[..=other.len_utf8()]),
        };
        rest = &rest[length..];
    }
}

fn shortened(token: &str) -> String {
    match token.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &token[..end]),
        None => token.to_owned(),
    }
}

/// The innermost bracket that is not closed, and its position.
fn unclosed(text: &str) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    let (mut open, mut at) = (Vec::new(), 0);
    while let Some(start) = next_token(bytes, at) {
        match bytes[start] {
            bracket @ (b'(' | b'[' | b'{') => open.push((char::from(bracket), start)),
            b')' | b']' | b'}' => _ = open.pop(),
            _ => (),
        }
        at = start + length(&bytes[start..]);
    }
    open.pop()
}

/// The byte offset and position of each character and of the end. Lines are counted as the parser does.
fn positions(text: &str) -> impl Iterator<Item = (usize, Pos)> {
    let mut at = Pos { line: 1, column: 1 };
    text.char_indices().map(Some).chain([None]).map(move |next| {
        let here = at;
        let Some((offset, character)) = next else { return (text.len(), here) };
        at = match character {
            '\n' => Pos { line: at.line + 1, column: 1 },
            _ => Pos { column: at.column + 1, ..at },
        };
        (offset, here)
    })
}

fn offset(text: &str, wanted: Pos) -> usize {
    positions(text).find(|(_, at)| *at == wanted).map_or(text.len(), |(offset, _)| offset)
}

fn position(text: &str, wanted: usize) -> Pos {
    let mut at = Pos { line: 1, column: 1 };
    for (offset, here) in positions(text) {
        if offset > wanted {
            break;
        }
        at = here;
    }
    at
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{Error as ParseError, parse_query};
    use proptest::prelude::*;

    use super::*;

    fn error_of(text: &str) -> Option<ServerError> {
        match parse_query(text) {
            Err(ParseError::Syntax { start, message, .. }) => {
                Some(syntax_error(text, start, &message))
            }
            _ => None,
        }
    }

    #[test]
    fn common_mistakes_are_described_with_their_position() {
        for (text, message) in [
            ("", "the document is empty (line 1, column 1)"),
            ("  # only a comment\n", "the document is empty (line 2, column 1)"),
            (
                "{ jobs { page }",
                "unexpected end of the document (line 1, column 16); the \"{\" at line 1, column 1 is not closed",
            ),
            ("{\n  jobs(take: 5 {\n    page }\n}", "unexpected \"{\" (line 2, column 16)"),
            (
                "{ jobs(take: 5",
                "unexpected end of the document (line 1, column 15); the \"(\" at line 1, column 7 is not closed",
            ),
            ("{ jobs { page } } }", "unexpected \"}\" (line 1, column 19)"),
            ("{ jobs {\r\n page } }\r\n }", "unexpected \"}\" (line 3, column 2)"),
            ("{ jobs { } }", "unexpected \"}\" (line 1, column 10)"),
            ("{ jobs(take: ) { page } }", "unexpected \")\" (line 1, column 14)"),
            ("{ jobs() { page } }", "unexpected \")\" (line 1, column 8)"),
            ("{ jobs(take 5) { page } }", "unexpected \"5\" (line 1, column 13)"),
            ("{ jobs(page: 1, take 5) { page } }", "unexpected \"5\" (line 1, column 22)"),
            (
                "{ jobs(orderBy: { field NAME }) { page } }",
                "unexpected \"NAME\" (line 1, column 25)",
            ),
            (
                "query ($id UUID!) { job(id: $id) { id } }",
                "unexpected \"UUID\" (line 1, column 12)",
            ),
            ("query ($ids: [UUID!) { job { id } }", "unexpected \")\" (line 1, column 20)"),
            ("query ($id: ) { job { id } }", "unexpected \")\" (line 1, column 13)"),
            ("query { job(id: $) { id } }", "unexpected \")\" (line 1, column 18)"),
            ("query { job { ... } }", "unexpected \"}\" (line 1, column 19)"),
            ("fragment F Job { id }", "unexpected \"Job\" (line 1, column 12)"),
            ("{ jobs(take: 5] { page } }", "unexpected \"]\" (line 1, column 15)"),
            ("{ jobs; }", "unexpected \";\" (line 1, column 7)"),
            ("{ 'jobs' }", "unexpected \"'\" (line 1, column 3)"),
            ("{ jobs \u{fffd} }", "unexpected character \"\u{fffd}\" (line 1, column 8)"),
            ("query ($é: Int) { jobs { page } }", "unexpected character \"é\" (line 1, column 9)"),
            ("{ jobs é }", "unexpected character \"é\" (line 1, column 8)"),
            ("{ \0 }", "unexpected character U+0000 (line 1, column 3)"),
            ("qeury { jobs { page } }", "unexpected \"qeury\" (line 1, column 1)"),
            ("type Job { id: ID }", "unexpected \"type\" (line 1, column 1)"),
            ("{ jobs(search: \"hub) { page } }", "unterminated string (line 1, column 16)"),
            ("{ jobs(search: \"hub\n\") { page } }", "unterminated string (line 1, column 16)"),
            ("{ jobs(search: \"\"\"hub\") { page } }", "unterminated string (line 1, column 16)"),
            (
                "{ jobs(search: \"\\ud800\") { page } }",
                "invalid escape sequence \\ud800 in a string (line 1, column 16)",
            ),
            (
                "{ jobs(search: \"a\\n\\q\") { page } }",
                "invalid escape sequence \\q in a string (line 1, column 16)",
            ),
            ("{ \"jobs\" }", "unexpected string \"jobs\" (line 1, column 3)"),
            ("{\"query\": \"{ jobs }\"}", "unexpected string \"query\" (line 1, column 2)"),
        ] {
            let error = error_of(text).expect(text);
            assert_eq!(error.message, format!("Syntax error: {message}"), "{text}");
            let Pos { line, column } = error.locations[0];
            assert!(message.contains(&format!("(line {line}, column {column})")), "{text}");
        }
    }

    #[test]
    fn long_tokens_are_shortened() {
        let error = error_of(&format!("{{ a }} {}", "b".repeat(10_000))).unwrap();
        assert_eq!(
            error.message,
            format!("Syntax error: unexpected \"{}…\" (line 1, column 7)", "b".repeat(40))
        );
    }

    proptest! {
        #[test]
        fn any_text_that_cannot_be_parsed_has_a_place_within_it(
            start in prop::sample::select(vec![
                "", "{ a(", "{ a(b", "query ($", "query ($a", "query ($a: [", "{ a(b: {c", "{ a(b: \"\"",
            ]),
            rest in "[ {}()\\[\\]:!$.\"\\\\a-zu0-9é\u{feff}\u{fffd}\u{1F600}#\r\n-]{0,60}",
        ) {
            let text = format!("{start}{rest}");
            if let Some(error) = error_of(&text) {
                prop_assert!(error.message.starts_with("Syntax error: "));
                let at = error.locations[0];
                prop_assert!(positions(&text).any(|(_, each)| each == at), "{error:?}");
            }
        }
    }
}
