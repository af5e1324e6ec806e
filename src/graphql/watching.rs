//! Executing subscriptions: each different one once, however many watch it.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Pos, Request, Response, ServerError, Value};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::batches::Batches;
use super::operation::Operation;
use super::pieces::Seat;
use super::shape::Shape;
use super::subscription::Stage;
use super::{Api, Now, add_codes, loader, root_field, set_default_variables};
use crate::access::Viewer;
use crate::clock;
use crate::error::Error;
use crate::live::group::{Frame, GroupTask, Payload, Watcher};
use crate::live::source::{Event, Source, Versioned};

/// How often in a row a watcher begins anew without having seen anything.
const TRIES: usize = 3;

/// How often something is shown that cannot be, for a reason that may pass.
const ATTEMPTS: usize = 3;

/// How long to wait before it is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// One who watches a subscription. Dropping it ends that.
pub struct Watching {
    api: Api,
    operation: Arc<Operation>,
    watcher: Watcher,
    tries: usize,
    is_over: bool,
}

impl Api {
    /// Watches a subscription, of which the viewer gets what it may see. When the viewer is over is
    /// for the caller to notice.
    ///
    /// # Errors
    /// If its document has not exactly one root field, as GraphQL demands (section 5.2.3.1).
    pub fn watch(&self, mut request: Request, viewer: &Viewer) -> Result<Watching, ServerError> {
        set_default_variables(&mut request);
        let query = request.query.clone();
        let name = request.operation_name.clone();
        let variables = request.variables.clone();
        let mut document = request.parsed_query()?.clone();
        root_field::flatten(&mut document, name.as_deref(), &variables)?;
        let viewer = viewer.shared();
        let operation = Operation { query, name, variables, document, viewer };
        let operation = self.operations.share(operation);
        let watcher = self.watcher(&operation);
        Ok(Watching { api: self.clone(), operation, watcher, tries: TRIES, is_over: false })
    }

    fn watcher(&self, operation: &Arc<Operation>) -> Watcher {
        let (watcher, task) = self.live.watch(&operation.key());
        if let Some(task) = task {
            tokio::spawn(run(self.clone(), Arc::clone(operation), task));
        }
        watcher
    }

    /// The connections that are no requests any more, which the service lets say goodbye.
    pub fn connections(&self) -> &TaskTracker {
        self.live.connections()
    }

    /// Done when the service stops.
    pub async fn stopping(&self) {
        self.live.stopping().cancelled().await;
    }
}

impl Watching {
    /// The next thing to show, as soon as there is one; `None` when the subscription is over.
    pub async fn next(&mut self) -> Option<Frame> {
        while !self.is_over {
            if let Some(frame) = self.watcher.next().await {
                self.tries = TRIES;
                return Some(frame);
            }
            if self.watcher.is_over() {
                break;
            }
            // The group has ended without this one: just as it came, before it saw the last frame,
            // or by a defect. A new one shows it all there is.
            if self.tries == 0 {
                self.is_over = true;
                let error = async_graphql::Error::from(Error::Internal);
                return Some(Frame::refusal(errors_to_json(&[
                    error.into_server_error(Pos::default())
                ])));
            }
            self.tries -= 1;
            self.watcher = self.api.watcher(&self.operation);
        }
        None
    }
}

/// Executes an operation for all who watch it, until nobody does or it is over.
async fn run(api: Api, operation: Arc<Operation>, mut task: GroupTask) {
    let (mut execution, mut source) =
        match Execution::begin(&api, operation.request(), &operation.viewer).await {
            Ok(begun) => begun,
            Err(errors) => return task.refuse(errors_to_json(&errors)).await,
        };
    let mut seat = match &source {
        Source::Executing { scope, .. } => {
            Shape::of(&operation).map(|shape| api.boards.join(&operation.viewer, scope, shape))
        }
        Source::Run { .. } | Source::Counts { .. } => None,
    };
    while let Some(step) = task.next_step(&mut source).await {
        let mut is_over = false;
        if let Some(Versioned { event, version, is_last }) = step.changes {
            let Some(payload) = show(&api, &mut execution, seat.as_mut(), event).await else {
                return;
            };
            task.publish(payload, version, is_last);
            is_over |= is_last;
        }
        for (since, Versioned { event, version, is_last }) in step.catch_up {
            let Some(payload) = show(&api, &mut execution, seat.as_mut(), event).await else {
                return;
            };
            task.answer(since, &payload, version, is_last);
            is_over |= is_last;
        }
        if is_over {
            return;
        }
    }
}

/// What an operation makes of an event: put together from what others show, too, or else by itself.
async fn show(
    api: &Api,
    execution: &mut Execution,
    seat: Option<&mut Seat>,
    event: Event,
) -> Option<Payload> {
    if let (Some(seat), Event::Executing(update)) = (seat, &event)
        && let Some(response) = seat.show(api, update).await
    {
        return Some(Payload::Response(Arc::new(response)));
    }
    execution.show(event).await
}

/// An operation that makes a response of each event.
pub(super) struct Execution {
    events: mpsc::Sender<Event>,
    responses: BoxStream<'static, Response>,
    batches: Batches,
    now: Arc<Now>,
}

impl Execution {
    /// Begins an operation, and tells what it watches.
    ///
    /// # Errors
    /// If it cannot be executed.
    pub async fn begin(
        api: &Api,
        request: Request,
        viewer: &Viewer,
    ) -> Result<(Self, Source), Vec<ServerError>> {
        let (events, receiver) = mpsc::channel(1);
        let stage = Stage::new(receiver);
        let batches = Batches::default();
        let now = Arc::new(Now::at(clock::now()));
        let scope = viewer.scope().clone();
        let request = request
            .data(api.db.clone())
            .data(loader::row_loader(api.db.clone(), scope, batches.clone()))
            .data(viewer.clone())
            .data(Arc::clone(&now))
            .data(Arc::clone(&stage));
        let responses = api.schema.execute_stream(request);
        let mut execution = Self { events, responses, batches, now };
        tokio::select! {
            biased;
            refusal = execution.response() => {
                Err(refusal.map(|response| response.errors).unwrap_or_default())
            }
            source = stage.source() => Ok((execution, source)),
        }
    }

    async fn response(&mut self) -> Option<Response> {
        let mut response = self.batches.clone().drive(self.responses.next()).await?;
        add_codes(&mut response);
        Some(response)
    }

    /// What the operation makes of an event at the first attempt.
    pub async fn try_show(&mut self, event: Event) -> Option<Response> {
        self.now.set(clock::now());
        self.events.send(event).await.ok()?;
        self.response().await
    }

    /// What the operation makes of an event.
    async fn show(&mut self, event: Event) -> Option<Payload> {
        let mut attempts = 1;
        loop {
            let response = self.try_show(event.clone()).await?;
            // A frame that is spoilt would be a change that nobody sees.
            let may_pass = has_code(&response, Error::Unavailable.code())
                || attempts < ATTEMPTS && has_code(&response, Error::Internal.code());
            if !may_pass {
                return Some(Payload::Response(serde_json::to_string(&response).ok()?.into()));
            }
            attempts += 1;
            sleep(RETRY).await;
        }
    }
}

fn has_code(response: &Response, code: &str) -> bool {
    response.errors.iter().any(|error| {
        let extensions = error.extensions.as_ref();
        extensions.and_then(|extensions| extensions.get("code")) == Some(&Value::from(code))
    })
}

/// Errors as a [`Payload::Refusal`] has them.
pub fn errors_to_json(errors: &[ServerError]) -> Arc<String> {
    serde_json::to_string(errors).unwrap_or_else(|_| "[]".to_owned()).into()
}
