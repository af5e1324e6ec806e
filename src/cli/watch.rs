use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::Args;
use reqwest::Url;
use terminal::client::{Client, ConnectionEvent, Ended};
use terminal::executing_jobs::{ExecutingJobs, Update};
use terminal::screen::Screen;
use terminal::view;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::failure::{Failure, written};
use super::serve;
use super::server_options::ServerOptions;
use crate::output;

/// How often the screen is drawn at most, and how often at least.
const DRAW_EVERY: Duration = Duration::from_millis(100);
const DRAW_AT_LEAST: u32 = 10;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    server: ServerOptions,
    /// Only jobs of this configuration.
    #[arg(long, value_name = "ID")]
    configuration_id: Option<Uuid>,
    /// Print the updates as the server sends them, a JSON object on each line. It has `errors` if
    /// fields could not be read, which are null then.
    #[arg(long)]
    json: bool,
}

/// What shows the updates.
enum Display {
    /// A screen full of bars.
    Screen(Screen),
    /// A line for each change.
    Lines,
    Json,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let authorization = options.server.authorization()?;
    let stop =
        serve::stop_signal().map_err(|error| Failure::new(Failure::SERVER, error.to_string()))?;
    let is_terminal = io::stdout().is_terminal();
    let client = Client::new(options.server.url, authorization, options.configuration_id);
    let (sender, receiver) = mpsc::channel(16);
    let show = async { written(show(receiver, client.url(), options.json, is_terminal).await) };
    tokio::select! {
        () = stop => Ok(()),
        shown = show => shown,
        ended = client.run(sender) => Err(ended.into()),
    }
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        Self::new(Self::SERVER, ended.to_string())
    }
}

/// Shows what the client tells.
async fn show(
    mut events: mpsc::Receiver<ConnectionEvent>,
    url: &Url,
    is_json: bool,
    is_terminal: bool,
) -> io::Result<()> {
    let mut executing = ExecutingJobs::default();
    let mut display = if is_json { Display::Json } else { Display::Lines };
    let connected = format!("connected to {url}");
    // Why, and when it is tried again.
    let mut lost = None::<(String, Instant)>;
    let mut draws = interval(DRAW_EVERY);
    draws.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut undrawn = 0;
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = draws.tick(), if matches!(display, Display::Screen(_)) => {
                undrawn += 1;
                if undrawn >= DRAW_AT_LEAST && let Display::Screen(screen) = &mut display {
                    let status = match &lost {
                        None => connected.clone(),
                        Some((reason, at)) => {
                            let pause = at.saturating_duration_since(Instant::now());
                            format!("not connected, again in {} s: {reason}", pause.as_secs() + 1)
                        }
                    };
                    screen.show(&view::lines(&executing, &status, screen.size()))?;
                    undrawn = 0;
                }
                continue;
            }
        };
        let Some(event) = event else { return Ok(()) };
        // Whatever it is, the next tick draws it.
        undrawn = DRAW_AT_LEAST;
        match event {
            ConnectionEvent::Connected => {
                // Not before there is something to show: until then errors stay visible.
                if is_terminal && matches!(display, Display::Lines) {
                    display = Display::Screen(Screen::enter()?);
                }
                lost = None;
                if !matches!(display, Display::Screen(_)) {
                    output::note(&connected);
                }
            }
            ConnectionEvent::Disconnected { reason, pause } => {
                if !matches!(display, Display::Screen(_)) {
                    let pause = pause.as_secs_f64();
                    output::note(format_args!("not connected, again in {pause:.1} s: {reason}"));
                }
                lost = Some((reason, Instant::now() + pause));
            }
            ConnectionEvent::Update(update) => {
                let mut out = io::stdout().lock();
                if let Display::Json = display {
                    writeln!(out, "{update}")?;
                    out.flush()?;
                    continue;
                }
                let update: Update = serde_json::from_value(update)?;
                let changes = executing.apply(update);
                if let Display::Lines = display {
                    for change in &changes {
                        writeln!(out, "{}", view::sentence(change))?;
                    }
                    out.flush()?;
                }
            }
        }
    }
}
