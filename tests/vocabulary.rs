//! The vocabulary: words that the project does not use, in code, comments, documents and the UI.

use std::fs;
use std::path::{Path, PathBuf};

/// Words and phrases that are not used, whatever their case, and what to write.
const PROSE: [(&[&str], &str); 15] = [
    (&["whoever", "those who"], "a noun: the client, the principal, subscribers"),
    (&["nobody", "somebody", "anybody"], "a noun: no client, a user, an agent"),
    (&["of which"], "two sentences, or `whose`"),
    (&["heard of"], "received, detected, or a heartbeat"),
    (&["is over", "are over", "was over", "were over", "been over"], "finished, expired, passed"),
    (&["held back", "in its turn", "goes last"], "queued, delayed, rate limited"),
    (&["put aside"], "rejected"),
    (&["taken for lost", "judge", "judges", "sweep"], "the lease expired, the lease reaper"),
    (&["patience"], "a lease policy, a timeout, a limit"),
    (&["desk", "seat", "seats"], "unit of work, subscriber"),
    (&["upkeep"], "maintenance"),
    (&["settle", "settles", "make_unknown"], "reconcile, insert placeholders"),
    (&["picture", "pictures"], "view, snapshot"),
    (&["viewer", "viewers"], "principal"),
    (&["seed", "seeds"], "the platform, external_name"),
];

/// Names that are not used in code, and what to write.
const NAMES: [(&str, &str); 23] = [
    ("Beat", "Heartbeat"),
    ("Caller", "Principal"),
    ("Departure", "Removal or RemovedJob"),
    ("Denied", "ApiError"),
    ("Departures", "removed jobs"),
    ("Desk", "UnitOfWork"),
    ("JobDeparture", "RemovedJob"),
    ("Kept", "Tracked"),
    ("Known", "TokenCache"),
    ("Lane", "Worker"),
    ("Lose", "Expire or LeaseExpired"),
    ("News", "Change or ConnectionEvent"),
    ("NOT_OVER", "NOT_FINISHED"),
    ("OVER", "ALREADY_FINISHED"),
    ("Patience", "LeasePolicy"),
    ("Stretch", "KeysetRange"),
    ("Survey", "DocumentStats"),
    ("Ticket", "SessionCookie"),
    ("is_over", "has_expired or is_finished"),
    ("lost_after", "lease"),
    ("max_client_values", "max_client_cost"),
    ("tell_one", "submit_one"),
    ("Viewer", "Principal"),
];

/// Places where a word is right: the word, a part of the path, and a part of the line.
const ALLOWED: [(&str, &str, &str); 29] = [
    // The changelog names what was renamed.
    ("viewer", "CHANGELOG.md", "the query `viewer` is `principal`"),
    ("Viewer", "CHANGELOG.md", "the query `viewer` is `principal`"),
    ("JobDeparture", "CHANGELOG.md", "is `RemovedJob`"),
    ("OVER", "CHANGELOG.md", "`OVER` is `ALREADY_FINISHED`"),
    ("NOT_OVER", "CHANGELOG.md", "`NOT_OVER` is `NOT_FINISHED`"),
    // The role.
    ("viewer", "", "Role::Viewer"),
    ("Viewer", "", "Role::Viewer"),
    ("viewer", "", "role"),
    ("viewer", "", "VIEWER"),
    ("viewer", "src/access/principal.rs", "Self::Viewer"),
    ("Viewer", "src/access/principal.rs", "Self::Viewer"),
    ("viewer", "src/access/principal.rs", "    Viewer,"),
    ("Viewer", "src/access/principal.rs", "    Viewer,"),
    ("viewer", "docs/operating.md", "| viewer | yes |"),
    ("viewer", "tests/access_issuer.rs", "issuer.claims(\"viewer\")"),
    ("viewer", "web/tests/", "^viewer, until"),
    ("viewer", "web/tests/", "a viewer sees who is signed in"),
    // The HTML element.
    ("picture", "", "<picture>"),
    ("picture", "", "</picture>"),
    // The window function of SQL.
    ("OVER", "migration/", "row_number() OVER ("),
    // A bar in the timeline of a job.
    ("Lane", "web/src/dashboard/job/timeline.tsx", "Lane"),
    // The Unix user.
    ("nobody", "tests/postgres_connections.rs", "user = nobody"),
    // Seeds of random numbers.
    ("seed", "synth/", ""),
    ("seed", "simulate/", ""),
    ("seed", "src/cli", ""),
    ("seed", "src/transfer/source_tests.rs", ""),
    ("seed", "tests/live_truth.rs", ""),
    ("seed", "docs/configuration.md", "--seed"),
    ("seed", "tests/support/property.rs", ""),
];

/// What is read, relative to the repository.
const ROOTS: [&str; 14] = [
    "src",
    "entity",
    "migration",
    "crates",
    "tests",
    "benches",
    "docs",
    "web/src",
    "web/tests",
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "schema.graphql",
];

const EXTENSIONS: [&str; 12] =
    ["rs", "md", "graphql", "ts", "tsx", "js", "mjs", "css", "html", "toml", "sql", "json"];

#[test]
fn retired_words_do_not_come_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for path in ROOTS {
        collect(&root.join(path), &mut files);
    }
    assert!(files.len() > 200, "only {} files were found", files.len());
    let mut problems = Vec::new();
    for file in files {
        let path = file.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
        // This file has all of them, and the other is generated from the schema.
        if path == "tests/vocabulary.rs" || path.ends_with("graphql-env.d.ts") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a text file");
        for (number, line) in (1..).zip(text.lines()) {
            let found = retired(line).filter(|(word, _)| !is_allowed(word, &path, line));
            problems.extend(
                found.map(|(word, write)| format!("{path}:{number}: \"{word}\"; write {write}")),
            );
        }
    }
    assert!(problems.is_empty(), "retired words:\n{}", problems.join("\n"));
}

/// The files with text below a path.
fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            collect(&entry.expect("an entry").path(), files);
        }
    } else if path.extension().is_some_and(|x| EXTENSIONS.iter().any(|extension| x == *extension)) {
        files.push(path.to_owned());
    }
}

/// The retired words of a line, with what to write.
fn retired(line: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lower = line.to_lowercase();
    let prose = PROSE.iter().flat_map(|(words, write)| words.iter().map(|word| (*word, *write)));
    let prose: Vec<_> = prose.filter(|(word, _)| has_word(&lower, word)).collect();
    let names = NAMES.iter().copied().filter(|(name, _)| has_word(line, name));
    let names: Vec<_> = names.collect();
    prose.into_iter().chain(names)
}

/// Whether a text has a word that is not a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn is_allowed(word: &str, path: &str, line: &str) -> bool {
    let stem = word.strip_suffix('s').unwrap_or(word);
    ALLOWED.iter().any(|(allowed, folder, part)| {
        (*allowed == word || *allowed == stem) && path.contains(folder) && line.contains(part)
    })
}

#[test]
fn words_are_found_whole_and_in_any_case() {
    let found = |line: &str| retired(line).map(|(word, _)| word).collect::<Vec<_>>();
    assert_eq!(found("/// Whoever asks, and those who watch."), ["whoever", "those who"]);
    assert_eq!(found("let policy: Patience = patience();"), ["patience", "Patience"]);
    assert_eq!(found("handle.run_upkeep(); recovery"), [""; 0]);
    assert_eq!(found("a code OVER, an overlay"), ["OVER"]);
}

#[test]
fn each_allowance_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for path in ROOTS {
        collect(&root.join(path), &mut files);
    }
    for allowance in ALLOWED {
        let (word, folder, part) = allowance;
        let is_used = files.iter().any(|file| {
            let path = file.strip_prefix(root).expect("below the root").to_string_lossy();
            path != "tests/vocabulary.rs"
                && path.contains(folder)
                && fs::read_to_string(file).expect("a text file").lines().any(|line| {
                    line.contains(part)
                        && (has_word(line, word) || has_word(&line.to_lowercase(), word))
                })
        });
        assert!(is_used, "not used any more: {allowance:?}");
    }
}
