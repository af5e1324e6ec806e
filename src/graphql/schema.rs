//! The schema: its root types, and its text.

use async_graphql::SDLExportOptions;

use super::mutation::Mutation;
use super::query::Query;
use super::subscription::Subscription;

/// The schema's type.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

pub fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation, Subscription)
}

/// The schema in the schema definition language, as `schema.graphql` has it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().prefer_single_line_descriptions();
    builder().finish().sdl_with_options(options)
}
