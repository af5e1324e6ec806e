//! An import that is killed, and run again.

use agent_jobs::samples::fill;
use entity::Timestamp;
use synth::{History, Shape};

use crate::support::{Kind, Program, TestDatabase, agent_jobs, on_both_databases};

/// Two transactions' worth of jobs, and of runs.
const JOBS: u32 = 7_000;

/// An export in three files. The last is for the program's standard input.
struct Files {
    paths: [String; 2],
    last: String,
}

impl Files {
    /// The runs are cut in two, so that a part of them is there when the import is killed. With
    /// `runs_first` the jobs are made from their runs before they come themselves.
    async fn write(database: &TestDatabase, runs_first: bool) -> Self {
        let source = TestDatabase::create(Kind::Sqlite).await;
        let db = source.open().await;
        let shape = Shape { jobs: JOBS, days: 3, ..Shape::default() };
        let now = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        fill(db.writer(), &mut History::new(shape, now), usize::MAX).await.expect("filling");
        db.close().await;
        let export = |table: &str| {
            agent_jobs(&["export", table, "--database-url", source.url()], b"").ok().stdout
        };
        let (jobs, runs) = (export("jobs"), export("job-runs"));
        let lines: Vec<_> = runs.split_inclusive('\n').collect();
        let (some, others) = lines.split_at(1_000);
        let (some_runs, other_runs) = (some.concat(), [&lines[..1], others].concat().concat());

        let write = |name: &str, content: &str| {
            let path = database.folder().join(name);
            std::fs::write(&path, content).expect("writing a file");
            path.display().to_string()
        };
        let [some_runs, jobs_path] = [write("some-runs.csv", &some_runs), write("jobs.csv", &jobs)];
        if runs_first {
            let other_runs = write("other-runs.csv", &other_runs);
            Self { paths: [some_runs, other_runs], last: jobs }
        } else {
            Self { paths: [jobs_path, some_runs], last: other_runs }
        }
    }

    /// The arguments that import all three.
    fn arguments<'a>(&'a self, database: &'a TestDatabase) -> [&'a str; 6] {
        let [first, second] = &self.paths;
        ["import", "--database-url", database.url(), first, second, "-"]
    }

    /// Imports everything.
    fn import(&self, database: &TestDatabase) {
        agent_jobs(&self.arguments(database), self.last.as_bytes()).ok();
    }

    /// Kills an import as soon as it has told that the first `finished` files are imported and
    /// has taken this part of the last one, which it is never told the end of.
    fn kill_import(&self, database: &TestDatabase, finished: usize, part: f64) {
        let mut program = Program::start(&self.arguments(database));
        for path in &self.paths[..finished] {
            loop {
                let line = program.error_line().expect("it tells how far it is");
                // Slow machines get lines in between, which say how much is left.
                if line.starts_with(path.as_str()) && !line.ends_with("left") {
                    break;
                }
            }
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "any number of bytes near it will do"
        )]
        let bytes = (self.last.len() as f64 * part) as usize;
        program.write(&self.last.as_bytes()[..bytes]);
        let output = program.signal("KILL");
        assert_eq!((output.code, output.stdout.as_str()), (-1, ""), "{output:#?}");
    }
}

fn contents(database: &TestDatabase) -> [String; 2] {
    ["jobs", "job-runs"].map(|table| {
        let arguments = ["export", table, "--database-url", database.url()];
        agent_jobs(&arguments, b"").ok().stdout
    })
}

/// Kills imports of one database at one point after the other and then lets one finish.
async fn ends_the_same(database: TestDatabase, runs_first: bool) {
    let files = Files::write(&database, runs_first).await;
    let undisturbed = TestDatabase::create(database.kind).await;
    files.import(&undisturbed);

    for (finished, part) in [(0, 0.0), (1, 0.0), (2, 0.3), (2, 0.85), (2, 1.0)] {
        files.kill_import(&database, finished, part);
    }
    files.import(&database);
    assert!(contents(&database) == contents(&undisturbed));
    let counts = agent_jobs(&["counts", "verify", "--database-url", database.url()], b"").ok();
    assert_eq!(counts.stdout, "the counters are right\n");
}

on_both_databases! {
    async fn a_killed_import_of_jobs_and_runs_is_run_again(database: TestDatabase) {
        ends_the_same(database, false).await;
    }

    async fn a_killed_import_of_runs_and_jobs_is_run_again(database: TestDatabase) {
        ends_the_same(database, true).await;
    }
}
