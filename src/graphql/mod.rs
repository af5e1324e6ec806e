//! The GraphQL API: object types over the tables' columns, the root fields, and executing a
//! request. Holds no SQL.

mod arguments;
mod batches;
pub mod cost;
mod documents;
mod inputs;
mod loader;
mod measure;
mod mutation;
mod object;
mod operation;
mod persisted;
mod pieces;
mod query;
mod request;
mod root_field;
mod selection;
mod shape;
mod subscription;
mod syntax_error;
mod tokens;
mod watching;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use async_graphql::{Context, Guard, Name, Request, Response, SDLExportOptions, Value};
use entity::Timestamp;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::access::{Access, Right, Role, Viewer};
use crate::db::Db;
use crate::error::Error;
use crate::live::Live;
use crate::metrics;
use crate::reports::{Patience, Reports, Submitter};
use batches::Batches;
use cost::Costs;
use documents::Documents;
use inputs::Inputs;
use mutation::Mutation;
use operation::Operations;
pub use persisted::Persisted;
use pieces::Boards;
use query::Query;
pub use request::{Admitted, Kind, Parameters, Rules};
use subscription::Subscription;
pub use watching::{Watching, errors_to_json};

/// The schema's type.
type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Errors that one answer has at most: a document can be wrong in thousands of places.
const ERRORS: usize = 20;

/// The API over a database.
#[derive(Clone)]
pub struct Api {
    schema: Schema,
    db: Db,
    live: Arc<Live>,
    documents: Arc<Documents>,
    costs: Arc<Costs>,
    inputs: Arc<Inputs>,
    rules: Arc<Rules>,
    access: Access,
    reports: Reports,
    draining: CancellationToken,
    operations: Arc<Operations>,
    boards: Arc<Boards>,
    executing: Arc<AtomicU64>,
}

impl Api {
    /// Over the live side's database. Reports go to the writer behind `reports`; `patience` is what
    /// agents are told of it. Everyone is let in as an admin.
    pub fn new(live: Arc<Live>, reports: Reports, patience: Patience) -> Self {
        Self::with_rules(live, reports, patience, Rules::default())
    }

    /// The same API, which lets in whom `access` does.
    pub fn with_access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// Who is let in.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The way to the writer.
    pub fn reports(&self) -> &Reports {
        &self.reports
    }

    /// From when this is cancelled, new requests had better go elsewhere.
    pub fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// The same, with rules of what may be asked.
    pub fn with_rules(live: Arc<Live>, reports: Reports, patience: Patience, rules: Rules) -> Self {
        let db = live.db().clone();
        // Documents are measured before they get there.
        let mut schema = builder().limit_recursive_depth(usize::MAX);
        if rules.no_introspection {
            schema = schema.disable_suggestions().disable_introspection();
        }
        let schema = schema.data(patience).finish();
        let sdl = sdl();
        Self {
            schema,
            db,
            live,
            documents: Arc::default(),
            costs: Arc::new(Costs::of_schema(&sdl)),
            inputs: Arc::new(Inputs::of_schema(&sdl, !rules.no_introspection)),
            rules: Arc::new(rules),
            access: Access::open(),
            reports,
            draining: CancellationToken::new(),
            operations: Arc::default(),
            boards: Arc::default(),
            executing: Arc::default(),
        }
    }

    /// The database that it is about.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// What happens now.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Whether clients are not told what the schema has.
    pub fn hides_schema(&self) -> bool {
        self.rules.no_introspection
    }

    /// How many jobs execute, as far as was said.
    pub fn executing(&self) -> u64 {
        self.executing.load(Ordering::Relaxed)
    }

    /// Says how many jobs execute, for estimates of what lists of them take.
    pub fn say_executing(&self, jobs: u64) {
        self.executing.store(jobs, Ordering::Relaxed);
    }

    /// The same API for what takes long.
    pub fn for_heavy_work(&self, queue: Arc<Semaphore>) -> Self {
        Self { db: self.db.for_heavy_work(queue), ..self.clone() }
    }

    /// The same API for one client.
    pub fn for_client(&self, submitter: Submitter) -> Self {
        Self { reports: self.reports.of_client(submitter), ..self.clone() }
    }

    /// Answers a request with what the viewer may see. `now` is what the answer takes for the
    /// present.
    pub async fn execute(&self, mut request: Request, viewer: &Viewer, now: Timestamp) -> Response {
        set_default_variables(&mut request);
        let batches = Batches::default();
        let loader = loader::row_loader(self.db.clone(), viewer.scope().clone(), batches.clone());
        let request = request
            .data(self.db.clone())
            .data(loader)
            .data(viewer.clone())
            .data(self.reports.clone())
            .data(Arc::new(Now::at(now)));
        let (started, name) = (Instant::now(), request.operation_name.clone());
        let span = tracing::info_span!("operation", name);
        let mut response = batches.drive(self.schema.execute(request)).instrument(span).await;
        add_codes(&mut response);
        let outcome = match (response.errors.is_empty(), &response.data) {
            (true, _) => "ok",
            (false, Value::Null) => "failed",
            (false, _) => "partly",
        };
        // Only names of documents that fit the schema: anybody can send others.
        let is_executed = response.errors.iter().all(|error| !error.path.is_empty());
        metrics::operation(name.as_deref().filter(|_| is_executed), outcome, started.elapsed());
        response
    }
}

/// Gives each error a code that programs can switch on, and leaves out errors beyond [`ERRORS`].
fn add_codes(response: &mut Response) {
    response.errors.truncate(ERRORS);
    for error in &mut response.errors {
        // The library names the type of a literal alone.
        let scalar = error.message.rsplit_once("expected type \"").map(|(_, scalar)| scalar);
        if let Some(form) = scalar.and_then(|scalar| inputs::form_of(scalar.strip_suffix('"')?)) {
            error.message = format!("{}: {form}", error.message);
        }
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            // Only the library's own errors have none: a document that does not fit the
            // schema, or an argument that a scalar or an enum could not read.
            let code =
                if error.path.is_empty() { "GRAPHQL_VALIDATION_FAILED" } else { "BAD_USER_INPUT" };
            extensions.set("code", code);
        }
    }
}

/// What an answer takes for the present. A subscription's answers come one after the other.
struct Now(AtomicI64);

impl Now {
    fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.micros()))
    }

    fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::Relaxed);
    }

    fn get(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed)).unwrap_or_default()
    }
}

/// Gives variables that were not sent the values that the operation has for them. The library
/// does so for arguments, but not where it decides what `@skip` and `@include` leave out.
fn set_default_variables(request: &mut Request) {
    let name = request.operation_name.as_ref().map(Name::new);
    // A document that cannot be parsed has none; executing it says why.
    let Ok(document) = request.parsed_query() else { return };
    let defaults: Vec<_> = document
        .operations
        .iter()
        .filter(|(each, _)| name.is_none() || *each == name.as_ref())
        .flat_map(|(_, operation)| &operation.node.variable_definitions)
        .filter_map(|variable| {
            let default = variable.node.default_value.as_ref()?;
            Some((variable.node.name.node.clone(), default.node.clone()))
        })
        .collect();
    for (name, default) in defaults {
        request.variables.entry(name).or_insert(default);
    }
}

/// Who asks.
fn viewer<'a>(context: &Context<'a>) -> &'a Viewer {
    context.data_unchecked::<Viewer>()
}

/// Lets through whose role has this right.
struct May(Right);

impl Guard for May {
    async fn check(&self, context: &Context<'_>) -> async_graphql::Result<()> {
        if viewer(context).may(self.0) {
            return Ok(());
        }
        let roles: Vec<_> =
            Role::ALL.into_iter().filter(|role| role.may(self.0)).map(Role::name).collect();
        Err(Error::Forbidden(format!("this takes the role {}", roles.join(" or "))).into())
    }
}

fn patience<'a>(context: &Context<'a>) -> &'a Patience {
    context.data_unchecked::<Patience>()
}

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation, Subscription)
}

/// The schema in the schema definition language, as `schema.graphql` has it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().prefer_single_line_descriptions();
    builder().finish().sdl_with_options(options)
}
