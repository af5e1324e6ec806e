//! A database for one test alone.

use std::path::Path;

use agent_jobs::db::{self, Db, migrate};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

const POSTGRES: &str = "AGENT_JOBS_TEST_POSTGRES";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// An empty database, and a folder for files. Both are removed when the test ends, however it
/// ends.
pub struct TestDatabase {
    pub kind: Kind,
    url: String,
    folder: TempDir,
    /// Whether it is to be dropped by itself.
    is_ours: bool,
}

impl TestDatabase {
    pub async fn create(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("test.db").display()),
            Kind::Postgres => create_postgres().await,
        };
        Self { kind, url, folder, is_ours: true }
    }

    /// The database of a server of the test's own, with which it goes.
    pub fn at(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        Self { kind: Kind::Postgres, url: url.to_owned(), folder, is_ours: false }
    }

    /// Where it is, for the program.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A folder for the test's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Connects, with the schema up to date.
    pub async fn open(&self) -> Db {
        let db = self.connect().await;
        migrate::up(&db).await.expect("migrating");
        db
    }

    /// Connects, with the schema as it is.
    pub async fn connect(&self) -> Db {
        db::connect(&self.url.parse().expect("a URL")).await.expect("connecting")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.kind == Kind::Sqlite || !self.is_ours {
            return;
        }
        let name = self.url.rsplit('/').next().expect("a name").to_owned();
        // The test's runtime may be going down, so this takes a thread and runtime of its own.
        let dropped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
                let mut admin = PgConnection::connect(&admin_url()).await?;
                admin
                    .execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
                    .await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a test's database is left behind: {error}");
        }
    }
}

fn admin_url() -> String {
    std::env::var(POSTGRES)
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned())
}

/// Creates a database and returns its URL.
async fn create_postgres() -> String {
    let admin_url = admin_url();
    let mut admin = PgConnection::connect(&admin_url).await.unwrap_or_else(|error| {
        panic!(
            "The tests need a PostgreSQL server, and there is none that answers: {error}\n\
             Start one, for example with `service postgresql start` or\n\
             `docker run -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres`,\n\
             or set {POSTGRES} to the URL of one where databases may be created, such as\n\
             postgres://user:password@host:5432/postgres."
        )
    });
    let name = format!("agent_jobs_test_{}", uuid::Uuid::now_v7().simple());
    admin
        .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .expect("creating a database");
    let (server, _) = admin_url.rsplit_once('/').expect("the URL names a database");
    format!("{server}/{name}")
}
