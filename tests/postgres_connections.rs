//! What happens between the service and PostgreSQL: poolers, connections that are ended or fall
//! silent, a server that becomes read-only.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use agent_jobs::access::Access;
use agent_jobs::db::{self, ConnectOptions};
use futures_util::future::join_all;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::support::{Cluster, Kind, TestDatabase, TestServer, agent_jobs, is_root};

/// Much longer than anything here takes on a machine that works.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The database's server, by its address, and the database's name.
fn parts(database: &TestDatabase) -> (sqlx::postgres::PgConnectOptions, String) {
    let options: sqlx::postgres::PgConnectOptions = database.url().parse().expect("a URL");
    let name = options.get_database().expect("it names a database").to_owned();
    (options, name)
}

/// Debian's PgBouncer in front of the tests' PostgreSQL. It ends when it is dropped.
struct PgBouncer {
    child: Child,
    url: String,
}

impl PgBouncer {
    async fn start(database: &TestDatabase, mode: &str, connections: u32) -> Self {
        let (server, name) = parts(database);
        let port = StdListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let folder = database.folder();
        let user = server.get_username();
        // It refuses to run as root.
        let run_as = if is_root() { "user = nobody" } else { "" };
        let configuration = format!(
            "[databases]\n* = host={} port={} user={user}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = {mode}\ndefault_pool_size = {connections}\nmax_client_conn = 200\n{run_as}\n",
            server.get_host(),
            server.get_port(),
        );
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&file, configuration).expect("the test's own folder");
        open_to_all(folder);
        let child = Command::new("/usr/sbin/pgbouncer")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs PgBouncer: apt-get install pgbouncer");
        let url = format!("postgres://{user}@127.0.0.1:{port}/{name}");
        let bouncer = Self { child, url };
        let deadline = Instant::now() + TIMEOUT;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(Instant::now() < deadline, "PgBouncer does not answer");
            sleep(Duration::from_millis(20)).await;
        }
        bouncer
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("ours");
}

/// A server as `serve` opens its database.
async fn serve(url: &str) -> TestServer {
    let options = ConnectOptions {
        statement_timeout: Some(Duration::from_secs(20)),
        ..ConnectOptions::default()
    };
    let db = db::connect_with(&url.parse().expect("a URL"), &options).await.expect("it connects");
    TestServer::start_over(db, TestServer::lease_policy(), Access::open())
}

/// Jobs are queued, claimed, reported on and finished, many at a time, while another client watches.
async fn work(server: &TestServer) {
    const JOBS: usize = 12;
    let mut watching = server
        .watch("subscription { executingJobs { jobs { id } removed { id state } } }", json!({}))
        .await;
    watching.next().await;
    let configuration = server.save_configuration().await;
    let agent = server.register_agent().await;
    let queued = vec![json!({ "configurationId": configuration, "name": "crawl" }); JOBS];
    let jobs = server.queue(queued.into()).await;
    let attempts = join_all((0..JOBS).map(|_| server.claim(agent))).await;
    let lists = join_all((0..40).map(|_| {
        server.query(
            "{ jobs(take: 50) { items { id state currentRun { id agentPercentCompleted } } } }",
            json!({}),
        )
    }));
    let reports = join_all(attempts.iter().map(|attempt| async move {
        for sequence in 1..5 {
            let progress = json!({ "agentPercentCompleted": 20 * sequence });
            let result = server.report_one(attempt.report(sequence, None, &progress)).await;
            assert_eq!(result["status"], "ACCEPTED", "{result:#}");
        }
        let result = server.finish(attempt, 9, "COMPLETED", None).await;
        assert_eq!(result["status"], "ACCEPTED", "{result:#}");
    }));
    let (lists, _) = tokio::join!(lists, reports);
    assert!(lists.iter().all(|list| list["jobs"]["items"].as_array().unwrap().len() == JOBS));
    let counts = server.query("{ jobCounts { completed executing total } }", json!({})).await;
    assert_eq!(counts["jobCounts"], json!({ "completed": JOBS, "executing": 0, "total": JOBS }));
    // Those that were seen executing are seen to leave; with polling some may come and go unseen.
    let mut present = std::collections::HashSet::new();
    server.queue(json!([{ "configurationId": configuration, "name": "last" }])).await;
    let last = server.claim(agent).await;
    let mut has_seen_last = false;
    while !has_seen_last || !present.is_empty() {
        let update = watching.next().await["executingJobs"].take();
        for job in update["jobs"].as_array().unwrap() {
            present.insert(job["id"].as_str().unwrap().to_owned());
        }
        for job in update["removed"].as_array().unwrap() {
            present.remove(job["id"].as_str().unwrap());
        }
        if !has_seen_last && present.contains(&last.job.to_string()) {
            has_seen_last = true;
            server.finish(&last, 1, "FAILED", Some("no route to host")).await;
        }
    }
    assert_eq!(jobs.len(), JOBS);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_works_through_pgbouncer_in_session_mode() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let bouncer = PgBouncer::start(&database, "session", 30).await;
    agent_jobs(&["migrate", "up", "--database-url", &bouncer.url], b"").ok();
    work(&serve(&bouncer.url).await).await;
    let verify = ["counts", "verify", "--database-url", &bouncer.url];
    assert_eq!(agent_jobs(&verify, b"").ok().stdout, "the counters are right\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_works_through_pgbouncer_in_transaction_mode() {
    let database = TestDatabase::create(Kind::Postgres).await;
    // Fewer server connections than the service has to the pooler.
    let bouncer = PgBouncer::start(&database, "transaction", 4).await;
    agent_jobs(&["migrate", "up", "--database-url", &bouncer.url], b"").ok();
    work(&serve(&bouncer.url).await).await;
    // Once more on the same server connections, which keep what a session prepares or sets.
    work_again(&bouncer.url).await;
    let verify = ["counts", "verify", "--database-url", &bouncer.url];
    assert_eq!(agent_jobs(&verify, b"").ok().stdout, "the counters are right\n");
}

async fn work_again(url: &str) {
    let server = serve(url).await;
    let lists =
        join_all((0..40).map(|_| {
            server.query("{ jobs(take: 50) { totalCount items { id name } } }", json!({}))
        }));
    for list in lists.await {
        assert_eq!(list["jobs"]["totalCount"], 13);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statement_timeout_is_in_force_through_pgbouncer() {
    let database = TestDatabase::create(Kind::Postgres).await;
    for (mode, connections) in [("session", 30), ("transaction", 4)] {
        let bouncer = PgBouncer::start(&database, mode, connections).await;
        let options = ConnectOptions {
            statement_timeout: Some(Duration::from_millis(300)),
            ..ConnectOptions::default()
        };
        let target = bouncer.url.parse().expect("a URL");
        let db = db::connect_with(&target, &options).await.expect("it connects");
        let slept = db.reader().execute_unprepared("SELECT 1").await;
        assert!(slept.is_ok(), "{mode}: {slept:?}");
        let sleep = sea_orm::Statement::from_string(db.backend(), "SELECT pg_sleep(20)");
        let error = db.reader().query_one_raw(sleep).await.expect_err("it takes too long");
        assert_eq!(db::error_code(&error).as_deref(), Some("57014"), "{mode}: {error}");
        db.close().await;
    }
}

/// Ends all sessions of a database but those of its feed.
async fn end_sessions(admin: &mut PgConnection, name: &str) {
    let sql =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    admin.execute(AssertSqlSafe(sql)).await.expect("the test's own database");
}

async fn admin_of(database: &TestDatabase) -> (PgConnection, String) {
    let (options, name) = parts(database);
    let admin = PgConnection::connect_with(&options.database("postgres")).await;
    (admin.expect("it runs"), name)
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_do_not_fail_when_the_server_ends_all_sessions() {
    let database = TestDatabase::create(Kind::Postgres).await;
    database.open().await.close().await;
    let server = serve(database.url()).await;
    let (mut admin, name) = admin_of(&database).await;
    let ask =
        || server.answer("{ jobs { items { id } } configurations { items { id } } }", json!({}));
    for _ in 0..3 {
        // So many that several connections are open.
        join_all((0..12).map(|_| ask())).await;
        end_sessions(&mut admin, &name).await;
        for answer in join_all((0..12).map(|_| ask())).await {
            assert!(answer.get("errors").is_none(), "{answer:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_go_on_once_a_server_is_writable_again() {
    let database = TestDatabase::create(Kind::Postgres).await;
    database.open().await.close().await;
    let server = serve(database.url()).await;
    let (mut admin, name) = admin_of(&database).await;
    let queue =
        "mutation($input: [QueueJobInput!]!) { queueJobs(input: $input) { results { jobId } } }";
    let configuration = server.save_configuration().await;
    let input = json!({ "input": [{ "configurationId": configuration }] });
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    admin.execute(AssertSqlSafe(read_only)).await.expect("ours");
    end_sessions(&mut admin, &name).await;
    until(async || code_of(&server.answer(queue, input.clone()).await) == "DATABASE_UNAVAILABLE")
        .await;
    let lists = server.answer("{ jobs { items { id } } }", json!({})).await;
    assert!(lists.get("errors").is_none(), "{lists:#}");
    // New sessions may write; those that are open keep what they began with.
    let writable = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
    admin.execute(AssertSqlSafe(writable)).await.expect("ours");
    until(async || server.answer(queue, input.clone()).await.get("errors").is_none()).await;
    // Not by chance: every connection that writes was renewed.
    for answer in join_all((0..12).map(|_| server.answer(queue, input.clone()))).await {
        assert!(answer.get("errors").is_none(), "{answer:#}");
    }
}

fn code_of(answer: &Value) -> String {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain");
        sleep(Duration::from_millis(50)).await;
    }
}

/// What a proxy does with the connections through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Forward,
    /// Nothing goes through connections that are open, and none is closed. New ones work.
    SwallowOld(Instant),
    /// Nothing goes through any.
    SwallowAll,
}

/// A TCP proxy, for what is between the service and its database.
struct Proxy {
    address: SocketAddr,
    mode: Arc<watch::Sender<Mode>>,
    /// Where connections that are opened from now on lead.
    target: Arc<watch::Sender<(String, u16)>>,
}

impl Proxy {
    async fn start(host: &str, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let mode = Arc::new(watch::Sender::new(Mode::Forward));
        let target = Arc::new(watch::Sender::new((host.to_owned(), port)));
        let (modes, targets) = (Arc::clone(&mode), Arc::clone(&target));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let opened = Instant::now();
                let (target, modes) = (targets.borrow().clone(), Arc::clone(&modes));
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(target).await else { return };
                    let (client_in, client_out) = client.into_split();
                    let (server_in, server_out) = server.into_split();
                    tokio::join!(
                        forward(client_in, server_out, opened, modes.subscribe()),
                        forward(server_in, client_out, opened, modes.subscribe())
                    );
                });
            }
        });
        Self { address, mode, target }
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    opened: Instant,
    mut modes: watch::Receiver<Mode>,
) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let n = from.read(&mut buffer).await.unwrap_or(0);
        let is_swallowed = match *modes.borrow_and_update() {
            Mode::Forward => false,
            Mode::SwallowOld(since) => opened < since,
            Mode::SwallowAll => true,
        };
        if is_swallowed {
            if n == 0 {
                // As packets would, the end is lost, too.
                std::future::pending::<()>().await;
            }
            continue;
        }
        if n == 0 || to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fall_silent_are_given_up() {
    let database = TestDatabase::create(Kind::Postgres).await;
    database.open().await.close().await;
    let (options, name) = parts(&database);
    let Proxy { address, mode, .. } = Proxy::start(options.get_host(), options.get_port()).await;
    let url = format!("postgres://{}@{address}/{name}", options.get_username());
    let server = serve(&url).await;
    let configuration = server.save_configuration().await;
    let agent = server.register_agent().await;
    let mut watching =
        server.watch("subscription { executingJobs { jobs { id } } }", json!({})).await;
    watching.next().await;
    let list = "{ jobs { items { id } } }";
    join_all((0..12).map(|_| server.answer(list, json!({})))).await;

    // A firewall has forgotten the connections: reads are repeated on new ones.
    mode.send_replace(Mode::SwallowOld(Instant::now()));
    for answer in join_all((0..12).map(|_| server.answer(list, json!({})))).await {
        assert!(answer.get("errors").is_none(), "{answer:#}");
    }
    // A write is not repeated by itself, and works again soon. So does the change feed.
    let queue =
        "mutation($input: [QueueJobInput!]!) { queueJobs(input: $input) { results { jobId } } }";
    let input = json!({ "input": [{ "configurationId": configuration }] });
    until(async || {
        let answer = server.answer(queue, input.clone()).await;
        let code = code_of(&answer);
        assert!(code.is_empty() || code == "DATABASE_UNAVAILABLE", "{answer:#}");
        code.is_empty()
    })
    .await;
    let attempt = server.claim(agent).await;
    loop {
        let update = watching.next().await["executingJobs"].take();
        if update["jobs"].as_array().unwrap().iter().any(|job| job["id"] == attempt.job.to_string())
        {
            break;
        }
    }

    // No connection works: that is said, and said to be the database's fault.
    mode.send_replace(Mode::SwallowAll);
    let answer = server.answer(list, json!({})).await;
    assert_eq!(code_of(&answer), "DATABASE_UNAVAILABLE", "{answer:#}");
    mode.send_replace(Mode::SwallowOld(Instant::now()));
    until(async || server.answer(list, json!({})).await.get("errors").is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_is_promoted_has_all_that_was_acknowledged_and_takes_over() {
    let primary = Cluster::start();
    let standby = primary.standby();
    let mut admin = PgConnection::connect(&primary.url()).await.expect("it runs");
    // What is committed is on the standby, too.
    admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await.expect("ours");
    admin.execute("SELECT pg_reload_conf()").await.expect("ours");
    let proxy = Proxy::start("127.0.0.1", primary.port()).await;
    let url = format!("postgres://postgres@{}/postgres", proxy.address);
    agent_jobs(&["migrate", "up", "--database-url", &url], b"").ok();
    let server = serve(&url).await;
    let configuration = server.save_configuration().await;
    let queue =
        "mutation($input: [QueueJobInput!]!) { queueJobs(input: $input) { results { jobId } } }";
    let input = json!({ "input": [{ "configurationId": configuration }] });
    let try_queue = async || {
        let answer = server.answer(queue, input.clone()).await;
        let code = code_of(&answer);
        assert!(code.is_empty() || code == "DATABASE_UNAVAILABLE", "{answer:#}");
        answer["data"]["queueJobs"]["results"][0]["jobId"].as_str().map(ToOwned::to_owned)
    };
    let mut acknowledged = Vec::new();
    for _ in 0..50 {
        acknowledged.push(try_queue().await.expect("the primary runs"));
    }

    // The server goes down in the midst of writes.
    let writes = async {
        let mut written = Vec::new();
        loop {
            match try_queue().await {
                Some(id) => written.push(id),
                None => return written,
            }
        }
    };
    let (written, ()) = tokio::join!(writes, async {
        tokio::task::spawn_blocking(move || primary.crash()).await.expect("it stops");
    });
    acknowledged.extend(written);
    let refused = server.answer("{ jobs { items { id } } }", json!({})).await;
    assert_eq!(code_of(&refused), "DATABASE_UNAVAILABLE", "{refused:#}");

    // For a moment clients are led to it while it still follows.
    proxy.target.send_replace(("127.0.0.1".to_owned(), standby.port()));
    until(async || {
        server.answer("{ jobs { items { id } } }", json!({})).await.get("errors").is_none()
    })
    .await;
    assert_eq!(try_queue().await, None);
    let promoted = url.clone();
    let standby = tokio::task::spawn_blocking(move || {
        standby.promote();
        standby
    });
    let _standby = standby.await.expect("it is promoted");
    until(async || match try_queue().await {
        Some(id) => {
            acknowledged.push(id);
            true
        }
        None => false,
    })
    .await;
    let mut admin = PgConnection::connect(&promoted).await.expect("it runs");
    for id in &acknowledged {
        let found = format!("SELECT 1 FROM job WHERE id = '{id}'");
        let found = admin.fetch_optional(AssertSqlSafe(found)).await.expect("ours");
        assert!(found.is_some(), "{id} was acknowledged");
    }
    assert!(acknowledged.len() > 50);
}
