//! A request before it is executed, whatever the transport: its parameters, and their validation.

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Name, Request, Response, ServerError, Value, Variables};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

use crate::arguments::Arguments;
use crate::cost::{Costs, FieldCosts, RequestedOperation};
use crate::error::ErrorCode;
use crate::inputs::{Found, Inputs, Scalar};
use crate::limits::check;
use crate::parse_cache::ParseCache;
use crate::persisted::DocumentReference;
use crate::rules::Rules;

/// The parameters of a request in JSON.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub struct Parameters {
    #[serde(default, deserialize_with = "query")]
    pub query: Option<String>,
    /// The id of a persisted document, instead of `query`.
    #[serde(default, deserialize_with = "document_id")]
    pub document_id: Option<String>,
    #[serde(default, deserialize_with = "operation_name")]
    pub operation_name: Option<String>,
    #[serde(default, deserialize_with = "variables")]
    pub variables: Option<Map<String, Json>>,
    #[serde(default, deserialize_with = "extensions")]
    pub extensions: Option<Map<String, Json>>,
}

/// Defines a function that reads a parameter, with an error that names it.
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
    /// Whether they specify a document.
    pub fn name_a_document(&self) -> bool {
        let extensions = self.extensions.as_ref();
        self.query.is_some()
            || self.document_id.is_some()
            || extensions.is_some_and(|extensions| extensions.contains_key("persistedQuery"))
    }
}

/// The type of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Query,
    Mutation,
    Subscription,
}

/// A validated request.
#[derive(Debug)]
pub struct Prepared {
    pub request: Request,
    pub kind: Kind,
    /// The estimated cost of executing it, in values of a response.
    pub cost: u64,
}

/// Up to this length, a document is parsed in a fraction of a millisecond.
const SHORT_BYTES: usize = 1 << 10;

/// The cost of validating a field, in values of a response.
const VALIDATION_COST: u64 = 5;

/// The most errors of a response. A document can be wrong in thousands of places.
const MAX_ERRORS: usize = 20;

/// What requests for a schema are checked against before they are executed.
pub struct Validator {
    documents: ParseCache,
    costs: Costs,
    inputs: Inputs,
    arguments: Arguments,
    rules: Rules,
}

impl Validator {
    /// The checks for a schema in the schema definition language, with its own scalars, whose resolvers
    /// reject pages of more than `longest_page` items.
    ///
    /// # Panics
    /// If the text is not a schema.
    pub fn new(sdl: &str, scalars: &[Scalar], longest_page: u64, rules: Rules) -> Self {
        Self {
            documents: ParseCache::default(),
            costs: Costs::of_schema(sdl, longest_page),
            inputs: Inputs::of_schema(sdl, scalars, !rules.no_introspection),
            arguments: Arguments::of_schema(sdl),
            rules,
        }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether the document of a request is short or in the parse cache.
    pub fn is_cheap_to_prepare(&self, parameters: &Parameters) -> bool {
        let text = parameters.query.as_deref().unwrap_or_default();
        text.len() <= SHORT_BYTES || self.documents.contains(text)
    }

    /// Prepares a request for execution: finds and parses its document, checks the limits and the types
    /// of variables, and estimates the cost.
    ///
    /// # Errors
    /// The error to show to the client.
    pub fn prepare(
        &self,
        parameters: Parameters,
        costs: &impl FieldCosts,
    ) -> Result<Prepared, ServerError> {
        let Parameters { query, document_id, operation_name, variables, mut extensions } =
            parameters;
        let rules = &self.rules;
        let persisted_query = extensions.as_mut().and_then(|all| all.remove("persistedQuery"));
        let found =
            rules.persisted.find(DocumentReference { query, document_id, persisted_query })?;
        let parsed = self.documents.parse(&found.text, rules)?;
        let operation_name = operation_name.filter(|name| !name.is_empty());
        let operation = operation_of(&parsed.document, operation_name.as_deref());
        let kind = match operation.map(|operation| operation.ty) {
            Some(OperationType::Mutation) => Kind::Mutation,
            Some(OperationType::Subscription) => Kind::Subscription,
            // Without an operation, execution reports the error as that of a query.
            Some(OperationType::Query) | None => Kind::Query,
        };
        let sent = variables.as_ref().map_or(0, |all| all.values().map(values).sum());
        let values = sent.saturating_mul(parsed.stats.variable_uses.max(1));
        let what = "values within the variables, times how often variables are used";
        check(ErrorCode::TooManyVariableValues, what, rules.limits.max_variable_values, values)?;
        let variables = Variables::from_json(variables.unwrap_or_default().into());
        let mut cost = (parsed.stats.fields as u64).saturating_mul(VALIDATION_COST);
        if let Some(operation) = operation {
            let used =
                RequestedOperation { document: &parsed.document, operation, variables: &variables };
            let limited = self.costs.limited(&used, costs);
            let what = "values in the answer, by an estimate";
            check(ErrorCode::TooComplex, what, rules.limits.max_complexity, limited)?;
            cost = cost.saturating_add(self.costs.present(&used, costs));
            self.inputs.check(operation, &variables)?;
            self.arguments.check(&self.inputs, &used)?;
        }
        let mut request = Request::new(&*found.text).variables(variables);
        request.operation_name = operation_name;
        request.set_parsed_query(parsed.document.clone());
        rules.persisted.cache(found);
        Ok(Prepared { request, kind, cost })
    }

    /// Gives each error of a response a code, and drops errors beyond [`MAX_ERRORS`].
    pub fn add_codes(&self, response: &mut Response) {
        response.errors.truncate(MAX_ERRORS);
        for error in &mut response.errors {
            // async-graphql names only the type of a literal.
            let scalar = error.message.rsplit_once("expected type \"").map(|(_, scalar)| scalar);
            let scalar = scalar.and_then(|scalar| scalar.strip_suffix('"'));
            if let Some(form) = scalar.and_then(|scalar| self.inputs.form_of(scalar)) {
                error.message = format!("{}: {form}", error.message);
            }
            let extensions = error.extensions.get_or_insert_default();
            if extensions.get("code").is_none() {
                // Only errors of async-graphql have none: the document does not match the schema, or
                // a scalar or an enum could not parse an argument.
                let code = if error.path.is_empty() {
                    ErrorCode::GraphqlValidationFailed
                } else {
                    ErrorCode::BadUserInput
                };
                extensions.set("code", code.name());
            }
        }
    }
}

/// Sets omitted variables to the defaults of the operation. async-graphql does so for arguments, but not
/// when it evaluates `@skip` and `@include`.
pub fn set_default_variables(request: &mut Request) {
    let name = request.operation_name.as_ref().map(Name::new);
    // Execution reports the error of a document that cannot be parsed.
    let Ok(document) = request.parsed_query() else { return };
    let defaults: Vec<_> = document
        .operations
        .iter()
        .filter(|(each, _)| name.is_none() || *each == name.as_ref())
        .flat_map(|(_, operation)| &operation.node.variable_definitions)
        .filter_map(|variable| {
            let default = variable.node.default_value.as_ref()?;
            Some((variable.node.name.node.clone(), default.node.clone()))
        })
        .collect();
    for (name, default) in defaults {
        request.variables.entry(name).or_insert(default);
    }
}

/// The selected operation, unless it is ambiguous or missing.
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
        // Execution reports the ambiguity.
        (DocumentOperations::Multiple(_), None) => None,
    };
    operation.map(|operation| &operation.node)
}

/// The number of values. Long texts count for more.
fn values(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Json::Object(fields) => 1 + fields.values().map(values).sum::<usize>(),
        Json::String(text) => 1 + text.len() / 64,
        _ => 1,
    }
}
