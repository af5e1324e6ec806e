//! What a public GraphQL service needs around [`async_graphql`] and [`axum`], for any schema. It knows
//! nothing of what the schema is about.
//!
//! **Requests.** [`Validator::prepare`] checks a request before async-graphql validates it:
//! - [`ParseCache`] parses documents and caches the parsed form. Syntax errors name the unexpected token
//!   and its position.
//! - [`Limits`] bounds bytes, tokens, depth, fields, aliases, directives, root fields and variables. Each
//!   limit has its own [`ErrorCode`].
//! - [`cost`] estimates the number of values in the response. A service tells the costs of its fields
//!   by [`FieldCosts`].
//! - Variables are checked against their types, with messages that name the variable and an example.
//! - [`Persisted`] finds documents by id or hash: automatic persisted queries, or an allow-list.
//!
//! **Execution.** [`Batches`] runs the DataLoaders of a request when all of its resolvers are blocked, so
//! a batch is complete without a timer.
//!
//! **Subscriptions.** Equal subscriptions are executed once for all of their subscribers. The [`hub`]
//! keeps a replay buffer of serialised frames for each; an [`Execution`] makes them from events.
//!
//! **Transports.** [`http`] has GraphQL over HTTP with content negotiation, WebSockets by
//! `graphql-transport-ws`, server-sent events and multipart. Authentication and limits of clients are
//! the service's, by [`http::Session`] for a WebSocket and around its handlers otherwise.
//!
//! `examples/books.rs` is a whole service. This is the way of a query:
//!
//! ```
//! use std::collections::HashMap;
//! use std::time::Duration;
//!
//! use async_graphql::dataloader::{DataLoader, Loader};
//! use async_graphql::{Context, EmptyMutation, EmptySubscription, Error, Object, Schema};
//! use async_graphql::ServerError;
//! use graphql_server::{Batches, Parameters, Rules, Validator};
//!
//! struct Titles;
//!
//! impl Loader<u32> for Titles {
//!     type Value = String;
//!     type Error = Error;
//!
//!     async fn load(&self, ids: &[u32]) -> Result<HashMap<u32, String>, Error> {
//!         // In a service: one statement for all ids.
//!         Ok(ids.iter().map(|id| (*id, format!("Book {id} of {}", ids.len()))).collect())
//!     }
//! }
//!
//! struct Book(u32);
//!
//! #[Object]
//! impl Book {
//!     async fn title(&self, context: &Context<'_>) -> Result<Option<String>, Error> {
//!         context.data_unchecked::<DataLoader<Titles>>().load_one(self.0).await
//!     }
//! }
//!
//! struct Query;
//!
//! #[Object]
//! impl Query {
//!     async fn books(&self) -> Vec<Book> {
//!         vec![Book(1), Book(2)]
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
//! let validator = Validator::new(&schema.sdl(), &[], 100, Rules::default());
//! let request = |query: &str| Parameters { query: Some(query.to_owned()), ..Default::default() };
//!
//! let request_of_books = validator.prepare(request("{ books { title } }"), &())?.request;
//! let batches = Batches::default();
//! let spawner = { let batches = batches.clone(); move |batch| batches.add(batch) };
//! let loader = DataLoader::new(Titles, spawner).delay(Duration::ZERO);
//! let response = batches.drive(schema.execute(request_of_books.data(loader))).await;
//! assert_eq!(
//!     response.data.to_string(),
//!     r#"{books: [{title: "Book 1 of 2"}, {title: "Book 2 of 2"}]}"#
//! );
//!
//! // Each of these would be expanded by async-graphql.
//! let bomb = "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A }";
//! let error = validator.prepare(request(bomb), &()).unwrap_err();
//! assert_eq!(error.extensions.unwrap().get("code"), Some(&"GRAPHQL_VALIDATION_FAILED".into()));
//! # Ok::<_, ServerError>(())
//! # }).unwrap();
//! ```

mod analyze;
mod arguments;
mod batches;
mod bridge;
pub mod cost;
mod documentation;
mod error;
mod execution;
pub mod http;
pub mod hub;
mod inputs;
mod limits;
pub mod names;
mod operation;
mod parse_cache;
mod persisted;
mod request;
mod root_field;
mod rules;
mod subscription;
mod syntax_error;
mod tokens;

pub use analyze::DocumentStats;
pub use batches::Batches;
pub use bridge::open;
pub use cost::{FieldCosts, FieldUse};
pub use documentation::Documentation;
pub use error::{DocumentError, ErrorCode};
pub use execution::{Execution, errors_to_json};
pub use inputs::{Scalar, is_whole};
pub use limits::Limits;
pub use operation::{SharedOperations, SubscriptionOperation};
pub use parse_cache::{ParseCache, ParsedDocument};
pub use persisted::{DocumentReference, Found, Persisted, RecentDocuments};
pub use request::{Kind, Parameters, Prepared, Validator, set_default_variables};
pub use root_field::flatten;
pub use rules::Rules;
pub use subscription::SubscriptionStream;
