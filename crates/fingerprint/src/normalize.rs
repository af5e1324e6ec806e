//! One pass over a message's line, which replaces what differs from one failure to the next.

use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::sync::LazyLock;

use regex::Regex;

use super::codes::{is_code, is_code_word, is_windows_code, last_word};
use super::patterns::{Action, BEFORE_HOST, NAMED, PATTERNS, RUNS, TELLING_KEYS, TERMS};

/// How long a title is at most, in characters.
pub const TITLE_LENGTH: usize = 240;

/// How deep quoted texts within quoted texts are read.
const DEPTH: usize = 3;

/// From this many words on, a quoted text is a sentence and not a name.
const SENTENCE: usize = 6;

/// A word with what may be inside it.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[\p{Alphabetic}\p{N}_$]+(?:[.'’-][\p{Alphabetic}\p{N}_$]+)*")
        .expect("it is a pattern")
});

/// A name as databases have them, unquoted.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\w$][\w$.:-]*[\w$]").expect("it is a pattern"));

/// The name of an error, as a quoted value.
static ERROR_NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^[a-z_.]*(?:error|exception|fault|denied|fail|invalid|expired|timeout|exceeded|
        limited|revoked|not_found|notfound|unauthorized|forbidden|unavailable|throttl)[a-z_.]*$",
    )
    .expect("it is a pattern")
});

/// The line with placeholders.
pub fn pass(line: &str) -> String {
    let line = replace(line, DEPTH);
    let collapsed = RUNS.replace_all(&line, |run: &regex::Captures<'_>| {
        let run = &run[0];
        run[..=run.find('>').unwrap_or(run.len() - 1)].to_owned()
    });
    collapsed.trim().to_owned()
}

/// Cuts a title that is too long, between two characters and not within a placeholder.
pub fn shorten(title: String) -> String {
    let Some((mut end, _)) = title.char_indices().nth(TITLE_LENGTH) else { return title };
    // One character less, for the mark.
    end = title[..end].char_indices().next_back().map_or(0, |(at, _)| at);
    if let Some(open) = title[..end].rfind('<')
        && !title[open..end].contains('>')
    {
        end = if open == 0 { end } else { open };
    }
    title[..end].trim_end_matches(['…', ' ']).to_owned() + "…"
}

fn replace(line: &str, depth: usize) -> String {
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(letter) = line[at..].chars().next() {
        let (before, rest) = line.split_at(at);
        let is_start = !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        if is_start
            && let Some((length, replacement)) = quoted(before, rest, depth)
                .or_else(|| named(before, rest))
                .or_else(|| pattern(before, rest))
                .or_else(|| word(before, rest))
        {
            out.push_str(&replacement);
            at += length;
        } else {
            out.push(letter);
            at += letter.len_utf8();
        }
    }
    out
}

type Replaced<'a> = Option<(usize, Cow<'a, str>)>;

/// A quoted text: the value of something, unless it is itself a part of the message.
fn quoted<'a>(before: &str, rest: &'a str, depth: usize) -> Replaced<'a> {
    let open = rest.chars().next()?;
    let close = match open {
        '"' | '\'' | '`' => open,
        '“' => '”',
        '‘' => '’',
        '«' => '»',
        '„' => '“',
        _ => return None,
    };
    let first = open.len_utf8();
    let mut end = first;
    loop {
        end += rest[end..].find(close)?;
        let after = &rest[end + close.len_utf8()..];
        // Not an apostrophe, and not escaped.
        let is_apostrophe = close == '\'' && after.starts_with(char::is_alphanumeric);
        if !is_apostrophe && !rest[..end].ends_with('\\') {
            break;
        }
        end += close.len_utf8();
    }
    let (content, length) = (&rest[first..end], end + close.len_utf8());
    let after = rest[length..].trim_start();
    let start = before.trim_end();
    let is_identifier = content.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if after.starts_with(':') && start.ends_with(['{', ',']) && is_identifier {
        return Some((length, rest[..length].into()));
    }
    if is_telling(before, content) && depth > 0 {
        let content = replace(content, depth - 1);
        return Some((length, format!("{open}{content}{close}").into()));
    }
    Some((length, "<value>".into()))
}

fn is_telling(before: &str, content: &str) -> bool {
    let marks = before.trim_end();
    let words = content.split_whitespace().count();
    let is_value = marks.ends_with([':', '=']);
    if is_value && TELLING_KEYS.contains(&last_word(before).as_str()) {
        return true;
    }
    let starts_with_status = content.len() > 4
        && content.as_bytes()[..3].iter().all(u8::is_ascii_digit)
        && is_code("", &content[..3], &content[3..]);
    let is_file = NAME.find(content.rsplit(' ').next().unwrap_or_default()).is_some_and(|name| {
        PATTERNS.iter().any(|(pattern, action)| {
            *action == Action::Replace("<path>")
                && pattern.find(name.as_str()).is_some_and(|found| found.len() == name.len())
        })
    });
    starts_with_status
        || ERROR_NAME.is_match(content)
        || (words >= SENTENCE && !is_file)
        || (words >= 3 && before.ends_with('('))
}

/// An unquoted name after a noun: `permission denied for table contacts`.
fn named<'a>(before: &str, rest: &'a str) -> Replaced<'a> {
    if !before.ends_with(' ') {
        return None;
    }
    let mut words = before.trim_end().rsplit(' ');
    let noun = words.next()?.to_lowercase();
    if BEFORE_HOST.contains(&noun.trim_end_matches(':')) && !rest.starts_with(['<', '[', ':']) {
        let end = rest.find([' ', ':', ',', ')']).unwrap_or(rest.len());
        let is_name = rest[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        let port = rest[end..].strip_prefix(':').map_or(0, |port| {
            let digits = port.len() - port.trim_start_matches(|d: char| d.is_ascii_digit()).len();
            if digits > 0 { digits + 1 } else { 0 }
        });
        return (end > 0 && is_name).then(|| (end + port, "<host>".into()));
    }
    if !NAMED.contains(&noun.as_str()) {
        return None;
    }
    let name = NAME.find(rest)?.as_str();
    let is_name = (name.contains(['_', '.', '$']) || name.bytes().any(|b| b.is_ascii_digit()))
        && name.contains(char::is_alphabetic);
    let is_after = matches!(words.next(), Some("for" | "of" | "by"));
    (is_name || is_after).then(|| (name.len(), "<value>".into()))
}

fn pattern<'a>(before: &str, rest: &'a str) -> Replaced<'a> {
    let is_root = before.ends_with(' ') && (rest == "/" || rest.starts_with("/ "));
    if is_root {
        return Some((1, "<path>".into()));
    }
    for (pattern, action) in PATTERNS.iter() {
        let Some(found) = pattern.find(rest) else { continue };
        let text = found.as_str();
        let (length, after) = (text.len(), &rest[text.len()..]);
        let replacement = match action {
            Action::Keep => text.into(),
            // The package of a class is no host: `java.net.ConnectException`.
            Action::Replace("<host>") if is_qualifier(after) => continue,
            Action::Replace(placeholder) => Cow::Borrowed(*placeholder),
            Action::ReplaceRandom => {
                let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
                if !(has(u8::is_ascii_digit)
                    && has(u8::is_ascii_uppercase)
                    && has(u8::is_ascii_lowercase))
                {
                    continue;
                }
                "<id>".into()
            }
            Action::Address => {
                let inner = text.trim_start_matches('[');
                let inner = inner.split([']', '%']).next().unwrap_or_default();
                let is_address =
                    inner.bytes().any(|b| b.is_ascii_digit()) && inner.parse::<Ipv6Addr>().is_ok();
                if !is_address || after.starts_with(char::is_alphanumeric) {
                    continue;
                }
                "<host>".into()
            }
            Action::Hexadecimal if is_windows_code(&text[2..]) => text.into(),
            Action::Number if is_code(before, text, after) => text.into(),
            Action::Hexadecimal | Action::Number => "<number>".into(),
        };
        return Some((length, replacement));
    }
    None
}

/// Whether a name goes on here.
fn is_qualifier(after: &str) -> bool {
    after.strip_prefix('.').is_some_and(|rest| rest.starts_with(char::is_alphabetic))
}

/// A word: as it is if it has no digits or is an error code; otherwise its digits are replaced.
fn word<'a>(before: &str, rest: &'a str) -> Replaced<'a> {
    let text = WORD.find(rest)?.as_str();
    let has_digit = |part: &str| part.chars().any(char::is_numeric);
    if !has_digit(text) || is_code_word(before, text, &rest[text.len()..]) {
        return Some((text.len(), text.into()));
    }
    if let Some((letters, digits)) = text.split_once('-')
        && letters.len() > 1
        && letters.bytes().all(|b| b.is_ascii_uppercase())
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        // The number of a ticket.
        return Some((text.len(), "<id>".into()));
    }
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(['-', '.', '_']) {
        let bare = part.trim_end_matches(['-', '.', '_']);
        let separator = &part[bare.len()..];
        let is_hexadecimal = bare.bytes().all(|b| b.is_ascii_hexdigit());
        if !has_digit(bare) || TERMS.contains(&bare.to_lowercase().as_str()) {
            out.push_str(bare);
        } else if let Some(version) = bare.strip_prefix('v')
            && version.bytes().all(|b| b.is_ascii_hexdigit())
        {
            out.push_str("<number>");
        } else if (is_hexadecimal && bare.len() >= 8)
            || (bare.len() >= 12 && bare.chars().any(char::is_alphabetic))
        {
            out.push_str("<id>");
        } else {
            push_without_digits(&mut out, bare);
        }
        out.push_str(separator);
    }
    Some((text.len(), out.into()))
}

fn push_without_digits(out: &mut String, text: &str) {
    let mut was_digit = false;
    for letter in text.chars() {
        let is_digit = letter.is_numeric();
        match (is_digit, was_digit) {
            (true, false) => out.push_str("<number>"),
            (true, true) => {}
            (false, _) => out.push(letter),
        }
        was_digit = is_digit;
    }
}
