//! From what a client sends to what is executed: the one way in, whatever the transport.

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Request, ServerError, Value, Variables};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

use super::Api;
use super::cost::LENGTH;
use super::documents::Checked;
use super::inputs::Found;
use super::persisted::{Named, Persisted};
use crate::jobs::scope::Scope;
use crate::limits::check;

/// A request's parameters, as they are in JSON.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub struct Parameters {
    #[serde(default, deserialize_with = "query")]
    pub query: Option<String>,
    /// In place of the query: the name of a document that the server knows.
    #[serde(default, deserialize_with = "document_id")]
    pub document_id: Option<String>,
    #[serde(default, deserialize_with = "operation_name")]
    pub operation_name: Option<String>,
    #[serde(default, deserialize_with = "variables")]
    pub variables: Option<Map<String, Json>>,
    #[serde(default, deserialize_with = "extensions")]
    pub extensions: Option<Map<String, Json>>,
}

/// Defines how a parameter is read, so that the error for a value of another kind names it.
macro_rules! parameter {
    ($name:ident, $key:literal: $kind:ident($type:ty), $expected:literal) => {
        fn $name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<$type>, D::Error> {
            match Json::deserialize(from)? {
                Json::Null => Ok(None),
                Json::$kind(value) => Ok(Some(value)),
                other => {
                    let found = Value::from_json(other).unwrap_or_default();
                    Err(D::Error::custom(format_args!(
                        "expected `{}` to be {}, not {}",
                        $key,
                        $expected,
                        Found(&found)
                    )))
                }
            }
        }
    };
}

parameter!(query, "query": String(String), "a string");
parameter!(document_id, "documentId": String(String), "a string");
parameter!(operation_name, "operationName": String(String), "a string");
parameter!(variables, "variables": Object(Map<String, Json>), r#"an object such as {"take": 20}"#);
parameter!(extensions, "extensions": Object(Map<String, Json>), "an object");

impl Parameters {
    /// Whether they say which document is meant.
    pub fn name_a_document(&self) -> bool {
        let extensions = self.extensions.as_ref();
        self.query.is_some()
            || self.document_id.is_some()
            || extensions.is_some_and(|extensions| extensions.contains_key("persistedQuery"))
    }
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Query,
    Mutation,
    Subscription,
}

/// A request that may be executed.
#[derive(Debug)]
pub struct Admitted {
    pub request: Request,
    pub kind: Kind,
    /// About how much executing it is, in values of an answer.
    pub weight: u64,
}

/// Bytes of a document that is read in a fraction of a millisecond.
const SHORT: usize = 1 << 10;

/// What checking a field against the schema takes, in values of an answer.
const FIELD: u64 = 5;

/// What the rules for documents are, beside the limits.
#[derive(Default)]
pub struct Rules {
    pub limits: crate::limits::Limits,
    /// Refuse to tell what the schema has, and to guess what a client meant.
    pub no_introspection: bool,
    pub persisted: Persisted,
}

impl Rules {
    /// Whether each document of an allow-list is within the limits.
    ///
    /// # Errors
    /// The first one that is not, or is no document, and why.
    pub fn check_persisted(&self) -> Result<(), String> {
        for (id, text) in self.persisted.documents() {
            Checked::new(text, self).map_err(|error| format!("{id}: {}", error.message))?;
        }
        Ok(())
    }
}

impl Api {
    /// Whether a request's document is short or kept, so that admitting it takes no time to speak of.
    pub fn knows_or_reads_soon(&self, parameters: &Parameters) -> bool {
        let text = parameters.query.as_deref().unwrap_or_default();
        text.len() <= SHORT || self.documents.keeps(text)
    }

    /// Decides whether a request may be executed: finds and reads its document, and refuses what
    /// is beyond a limit. `scope` is what the answer is about. Nothing is validated or executed before.
    ///
    /// # Errors
    /// The one error that the client is to see.
    pub fn admit(&self, parameters: Parameters, scope: &Scope) -> Result<Admitted, ServerError> {
        let Parameters { query, document_id, operation_name, variables, mut extensions } =
            parameters;
        let rules = &self.rules;
        let persisted_query = extensions.as_mut().and_then(|all| all.remove("persistedQuery"));
        let found = rules.persisted.find(Named { query, document_id, persisted_query })?;
        let checked = self.documents.read(&found.text, rules)?;
        let operation_name = operation_name.filter(|name| !name.is_empty());
        let operation = operation_of(&checked.document, operation_name.as_deref());
        let kind = match operation.map(|operation| operation.ty) {
            Some(OperationType::Mutation) => Kind::Mutation,
            Some(OperationType::Subscription) => Kind::Subscription,
            // Without one execution says what is wrong, as of a query.
            Some(OperationType::Query) | None => Kind::Query,
        };
        let sent = variables.as_ref().map_or(0, |all| all.values().map(values).sum());
        let values = sent.saturating_mul(checked.size.variable_uses.max(1));
        let what = "values within the variables, times how often variables are used";
        check("TOO_MANY_VARIABLE_VALUES", what, rules.limits.max_variable_values, values)?;
        let variables = Variables::from_json(variables.unwrap_or_default().into());
        let mut weight = (checked.size.fields as u64).saturating_mul(FIELD);
        if let Some(operation) = operation {
            let cost = |executing| {
                self.costs.of_operation(&checked.document, operation, &variables, scope, executing)
            };
            let what = "values in the answer, by an estimate";
            // However many execute: nobody can ask for fewer of them.
            check("TOO_COMPLEX", what, rules.limits.max_complexity, cost(LENGTH))?;
            weight = weight.saturating_add(cost(self.executing()));
            self.inputs.check(operation, &variables)?;
        }
        let mut request = Request::new(&*found.text).variables(variables);
        request.operation_name = operation_name;
        request.set_parsed_query(checked.document.clone());
        rules.persisted.keep(found);
        Ok(Admitted { request, kind, weight })
    }
}

/// The operation that is meant, if it can be said.
fn operation_of<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        // Execution refuses to guess.
        (DocumentOperations::Multiple(_), None) => None,
    };
    operation.map(|operation| &operation.node)
}

/// How many values there are, long texts counting for more.
fn values(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Json::Object(fields) => 1 + fields.values().map(values).sum::<usize>(),
        Json::String(text) => 1 + text.len() / 64,
        _ => 1,
    }
}
