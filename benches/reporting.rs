//! How many reports a second are saved, and how long one takes, beside a loop that updates one
//! row in each transaction on the same database.
//!
//! Everything is durable: an answer, like the loop's commit, means that the disk has it. What is
//! compared is measured by turns, so that whatever else the machine does hits all alike. Server,
//! agents, loop and database share the machine.

mod support;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use agent_jobs::db::Db;
use agent_jobs::graphql::Api;
use agent_jobs::http;
use agent_jobs::jobs::store;
use agent_jobs::live::Live;
use agent_jobs::reports::{LeasePolicy, Writer};
use entity::{JobState, Timestamp, agent, job, job_run};
use indicatif::HumanCount;
use sea_orm::DbBackend;
use sqlx::{PgPool, SqlitePool};
use support::Failure;
use support::client::{Connection, post_json};
use support::database::{Database, Kind};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Agents that report, each on its own connection and without pause.
const AGENTS: usize = 64;
const BATCH: usize = 50;

/// Connections of the loop: more make it no faster on PostgreSQL, and SQLite has one writer.
const WRITERS: usize = 8;

const TURNS: usize = 5;
const TURN: Duration = Duration::from_secs(2);
const LONE: usize = 300;

fn main() -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let service = Service::start(&runtime, kind)?;
        println!("\n{kind}: {AGENTS} agents with {BATCH} runs each");
        service.rates(&runtime)?;
        service.latencies(&runtime)?;
    }
    Ok(())
}

/// The service over a database of its own, in which every agent has its runs.
struct Service {
    address: SocketAddr,
    db: Db,
    runs: Vec<job_run::Model>,
    _database: Database,
}

impl Service {
    fn start(runtime: &Runtime, kind: Kind) -> Result<Self, Failure> {
        let database = Database::create(kind)?;
        // A table of some size, as there would be.
        let (db, _) = runtime.block_on(database.fill(20_000))?;
        let now = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        let agent =
            agent::Model { id: Uuid::now_v7(), created_date: now, ..agent::Model::default() };
        let (mut jobs, mut runs) = (Vec::new(), Vec::new());
        for _ in 0..AGENTS * BATCH {
            let (job_id, id) = (Uuid::now_v7(), Uuid::now_v7());
            jobs.push(job::Model {
                id: job_id,
                state: JobState::Executing,
                created_date: now,
                current_run_id: Some(id),
                ..job::Model::default()
            });
            runs.push(job_run::Model {
                id,
                job_id,
                agent_id: agent.id,
                agent_state: JobState::Executing,
                agent_start_time: Some(now),
                attempt_token: Some(Uuid::new_v4()),
                ..job_run::Model::default()
            });
        }
        runtime.block_on(async {
            store::models::<agent::Entity>(db.writer(), &[agent]).await?;
            store::models::<job::Entity>(db.writer(), &jobs).await?;
            store::models::<job_run::Entity>(db.writer(), &runs).await
        })?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        // Inside the runtime, where the writer's tasks begin.
        let api = runtime.block_on(async {
            let live = Live::new(db.clone(), Duration::from_millis(100), CancellationToken::new());
            Api::new(live, Writer::start(&db).queue(), LeasePolicy::default())
        });
        runtime.spawn(async move { http::serve(listener, api, std::future::pending()).await });
        Ok(Self { address, db, runs, _database: database })
    }

    /// Reports a second.
    fn rates(&self, runtime: &Runtime) -> Result<(), Failure> {
        let (mut loops, mut singles, mut batches) = (Vec::new(), Vec::new(), Vec::new());
        let mut sequence = 0;
        for _ in 0..TURNS {
            loops.push(self.rate_of_loop(runtime)?);
            singles.push(self.rate_of_agents(1, &mut sequence)?);
            batches.push(self.rate_of_agents(BATCH, &mut sequence)?);
        }
        let (one_by_one, single, batch) = (median(loops), median(singles), median(batches));
        let line = |what: &str, rate: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
            let count = HumanCount(rate as u64).to_string();
            println!("  {what:<42} {count:>9} a second, ratio {:.2}", rate / one_by_one);
        };
        line("a transaction for each row", one_by_one);
        line("reports, one in each request", single);
        line("reports, 50 in each request", batch);
        Ok(())
    }

    /// Reports that all agents together get acknowledged in a second.
    fn rate_of_agents(&self, batch: usize, sequence: &mut u64) -> Result<f64, Failure> {
        let first = *sequence;
        let started = Instant::now();
        let report = |agent: usize| -> Result<(u32, u64), Failure> {
            let runs = &self.runs[agent * BATCH..][..BATCH];
            let mut connection = Connection::open(self.address)?;
            let (mut reports, mut sequence) = (0, first);
            for runs in runs.chunks(batch).cycle() {
                if started.elapsed() >= TURN {
                    break;
                }
                sequence += 1;
                let answer = connection.ask(&report_request(runs, sequence))?;
                reports += check(answer, runs.len())?;
            }
            Ok((reports, sequence))
        };
        let done = std::thread::scope(|scope| {
            let agents: Vec<_> =
                (0..AGENTS).map(|agent| scope.spawn(move || report(agent))).collect();
            agents
                .into_iter()
                .map(|agent| agent.join().expect("an agent does not panic"))
                .collect::<Result<Vec<_>, Failure>>()
        })?;
        let seconds = started.elapsed().as_secs_f64();
        *sequence = done.iter().map(|(_, sequence)| *sequence).max().unwrap_or(first);
        Ok(f64::from(done.iter().map(|(reports, _)| reports).sum::<u32>()) / seconds)
    }

    /// Rows that the loop updates in a second.
    fn rate_of_loop(&self, runtime: &Runtime) -> Result<f64, Failure> {
        runtime.block_on(async {
            let started = Instant::now();
            let writers = if self.db.backend() == DbBackend::Postgres { WRITERS } else { 1 };
            let mut tasks = JoinSet::new();
            for nth in 0..writers {
                let plain = Plain::new(&self.db);
                let ids: Vec<_> =
                    self.runs.iter().skip(nth).step_by(writers).map(|run| run.id).collect();
                tasks.spawn(async move {
                    let mut rows = 0_u32;
                    for id in ids.iter().cycle() {
                        if started.elapsed() >= TURN {
                            break;
                        }
                        plain.update(*id, i64::from(rows)).await?;
                        rows += 1;
                    }
                    Ok::<_, sqlx::Error>(rows)
                });
            }
            let mut rows = 0;
            while let Some(done) = tasks.join_next().await {
                rows += done??;
            }
            Ok(f64::from(rows) / started.elapsed().as_secs_f64())
        })
    }

    /// How long one report takes while nothing else happens.
    fn latencies(&self, runtime: &Runtime) -> Result<(), Failure> {
        let (mut commits, mut reports) = (Vec::new(), Vec::new());
        let plain = Plain::new(&self.db);
        let mut connection = Connection::open(self.address)?;
        let run = &self.runs[..1];
        let mut sequence = 1 << 40;
        for _ in 0..TURNS {
            for n in 0..LONE {
                let started = Instant::now();
                runtime.block_on(plain.update(run[0].id, i64::try_from(n)?))?;
                commits.push(started.elapsed());
            }
            for _ in 0..LONE {
                sequence += 1;
                let request = report_request(run, sequence);
                let started = Instant::now();
                let answer = connection.ask(&request)?;
                reports.push(started.elapsed());
                check(answer, 1)?;
            }
        }
        commits.sort_unstable();
        reports.sort_unstable();
        for (name, percent) in [("p50", 50), ("p99", 99)] {
            let at = |times: &[Duration]| times[times.len() * percent / 100].as_secs_f64() * 1e3;
            let (commit, report) = (at(&commits), at(&reports));
            println!(
                "  a lone report, {name}: {report:.3} ms, a bare commit {commit:.3} ms, ratio {:.2}",
                report / commit
            );
        }
        Ok(())
    }
}

/// What a service written by hand would do for each report.
enum Plain {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

const UPDATE: &str = "UPDATE job_run SET agent_percent_completed = $1, agent_tasks_count = $2, \
    agent_tasks_completed_count = $3, agent_clues_count = $4, agent_clues_completed_count = $5 \
    WHERE id = $6";

impl Plain {
    fn new(db: &Db) -> Self {
        match db.backend() {
            DbBackend::Postgres => {
                Self::Postgres(db.writer().get_postgres_connection_pool().clone())
            }
            _ => Self::Sqlite(db.writer().get_sqlite_connection_pool().clone()),
        }
    }

    async fn update(&self, id: Uuid, n: i64) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(pool) => {
                let update = sqlx::query(UPDATE).bind(12.5).bind(n).bind(n).bind(n).bind(n);
                update.bind(id).execute(pool).await?;
            }
            Self::Postgres(pool) => {
                let update = sqlx::query(UPDATE).bind(12.5).bind(n).bind(n).bind(n).bind(n);
                update.bind(id).execute(pool).await?;
            }
        }
        Ok(())
    }
}

/// Agents send the same document each time.
const DOCUMENT: &str = "mutation($reports:[JobRunReportInput!]!){reportJobRuns(reports:$reports)\
    {results{status lastSequence cancellationRequested reportIn leaseEnd refusal{code}}}}";

fn report_request(runs: &[job_run::Model], sequence: u64) -> Vec<u8> {
    let mut body = format!("{{\"query\":\"{DOCUMENT}\",\"variables\":{{\"reports\":[");
    for (nth, run) in runs.iter().enumerate() {
        let token = run.attempt_token.unwrap_or_default();
        let separator = if nth == 0 { "" } else { "," };
        write!(
            body,
            "{separator}{{\"runId\":\"{}\",\"attemptToken\":\"{token}\",\"sequence\":{sequence},\
             \"agentState\":\"EXECUTING\",\"progress\":{{\"agentPercentCompleted\":12.5,\
             \"agentTasksCount\":{sequence},\"agentTasksCompletedCount\":{sequence},\
             \"agentCluesCount\":{sequence},\"agentCluesCompletedCount\":{sequence}}}}}",
            run.id
        )
        .expect("writing to a String cannot fail");
    }
    body.push_str("]}}");
    post_json("/graphql", &body)
}

/// That all reports of a request were accepted.
fn check(answer: &[u8], reports: usize) -> Result<u32, Failure> {
    let accepted = b"\"ACCEPTED\"";
    let found = answer.windows(accepted.len()).filter(|window| window == accepted).count();
    if found == reports {
        return Ok(u32::try_from(reports)?);
    }
    Err(format!("{found} of {reports} accepted: {}", String::from_utf8_lossy(answer)).into())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}
