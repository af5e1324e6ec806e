//! The operations of subscriptions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Variables};

use crate::access::Principal;

/// The operation of a subscription.
pub struct Operation {
    pub query: String,
    pub name: Option<String>,
    pub variables: Variables,
    pub document: ExecutableDocument,
    /// The rights that all subscribers share.
    pub principal: Principal,
}

impl Operation {
    /// The key by which subscribers share the operation.
    pub fn key(&self) -> String {
        // Variables are sorted by name. JSON is unambiguous, so different operations have different keys.
        let rights = self.principal.group();
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

/// The smallest size at which ended operations are removed from the map.
const CLEAN_FROM: usize = 64;

/// The operations of current subscriptions. They are shared, because a document takes most of the memory
/// of an idle subscriber.
#[derive(Default)]
pub struct SharedOperations(Mutex<HashMap<String, Weak<Operation>>>);

impl SharedOperations {
    /// The equal operation of another subscriber, or this one.
    pub fn share(&self, operation: Operation) -> Arc<Operation> {
        let mut operations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = operation.key();
        if let Some(known) = operations.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        if operations.len() >= operations.capacity().max(CLEAN_FROM) {
            // Before the map would grow, so the cost per operation is constant.
            operations.retain(|_, operation| operation.strong_count() > 0);
        }
        let operation = Arc::new(operation);
        operations.insert(key, Arc::downgrade(&operation));
        operation
    }
}
