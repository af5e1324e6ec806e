//! Standard output and standard error that cannot be written: closed pipes and full disks.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _, pipe};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use agent_jobs::access::token;
use agent_jobs::jobs::store;
use entity::job;

use crate::support::{Kind, TestDatabase, TestServer, agent_jobs, client, command, job};

const JOBS: &[u8] =
    b"Id,Name,State,CreatedDate\n0190a000-0000-7000-8000-000000000001,a,Failed,2024-05-01\n";

/// Where standard output or standard error goes.
#[derive(Clone, Copy, Debug)]
enum Sink {
    ClosedPipe,
    #[cfg(target_os = "linux")]
    FullDisk,
}

impl From<Sink> for Stdio {
    fn from(sink: Sink) -> Self {
        match sink {
            // Its reader is dropped here.
            Sink::ClosedPipe => pipe().expect("a pipe").1.into(),
            #[cfg(target_os = "linux")]
            Sink::FullDisk => {
                File::options().write(true).open("/dev/full").expect("Linux has it").into()
            }
        }
    }
}

#[cfg(target_os = "linux")]
const SINKS: &[Sink] = &[Sink::ClosedPipe, Sink::FullDisk];
#[cfg(not(target_os = "linux"))]
const SINKS: &[Sink] = &[Sink::ClosedPipe];

/// Runs a command to its end with rows on its standard input. Returns its exit code and what it said
/// where it could.
fn run(command: &mut Command) -> (Option<i32>, String) {
    let mut child = command.spawn().expect("the program starts");
    // Commands that read nothing may have ended.
    _ = child.stdin.take().expect("its input is a pipe").write_all(JOBS);
    let output = child.wait_with_output().expect("the program ends");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("UTF-8"))
}

/// Every command that ends, with a database that has a job and a token.
fn commands(database: &TestDatabase) -> Vec<Vec<&str>> {
    agent_jobs(&["import", "-", "--database-url", database.url()], JOBS).ok();
    agent_jobs(
        &["token", "create", "CI", "--role", "viewer", "--database-url", database.url()],
        b"",
    )
    .ok();
    let with_database = [
        ["import", "-"].as_slice(),
        &["export", "jobs"],
        &["export", "jobs", "--format", "ndjson"],
        &["migrate", "up"],
        &["migrate", "status"],
        &["counts", "verify"],
        &["counts", "rebuild"],
        &["token", "list"],
        &["config"],
    ]
    .map(|arguments| [arguments, &["--database-url", database.url()]].concat());
    let without = [
        ["schema"].as_slice(),
        &["--help"],
        &["--version"],
        &["export", "--help"],
        &["token", "help"],
    ];
    with_database.into_iter().chain(without.map(<[&str]>::to_vec)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_standard_output_is_no_failure() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    for arguments in commands(&database) {
        let (code, said) = run(command(&arguments).stdout(Sink::ClosedPipe));
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_standard_output_ends_with_74() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    for arguments in commands(&database) {
        let (code, said) = run(command(&arguments).stdout(Sink::FullDisk));
        assert_eq!(code, Some(74), "{arguments:?}: {said}");
        let message = "agent-jobs: cannot write to standard output: No space left on device";
        assert!(said.contains(message), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_error_that_cannot_be_written_changes_no_exit_code() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let unknown_column = b"Id,State,CreatedDate,Extra\n\
        0190a000-0000-7000-8000-000000000002,Failed,2024-05-01,x\n";
    for &sink in SINKS {
        for arguments in commands(&database) {
            let (code, said) = run(command(&arguments).stderr(sink));
            assert_eq!(code, Some(0), "{sink:?} {arguments:?}: {said}");
        }
        // Log lines, messages of failures and of clap.
        for (arguments, expected) in [
            (["import", "-", "--database-url", database.url()].as_slice(), 0),
            (&["import", "/missing", "--database-url", database.url()], 66),
            (&["nonsense"], 2),
            (&["serve", "--database-url", "nonsense"], 2),
        ] {
            let mut child = command(arguments).stderr(sink).spawn().expect("the program starts");
            _ = child.stdin.take().expect("its input is a pipe").write_all(unknown_column);
            let output = child.wait_with_output().expect("the program ends");
            assert_eq!(output.status.code(), Some(expected), "{sink:?} {arguments:?}");
        }
        let exported = agent_jobs(&["export", "jobs", "--database-url", database.url()], b"").ok();
        assert!(exported.stdout.contains("0190a000-0000-7000-8000-000000000002"), "{exported:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_ends_a_long_export_quietly() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let db = database.open().await;
    let jobs: Vec<_> = (0..5_000).map(job).collect();
    store::models::<job::Entity>(db.writer(), &jobs).await.expect("inserting rows");
    db.close().await;
    for format in ["csv", "ndjson"] {
        let arguments = ["export", "jobs", "--format", format, "--database-url", database.url()];
        let mut child = command(&arguments).spawn().expect("the program starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        stdout.read_line(&mut line).expect("UTF-8");
        drop(stdout);
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(output.status.code(), Some(0), "{format}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_shown_is_revoked() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    for &sink in SINKS {
        let arguments =
            ["token", "create", "CI", "--role", "viewer", "--database-url", database.url()];
        let (code, said) = run(command(&arguments).stdout(sink));
        assert_eq!(code, Some(74), "{sink:?}: {said}");
        assert!(said.contains("it is revoked"), "{sink:?}: {said}");
        // Only a reader of standard output matters, not one of standard error.
        let (code, said) = run(command(&arguments).stderr(sink));
        assert_eq!(code, Some(0), "{sink:?}: {said}");
        assert!(said.starts_with("ajt_"), "{said}");
    }
    let db = database.open().await;
    let tokens = token::list(db.reader()).await.expect("reading tokens");
    let revoked: Vec<_> = tokens.iter().map(|token| token.revoked_date.is_some()).collect();
    assert_eq!(revoked, [false, true].repeat(SINKS.len()));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serving_goes_on_without_standard_output_and_error() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    for &sink in SINKS {
        // A port that was free a moment ago, since the program cannot tell which it took.
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("its address").to_string();
        drop(free);
        let arguments = ["serve", "--listen", &address, "--database-url", database.url()];
        let mut child =
            command(&arguments).stdout(sink).stderr(sink).spawn().expect("the program starts");
        let url = format!("http://{address}/readyz");
        let mut is_ready = false;
        for _ in 0..200 {
            is_ready = client().get(&url).send().await.is_ok_and(|got| got.status().is_success());
            if is_ready {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(is_ready, "{sink:?}");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_server_end_when_standard_output_cannot_be_written() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let url = server.url.as_str();
    let simulate = ["simulate", "--url", url, "--duration", "100ms", "--agents", "1", "--quiet"];
    for (arguments, sink, expected) in [
        (["watch", "--url", url, "--json"].as_slice(), Sink::ClosedPipe, 0),
        (&simulate, Sink::ClosedPipe, 0),
        #[cfg(target_os = "linux")]
        (&["watch", "--url", url, "--json"], Sink::FullDisk, 74),
        #[cfg(target_os = "linux")]
        (&simulate, Sink::FullDisk, 74),
    ] {
        let arguments: Vec<_> = arguments.iter().map(|&each| each.to_owned()).collect();
        // The server needs this thread's runtime.
        let ended = thread::spawn(move || {
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            run(command(&arguments).stdout(sink))
        });
        let (code, said) =
            tokio::task::spawn_blocking(|| ended.join().expect("it ends")).await.expect("it ends");
        assert_eq!(code, Some(expected), "{sink:?}: {said}");
    }
}

#[test]
fn the_help_and_the_reference_have_the_same_exit_codes() {
    let help = agent_jobs(&["--help"], b"").ok().stdout;
    let words: Vec<_> = help.split_whitespace().collect();
    let text = words.join(" ");
    let list = text.split("Exit codes: ").nth(1).expect("exit codes").trim_end_matches('.');
    let in_help: Vec<_> = list
        .split("; ")
        .map(|each| each.split_once(' ').expect("a code and its meaning"))
        .collect();
    let reference = include_str!("../docs/configuration.md");
    let section = reference.split("## Exit codes").nth(1).expect("exit codes");
    let in_reference: Vec<_> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(code, _)| code.parse::<u8>().is_ok())
        .collect();
    assert_eq!(in_help, in_reference);
    assert!(in_help.contains(&("70", "a defect of the program")), "{in_help:?}");
}
