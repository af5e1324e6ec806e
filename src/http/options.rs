//! Options of the HTTP server.

use std::time::Duration;

use axum::http::HeaderName;
use clap::{Args, FromArgMatches as _};

use super::auth::origin::{OriginPattern, parse_header};
use super::limits::ClientLimits;
use super::limits::client_ip::TrustedProxy;

/// How the HTTP server treats its clients.
#[derive(Args, Clone, Debug)]
pub struct HttpOptions {
    /// Let pages of this origin use the API from a browser, as in https://dashboard.example.org,
    /// https://*.example.org, http://localhost:*, chrome-extension://ID or null; may be given several
    /// times, or as a list with commas.
    #[arg(
        long = "cors-origin",
        value_name = "ORIGIN",
        env = "AGENT_JOBS_CORS_ORIGIN",
        value_delimiter = ','
    )]
    pub cors_origins: Vec<OriginPattern>,
    /// A request header that pages of these origins may send, beside those that GraphQL clients and
    /// tracing use; may be given several times, or as a list with commas.
    #[arg(long = "cors-header", value_name = "HEADER", env = "AGENT_JOBS_CORS_HEADER", value_delimiter = ',', value_parser = parse_header)]
    pub cors_headers: Vec<HeaderName>,
    /// Bytes that a request's body may have.
    #[arg(long, value_name = "BYTES", env = "AGENT_JOBS_MAX_BODY_BYTES", default_value_t = 1 << 20)]
    pub max_body_bytes: usize,
    /// GraphQL requests that may come in one list; 0: none, each comes by itself.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_BATCH", default_value_t = 0)]
    pub max_batch: usize,
    /// How long a request may take, its body's arrival and the database's work included.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_REQUEST_TIMEOUT", default_value = "30s", value_parser = time)]
    pub request_timeout: Duration,
    /// How long a client may take to send a request's head from its first byte on, to send the first
    /// byte on a new connection, and to read a piece of an answer.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_CLIENT_TIMEOUT", default_value = "20s", value_parser = time)]
    pub client_timeout: Duration,
    /// How long a connection may be idle between two requests. It should be longer than a proxy
    /// keeps idle connections, so that the proxy sends no request on one that is being closed: ALB
    /// and nginx keep them for 60s, Caddy for 120s.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_IDLE_TIMEOUT", default_value = "150s", value_parser = time)]
    pub idle_timeout: Duration,
    /// Requests that a client may have running at a time. A client on this machine is not limited
    /// in this or in the three that follow, unless a trusted proxy speaks for it.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_CLIENT_REQUESTS", default_value_t = 64)]
    pub max_client_requests: usize,
    /// WebSockets, subscriptions on them, and event streams that a client may have open.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_CLIENT_STREAMS", default_value_t = 1_024)]
    pub max_client_streams: usize,
    /// Requests that a client may send in a second, with five seconds' worth at once.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_CLIENT_RATE", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_client_rate: u32,
    /// Values that a client's long answers may have in a second, by the estimate that
    /// --max-complexity limits. 64 bytes of a body beyond 32 KiB are one, too, and each job that is
    /// queued, cancelled or retried is 40. What is more waits.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_CLIENT_COST", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_client_cost: u32,
    /// Connections that may be open at a time; more wait to be taken.
    #[arg(long, value_name = "N", env = "AGENT_JOBS_MAX_CONNECTIONS", default_value_t = 20_000)]
    pub max_connections: usize,
    /// Proxies whose X-Forwarded-For says who the client is, as addresses or networks, as in
    /// 10.0.0.0/8,127.0.0.1; `unix:` for those that connect through a Unix socket.
    #[arg(
        long,
        value_name = "NETWORKS",
        env = "AGENT_JOBS_TRUSTED_PROXIES",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<TrustedProxy>,
}

impl HttpOptions {
    pub fn client_limits(&self) -> ClientLimits {
        ClientLimits {
            rate: self.max_client_rate,
            cost: self.max_client_cost,
            requests: self.max_client_requests,
            streams: self.max_client_streams,
            trusted_proxies: self.trusted_proxies.clone(),
        }
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        // The defaults are those of the command line.
        let command = HttpOptions::augment_args(clap::Command::new("")).no_binary_name(true);
        // Only the command line reads the environment.
        let command = command.mut_args(|argument| argument.env(None::<&str>));
        HttpOptions::from_arg_matches(&command.get_matches_from([""; 0]))
            .expect("the defaults are valid")
    }
}

fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .ok()
        .filter(|time| *time >= Duration::from_millis(10))
        .ok_or_else(|| "expected a time such as 500ms, 30s or 1m, from 10ms on".to_owned())
}
