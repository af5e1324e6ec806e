//! How long a client waits for its answers while others attack: each attack by itself, and all at
//! once.
//!
//! The server is a process of its own, behind a proxy by its own belief, so that each attacker has an
//! address. Attackers send as fast as they are answered, from threads of the lowest priority: in life
//! they have machines of their own, and do not take the server's. Quiet and attack take turns, and
//! each turn's attackers are new, with all that a client may send at once still before them.
//!
//! | variable | default | |
//! | --- | --- | --- |
//! | `ATTACK_DATABASES` | `sqlite,postgres` | which databases |
//! | `ATTACK_SECONDS` | 3 | how long each turn takes |
//! | `ATTACK_TURNS` | 3 | how many turns each attack has |
//! | `ATTACK` | all | only attacks whose name begins with this |

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

const JOBS: u32 = 20_000;

/// Who attacks, and with how many connections each.
const ATTACKERS: usize = 2;
const CONNECTIONS: usize = 4;
const HALF_OPEN: usize = 500;

/// What each attacker's line carries in bytes a microsecond: half a gigabit a second.
const LINE: usize = 62;

/// How often the neighbour asks: within what one client may.
const PACE: Duration = Duration::from_millis(6);

fn main() -> Result<(), Failure> {
    let time = Duration::from_secs(number("ATTACK_SECONDS", 3)?);
    let turns = number("ATTACK_TURNS", 3)?;
    let only = std::env::var("ATTACK").unwrap_or_default();
    let attacks: Vec<_> =
        attacks().into_iter().filter(|attack| attack.name.starts_with(&only)).collect();
    for kind in Kind::chosen("ATTACK_DATABASES") {
        let database = Database::create(kind)?;
        Runtime::new()?.block_on(async {
            database.fill(JOBS).await?.0.close().await;
            Ok::<_, Failure>(())
        })?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent-jobs"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()]);
        command.args(["--trusted-proxies", "127.0.0.1", "--max-batch", "10"]);
        let server = Server::start(command.env("AGENT_JOBS_LOG", "error"))?;
        println!(
            "\n{kind}: a list of 20 jobs, in ms    quiet p50    p99   attacked p50    p99   times p99   \
             attackers' answers/s (of them 200)"
        );
        for attack in &attacks {
            attack.measure(server.address, time, turns)?;
        }
    }
    Ok(())
}

/// What attackers send, in turns.
struct Attack {
    name: &'static str,
    requests: Vec<Request>,
    half_open: usize,
    /// What each connection waits for between requests.
    pause: Duration,
}

fn attacks() -> Vec<Attack> {
    let one = |name, request| Attack {
        name,
        requests: vec![request],
        half_open: 0,
        pause: Duration::ZERO,
    };
    let run_fields: Vec<_> =
        job_run::Entity::public().map(|field| field.graphql.as_str()).collect();
    let run_fields = run_fields.join(" ");
    let rest: Vec<_> = job_run::Entity::public().map(|field| field.seed.as_str()).collect();
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
    let mut attacks = vec![
        one("cheap requests", query("{ __typename }")),
        one("fragment bombs", query(&bomb)),
        one("unknown fields", query(&format!("{{ jobs {{ items {{ {unknown} }} }} }}"))),
        one("too many aliases", query(&format!("{{ jobs {{ items {{ {aliases} }} }} }}"))),
        one("overlapping fields", query(&overlapping)),
        one("long lists", query(&format!("{{ {list} }}"))),
        one("long lists, zipped", zipped(&query(&format!("{{ {list} }}")))),
        one("nine long lists", zipped(&query(&format!("{{ {lists} }}")))),
        one("long lists by REST", zipped(&get(&format!("/api/v1/jobs?take=200&runFields={rest}")))),
        one("searches", query("{ jobs(search: \"%zz_\") { items { id } totalCount } }")),
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
        Attack {
            name: "half-open",
            requests: Vec::new(),
            half_open: HALF_OPEN,
            pause: Duration::ZERO,
        },
    ];
    for attack in &mut attacks {
        let bytes = attack.requests.iter().map(Vec::len).max().unwrap_or_default();
        attack.pause = Duration::from_micros((bytes * CONNECTIONS / LINE) as u64);
    }
    let all = attacks.iter().flat_map(|attack| attack.requests.clone()).collect();
    let pause = Duration::ZERO;
    attacks.push(Attack { name: "all at once", requests: all, half_open: HALF_OPEN, pause });
    attacks
}

impl Attack {
    fn measure(&self, server: SocketAddr, time: Duration, turns: u32) -> Result<(), Failure> {
        let (mut quiet, mut attacked) = (Vec::new(), Vec::new());
        let (answers, successes) = (AtomicU64::new(0), AtomicU64::new(0));
        for turn in 0..turns {
            quiet.extend(neighbour(server, time)?);
            let is_over = AtomicBool::new(false);
            let half_open: Vec<_> = (0..self.half_open)
                .map(|_| {
                    let mut stream = TcpStream::connect(server)?;
                    stream.write_all(b"POST /graphql HTTP/1.1\r\nHost: b")?;
                    Ok::<_, Failure>(stream)
                })
                .collect::<Result<_, _>>()?;
            let waited = thread::scope(|scope| {
                for nth in 0..ATTACKERS * CONNECTIONS {
                    let requests: Vec<_> = self
                        .requests
                        .iter()
                        .map(|request| from(request, &format!("10.{turn}.0.{}", nth % ATTACKERS)))
                        .collect();
                    let (is_over, answers, successes) = (&is_over, &answers, &successes);
                    scope.spawn(move || {
                        _ = rustix::process::nice(19);
                        let mut connection = None;
                        for request in requests.iter().cycle().skip(nth) {
                            if is_over.load(Ordering::Relaxed) {
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
                let waited = neighbour(server, time);
                is_over.store(true, Ordering::Relaxed);
                waited
            });
            attacked.extend(waited?);
            drop(half_open);
        }
        let [quiet, attacked] = [quiet, attacked].map(|mut times| {
            times.sort_unstable();
            [times[times.len() / 2], times[times.len() * 99 / 100]].map(|t| t.as_secs_f64() * 1e3)
        });
        let seconds = u64::from(turns) * time.as_secs();
        let rate = |count: &AtomicU64| count.load(Ordering::Relaxed) / seconds;
        println!(
            "{:<34} {:>9.2} {:>6.2} {:>14.2} {:>6.2} {:>11.2}   {} ({})",
            self.name,
            quiet[0],
            quiet[1],
            attacked[0],
            attacked[1],
            attacked[1] / quiet[1],
            rate(&answers),
            rate(&successes),
        );
        Ok(())
    }
}

fn zipped(request: &Request) -> Request {
    with_header(request, "Accept-Encoding", "gzip")
}

fn from(request: &Request, client: &str) -> Request {
    with_header(request, "X-Forwarded-For", client)
}

/// How long the answers to a well-behaved client take.
fn neighbour(server: SocketAddr, time: Duration) -> Result<Vec<Duration>, Failure> {
    let query = "{ jobs(take: 20) { items { id name state createdDate currentRun { \
                 agentState agentPercentCompleted agentTasksCount updateDate } } } }";
    let request = from(&graphql(query, &json!({})), "192.0.2.1");
    let mut connection = Connection::open(server)?;
    let mut times = Vec::new();
    let started = Instant::now();
    while started.elapsed() < time {
        times.push(connection.time(&request)?);
        thread::sleep(PACE);
    }
    Ok(times)
}
