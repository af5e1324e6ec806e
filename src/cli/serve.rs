use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use entity::Timestamp;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use simulate::Simulation;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::access::AccessOptions;
use super::database_options::DatabaseOptions;
use super::failure::Failure;
use super::listen_address::{ListenAddress, socket_mode};
use super::server_options::bearer;
use crate::access::Role;
use crate::access::token::{self, NewToken};
use crate::app::App;
use crate::clock;
use crate::db::{self, Db};
use crate::graphql::{Persisted, Rules};
use crate::http::HttpOptions;
use crate::jobs::scope::Scope;
use crate::limits::LimitOptions;
use crate::output;
use crate::reports::LeasePolicy;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    pub(super) listen: ListenOptions,
    #[command(flatten)]
    leases: LeaseOptions,
    #[command(flatten)]
    protection: ProtectionOptions,
    #[command(flatten)]
    access: AccessOptions,
    /// Remove jobs that finished this long ago, with their runs, such as 90d. Without it all are kept.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_RETAIN", value_parser = not_zero)]
    retain: Option<Duration>,
    /// Do not bring the database's schema up to date; refuse to start if it is not.
    #[arg(long, env = "AGENT_JOBS_NO_MIGRATE")]
    no_migrate: bool,
    /// How long to wait, at the start, for a database that cannot be reached or is starting; 0: not
    /// at all. A wrong password or a missing database ends the start at once.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_DATABASE_WAIT", default_value = "60s", value_parser = database_wait)]
    database_wait: Duration,
}

#[derive(Args)]
pub struct ListenOptions {
    /// The address to listen on, such as 127.0.0.1:8080 or localhost:8080. Port 0 takes any free
    /// one. Of a host with several addresses it is the first that works, IPv4 before IPv6.
    /// unix:/run/agent-jobs/http.sock listens on a Unix socket.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "AGENT_JOBS_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    pub(super) listen: ListenAddress,
    /// The permissions of the file of a Unix socket that is listened on, in octal: who may write to
    /// it may connect.
    #[arg(long, value_name = "MODE", env = "AGENT_JOBS_SOCKET_MODE", default_value = "660", value_parser = socket_mode)]
    socket_mode: u32,
    /// The shortest time between two updates of a subscription.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_TICK", default_value = "100ms", value_parser = humantime::parse_duration)]
    tick: Duration,
    /// Another address, with /metrics, /healthz and /readyz for everybody who reaches it. Where the
    /// service listens, /metrics takes a token.
    #[arg(long, value_name = "ADDRESS", env = "AGENT_JOBS_METRICS_LISTEN")]
    metrics_listen: Option<ListenAddress>,
    /// How long to go on serving, when told to stop, while /readyz says that it is not ready: as long
    /// as a proxy takes to notice.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_STOP_DELAY", default_value = "0s", value_parser = humantime::parse_duration)]
    stop_delay: Duration,
}

fn not_zero(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("expected a time such as 90d or 12h".to_owned()),
    }
}

/// Reads `60s` or `5m`; `0` is no time.
fn database_wait(text: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_hours(24);
    let time =
        if text.trim() == "0" { Ok(Duration::ZERO) } else { humantime::parse_duration(text) };
    time.ok()
        .filter(|time| *time <= MOST)
        .ok_or_else(|| "expected a time such as 60s or 5m, up to 24h, or 0 for none".to_owned())
}

/// What clients may do.
#[derive(Args)]
pub struct ProtectionOptions {
    #[command(flatten)]
    pub(super) http: HttpOptions,
    #[command(flatten)]
    limits: LimitOptions,
    /// Do not tell what the GraphQL schema has, and do not guess what a client meant.
    #[arg(long, env = "AGENT_JOBS_NO_INTROSPECTION")]
    no_introspection: bool,
    /// Execute the GraphQL documents of this file and no others: a JSON object of documents by
    /// their ids or SHA-256 hashes.
    #[arg(long, value_name = "FILE", env = "AGENT_JOBS_PERSISTED_DOCUMENTS")]
    persisted_documents: Option<PathBuf>,
}

impl ProtectionOptions {
    /// The rules for GraphQL documents.
    pub(super) fn rules(&self) -> Result<Rules, Failure> {
        let persisted = match &self.persisted_documents {
            None => Persisted::default(),
            Some(path) => {
                let cannot = |error: String| {
                    Failure::new(Failure::NO_INPUT, format!("{}: {error}", path.display()))
                };
                let json = fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
                Persisted::only(&json).map_err(cannot)?
            }
        };
        let rules = Rules {
            limits: self.limits.into(),
            no_introspection: self.no_introspection,
            persisted,
        };
        rules.check_persisted().map_err(|error| {
            Failure::new(Failure::DATA, format!("the persisted documents: {error}"))
        })?;
        Ok(rules)
    }
}

/// When to act on agents that do not report.
#[derive(Args)]
struct LeaseOptions {
    /// A run whose agent has not reported for this long is stale; 0: never.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_STALE_AFTER", default_value = "1m", value_parser = time_or_never)]
    stale_after: Duration,
    /// The lease of a run: it fails when its agent has not reported for this long; 0: never.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_LEASE", default_value = "10m", value_parser = time_or_never)]
    lease: Duration,
    /// A cancellation that the agent has not confirmed for this long is forced; 0: never.
    #[arg(long, value_name = "TIME", env = "AGENT_JOBS_CANCEL_AFTER", default_value = "3m", value_parser = time_or_never)]
    cancel_after: Duration,
}

/// Parses `90s`, `10m` or `1h 30m`; `0` means never.
fn time_or_never(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(text)
        .map_err(|_| "expected a time such as 90s, 10m or 1h 30m, or 0 for never".to_owned())
}

impl From<LeaseOptions> for LeasePolicy {
    fn from(options: LeaseOptions) -> Self {
        let unless_zero = |time: Duration| (!time.is_zero()).then_some(time);
        Self {
            stale_after: unless_zero(options.stale_after),
            lease: unless_zero(options.lease),
            cancel_after: unless_zero(options.cancel_after),
        }
    }
}

pub async fn run(options: Options) -> Result<(), Failure> {
    options.access.check(&options.listen.listen)?;
    // Before the database is touched.
    let rules = options.protection.rules()?;
    let db = options
        .database
        .connect_waiting(options.database_wait, options.protection.http.request_timeout)
        .await?;
    if options.no_migrate {
        if !db::migrate::is_current(&db).await? {
            return Err(Failure::new(
                Failure::DATABASE,
                "the database's schema is not up to date; run `agent-jobs migrate up`",
            ));
        }
    } else {
        db::migrate::up(&db).await?;
    }
    let (lease_policy, retain) = (options.leases.into(), options.retain);
    let served = Served {
        listen: &options.listen,
        access: &options.access,
        http: &options.protection.http,
        rules,
    };
    serve(db, served, lease_policy, retain, None).await
}

/// How something is served.
pub(super) struct Served<'a> {
    pub listen: &'a ListenOptions,
    pub access: &'a AccessOptions,
    pub http: &'a HttpOptions,
    pub rules: Rules,
}

/// How long the demo's agents may take to stop.
const GOODBYE: Duration = Duration::from_secs(2);

/// Serves a database until the process is told to stop; to agents that are played here, too.
pub(super) async fn serve(
    db: Db,
    Served { listen: options, access, http, rules }: Served<'_>,
    lease_policy: LeasePolicy,
    retain: Option<Duration>,
    agents: Option<simulate::Options>,
) -> Result<(), Failure> {
    let cannot_listen = |error| {
        Failure::new(Failure::LISTEN, format!("cannot listen on {}: {error}", options.listen))
    };
    let access = access.access(&db).await?;
    let listener = options.listen.listen(options.socket_mode).map_err(cannot_listen)?;
    let url = listener.url().map_err(cannot_listen)?;
    let operation = match &options.metrics_listen {
        None => None,
        Some(address) => Some(address.listen(options.socket_mode).map_err(|error| {
            Failure::new(Failure::LISTEN, format!("cannot listen on {address}: {error}"))
        })?),
    };
    let stop = stop_signal().map_err(|error| {
        Failure::new(Failure::LISTEN, format!("cannot listen for signals: {error}"))
    })?;
    raise_file_limit();
    // The one line on standard output, for people and for scripts that chose port 0.
    if let Err(error) = output::print(format_args!("agent-jobs is listening on {url}")) {
        // It is of use without a reader, too.
        tracing::warn!(%error, url, "cannot write the address to standard output");
    }
    let is_open = access.is_open();
    let app = App {
        db: db.clone(),
        access,
        rules,
        http: http.clone(),
        lease_policy,
        tick: options.tick,
        retain,
    };
    let mut running = app.start(listener);
    if let Some(listener) = operation {
        let at = listener.url().map_err(cannot_listen)?;
        tracing::info!("metrics are at {at}, under /metrics");
        running.serve_operation(listener);
    }
    let leaving = CancellationToken::new();
    let playing = match agents {
        None => None,
        Some(agents) => {
            let token = if is_open { None } else { Some(players_token(&db).await?) };
            Some(tokio::spawn(play(url, token, agents, leaving.clone())))
        }
    };
    tokio::select! {
        () = stop => {}
        error = running.ended() => {
            running.close().await;
            return Err(cannot_listen(error));
        }
    }
    running.drain();
    // While their reports are still answered.
    leaving.cancel();
    if let Some(playing) = playing {
        _ = playing.await;
    }
    sleep(options.stop_delay).await;
    running.stop().await.map_err(cannot_listen)
}

/// A token for the simulated agents, valid longer than a demo runs.
async fn players_token(db: &Db) -> Result<String, Failure> {
    const LENGTH: i64 = 30 * 24 * 3600 * 1_000_000;
    let now = clock::now();
    let new = NewToken {
        name: "the demo's agents".to_owned(),
        role: Role::Admin,
        scope: Scope::All,
        agent_id: None,
        expires: Timestamp::from_micros(now.micros() + LENGTH),
    };
    Ok(token::create(db, new, now).await?.1)
}

/// Plays agents of the server at this address until they are told to leave.
async fn play(
    url: String,
    token: Option<String>,
    agents: simulate::Options,
    leaving: CancellationToken,
) {
    let url = url.parse().expect("an address makes a URL");
    // A token that was just made is fit for a header.
    let authorization = token.and_then(|token| bearer(&token).ok());
    let api = simulate::Api::new(url, authorization, Arc::default());
    match Simulation::start(api, agents).await {
        Ok(simulation) => {
            leaving.cancelled().await;
            simulation.stop(GOODBYE).await;
        }
        Err(error) => tracing::warn!(%error, "failed to start the simulated agents"),
    }
}

/// Raises the limit of open files to the allowed maximum: each client takes one, and the usual limit of
/// 1,024 exists for programs that cannot handle more.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "failed to raise the limit of open files");
    }
}

/// Resolves when the process is asked to stop: SIGTERM, Ctrl-C at a terminal, or SIGHUP when its terminal
/// closes, unless the process was started with SIGHUP ignored, as `nohup` does. From the moment that
/// this returns they do not end the process by themselves.
pub(super) fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = unix::signal(SignalKind::terminate())?;
    let mut interrupt = unix::signal(SignalKind::interrupt())?;
    let mut hangup =
        if is_hangup_ignored() { None } else { Some(unix::signal(SignalKind::hangup())?) };
    Ok(async move {
        let hangup = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hangup => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}

/// Whether the process was started with SIGHUP ignored. Only Linux tells.
fn is_hangup_ignored() -> bool {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Its lowest bit is signal 1, SIGHUP.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}
