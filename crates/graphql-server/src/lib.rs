//! What a public GraphQL service needs around [`async_graphql`], for any schema:
//!
//! - [`ParseCache`] parses documents, checks them against [`Rules`] before async-graphql validates
//!   them, and caches the parsed form. Syntax errors name the unexpected token and its position.
//! - [`Limits`] bounds bytes, tokens, depth, fields, aliases, directives, root fields and variables.
//!   Each limit has its own [`ErrorCode`].
//! - [`Persisted`] finds documents by id or hash: automatic persisted queries, or an allow-list.
//! - [`Batches`] runs the DataLoaders of a request when all of its resolvers are blocked, so a batch
//!   is complete without a timer.
//! - [`flatten`] reduces a subscription to its one root field, as GraphQL requires.
//!
//! ```
//! use std::collections::HashMap;
//! use std::time::Duration;
//!
//! use async_graphql::dataloader::{DataLoader, Loader};
//! use async_graphql::{Context, EmptyMutation, EmptySubscription, Error, Object, Request, Schema};
//! use async_graphql::ServerError;
//! use graphql_server::{Batches, DocumentReference, ParseCache, Rules};
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
//! let (documents, rules) = (ParseCache::default(), Rules::default());
//!
//! let query = Some("{ books { title } }".to_owned());
//! let found = rules.persisted.find(DocumentReference { query, ..Default::default() })?;
//! let parsed = documents.parse(&found.text, &rules)?;
//! let mut request = Request::new(&*found.text);
//! request.set_parsed_query(parsed.document.clone());
//! rules.persisted.cache(found);
//!
//! let batches = Batches::default();
//! let spawner = { let batches = batches.clone(); move |batch| batches.add(batch) };
//! let loader = DataLoader::new(Titles, spawner).delay(Duration::ZERO);
//! let response = batches.drive(schema.execute(request.data(loader))).await;
//! assert_eq!(
//!     response.data.to_string(),
//!     r#"{books: [{title: "Book 1 of 2"}, {title: "Book 2 of 2"}]}"#
//! );
//!
//! // Each of these would be expanded by async-graphql.
//! let bomb = "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A }";
//! let error = documents.parse(bomb, &rules).unwrap_err();
//! assert_eq!(error.code.name(), "GRAPHQL_VALIDATION_FAILED");
//! # Ok::<_, ServerError>(())
//! # }).unwrap();
//! ```

mod analyze;
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
