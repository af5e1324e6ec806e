//! The domain: reading jobs and runs. Knows no GraphQL and no HTTP; plain functions over a
//! connection.

pub mod argument;
pub mod conditions;
pub mod counts;
pub mod cursor;
pub mod derived;
pub mod due;
pub mod estimates;
pub mod failures;
pub mod filter;
pub mod list;
pub mod order;
pub mod page;
mod part;
mod predicates;
mod probe;
pub mod retention;
pub mod rows;
pub mod scope;
pub mod search;
mod states;
pub mod statistics;
pub mod store;
