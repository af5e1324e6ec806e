//! `agent-jobs migrate`, and a schema that many processes bring up to date or that is another
//! version's.

use agent_jobs::db::{Db, Sql, migrate};
use agent_jobs::samples::fill;
use entity::{Table, Timestamp};
use synth::{History, Shape};

use crate::support::{Output, TestDatabase, agent_jobs, on_both_databases};

const PROCESSES: usize = 8;

/// All steps, oldest first.
const STEPS: [&str; 13] = [
    "m0001_tables",
    "m0002_counters",
    "m0003_reports",
    "m0004_changes",
    "m0005_attempts",
    "m0006_access",
    "m0007_due_jobs",
    "m0008_last_seen",
    "m0009_failed_processing",
    "m0010_failure_groups",
    "m0011_current_runs",
    "m0012_statistics",
    "m0013_event_principals",
];

/// What the program says of the steps when only the first `applied` are.
fn listed(applied: usize) -> String {
    let word = |nth| if nth < applied { "applied" } else { "missing" };
    let lines: Vec<_> = STEPS
        .iter()
        .enumerate()
        .map(|(nth, step)| word(nth).to_owned() + " " + step + "\n")
        .collect();
    lines.concat()
}

fn migrate_command(database: &TestDatabase, action: &[&str]) -> Output {
    agent_jobs(&[&["migrate", "--database-url", database.url()], action].concat(), b"")
}

/// The rows of a query for one text.
async fn texts(db: &Db, sqlite: &str, postgres: &str) -> Vec<String> {
    let mut sql = Sql::new(db.backend());
    sql.push_either(sqlite, postgres);
    let rows = sql.all(db.reader()).await.expect("the query is right");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
}

/// Everything that the steps make, as the database describes it: a line for each thing.
async fn schema(database: &TestDatabase) -> String {
    let db = database.connect().await;
    let lines = texts(
        &db,
        "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master
         WHERE tbl_name <> 'seaql_migrations' ORDER BY 1",
        "WITH tables AS (
           SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
           AND relname <> 'seaql_migrations'
         )
         SELECT format('table %s %s', relname, reloptions) FROM tables
         UNION ALL SELECT format('column %s.%s %s %s %s %s', relname, attname,
           format_type(atttypid, atttypmod), attcollation, attnotnull,
           pg_get_expr(adbin, adrelid))
         FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0
           AND NOT attisdropped
         LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         UNION ALL SELECT format('constraint %s %s', conname, pg_get_constraintdef(c.oid))
         FROM tables JOIN pg_constraint AS c ON conrelid = tables.oid
         UNION ALL SELECT pg_get_indexdef(indexrelid) FROM tables JOIN pg_index ON indrelid = tables.oid
         UNION ALL SELECT pg_get_triggerdef(t.oid)
         FROM tables JOIN pg_trigger AS t ON tgrelid = tables.oid AND NOT tgisinternal
         UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace
         ORDER BY 1",
    )
    .await;
    db.close().await;
    lines.join("\n")
}

async fn applied_steps(database: &TestDatabase) -> Vec<String> {
    let db = database.connect().await;
    let versions = "SELECT version FROM seaql_migrations ORDER BY version";
    let steps = texts(&db, versions, versions).await;
    db.close().await;
    steps
}

/// As if a version with one more step had been here.
async fn make_newer(database: &TestDatabase) {
    let db = database.open().await;
    let mut sql = Sql::new(db.backend());
    sql.push("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)");
    sql.execute(db.writer()).await.expect("the statement is right");
    db.close().await;
}

/// A table's columns in order, each with whether it takes nulls.
async fn columns_in_database<E: Table>(db: &Db) -> Vec<String> {
    texts(
        db,
        &format!(
            "SELECT name || iif(\"notnull\", '', ' or null') FROM pragma_table_info('{}')
             ORDER BY cid",
            E::NAME
        ),
        &format!(
            "SELECT column_name || CASE is_nullable WHEN 'YES' THEN ' or null' ELSE '' END
             FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = '{}' ORDER BY ordinal_position",
            E::NAME
        ),
    )
    .await
}

async fn assert_same_columns<E: Table>(db: &Db) {
    let expected: Vec<_> = E::fields()
        .iter()
        .map(|field| format!("{}{}", field.name, if field.nullable { " or null" } else { "" }))
        .collect();
    assert_eq!(columns_in_database::<E>(db).await, expected, "{}", E::NAME);
}

on_both_databases! {
    async fn processes_that_start_together_migrate_once(database: TestDatabase) {
        let outputs = std::thread::scope(|scope| {
            let processes: Vec<_> =
                (0..PROCESSES).map(|_| scope.spawn(|| migrate_command(&database, &["up"]))).collect();
            processes.into_iter().map(|process| process.join().expect("it ends")).collect::<Vec<_>>()
        });
        for output in outputs {
            assert_eq!(output.ok().stdout, listed(STEPS.len()));
        }
        assert_eq!(applied_steps(&database).await, STEPS);

        let alone = TestDatabase::create(database.kind).await;
        migrate_command(&alone, &["up"]).ok();
        assert_eq!(schema(&database).await, schema(&alone).await);
    }

    async fn connections_of_one_process_migrate_once(database: TestDatabase) {
        let mut dbs = Vec::new();
        for _ in 0..PROCESSES {
            dbs.push(database.connect().await);
        }
        let migrating: Vec<_> = dbs
            .iter()
            .map(|db| {
                let db = db.clone();
                tokio::spawn(async move { migrate::up(&db).await })
            })
            .collect();
        for each in migrating {
            each.await.expect("no panic").expect("the schema is up to date");
        }
        assert_eq!(applied_steps(&database).await, STEPS);
        for db in dbs {
            db.close().await;
        }
    }

    async fn up_down_and_up_again_end_the_same(database: TestDatabase) {
        let db = database.open().await;
        let shape = Shape { jobs: 300, days: 1, ..Shape::default() };
        let now = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        fill(db.writer(), &mut History::new(shape, now), usize::MAX).await.expect("filling");
        db.close().await;
        let first = schema(&database).await;
        assert!(first.contains("job_count_insert"), "{first}");

        // Back to before the counters, which are made anew from the jobs.
        let output = migrate_command(&database, &["down", &(STEPS.len() - 1).to_string()]).ok();
        assert_eq!(output.stdout, listed(1));
        migrate_command(&database, &["up"]).ok();
        assert_eq!(schema(&database).await, first);
        let counts = agent_jobs(&["counts", "verify", "--database-url", database.url()], b"").ok();
        assert_eq!(counts.stdout, "the counters are right\n");

        let output = migrate_command(&database, &["down"]).ok();
        assert_eq!(output.stdout, listed(STEPS.len() - 1));
        let all = STEPS.len().to_string();
        let output = migrate_command(&database, &["down", &all]).ok();
        assert_eq!(output.stdout, listed(0));
        assert_eq!(schema(&database).await, "");
        migrate_command(&database, &["up"]).ok();
        assert_eq!(schema(&database).await, first);
    }

    async fn the_status_of_each_step(database: TestDatabase) {
        let output = migrate_command(&database, &["status"]);
        assert_eq!(output.code, 1, "{output:#?}");
        assert_eq!(output.stdout, listed(0));
        assert_eq!(output.stderr, "agent-jobs: the database's schema is not up to date\n");
        assert_eq!(schema(&database).await, "", "looking changes nothing");

        migrate_command(&database, &["up"]).ok();
        let output = migrate_command(&database, &["status"]).ok();
        assert_eq!(output.stdout, listed(STEPS.len()));
    }

    async fn a_newer_versions_schema_is_left_alone(database: TestDatabase) {
        make_newer(&database).await;
        let before = schema(&database).await;
        for command in [
            ["migrate", "up"].as_slice(),
            &["migrate", "down"],
            &["migrate", "status"],
            &["serve", "--listen", "127.0.0.1:0"],
            &["serve", "--no-migrate", "--listen", "127.0.0.1:0"],
            &["import", "-"],
        ] {
            let output = agent_jobs(&[command, &["--database-url", database.url()]].concat(), b"");
            assert_eq!(output.code, 69, "{command:?}: {output:#?}");
            assert_eq!(
                output.stderr,
                "agent-jobs: the database was migrated by a newer version of agent-jobs \
                 (it has m9999_later); start that version or restore a backup\n",
                "{command:?}"
            );
        }
        assert_eq!(schema(&database).await, before);
        assert_eq!(
            applied_steps(&database).await,
            [STEPS.as_slice(), &["m9999_later"]].concat()
        );
    }

    async fn the_columns_are_the_entities_fields(database: TestDatabase) {
        let db = database.open().await;
        assert_same_columns::<entity::configuration::Entity>(&db).await;
        assert_same_columns::<entity::agent::Entity>(&db).await;
        assert_same_columns::<entity::job::Entity>(&db).await;
        assert_same_columns::<entity::job_run::Entity>(&db).await;
        assert_same_columns::<entity::job_event::Entity>(&db).await;
        db.close().await;
    }
}
