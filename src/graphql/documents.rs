//! Parsed documents, kept for the next request: clients send the same few again and again, and
//! to parse one takes longer than to execute it.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::parser::{self, parse_query};

/// Longer documents are not kept.
const LONGEST: usize = 8 << 10;

/// How many documents a generation has.
const GENERATION: usize = 128;

/// The documents of late, in two generations: whoever is asked for joins the young. When they
/// are enough they become the old, and the old are forgotten, so that documents which clients
/// make up for each request come and go without those in use.
#[derive(Default)]
pub struct Documents(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<String, Arc<ExecutableDocument>>,
    old: HashMap<String, Arc<ExecutableDocument>>,
}

impl Documents {
    /// What [`parse_query`] makes of the text.
    pub fn parse(&self, query: &str) -> parser::Result<ExecutableDocument> {
        if query.len() > LONGEST {
            return parse_query(query);
        }
        let kept = self.generations(|generations| generations.get(query));
        if let Some(document) = kept {
            return Ok((*document).clone());
        }
        let document = parse_query(query)?;
        let kept = Arc::new(document.clone());
        self.generations(|generations| generations.keep(query.to_owned(), kept));
        Ok(document)
    }

    fn generations<T>(&self, run: impl FnOnce(&mut Generations) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Generations {
    fn get(&mut self, query: &str) -> Option<Arc<ExecutableDocument>> {
        if let Some(document) = self.young.get(query) {
            return Some(Arc::clone(document));
        }
        let (query, document) = self.old.remove_entry(query)?;
        self.keep(query, Arc::clone(&document));
        Some(document)
    }

    fn keep(&mut self, query: String, document: Arc<ExecutableDocument>) {
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
        let documents = Documents::default();
        let query = "query ($id: UUID!) { jobRun(id: $id) { ...F } } fragment F on JobRun { id }";
        for _ in 0..2 {
            let document = documents.parse(query).unwrap();
            assert_eq!(format!("{document:?}"), format!("{:?}", parse_query(query).unwrap()));
            assert!(documents.parse("{ jobs {").is_err());
        }
        assert_eq!(documents.generations(|generations| generations.young.len()), 1);
    }

    #[test]
    fn forgets_what_is_not_asked_for() {
        let documents = Documents::default();
        let is_kept = |query: &str| documents.generations(|kept| kept.get(query).is_some());
        for number in 0..10 * GENERATION {
            documents.parse(&format!("{{ field{number} }}")).unwrap();
            documents.parse("{ often }").unwrap();
        }
        assert!(is_kept("{ often }"));
        assert!(!is_kept("{ field0 }"));
        let count = documents.generations(|kept| kept.young.len() + kept.old.len());
        assert!(count <= 2 * GENERATION, "{count}");

        let long = format!("{{ {} }}", "field ".repeat(LONGEST));
        documents.parse(&long).unwrap();
        assert!(!is_kept(&long));
    }
}
