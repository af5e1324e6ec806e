//! Operations that are watched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Variables};

use crate::access::Viewer;

/// A subscription's operation, in the form in which equal ones are the same.
pub struct Operation {
    pub query: String,
    pub name: Option<String>,
    pub variables: Variables,
    pub document: ExecutableDocument,
    /// What all who watch it may see.
    pub viewer: Viewer,
}

impl Operation {
    pub fn key(&self) -> String {
        // Variables are sorted by their names. As JSON nothing can pass for something else.
        let rights = self.viewer.group();
        serde_json::to_string(&(rights, &self.name, &self.variables, &self.query))
            .unwrap_or_default()
    }

    pub fn request(&self) -> Request {
        let mut request = Request::new(self.query.clone()).variables(self.variables.clone());
        request.operation_name.clone_from(&self.name);
        request.set_parsed_query(self.document.clone());
        request
    }
}

/// How many may be forgotten before the map is tidied.
const FORGOTTEN: usize = 64;

/// The operations that are watched now: a document takes more memory than all else that somebody
/// who waits needs.
#[derive(Default)]
pub struct Operations(Mutex<HashMap<String, Weak<Operation>>>);

impl Operations {
    /// The same operation, of which there is one for all who watch it.
    pub fn share(&self, operation: Operation) -> Arc<Operation> {
        let mut operations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = operation.key();
        if let Some(known) = operations.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        if operations.len() >= operations.capacity().max(FORGOTTEN) {
            // Before it would grow; so each is looked at but a few times.
            operations.retain(|_, operation| operation.strong_count() > 0);
        }
        let operation = Arc::new(operation);
        operations.insert(key, Arc::downgrade(&operation));
        operation
    }
}
