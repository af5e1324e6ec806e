//! Statistics of a document, checked against the limits before async-graphql validates it.
//!
//! async-graphql visits a fragment once for each spread. A document of a few hundred bytes in which each
//! fragment spreads the next one twice keeps it busy for minutes, within its own limits. Here each
//! fragment is visited once, and a document beyond a limit is rejected. The time that async-graphql takes
//! is proportional to these statistics.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value;

use super::rules::Rules;
use crate::error::{ApiError, ErrorCode};
use crate::limits::check;

/// The deepest nesting of selections, with fragments. Visiting a document is recursive.
const MAX_LEVELS: usize = 100;

/// Statistics of a selection, with fragments expanded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SelectionStats {
    /// Fields within fields.
    depth: usize,
    /// Selections within selections.
    levels: usize,
    /// Fields, spreads and inline fragments.
    selections: usize,
    aliases: usize,
    directives: usize,
    /// Uses of variables.
    variables: usize,
    /// Fields at the top.
    roots: usize,
}

impl SelectionStats {
    /// Adds a selection beside this one.
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.levels = self.levels.max(other.levels);
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.variables = self.variables.saturating_add(other.variables);
        self.roots = self.roots.saturating_add(other.roots);
    }
}

/// Statistics of a document, with fragments expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentStats {
    /// Fields and fragments.
    pub fields: usize,
    /// Uses of variables.
    pub variable_uses: usize,
}

/// Computes the statistics of a document.
///
/// # Errors
/// If the document is beyond a limit, its fragments form a cycle, or it uses introspection where that is
/// disabled.
pub fn analyze(document: &ExecutableDocument, rules: &Rules) -> Result<DocumentStats, ApiError> {
    let limits = &rules.limits;
    let mut analyzer = Analyzer { document, rules, fragments: HashMap::new() };
    // Unused fragments are visited too, before validation rejects them.
    let mut all = SelectionStats::default();
    let (mut operations, mut definitions) = (SelectionStats::default(), 0);
    for (name, fragment) in &document.fragments {
        all.add(analyzer.fragment(name, 1)?);
        all.directives = all.directives.saturating_add(fragment.node.directives.len());
    }
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let stats = analyzer.set(&operation.selection_set, 1)?;
        all.add(stats);
        operations.aliases = operations.aliases.max(stats.aliases);
        operations.roots = operations.roots.max(stats.roots);
        let definition = operation.variable_definitions.iter();
        let directives: usize = definition.map(|each| each.node.directives.len()).sum();
        all.directives = all.directives.saturating_add(operation.directives.len() + directives);
        definitions += operation.variable_definitions.len();
    }
    check(ErrorCode::DocumentTooDeep, "fields within one another", limits.max_depth, all.depth)?;
    let what = "fields, with fragments written out";
    check(ErrorCode::TooManyFields, what, limits.max_fields, all.selections)?;
    let roots = operations.roots;
    check(ErrorCode::TooManyRootFields, "root fields", limits.max_root_fields, roots)?;
    check(ErrorCode::TooManyAliases, "aliases", limits.max_aliases, operations.aliases)?;
    check(ErrorCode::TooManyDirectives, "directives", limits.max_directives, all.directives)?;
    check(ErrorCode::TooManyVariables, "variables", limits.max_variables, definitions)?;
    Ok(DocumentStats { fields: all.selections, variable_uses: all.variables })
}

struct Analyzer<'a> {
    document: &'a ExecutableDocument,
    rules: &'a Rules,
    /// The statistics of fragments; `None` while one is being visited.
    fragments: HashMap<&'a Name, Option<SelectionStats>>,
}

impl<'a> Analyzer<'a> {
    /// The statistics of a selection at this level of nesting.
    fn set(
        &mut self,
        set: &'a Positioned<SelectionSet>,
        level: usize,
    ) -> Result<SelectionStats, ApiError> {
        check(ErrorCode::DocumentTooDeep, "selections within one another", MAX_LEVELS, level)?;
        let mut whole = SelectionStats::default();
        for item in &set.node.items {
            let mut stats = match &item.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    if self.rules.no_introspection && matches!(name, "__schema" | "__type") {
                        let message = "introspection is disabled on this server";
                        return Err(ApiError::new(ErrorCode::IntrospectionDisabled, message));
                    }
                    let mut stats = self.set(&field.node.selection_set, level + 1)?;
                    stats.depth += 1;
                    stats.roots = 1;
                    stats.aliases += usize::from(field.node.alias.is_some());
                    stats.variables += uses(field.node.arguments.iter().map(|(_, value)| value));
                    stats
                }
                Selection::InlineFragment(fragment) => {
                    self.set(&fragment.node.selection_set, level + 1)?
                }
                // Validation rejects unknown fragments.
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    match self.document.fragments.get_key_value(name) {
                        Some((name, _)) => self.fragment(name, level + 1)?,
                        None => SelectionStats::default(),
                    }
                }
            };
            stats.levels += 1;
            stats.selections = stats.selections.saturating_add(1);
            let directives = item.node.directives();
            stats.directives = stats.directives.saturating_add(directives.len());
            let arguments = directives.iter().flat_map(|directive| &directive.node.arguments);
            let uses = uses(arguments.map(|(_, value)| value));
            stats.variables = stats.variables.saturating_add(uses);
            whole.add(stats);
        }
        Ok(whole)
    }

    fn fragment(&mut self, name: &'a Name, level: usize) -> Result<SelectionStats, ApiError> {
        match self.fragments.get(name) {
            Some(Some(stats)) => {
                let levels = level.saturating_add(stats.levels);
                check(
                    ErrorCode::DocumentTooDeep,
                    "selections within one another",
                    MAX_LEVELS,
                    levels,
                )?;
                return Ok(*stats);
            }
            Some(None) => {
                let message =
                    format!("the fragment {name} spreads itself, by way of others or not");
                return Err(ApiError::new(ErrorCode::GraphqlValidationFailed, &message));
            }
            None => {}
        }
        self.fragments.insert(name, None);
        let document = self.document;
        let stats = match document.fragments.get(name) {
            Some(fragment) => self.set(&fragment.node.selection_set, level)?,
            None => SelectionStats::default(),
        };
        self.fragments.insert(name, Some(stats));
        Ok(stats)
    }
}

/// The uses of variables in values.
fn uses<'v>(values: impl Iterator<Item = &'v Positioned<Value>>) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Variable(_) => 1,
            Value::List(values) => values.iter().map(of).sum(),
            Value::Object(fields) => fields.values().map(of).sum(),
            _ => 0,
        }
    }
    values.map(|value| of(&value.node)).sum()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use async_graphql::parser::parse_query;

    use super::*;

    fn code_of(query: &str) -> String {
        match analyze(&parse_query(query).unwrap(), &Rules::default()) {
            Ok(stats) => stats.variable_uses.to_string(),
            Err(error) => error.code.name().to_owned(),
        }
    }

    /// Each of `n` fragments spreads the next one twice.
    fn bomb(n: usize) -> String {
        let mut query = "{ ...F0 }".to_owned();
        for i in 0..n {
            _ = write!(query, "fragment F{i} on Query{{...F{0} ...F{0}}}", i + 1);
        }
        query + &format!("fragment F{n} on Query{{__typename}}")
    }

    #[test]
    fn each_fragment_is_visited_once() {
        assert_eq!(code_of(&bomb(3)), "0");
        for n in [10, 24, 60] {
            assert_eq!(code_of(&bomb(n)), "TOO_MANY_FIELDS");
        }
        assert_eq!(code_of(&bomb(120)), "DOCUMENT_TOO_DEEP");
    }

    #[test]
    fn each_limit_has_its_code() {
        let repeat = |text: &str, n| format!("{{ {} }}", text.repeat(n));
        let aliases: String = (0..251).fold(String::new(), |text, i| text + &format!(" a{i}: b"));
        let variables: String =
            (0..101).fold(String::new(), |text, i| text + &format!("$v{i}: Int "));
        for (query, code) in [
            ("{ a(b: $c, d: [$e, {f: $g}]) @h(i: $j) ...F } fragment F on Q { k(l: $m) }", "6"),
            (&format!("{}{}", "{a".repeat(20), "}".repeat(20)), "0"),
            (&format!("{}{}", "{a".repeat(21), "}".repeat(21)), "DOCUMENT_TOO_DEEP"),
            (&format!("{{ a {}b{} }}", "...{".repeat(60), "}".repeat(60)), "0"),
            (&repeat("a ", 26), "TOO_MANY_ROOT_FIELDS"),
            (&format!("{{ r {{ {} }} }}", "a ".repeat(2_500)), "TOO_MANY_FIELDS"),
            (&format!("{{ r {{ {aliases} }} }}"), "TOO_MANY_ALIASES"),
            (&repeat("a @b ", 5), "0"),
            (&format!("{{ a {} }}", "@b ".repeat(101)), "TOO_MANY_DIRECTIVES"),
            (&format!("query ({variables}) {{ a }}"), "TOO_MANY_VARIABLES"),
            (
                "{ ...A } fragment A on Q { b { ...B } } fragment B on Q { c { ...A } }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("{ ...A } fragment A on Q { ...A }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ ...Nothing }", "0"),
        ] {
            assert_eq!(code_of(query), code, "{query}");
        }
    }

    #[test]
    fn a_long_chain_of_fragments_is_too_deep() {
        let mut query = "{ ...F0 }".to_owned();
        for i in 0..900 {
            _ = write!(query, "fragment F{i} on Q{{...F{}}}", i + 1);
        }
        assert_eq!(code_of(&(query + "fragment F900 on Q{a}")), "DOCUMENT_TOO_DEEP");
    }
}
