use std::io;
use std::net::SocketAddr;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{self, SignalKind};

use super::{DatabaseOptions, Failure};
use crate::db::{self, Db};
use crate::graphql::Api;
use crate::{http, upkeep};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    pub(super) listen: ListenOptions,
    /// Do not bring the database's schema up to date; refuse to start if it is not.
    #[arg(long, env = "AGENT_JOBS_NO_MIGRATE")]
    no_migrate: bool,
}

#[derive(Args)]
pub struct ListenOptions {
    /// The address to listen on; port 0 takes any free one.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "AGENT_JOBS_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let db = if options.no_migrate {
        let db = options.database.connect().await?;
        if !db::migrate::is_current(&db).await? {
            return Err(Failure::new(
                Failure::DATABASE,
                "the database's schema is not up to date; run `agent-jobs migrate up`",
            ));
        }
        db
    } else {
        options.database.open().await?
    };
    serve(db, &options.listen).await
}

/// Serves a database until the process is told to stop.
pub(super) async fn serve(db: Db, options: &ListenOptions) -> Result<(), Failure> {
    let cannot_listen = |error| {
        Failure::new(Failure::LISTEN, format!("cannot listen on {}: {error}", options.listen))
    };
    let listener = TcpListener::bind(options.listen).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let stop = stop_signal().map_err(|error| {
        Failure::new(Failure::LISTEN, format!("cannot listen for signals: {error}"))
    })?;
    // The one line on standard output, for people and for scripts that chose port 0.
    println!("agent-jobs is listening on http://{address}");
    let upkeep = tokio::spawn(upkeep::run(db.clone()));
    let served = http::serve(listener, Api::new(db.clone()), stop).await;
    upkeep.abort();
    db.close().await;
    served.map_err(cannot_listen)
}

/// Done when the process is asked to stop: SIGTERM, or Ctrl-C at a terminal. From the moment that
/// this returns they do not end the process by themselves.
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = unix::signal(SignalKind::terminate())?;
    let mut interrupt = unix::signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}
