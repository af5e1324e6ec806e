//! A service with every transport. `cargo run -p graphql-server --example books`, then
//!
//! ```sh
//! curl localhost:8000/graphql -H 'Content-Type: application/json' -d '{"query": "{ books }"}'
//! curl -N localhost:8000/graphql -H 'Content-Type: application/json' \
//!     -H 'Accept: text/event-stream' -d '{"query": "subscription { bookCount }"}'
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, Object, Schema, ServerError};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::Stream;
use graphql_server::http::{
    Accept, Batch, CloseCode, ErrorStatus, Operation, Outcome, Rejection, Session, Upgrade,
    check_content_type, read_body, upgrade,
};
use graphql_server::hub::{Hub, Payload, SharedTask, Subscriber};
use graphql_server::{
    Batches, DocumentError, Execution, Kind, Parameters, Prepared, Rules, SharedOperations,
    SubscriptionOperation, SubscriptionStream, Validator, errors_to_json, open,
    set_default_variables,
};

/// The longest message of a WebSocket.
const MESSAGE_BYTES: usize = 1 << 20;

struct Query;

#[Object]
impl Query {
    async fn books(&self, context: &Context<'_>) -> Vec<String> {
        context.data_unchecked::<Arc<Books>>().titles()
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn add_book(&self, context: &Context<'_>, title: String) -> usize {
        context.data_unchecked::<Arc<Books>>().add(title)
    }
}

struct Subscription;

#[async_graphql::Subscription]
#[allow(clippy::unused_async, reason = "required by async-graphql")]
impl Subscription {
    /// The number of books, and again after each change.
    async fn book_count(&self, context: &Context<'_>) -> impl Stream<Item = usize> + use<> {
        open(context, CountBooks)
    }
}

/// What a subscription shows. Another service has one for each root field.
struct CountBooks;

/// The state, and the subscriptions to it. A tick has nothing to say but that there is a change.
struct Books {
    titles: Mutex<Vec<String>>,
    hub: Arc<Hub<()>>,
}

impl Books {
    fn titles(&self) -> Vec<String> {
        self.titles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, title: String) -> usize {
        let mut titles = self.titles.lock().unwrap_or_else(PoisonError::into_inner);
        titles.push(title);
        self.hub.publish(());
        titles.len()
    }
}

#[derive(Clone)]
struct Service {
    schema: Schema<Query, Mutation, Subscription>,
    validator: Arc<Validator>,
    operations: Arc<SharedOperations<()>>,
    books: Arc<Books>,
}

impl Service {
    fn new() -> Self {
        let books = Arc::new(Books { titles: Mutex::default(), hub: Hub::new() });
        books.hub.set_current(true);
        let schema = Schema::build(Query, Mutation, Subscription).data(Arc::clone(&books)).finish();
        let validator = Validator::new(&schema.sdl(), &[], 100, Rules::default());
        let (validator, operations) = (Arc::new(validator), Arc::default());
        Self { schema, validator, operations, books }
    }

    /// Validates a request. `()` are the costs of fields: only the values of the response count.
    fn prepare(&self, parameters: Parameters) -> Result<Prepared, ServerError> {
        self.validator.prepare(parameters, &())
    }

    async fn execute(&self, Prepared { mut request, .. }: Prepared) -> Outcome {
        set_default_variables(&mut request);
        let mut response = self.schema.execute(request).await;
        self.validator.add_codes(&mut response);
        Outcome::of(response, |_| not_executed_status())
    }

    fn subscribe(&self, prepared: Prepared) -> Result<SubscriptionStream, ServerError> {
        // All subscribers have the same rights.
        let operation = self.operations.share(prepared.request, (), &())?;
        let service = self.clone();
        Ok(SubscriptionStream::new(move || service.subscriber(&operation)))
    }

    fn subscriber(&self, operation: &Arc<SubscriptionOperation<()>>) -> Subscriber {
        let (subscriber, task) = self.books.hub.subscribe(operation.key());
        if let Some(task) = task {
            tokio::spawn(self.clone().run(Arc::clone(operation), task));
        }
        subscriber
    }

    /// Executes an operation for all of its subscribers.
    async fn run(self, operation: Arc<SubscriptionOperation<()>>, mut task: SharedTask<()>) {
        let (schema, validator) = (&self.schema, Arc::clone(&self.validator));
        let started =
            Execution::start(schema, validator, operation.request(), Batches::default()).await;
        let (mut execution, CountBooks) = match started {
            Ok(started) => started,
            Err(errors) => return task.refuse(errors_to_json(&errors)).await,
        };
        while let Some(step) = task.next().await {
            let count = self.books.titles().len();
            let Some(response) = execution.execute(count).await else { return };
            let json = serde_json::to_string(&response).expect("a response is JSON");
            let (payload, version) = (Payload::Response(json.into()), count as u64);
            if step.tick.is_some() {
                task.publish(payload.clone(), version, false);
            }
            for since in step.catch_up {
                task.answer(since, &payload, version, false);
            }
        }
    }
}

fn not_executed_status() -> ErrorStatus {
    ErrorStatus { status: StatusCode::BAD_REQUEST, is_always: false }
}

fn rejected(error: DocumentError) -> Outcome {
    let rejection =
        Rejection { status: StatusCode::BAD_REQUEST, error: error.into(), header: None };
    Outcome::Rejected(Box::new(rejection))
}

async fn post(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    let accept = Accept::of(&headers);
    let read = check_content_type(&headers).and_then(|()| read_body(&body, 0));
    let parameters = match read {
        Ok(Batch::One(parameters)) => parameters,
        // Lists are not read: their longest length is 0.
        Ok(Batch::Several(_)) => return StatusCode::BAD_REQUEST.into_response(),
        Err(error) => return rejected(error).respond(accept),
    };
    let not_executed = |error| {
        let (errors, status) = (vec![error], not_executed_status());
        Outcome::NotExecuted { errors, status }.respond(accept)
    };
    let prepared = match service.prepare(parameters) {
        Ok(prepared) => prepared,
        Err(error) => return not_executed(error),
    };
    match (prepared.kind, accept.stream()) {
        (Kind::Subscription, Some(format)) => match service.subscribe(prepared) {
            Ok(frames) => format.subscribe(frames, std::future::pending(), ()),
            Err(error) => not_executed(error),
        },
        (Kind::Subscription, None) => StatusCode::NOT_ACCEPTABLE.into_response(),
        _ => service.execute(prepared).await.respond(accept),
    }
}

/// A WebSocket.
struct Connection(Service);

impl Session for Connection {
    async fn init(&mut self, _payload: Option<serde_json::Value>) -> Result<(), CloseCode> {
        Ok(())
    }

    async fn start(&mut self, parameters: Parameters) -> Result<Operation, Vec<ServerError>> {
        let service = self.0.clone();
        let prepared = service.prepare(parameters).map_err(|error| vec![error])?;
        if prepared.kind == Kind::Subscription {
            let frames = service.subscribe(prepared).map_err(|error| vec![error])?;
            return Ok(Operation::subscription(frames, ()));
        }
        Ok(Operation::once(async move { service.execute(prepared).await.into_payload() }))
    }
}

async fn socket(State(service): State<Service>, request: Option<Upgrade>) -> Response {
    match request {
        Some(request) => upgrade(request, MESSAGE_BYTES, Connection(service)),
        None => StatusCode::UPGRADE_REQUIRED.into_response(),
    }
}

pub fn router() -> axum::Router {
    axum::Router::new().route("/graphql", get(socket).post(post)).with_state(Service::new())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    axum::serve(listener, router()).await
}
