//! Parsed documents, kept for the next request: clients send the same few again and again, and
//! to parse one takes longer than to execute it.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::parser::{Error as ParseError, parse_query};

use super::measure::{Size, measure};
use super::request::Rules;
use super::syntax_error::syntax_error;
use super::tokens::scan;
use crate::limits::check;

/// Longer documents are not kept.
const LONGEST: usize = 8 << 10;

/// How many documents a generation has.
const GENERATION: usize = 128;

/// How deep brackets of all kinds may be within one another. The parser needs stack for each.
const NESTING: usize = 120;

/// A document that is within the limits.
#[derive(Debug)]
pub struct Checked {
    pub document: ExecutableDocument,
    pub size: Size,
}

/// The documents of late, in two generations: whoever is asked for joins the young. When they
/// are enough they become the old, and the old are forgotten, so that documents which clients
/// make up for each request come and go without those in use.
#[derive(Default)]
pub struct Documents(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<String, Arc<Checked>>,
    old: HashMap<String, Arc<Checked>>,
}

impl Documents {
    /// Reads a document.
    ///
    /// # Errors
    /// If it is beyond the limits or the rules, or cannot be parsed.
    pub fn read(&self, text: &str, rules: &Rules) -> Result<Arc<Checked>, ServerError> {
        if text.len() > LONGEST {
            return Ok(Arc::new(Checked::new(text, rules)?));
        }
        if let Some(kept) = self.generations(|generations| generations.get(text)) {
            return Ok(kept);
        }
        let checked = Arc::new(Checked::new(text, rules)?);
        let kept = Arc::clone(&checked);
        self.generations(|generations| generations.keep(text.to_owned(), kept));
        Ok(checked)
    }

    /// Whether a document is kept, so that it need not be read again.
    pub fn keeps(&self, text: &str) -> bool {
        self.generations(|kept| kept.young.contains_key(text) || kept.old.contains_key(text))
    }

    fn generations<T>(&self, run: impl FnOnce(&mut Generations) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Checked {
    pub fn new(text: &str, rules: &Rules) -> Result<Self, ServerError> {
        let limits = &rules.limits;
        check("DOCUMENT_TOO_LONG", "bytes of a document", limits.max_document_bytes, text.len())?;
        let tokens = scan(text);
        check("TOO_MANY_TOKENS", "tokens", limits.max_tokens, tokens.count)?;
        check("DOCUMENT_TOO_DEEP", "brackets within one another", NESTING, tokens.nesting)?;
        let document = parse(text)?;
        let size = measure(&document, rules)?;
        Ok(Self { document, size })
    }
}

fn parse(text: &str) -> Result<ExecutableDocument, ServerError> {
    parse_query(text).map_err(|error| {
        let mut error = match error {
            ParseError::Syntax { start, message, .. } => syntax_error(text, start, &message),
            other => ServerError::from(other),
        };
        error.extensions.get_or_insert_default().set("code", "GRAPHQL_PARSE_FAILED");
        error
    })
}

impl Generations {
    fn get(&mut self, query: &str) -> Option<Arc<Checked>> {
        if let Some(document) = self.young.get(query) {
            return Some(Arc::clone(document));
        }
        let (query, document) = self.old.remove_entry(query)?;
        self.keep(query, Arc::clone(&document));
        Some(document)
    }

    fn keep(&mut self, query: String, document: Arc<Checked>) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(query, document);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_same_again() {
        let (documents, rules) = (Documents::default(), Rules::default());
        let query = "query ($id: UUID!) { jobRun(id: $id) { ...F } } fragment F on JobRun { id }";
        for _ in 0..2 {
            let document = &documents.read(query, &rules).unwrap().document;
            assert_eq!(format!("{document:?}"), format!("{:?}", parse_query(query).unwrap()));
            assert!(documents.read("{ jobs {", &rules).is_err());
        }
        assert_eq!(documents.generations(|generations| generations.young.len()), 1);
    }

    #[test]
    fn forgets_what_is_not_asked_for() {
        let (documents, rules) = (Documents::default(), Rules::default());
        let is_kept = |query: &str| documents.generations(|kept| kept.get(query).is_some());
        for number in 0..10 * GENERATION {
            documents.read(&format!("{{ field{number} }}"), &rules).unwrap();
            documents.read("{ often }", &rules).unwrap();
        }
        assert!(is_kept("{ often }"));
        assert!(!is_kept("{ field0 }"));
        let count = documents.generations(|kept| kept.young.len() + kept.old.len());
        assert!(count <= 2 * GENERATION, "{count}");

        let long = format!("{{ {} }}", "a_field_with_a_name ".repeat(20)) + &" ".repeat(LONGEST);
        documents.read(&long, &rules).unwrap();
        assert!(!is_kept(&long));
    }
}
