//! How fast `agent-jobs import` is, and how much memory it takes.
//!
//! Two sizes of the same made-up platform are exported to CSV files and imported by the program
//! itself, into an empty database each. The larger is four times the smaller: a rate and a peak
//! of memory that are about the same say that neither depends on the size.
//!
//! `JOBS=1000000 cargo bench --bench importing` takes another size.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use agent_jobs::transfer::text;
use entity::{Table, Timestamp};
use sea_orm::ModelTrait as _;
use sqlx::{Connection as _, Executor as _, PgConnection};
use synth::{History, Shape};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let jobs = match std::env::var("JOBS") {
        Ok(jobs) => jobs.parse()?,
        Err(_) => 200_000,
    };
    let folder = tempfile::tempdir()?;
    println!("database    jobs       runs       jobs/s     runs/s     all rows/s  peak memory");
    for jobs in [jobs / 4, jobs] {
        let files = Files::write(folder.path(), jobs)?;
        let sqlite = folder.path().join(format!("{jobs}.db"));
        measure("SQLite", &format!("sqlite://{}", sqlite.display()), &files)?;
        with_postgres(|url| measure("PostgreSQL", url, &files))?;
    }
    Ok(())
}

/// Exports of the two tables.
struct Files {
    jobs: (String, u64),
    runs: (String, u64),
}

impl Files {
    fn write(folder: &Path, jobs: u32) -> Result<Self, Failure> {
        let path = |table: &str| folder.join(format!("{table}-{jobs}.csv")).display().to_string();
        let mut files = Self { jobs: (path("jobs"), 0), runs: (path("runs"), 0) };
        let mut jobs_file = csv_file::<entity::job::Entity>(&files.jobs.0)?;
        let mut runs_file = csv_file::<entity::job_run::Entity>(&files.runs.0)?;
        let now = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        for (job, runs) in History::new(Shape { jobs, ..Shape::default() }, now) {
            write_row::<entity::job::Entity>(&mut jobs_file, &job)?;
            files.jobs.1 += 1;
            for run in runs {
                write_row::<entity::job_run::Entity>(&mut runs_file, &run)?;
                files.runs.1 += 1;
            }
        }
        jobs_file.flush()?;
        runs_file.flush()?;
        Ok(files)
    }
}

fn csv_file<E: Table>(path: &str) -> Result<csv::Writer<BufWriter<File>>, Failure> {
    let mut file = csv::Writer::from_writer(BufWriter::new(File::create(path)?));
    file.write_record(E::public().map(|field| &field.external_name))?;
    Ok(file)
}

fn write_row<E: Table>(
    file: &mut csv::Writer<BufWriter<File>>,
    model: &E::Model,
) -> Result<(), Failure> {
    file.write_record(E::public().map(|field| text::write(&model.get(field.column))))?;
    Ok(())
}

fn measure(name: &str, url: &str, files: &Files) -> Result<(), Failure> {
    let (jobs_time, jobs_memory) = import(url, &files.jobs.0)?;
    let (runs_time, runs_memory) = import(url, &files.runs.0)?;
    let rate = |rows: u64, time: Duration| u128::from(rows) * 1000 / time.as_millis().max(1);
    println!(
        "{name:<10}  {:<9}  {:<9}  {:<9}  {:<9}  {:<10}  {} MiB",
        files.jobs.1,
        files.runs.1,
        rate(files.jobs.1, jobs_time),
        rate(files.runs.1, runs_time),
        rate(files.jobs.1 + files.runs.1, jobs_time + runs_time),
        jobs_memory.max(runs_memory) >> 10,
    );
    Ok(())
}

/// Imports a file; tells the time from start to end and the peak of memory in KiB.
fn import(url: &str, file: &str) -> Result<(Duration, u64), Failure> {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_agent-jobs"))
        .args(["import", "--database-url", url, file])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = peak_memory(child.id()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(20));
    };
    let time = started.elapsed();
    if status.success() {
        Ok((time, peak))
    } else {
        Err(format!("import of {file}: {status}").into())
    }
}

/// The most memory that a process has had so far, in KiB, where the system tells.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Lends out a new database and drops it.
fn with_postgres(run: impl FnOnce(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    let admin_url = std::env::var("AGENT_JOBS_TEST_POSTGRES")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let (server, _) = admin_url.rsplit_once('/').ok_or("the URL names no database")?;
    let name = format!("agent_jobs_bench_{}", uuid::Uuid::now_v7().simple());
    let execute = |sql: String| -> Result<(), Failure> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            PgConnection::connect(&admin_url).await?.execute(sqlx::AssertSqlSafe(sql)).await?;
            Ok(())
        })
    };
    execute(format!("CREATE DATABASE {name}"))?;
    let result = run(&format!("{server}/{name}"));
    execute(format!("DROP DATABASE {name} WITH (FORCE)"))?;
    result
}
