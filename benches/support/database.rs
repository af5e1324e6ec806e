//! A database of the benchmark's own, filled with made-up jobs.

use std::fmt;

use agent_jobs::db::{self, Db, migrate};
use agent_jobs::jobs::counts;
use agent_jobs::jobs::scope::Scope;
use agent_jobs::samples::fill;
use entity::Timestamp;
use sea_orm::ConnectionTrait as _;
use sqlx::{Connection as _, Executor as _, PgConnection};
use synth::{History, Shape};
use tempfile::TempDir;

use super::Failure;

/// Jobs that are filled in with one transaction.
const JOBS_AT_ONCE: usize = 50_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// Those that a variable of the environment names, with commas; all without it.
    pub fn chosen(variable: &str) -> impl Iterator<Item = Self> {
        let names = std::env::var(variable).unwrap_or("sqlite,postgres".to_owned());
        [Self::Sqlite, Self::Postgres].into_iter().filter(move |kind| {
            let kind = kind.to_string().to_ascii_lowercase();
            names.split(',').any(|name| kind.starts_with(name))
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// An empty database, which is gone when this is dropped.
pub struct Database {
    kind: Kind,
    url: String,
    _folder: TempDir,
}

impl Database {
    pub fn create(kind: Kind) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("bench.db").display()),
            Kind::Postgres => {
                let name = format!("agent_jobs_bench_{}", uuid::Uuid::now_v7().simple());
                administer(&format!("CREATE DATABASE {name}"))?;
                let admin_url = admin_url();
                let (server, _) = admin_url.rsplit_once('/').ok_or("the URL names no database")?;
                format!("{server}/{name}")
            }
        };
        Ok(Self { kind, url, _folder: folder })
    }

    /// Where it is, for the program.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Connects, with the schema up to date.
    pub async fn open(&self) -> Result<Db, Failure> {
        let db = db::connect(&self.url.parse()?).await?;
        migrate::up(&db).await?;
        Ok(db)
    }

    /// Fills it with a history of this many jobs, and tells how many runs they have.
    pub async fn fill(&self, jobs: u32) -> Result<(Db, u64), Failure> {
        self.fill_with(Shape { jobs, ..Shape::default() }).await
    }

    /// The same with a history of this shape.
    pub async fn fill_with(&self, shape: Shape) -> Result<(Db, u64), Failure> {
        let db = self.open().await?;
        let now = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        let mut history = History::new(shape, now);
        while history.len() > 0 {
            let transaction = db.begin_write().await?;
            fill(&transaction, &mut history, JOBS_AT_ONCE).await?;
            transaction.commit().await?;
        }
        counts::fold(&db).await?;
        // What PostgreSQL does by itself some time after so many changes.
        let tidy = if self.kind == Kind::Postgres { "VACUUM ANALYZE" } else { "ANALYZE" };
        db.writer().execute_unprepared(tidy).await?;
        let runs =
            agent_jobs::jobs::rows::count::<entity::job_run::Entity>(db.reader(), &Scope::All)
                .await?;
        Ok((db, runs.unsigned_abs()))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let (Kind::Postgres, Some((_, name))) = (self.kind, self.url.rsplit_once('/'))
            && let Err(error) = administer(&format!("DROP DATABASE {name} WITH (FORCE)"))
        {
            eprintln!("the database {name} is left behind: {error}");
        }
    }
}

fn admin_url() -> String {
    std::env::var("AGENT_JOBS_TEST_POSTGRES")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned())
}

fn administer(sql: &str) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut admin = PgConnection::connect(&admin_url()).await?;
        admin.execute(sqlx::AssertSqlSafe(sql.to_owned())).await?;
        Ok(())
    })
}
