//! The API over a database: everything that requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_graphql::{Request, Response, ServerError, Value};
use entity::Timestamp;
use graphql_server::{
    Batches, Parameters, Prepared, Rules, SharedOperations, Validator, set_default_variables,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::context::Now;
use super::cost::JobCosts;
use super::loader::row_loader;
use super::scalars::SCALARS;
use super::schema::{Schema, builder, sdl};
use crate::access::{Access, Principal};
use crate::db::Db;
use crate::jobs::argument::TAKE_MAX;
use crate::jobs::scope::Scope;
use crate::live::Live;
use crate::metrics;
use crate::reports::{LeasePolicy, Submitter, WriteQueue};

/// The API over a database.
#[derive(Clone)]
pub struct Api {
    pub(super) schema: Schema,
    pub(super) db: Db,
    pub(super) live: Arc<Live>,
    pub(super) validator: Arc<Validator>,
    access: Access,
    write_queue: WriteQueue,
    lease_policy: LeasePolicy,
    draining: CancellationToken,
    pub(super) operations: Arc<SharedOperations<Principal>>,
    /// The number of executing jobs, for the cost of lists of them.
    executing: Arc<AtomicU64>,
}

impl Api {
    /// An API over the database of the live state, without authentication: every request has the role
    /// admin. Writes go to `write_queue`; agents are told `lease_policy`.
    pub fn new(live: Arc<Live>, write_queue: WriteQueue, lease_policy: LeasePolicy) -> Self {
        Self::with_rules(live, write_queue, lease_policy, Rules::default())
    }

    /// The same API with authentication.
    pub fn with_access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// Authentication.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The queue of writes.
    pub fn write_queue(&self) -> &WriteQueue {
        &self.write_queue
    }

    /// How long the service waits for reports.
    pub fn lease_policy(&self) -> &LeasePolicy {
        &self.lease_policy
    }

    /// Cancelled when the service prepares to stop: readiness fails, requests are still answered.
    pub fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// The same, with rules for documents.
    pub fn with_rules(
        live: Arc<Live>,
        write_queue: WriteQueue,
        lease_policy: LeasePolicy,
        rules: Rules,
    ) -> Self {
        let db = live.db().clone();
        // Depth is limited before, by `analyze`.
        let mut schema = builder().limit_recursive_depth(usize::MAX);
        if rules.no_introspection {
            schema = schema.disable_suggestions().disable_introspection();
        }
        let schema = schema.data(lease_policy).finish();
        let longest_page = TAKE_MAX.unsigned_abs().into();
        Self {
            schema,
            db,
            live,
            validator: Arc::new(Validator::new(&sdl(), SCALARS, longest_page, rules)),
            access: Access::open(),
            write_queue,
            lease_policy,
            draining: CancellationToken::new(),
            operations: Arc::default(),
            executing: Arc::default(),
        }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The live state.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Whether introspection is disabled.
    pub fn hides_schema(&self) -> bool {
        self.validator.rules().no_introspection
    }

    /// The number of executing jobs as last set.
    pub fn executing(&self) -> u64 {
        self.executing.load(Ordering::Relaxed)
    }

    /// Sets the number of executing jobs, which estimates of costs use.
    pub fn set_executing(&self, jobs: u64) {
        self.executing.store(jobs, Ordering::Relaxed);
    }

    /// The same API with the database connections for expensive requests. `queue` limits long statements.
    pub fn for_long_queries(&self, queue: Arc<Semaphore>) -> Self {
        Self { db: self.db.for_long_queries(queue), ..self.clone() }
    }

    /// The same API, with writes charged to a client.
    pub fn for_client(&self, submitter: Submitter) -> Self {
        Self { write_queue: self.write_queue.of_client(submitter), ..self.clone() }
    }

    /// Whether the document of a request is short or in the parse cache.
    pub fn is_cheap_to_prepare(&self, parameters: &Parameters) -> bool {
        self.validator.is_cheap_to_prepare(parameters)
    }

    /// Prepares a request of a principal with this scope for execution.
    ///
    /// # Errors
    /// The error to show to the client.
    pub fn prepare(&self, parameters: Parameters, scope: &Scope) -> Result<Prepared, ServerError> {
        self.validator.prepare(parameters, &JobCosts { scope, executing: self.executing() })
    }

    /// Executes a request with the rights of the principal. `now` is the current time of the response.
    pub async fn execute(
        &self,
        mut request: Request,
        principal: &Principal,
        now: Timestamp,
    ) -> Response {
        set_default_variables(&mut request);
        let batches = Batches::default();
        let loader = row_loader(self.db.clone(), principal.scope().clone(), batches.clone());
        let request = request
            .data(self.db.clone())
            .data(loader)
            .data(principal.clone())
            .data(self.write_queue.clone())
            .data(Arc::new(Now::at(now)));
        let (started, name) = (Instant::now(), request.operation_name.clone());
        let span = tracing::info_span!("operation", name);
        let mut response = batches.drive(self.schema.execute(request)).instrument(span).await;
        self.validator.add_codes(&mut response);
        let outcome = match (response.errors.is_empty(), &response.data) {
            (true, _) => "ok",
            (false, Value::Null) => "failed",
            (false, _) => "partly",
        };
        // Only names of valid documents: clients can send any number of others.
        let is_executed = response.errors.iter().all(|error| !error.path.is_empty());
        metrics::operation(name.as_deref().filter(|_| is_executed), outcome, started.elapsed());
        response
    }
}
