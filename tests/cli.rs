//! The command line's own behaviour: wrong databases, addresses and options.

use std::net::TcpListener;

use crate::support::{Kind, TestDatabase, agent_jobs};

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
        let output = agent_jobs(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url], b"");
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
        assert!(output.stderr.contains("the database URL is wrong"), "{}", output.stderr);
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
