//! Databases that can be read and not be written: clients are told to try again, readiness tells why,
//! and it passes without a restart.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::support::{
    Attempt, Cluster, Kind, Output, Program, SmallDisk, TestDatabase, agent_jobs, client, command,
    is_root, piped,
};

const SOON: Duration = Duration::from_mins(1);

/// A client of a serving process.
struct Service {
    url: String,
    client: reqwest::Client,
}

impl Service {
    fn at(url: String) -> Self {
        Self { url, client: client() }
    }

    async fn ask(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let request = self.client.post(format!("{}/graphql", self.url)).json(&body);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let response = self.client.get(format!("{}/{path}", self.url)).send().await;
        let response = response.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("text"))
    }

    async fn until_ready_is(&self, status: u16, text: &str) {
        let expected = (status, format!("{text}\n"));
        timeout(SOON, async {
            while self.get("readyz").await != expected {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("/readyz never was {expected:?}"));
    }

    async fn register_agent(&self) -> Value {
        self.ask("mutation { registerAgent(input: {}) { agent { id } } }", json!({})).await
    }

    async fn save_configuration(&self) -> Value {
        const SAVE: &str = "mutation { saveConfiguration(input: { name: \"A\" }) {
            configuration { id } } }";
        let answer = self.ask(SAVE, json!({})).await;
        answer["data"]["saveConfiguration"]["configuration"]["id"].clone()
    }

    /// Queues jobs, and returns the whole answer.
    async fn queue(&self, configuration: &Value, jobs: usize) -> Value {
        const QUEUE: &str = "mutation($input: [QueueJobInput!]!) { queueJobs(input: $input) {
            results { jobId } } }";
        let job = json!({ "configurationId": configuration, "name": "n".repeat(200) });
        self.ask(QUEUE, json!({ "input": vec![job; jobs] })).await
    }

    async fn report(&self, attempt: &Attempt, n: i64) -> Value {
        const REPORT: &str = "mutation($reports: [JobRunReportInput!]!) {
            reportJobRuns(reports: $reports) { results { status } } }";
        let report = attempt.report(n, Some("EXECUTING"), &json!({ "agentTasksCount": n }));
        self.ask(REPORT, json!({ "reports": [report] })).await
    }

    /// The newest report on a run, and how many jobs there are.
    async fn read(&self, run: Uuid) -> (i64, u64) {
        const READ: &str =
            "query($id: UUID!) { jobRun(id: $id) { agentTasksCount } jobCounts { total } }";
        let answer = self.ask(READ, json!({ "id": run })).await;
        let run = answer["data"]["jobRun"]["agentTasksCount"].as_i64();
        let total = answer["data"]["jobCounts"]["total"].as_u64();
        (run.expect("reads go on"), total.expect("reads go on"))
    }
}

fn is_unavailable(answer: &Value) -> bool {
    answer["errors"][0]["extensions"]["code"] == "DATABASE_UNAVAILABLE"
}

#[track_caller]
fn check_accepted(answer: &Value) {
    assert_eq!(answer["data"]["reportJobRuns"]["results"][0]["status"], "ACCEPTED", "{answer:#}");
}

/// Fills the disk of a service's database and makes room again.
async fn check_full_disk(service: &Service, disk: &SmallDisk) {
    service.until_ready_is(200, "ok").await;
    let agent = service.register_agent().await["data"]["registerAgent"]["agent"]["id"].take();
    let configuration = service.save_configuration().await;
    let mut jobs = 0;
    let queued = service.queue(&configuration, 1).await;
    jobs += queued["data"]["queueJobs"]["results"].as_array().map_or(0, Vec::len) as u64;
    let claimed = service
        .ask(
            "mutation($input: ClaimJobInput!) { claimJob(input: $input) {
                attempt { runId jobId attemptToken } } }",
            json!({ "input": { "agentId": agent } }),
        )
        .await;
    let attempt = Attempt::read(&claimed["data"]["claimJob"]["attempt"])
        .unwrap_or_else(|| panic!("{queued:#} {claimed:#}"));
    let mut reported = 1;
    check_accepted(&service.report(&attempt, reported).await);

    disk.fill();
    // There may be some room within the database's files.
    let failed = loop {
        let answer = service.queue(&configuration, 200).await;
        let Some(results) = answer["data"]["queueJobs"]["results"].as_array() else { break answer };
        jobs += results.len() as u64;
        if !is_unavailable(&service.report(&attempt, reported + 1).await) {
            reported += 1;
        }
    };
    assert!(is_unavailable(&failed), "{failed:#}");
    let reason = "the database cannot be written: its disk is full";
    service.until_ready_is(503, reason).await;
    assert_eq!(service.read(attempt.run).await, (reported, jobs));
    // It does not become ready as long as the disk is full.
    for _ in 0..30 {
        assert_eq!(service.get("readyz").await, (503, format!("{reason}\n")));
        sleep(Duration::from_millis(50)).await;
    }
    let (_, metrics) = service.get("metrics").await;
    assert!(metrics.contains("agent_jobs_database_writable 0"), "{metrics}");
    assert!(metrics.contains("agent_jobs_failed_writes_total{reason=\"disk_full\"}"), "{metrics}");

    disk.make_room();
    service.until_ready_is(200, "ok").await;
    assert_eq!(service.read(attempt.run).await, (reported, jobs));
    check_accepted(&service.report(&attempt, reported + 1).await);
    let queued = service.queue(&configuration, 200).await;
    assert_eq!(queued["data"]["queueJobs"]["results"].as_array().map(Vec::len), Some(200));
    assert_eq!(service.read(attempt.run).await, (reported + 1, jobs + 200));
    let (_, metrics) = service.get("metrics").await;
    assert!(metrics.contains("agent_jobs_database_writable 1"), "{metrics}");
}

#[track_caller]
fn check_full_disk_log(output: &Output) {
    let lines = output.stderr.lines();
    let told = lines.filter(|line| line.contains("cannot be written: its disk is full")).count();
    assert!((1..=2).contains(&told), "once for a change of state: {}", output.stderr);
    assert!(output.stderr.contains("the database can be written again"), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_passes_without_loss_on_sqlite() {
    let disk = SmallDisk::mount("4m");
    let database_url = format!("sqlite://{}", disk.path().join("test.db").display());
    let serve = command(&["serve", "--listen", "127.0.0.1:0", "--database-url", &database_url]);
    let mut server = Program::spawn(&mut piped(disk.inside(&serve))).expect("there is `nsenter`");
    let service = Service::at(server.address());
    check_full_disk(&service, &disk).await;
    check_full_disk_log(&server.signal("TERM").ok());
}

/// The tables are on a disk of their own: PostgreSQL itself does not survive a full disk of its log.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_passes_without_loss_on_postgres() {
    let disk = Arc::new(SmallDisk::mount("24m"));
    let cluster = Cluster::start_with(Arc::clone(&disk));
    let mut admin = PgConnection::connect(&cluster.url()).await.expect("it runs");
    let tablespace =
        format!("CREATE TABLESPACE small LOCATION '{}'", cluster.tablespace().display());
    for sql in [&tablespace, "CREATE DATABASE small TABLESPACE small"] {
        admin.execute(AssertSqlSafe(sql.to_owned())).await.expect("a tablespace");
    }
    let url = cluster.url();
    let (address, _) = url.rsplit_once('/').expect("it names a database");
    let database_url = format!("{address}/small");
    let (server, url) = Program::serve("serve", &database_url);
    check_full_disk(&Service::at(url), &disk).await;
    check_full_disk_log(&server.signal("TERM").ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_postgres_is_unavailable_for_writes_until_it_is_writable() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let (name, admin_url) = {
        let (server, name) = database.url().rsplit_once('/').expect("it names a database");
        (name.to_owned(), format!("{server}/postgres"))
    };
    let mut admin = PgConnection::connect(&admin_url).await.expect("it runs");
    // As a failover does, which ends the sessions.
    let mut switch = async |setting: &str| {
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        for sql in [format!("ALTER DATABASE {name} {setting}"), end] {
            admin.execute(AssertSqlSafe(sql)).await.expect("the test's own database");
        }
    };
    let (server, url) = Program::serve("serve", database.url());
    let service = Service::at(url);
    service.until_ready_is(200, "ok").await;

    switch("SET default_transaction_read_only = on").await;
    // Found without any request that writes.
    service.until_ready_is(503, "the database cannot be written: it is read-only").await;
    let refused = service.register_agent().await;
    assert!(is_unavailable(&refused), "{refused:#}");
    let counts = service.ask("{ jobCounts { total } }", json!({})).await;
    assert_eq!(counts, json!({ "data": { "jobCounts": { "total": 0 } } }));
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
    let second = agent_jobs(&[&arguments[..], &["--database-wait", "200ms"]].concat(), b"");
    assert_eq!(second.code, 69, "{second:#?}");
    assert!(second.stderr.contains("the database is read-only (a standby?)"), "{second:#?}");

    switch("RESET default_transaction_read_only").await;
    service.until_ready_is(200, "ok").await;
    let registered = service.register_agent().await;
    assert!(registered["data"]["registerAgent"]["agent"]["id"].is_string(), "{registered:#}");
    server.signal("TERM").ok();
}

/// Runs the program bound by the files' permissions, which root is not.
fn without_privileges(arguments: &[&str]) -> Output {
    let program = command(arguments);
    if !is_root() {
        return agent_jobs(arguments, b"");
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-dac_override,-dac_read_search", "--"]);
    command.arg(program.get_program()).args(program.get_args());
    Program::spawn(&mut piped(command)).expect("there is `setpriv`, of util-linux").output()
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_refuses_a_read_only_sqlite_file() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    agent_jobs(&["migrate", "up", "--database-url", database.url()], b"").ok();
    let file = database.folder().join("test.db");
    let allow = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    let serve = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];

    allow(database.folder(), 0o555);
    let output = without_privileges(&serve);
    allow(database.folder(), 0o755);
    assert_eq!(output.code, 69, "{output:#?}");
    assert!(output.stderr.contains("the file is read-only; let the user"), "{output:#?}");

    allow(&file, 0o444);
    let output = without_privileges(&serve);
    assert_eq!(output.code, 69, "{output:#?}");
    assert!(output.stderr.contains("the file is read-only; let the user"), "{output:#?}");
    assert_eq!(output.stdout, "", "it does not listen");
    // What only reads works.
    let counts = ["counts", "verify", "--database-url", database.url()];
    assert_eq!(without_privileges(&counts).ok().stdout, "the counters are right\n");
}
