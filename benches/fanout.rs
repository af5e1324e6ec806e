//! The cost of subscriptions with many subscribers: processor time per frame beside a plain axum route
//! that sends ready-made frames of the same size, the age of reports when they arrive, and the memory
//! and the processor time of idle subscribers.
//!
//! The servers are processes of their own: the program, and the plain route. The subscribers and the
//! agents are this process. All share the machine.
//!
//! | variable | default | |
//! | --- | --- | --- |
//! | `FANOUT_DATABASES` | `sqlite,postgres` | which databases |
//! | `FANOUT_WATCHERS` | 1000 | how many subscribers |
//! | `FANOUT_DOCUMENTS` | 5 | with how many different documents |
//! | `FANOUT_IDLE` | 10000 | how many idle subscribers, whose memory is measured |
//! | `FANOUT_SECONDS` | 10 | how long each measurement takes |
//! | `FANOUT_TURNS` | 3 | how many times each is made |

mod support;

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use agent_jobs::jobs::store;
use entity::{JobState, Timestamp, agent, job, job_run};
use indicatif::HumanCount;
use support::client::{Connection, post_json};
use support::crowd::{Accepted, Arrived, Crowd};
use support::database::{Database, Kind};
use support::plain_socket;
use support::process::{Server, open_files};
use support::{Failure, number};
use tokio::runtime::Runtime;
use uuid::Uuid;

const JOBS: usize = 200;
const REPORTS_A_SECOND: u32 = 1_000;
const BATCH: usize = 20;
const TICK: Duration = Duration::from_millis(100);

/// Files that a process needs beside its connections.
const OTHER_FILES: usize = 200;

/// How many connections are made before memory is looked at, so that what is there once for all of
/// them does not count.
const FIRST: usize = 100;

fn main() -> Result<(), Failure> {
    if let [_, word, bytes] = &*std::env::args().collect::<Vec<_>>()
        && word == "plain"
    {
        return Runtime::new()?.block_on(plain_socket::serve(bytes.parse()?, TICK));
    }
    let sizes = Sizes::read()?;
    for kind in Kind::chosen("FANOUT_DATABASES") {
        let bench = Bench::prepare(kind, sizes)?;
        println!(
            "\n{kind}: {} subscribers to {JOBS} jobs, {REPORTS_A_SECOND} reports a second",
            sizes.watchers
        );
        bench.fan_out()?;
        bench.idle()?;
        bench.memory()?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Sizes {
    watchers: usize,
    documents: usize,
    idle: usize,
    time: Duration,
    turns: usize,
}

impl Sizes {
    fn read() -> Result<Self, Failure> {
        Ok(Self {
            watchers: number("FANOUT_WATCHERS", 1_000)?,
            documents: number("FANOUT_DOCUMENTS", 5)?,
            idle: number("FANOUT_IDLE", 10_000)?,
            time: Duration::from_secs(number("FANOUT_SECONDS", 10)?),
            turns: number("FANOUT_TURNS", 3)?,
        })
    }
}

struct Bench {
    sizes: Sizes,
    runs: Arc<[job_run::Model]>,
    accepted: Arc<Accepted>,
    database: Database,
}

/// What a server has done in a while.
struct Measured {
    cpu: Duration,
    seconds: f64,
    arrived: Arrived,
    ages: Vec<Duration>,
}

impl Bench {
    fn prepare(kind: Kind, sizes: Sizes) -> Result<Self, Failure> {
        let database = Database::create(kind)?;
        let runs = Runtime::new()?.block_on(executing_runs(&database))?;
        Ok(Self { sizes, runs: runs.into(), accepted: Arc::default(), database })
    }

    fn serve(&self) -> Result<Server, Failure> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent-jobs"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", self.database.url()]);
        Server::start(command.env("AGENT_JOBS_LOG", "error"))
    }

    /// Measures a server while agents report, if they are to.
    fn measure(
        &self,
        server: &Server,
        crowd: Option<&Crowd>,
        agents: Option<&Server>,
    ) -> Result<Measured, Failure> {
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            let reporting = agents.map(|server| scope.spawn(|| self.report(server, &is_done)));
            // Until it goes evenly.
            thread::sleep(Duration::from_secs(1));
            let arrived = || crowd.map(Crowd::arrived);
            _ = crowd.map(Crowd::ages);
            let (started, cpu, before) = (Instant::now(), server.cpu()?, arrived());
            thread::sleep(self.sizes.time);
            let (cpu, after) = (server.cpu()?.saturating_sub(cpu), arrived());
            let seconds = started.elapsed().as_secs_f64();
            is_done.store(true, Ordering::Relaxed);
            if let Some(reporting) = reporting {
                reporting.join().expect("agents do not panic")?;
            }
            if let Some(crowd) = crowd {
                crowd.check()?;
            }
            let nothing = Arrived { frames: 0.0, bytes: 0.0, jobs: 0.0 };
            let arrived = after.zip(before).map_or(nothing, |(after, before)| after.since(before));
            Ok(Measured { cpu, seconds, arrived, ages: crowd.map(Crowd::ages).unwrap_or_default() })
        })
    }

    /// Reports on all runs in turn, at an even rate. Each report's number is what it says the
    /// agent has for tasks.
    fn report(&self, server: &Server, is_done: &AtomicBool) -> Result<(), Failure> {
        let mut connection = Connection::open(server.address)?;
        let batch = u32::try_from(BATCH)?;
        let started = Instant::now();
        let mut number = self.accepted.count();
        for (batches, runs) in (0..).zip(self.runs.chunks(BATCH).cycle()) {
            if is_done.load(Ordering::Relaxed) {
                break;
            }
            let due = started + Duration::from_secs(1) * batches * batch / REPORTS_A_SECOND;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let answer = connection.ask(&report_request(runs, number))?;
            let now = Instant::now();
            let accepted = b"\"ACCEPTED\"";
            if answer.windows(accepted.len()).filter(|part| part == accepted).count() != runs.len()
            {
                return Err(String::from_utf8_lossy(answer).into());
            }
            for _ in runs {
                self.accepted.put(number, now);
                number += 1;
            }
        }
        Ok(())
    }

    /// Frames, beside those of the plain route.
    fn fan_out(&self) -> Result<(), Failure> {
        let watchers = self.sizes.watchers;
        let (mut shared, mut plain, mut different) = (Vec::new(), Vec::new(), Vec::new());
        let (mut over_plain, mut over_shared) = (Vec::new(), Vec::new());
        let (mut jobs, mut ages, mut bytes, mut reports_cpu) = (vec![], vec![], vec![], vec![]);
        let (mut different_jobs, mut different_ages) = (Vec::new(), Vec::new());
        for _ in 0..self.sizes.turns {
            let server = self.serve()?;
            let alone = self.measure(&server, None, Some(&server))?;
            let cost = |measured: &Measured| {
                let reports = alone.cpu.as_secs_f64() / alone.seconds * measured.seconds;
                (measured.cpu.as_secs_f64() - reports).max(0.0) * 1e6 / measured.arrived.frames
            };
            let crowd = self.watch(&server, |_| document(0))?;
            let same = self.measure(&server, Some(&crowd), Some(&server))?;
            drop(crowd);
            let crowd = self.watch(&server, |nth| document(nth % self.sizes.documents))?;
            let others = self.measure(&server, Some(&crowd), Some(&server))?;
            drop((crowd, server));

            let size = same.arrived.bytes / same.arrived.frames;
            let mut command = Command::new(std::env::current_exe()?);
            let server = Server::start(command.arg("plain").arg(format!("{size:.0}")))?;
            let crowd = Crowd::gather(server.address, vec![None; watchers], &self.accepted)?;
            let route = self.measure(&server, Some(&crowd), None)?;
            let route = route.cpu.as_secs_f64() * 1e6 / route.arrived.frames;

            over_plain.push(cost(&same) / route);
            over_shared.push(cost(&others) / cost(&same));
            shared.push(cost(&same));
            different.push(cost(&others));
            plain.push(route);
            bytes.push(size);
            reports_cpu.push(alone.cpu.as_secs_f64() * 100.0 / alone.seconds);
            jobs.push(same.arrived.jobs / same.seconds);
            different_jobs.push(others.arrived.jobs / others.seconds);
            ages.extend(same.ages);
            different_ages.extend(others.ages);
        }
        println!("  reports alone: {:.1} % of a processor", median(reports_cpu));
        println!("  frames of {:.0} bytes; processor time of the server for each:", median(bytes));
        println!("    plain route            {:6.2} us", median(plain));
        println!(
            "    same document          {:6.2} us, ratio {:.2}",
            median(shared),
            median(over_plain)
        );
        println!(
            "    {:4} documents         {:6.2} us, ratio to the same {:.2}",
            self.sizes.documents,
            median(different),
            median(over_shared)
        );
        for (what, jobs, ages) in
            [("same document", jobs, ages), ("different documents", different_jobs, different_ages)]
        {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
            let rate = HumanCount(median(jobs) as u64);
            println!("  {what}: {rate} job updates a second; {}", percentiles(ages));
        }
        Ok(())
    }

    fn watch(&self, server: &Server, document: impl Fn(usize) -> String) -> Result<Crowd, Failure> {
        let documents = (0..self.sizes.watchers).map(|nth| Some(document(nth))).collect();
        Crowd::gather(server.address, documents, &self.accepted)
    }

    fn idle(&self) -> Result<(), Failure> {
        let server = self.serve()?;
        let crowd = self.watch(&server, |_| document(0))?;
        let measured = self.measure(&server, Some(&crowd), None)?;
        let percent = measured.cpu.as_secs_f64() * 100.0 / measured.seconds;
        println!("  nothing changes: {percent:.1} % of a processor");
        Ok(())
    }

    fn memory(&self) -> Result<(), Failure> {
        let wanted = self.sizes.idle;
        let most = open_files()?.saturating_sub(OTHER_FILES + FIRST);
        let count = wanted.min(most);
        if count < wanted {
            println!("  `ulimit -n` lets {count} connect, not {wanted}");
        }
        let server = self.serve()?;
        let gather =
            |count| Crowd::gather(server.address, vec![Some(document(0)); count], &self.accepted);
        let _first = gather(FIRST)?;
        thread::sleep(Duration::from_secs(1));
        let before = server.memory()?;
        let _crowd = gather(count)?;
        thread::sleep(Duration::from_secs(1));
        #[expect(clippy::cast_precision_loss, reason = "a count of connections")]
        let kibibytes = (server.memory()? - before) / 1024.0 / count as f64;
        println!("  {count} idle subscribers: {kibibytes:.1} KiB of memory each");
        Ok(())
    }
}

/// Jobs that execute and have little to tell yet.
async fn executing_runs(database: &Database) -> Result<Vec<job_run::Model>, Failure> {
    let db = database.open().await?;
    let now = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
    let agent = agent::Model { id: Uuid::now_v7(), created_date: now, ..agent::Model::default() };
    let (mut jobs, mut runs) = (Vec::new(), Vec::new());
    for nth in 0..JOBS {
        let (job_id, id) = (Uuid::now_v7(), Uuid::now_v7());
        jobs.push(job::Model {
            id: job_id,
            name: Some(format!("HubSpot contacts {nth}")),
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
    store::models::<agent::Entity>(db.writer(), &[agent]).await?;
    store::models::<job::Entity>(db.writer(), &jobs).await?;
    store::models::<job_run::Entity>(db.writer(), &runs).await?;
    db.close().await;
    Ok(runs)
}

/// Fields for 1,001 different documents, each with another four.
const FIELDS: [&str; 14] = [
    "agentTasksQueuedCount",
    "agentTasksCompletedCount",
    "agentTasksFailedCount",
    "agentCluesCount",
    "agentCluesQueuedCount",
    "agentCluesCompletedCount",
    "agentCluesFailedCount",
    "agentExpectedTasksCount",
    "agentElapsedExecutionTime",
    "agentElapsedQueuedTime",
    "processingTasksCount",
    "processingTasksQueuedCount",
    "processingTasksFailedCount",
    "processingTaskRetriesCount",
];

/// The nth document of what a dashboard shows.
fn document(nth: usize) -> String {
    let choices = (0_u32..1 << FIELDS.len()).filter(|choice| choice.count_ones() == 4);
    let choices: Vec<_> = choices.collect();
    let choice = choices[nth % choices.len()];
    let fields = FIELDS.iter().enumerate().filter(|(place, _)| choice & 1 << place != 0);
    let fields: Vec<_> = fields.map(|(_, name)| *name).collect();
    format!(
        "subscription {{ executingJobs {{ isSnapshot jobs {{ id name currentRun {{ \
         agentPercentCompleted agentTasksCount {} }} }} removed {{ id state }} }} }}",
        fields.join(" ")
    )
}

const MUTATION: &str = "mutation($reports:[JobRunReportInput!]!){reportJobRuns(reports:$reports)\
    {results{status refusal{code}}}}";

/// Reports on these runs. The first has this number.
fn report_request(runs: &[job_run::Model], number: usize) -> Vec<u8> {
    let mut body = format!("{{\"query\":\"{MUTATION}\",\"variables\":{{\"reports\":[");
    for (nth, run) in runs.iter().enumerate() {
        let token = run.attempt_token.unwrap_or_default();
        let separator = if nth == 0 { "" } else { "," };
        let number = number + nth;
        write!(
            body,
            "{separator}{{\"runId\":\"{}\",\"attemptToken\":\"{token}\",\"sequence\":{number},\
             \"agentState\":\"EXECUTING\",\"progress\":{{\"agentPercentCompleted\":12.5,\
             \"agentTasksCount\":{number},\"agentTasksCompletedCount\":{number},\
             \"agentTasksQueuedCount\":{number},\"agentCluesCount\":{number},\
             \"agentCluesCompletedCount\":{number},\"agentCluesQueuedCount\":{number}}}}}",
            run.id
        )
        .expect("writing to a String cannot fail");
    }
    body.push_str("]}}");
    post_json("/graphql", &body)
}

fn percentiles(mut ages: Vec<Duration>) -> String {
    ages.sort_unstable();
    let at = |percent: usize| {
        ages.get(ages.len() * percent / 100).map_or(f64::NAN, |age| age.as_secs_f64() * 1e3)
    };
    let (p50, p99) = (at(50), at(99));
    let ticks = TICK.as_secs_f64() * 1e3;
    format!(
        "from accepted to received p50 {p50:.0} ms, p99 {p99:.0} ms, in ticks {:.2} and {:.2}",
        p50 / ticks,
        p99 / ticks
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
