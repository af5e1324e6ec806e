//! How long a client waits for its answers while another attacks: each attack by itself, and all at
//! once. Attacks are every filter, order, mutation and REST parameter, read from the schema, and
//! what is known to be expensive.
//!
//! The server is a process of its own, behind a proxy by its own belief, so that each client has an
//! address. The attacker sends as fast as it is answered, from threads of the lowest priority: in life
//! it has a machine of its own, and does not take the server's. Quiet and attack take turns, and
//! each turn's attacker is new, with all that a client may send at once still before it. Beside it a
//! frontend reads a list of 20 jobs, and an agent reports. An attack under which the 99th percentile
//! of either is more than [`LIMIT`] times the quiet one fails. Percentiles are those of the
//! median turn, so that what else the machine does for a moment does not count.
//!
//! | variable | default | |
//! | --- | --- | --- |
//! | `ATTACK_DATABASES` | `sqlite,postgres` | which databases |
//! | `ATTACK_JOBS` | 150,000 | how many jobs there are |
//! | `ATTACK_SECONDS` | 1 | how long each turn takes |
//! | `ATTACK_TURNS` | 5 | how many turns each attack has |
//! | `ATTACK` | all | only attacks whose name begins with one of these, with commas |

mod requests;
#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use entity::{Table as _, job_run};
use serde_json::{Value, json};
use support::client::{Connection, Request, get, graphql, post_json, with_header};
use support::database::{Database, Kind};
use support::process::Server;
use support::{Failure, number};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// How many times its quiet one the neighbours' 99th percentile may be.
const LIMIT: f64 = 3.0;

/// With how many connections the client attacks.
const CONNECTIONS: usize = 8;
const HALF_OPEN: usize = 500;

/// What the attacker's line carries in bytes a microsecond: half a gigabit a second.
const LINE: usize = 62;

/// How often a neighbour asks: within what one client may.
const PACE: Duration = Duration::from_millis(6);

/// Between an attack and the next quiet turn, for what is left of it to end.
const SETTLING: Duration = Duration::from_millis(500);

const SCHEMA: &str = include_str!("../../schema.graphql");

fn main() -> Result<(), Failure> {
    let time = Duration::from_secs(number("ATTACK_SECONDS", 1)?);
    let turns = number("ATTACK_TURNS", 5)?;
    let jobs = number("ATTACK_JOBS", 150_000)?;
    let only = std::env::var("ATTACK").unwrap_or_default();
    let mut failed = Vec::new();
    for kind in Kind::chosen("ATTACK_DATABASES") {
        let database = Database::create(kind)?;
        Runtime::new()?.block_on(async {
            database.fill(jobs).await?.0.close().await;
            Ok::<_, Failure>(())
        })?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent-jobs"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()]);
        command.args(["--trusted-proxies", "127.0.0.1", "--max-batch", "10"]);
        let server = Server::start(command.env("AGENT_JOBS_LOG", "error"))?;
        let attacks = attacks(server.address)?;
        println!(
            "\n{kind}, in ms                          a list of 20 jobs: quiet p50, p99, attacked p50, p99, times   \
             a report: the same                   attacker's answers/s (200)"
        );
        for attack in &attacks {
            if !only.split(',').any(|beginning| attack.name.starts_with(beginning)) {
                continue;
            }
            if !attack.measure(server.address, time, turns)? {
                failed.push(format!("{kind}: {}", attack.name));
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}

/// What the attacker sends, in turns.
struct Attack {
    name: String,
    requests: Vec<Request>,
    half_open: usize,
    /// What each connection waits for between requests.
    pause: Duration,
}

impl Attack {
    fn new(name: &str, requests: Vec<Request>) -> Self {
        let bytes = requests.iter().map(Vec::len).max().unwrap_or_default();
        let pause = Duration::from_micros((bytes * CONNECTIONS / LINE) as u64);
        Self { name: name.to_owned(), requests, half_open: 0, pause }
    }
}

/// Those known to be expensive, and those read from the schema: reads first, since writes change what
/// is read.
fn attacks(server: SocketAddr) -> Result<Vec<Attack>, Failure> {
    let mut attacks = expensive();
    let all = attacks.iter().flat_map(|attack| attack.requests.clone()).collect();
    let openapi = Connection::open(server)?.ask_json(&get("/api/v1/openapi.json"))?;
    let known = known(server)?;
    let (reads, writes): (Vec<_>, Vec<_>) = requests::attacks(SCHEMA, &openapi, &known)?
        .into_iter()
        .partition(|(_, requests)| !requests.iter().any(is_mutation));
    for (name, requests) in reads.into_iter().chain(writes) {
        let requests = requests.iter().map(|request| match request {
            requests::Request::GraphQl { query, variables } => graphql(query, variables),
            requests::Request::Get(path) => get(path),
        });
        attacks.push(Attack::new(&name, requests.collect()));
    }
    let pause = Duration::ZERO;
    let name = "all that is expensive at once".to_owned();
    attacks.push(Attack { name, requests: all, half_open: HALF_OPEN, pause });
    Ok(attacks)
}

fn is_mutation(request: &requests::Request) -> bool {
    matches!(request, requests::Request::GraphQl { query, .. } if query.starts_with("mutation"))
}

/// What the attacker knows of: a configuration with many jobs, and an attempt of its own.
fn known(server: SocketAddr) -> Result<requests::KnownIds, Failure> {
    let mut connection = Connection::open(server)?;
    let query = "{ jobs(take: 200) { items { id configurationId } } \
                 more: jobs(take: 200, page: 1) { items { id } } \
                 failureGroups(first: 1) { nodes { id } } }";
    let answer = connection.ask_json(&graphql(query, &json!({})))?;
    let ids = ["jobs", "more"].map(|page| answer["data"][page]["items"].as_array().cloned());
    let ids = ids.into_iter().flatten().flatten();
    let jobs = ids.map(|job| id(&job["id"])).collect::<Result<_, _>>()?;
    let configuration = id(&answer["data"]["jobs"]["items"][0]["configurationId"])?;
    let agent = Attempt::begin(server, ATTACKER)?;
    Ok(requests::KnownIds {
        configuration,
        agent: agent.agent,
        run: agent.run,
        token: agent.token,
        jobs,
        failure_group: id(&answer["data"]["failureGroups"]["nodes"][0]["id"])?,
    })
}

fn id(value: &Value) -> Result<Uuid, Failure> {
    Ok(value.as_str().ok_or("there is no id")?.parse()?)
}

fn expensive() -> Vec<Attack> {
    let one = |name, request| Attack::new(name, vec![request]);
    let run_fields: Vec<_> =
        job_run::Entity::public().map(|field| field.graphql.as_str()).collect();
    let run_fields = run_fields.join(" ");
    let rest: Vec<_> =
        job_run::Entity::public().map(|field| field.external_name.as_str()).collect();
    let rest = rest.join(",");
    let list =
        format!("jobs(take: 200) {{ items {{ id name state currentRun {{ {run_fields} }} }} }}");
    let mut bomb = "{...F0}".to_owned();
    for i in 0..24 {
        _ = write!(bomb, "fragment F{i} on Query{{...F{n} ...F{n}}}", n = i + 1);
    }
    bomb += "fragment F24 on Query{__typename}";
    let mut unknown = String::new();
    let mut aliases = String::new();
    for i in 0..400 {
        _ = write!(unknown, " unknownField{i}");
        _ = write!(aliases, " a{i}: name");
    }
    let lists: Vec<_> = (0..9).map(|i| format!("l{i}: {list}")).collect();
    let lists = lists.join(" ");
    let overlapping = format!(
        "{{ jobs {{ items {{ {} }} }} }} fragment F on Job {{ {} }}",
        "...F ".repeat(12),
        "id name state type priority ".repeat(38)
    );
    let query = |query: &str| graphql(query, &json!({}));
    vec![
        one("cheap requests", query("{ __typename }")),
        one("fragment bombs", query(&bomb)),
        one("unknown fields", query(&format!("{{ jobs {{ items {{ {unknown} }} }} }}"))),
        one("too many aliases", query(&format!("{{ jobs {{ items {{ {aliases} }} }} }}"))),
        one("overlapping fields", query(&overlapping)),
        one("long lists", query(&format!("{{ {list} }}"))),
        one("long lists, zipped", zipped(&query(&format!("{{ {list} }}")))),
        one("nine long lists", zipped(&query(&format!("{{ {lists} }}")))),
        one("long lists by REST", zipped(&get(&format!("/api/v1/jobs?take=200&runFields={rest}")))),
        one(
            "searches",
            query("{ jobs(filter: { search: \"%zz_\" }) { items { id } totalCount } }"),
        ),
        one(
            "large bodies",
            post_json(
                "/graphql",
                &json!({ "query": "{ __typename }", "variables": { "x": "y".repeat(1_000_000) } })
                    .to_string(),
            ),
        ),
        one("too large bodies", post_json("/graphql", &"x".repeat(2_000_000))),
        one(
            "lists of requests",
            post_json(
                "/graphql",
                &Value::from(vec![json!({ "query": format!("{{ {list} }}") }); 10]).to_string(),
            ),
        ),
        Attack { half_open: HALF_OPEN, ..Attack::new("half-open", Vec::new()) },
    ]
}

/// The client that attacks in a turn.
const ATTACKER: &str = "10.255.0.1";

/// What neighbours waited for, in each turn, and how many of their requests were refused.
#[derive(Default)]
struct Waited {
    lists: Vec<Percentiles>,
    reports: Vec<Percentiles>,
    refused: usize,
}

impl Attack {
    /// Prints what the neighbours waited for, and tells whether that is within the limit.
    fn measure(&self, server: SocketAddr, time: Duration, turns: u32) -> Result<bool, Failure> {
        let (mut quiet, mut attacked) = (Waited::default(), Waited::default());
        let (answers, successes) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut reporter = Reporter::start(server)?;
        for turn in 0..turns {
            quiet.add(server, &mut reporter, time)?;
            let is_done = AtomicBool::new(false);
            let half_open: Vec<_> = (0..self.half_open)
                .map(|_| {
                    let mut stream = TcpStream::connect(server)?;
                    stream.write_all(b"POST /graphql HTTP/1.1\r\nHost: b")?;
                    Ok::<_, Failure>(stream)
                })
                .collect::<Result<_, _>>()?;
            let client = format!("10.{turn}.0.1");
            let requests: Vec<_> =
                self.requests.iter().map(|request| from(request, &client)).collect();
            thread::scope(|scope| {
                for nth in 0..CONNECTIONS {
                    let (is_done, answers, successes) = (&is_done, &answers, &successes);
                    let requests = &requests;
                    scope.spawn(move || {
                        _ = rustix::process::nice(19);
                        let mut connection = None;
                        for request in requests.iter().cycle().skip(nth) {
                            if is_done.load(Ordering::Relaxed) {
                                break;
                            }
                            let open =
                                connection.take().map_or_else(|| Connection::open(server), Ok);
                            let Ok(mut open) = open else { continue };
                            thread::sleep(self.pause);
                            // Connections that the server closes are opened again.
                            if let Ok(status) = open.status(request) {
                                answers.fetch_add(1, Ordering::Relaxed);
                                successes.fetch_add(u64::from(status == 200), Ordering::Relaxed);
                                connection = Some(open);
                            }
                        }
                    });
                }
                let waited = attacked.add(server, &mut reporter, time);
                is_done.store(true, Ordering::Relaxed);
                waited
            })?;
            drop(half_open);
            thread::sleep(SETTLING);
        }
        let mut worst: f64 = 0.0;
        print!("{:<40}", self.name);
        for (quiet, attacked) in
            [(&quiet.lists, &attacked.lists), (&quiet.reports, &attacked.reports)]
        {
            let [quiet, attacked] = [quiet, attacked].map(|turns| Percentiles::median_of(turns));
            let times = attacked.p99 / quiet.p99;
            worst = worst.max(times);
            print!(
                " {:>7.2} {:>7.2} {:>8.2} {:>7.2} {times:>6.2}  ",
                quiet.median, quiet.p99, attacked.median, attacked.p99
            );
        }
        let seconds = u64::from(turns) * time.as_secs();
        let rate = |count: &AtomicU64| count.load(Ordering::Relaxed) / seconds;
        let refused = quiet.refused + attacked.refused;
        let is_within = worst <= LIMIT && refused == 0;
        print!("{:>7} ({})", rate(&answers), rate(&successes));
        if refused > 0 {
            print!("  {refused} of the neighbours' requests refused");
        }
        println!("{}", if is_within { "" } else { "  FAIL" });
        Ok(is_within)
    }
}

/// Times in milliseconds.
#[derive(Clone, Copy)]
struct Percentiles {
    median: f64,
    p99: f64,
}

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |nth: usize| times[nth].as_secs_f64() * 1e3;
        Self { median: at(times.len() / 2), p99: at(times.len() * 99 / 100) }
    }

    /// Each of the turn in which it is the middle one.
    fn median_of(turns: &[Self]) -> Self {
        let middle = |of: fn(&Self) -> f64| {
            let mut values: Vec<_> = turns.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self { median: middle(|turn| turn.median), p99: middle(|turn| turn.p99) }
    }
}

fn zipped(request: &Request) -> Request {
    with_header(request, "Accept-Encoding", "gzip")
}

fn from(request: &Request, client: &str) -> Request {
    with_header(request, "X-Forwarded-For", client)
}

impl Waited {
    /// Adds what a frontend and an agent wait for, for this time.
    fn add(
        &mut self,
        server: SocketAddr,
        reporter: &mut Reporter,
        time: Duration,
    ) -> Result<(), Failure> {
        let (lists, reports) = thread::scope(|scope| {
            let reports = scope.spawn(|| repeat(server, time, || Ok(reporter.next_report())));
            let query = "{ jobs(take: 20) { items { id name state createdDate currentRun { \
                         agentState agentPercentCompleted agentTasksCount updateDate } } } }";
            let request = from(&graphql(query, &json!({})), "192.0.2.1");
            let lists = repeat(server, time, || Ok(request.clone()));
            (lists, reports.join().expect("a neighbour does not panic"))
        });
        let ((lists, refused_lists), (reports, refused_reports)) = (lists?, reports?);
        self.lists.push(Percentiles::of(lists));
        self.reports.push(Percentiles::of(reports));
        self.refused += refused_lists + refused_reports;
        Ok(())
    }
}

/// How long the answers to a well-behaved client take, and how many are refusals.
fn repeat(
    server: SocketAddr,
    time: Duration,
    mut next: impl FnMut() -> Result<Request, Failure>,
) -> Result<(Vec<Duration>, usize), Failure> {
    let mut connection = Connection::open(server)?;
    let (mut times, mut refused) = (Vec::new(), 0);
    let started = Instant::now();
    while started.elapsed() < time {
        let request = next()?;
        let asked = Instant::now();
        let answer = connection.ask(&request)?;
        times.push(asked.elapsed());
        refused += usize::from(is_refusal(answer));
        thread::sleep(PACE);
    }
    Ok((times, refused))
}

fn is_refusal(answer: &[u8]) -> bool {
    let has = |text: &[u8]| answer.windows(text.len()).any(|part| part == text);
    has(b"\"errors\":") || has(b"\"REFUSED\"")
}

/// An attempt at a job, by an agent of its own.
struct Attempt {
    agent: Uuid,
    run: Uuid,
    token: Uuid,
}

impl Attempt {
    fn begin(server: SocketAddr, client: &str) -> Result<Self, Failure> {
        let mut connection = Connection::open(server)?;
        let mut ask = |query: &str, input: &Value| {
            let request = graphql(query, &json!({ "input": input }));
            connection.ask_json(&from(&request, client))
        };
        let register = "mutation($input: RegisterAgentInput!) {
            registerAgent(input: $input) { agent { id } } }";
        let agent = ask(register, &json!({ "name": client }))?;
        let agent = id(&agent["data"]["registerAgent"]["agent"]["id"])?;
        let save = "mutation($input: SaveConfigurationInput!) {
            saveConfiguration(input: $input) { configuration { id } } }";
        let configuration = ask(save, &json!({ "name": client }))?;
        let configuration = &configuration["data"]["saveConfiguration"]["configuration"]["id"];
        let queue = "mutation($input: [QueueJobInput!]!) {
            queueJobs(input: $input) { results { job { id } } } }";
        let queued = ask(queue, &json!([{ "configurationId": configuration, "name": "Crawl" }]))?;
        let job = &queued["data"]["queueJobs"]["results"][0]["job"]["id"];
        let start = "mutation($input: StartJobRunInput!) {
            startJobRun(input: $input) { attempt { runId } } }";
        let token = Uuid::now_v7();
        let input = json!({ "jobId": job, "agentId": agent, "attemptToken": token });
        let started = ask(start, &input)?;
        let run = id(&started["data"]["startJobRun"]["attempt"]["runId"])?;
        Ok(Self { agent, run, token })
    }
}

/// An agent that reports on its run.
struct Reporter {
    attempt: Attempt,
    sequence: i64,
}

impl Reporter {
    const CLIENT: &str = "192.0.2.2";

    fn start(server: SocketAddr) -> Result<Self, Failure> {
        Ok(Self { attempt: Attempt::begin(server, Self::CLIENT)?, sequence: 0 })
    }

    fn next_report(&mut self) -> Request {
        self.sequence += 1;
        let Self { attempt, sequence } = self;
        let report = json!({
            "runId": attempt.run, "attemptToken": attempt.token, "sequence": sequence,
            "progress": { "agentTasksCount": sequence },
        });
        let mutation = "mutation($reports: [JobRunReportInput!]!) {
            reportJobRuns(reports: $reports) { results { status } } }";
        from(&graphql(mutation, &json!({ "reports": [report] })), Self::CLIENT)
    }
}
