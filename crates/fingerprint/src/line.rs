//! The line of a message that says what went wrong.

use std::sync::LazyLock;

use regex::Regex;

/// How much of the line is read, in characters. What differs between causes comes early.
const LENGTH: usize = 2_000;

/// How much of the end of a Python traceback is searched, in bytes.
const TRACEBACK_END: usize = 64 * 1024;

/// Where Node prints the place of an uncaught error, before the error.
static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\S+\.(?:js|mjs|cjs|ts):\d+$").expect("it is a pattern"));

static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:Uncaught )?[\w.$]*(?:Error|Exception)\b").expect("it is a pattern")
});

/// The line that tells the cause, with its white space collapsed; `None` if there is no text.
///
/// That is the first line, except that Python prints the error last and Node the place first. A line
/// that ends with a colon is continued by the next.
pub fn telling(message: &str) -> Option<String> {
    let mut lines = message.lines().filter(|line| !line.trim().is_empty());
    let mut first = lines.next()?;
    if first.starts_with("Traceback (most recent call last)") {
        first = last_unindented(message).unwrap_or(first);
        return Some(collapse([first]));
    }
    if PLACE.is_match(start(first.trim(), 500)) {
        first = message.lines().take(20).find(|line| ERROR.is_match(line)).unwrap_or(first);
        return Some(collapse([first]));
    }
    let next = if first.trim_end().ends_with(':') { lines.next() } else { None };
    Some(collapse([first].into_iter().chain(next)))
}

fn last_unindented(message: &str) -> Option<&str> {
    let mut from = message.len().saturating_sub(TRACEBACK_END);
    while !message.is_char_boundary(from) {
        from += 1;
    }
    let is_error = |line: &&str| !line.trim().is_empty() && !line.starts_with(char::is_whitespace);
    message[from..].lines().rfind(is_error)
}

/// At most this many bytes from the start.
fn start(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn collapse<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut characters = 0;
    for word in lines.into_iter().flat_map(|line| line.split(separates)) {
        if word.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.extend(word.chars().take(LENGTH - characters));
        characters += word.chars().take(LENGTH - characters).count();
        if characters >= LENGTH {
            break;
        }
    }
    text
}

fn separates(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control()
}
