//! Counting the tokens of a document before it is parsed.

/// Token statistics of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Names, numbers, strings and punctuation.
    pub count: usize,
    /// The deepest nesting of parentheses, brackets and braces.
    pub nesting: usize,
}

/// Counts tokens in one pass. For any text, also invalid ones, at least as many as the parser reads.
pub fn scan(text: &str) -> Tokens {
    let bytes = text.as_bytes();
    let (mut tokens, mut open) = (Tokens::default(), 0_usize);
    let mut at = 0;
    while let Some(start) = next_token(bytes, at) {
        match bytes[start] {
            b'(' | b'[' | b'{' => {
                open += 1;
                tokens.nesting = tokens.nesting.max(open);
            }
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => (),
        }
        tokens.count += 1;
        at = start + length(&bytes[start..]);
    }
    tokens
}

/// The start of the next token at or after `at`: after white space, commas, byte order marks and
/// comments.
pub fn next_token(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += match *bytes.get(at)? {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => 1,
            _ if bytes[at..].starts_with("\u{feff}".as_bytes()) => 3,
            b'#' => length_while(&bytes[at..], |byte| byte != b'\n' && byte != b'\r'),
            _ => return Some(at),
        };
    }
}

/// The length in bytes of the token that starts here. A byte that starts no token counts as one.
pub fn length(bytes: &[u8]) -> usize {
    match bytes.first() {
        None => 0,
        Some(b'_' | b'a'..=b'z' | b'A'..=b'Z') => {
            length_while(bytes, |byte| byte == b'_' || byte.is_ascii_alphanumeric())
        }
        Some(b'0'..=b'9') => length_while(bytes, |byte| byte == b'.' || byte.is_ascii_digit()),
        Some(b'"') => string(bytes),
        Some(b'.') if bytes.starts_with(b"...") => 3,
        Some(_) => 1,
    }
}

fn length_while(bytes: &[u8], is_in: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !is_in(*byte)).unwrap_or(bytes.len())
}

/// The length of the string that starts here. An unterminated block string extends to the end.
fn string(bytes: &[u8]) -> usize {
    let is_block = bytes.starts_with(b"\"\"\"");
    let mut at = if is_block { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        match (byte, is_block) {
            (b'\\', true) if rest.starts_with(b"\\\"\"\"") => at += 4,
            (b'\\', false) => at += 2,
            (b'"', true) if rest.starts_with(b"\"\"\"") => return at + 3,
            (b'"', false) => return at + 1,
            // Unterminated: a syntax error.
            (b'\n' | b'\r', false) => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_scanned(text in "[ {}()\\[\\]:!$.\"\\\\a-z#0-9é\n-]{0,60}") {
            let tokens = scan(&text);
            prop_assert!(tokens.count <= text.len());
            prop_assert!(tokens.nesting <= tokens.count);
        }
    }

    #[test]
    fn tokens_are_counted_as_the_parser_reads_them() {
        // A sign and an exponent count by themselves.
        for (text, count, nesting) in [
            ("", 0, 0),
            (" ,\t\r\n\u{feff}# a comment { with (brackets [\n", 0, 0),
            ("{ a }", 3, 1),
            ("query Q($a: [Int!]! = [1, -2.5e+3]) { b(c: $a) @d ...E }", 34, 2),
            ("{ a(b: \"x } \\\" {\") }", 8, 2),
            ("{ a(b: \"\"\"x \" } \\\"\"\" {\"\"\") }", 8, 2),
            ("{ a(b: \"\") }", 8, 2),
            ("{ a(b: \"never", 6, 2),
            ("\"\\", 1, 0),
            ("\"\"\"", 1, 0),
            ("[1a1a]", 4, 1),
            ("}}}{", 4, 1),
            ("é", 2, 0),
        ] {
            assert_eq!(scan(text), Tokens { count, nesting }, "{text}");
        }
    }
}
