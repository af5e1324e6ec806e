//! Executing subscriptions: each different one once, however many watch it.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Request, Response, ServerError, Value, Variables};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc;

use super::batches::Batches;
use super::subscription::Stage;
use super::{Api, Now, add_codes, loader, set_default_variables};
use crate::access::Viewer;
use crate::clock;
use crate::live::group::{Frame, GroupTask, Payload, Watcher};
use crate::live::source::{Event, Versioned};

/// How often a watcher begins anew when its subscription ends just as it comes.
const TRIES: usize = 3;

/// One who watches a subscription. Dropping it ends that.
pub struct Watching {
    api: Api,
    operation: Operation,
    watcher: Watcher,
    tries: usize,
}

/// A subscription's operation, in the form in which equal ones are the same.
#[derive(Clone)]
struct Operation {
    query: String,
    name: Option<String>,
    variables: Variables,
    document: ExecutableDocument,
    /// What all who watch it may see.
    viewer: Viewer,
}

impl Operation {
    fn key(&self) -> String {
        let rights = self.viewer.group();
        // Variables are sorted by their names.
        let variables = serde_json::to_string(&self.variables).unwrap_or_default();
        format!(
            "{rights}\0{}\0{variables}\0{}",
            self.name.as_deref().unwrap_or_default(),
            self.query
        )
    }

    fn request(&self) -> Request {
        let mut request = Request::new(self.query.clone()).variables(self.variables.clone());
        request.operation_name.clone_from(&self.name);
        request.set_parsed_query(self.document.clone());
        request
    }
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
        flatten_root(&mut document, name.as_deref(), &variables)?;
        let operation = Operation { query, name, variables, document, viewer: viewer.shared() };
        let watcher = self.watcher(&operation);
        Ok(Watching { api: self.clone(), operation, watcher, tries: TRIES })
    }

    fn watcher(&self, operation: &Operation) -> Watcher {
        let (watcher, task) = self.live.watch(&operation.key());
        if let Some(task) = task {
            tokio::spawn(run(self.clone(), operation.clone(), task));
        }
        watcher
    }

    /// Done when the service stops.
    pub async fn stopping(&self) {
        self.live.stopping().cancelled().await;
    }
}

impl Watching {
    /// The next thing to show, as soon as there is one; `None` when the subscription is over.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.watcher.next().await {
                self.tries = 0;
                return Some(frame);
            }
            if self.tries == 0 {
                return None;
            }
            self.tries -= 1;
            self.watcher = self.api.watcher(&self.operation);
        }
    }
}

/// Executes an operation for all who watch it, until nobody does or it is over.
async fn run(api: Api, operation: Operation, mut task: GroupTask) {
    let (events, receiver) = mpsc::channel(1);
    let stage = Stage::new(receiver);
    let mut execution = Execution::new(&api, &operation, &stage, events);
    let mut source = tokio::select! {
        biased;
        refusal = execution.response() => {
            let errors = refusal.map(|response| response.errors).unwrap_or_default();
            let errors = serde_json::to_string(&errors).unwrap_or_else(|_| "[]".to_owned());
            return task.refuse(errors.into()).await;
        }
        source = stage.source() => source,
    };
    while let Some(step) = task.next_step(&mut source).await {
        let mut is_over = false;
        if let Some(Versioned { event, version, is_last }) = step.changes {
            let Some(payload) = execution.show(event).await else { return };
            task.publish(payload, version, is_last);
            is_over |= is_last;
        }
        for (since, Versioned { event, version, is_last }) in step.catch_up {
            let Some(payload) = execution.show(event).await else { return };
            task.answer(since, &payload, version, is_last);
            is_over |= is_last;
        }
        if is_over {
            return;
        }
    }
}

/// An operation that makes a response of each event.
struct Execution {
    events: mpsc::Sender<Event>,
    responses: BoxStream<'static, Response>,
    batches: Batches,
    now: Arc<Now>,
}

impl Execution {
    fn new(
        api: &Api,
        operation: &Operation,
        stage: &Arc<Stage>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let batches = Batches::default();
        let now = Arc::new(Now::at(clock::now()));
        let scope = operation.viewer.scope().clone();
        let request = operation
            .request()
            .data(loader::row_loader(api.db.clone(), scope, batches.clone()))
            .data(operation.viewer.clone())
            .data(Arc::clone(&now))
            .data(Arc::clone(stage));
        Self { events, responses: api.schema.execute_stream(request), batches, now }
    }

    async fn response(&mut self) -> Option<Response> {
        let mut response = self.batches.clone().drive(self.responses.next()).await?;
        add_codes(&mut response);
        Some(response)
    }

    /// What the operation makes of an event.
    async fn show(&mut self, event: Event) -> Option<Payload> {
        self.now.set(clock::now());
        self.events.send(event).await.ok()?;
        let response = self.response().await?;
        Some(Payload::Response(serde_json::to_string(&response).ok()?.into()))
    }
}

/// Puts the fields of fragments at the root of a subscription in their place: the library's
/// execution passes over fragments there.
///
/// # Errors
/// If there is not exactly one root field then, or it is introspection.
fn flatten_root(
    document: &mut ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> Result<(), ServerError> {
    let fragments: HashMap<Name, SelectionSet> = document
        .fragments
        .iter()
        .map(|(name, fragment)| (name.clone(), fragment.node.selection_set.node.clone()))
        .collect();
    let operation = match &mut document.operations {
        DocumentOperations::Single(operation) => Some(operation),
        DocumentOperations::Multiple(operations) => name.and_then(|name| operations.get_mut(name)),
    };
    // Without one, execution says what is wrong.
    let Some(operation) = operation else { return Ok(()) };
    if operation.node.ty != OperationType::Subscription {
        return Ok(());
    }
    let pos = operation.pos;
    let refusal = |message: &str| {
        let mut error = ServerError::new(message, Some(pos));
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", "GRAPHQL_VALIDATION_FAILED");
        error
    };
    let root = std::mem::take(&mut operation.node.selection_set.node);
    let mut fields = Vec::<Positioned<Field>>::new();
    let mut met = Vec::new();
    collect(root, &fragments, variables, &mut met, &mut fields);
    let Some(first) = fields.first() else {
        return Err(refusal("a subscription has exactly one root field, and this one has none"));
    };
    let key = first.node.response_key().node.clone();
    if fields.iter().any(|field| field.node.response_key().node != key) {
        return Err(refusal("a subscription has exactly one root field, and this one has several"));
    }
    if first.node.name.node.starts_with("__") {
        return Err(refusal("a subscription's root field is no introspection"));
    }
    // Of the same field, as validation makes sure.
    let items = fields
        .into_iter()
        .reduce(|mut merged, field| {
            merged.node.selection_set.node.items.extend(field.node.selection_set.node.items);
            merged
        })
        .map(|field| Positioned::new(Selection::Field(field.clone()), field.pos));
    operation.node.selection_set.node = SelectionSet { items: items.into_iter().collect() };
    // A fragment that nobody spreads any more would be refused.
    let mut used = Vec::new();
    spreads(&operation.node.selection_set.node, &mut used);
    let inner = fragments.iter().filter(|(name, _)| !met.contains(name));
    inner.for_each(|(_, set)| spreads(set, &mut used));
    document.fragments.retain(|name, _| !met.contains(name) || used.contains(name));
    Ok(())
}

/// The fragments that are spread in a selection.
fn spreads(set: &SelectionSet, found: &mut Vec<Name>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => spreads(&field.node.selection_set.node, found),
            Selection::InlineFragment(fragment) => {
                spreads(&fragment.node.selection_set.node, found);
            }
            Selection::FragmentSpread(spread) => found.push(spread.node.fragment_name.node.clone()),
        }
    }
}

fn collect(
    set: SelectionSet,
    fragments: &HashMap<Name, SelectionSet>,
    variables: &Variables,
    met: &mut Vec<Name>,
    fields: &mut Vec<Positioned<Field>>,
) {
    for item in set.items {
        if is_left_out(&item.node, variables) {
            continue;
        }
        match item.node {
            Selection::Field(field) => fields.push(field),
            Selection::InlineFragment(fragment) => {
                collect(fragment.node.selection_set.node, fragments, variables, met, fields);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node;
                if let Some(set) = fragments.get(&name).filter(|_| !met.contains(&name)) {
                    met.push(name);
                    collect(set.clone(), fragments, variables, met, fields);
                }
            }
        }
    }
}

/// Whether `@skip` or `@include` leaves it out.
fn is_left_out(selection: &Selection, variables: &Variables) -> bool {
    let directives = match selection {
        Selection::Field(field) => &field.node.directives,
        Selection::FragmentSpread(spread) => &spread.node.directives,
        Selection::InlineFragment(fragment) => &fragment.node.directives,
    };
    directives.iter().any(|directive| {
        let left_out_if = match directive.node.name.node.as_str() {
            "skip" => true,
            "include" => false,
            _ => return false,
        };
        let condition = directive.node.get_argument("if").cloned();
        let value = condition.and_then(|condition| {
            condition.node.into_const_with(|name| variables.get(&name).cloned().ok_or(())).ok()
        });
        value == Some(Value::Boolean(left_out_if))
    })
}
