//! `agent-jobs import` and `export`.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use crate::support::{TestDatabase, TestServer, agent_jobs, on_both_databases};

const JOBS: &str = "\u{feff}Id,Name,Type,Priority,State,CreatedDate,ScheduledDate,UpdateDate,ProviderDefinitionId,Extra\r\n\
    0190a000-0000-7000-8000-000000000001,HubSpot contacts,Crawl,2,60,2024-05-01 10:00:00.0000000,NULL,2024-05-01 11:00:00.0000000,0190c000-0000-7000-8000-000000000001,x\r\n\
    0190a000-0000-7000-8000-000000000002,\"Share\"\"Point\"\", all\",NULL,4,Queued,2024-05-02 10:00:00.0000000,2030-01-01 00:00:00.0000000,NULL,00000000-0000-0000-0000-000000000000,y\r\n";

const RUNS: &str = "Id,JobId,AgentId,AgentKey,UpdateDate,AgentResultIsSuccess,AgentResultIsCancellationRequested,AgentResultMessage,AgentState,AgentQueuedDate,AgentElapsedExecutionTime,AgentPercentCompleted,AgentTasksCount,ProcessingState\n\
    0190b000-0000-7000-8000-000000000001,0190a000-0000-7000-8000-000000000001,0190d000-0000-7000-8000-000000000001,KEY,2024-05-01 10:22:33.4470000,0,0,\"first line\nsecond, \"\"line\"\"\",Failed,2024-05-01 10:01:00,1.02:03:04.5670000,50.5,5000000000,3\n\
    0190b000-0000-7000-8000-000000000002,0190a000-0000-7000-8000-000000000001,0190d000-0000-7000-8000-000000000001,KEY,2024-05-01 10:59:00.0000000,1,0,NULL,Completed,2024-05-01 10:30:00,00:00:01.5000000,100,7,NULL\n\
    0190b000-0000-7000-8000-000000000003,0190a000-0000-7000-8000-000000000003,0190d000-0000-7000-8000-000000000002,KEY2,2024-05-03 10:59:00.0000000,NULL,1,NULL,Cancelling,2024-05-03 10:30:00,NULL,NULL,NULL,NULL\n";

fn write(database: &TestDatabase, name: &str, content: &[u8]) -> String {
    let path: PathBuf = database.folder().join(name);
    std::fs::write(&path, content).expect("writing a file");
    path.to_str().expect("UTF-8").to_owned()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("compressing");
    encoder.finish().expect("compressing")
}

fn import(database: &TestDatabase, arguments: &[&str]) -> crate::support::Output {
    let arguments: Vec<_> = ["import", "--database-url", database.url()]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    agent_jobs(&arguments, b"")
}

fn export(database: &TestDatabase, table: &str, format: &str) -> String {
    agent_jobs(&["export", table, "--format", format, "--database-url", database.url()], b"")
        .ok()
        .stdout
}

/// All tables without a date of first receipt.
fn contents(database: &TestDatabase) -> [String; 2] {
    ["jobs", "job-runs"].map(|table| export(database, table, "ndjson"))
}

on_both_databases! {
    async fn a_platforms_export_is_served(database: TestDatabase) {
        let jobs = write(&database, "jobs.csv", JOBS.as_bytes());
        let runs = write(&database, "runs.csv.gz", &gzip(RUNS.as_bytes()));
        let output = import(&database, &[&runs, &jobs]).ok();
        assert_eq!(output.stdout, "imported 5 rows, 0 rejected\n");
        assert!(output.stderr.contains("ignored unknown columns: Extra"), "{output:#?}");

        let server = TestServer::start(&database).await;
        let data = server.query(
            "{ jobCounts { total completed queued cancelling }
               jobs { totalCount items { id name type priority state createdDate scheduledDate
                 updateDate configuration { id name }
                 currentRun { id agentResultMessage agentState agentElapsedExecutionTime
                   agentPercentCompleted agentTasksCount processingState agentKey
                   agentResultIsSuccess agentResultIsCancellationRequested agentQueuedDate
                   agent { id } }
                 runs { id agentResultMessage agentElapsedExecutionTime agentTasksCount
                   processingState updateDate } } } }",
            json!({}),
        ).await;
        insta::with_settings!({ snapshot_path => "snapshots" }, {
            insta::assert_json_snapshot!("import_platform", data);
        });
    }

    async fn any_order_and_any_number_of_times_end_the_same(database: TestDatabase) {
        let jobs = write(&database, "jobs.csv", JOBS.as_bytes());
        let runs = write(&database, "runs.csv", RUNS.as_bytes());
        import(&database, &[&jobs, &runs]).ok();
        let first = contents(&database);
        import(&database, &[&runs, &jobs, &runs]).ok();
        assert_eq!(contents(&database), first);

        let other = TestDatabase::create(database.kind).await;
        import(&other, &[&runs, &jobs]).ok();
        assert_eq!(contents(&other), first);
    }

    async fn an_older_row_changes_nothing(database: TestDatabase) {
        let runs = write(&database, "runs.csv", RUNS.as_bytes());
        import(&database, &[&runs]).ok();
        let first = contents(&database);
        let older = RUNS.replace("10:59:00.0000000,1", "10:58:59.9999999,0").replace("Cancelling", "Executing")
            .replace("2024-05-03 10:59:00", "2024-05-03 10:58:00");
        let older = write(&database, "older.csv", older.as_bytes());
        import(&database, &[&older]).ok();
        assert_eq!(contents(&database), first);

        let newer = RUNS.replace("Cancelling", "Cancelled").replace("2024-05-03 10:59:00", "2024-05-03 11:59:00");
        let newer = write(&database, "newer.csv", newer.as_bytes());
        import(&database, &[&newer]).ok();
        assert!(contents(&database)[0].contains("\"Cancelled\""));
        let counts = agent_jobs(&["counts", "verify", "--database-url", database.url()], b"").ok();
        assert_eq!(counts.stdout, "the counters are right\n");
    }

    async fn an_export_reads_back_the_same(database: TestDatabase) {
        let db = database.open().await;
        let shape = synth::Shape { jobs: 700, days: 1, ..synth::Shape::default() };
        let now = entity::Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        let mut history = synth::History::new(shape, now);
        agent_jobs::samples::fill(db.writer(), &mut history, usize::MAX).await.expect("filling");
        db.close().await;
        let tables = ["configurations", "agents", "jobs", "job-runs"];
        let exported = tables.map(|table| export(&database, table, "ndjson"));

        for format in ["csv", "ndjson"] {
            let other = TestDatabase::create(database.kind).await;
            for table in tables.into_iter().rev() {
                let file = write(&other, table, export(&database, table, format).as_bytes());
                import(&other, &["--table", table, &file]).ok();
            }
            for (table, expected) in tables.into_iter().zip(&exported) {
                assert!(export(&other, table, "ndjson") == *expected, "{table} as {format}");
            }
        }
    }

    async fn a_bad_row_stops_and_says_where(database: TestDatabase) {
        let bad = RUNS.replace("5000000000", "many");
        let file = write(&database, "runs.csv", bad.as_bytes());
        let output = import(&database, &[&file]);
        assert_eq!(output.code, 65);
        for part in [
            "runs.csv, line 2, column AgentTasksCount: expected a whole number from 0 to 9007199254740991, not \"many\"",
            "Nothing from line 2 on was imported.",
            "--reject-file",
        ] {
            assert!(output.stderr.contains(part), "{}", output.stderr);
        }
        assert_eq!(contents(&database)[1], "");

        let aside = database.folder().join("rejected.ndjson");
        let output = import(&database, &["--reject-file", aside.to_str().unwrap(), &file]).ok();
        assert_eq!(output.stdout, "imported 2 rows, 1 rejected\n");
        let rejected: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&aside).unwrap()).unwrap();
        assert_eq!(rejected["line"], 2);
        assert_eq!(rejected["column"], "AgentTasksCount");
        assert_eq!(rejected["row"]["AgentResultMessage"], "first line\nsecond, \"line\"");
    }

    async fn ndjson_in_any_spelling_from_standard_input(database: TestDatabase) {
        let lines = [
            json!({"id": "0190b000-0000-7000-8000-000000000001", "jobId": "0190a000-0000-7000-8000-000000000001",
                "agent_id": "{0190D000-0000-7000-8000-000000000001}", "agent_state": 20, "agentTasksCount": 3}),
            json!({"id": "0190b000-0000-7000-8000-000000000002", "jobId": "0190a000-0000-7000-8000-000000000002",
                "agent_id": "0190d000000070008000000000000001", "agent_state": "Paused",
                "AgentResultMessage": "late key", "update_date": "2024-05-01T10:00:00+02:00"}),
        ];
        let input: String = lines.map(|line| line.to_string()).join("\n\n");
        agent_jobs(&["import", "-", "--database-url", database.url()], input.as_bytes()).ok();
        let server = TestServer::start(&database).await;
        let data = server.query(
            "{ jobCounts { executing unknown } jobs(state: UNKNOWN) { items { state createdDate
               currentRun { agentState agentResultMessage agentKey updateDate agentTasksCount } } } }",
            json!({}),
        ).await;
        assert_eq!(data, json!({
            "jobCounts": {"executing": 1, "unknown": 1},
            "jobs": {"items": [{"state": "UNKNOWN", "createdDate": "2024-05-01T08:00:00Z",
                "currentRun": {"agentState": "UNKNOWN", "agentResultMessage": "late key", "agentKey": "",
                    "updateDate": "2024-05-01T08:00:00Z", "agentTasksCount": null}}]},
        }));
    }
}

/// What the program says of files that are none.
#[tokio::test]
async fn files_that_are_none() {
    let database = TestDatabase::create(crate::support::Kind::Sqlite).await;
    for (name, content, code, message) in [
        ("other.csv", b"a,b\n1,2\n".as_slice(), 66, "Its headers are those of no table"),
        ("array.json", b"[{}]", 66, "Its headers are those of no table"),
        ("utf16.csv", b"\xff\xfeI\0d\0", 66, "Its headers are those of no table"),
        ("twice.csv", b"Id,JobId,job_id,AgentId,AgentState\n", 66, "it has the column JobId twice"),
        ("short.csv", b"Id,JobId,AgentState\n", 66, "it has no column AgentId"),
        ("fields.csv", b"Id,State,CreatedDate\n1,2\n", 65, "expected 3 fields, as the headers have, not 2"),
        ("latin1.csv", b"Id,Name,State,CreatedDate\n0190a000-0000-7000-8000-000000000001,\xe9,60,2024-01-01\n", 65, "column Name: expected UTF-8"),
        ("null.csv", b"Id,State,CreatedDate\nNULL,60,2024-01-01\n", 65, "column Id: expected a value, not null"),
        ("bad.ndjson", b"{\"id\":\"0190a000-0000-7000-8000-000000000001\",\"state\":60,\"created_date\":\"2024-01-01\"}\n{oops\n", 65, "line 2: expected a JSON object"),
    ] {
        let file = write(&database, name, content);
        let output = import(&database, &[&file]);
        assert_eq!(output.code, code, "{name}: {output:#?}");
        assert!(output.stderr.contains(message), "{name}: {}", output.stderr);
    }
    let output = import(&database, &["no such file"]);
    assert_eq!(output.code, 66);
    assert!(output.stderr.contains("cannot read no such file"), "{}", output.stderr);
}
