//! Files as other tools write them, of the same two runs. `docs/importing.md` says how each of them
//! is made and imported.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Kind, Output, TestDatabase, agent_jobs, on_both_databases};

const COLUMNS: &str = "Id,JobId,AgentId,AgentKey,AgentState,AgentResultIsSuccess,\
    AgentResultMessage,AgentStartTime,AgentElapsedExecutionTime,AgentTasksCount";

/// What the message is in most files.
const MESSAGE: &str = "Größe: \"no\", said it\nand stopped";

/// The files, with the options that they need.
const FILES: [(&str, &[&str]); 41] = [
    ("archive.zip", &[]),
    ("azure-data-studio.json", &[]),
    ("bcp-wide.tsv", &["--columns", COLUMNS, "--no-quotes"]),
    ("bcp.csv", &["--columns", COLUMNS, "--no-quotes"]),
    ("brackets.csv", &[]),
    ("clickhouse-csv.csv", &[]),
    ("clickhouse-json-each-row.ndjson", &[]),
    ("clickhouse-json.json", &[]),
    ("clickhouse-tsv.tsv", &["--escape", "backslash", "--no-quotes"]),
    ("dbeaver.csv", &[]),
    ("dbeaver.json", &[]),
    ("excel-ansi.csv", &["--encoding", "windows-1252"]),
    ("excel-sep.csv", &[]),
    ("excel-unicode-text.txt", &[]),
    ("excel.csv", &[]),
    ("for-json-root.json", &[]),
    ("for-json-without-wrapper.json", &[]),
    ("for-json.json", &[]),
    ("mysql-batch.tsv", &["--escape", "backslash", "--no-quotes"]),
    ("mysql-outfile.csv", &["--escape", "backslash", "--columns", COLUMNS]),
    ("pandas-index.csv", &[]),
    ("pandas-lines.ndjson", &[]),
    ("pandas-nan.csv", &[]),
    ("pandas-records.json", &[]),
    ("pandas.csv", &[]),
    ("powershell.csv", &[]),
    ("psql-aligned.txt", &[]),
    ("psql-copy-null.csv", &[]),
    ("psql-copy-quoted.csv", &[]),
    ("psql-copy-text.tsv", &["--escape", "backslash", "--no-quotes"]),
    ("psql-copy.csv", &[]),
    ("psql-csv.csv", &[]),
    ("psql-json.ndjson", &[]),
    ("psql-unaligned.txt", &[]),
    ("snowflake.csv", &[]),
    ("sqlcmd-padded.csv", &[]),
    ("sqlcmd-unicode.csv", &[]),
    ("sqlcmd.txt", &[]),
    ("ssms-for-json.txt", &[]),
    ("ssms-no-header.csv", &["--columns", COLUMNS]),
    ("ssms.csv", &[]),
];

/// The same file, compressed.
const COMPRESSED: [&str; 2] = ["ssms.csv.gz", "ssms.csv.zst"];

fn path(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/import");
    folder.join(name).display().to_string()
}

fn import(database: &TestDatabase, name: &str, options: &[&str]) -> Output {
    let file = path(name);
    let arguments = [&["import", "--database-url", database.url(), &file], options].concat();
    agent_jobs(&arguments, b"")
}

/// The runs in a database, each with the columns that the files have.
fn runs(database: &TestDatabase) -> Vec<Value> {
    let arguments = ["export", "job-runs", "--format", "ndjson", "--database-url", database.url()];
    let text = agent_jobs(&arguments, b"").ok().stdout;
    text.lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            let cells = COLUMNS.split(',').map(|column| (column.to_owned(), row[column].clone()));
            Value::Object(cells.collect())
        })
        .collect()
}

/// What the runs must be, with this message in the first.
fn expected(message: &str) -> [Value; 2] {
    [
        json!({
            "Id": "22222222-2222-4222-8222-222222222201",
            "JobId": "11111111-1111-4111-8111-111111111101",
            "AgentId": "33333333-3333-4333-8333-333333333301",
            "AgentKey": "k",
            "AgentState": "Failed",
            "AgentResultIsSuccess": false,
            "AgentResultMessage": message,
            "AgentStartTime": "2026-05-01T10:22:33.447Z",
            "AgentElapsedExecutionTime": 93_784_500,
            "AgentTasksCount": 12,
        }),
        json!({
            "Id": "22222222-2222-4222-8222-222222222202",
            "JobId": "11111111-1111-4111-8111-111111111102",
            "AgentId": "33333333-3333-4333-8333-333333333301",
            "AgentKey": "k",
            "AgentState": "Completed",
            "AgentResultIsSuccess": true,
            "AgentResultMessage": null,
            "AgentStartTime": "2026-05-01T11:22:33Z",
            "AgentElapsedExecutionTime": 93_600_000,
            "AgentTasksCount": null,
        }),
    ]
}

/// The message in a file of a tool that does not quote, or does not write other characters.
fn message_in(name: &str) -> &'static str {
    match name {
        "bcp.csv" => "said \"no\" twice",
        "bcp-wide.tsv" | "sqlcmd-unicode.csv" => "Größe",
        "psql-aligned.txt" | "psql-unaligned.txt" | "sqlcmd-padded.csv" | "sqlcmd.txt" => "stopped",
        _ => MESSAGE,
    }
}

fn check(database: &TestDatabase, name: &str, options: &[&str]) {
    let output = import(database, name, options).ok();
    assert_eq!(output.stdout, "imported 2 rows, 0 rejected\n", "{name}: {output:#?}");
    assert!(!output.stderr.contains("warning"), "{name}: {}", output.stderr);
    assert!(output.stderr.contains("as job-runs"), "{name}: {}", output.stderr);
    assert_eq!(runs(database), expected(message_in(name)), "{name}");
}

#[tokio::test]
async fn files_of_every_tool_give_the_same_runs() {
    for (name, options) in FILES {
        check(&TestDatabase::create(Kind::Sqlite).await, name, options);
    }
    for name in COMPRESSED {
        check(&TestDatabase::create(Kind::Sqlite).await, name, &[]);
    }
}

on_both_databases! {
    async fn files_of_several_tools_give_the_same_runs_one_after_the_other(database: TestDatabase) {
        for (name, options) in FILES.into_iter().filter(|(name, _)| message_in(name) == MESSAGE) {
            check(&database, name, options);
        }
    }
}

#[test]
fn the_table_in_the_documentation_names_every_file_that_is_tested() {
    let documentation = include_str!("../docs/importing.md");
    for name in FILES.iter().map(|(name, _)| name).chain(&COMPRESSED) {
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
    let folder = std::fs::read_dir(path("")).expect("the files are there");
    for entry in folder {
        let name = entry.expect("a file").file_name().into_string().expect("UTF-8");
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
}

/// PostgreSQL's COPY doubles backslashes in its text format, which JSON cannot be told from.
#[tokio::test]
async fn json_with_doubled_backslashes_is_refused_with_the_reason() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let text = std::fs::read_to_string(path("psql-json.ndjson")).expect("the file is there");
    let file = database.folder().join("copy.ndjson");
    std::fs::write(&file, text.replace('\\', "\\\\")).expect("writing a file");
    let arguments = ["import", "--database-url", database.url(), file.to_str().expect("UTF-8")];
    let output = agent_jobs(&arguments, b"");
    assert_eq!(output.code, 65, "{output:#?}");
    assert!(output.stderr.contains("line 1: expected a JSON object"), "{}", output.stderr);
    assert!(output.stderr.contains("its backslashes seem to be doubled"), "{}", output.stderr);
}
