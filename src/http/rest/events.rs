//! Changes to the executing jobs as server-sent events, for clients without GraphQL.
//!
//! Subscribers with the same parameters share the events, as those of GraphQL subscriptions do.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use entity::{Columns, job};
use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use graphql_server::hub::{Payload, SharedTask, Subscriber};
use serde_json::json;
use tokio::time::timeout;

use super::jobs::selected;
use super::parameters::{RawParameters, RunValues};
use super::problem::Problem;
use super::request::Authenticated;
use super::{route_parameters, values};
use crate::access::Principal;
use crate::http::limits::Client;
use crate::http::site::Site;
use crate::jobs::page::ListedJob;
use crate::jobs::scope::Scope;
use crate::live::Live;
use crate::live::executing_jobs::LiveJob;
use crate::live::source::{Event, Source};
use crate::live::tick::Tick;

/// The longest time between two messages, so that no proxy closes the connection as idle.
const HEARTBEAT: Duration = Duration::from_secs(12);

/// What subscribers share.
struct Subscription {
    scope: Scope,
    /// The grants that all subscribers have.
    principal: Principal,
    columns: Columns<job::Entity>,
    runs: Option<RunValues>,
}

pub async fn executing(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Authenticated(principal): Authenticated,
    raw: RawParameters,
) -> Result<Response, Problem> {
    let given = raw.read(&route_parameters::EXECUTING)?;
    let configuration = given.uuid("configurationId")?;
    let (columns, runs) = selected(&given)?;
    let scope = principal.scope().narrowed(configuration);
    let subscription = Subscription { scope, principal: principal.shared(), columns, runs };
    let expired = async move { principal.expired().await }.boxed();
    let permit = site.limiter.stream(&client)?;
    let subscriber = subscribe(site.api.live(), subscription);
    let start = Some(Bytes::from_static(b"retry: 2000\n\n"));
    let messages = stream::unfold((site, subscriber, start, expired, permit), |state| async {
        let (site, mut subscriber, start, mut expired, permit) = state;
        if let Some(start) = start {
            return Some((Ok::<_, Infallible>(start), (site, subscriber, None, expired, permit)));
        }
        let next = tokio::select! {
            next = timeout(HEARTBEAT, subscriber.next()) => next,
            // The browser reconnects by itself.
            () = site.api.stopping() => return None,
            () = &mut expired => return None,
        };
        let message = match next {
            Err(_) => Bytes::from_static(b":\n\n"),
            Ok(frame) => match frame?.payload {
                Payload::Response(json) => {
                    ["event: executing\ndata: ", json.as_str(), "\n\n"].concat().into()
                }
                Payload::Refusal(_) => return None,
            },
        };
        Some((Ok(message), (site, subscriber, None, expired, permit)))
    });
    let mut response = Body::from_stream(messages.fuse()).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // nginx would buffer the stream.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn subscribe(live: &Arc<Live>, subscription: Subscription) -> Subscriber {
    // Keys of GraphQL operations are JSON arrays, so the two cannot be equal.
    let Subscription { scope, principal, columns, runs } = &subscription;
    let key = format!("REST executing {} {scope:?} {columns:?} {runs:?}", principal.group());
    let (subscriber, task) = live.subscribe(&key);
    if let Some(task) = task {
        tokio::spawn(run(Arc::clone(live), subscription, task));
    }
    subscriber
}

/// Makes the events for all subscribers until the last one leaves.
async fn run(live: Arc<Live>, subscription: Subscription, mut task: SharedTask<Tick>) {
    let mut source = Source::executing(subscription.scope.clone());
    while let Some(step) = live.next_step(&mut task, &mut source).await {
        if let Some(changes) = step.changes {
            let payload = subscription.payload(changes.event);
            task.publish(payload, changes.version, changes.is_last);
        }
        for (since, missed) in step.catch_up {
            let payload = subscription.payload(missed.event);
            task.answer(since, &payload, missed.version, missed.is_last);
        }
    }
}

impl Subscription {
    fn payload(&self, event: Event) -> Payload {
        let update = match event {
            Event::Executing(update) => update,
            // The source emits no other events.
            Event::Run(_) | Event::Counts(_) => Arc::default(),
        };
        let jobs: Vec<_> = update.jobs.iter().map(|live_job| self.job(live_job)).collect();
        let removed: Vec<_> = update
            .removed
            .iter()
            .map(|removal| json!({ "Id": removal.job_id, "State": removal.state.name() }))
            .collect();
        let is_snapshot = update.is_snapshot;
        let json =
            json!({ "IsSnapshot": is_snapshot, "Jobs": jobs, "Removed": removed }).to_string();
        Payload::Response(json.into())
    }

    fn job(&self, LiveJob { job, run }: &LiveJob) -> serde_json::Map<String, serde_json::Value> {
        let listed =
            ListedJob { job: (**job).clone(), run: run.as_ref().map(|run| (**run).clone()) };
        let mut columns = self.columns;
        // Clients need the id to apply the change.
        columns.insert(job::Column::Id);
        values::job(&listed, columns, self.runs.as_ref(), &self.principal)
    }
}
