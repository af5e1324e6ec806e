use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::failure::{Failure, print};
use super::serve;
use super::server_options::ServerOptions;
use crate::output;
use simulate::{Api, Figures, Simulation};

/// How long agents that were told to stop take at most.
const STOPPING: Duration = Duration::from_secs(10);

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    server: ServerOptions,
    /// How many agents.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    agents: u32,
    /// How many runs each agent works at, at once. It reports on all of them in one request.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// Reports a second of all agents together; the pipeline's come on top. 0: as many as the
    /// server answers. Without it each run is reported on once a second.
    #[arg(long, value_name = "RATE", value_parser = not_negative)]
    rate: Option<f64>,
    /// How many times as fast as in life the runs go, half of them longer than five minutes.
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    speed: f64,
    /// The part of the runs whose agent vanishes without a word.
    #[arg(long, value_name = "PART", default_value = "1%", value_parser = part)]
    vanish: f64,
    /// The part of the reports that come after later ones.
    #[arg(long, value_name = "PART", default_value = "1%", value_parser = part)]
    late: f64,
    /// The part of the reports that come twice.
    #[arg(long, value_name = "PART", default_value = "1%", value_parser = part)]
    double: f64,
    /// For how long. Without it until interrupted.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// Another seed gives other configurations and another course.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Print nothing while it goes on.
    #[arg(long)]
    quiet: bool,
}

fn not_negative(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| "expected a number, 0 or more".to_owned())
}

fn speed(text: &str) -> Result<f64, String> {
    not_negative(text)
        .ok()
        .filter(|speed| (0.01..=100_000.0).contains(speed))
        .ok_or_else(|| "expected a number from 0.01 to 100000".to_owned())
}

/// Reads `1%` or `0.01`.
fn part(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    not_negative(number.trim())
        .ok()
        .map(|number| number / unit)
        .filter(|part| *part <= 1.0)
        .ok_or_else(|| "expected a part such as 1% or 0.01".to_owned())
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let authorization = options.server.authorization()?;
    let stop =
        serve::stop_signal().map_err(|error| Failure::new(Failure::SERVER, error.to_string()))?;
    let all_runs = f64::from(options.agents) * f64::from(options.runs);
    let figures = Arc::new(Figures::default());
    let simulation = Simulation::start(
        Api::new(options.server.url, authorization, Arc::clone(&figures)),
        simulate::Options {
            agents: options.agents as usize,
            runs: options.runs as usize,
            rate: Some(options.rate.unwrap_or(all_runs)).filter(|rate| *rate > 0.0),
            speed: options.speed,
            vanish: options.vanish,
            late: options.late,
            double: options.double,
            seed: options.seed,
            under_way: Vec::new(),
        },
    )
    .await
    .map_err(|error| Failure::new(Failure::SERVER, error.to_string()))?;

    let over = async {
        match options.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stop => {}
        () = over => {}
        () = tell(&figures), if !options.quiet => {}
    }
    simulation.stop(STOPPING).await;
    if options.json {
        print(format_args!("{:#}", figures.to_json()))?;
    } else {
        print(figures.to_string().trim_end())?;
    }
    if figures.is_clean() {
        Ok(())
    } else {
        Err(Failure::new(Failure::CHECK, "the server refused what it should not have"))
    }
}

/// Says now and then how it goes.
async fn tell(figures: &Figures) {
    let is_watched = std::io::stderr().is_terminal();
    let every = Duration::from_secs(if is_watched { 2 } else { 10 });
    let mut before = figures.accepted();
    loop {
        tokio::time::sleep(every).await;
        let now = figures.accepted();
        let rate = |now: u64, before: u64| (now - before) / every.as_secs();
        output::note(format_args!(
            "{:>6} s: {:>7} reports a second, {:>7} of the pipeline",
            figures.elapsed().as_secs(),
            rate(now.0, before.0),
            rate(now.1, before.1)
        ));
        before = now;
    }
}
