//! The executing jobs as they change, as server-sent events: for whoever has no GraphQL.
//!
//! What is sent comes from the same groups as GraphQL's subscriptions: those who ask for the same share
//! the making of each event.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use entity::{Columns, job, job_run};
use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use serde_json::json;
use tokio::time::timeout;

use super::jobs::picked;
use super::parameters::{self, RawParameters};
use super::{Asking, Problem, values};
use crate::access::Viewer;
use crate::http::Site;
use crate::http::clients::Client;
use crate::jobs::page::Listed;
use crate::jobs::scope::Scope;
use crate::live::Live;
use crate::live::group::{GroupTask, Payload, Watcher};
use crate::live::picture::Watched;
use crate::live::source::{Event, Source};

/// How often something is sent at least, so that nobody on the way takes the connection for dead.
const BEAT: Duration = Duration::from_secs(12);

/// What is watched.
struct Wanted {
    scope: Scope,
    /// What those who share it may know of those who watch.
    viewer: Viewer,
    columns: Columns<job::Entity>,
    runs: Option<Columns<job_run::Entity>>,
}

pub async fn executing(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Asking(viewer): Asking,
    raw: RawParameters,
) -> Result<Response, Problem> {
    let given = raw.read(&parameters::EXECUTING)?;
    let configuration = given.uuid("configurationId")?;
    let (columns, runs) = picked(&given)?;
    let scope = viewer.scope().narrowed(configuration);
    let wanted = Wanted { scope, viewer: viewer.shared(), columns, runs };
    let over = async move { viewer.over().await }.boxed();
    let place = site.clients.stream(&client)?;
    let watcher = watch(site.api.live(), wanted);
    let start = Some(Bytes::from_static(b"retry: 2000\n\n"));
    let pieces = stream::unfold((site, watcher, start, over, place), |state| async {
        let (site, mut watcher, start, mut over, place) = state;
        if let Some(start) = start {
            return Some((Ok::<_, Infallible>(start), (site, watcher, None, over, place)));
        }
        let next = tokio::select! {
            next = timeout(BEAT, watcher.next()) => next,
            // The browser connects again by itself.
            () = site.api.stopping() => return None,
            () = &mut over => return None,
        };
        let piece = match next {
            Err(_) => Bytes::from_static(b":\n\n"),
            Ok(frame) => match frame?.payload {
                Payload::Response(json) => {
                    ["event: executing\ndata: ", json.as_str(), "\n\n"].concat().into()
                }
                Payload::Refusal(_) => return None,
            },
        };
        Some((Ok(piece), (site, watcher, None, over, place)))
    });
    let mut response = Body::from_stream(pieces.fuse()).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // nginx would collect what is to be shown now.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn watch(live: &Arc<Live>, wanted: Wanted) -> Watcher {
    // GraphQL's keys begin with an operation's name, which has no space.
    let Wanted { scope, viewer, columns, runs } = &wanted;
    let key = format!("REST executing {} {scope:?} {columns:?} {runs:?}", viewer.group());
    let (watcher, task) = live.watch(&key);
    if let Some(task) = task {
        tokio::spawn(run(wanted, task));
    }
    watcher
}

/// Makes the events for all who watch the same, until nobody does.
async fn run(wanted: Wanted, mut task: GroupTask) {
    let mut source = Source::executing(wanted.scope.clone());
    while let Some(step) = task.next_step(&mut source).await {
        if let Some(changes) = step.changes {
            task.publish(wanted.payload(changes.event), changes.version, changes.is_last);
        }
        for (since, missed) in step.catch_up {
            let payload = wanted.payload(missed.event);
            task.answer(since, &payload, missed.version, missed.is_last);
        }
    }
}

impl Wanted {
    fn payload(&self, event: Event) -> Payload {
        let update = match event {
            Event::Executing(update) => update,
            // The source gives no others.
            Event::Run(_) | Event::Counts(_) => Arc::default(),
        };
        let jobs: Vec<_> = update.jobs.iter().map(|watched| self.job(watched)).collect();
        let left: Vec<_> = update
            .left
            .iter()
            .map(|departure| json!({ "Id": departure.job_id, "State": departure.state.name() }))
            .collect();
        let is_snapshot = update.is_snapshot;
        let json = json!({ "IsSnapshot": is_snapshot, "Jobs": jobs, "Left": left }).to_string();
        Payload::Response(json.into())
    }

    fn job(&self, Watched { job, run }: &Watched) -> serde_json::Map<String, serde_json::Value> {
        let listed = Listed { job: (**job).clone(), run: run.as_ref().map(|run| (**run).clone()) };
        let mut columns = self.columns;
        // Without it nobody knows which job changed.
        columns.insert(job::Column::Id);
        values::job(&listed, columns, self.runs, &self.viewer)
    }
}
