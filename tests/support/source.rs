//! The project's own sources, as tokens: without comments, and with texts as single tokens.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenTree};

/// The folders and Rust files in a folder.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_source = |path: &PathBuf| path.is_dir() || path.extension().is_some_and(|x| x == "rs");
    paths.filter(is_source).collect()
}

/// The Rust files below a folder.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let files = entries(folder)
        .into_iter()
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.collect()
}

/// Whether it is the group of `#[cfg(test)]`.
pub fn is_cfg_test(token: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(group)) = token else { return false };
    let tokens: Vec<_> = group.stream().into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(cfg), TokenTree::Group(inner)] => {
            cfg == "cfg" && inner.stream().to_string() == "test"
        }
        _ => false,
    }
}

/// Where the item that begins at `from` ends.
pub fn item_end(tokens: &[TokenTree], from: usize) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    };
    let last = tokens[from..].iter().position(is_end);
    last.map_or(tokens.len(), |last| from + last + 1)
}
