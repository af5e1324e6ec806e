//! Completing requests and responses where async-graphql does not.

use async_graphql::{Name, Request, Response};

use super::inputs;
use crate::error::ErrorCode;

/// The most errors of a response. A document can be wrong in thousands of places.
const MAX_ERRORS: usize = 20;

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

/// Gives each error a code, and drops errors beyond [`MAX_ERRORS`].
pub fn add_codes(response: &mut Response) {
    response.errors.truncate(MAX_ERRORS);
    for error in &mut response.errors {
        // async-graphql names only the type of a literal.
        let scalar = error.message.rsplit_once("expected type \"").map(|(_, scalar)| scalar);
        if let Some(form) = scalar.and_then(|scalar| inputs::form_of(scalar.strip_suffix('"')?)) {
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
