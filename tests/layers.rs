//! The imports between the modules of `src/` and the crates of the workspace: what the table of
//! layers in ARCHITECTURE.md allows, and no circles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Group, TokenStream, TokenTree};

use crate::support::source::{self, entries, is_cfg_test, rust_files};

/// Imports: who uses what, with a file where it does.
type Imports = BTreeMap<(String, String), String>;

#[test]
fn imports_are_those_that_the_architecture_allows() {
    let table = Table::read(include_str!("../ARCHITECTURE.md"));
    let workspace = Workspace::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    let problems = table.problems(&workspace.parts(), &workspace.imports());
    assert!(problems.is_empty(), "ARCHITECTURE.md, \"Layers\":\n{}", problems.join("\n"));
}

#[test]
fn imports_make_no_circle() {
    let workspace = Workspace::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    let imports = workspace.imports();
    // Reading nothing would find no circle either.
    assert!(imports.contains_key(&("jobs".to_owned(), "db".to_owned())), "{imports:?}");
    if let Some(circle) = circle(&imports) {
        let steps = circle.windows(2).map(|pair| {
            let arrow = (pair[0].clone(), pair[1].clone());
            format!("  {} uses {} in {}", arrow.0, arrow.1, imports[&arrow])
        });
        panic!("these modules import each other:\n{}", steps.collect::<Vec<_>>().join("\n"));
    }
}

/// The crates of the workspace and the modules of the program.
struct Workspace {
    root: PathBuf,
    /// The program's modules, each a file or a folder of `src/`.
    modules: BTreeSet<String>,
    /// The other crates, by the names that code has for them, with their folders.
    crates: BTreeMap<String, PathBuf>,
}

impl Workspace {
    fn read(root: &Path) -> Self {
        let manifest = |folder: &Path| -> toml::Table {
            let path = folder.join("Cargo.toml");
            let text = fs::read_to_string(&path).expect("a manifest");
            text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let members = manifest(root)["workspace"]["members"].as_array().cloned();
        let crates = members
            .expect("a list of members")
            .iter()
            .filter_map(toml::Value::as_str)
            .filter(|member| *member != ".")
            .map(|member| {
                let folder = root.join(member);
                let name = manifest(&folder)["package"]["name"].as_str().map(str::to_owned);
                (name.expect("a name").replace('-', "_"), folder)
            })
            .collect();
        let modules = entries(&root.join("src"))
            .into_iter()
            .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
            .filter(|name| !["lib", "main"].contains(&name.as_str()))
            .collect();
        Self { root: root.to_owned(), modules, crates }
    }

    fn parts(&self) -> BTreeSet<String> {
        self.modules.iter().chain(self.crates.keys()).cloned().collect()
    }

    fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        let folders = [(None, self.root.join("src"))]
            .into_iter()
            .chain(self.crates.iter().map(|(name, path)| (Some(name), path.join("src"))));
        for (name, folder) in folders {
            let mut files = Vec::new();
            let mut of_tests = BTreeSet::new();
            for path in rust_files(&folder) {
                let text = fs::read_to_string(&path).expect("a source file");
                let uses = Uses::of(&text);
                let parent = module_folder(&path);
                of_tests.extend(uses.test_files.iter().map(|file| parent.join(file)));
                files.push((path, uses));
            }
            for (path, uses) in files {
                let is_test = of_tests.iter().any(|file| {
                    path == file.with_extension("rs") || path.starts_with(file.with_extension(""))
                });
                let module = name.cloned().or_else(|| self.module_of(&path));
                let Some(module) = module.filter(|_| !is_test) else { continue };
                let depth = path.strip_prefix(&folder).expect("in the folder").components().count();
                let depth = depth - usize::from(path.ends_with("mod.rs"));
                for Use { name: used, start } in uses.uses {
                    let is_module = name.is_none() && self.modules.contains(&used);
                    let is_local = match start {
                        Start::Root => is_module,
                        Start::Above(levels) => is_module && levels >= depth,
                        Start::Name => self.crates.contains_key(&used),
                    };
                    if is_local && used != module {
                        let path = path.strip_prefix(&self.root).expect("in the workspace");
                        let place = path.display().to_string();
                        imports.entry((module.clone(), used)).or_insert(place);
                    }
                }
            }
        }
        imports
    }

    /// The module of the program that a file belongs to; `None` for `lib.rs` and `main.rs`.
    fn module_of(&self, path: &Path) -> Option<String> {
        let inner = path.strip_prefix(self.root.join("src")).ok()?;
        let first = Path::new(inner.components().next()?.as_os_str());
        let name = first.file_stem()?.to_str()?.to_owned();
        self.modules.contains(&name).then_some(name)
    }
}

/// The folder of the modules that a file declares.
fn module_folder(path: &Path) -> PathBuf {
    let parent = path.parent().expect("a folder");
    match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") | None => parent.to_owned(),
        Some(stem) => parent.join(stem),
    }
}

/// A name that code takes from elsewhere.
#[derive(Debug, PartialEq, Eq)]
struct Use {
    name: String,
    start: Start,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// At the crate's root: `crate::`.
    Root,
    /// So many modules above the file's own: `super::`.
    Above(usize),
    /// With the name itself, which may be a crate's.
    Name,
}

/// What the code of a file uses, without its tests.
#[derive(Default)]
struct Uses {
    uses: Vec<Use>,
    /// Modules in files of their own that only tests have.
    test_files: Vec<String>,
}

impl Uses {
    fn of(text: &str) -> Self {
        let tokens: TokenStream = text.parse().expect("Rust");
        let mut uses = Self::default();
        uses.read(tokens, 0);
        uses
    }

    /// Reads code that is within so many modules of the file.
    fn read(&mut self, tokens: TokenStream, depth: usize) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if is_punct(&tokens, at, '#') && is_cfg_test(tokens.get(at + 1)) {
                at = self.after_test(&tokens, at + 2);
                continue;
            }
            at = match &tokens[at] {
                TokenTree::Group(group) => {
                    let is_module = at >= 2 && is_ident(&tokens, at - 2, "mod");
                    self.read(group.stream(), depth + usize::from(is_module));
                    at + 1
                }
                TokenTree::Ident(_) => self.path(&tokens, at, depth),
                TokenTree::Punct(_) | TokenTree::Literal(_) => at + 1,
            };
        }
    }

    /// Passes an item of tests, and notes the file that it is in.
    fn after_test(&mut self, tokens: &[TokenTree], from: usize) -> usize {
        let end = source::item_end(tokens, from);
        let item = &tokens[from..end];
        if let [.., TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Punct(_)] = item
            && word == "mod"
        {
            let path = item.iter().find_map(path_attribute);
            self.test_files.push(path.unwrap_or_else(|| name.to_string()));
        }
        end
    }

    /// Reads a path that begins here, and returns where it has been read to.
    fn path(&mut self, tokens: &[TokenTree], at: usize, depth: usize) -> usize {
        let is_first = at < 2 || !is_colons(tokens, at - 2);
        if !is_first || !is_colons(tokens, at + 1) {
            return at + 1;
        }
        let mut next = at;
        let mut ups = 0;
        while is_ident(tokens, next, "super") && is_colons(tokens, next + 1) {
            ups += 1;
            next += 3;
        }
        let start = if is_ident(tokens, at, "crate") {
            next = at + 3;
            Start::Root
        } else if is_ident(tokens, at, "self") || (ups > 0 && ups <= depth) {
            // It stays in the file.
            return next.max(at + 3);
        } else if ups > 0 {
            Start::Above(ups - depth)
        } else {
            Start::Name
        };
        match tokens.get(next) {
            Some(TokenTree::Ident(name)) => {
                self.uses.push(Use { name: name.to_string(), start });
                next + 1
            }
            Some(TokenTree::Group(group)) => {
                self.first_names(group, start);
                next + 1
            }
            _ => next,
        }
    }

    /// The first names of a list in braces.
    fn first_names(&mut self, group: &Group, start: Start) {
        let mut is_first = true;
        for token in group.stream() {
            if let TokenTree::Ident(name) = &token
                && is_first
            {
                self.uses.push(Use { name: name.to_string(), start });
            }
            is_first = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
        }
    }
}

fn is_punct(tokens: &[TokenTree], at: usize, character: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens, at, ':') && is_punct(tokens, at + 1, ':')
}

fn is_ident(tokens: &[TokenTree], at: usize, word: &str) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == word)
}

/// The file that `#[path = "..."]` names.
fn path_attribute(token: &TokenTree) -> Option<String> {
    let TokenTree::Group(group) = token else { return None };
    let text = group.stream().to_string();
    Some(text.strip_prefix("path = \"")?.strip_suffix('"')?.to_owned())
}

/// A circle of imports, which begins and ends with the same module.
fn circle(imports: &Imports) -> Option<Vec<String>> {
    fn visit(
        imports: &Imports,
        module: &str,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|each| each == module) {
            return Some(way[start..].iter().cloned().chain([module.to_owned()]).collect());
        }
        if !done.insert(module.to_owned()) {
            return None;
        }
        way.push(module.to_owned());
        for (_, used) in imports.keys().filter(|(user, _)| user == module) {
            if let Some(circle) = visit(imports, used, way, done) {
                return Some(circle);
            }
        }
        way.pop();
        None
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|(module, _)| visit(imports, module, &mut Vec::new(), &mut done))
}

/// The table of layers: for each module or crate what it may use.
struct Table(BTreeMap<String, BTreeSet<String>>);

impl Table {
    /// Reads the rows `| layer | modules | what they are | may use |` of the section "Layers". What may
    /// be used is named as a module, in code, or as a layer, in bold.
    fn read(document: &str) -> Self {
        let section = document.split("\n## Layers\n").nth(1).expect("a section \"Layers\"");
        let section = section.split("\n## ").next().expect("a part");
        let rows: Vec<[&str; 4]> = section
            .lines()
            .filter_map(|line| {
                let cells: Vec<_> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
                <[&str; 4]>::try_from(cells).ok().map(|cells| cells.map(str::trim))
            })
            .filter(|row| row[0].starts_with("**"))
            .collect();
        let layer = |name: &str| {
            let row = rows.iter().find(|row| within(row[0], "**").contains(&name));
            within(row.unwrap_or_else(|| panic!("there is no layer {name}"))[1], "`")
        };
        let mut table = BTreeMap::new();
        for [_, modules, _, may_use] in &rows {
            let layers = within(may_use, "**").into_iter().flat_map(layer);
            let names: BTreeSet<_> =
                within(may_use, "`").into_iter().chain(layers).map(str::to_owned).collect();
            for module in within(modules, "`") {
                let before = table.insert(module.to_owned(), names.clone());
                assert!(before.is_none(), "{module} is in two rows");
            }
        }
        Self(table)
    }

    fn problems(&self, parts: &BTreeSet<String>, imports: &Imports) -> Vec<String> {
        let mut problems = Vec::new();
        for part in parts.iter().filter(|part| !self.0.contains_key(*part)) {
            problems.push(format!("`{part}` is in no row"));
        }
        for named in self.0.iter().flat_map(|(module, used)| used.iter().chain([module])) {
            if !parts.contains(named) {
                problems.push(format!("there is no module or crate `{named}`"));
            }
        }
        for ((user, used), place) in imports {
            if self.0.get(user).is_some_and(|names| !names.contains(used)) {
                problems.push(format!("`{user}` may not use `{used}`, as it does in {place}"));
            }
        }
        problems.dedup();
        problems
    }
}

/// What stands between two of these marks.
fn within<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.split(mark).skip(1).step_by(2).map(|name| name.trim_end_matches('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Uses::of(text).uses.into_iter().map(|each| each.name).collect()
    }

    fn imports(arrows: &[(&str, &str)]) -> Imports {
        let arrow = |(user, used): &(&str, &str)| {
            ((String::from(*user), String::from(*used)), format!("src/{user}.rs"))
        };
        arrows.iter().map(arrow).collect()
    }

    #[test]
    fn each_way_to_write_an_import_is_found() {
        assert_eq!(names("use crate::db::Sql;"), ["db"]);
        assert_eq!(
            names("use crate::{http::answer, metrics, output as o};"),
            ["http", "metrics", "output"]
        );
        assert_eq!(names("fn f() { warn!(\"{}\", crate::names::of(1)) }"), ["names"]);
        assert_eq!(names("use entity::job;"), ["entity"]);
        assert_eq!(names("use super::super::jobs;"), ["jobs"]);
        assert_eq!(names("mod a { use super::super::jobs; }"), ["jobs"]);
    }

    #[test]
    fn comments_texts_and_tests_import_nothing() {
        for text in [
            "// crate::db\n/* crate::db */\nfn f() {}",
            "const A: &str = \"crate::db\";",
            "#[cfg(test)]\nmod tests { use crate::db; }",
            "#[cfg(test)]\nuse crate::db;",
            "pub(crate) fn f() {}",
            "mod a { use super::jobs; }",
        ] {
            assert_eq!(names(text), Vec::<String>::new(), "{text}");
        }
        let text = "#[cfg(test)]\nmod cases;\nuse crate::jobs;";
        assert_eq!(Uses::of(text).test_files, ["cases"]);
        assert_eq!(names(text), ["jobs"]);
        let text = "#[cfg(test)]\n#[path = \"other.rs\"]\nmod cases;";
        assert_eq!(Uses::of(text).test_files, ["other.rs"]);
    }

    #[test]
    fn a_circle_is_found_wherever_it_begins() {
        assert_eq!(circle(&imports(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
        let found = circle(&imports(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")]));
        assert_eq!(found.unwrap(), ["b", "c", "d", "b"]);
    }

    #[test]
    fn what_the_table_does_not_allow_is_named() {
        let table = Table::read(
            "# A\n\n## Layers\n\n| layer | modules | are | may use |\n| --- | --- | --- | --- |\n\
             | **low** | `a`, `b` | x | |\n| **high** | `c/` | x | **low**, `gone` |\n\n## B\n",
        );
        let parts = ["a", "b", "c", "d"].map(str::to_owned).into();
        let problems =
            table.problems(&parts, &imports(&[("c", "a"), ("c", "b"), ("a", "b"), ("b", "c")]));
        assert_eq!(
            problems,
            [
                "`d` is in no row",
                "there is no module or crate `gone`",
                "`a` may not use `b`, as it does in src/a.rs",
                "`b` may not use `c`, as it does in src/b.rs",
            ]
        );
    }
}
