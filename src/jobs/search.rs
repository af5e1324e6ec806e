//! Whether a text contains another, in upper or lower case, by Unicode's simple case folding.
//!
//! LIKE and ILIKE fold ASCII only (the columns' collation is "C" on PostgreSQL), so a text with
//! other letters is searched for by a pattern that lists the cases of each letter: `[öÖ]`. That means
//! the same on both databases, whatever their locale.

use std::collections::HashMap;
use std::sync::LazyLock;

use uuid::Uuid;

use crate::db::Sql;

/// Adds a condition: `column` contains `text`.
pub(super) fn push_contains(sql: &mut Sql, column: &str, text: &str) {
    sql.push(column);
    if text.is_ascii() {
        sql.push_either(" LIKE ", " ILIKE ").bind(like_pattern(text)).push(" ESCAPE '\\'");
    } else if sql.is_postgres() {
        sql.push(" ~ ").bind(regular_expression(text));
    } else {
        sql.push(" GLOB ").bind(glob_pattern(text));
    }
}

/// Adds the condition that a job's name contains `text` or its id begins with it.
pub(super) fn push_search(sql: &mut Sql, text: &str) {
    sql.push("(");
    push_contains(sql, "name", text);
    if let Some((first, last)) = id_range(text) {
        sql.push(" OR id BETWEEN ").bind(first).push(" AND ").bind(last);
    }
    sql.push(")");
}

/// The first and the last id that begin with `text`, if it is the beginning of one.
pub(super) fn id_range(text: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let fill = |digit: &str| {
        let rest = digit.repeat(32 - digits.len());
        Uuid::parse_str(&(digits.clone() + &rest)).ok()
    };
    Some((fill("0")?, fill("f")?))
}

fn like_pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "%"
}

fn glob_pattern(text: &str) -> String {
    let mut pattern = "*".to_owned();
    for letter in text.chars() {
        match cases(letter) {
            [] if matches!(letter, '*' | '?' | '[') => pattern.extend(['[', letter, ']']),
            [] => pattern.push(letter),
            cases => push_class(&mut pattern, cases),
        }
    }
    pattern + "*"
}

/// PostgreSQL's advanced regular expression (its manual, section 9.7.3).
fn regular_expression(text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        match cases(letter) {
            [] if letter.is_ascii_punctuation() => pattern.extend(['\\', letter]),
            [] => pattern.push(letter),
            cases => push_class(&mut pattern, cases),
        }
    }
    pattern
}

fn push_class(pattern: &mut String, cases: &[char]) {
    pattern.push('[');
    pattern.extend(cases);
    pattern.push(']');
}

/// The letters that are the same but for their case, this one included; none if it is alone.
fn cases(letter: char) -> &'static [char] {
    /// All letters that have cases are in Unicode's first two planes.
    const END: char = '\u{20000}';
    static CASES: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
        let mut cases = HashMap::<char, Vec<char>>::new();
        for letter in '\0'..END {
            let folded = fold(letter);
            // Nearly all letters have no other case.
            if folded != letter {
                cases.entry(folded).or_insert_with(|| vec![folded]).push(letter);
            }
        }
        cases
    });
    CASES.get(&fold(letter)).map_or(&[], Vec::as_slice)
}

/// Brings a letter into the form that all its cases have in common. ASCII letters are only each
/// other's cases, as for LIKE: the Kelvin sign is no `k` and the dotless `ı` no `i`.
pub fn fold(letter: char) -> char {
    let single = |mut letters: Box<dyn Iterator<Item = char>>, otherwise: char| {
        letters.next().filter(|_| letters.next().is_none()).unwrap_or(otherwise)
    };
    let upper = single(Box::new(letter.to_uppercase()), letter);
    let folded = single(Box::new(upper.to_lowercase()), upper);
    if letter.is_ascii() == folded.is_ascii() { folded } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_the_cases_of_unicode() {
        let sorted = |letter| {
            let mut cases = cases(letter).to_vec();
            cases.sort_unstable();
            String::from_iter(cases)
        };
        for (letters, expected) in [
            ("aA", "Aa"),
            ("öÖ", "Öö"),
            ("ßẞ", "ßẞ"),
            ("жЖ", "Жж"),
            ("σςΣ", "Σςσ"),
            ("ǆǅǄ", "Ǆǅǆ"),
            ("iI", "Ii"),
            ("kK", "Kk"),
            // Alone: dotless and dotted i, the Kelvin sign, the long s, a digit and an ideograph.
            ("ıİ\u{212a}ſ1漢", ""),
            ("𐐨𐐀", "𐐀𐐨"),
        ] {
            for letter in letters.chars() {
                assert_eq!(sorted(letter), expected, "{letter}");
            }
        }
    }

    #[test]
    fn patterns_take_signs_literally() {
        assert_eq!(like_pattern(r"50%_\a"), r"%50\%\_\\a%");
        assert_eq!(glob_pattern("ö*?[]-^"), "*[öÖ][*][?][[]]-^*");
        assert_eq!(regular_expression("ö.(1"), r"[öÖ]\.\(1");
    }

    #[test]
    fn an_id_prefix_is_a_range_of_ids() {
        let (first, last) = id_range("018f-a").unwrap();
        assert_eq!(first.to_string(), "018fa000-0000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "018fafff-ffff-ffff-ffff-ffffffffffff");
        let whole = "018fa000-0000-7000-8000-0000000000aa";
        assert_eq!(id_range(whole), Some((whole.parse().unwrap(), whole.parse().unwrap())));
        for text in ["", "hubspot", "018g", "-", &"0".repeat(33)] {
            assert_eq!(id_range(text), None, "{text:?}");
        }
    }
}
