//! How fast the API answers, and what that depends on: with few jobs and with many, at the start
//! of a list and deep within it, and beside a handler written by hand for the same question.
//!
//! Everything goes through real sockets, with server and client on the same machine. What is
//! compared is measured by turns, so that whatever else the machine does hits all alike.
//!
//! `JOBS=100000 cargo bench --bench reading` takes fewer jobs than a million. `ONLY=first-pages` times
//! nothing but the first page by each filter and order.

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use agent_jobs::access::token::{self, NewToken};
use agent_jobs::access::{Access, Role};
use agent_jobs::clock;
use agent_jobs::db::Db;
use agent_jobs::graphql::Api;
use agent_jobs::http;
use agent_jobs::jobs::argument::PageRequest;
use agent_jobs::jobs::conditions::Conditions;
use agent_jobs::jobs::cursor::Cursor;
use agent_jobs::jobs::list::JobList;
use agent_jobs::jobs::order::{Order, OrderField};
use agent_jobs::jobs::page::Selection;
use agent_jobs::jobs::scope::Scope;
use agent_jobs::live::Live;
use agent_jobs::reports::{LeasePolicy, Writer};
use axum::serve::ListenerExt as _;
use entity::{Columns, Table as _, job, job_run};
use indicatif::HumanCount;
use serde_json::json;
use support::Failure;
use support::client::{Connection, Request, get, graphql, requests_per_second, with_token};
use support::database::{Database, Kind};
use support::first_pages::{SampleSource, first_pages};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FEW_JOBS: u32 = 1_000;
const TAKE: i64 = 20;

/// The most that the median of a first page may take.
const FIRST_PAGE: Duration = Duration::from_millis(50);

/// Turns that each of the compared requests has.
const TURNS: usize = 20;
/// How often a turn repeats its request, unless that takes longer than [`TURN_TIME`].
const REPEATS: usize = 100;
const TURN_TIME: Duration = Duration::from_millis(200);

/// Turns and their length where requests a second are compared, and who asks.
const RATE_TURNS: usize = 7;
const RATE_TIME: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 8;

const JOB_COLUMNS: [&str; 4] = ["id", "name", "state", "created_date"];
const LIST_RUN_COLUMNS: [&str; 4] =
    ["agent_state", "agent_percent_completed", "agent_tasks_count", "update_date"];
const FEW_RUN_COLUMNS: [&str; 6] = [
    "agent_state",
    "agent_percent_completed",
    "agent_start_time",
    "agent_tasks_completed_count",
    "agent_result_message",
    "update_date",
];

fn main() -> Result<(), Failure> {
    let jobs = match std::env::var("JOBS") {
        Ok(jobs) => jobs.parse()?,
        Err(_) => 1_000_000,
    };
    let runtime = Runtime::new()?;
    // Servers begin tasks of their own.
    let _entered = runtime.enter();
    for kind in Kind::chosen("READING_DATABASES") {
        let few = Server::start(&runtime, kind, FEW_JOBS)?;
        let started = Instant::now();
        let many = Server::start(&runtime, kind, jobs)?;
        println!(
            "\n{kind}: {} jobs, {} runs, filled in {} s",
            HumanCount(many.jobs),
            HumanCount(many.runs),
            started.elapsed().as_secs()
        );
        if std::env::var("ONLY").is_ok_and(|only| only == "first-pages") {
            each_condition(&runtime, &many)?;
            continue;
        }
        counts(&few, &many)?;
        pages(&many)?;
        connections(&runtime, &many)?;
        filtered_pages(&runtime, &many)?;
        each_condition(&runtime, &many)?;
        beside_plain(&runtime, &many)?;
        with_access_control(&runtime, &many)?;
    }
    Ok(())
}

/// The service over a database of its own.
struct Server {
    address: SocketAddr,
    db: Db,
    jobs: u64,
    runs: u64,
    _database: Database,
}

impl Server {
    fn start(runtime: &Runtime, kind: Kind, jobs: u32) -> Result<Self, Failure> {
        let database = Database::create(kind)?;
        let (db, runs) = runtime.block_on(database.fill(jobs))?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let write_queue = Writer::start(&db).queue();
        let live = Live::new(db.clone(), Duration::from_millis(100), CancellationToken::new());
        let api = Api::new(live, write_queue, LeasePolicy::default());
        runtime.spawn(async move { http::serve(listener, api, std::future::pending()).await });
        Ok(Self { address, db, jobs: jobs.into(), runs, _database: database })
    }

    /// A page of the newest jobs.
    fn jobs_at(
        &self,
        runtime: &Runtime,
        number: i64,
        size: i64,
    ) -> Result<Vec<job::Model>, Failure> {
        let conditions = Conditions::default();
        let list = JobList::new(&Scope::All, &conditions, Order::default());
        let selection = Selection { job: Columns::all(), run: None };
        let request = PageRequest { number, size };
        let found = list.page(self.db.reader(), request, selection, false);
        Ok(runtime.block_on(found)?.items.into_iter().map(|listed| listed.job).collect())
    }

    /// The number of the last full page.
    fn last_page(&self) -> i64 {
        i64::try_from(self.jobs).expect("few enough") / TAKE - 1
    }
}

fn counts(few: &Server, many: &Server) -> Result<(), Failure> {
    let request = graphql("{ jobCounts { total completed executing failed queued } }", &json!({}));
    compare(
        "jobCounts",
        &[
            (format!("{} jobs", HumanCount(few.jobs)), few.address, request.clone()),
            (format!("{} jobs", HumanCount(many.jobs)), many.address, request),
        ],
    )
}

const PAGE: &str = "query ($page: Int, $states: [JobState!], $configuration: UUID) {
    jobs(page: $page, configurationId: $configuration, filter: { states: $states }) {
      totalCount items { id name state createdDate } } }";

fn pages(server: &Server) -> Result<(), Failure> {
    let last = server.last_page();
    let places = [("first", 0), ("middle", last / 2), ("last", last)];
    let requests = places.map(|(name, number)| {
        let request = graphql(PAGE, &json!({ "page": number }));
        (format!("{name} page ({number})"), server.address, request)
    });
    compare("jobs(page, take: 20)", &requests)
}

fn connections(runtime: &Runtime, server: &Server) -> Result<(), Failure> {
    let query = "query ($after: String) { jobsConnection(first: 20, after: $after) {
        edges { cursor node { id name state createdDate } } pageInfo { hasNextPage } } }";
    let mut requests =
        vec![("at the start".to_owned(), server.address, graphql(query, &json!({})))];
    let last = server.last_page();
    for (name, page) in [("in the middle", last / 2), ("near the end", last)] {
        let before = server.jobs_at(runtime, page * TAKE - 1, 1)?;
        let after = Cursor::of(&before[0], OrderField::CreatedDate).encode();
        let request = graphql(query, &json!({ "after": after }));
        requests.push((name.to_owned(), server.address, request));
    }
    compare("jobsConnection(first: 20)", &requests)
}

fn filtered_pages(runtime: &Runtime, server: &Server) -> Result<(), Failure> {
    let configuration = server.jobs_at(runtime, 0, 1)?[0].configuration_id;
    for (name, mut variables) in [
        ("state: FAILED", json!({ "page": 0, "states": ["FAILED"] })),
        ("states: [FAILED, CANCELLED]", json!({ "page": 0, "states": ["FAILED", "CANCELLED"] })),
        ("configurationId", json!({ "page": 0, "configuration": configuration })),
        (
            "configurationId, states: [FAILED, CANCELLED]",
            json!({ "page": 0, "configuration": configuration, "states": ["FAILED", "CANCELLED"] }),
        ),
    ] {
        let first = graphql(PAGE, &variables);
        let total =
            Connection::open(server.address)?.ask_json(&first)?["data"]["jobs"]["totalCount"]
                .as_i64()
                .ok_or("the list has a length")?;
        let last = (total / TAKE - 1).max(0);
        let places = [("first", 0), ("middle", last / 2), ("last", last)];
        let requests = places.map(|(place, number)| {
            variables["page"] = json!(number);
            let request = graphql(PAGE, &variables);
            (format!("{place} page ({number})"), server.address, request)
        });
        compare(&format!("jobs(page, take: 20, {name})"), &requests)?;
    }
    Ok(())
}

/// Prints how long the first page takes by each condition of the filter alone, and in each order, and
/// whether its median is within [`FIRST_PAGE`].
fn each_condition(runtime: &Runtime, server: &Server) -> Result<(), Failure> {
    let newest = server.jobs_at(runtime, 0, 200)?;
    let at = |page| server.jobs_at(runtime, page, TAKE);
    let (middle, last) = (at(server.last_page() / 2)?, at(server.last_page())?);
    let moment = |job: &job::Model| job.created_date.to_string();
    let source = SampleSource {
        configuration: newest[0].configuration_id,
        agent: middle.iter().find_map(|job| job.agent_id),
        moments: [moment(&newest[199]), moment(&middle[0]), moment(&last[0])],
    };
    let query = "query ($filter: JobFilter, $orderBy: JobOrder) {
        jobs(filter: $filter, orderBy: $orderBy) {
          items { id name state createdDate } hasNextPage } }";
    let pages = first_pages(&agent_jobs::graphql::sdl(), &source);
    let (mut late, count) = (0, pages.len());
    println!("\n  {:<64} {:>9} {:>12}", "jobs, the first page without a total", "p50", "max");
    for variables in pages {
        let mut connection = Connection::open(server.address)?;
        let request = graphql(query, &variables);
        connection.ask_json(&request)?;
        let mut times = Vec::new();
        let started = Instant::now();
        while times.len() < 3 || (times.len() < REPEATS && started.elapsed() < TURN_TIME) {
            times.push(connection.time(&request)?);
        }
        times.sort_unstable();
        let (p50, most) = (times[times.len() / 2], times[times.len() - 1]);
        let is_late = p50 > FIRST_PAGE;
        late += u32::from(is_late);
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "    {:<62} {:>6.3} ms {:>9.3} ms {}",
            name_of(&variables),
            milliseconds(p50),
            milliseconds(most),
            if is_late { "FAIL" } else { "PASS" }
        );
    }
    println!("    {late} of {count} medians exceed {} ms", FIRST_PAGE.as_millis());
    Ok(())
}

/// A filter and an order in short: `FINISHED_DATE DESC {"states":["FAILED"]}`.
fn name_of(variables: &serde_json::Value) -> String {
    let order = &variables["orderBy"];
    let words = [order["field"].as_str(), order["direction"].as_str()].into_iter().flatten();
    let filter = variables["filter"].to_string();
    words.map(str::to_owned).chain([filter]).collect::<Vec<_>>().join(" ")
}

/// Prints how long the requests take, asked one at a time; each also in terms of the first.
fn compare(title: &str, requests: &[(String, SocketAddr, Request)]) -> Result<(), Failure> {
    let mut connections = Vec::new();
    for (_, address, request) in requests {
        let mut connection = Connection::open(*address)?;
        connection.ask_json(request)?;
        connections.push(connection);
    }
    let mut times = vec![Vec::new(); requests.len()];
    for _ in 0..TURNS {
        for (((_, _, request), connection), times) in
            requests.iter().zip(&mut connections).zip(&mut times)
        {
            let started = Instant::now();
            for _ in 0..REPEATS {
                times.push(connection.time(request)?);
                if started.elapsed() > TURN_TIME {
                    break;
                }
            }
        }
    }
    println!("\n  {title:<64} {:>9} {:>12} {:>9}", "p50", "p99", "p50 ratio");
    let mut first = None;
    for ((name, ..), times) in requests.iter().zip(&mut times) {
        times.sort_unstable();
        let [p50, p99] = [50, 99].map(|part| times[(times.len() - 1) * part / 100].as_secs_f64());
        let first = *first.get_or_insert(p50);
        println!("    {name:<62} {:>6.3} ms {:>9.3} ms {:>9.2}", p50 * 1e3, p99 * 1e3, p50 / first);
    }
    Ok(())
}

/// Prints how many requests a second the service answers, beside a plain handler for the same.
fn beside_plain(runtime: &Runtime, server: &Server) -> Result<(), Failure> {
    let all_run_columns: Vec<_> = job_run::Entity::public().map(|field| field.name).collect();
    println!(
        "\n  requests/s, {CONNECTIONS} connections {:>45} {:>12} {:>9}",
        "agent-jobs", "plain", "ratio"
    );
    let jobs_query = format!(
        "{{ jobs {{ items {{ {} currentRun {{ {} }} }} }} }}",
        graphql_fields::<job::Entity>(&JOB_COLUMNS),
        graphql_fields::<job_run::Entity>(&LIST_RUN_COLUMNS)
    );
    let plain = serve_plain(runtime, &server.db, &LIST_RUN_COLUMNS)?;
    rates(
        "jobs: 20, with 4 fields of each and 4 of its run",
        (server.address, &[graphql(&jobs_query, &json!({}))]),
        (plain, &[get("/jobs")]),
    )?;

    let jobs = with_runs(runtime, server)?;
    for columns in [FEW_RUN_COLUMNS.as_slice(), &all_run_columns] {
        let query = format!(
            "query ($id: UUID!) {{ jobRun(id: $id) {{ {} }} }}",
            graphql_fields::<job_run::Entity>(columns)
        );
        let plain = serve_plain(runtime, &server.db, columns)?;
        let ours: Vec<_> = jobs.iter().map(|id| graphql(&query, &json!({ "id": id }))).collect();
        let plains: Vec<_> = jobs.iter().map(|id| get(&format!("/jobs/{id}/run"))).collect();
        let name = format!("jobRun: {} fields", columns.len());
        rates(&name, (server.address, &ours), (plain, &plains))?;
    }
    Ok(())
}

/// Prints the cost of authentication: the same lists for a request with a token and for
/// everyone; and what a token sees that is limited to some configurations.
fn with_access_control(runtime: &Runtime, server: &Server) -> Result<(), Failure> {
    let access = runtime.block_on(Access::controlled(&server.db, None))?;
    let controlled = serve(runtime, &server.db, access)?;
    let jobs = server.jobs_at(runtime, 0, 200)?;
    let mut configurations: Vec<_> = jobs.iter().filter_map(|job| job.configuration_id).collect();
    configurations.sort_unstable();
    configurations.dedup();
    configurations.truncate(5);
    let token = |scope: Scope| {
        let new = NewToken {
            name: "a benchmark".to_owned(),
            role: Role::Viewer,
            scope,
            agent_id: None,
            expires: None,
        };
        runtime.block_on(token::create(&server.db, new, clock::now())).map(|(_, token)| token)
    };
    let (all, some) = (token(Scope::All)?, token(Scope::only(configurations))?);
    println!(
        "\n  requests/s, {CONNECTIONS} connections {:>45} {:>12} {:>9}",
        "with token", "open", "ratio"
    );
    let list = format!(
        "{{ jobs {{ items {{ {} currentRun {{ {} }} }} }} }}",
        graphql_fields::<job::Entity>(&JOB_COLUMNS),
        graphql_fields::<job_run::Entity>(&LIST_RUN_COLUMNS)
    );
    let counted = graphql(PAGE, &json!({ "page": 0 }));
    for (name, request) in [
        ("jobs: 20, with 4 fields of each and 4 of its run", graphql(&list, &json!({}))),
        ("jobs: 20, with 4 fields of each, and how many there are", counted),
    ] {
        let open = (server.address, std::slice::from_ref(&request));
        rates(name, (controlled, &[with_token(&request, &all)]), open)?;
        rates(
            "    the same, by a token for 5 configurations",
            (controlled, &[with_token(&request, &some)]),
            open,
        )?;
    }
    Ok(())
}

/// Serves a database to those whom `access` lets in.
fn serve(runtime: &Runtime, db: &Db, access: Access) -> Result<SocketAddr, Failure> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let write_queue = Writer::start(db).queue();
    let live = Live::new(db.clone(), Duration::from_millis(100), CancellationToken::new());
    let api = Api::new(live, write_queue, LeasePolicy::default()).with_access(access.clone());
    runtime.spawn(access.run());
    runtime.spawn(async move { http::serve(listener, api, std::future::pending()).await });
    Ok(address)
}

fn graphql_fields<E: entity::Table>(columns: &[&str]) -> String {
    let name = |column: &&str| E::fields()[E::place(column)].graphql.as_str();
    columns.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// Jobs with a run, from all over the list.
fn with_runs(runtime: &Runtime, server: &Server) -> Result<Vec<uuid::Uuid>, Failure> {
    let last = server.last_page();
    let mut jobs = Vec::new();
    for part in 0..10 {
        let found = server.jobs_at(runtime, last * TAKE * part / 10 / 200, 200)?;
        jobs.extend(found.iter().filter(|job| job.current_run_id.is_some()).map(|job| job.id));
    }
    Ok(jobs)
}

fn serve_plain(runtime: &Runtime, db: &Db, run: &[&str]) -> Result<SocketAddr, Failure> {
    let router = support::plain::router(db, &JOB_COLUMNS, run);
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    runtime.spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Prints how many requests a second either answers.
fn rates(
    name: &str,
    ours: (SocketAddr, &[Request]),
    plain: (SocketAddr, &[Request]),
) -> Result<(), Failure> {
    let mut turns = Vec::new();
    for (address, requests) in [ours, plain] {
        Connection::open(address)?.ask_json(&requests[0])?;
        requests_per_second(address, requests, CONNECTIONS, RATE_TIME / 4)?;
    }
    for _ in 0..RATE_TURNS {
        let [ours, plain] = [ours, plain].map(|(address, requests)| {
            requests_per_second(address, requests, CONNECTIONS, RATE_TIME)
        });
        turns.push((ours?, plain?));
    }
    let median = |value: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<_> = turns.iter().map(value).collect();
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "    {name:<62} {:>9.0} {:>12.0} {:>9.2}",
        median(|turn| turn.0),
        median(|turn| turn.1),
        median(|turn| turn.0 / turn.1)
    );
    Ok(())
}
