//! What the handlers share: authentication, and executing a request within its limits.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use tokio::time::timeout;

use super::problem::Problem;
use crate::access::Principal;
use crate::db::Db;
use crate::error::ApiError;
use crate::http::auth::authenticate::authenticate;
use crate::http::auth::origin::origin_allowed;
use crate::http::limits::Client;
use crate::http::limits::cpu_pool::{self, EXPENSIVE};
use crate::http::rejection::Rejection;
use crate::http::site::Site;

/// The principal of a request.
pub struct Authenticated(pub Principal);

impl FromRequestParts<Site> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Problem> {
        if !origin_allowed(&parts.headers, &site.options.cors_origins) {
            return Err(Rejection::cross_site().into());
        }
        Ok(Self(authenticate(&site.api, &parts.method, &parts.headers).await?))
    }
}

/// Makes a response within the request timeout. One of a high `cost` is made in the CPU pool, one at a
/// time for each client.
pub async fn respond<F: Future<Output = Result<Response, Problem>> + Send + 'static>(
    site: &Site,
    client: &Client,
    cost: u64,
    make: impl FnOnce(Db) -> F,
) -> Result<Response, Problem> {
    let db = site.api.db();
    within(site, async {
        if cost < EXPENSIVE {
            return make(db.clone()).await;
        }
        let queue = site.limiter.queue(client);
        let db = db.for_long_queries(queue.statements());
        let response = make(db.clone());
        cpu_pool::run(queue, cost, async move {
            let _permit = db.long_query_permit().await;
            response.await
        })
        .await
    })
    .await
}

/// The result of a future within the request timeout.
pub async fn within<T, E: Into<Problem>>(
    site: &Site,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, Problem> {
    match timeout(site.options.request_timeout, future).await {
        Ok(result) => result.map_err(E::into),
        Err(_) => Err(ApiError::timed_out().into()),
    }
}
