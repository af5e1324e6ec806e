//! How long statistics of a year take over 200 configurations and a million runs, and what folding the events
//! of so many runs costs.
//!
//! `JOBS=100000 cargo bench --bench statistics` takes fewer jobs than a million; `DATABASES=sqlite` one database.

mod support;

use std::time::{Duration, Instant};

use agent_jobs::graphql::Api;
use agent_jobs::http;
use agent_jobs::jobs::statistics::fold;
use agent_jobs::live::Live;
use agent_jobs::reports::{LeasePolicy, Writer};
use indicatif::HumanCount;
use serde_json::json;
use support::Failure;
use support::client::{Connection, graphql};
use support::database::{Database, Kind};
use synth::Shape;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REPEATS: usize = 50;

/// What a year of statistics may take.
const TARGET: Duration = Duration::from_millis(50);

const FIELDS: &str = "start configurationId finished failed cancelled failureRate tasks clues
    wait { p50 p90 p95 p99 max } duration { p50 p90 p95 p99 max }";

fn main() -> Result<(), Failure> {
    let jobs = match std::env::var("JOBS") {
        Ok(jobs) => jobs.parse()?,
        Err(_) => 1_000_000,
    };
    let runtime = Runtime::new()?;
    // Servers begin tasks of their own.
    let _entered = runtime.enter();
    for kind in Kind::chosen("DATABASES") {
        year(&runtime, kind, jobs)?;
    }
    Ok(())
}

fn year(runtime: &Runtime, kind: Kind, jobs: u32) -> Result<(), Failure> {
    let database = Database::create(kind)?;
    let shape = Shape { jobs, days: 365, configurations: 200, agents: 50, ..Shape::default() };
    let (db, runs) = runtime.block_on(database.fill_with(shape))?;
    let started = Instant::now();
    runtime.block_on(fold::fold_all(&db))?;
    println!(
        "\n{kind}: {} jobs, {} runs of a year and 200 configurations; folded in {:.1} s",
        HumanCount(jobs.into()),
        HumanCount(runs),
        started.elapsed().as_secs_f64()
    );
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let write_queue = Writer::start(&db).queue();
    let live = Live::new(db.clone(), Duration::from_millis(100), CancellationToken::new());
    let api = Api::new(live, write_queue, LeasePolicy::default());
    runtime.spawn(async move { http::serve(listener, api, std::future::pending()).await });

    // The moment of the history's end.
    let year = "from: \"2025-05-28T00:00:00Z\", to: \"2026-05-29T00:00:00Z\"";
    println!("\n  {:<64} {:>9} {:>12} {:>9}", "jobStatistics of a year", "p50", "p99", "rows");
    for arguments in [
        "",
        ", bucket: DAY",
        ", bucket: WEEK, groupBy: [STATE]",
        ", groupBy: [CONFIGURATION]",
        ", groupBy: [PROVIDER]",
        ", bucket: WEEK, groupBy: [PROVIDER]",
        ", groupBy: [AGENT]",
        ", groupBy: [NAME]",
    ] {
        let query = format!("{{ jobStatistics({year}{arguments}) {{ {FIELDS} }} }}");
        let request = graphql(&query, &json!({}));
        let mut connection = Connection::open(address)?;
        let answer = connection.ask_json(&request)?;
        let rows = answer["data"]["jobStatistics"].as_array().map_or(0, Vec::len);
        let mut times = Vec::with_capacity(REPEATS);
        for _ in 0..REPEATS {
            times.push(connection.time(&request)?);
        }
        times.sort_unstable();
        let [p50, p99] = [50, 99].map(|part| times[(times.len() - 1) * part / 100]);
        println!(
            "    {:<62} {:>6.1} ms {:>9.1} ms {rows:>9}{}",
            arguments.trim_start_matches(", "),
            p50.as_secs_f64() * 1e3,
            p99.as_secs_f64() * 1e3,
            if p50 > TARGET { "  slower than 50 ms" } else { "" }
        );
    }
    Ok(())
}
