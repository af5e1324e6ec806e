//! The operations of subscriptions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, ServerError, Variables};
use serde::Serialize;

use crate::request::set_default_variables;
use crate::root_field::flatten;

/// The operation of a subscription.
pub struct SubscriptionOperation<P> {
    query: String,
    name: Option<String>,
    variables: Variables,
    document: ExecutableDocument,
    key: String,
    /// The rights that all subscribers share.
    pub principal: P,
}

impl<P> SubscriptionOperation<P> {
    /// The key by which subscribers share the operation.
    pub fn key(&self) -> &str {
        &self.key
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
pub struct SharedOperations<P>(Mutex<HashMap<String, Weak<SubscriptionOperation<P>>>>);

impl<P> Default for SharedOperations<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P> SharedOperations<P> {
    /// The operation of a request, or the equal one of another subscriber whose rights are the same:
    /// who has the same `group`.
    ///
    /// # Errors
    /// If the document does not have exactly one root field, as GraphQL requires (section 5.2.3.1).
    pub fn share(
        &self,
        mut request: Request,
        principal: P,
        group: &impl Serialize,
    ) -> Result<Arc<SubscriptionOperation<P>>, ServerError> {
        set_default_variables(&mut request);
        let mut document = request.parsed_query()?.clone();
        let Request { query, operation_name: name, variables, .. } = request;
        flatten(&mut document, name.as_deref(), &variables)?;
        // Variables are sorted by name. JSON is unambiguous, so different operations have different keys.
        let key = serde_json::to_string(&(group, &name, &variables, &query)).unwrap_or_default();
        let mut operations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = operations.get(&key).and_then(Weak::upgrade) {
            return Ok(known);
        }
        if operations.len() >= operations.capacity().max(CLEAN_FROM) {
            // Before the map would grow, so the cost per operation is constant.
            operations.retain(|_, operation| operation.strong_count() > 0);
        }
        let operation =
            SubscriptionOperation { query, name, variables, document, key: key.clone(), principal };
        let operation = Arc::new(operation);
        operations.insert(key, Arc::downgrade(&operation));
        Ok(operation)
    }
}
