//! The documents that are generated from the sources or have to agree with them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use crate::support::agent_jobs;
use crate::support::source::{is_cfg_test, item_end, rust_files};

#[test]
fn generated_documents_are_what_the_program_prints() {
    for (name, document) in [
        ("configuration", include_str!("../docs/configuration.md")),
        ("errors", include_str!("../docs/errors.md")),
    ] {
        let printed = agent_jobs(&["reference", name], b"").ok().stdout;
        assert!(printed == document, "docs/{name}.md is out of date; `make generated` rewrites it");
    }
}

/// The documents that name options of this program alone.
const MANUAL: [(&str, &str); 5] = [
    ("agents.md", include_str!("../docs/agents.md")),
    ("errors.md", include_str!("../docs/errors.md")),
    ("frontends.md", include_str!("../docs/frontends.md")),
    ("operating.md", include_str!("../docs/operating.md")),
    ("tables.md", include_str!("../docs/tables.md")),
];

#[test]
fn options_that_the_manual_names_exist() {
    let options = options_in(include_str!("../docs/configuration.md"));
    assert!(options.contains("--listen"), "{options:?}");
    for (name, document) in MANUAL {
        let unknown: Vec<_> = options_in(document).difference(&options).cloned().collect();
        assert!(unknown.is_empty(), "docs/{name} names {unknown:?}");
    }
}

fn options_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    text.split(|c| !is_part(c))
        .filter(|word| word.starts_with("--") && word.len() > 3 && !word.starts_with("---"))
        .map(|word| word.trim_end_matches('-').to_owned())
        .collect()
}

/// Folders and files whose texts no client of the API gets as a code.
const WITHOUT_CODES: [&str; 12] = [
    "crates/simulate",
    "crates/synth",
    "crates/terminal",
    // Codes of other systems.
    "crates/fingerprint",
    "entity",
    "migration",
    "src/cli",
    "src/db",
    "src/jobs",
    "src/limits.rs",
    "src/telemetry.rs",
    "src/transfer",
];

/// Texts in capitals elsewhere that are no codes.
const OTHER_TEXTS: [&str; 5] = ["API", "CREATED_DATE", "DENY", "UNKNOWN", "UUID"];

#[test]
fn each_error_code_of_the_source_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().expect("a manifest");
    let members = manifest["workspace"]["members"].as_array().expect("a list");
    let mut codes = BTreeSet::new();
    for member in members.iter().filter_map(toml::Value::as_str) {
        for file in rust_files(&root.join(member.trim_start_matches('.')).join("src")) {
            let place = file.strip_prefix(root).expect("in the workspace");
            if WITHOUT_CODES.iter().any(|other| place.starts_with(other)) {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a source file");
            texts_in_capitals(text.parse().expect("Rust"), &mut codes);
        }
    }
    codes.retain(|code| !OTHER_TEXTS.contains(&code.as_str()));
    let documented = sections(|title| !["Refusals", "WebSocket close codes"].contains(&title));
    agree(&documented, &codes);
}

/// Compares the codes that docs/errors.md has with those that there are.
#[track_caller]
fn agree(documented: &BTreeSet<String>, codes: &BTreeSet<String>) {
    assert!(codes.len() > 5, "{codes:?}");
    let missing: Vec<_> = codes.difference(documented).collect();
    assert!(missing.is_empty(), "docs/errors.md does not have {missing:?}");
    let stale: Vec<_> = documented.difference(codes).collect();
    assert!(stale.is_empty(), "docs/errors.md has codes that there are not: {stale:?}");
}

/// The codes in the tables of these sections of docs/errors.md.
fn sections(is_wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let document = include_str!("../docs/errors.md");
    let sections = document.split("\n## ").skip(1);
    sections
        .filter(|section| is_wanted(section.lines().next().unwrap_or_default()))
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .map(|cell| cell.trim_matches('`').to_owned())
        .filter(|cell| cell != "code" && cell != "---")
        .collect()
}

/// Collects texts such as `NOT_FOUND` from code, without its tests and attributes.
fn texts_in_capitals(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                // `#![...]`, too.
                let inner = matches!(tokens.get(at), Some(TokenTree::Punct(_)));
                at += usize::from(inner);
                let is_test = is_cfg_test(tokens.get(at));
                at = if is_test { item_end(&tokens, at + 1) } else { at + 1 };
            }
            TokenTree::Ident(name) if name == "env" => at += 2,
            TokenTree::Group(group) => texts_in_capitals(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let text = text.trim_matches('"');
                let is_code = text.len() > 2
                    && text.starts_with(|c: char| c.is_ascii_uppercase())
                    && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
                if is_code && literal.to_string().starts_with('"') {
                    found.insert(text.to_owned());
                }
            }
            TokenTree::Punct(_) | TokenTree::Ident(_) => {}
        }
    }
}

#[test]
fn texts_of_tests_and_attributes_are_no_codes() {
    let mut found = BTreeSet::new();
    let text = "#[arg(env = \"A_NAME\")]\nfn f() { refusal(\"A_CODE\", env!(\"CARGO_NAME\")) }\n\
                // \"A_COMMENT\"\n#[cfg(test)]\nmod tests { const A: &str = \"A_TEST\"; }\n\
                const B: &str = \"B_CODE\";";
    texts_in_capitals(text.parse().expect("Rust"), &mut found);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["A_CODE", "B_CODE"]);
}
