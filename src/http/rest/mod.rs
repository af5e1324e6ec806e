//! The seed's REST routes, over the same code as GraphQL.

mod problem;

use axum::Router;

use super::Site;
pub use problem::Problem;

pub fn routes() -> Router<Site> {
    Router::new()
}
