//! What a request may ask for, in one place. Each limit is an option of `serve`, and a request
//! beyond one is refused with a code of the limit's own and both numbers in `extensions`.

use clap::Args;
use graphql_server::Limits;

/// How much a GraphQL document may ask for. The defaults are several times what GraphiQL and a
/// dashboard need, and little enough that a document which is just within them is checked in
/// milliseconds.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitOptions {
    /// Bytes that a document may have.
    #[arg(long, value_name = "BYTES", env = "AGENT_JOBS_MAX_DOCUMENT_BYTES", default_value_t = Limits::DEFAULT.max_document_bytes)]
    pub max_document_bytes: usize,
    /// Tokens that a document may have: names, values, punctuation.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_TOKENS", default_value_t = Limits::DEFAULT.max_tokens)]
    pub max_tokens: usize,
    /// Fields that may be within one another, at most 50.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_DEPTH", default_value_t = Limits::DEFAULT.max_depth, value_parser = depth)]
    pub max_depth: usize,
    /// Fields and fragments that a document may select, with each fragment written out wherever
    /// it is spread.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_FIELDS", default_value_t = Limits::DEFAULT.max_fields)]
    pub max_fields: usize,
    /// Fields that an operation may give another name.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_ALIASES", default_value_t = Limits::DEFAULT.max_aliases)]
    pub max_aliases: usize,
    /// Directives that a document may have.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_DIRECTIVES", default_value_t = Limits::DEFAULT.max_directives)]
    pub max_directives: usize,
    /// Root fields that an operation may have.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_ROOT_FIELDS", default_value_t = Limits::DEFAULT.max_root_fields)]
    pub max_root_fields: usize,
    /// Variables that a document may define.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_VARIABLES", default_value_t = Limits::DEFAULT.max_variables)]
    pub max_variables: usize,
    /// Values within the variables, times how often the document uses variables.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_VARIABLE_VALUES", default_value_t = Limits::DEFAULT.max_variable_values)]
    pub max_variable_values: usize,
    /// Values that an answer may have, estimated: a list counts as many times as it may be long.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_COMPLEXITY", default_value_t = Limits::DEFAULT.max_complexity)]
    pub max_complexity: u64,
}

impl From<LimitOptions> for Limits {
    fn from(options: LimitOptions) -> Self {
        let LimitOptions {
            max_document_bytes,
            max_tokens,
            max_depth,
            max_fields,
            max_aliases,
            max_directives,
            max_root_fields,
            max_variables,
            max_variable_values,
            max_complexity,
        } = options;
        Self {
            max_document_bytes,
            max_tokens,
            max_depth,
            max_fields,
            max_aliases,
            max_directives,
            max_root_fields,
            max_variables,
            max_variable_values,
            max_complexity,
        }
    }
}

fn depth(text: &str) -> Result<usize, String> {
    match text.parse() {
        // The parser itself goes no deeper than 64.
        Ok(depth @ 1..=50) => Ok(depth),
        _ => Err("expected a number from 1 to 50".to_owned()),
    }
}
