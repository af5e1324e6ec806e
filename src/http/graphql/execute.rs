//! Executing a GraphQL request, whatever the transport.

use std::time::Duration;

use async_graphql::ServerError;
use futures_util::FutureExt as _;
use graphql_server::http::Outcome;
use graphql_server::{Kind, Parameters, Prepared};
use tokio::time::timeout;

use super::outcome::{not_executed, status_of};
use crate::access::Principal;
use crate::clock;
use crate::error::ApiError;
use crate::graphql::Api;
use crate::http::limits::FairQueue;
use crate::http::limits::cpu_pool::{self, EXPENSIVE};

/// Added to the request timeout for mutations, which may wait a minute for a job to claim. Once it is
/// submitted, a mutation is committed even if the client no longer waits, so ending it early would tell
/// the client nothing.
const MUTATION_GRACE: Duration = Duration::from_secs(65);

/// Parses and validates a request, in the CPU pool if its document is long.
///
/// # Errors
/// The error to show to the client.
pub async fn prepare(
    api: &Api,
    parameters: Parameters,
    principal: &Principal,
    queue: FairQueue,
) -> Result<Prepared, ServerError> {
    if api.is_cheap_to_prepare(&parameters) {
        return api.prepare(parameters, principal.scope());
    }
    let (api, scope) = (api.clone(), principal.scope().clone());
    cpu_pool::run(queue, 0, async move { api.prepare(parameters, &scope) }).await
}

/// Executes a query or a mutation within a timeout. An expensive one runs in the CPU pool, one at a
/// time for each client.
pub async fn execute_within(
    api: &Api,
    Prepared { request, kind, cost }: Prepared,
    principal: &Principal,
    queue: FairQueue,
    time: Duration,
) -> Outcome {
    let most = if kind == Kind::Mutation { time + MUTATION_GRACE } else { time };
    let principal = principal.clone();
    let is_expensive = cost >= EXPENSIVE;
    let mut api = if is_expensive { api.for_long_queries(queue.statements()) } else { api.clone() };
    if let Some(submitter) = queue.submitter() {
        api = api.for_client(submitter);
    }
    let execution =
        async move { Outcome::of(api.execute(request, &principal, clock::now()).await, status_of) }
            .boxed();
    let response = async {
        if !is_expensive {
            return execution.await;
        }
        if kind == Kind::Mutation {
            // A mutation that waits for a job must not hold the client's slot.
            drop(queue.acquire(cost).await);
            return cpu_pool::spawn(execution).await;
        }
        cpu_pool::run(queue, cost, execution).await
    };
    timeout(most, response).await.unwrap_or_else(|_| not_executed(ApiError::timed_out().into()))
}
