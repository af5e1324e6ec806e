//! The imports between the files of a module or crate: they make no circle. An import of a name that
//! another file re-exports is one of the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::support::source::{is_cfg_test, item_end, rust_files};

/// Files that may refer to each other: the types of the schema do, as a job has runs and a run its job.
const MUTUAL: &str = "graphql/object/";

/// A module, by the names from the crate's root on.
type Module = Vec<String>;

#[test]
fn files_of_a_module_import_each_other_in_one_direction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut problems = Vec::new();
    let mut count = 0;
    for folder in source_folders(root) {
        let sources = Sources::read(&folder);
        let imports = sources.imports();
        count += imports.values().map(BTreeSet::len).sum::<usize>();
        problems.extend(circle(&imports).map(|circle| {
            let circle: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
            format!("{}: {}", folder.display(), circle.join(" -> "))
        }));
    }
    // Reading nothing would find no circle either.
    assert!(count > 200, "only {count} imports were found");
    assert!(problems.is_empty(), "files import each other in a circle:\n{}", problems.join("\n"));
}

/// The sources of the program and of the other crates.
fn source_folders(root: &Path) -> Vec<std::path::PathBuf> {
    let crates = fs::read_dir(root.join("crates")).expect("a folder");
    let crates = crates.map(|entry| entry.expect("an entry").path().join("src"));
    ["src", "entity/src", "migration/src"]
        .map(|path| root.join(path))
        .into_iter()
        .chain(crates)
        .collect()
}

/// A path in a file, with whether it re-exports a name.
struct Used {
    path: Vec<String>,
    is_reexport: bool,
}

/// The files of a crate.
#[derive(Default)]
struct Sources {
    uses: BTreeMap<Module, Vec<Used>>,
}

impl Sources {
    fn read(folder: &Path) -> Self {
        let mut sources = Self::default();
        for path in rust_files(folder) {
            let inner = path.strip_prefix(folder).expect("below the folder").with_extension("");
            let mut module: Module =
                inner.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
                module.pop();
            }
            let text = fs::read_to_string(&path).expect("a source file");
            sources.insert(module, &text);
        }
        sources
    }

    fn insert(&mut self, module: Module, text: &str) {
        let tokens: TokenStream = text.parse().expect("Rust");
        let mut uses = Vec::new();
        read(tokens, 0, &mut uses);
        self.uses.insert(module, uses);
    }

    /// The files that each file imports from, of the same module of the crate's root.
    fn imports(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        let is_program = self.uses.contains_key(&vec!["cli".to_owned()]);
        let mut imports = BTreeMap::new();
        for (module, uses) in &self.uses {
            let used = uses.iter().filter(|used| !used.is_reexport);
            let targets = used.filter_map(|used| self.resolve(module, &used.path, 0));
            // Imports between the modules of the program are those of the table of layers.
            let targets = targets.filter(|target| {
                *target != module && (!is_program || target.first() == module.first())
            });
            let is_mutual = |module: &Module| format!("{}/", module.join("/")).starts_with(MUTUAL);
            let targets = targets.filter(|target| !(is_mutual(module) && is_mutual(target)));
            imports.insert(module, targets.collect());
        }
        imports
    }

    /// The file that defines what a path in a module leads to; `None` outside of the crate.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<&Module> {
        let mut module = from.clone();
        let mut path = path;
        match path.first().map(String::as_str)? {
            "crate" => {
                module.clear();
                path = &path[1..];
            }
            "self" => path = &path[1..],
            "super" => {
                while path.first().is_some_and(|part| part == "super") {
                    module.pop()?;
                    path = &path[1..];
                }
            }
            name => {
                let mut child = module.clone();
                child.push(name.to_owned());
                self.uses.get(&child)?;
            }
        }
        while let [next, rest @ ..] = path {
            let mut child = module.clone();
            child.push(next.clone());
            if !self.uses.contains_key(&child) {
                break;
            }
            (module, path) = (child, rest);
        }
        let (module, uses) = self.uses.get_key_value(&module)?;
        // A name that the file re-exports.
        if let Some(name) = path.first()
            && depth < 5
        {
            let reexport = uses.iter().find(|used| {
                used.is_reexport && used.path.last() == Some(name) && used.path.len() > 1
            });
            if let Some(reexport) = reexport {
                return self.resolve(module, &reexport.path, depth + 1);
            }
        }
        Some(module)
    }
}

/// Reads the paths of code that is within so many modules of the file.
fn read(tokens: TokenStream, depth: usize, uses: &mut Vec<Used>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_punct(tokens.get(at), '#') && is_cfg_test(tokens.get(at + 1)) {
            at = item_end(&tokens, at + 2);
            continue;
        }
        match &tokens[at] {
            TokenTree::Ident(word) if word == "use" => {
                let end = item_end_of_use(&tokens, at);
                let mut paths = Vec::new();
                read_tree(&tokens[at + 1..end], &[], &mut paths);
                let is_reexport = is_public(&tokens[..at]);
                uses.extend(paths.into_iter().filter_map(|path| {
                    within_file(path, depth).map(|path| Used { path, is_reexport })
                }));
                at = end + 1;
            }
            TokenTree::Ident(_) => {
                let (path, next) = read_path(&tokens, at);
                if path.len() > 1 {
                    uses.extend(
                        within_file(path, depth).map(|path| Used { path, is_reexport: false }),
                    );
                }
                at = next;
            }
            TokenTree::Group(group) => {
                let is_module =
                    at >= 2 && matches!(&tokens[at - 2], TokenTree::Ident(word) if word == "mod");
                read(group.stream(), depth + usize::from(is_module), uses);
                at += 1;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => at += 1,
        }
    }
}

/// A path as the file itself would write it; `None` if it stays in a module within the file.
fn within_file(path: Vec<String>, depth: usize) -> Option<Vec<String>> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    if depth == 0 || path.first().is_some_and(|part| part == "crate") {
        return Some(path);
    }
    (ups > depth).then(|| path[depth..].to_vec())
}

/// Whether an item with these tokens before it is public: after `pub` or `pub(...)`.
fn is_public(before: &[TokenTree]) -> bool {
    let is_pub = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word == "pub");
    match before {
        [.., last] if is_pub(last) => true,
        [.., last, TokenTree::Group(group)] => {
            group.delimiter() == Delimiter::Parenthesis && is_pub(last)
        }
        _ => false,
    }
}

/// The semicolon that ends an import.
fn item_end_of_use(tokens: &[TokenTree], from: usize) -> usize {
    let end = tokens[from..].iter().position(|token| is_punct(Some(token), ';'));
    end.map_or(tokens.len(), |end| from + end)
}

/// Reads the paths of an import.
fn read_tree(tokens: &[TokenTree], prefix: &[String], paths: &mut Vec<Vec<String>>) {
    let mut path = prefix.to_vec();
    let mut is_renamed = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if word == "as" => is_renamed = true,
            TokenTree::Ident(word) if !is_renamed => path.push(word.to_string()),
            TokenTree::Group(group) => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                for part in inner.split(|token| is_punct(Some(token), ',')) {
                    read_tree(part, &path, paths);
                }
                return;
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".to_owned()),
            _ => {}
        }
    }
    if path.len() > prefix.len() {
        // `a::{self}` is `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        paths.push(path);
    }
}

/// Reads the path that begins at a name, and returns where it ends.
fn read_path(tokens: &[TokenTree], from: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut at = from;
    // A path that goes on from another token is the end of one that has been read.
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        path.push(word.to_string());
        at += 1;
        if !(is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')) {
            break;
        }
        at += 2;
    }
    (path, at.max(from + 1))
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// A circle of imports, which begins and ends with the same file.
fn circle(imports: &BTreeMap<&Module, BTreeSet<&Module>>) -> Option<Vec<Module>> {
    fn visit(
        imports: &BTreeMap<&Module, BTreeSet<&Module>>,
        module: &Module,
        way: &mut Vec<Module>,
        done: &mut BTreeSet<Module>,
    ) -> Option<Vec<Module>> {
        if let Some(start) = way.iter().position(|each| each == module) {
            return Some(way[start..].iter().chain([module]).cloned().collect());
        }
        if !done.insert(module.clone()) {
            return None;
        }
        way.push(module.clone());
        let found = imports.get(module)?.iter().find_map(|used| visit(imports, used, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| visit(imports, module, &mut Vec::new(), &mut done))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Option<String> {
        let mut sources = Sources::default();
        for (module, text) in files {
            let module = module.split("::").filter(|part| !part.is_empty());
            sources.insert(module.map(str::to_owned).collect(), text);
        }
        let circle = circle(&sources.imports())?;
        Some(circle.iter().map(|module| module.join("::")).collect::<Vec<_>>().join(" -> "))
    }

    #[test]
    fn a_circle_is_found_however_it_is_written() {
        for (a, b) in [
            ("use super::b::B;", "use crate::a::A;"),
            ("fn f() { super::b::g() }", "use super::{a, c};"),
            ("use super::b::{self, B as C};", "fn f(a: &crate::a::A) {}"),
            ("mod inner { use super::super::b::B; }", "use super::a::*;"),
        ] {
            let circle = found(&[("", "mod a; mod b; mod c;"), ("a", a), ("b", b), ("c", "")]);
            assert_eq!(circle.as_deref(), Some("a -> b -> a"), "{a} {b}");
        }
        let parent = found(&[("", "mod a; use a::A; fn help() {}"), ("a", "use super::help;")]);
        assert_eq!(parent.as_deref(), Some(" -> a -> "));
    }

    #[test]
    fn what_makes_no_circle_is_allowed() {
        for (root, a, b) in [
            ("mod a; mod b;", "use super::b::B;", "use std::fmt;"),
            ("mod a; mod b; pub use a::A;", "use super::b::B;", ""),
            // A re-export is not a use of the file that has it.
            ("mod a; mod b; pub use a::A; pub use b::B;", "use super::B;", ""),
            (
                "mod a; mod b;",
                "use super::b::B;",
                "#[cfg(test)] mod tests { use super::super::a::A; }",
            ),
            (
                "mod a; mod b;",
                "use super::b::B;",
                "// use super::a::A;\nconst S: &str = \"super::a::A\";",
            ),
        ] {
            assert_eq!(found(&[("", root), ("a", a), ("b", b)]), None, "{root} {a} {b}");
        }
    }
}
