//! Subscribers know the truth: random writers write, random watchers watch, and when the writing
//! stops, what each was sent adds up to what the database has.

use std::time::Duration;

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng as Random;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use agent_jobs::reports::LeasePolicy;
use entity::{agent, configuration};

use crate::support::{
    Attempt, Folded, ForeignWriter, Kind, TestDatabase, TestServer, Transport, Update, agent,
    agent_jobs, configuration, id, on_both_databases, soon,
};

const CASES: u64 = 2;
const WRITING: Duration = Duration::from_millis(2_500);
const WATCHERS: u64 = 14;

/// The jobs that foreign programs write, and two configurations.
const JOBS: std::ops::Range<u32> = 1..25;
const CONFIGURATIONS: [u32; 2] = [101, 102];
const STATES: [&str; 5] = ["Queued", "Executing", "Executing", "Submitting", "Failed"];

/// What watchers pick of a job: what makes it a change if it changes.
const FIELDS: [&str; 4] = [
    "id",
    "id name state type",
    "id currentRun { id agentState agentTasksCount agentResultMessage }",
    "id configuration { id name } currentRun { agentTasksCount agent { name } }",
];

fn pick<T: Copy>(random: &mut Random, all: &[T]) -> T {
    *all.choose(random).expect("something to pick")
}

async fn pause(random: &mut Random, millis: std::ops::Range<u64>) {
    sleep(Duration::from_millis(random.random_range(millis))).await;
}

/// The world of a case: servers of one database.
struct World {
    servers: Vec<TestServer>,
    database: TestDatabase,
    phase: watch::Sender<Phase>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Writing,
    /// What was begun is finished.
    Stopping,
    /// Nothing is written any more.
    Written,
}

impl World {
    fn is_writing(&self) -> bool {
        *self.phase.borrow() == Phase::Writing
    }

    fn is_written(&self) -> bool {
        *self.phase.borrow() == Phase::Written
    }

    fn server(&self, random: &mut Random) -> &TestServer {
        self.servers.choose(random).expect("a server")
    }
}

/// Another program that writes what it likes, some of it in transactions that it takes back.
async fn foreign(world: &World, mut random: Random) {
    let mut writer = ForeignWriter::connect(&world.database).await;
    while world.is_writing() {
        let statements: Vec<_> =
            (0..random.random_range(1..6)).map(|_| statement(&writer, &mut random)).collect();
        let end = if random.random_bool(0.2) { "ROLLBACK" } else { "COMMIT" };
        let sql = format!("BEGIN; {}; {end}", statements.join("; "));
        // A deadlock with another writer is taken back, too.
        if writer.try_execute(&sql).await.is_err() {
            _ = writer.try_execute("ROLLBACK").await;
        }
        pause(&mut random, 0..30).await;
    }
}

fn statement(writer: &ForeignWriter, random: &mut Random) -> String {
    let job = random.random_range(JOBS);
    let (of, run) = (writer.uuid(id(job)), writer.uuid(id(1_000 + job)));
    let agent = writer.uuid(id(200));
    let configuration = match random.random_range(0..3) {
        2 => "NULL".to_owned(),
        n => writer.uuid(id(CONFIGURATIONS[n])),
    };
    let number = random.random_range(0..1_000_000);
    let (state, now) = (pick(random, &STATES), writer.second(number));
    match random.random_range(0..12) {
        0 => format!("DELETE FROM job WHERE id = {of}"),
        1 => format!("UPDATE job SET configuration_id = {configuration} WHERE id = {of}"),
        2 => format!("UPDATE job SET name = 'Name {number}', type = 'crawl' WHERE id = {of}"),
        3 => format!("UPDATE job SET current_run_id = {run} WHERE id = {of}"),
        4 => format!("UPDATE job SET current_run_id = NULL WHERE id = {of}"),
        5 => format!("DELETE FROM job_run WHERE id = {run}"),
        6 => format!(
            "INSERT INTO job_run (id, job_id, agent_id, agent_key, agent_state) \
             SELECT {run}, id, {agent}, 'key', 'Executing' FROM job WHERE id = {of} \
             ON CONFLICT DO NOTHING"
        ),
        7 | 8 => format!("UPDATE job_run SET agent_tasks_count = {number} WHERE id = {run}"),
        9 => format!("UPDATE job SET state = '{state}' WHERE state = 'Submitting'"),
        _ => format!(
            "INSERT INTO job (id, configuration_id, state, created_date) \
             VALUES ({of}, {configuration}, '{state}', {now}) \
             ON CONFLICT (id) DO UPDATE SET state = excluded.state"
        ),
    }
}

/// A second process that writes.
async fn importing(world: &World, mut random: Random) {
    while world.is_writing() {
        let mut file = "Id,Name,State,CreatedDate,UpdateDate\n".to_owned();
        for job in (40..50_u32).chain(JOBS.take(5)) {
            let (state, n) = (pick(&mut random, &STATES), random.random_range(0..60));
            let day = "2026-05-01T10";
            file.push_str(&format!(
                "{},Imported {n},{state},{day}:00:00Z,{day}:{n}:00Z\n",
                id(job)
            ));
        }
        let url = world.database.url().to_owned();
        let import = move || agent_jobs(&["import", "-", "--database-url", &url], file.as_bytes());
        let output = tokio::task::spawn_blocking(import).await.expect("it runs");
        // One of two that deadlock is given up, and says so.
        assert!(output.code == 0 || output.stderr.contains("deadlock"), "{output:#?}");
        pause(&mut random, 0..100).await;
    }
}

/// An agent that does jobs over the API, and an operator that cancels some.
async fn agent_at_work(world: &World, mut random: Random) {
    let agent = world.servers[0].register_agent().await;
    let mut attempts = Vec::<(Attempt, i64)>::new();
    while world.is_writing() {
        let server = world.server(&mut random);
        if attempts.len() < 5 {
            let configuration = id(pick(&mut random, &CONFIGURATIONS));
            let job = json!({ "configurationId": configuration, "name": "Queued" });
            server.queue(json!([job])).await;
            let answer = server.try_claim(json!({ "agentId": agent })).await;
            attempts.extend(Attempt::read(&answer["attempt"]).map(|attempt| (attempt, 0)));
        }
        let reports: Vec<_> = attempts
            .iter_mut()
            .map(|(attempt, sequence)| {
                *sequence += 1;
                let count = random.random_range(0..1_000);
                attempt.report(*sequence, None, &json!({ "agentTasksCount": count }))
            })
            .collect();
        if !reports.is_empty() {
            server.report(reports.into()).await;
        }
        if attempts.len() > 2 && random.random_bool(0.3) {
            let place = random.random_range(0..attempts.len());
            let (attempt, sequence) = attempts.swap_remove(place);
            let outcome = pick(&mut random, &["COMPLETED", "FAILED"]);
            server.finish(&attempt, sequence + 1, outcome, Some("over")).await;
        }
        if random.random_bool(0.1)
            && let Some((attempt, _)) = attempts.choose(&mut random)
        {
            server.act("requestCancellation", json!({ "jobIds": [attempt.job] })).await;
        }
        pause(&mut random, 0..20).await;
    }
}

/// Breaks the servers' connections to the feed.
async fn killing(world: &World, mut random: Random) {
    if world.database.kind == Kind::Sqlite {
        return;
    }
    let mut writer = ForeignWriter::connect(&world.database).await;
    while world.is_writing() {
        pause(&mut random, 50..500).await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'agent-jobs feed' AND datname = current_database()";
        writer.execute(sql).await;
    }
}

/// Who watches the jobs that execute, at a pace of its own.
async fn watching(world: &World, mut random: Random) {
    let server = world.server(&mut random);
    let transport = pick(&mut random, &Transport::ALL);
    let fields = pick(&mut random, &FIELDS);
    let arguments = match random.random_range(0..4) {
        n @ 0..2 => format!("(configurationId: \"{}\")", id(CONFIGURATIONS[n])),
        _ => String::new(),
    };
    let query = format!(
        "subscription {{ executingJobs{arguments} {{ isSnapshot jobs {{ {fields} }} removed {{ id state }} }} }}"
    );
    let longest = pick(&mut random, &[1, 20, 200, 1_500]);
    let chance = pick(&mut random, &[0.0, 0.02, 0.2]);
    let mut watch = server.watch_over(transport, &query, json!({})).await;
    let mut folded = Folded::default();
    while !world.is_written() {
        let waiting = tokio::time::timeout(Duration::from_millis(100), watch.read()).await;
        match waiting {
            Ok(Update::Payload(payload)) => {
                assert!(payload.get("errors").is_none(), "{payload:#}");
                folded.fold(&payload["data"]);
            }
            Ok(end) => panic!("{end:?}"),
            Err(_) => {}
        }
        pause(&mut random, 0..longest).await;
        if random.random_bool(chance) {
            watch = server.watch_over(transport, &query, json!({})).await;
            folded = Folded::default();
        }
    }
    let expected = server.executing(&arguments, fields).await;
    folded.read_until(&mut watch, &expected).await;
    assert_eq!(folded.snapshots, 1, "differences are enough");
}

/// A subscriber to the counts or a run, for which only the last value counts.
async fn watching_values(world: &World, mut random: Random) {
    let server = world.server(&mut random);
    let job = id(random.random_range(JOBS));
    let (name, selection) = match random.random_range(0..4) {
        0 => ("jobCounts", "jobCounts { byState { state count } }".to_owned()),
        1 => {
            let of = id(pick(&mut random, &CONFIGURATIONS));
            ("jobCounts", format!("jobCounts(configurationId: \"{of}\") {{ byState {{ count }} }}"))
        }
        n => {
            let id = if n == 2 { job } else { id(1_000 + random.random_range(JOBS)) };
            ("jobRun", format!("jobRun(id: \"{id}\") {{ id jobId agentState agentTasksCount }}"))
        }
    };
    let query = format!("subscription {{ {selection} }}");
    let mut watch = server.watch_over(pick(&mut random, &Transport::ALL), &query, json!({})).await;
    let mut last = Value::Null;
    let mut deadline = None;
    loop {
        let expected = if world.is_written() {
            deadline.get_or_insert_with(|| Instant::now() + Duration::from_secs(30));
            Some(soon(server.query(&format!("{{ {selection} }}"), json!({}))).await[name].take())
        } else {
            None
        };
        if !last.is_null() && expected.as_ref() == Some(&last[name]) {
            return;
        }
        assert!(deadline.is_none_or(|end| Instant::now() < end), "{query}: {last} {expected:?}");
        match tokio::time::timeout(Duration::from_millis(100), watch.read()).await {
            Ok(Update::Payload(mut payload)) => {
                assert!(payload.get("errors").is_none(), "{payload:#}");
                last = payload["data"].take();
            }
            Ok(end) => panic!("{query}: {end:?}"),
            Err(_) => {}
        }
    }
}

async fn case(database: TestDatabase, seed: u64) {
    eprintln!("seed {seed}");
    let mut servers = Vec::new();
    for _ in 0..if database.kind == Kind::Postgres { 2 } else { 1 } {
        let lease_policy =
            LeasePolicy { lease: None, cancel_after: None, ..LeasePolicy::default() };
        let tick = Duration::from_millis(20);
        servers.push(TestServer::start_ticking(&database, lease_policy, tick).await);
    }
    let configurations = CONFIGURATIONS.map(|n| configuration(n, Some("Configuration")));
    servers[0].insert::<configuration::Entity>(&configurations).await;
    servers[0].insert::<agent::Entity>(&[agent(200, Some("Agent"))]).await;
    let world = World { servers, database, phase: watch::Sender::new(Phase::Writing) };
    let world = std::sync::Arc::new(world);
    let (mut writers, mut watchers) = (JoinSet::new(), JoinSet::new());
    let mut seeds = (seed * 1_000..).map(Random::seed_from_u64);
    let mut random = || seeds.next().expect("there is no end of seeds");
    macro_rules! spawn {
        ($tasks:ident: $($task:ident)*) => {$({
            let (world, random) = (std::sync::Arc::clone(&world), random());
            $tasks.spawn(async move { $task(&world, random).await });
        })*};
    }
    spawn!(writers: foreign foreign importing agent_at_work agent_at_work killing);
    for _ in 0..WATCHERS {
        spawn!(watchers: watching);
    }
    spawn!(watchers: watching_values watching_values watching_values);
    sleep(WRITING).await;
    world.phase.send_replace(Phase::Stopping);
    finish(writers).await;
    world.phase.send_replace(Phase::Written);
    finish(watchers).await;
}

async fn finish(mut tasks: JoinSet<()>) {
    while let Some(done) = tasks.join_next().await {
        if let Err(error) = done {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

on_both_databases! {
    async fn what_watchers_were_sent_is_what_there_is(database: TestDatabase) {
        let given = std::env::var("AGENT_JOBS_TEST_SEED").ok();
        let seeds = match given.map(|seed| seed.parse().expect("a number")) {
            Some(seed) => seed..seed + 1,
            None => 0..CASES,
        };
        let kind = database.kind;
        for seed in seeds {
            case(TestDatabase::create(kind).await, seed).await;
        }
    }
}
