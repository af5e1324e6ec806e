//! The command line's own behaviour: wrong databases, addresses and options.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::support::{Kind, Output, Program, TestDatabase, agent_jobs, command, on_both_databases};

#[tokio::test]
async fn a_database_that_cannot_be_used_ends_with_69() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let garbage = database.folder().join("garbage.db");
    std::fs::write(&garbage, vec![b'x'; 8192]).unwrap();
    let url = |path: &std::path::Path| format!("sqlite://{}", path.display());
    for (url, message) in [
        (url(&garbage), "file is not a database"),
        (url(&database.folder().join("missing/folder.db")), "does its folder exist"),
        (url(database.folder()), "it is a folder"),
        (
            "postgres://postgres@127.0.0.1:1/nothing".to_owned(),
            "cannot open PostgreSQL database nothing at 127.0.0.1:1",
        ),
        ("postgres://postgres:secret@127.0.0.1:1/nothing".to_owned(), "refused"),
    ] {
        let output = agent_jobs(
            &["serve", "--listen", "127.0.0.1:0", "--database-wait", "0", "--database-url", &url],
            b"",
        );
        assert_eq!(output.code, 69, "{url}: {output:#?}");
        assert!(output.stderr.contains(message), "{url}: {}", output.stderr);
        assert!(!output.stderr.contains("secret"), "{}", output.stderr);
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    }
}

#[test]
fn a_wrong_url_ends_with_2() {
    for url in
        ["mysql://root@127.0.0.1/x", "sqlite::memory:", "sqlite://", "nonsense", "postgres://a b"]
    {
        let output = agent_jobs(&["serve", "--database-url", url], b"");
        assert_eq!(output.code, 2, "{url}: {output:#?}");
        assert!(output.stderr.contains("invalid database URL"), "{}", output.stderr);
    }
}

#[tokio::test]
async fn a_taken_port_ends_with_71() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output =
        agent_jobs(&["serve", "--listen", &address, "--database-url", database.url()], b"");
    assert_eq!(output.code, 71, "{output:#?}");
    assert!(output.stderr.contains(&format!("cannot listen on {address}")), "{}", output.stderr);
}

#[tokio::test]
async fn serving_without_migrating_needs_a_schema() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let output = agent_jobs(
        &["serve", "--no-migrate", "--listen", "127.0.0.1:0", "--database-url", database.url()],
        b"",
    );
    assert_eq!(output.code, 69, "{output:#?}");
    assert!(output.stderr.contains("agent-jobs migrate up"), "{}", output.stderr);
}

fn set_mode(path: &Path, mode: u32) {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).expect("the test's own file");
}

/// Runs the program as a user whom permissions bind: not as root. `None` if root's program cannot
/// be run by other users here.
fn as_bound_user(folder: &Path, arguments: &[&str]) -> Option<Output> {
    const UNPRIVILEGED: u32 = 65_534;
    let mut command = command(arguments);
    if folder.metadata().expect("the test's folder").uid() == 0 {
        command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    match Program::spawn(&mut command) {
        Ok(program) => Some(program.output()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_file_or_folder_without_the_right_to_write_ends_with_69() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    database.open().await.close().await;
    let folder = database.folder();
    let file = folder.join("test.db");
    set_mode(&file, 0o444);
    set_mode(folder, 0o555);
    let missing = format!("sqlite://{}", folder.join("missing.db").display());
    for (url, message) in
        [(database.url(), "the file is read-only"), (&missing, "may this user write there?")]
    {
        for arguments in [["serve", "--listen", "127.0.0.1:0"].as_slice(), &["migrate", "up"]] {
            let arguments = [arguments, &["--database-url", url]].concat();
            let Some(output) = as_bound_user(folder, &arguments) else { return };
            assert_eq!(output.code, 69, "{url}: {output:#?}");
            assert!(output.stderr.contains(message), "{url}: {}", output.stderr);
            assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
        }
    }
    set_mode(folder, 0o755);
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for arguments in [
        ["--nonsense"].as_slice(),
        &["nonsense"],
        &["import"],
        &["export", "nonsense"],
        &["export", "jobs", "--states", "Paused"],
        &["export", "jobs", "--agent-ids", "x"],
        &["export", "jobs", "--created-after", "yesterday"],
        &["serve", "--listen", "8080"],
        &["serve", "--listen", ":8080"],
        &["serve", "--listen", "localhost"],
        &["migrate"],
    ] {
        let output = agent_jobs(arguments, b"");
        assert_eq!(output.code, 2, "{arguments:?}: {output:#?}");
        assert_eq!(output.stdout, "");
    }
    for arguments in [["--help"], ["--version"], ["schema"]] {
        assert_ne!(agent_jobs(&arguments, b"").ok().stdout, "");
    }
}

#[test]
fn lists_with_commas_take_blanks() {
    for list in [
        ["--trusted-proxies", "10.0.0.0/8, 127.0.0.1"],
        ["--cors-origin", "https://a.example.org, https://b.example.org"],
    ] {
        agent_jobs(&["config", list[0], list[1]], b"").ok();
    }
}

#[tokio::test]
async fn output_that_cannot_be_written_ends_with_74() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    database.open().await.close().await;
    let nowhere = database.folder().join("missing/file").display().to_string();
    let row = br#"{"id":"0190a000-0000-7000-8000-000000000001","state":60}"#;
    for arguments in [
        ["export", "jobs", "--output", &nowhere].as_slice(),
        &["import", "-", "--table", "jobs", "--reject-file", &nowhere],
        // A disk that is full from the start.
        #[cfg(target_os = "linux")]
        &["export", "jobs", "--output", "/dev/full"],
        #[cfg(target_os = "linux")]
        &["import", "-", "--table", "jobs", "--reject-file", "/dev/full"],
    ] {
        let arguments = [arguments, &["--database-url", database.url()]].concat();
        let output = agent_jobs(&arguments, row);
        assert_eq!(output.code, 74, "{arguments:?}: {output:#?}");
        assert!(output.stderr.contains("cannot write"), "{output:#?}");
    }
}

on_both_databases! {
    async fn counters_that_drifted_end_with_1(database: TestDatabase) {
        let jobs = b"Id,State,CreatedDate\n0190a000-0000-7000-8000-000000000001,Failed,2024-05-01\n";
        agent_jobs(&["import", "-", "--database-url", database.url()], jobs).ok();
        let counts = |action| agent_jobs(&["counts", action, "--database-url", database.url()], b"");
        assert_eq!(counts("verify").ok().stdout, "the counters are right\n");

        let db = database.connect().await;
        let mut sql = agent_jobs::db::Sql::new(db.backend());
        sql.push("UPDATE job_count SET n = 5");
        sql.execute(db.writer()).await.expect("the statement is right");
        db.close().await;
        let output = counts("verify");
        assert_eq!(output.code, 1, "{output:#?}");
        assert_eq!(output.stdout, "all configurations, Failed: counted 5, but there are 1\n");
        assert!(output.stderr.contains("agent-jobs counts rebuild"), "{}", output.stderr);
        counts("rebuild").ok();
        counts("verify").ok();
    }

    async fn compressed_rows_from_standard_input(database: TestDatabase) {
        let jobs = "Id,State,CreatedDate\n0190a000-0000-7000-8000-000000000001,Failed,2024-05-01\n";
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(jobs.as_bytes()).expect("compressing");
        let input = gzip.finish().expect("compressing");
        let output = agent_jobs(&["import", "-", "--database-url", database.url()], &input).ok();
        assert_eq!(output.stdout, "imported 1 rows, 0 rejected\n");
        assert!(output.stderr.contains("\nstandard input: 1 rows, "), "{output:#?}");

        // Half of a compressed file is no file, and its whole rows are not imported either.
        let output = agent_jobs(
            &["import", "-", "--database-url", database.url()],
            &input[..input.len() / 2],
        );
        assert_eq!(output.code, 66, "{output:#?}");
    }
}
