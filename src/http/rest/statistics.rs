//! The route for statistics.

use axum::extract::{Extension, State};
use axum::response::Response;

use super::filter;
use super::parameters::RawParameters;
use super::problem::Problem;
use super::request::{Authenticated, respond};
use super::route_parameters;
use super::values;
use crate::clock;
use crate::db::Db;
use crate::http::limits::Client;
use crate::http::site::Site;
use crate::jobs::statistics::query::Query;
use crate::jobs::statistics::{read, record};

/// What finished, by time and group.
pub async fn statistics(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Authenticated(principal): Authenticated,
    raw: RawParameters,
) -> Result<Response, Problem> {
    let given = raw.read(&route_parameters::STATISTICS)?;
    let conditions = filter::conditions(&site, &given)?.into_statistics()?;
    let query = Query::new(
        conditions,
        given.moment("from")?,
        given.moment("to")?,
        given.one_of("bucket")?,
        given.list_of("groupBy")?,
        clock::now(),
    )?;
    let cost = query.cost(principal.scope()) + query.groups() * record::VALUES.len() as u64;
    let make = async move |db: Db| {
        let found = read::read(&db, principal.scope(), &query).await?;
        values::json(&found.iter().map(record::object).collect::<Vec<_>>())
    };
    // The future of so many summaries is large.
    Box::pin(respond(&site, &client, cost, make)).await
}
