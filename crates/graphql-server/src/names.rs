//! Names as people spell them.

/// A name in the form in which `createdAfter`, `CreatedAfter` and `created_after` are the same.
pub fn folded(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The known name that is closest to a misspelled one.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = folded(name);
    known
        .map(|known| (strsim::jaro_winkler(&name, &folded(known)), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_if_there_is_one() {
        let known = ["page", "take", "state", "createdAfter", "createdBefore"];
        for (name, expected) in [
            ("Stat", Some("state")),
            ("status", Some("state")),
            ("created-after", Some("createdAfter")),
            ("createdBfore", Some("createdBefore")),
            ("foo", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        }
        assert_eq!(nearest("state", [].into_iter()), None);
    }
}
