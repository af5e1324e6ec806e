//! The API as an agent sees it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use reqwest::Url;
use reqwest::header::{self, HeaderValue};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::figures::{Call, Figures};

/// How long an answer may take. Claims wait for a second at most.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Between two attempts at a request that got no answer: at first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// The simulation is being stopped.
    Stopped,
    /// The server said that the request is wrong, which is noted.
    Wrong,
}

/// The server cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {endpoint}: {reason}")]
pub struct Unreachable {
    endpoint: Url,
    reason: String,
}

/// A client that sends a request until it is answered.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    endpoint: Url,
    figures: Arc<Figures>,
    stopping: CancellationToken,
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Json>,
    #[serde(default)]
    errors: Vec<ApiError>,
}

#[derive(Deserialize)]
struct ApiError {
    message: String,
    #[serde(default)]
    extensions: Json,
}

/// What to do about a request.
enum Verdict {
    Done(Json),
    /// Send it again, after this long if the server said so.
    Again(Option<Duration>, String),
    Wrong {
        code: String,
        message: String,
    },
}

impl Api {
    /// A client of the server at this address, whose path is that of the GraphQL endpoint
    /// or none; with this to be let in, if it is needed: an
    /// admin's token, since agents and operators are played.
    pub fn new(mut url: Url, authorization: Option<HeaderValue>, figures: Arc<Figures>) -> Self {
        if url.path() == "/" {
            url.set_path("/graphql");
        }
        // Another part of the program may have chosen already; either will do.
        _ = rustls::crypto::ring::default_provider().install_default();
        let headers = authorization.map(|authorization| (header::AUTHORIZATION, authorization));
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .default_headers(headers.into_iter().collect())
            .build()
            .expect("a client without certificates of its own can be made");
        Self { http, endpoint: url, figures, stopping: CancellationToken::new() }
    }

    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// From when this is cancelled, requests are sent once.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Sends a request once.
    pub async fn try_once(&self, query: &str, variables: Json) -> Result<Json, Unreachable> {
        let reason = match self.attempt(Call::Other, query, &variables).await {
            Verdict::Done(data) => return Ok(data),
            Verdict::Again(_, reason) => reason,
            Verdict::Wrong { code, message } => format!("{code}: {message}"),
        };
        Err(Unreachable { endpoint: self.endpoint.clone(), reason })
    }

    /// Sends a request until it is answered; returns the data.
    pub async fn send(&self, call: Call, query: &str, variables: Json) -> Result<Json, NoAnswer> {
        let mut backoff = BACKOFF.0;
        loop {
            let pause = match self.attempt(call, query, &variables).await {
                Verdict::Done(data) => return Ok(data),
                Verdict::Wrong { code, message } => {
                    self.figures.wrong(&code, &message);
                    return Err(NoAnswer::Wrong);
                }
                Verdict::Again(Some(pause), _) => {
                    self.figures.note(|seen| seen.told_to_wait += 1);
                    pause
                }
                Verdict::Again(None, reason) => {
                    self.figures.note(|seen| seen.unanswered += 1);
                    tracing::debug!(reason, "no answer");
                    backoff = (backoff * 2).min(BACKOFF.1);
                    backoff
                }
            };
            // All agents lose the server in the same moment; they do not all come back in one.
            let pause = pause.mul_f64(rand::rng().random_range(0.5..1.5));
            tokio::select! {
                () = self.stopping.cancelled() => return Err(NoAnswer::Stopped),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn attempt(&self, call: Call, query: &str, variables: &Json) -> Verdict {
        let started = Instant::now();
        let request = self.http.post(self.endpoint.clone());
        let request = request.json(&json!({ "query": query, "variables": variables }));
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Verdict::Again(None, reason(&error)),
        };
        let status = response.status();
        let answer = match response.json::<Answer>().await {
            Ok(answer) => answer,
            Err(error) if status.is_success() && !error.is_decode() => {
                return Verdict::Again(None, reason(&error));
            }
            Err(_) if status.is_server_error() => {
                return Verdict::Again(None, format!("the server answered {status}"));
            }
            Err(_) => {
                let message = format!("the server answered {status} and no GraphQL");
                return Verdict::Wrong { code: status.as_u16().to_string(), message };
            }
        };
        self.figures.answered(call, started.elapsed());
        let Some(error) = answer.errors.into_iter().next() else {
            return Verdict::Done(answer.data.unwrap_or_default());
        };
        match error.extensions["code"].as_str().unwrap_or("none") {
            "OVERLOADED" => {
                let pause = error.extensions["retryAfter"].as_u64().unwrap_or(1_000);
                Verdict::Again(Some(Duration::from_millis(pause)), error.message)
            }
            "DATABASE_UNAVAILABLE" => Verdict::Again(None, error.message),
            code => Verdict::Wrong { code: code.to_owned(), message: error.message },
        }
    }
}

/// The innermost cause: what reqwest puts around it only says that a request failed.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
