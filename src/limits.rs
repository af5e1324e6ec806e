//! What a document may ask for, as options of `serve`. A request beyond a limit is refused with a code of
//! the limit's own and both numbers in `extensions`.

use clap::Args;
use graphql_server::Limits;

/// Defines the options, each with its doc comment, its name in [`Limits`], which is that of the option,
/// its type, the unit of its value and its variable.
macro_rules! limit_options {
    ($(
        $(#[doc = $line:literal])+
        $name:ident: $type:ty = $unit:literal, $variable:literal $(, $parser:expr)?;
    )+) => {
        /// How much a GraphQL document may ask for. The defaults are several times what GraphiQL and a
        /// dashboard need, and little enough that a document which is just within them is checked in
        /// milliseconds.
        #[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
        pub struct LimitOptions {
            $(
                $(#[doc = $line])+
                #[arg(
                    long,
                    value_name = $unit,
                    env = $variable,
                    default_value_t = Limits::DEFAULT.$name,
                    $(value_parser = $parser)?
                )]
                pub $name: $type,
            )+
        }

        impl From<LimitOptions> for Limits {
            fn from(LimitOptions { $($name),+ }: LimitOptions) -> Self {
                Self { $($name),+ }
            }
        }
    };
}

limit_options! {
    /// Bytes that a document may have.
    max_document_bytes: usize = "BYTES", "AGENT_JOBS_MAX_DOCUMENT_BYTES";
    /// Tokens that a document may have: names, values, punctuation.
    max_tokens: usize = "N", "AGENT_JOBS_MAX_TOKENS";
    /// Fields that may be within one another, at most 50.
    max_depth: usize = "N", "AGENT_JOBS_MAX_DEPTH", depth;
    /// Fields and fragments that a document may select, with each fragment written out wherever
    /// it is spread.
    max_fields: usize = "N", "AGENT_JOBS_MAX_FIELDS";
    /// Fields that an operation may give another name.
    max_aliases: usize = "N", "AGENT_JOBS_MAX_ALIASES";
    /// Directives that a document may have.
    max_directives: usize = "N", "AGENT_JOBS_MAX_DIRECTIVES";
    /// Root fields that an operation may have.
    max_root_fields: usize = "N", "AGENT_JOBS_MAX_ROOT_FIELDS";
    /// Variables that a document may define.
    max_variables: usize = "N", "AGENT_JOBS_MAX_VARIABLES";
    /// Values within the variables, times how often the document uses variables.
    max_variable_values: usize = "N", "AGENT_JOBS_MAX_VARIABLE_VALUES";
    /// Values that an answer may have, estimated: a list counts as many times as it may be long.
    max_complexity: u64 = "N", "AGENT_JOBS_MAX_COMPLEXITY";
}

fn depth(text: &str) -> Result<usize, String> {
    match text.parse() {
        // The parser itself goes no deeper than 64.
        Ok(depth @ 1..=50) => Ok(depth),
        _ => Err("expected a number from 1 to 50".to_owned()),
    }
}
