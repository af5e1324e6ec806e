//! Parsed documents. Clients send the same few again and again, and parsing one takes longer than
//! executing it.

use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::parser::{Error as ParseError, parse_query};
use quick_cache::sync::Cache;

use super::analyze::{DocumentStats, analyze};
use super::rules::Rules;
use super::syntax_error::syntax_error;
use super::tokens::scan;
use crate::error::ErrorCode;
use crate::limits::check;

/// Longer documents are not cached.
const MAX_BYTES: usize = 8 << 10;

/// The most documents in the cache.
const CAPACITY: usize = 256;

/// The deepest nesting of brackets of all kinds. The parser is recursive.
const MAX_NESTING: usize = 120;

/// A document that is within the limits.
#[derive(Debug)]
pub struct ParsedDocument {
    pub document: ExecutableDocument,
    pub stats: DocumentStats,
}

/// Recently used documents.
pub struct ParseCache(Cache<String, Arc<ParsedDocument>>);

impl Default for ParseCache {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl ParseCache {
    /// Parses a document, or takes it from the cache.
    ///
    /// # Errors
    /// If it is beyond the limits or the rules, or cannot be parsed.
    pub fn parse(&self, text: &str, rules: &Rules) -> Result<Arc<ParsedDocument>, ServerError> {
        if text.len() > MAX_BYTES {
            return Ok(Arc::new(ParsedDocument::new(text, rules)?));
        }
        if let Some(cached) = self.0.get(text) {
            return Ok(cached);
        }
        let parsed = Arc::new(ParsedDocument::new(text, rules)?);
        self.0.insert(text.to_owned(), Arc::clone(&parsed));
        Ok(parsed)
    }

    /// Whether a document is in the cache.
    pub fn contains(&self, text: &str) -> bool {
        self.0.contains_key(text)
    }
}

impl ParsedDocument {
    /// Parses a document.
    ///
    /// # Errors
    /// As [`ParseCache::parse`].
    pub fn new(text: &str, rules: &Rules) -> Result<Self, ServerError> {
        let limits = &rules.limits;
        check(
            ErrorCode::DocumentTooLong,
            "bytes of a document",
            limits.max_document_bytes,
            text.len(),
        )?;
        let tokens = scan(text);
        check(ErrorCode::TooManyTokens, "tokens", limits.max_tokens, tokens.count)?;
        check(
            ErrorCode::DocumentTooDeep,
            "brackets within one another",
            MAX_NESTING,
            tokens.nesting,
        )?;
        let document = parse(text)?;
        let stats = analyze(&document, rules)?;
        Ok(Self { document, stats })
    }
}

impl Rules {
    /// Checks that each document of an allow-list is within the limits.
    ///
    /// # Errors
    /// The id of the first one that is not or cannot be parsed, and the reason.
    pub fn check_persisted(&self) -> Result<(), String> {
        for (id, text) in self.persisted.documents() {
            ParsedDocument::new(text, self).map_err(|error| format!("{id}: {}", error.message))?;
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<ExecutableDocument, ServerError> {
    parse_query(text).map_err(|error| {
        let mut error = match error {
            ParseError::Syntax { start, message, .. } => syntax_error(text, start, &message),
            other => ServerError::from(other),
        };
        error.extensions.get_or_insert_default().set("code", ErrorCode::GraphqlParseFailed.name());
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cached_document_equals_a_parsed_one() {
        let (cache, rules) = (ParseCache::default(), Rules::default());
        let query = "query ($id: UUID!) { jobRun(id: $id) { ...F } } fragment F on JobRun { id }";
        for _ in 0..2 {
            let document = &cache.parse(query, &rules).unwrap().document;
            assert_eq!(format!("{document:?}"), format!("{:?}", parse_query(query).unwrap()));
            assert!(cache.parse("{ jobs {", &rules).is_err());
        }
        assert_eq!(cache.0.len(), 1);
    }

    #[test]
    fn documents_in_use_outlive_those_sent_once() {
        let (cache, rules) = (ParseCache::default(), Rules::default());
        for number in 0..10 * CAPACITY {
            cache.parse(&format!("{{ field{number} }}"), &rules).unwrap();
            cache.parse("{ often }", &rules).unwrap();
        }
        assert!(cache.contains("{ often }"));
        assert!(cache.0.len() <= CAPACITY, "{}", cache.0.len());

        let long = format!("{{ {} }}", "a_field_with_a_name ".repeat(20)) + &" ".repeat(MAX_BYTES);
        cache.parse(&long, &rules).unwrap();
        assert!(!cache.contains(&long));
    }
}
