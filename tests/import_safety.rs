//! Imports and exports that must not lose anything: files that they may not write over, rows that
//! they may not swallow, and what they tell of values that they read otherwise.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Kind, Output, TestDatabase, TestServer, agent_jobs, on_both_databases};

const HEADERS: &str = "Id,JobId,AgentId,AgentKey,AgentState,AgentResultMessage\n";

/// A row of the file of runs, with this message as the file has it.
fn run_row(n: u32, message: &str) -> String {
    format!(
        "22222222-2222-4222-8222-{n:012},11111111-1111-4111-8111-{n:012},\
         33333333-3333-4333-8333-333333333301,k,Failed,{message}\n"
    )
}

fn job_row(n: u32, rest: &str) -> String {
    format!("11111111-1111-4111-8111-{n:012},{rest}\n")
}

fn write(database: &TestDatabase, name: &str, content: impl AsRef<[u8]>) -> String {
    let path: PathBuf = database.folder().join(name);
    fs::write(&path, content).expect("writing a file");
    path.to_str().expect("UTF-8").to_owned()
}

fn import(database: &TestDatabase, arguments: &[&str]) -> Output {
    agent_jobs(&[&["import", "--database-url", database.url()], arguments].concat(), b"")
}

fn import_bytes(database: &TestDatabase, name: &str, content: impl AsRef<[u8]>) -> Output {
    let file = write(database, name, content);
    import(database, &[&file])
}

fn exported(database: &TestDatabase, table: &str, format: &str) -> String {
    let arguments = ["export", table, "--format", format, "--database-url", database.url()];
    agent_jobs(&arguments, b"").ok().stdout
}

fn rows(database: &TestDatabase, table: &str) -> Vec<Value> {
    let text = exported(database, table, "ndjson");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn an_output_that_is_an_input_or_the_database_is_refused_untouched() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    database.open().await.close().await;
    let content = format!("{HEADERS}{}", run_row(1, "fine"));
    let runs = write(&database, "runs.csv", &content);
    let other = write(&database, "other.csv", &content);
    let link = database.folder().join("link.csv").display().to_string();
    std::os::unix::fs::symlink(&runs, &link).expect("linking");
    let hard = database.folder().join("hard.csv").display().to_string();
    fs::hard_link(&runs, &hard).expect("linking");
    let dotted = database.folder().join(".").join("runs.csv").display().to_string();
    let file = database.url().trim_start_matches("sqlite://").to_owned();
    let before = fs::read(&file).expect("the database is there");
    let wal = format!("{file}-wal");

    for reject in [&runs, &link, &hard, &dotted, &other, &file, &wal] {
        // The old name of the option takes the first input for its value.
        for option in ["--reject-file", "--skip-bad-rows"] {
            for overwrite in [[].as_slice(), &["--overwrite"]] {
                if reject == &other && !overwrite.is_empty() {
                    continue;
                }
                let output =
                    import(&database, &[&[option, reject.as_str(), &runs], overwrite].concat());
                assert_eq!(output.code, 74, "{reject}: {output:#?}");
                assert!(output.stderr.contains("cannot write"), "{}", output.stderr);
            }
        }
    }
    for target in [&file, &wal] {
        let output = agent_jobs(
            &["export", "jobs", "-o", target, "--overwrite", "--database-url", database.url()],
            b"",
        );
        assert_eq!(output.code, 74, "{target}: {output:#?}");
    }
    for path in [&runs, &other, &link, &hard] {
        assert_eq!(fs::read_to_string(path).expect("it is there"), content, "{path}");
    }
    assert!(fs::read(&file).expect("it is there") == before, "the database is as it was");
}

#[tokio::test]
async fn existing_outputs_are_replaced_only_when_asked() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let good = write(&database, "good.csv", format!("{HEADERS}{}", run_row(1, "fine")));
    let bad = write(&database, "bad.csv", format!("{HEADERS}{}", "zz,zz,zz,k,Failed,x\n"));
    let rejects = write(&database, "rejects.ndjson", "of an earlier import\n");
    for file in [&good, &bad] {
        let output = import(&database, &[file, "--reject-file", &rejects]);
        assert_eq!(output.code, 74, "{output:#?}");
        assert!(output.stderr.contains("--overwrite"), "{}", output.stderr);
    }
    // Without a bad row the file stays as it is, and is not made.
    import(&database, &[&good, "--reject-file", &rejects, "--overwrite"]).ok();
    assert_eq!(fs::read_to_string(&rejects).expect("it is there"), "of an earlier import\n");
    let new = database.folder().join("new.ndjson");
    import(&database, &[&good, "--reject-file", new.to_str().expect("UTF-8")]).ok();
    assert!(!new.exists());
    import(&database, &[&bad, "--reject-file", &rejects, "--overwrite"]).ok();
    assert!(fs::read_to_string(&rejects).expect("it is there").contains("expected a UUID"));

    let export = |options: &[&str]| {
        let arguments = ["export", "jobs", "--database-url", database.url(), "-o", &good];
        agent_jobs(&[&arguments, options].concat(), b"")
    };
    assert_eq!(export(&[]).code, 74);
    export(&["--overwrite"]).ok();
    assert!(fs::read_to_string(&good).expect("it is there").starts_with("Id,ConfigurationId,"));
}

#[tokio::test]
async fn inputs_are_looked_at_before_the_database_is_made() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let good = write(&database, "good.csv", format!("{HEADERS}{}", run_row(1, "fine")));
    let other = write(&database, "other.csv", "a,b\n1,2\n");
    let file = database.folder().join("new.db");
    let url = format!("sqlite://{}", file.display());
    for last in [other.as_str(), "no such file"] {
        let output = agent_jobs(&["import", "--database-url", &url, &good, last], b"");
        assert_eq!(output.code, 66, "{output:#?}");
        assert!(!file.exists());
    }
}

#[tokio::test]
async fn a_quote_that_is_never_closed_ends_the_import_with_its_line() {
    let limit = 17 << 20;
    for (name, content, message) in [
        (
            "last",
            format!("{HEADERS}{}{}", run_row(1, "fine"), run_row(2, "\"stopped")),
            "line 3: column AgentResultMessage: the quote that opens in this line is never closed",
        ),
        (
            "rows follow",
            format!(
                "{HEADERS}{}{}{}",
                run_row(1, "fine"),
                run_row(2, "\"stopped"),
                run_row(3, "fine")
            ),
            "line 3: column AgentResultMessage: the quote that opens",
        ),
        (
            "middle",
            format!("{HEADERS}zz,\"zz,zz,k,Failed,x\n{}", run_row(3, "fine")),
            "line 2: column JobId: the quote that opens",
        ),
        (
            "CRLF",
            format!("{HEADERS}{}{}", run_row(1, "\"two\nlines\""), run_row(2, "\"stopped"))
                .replace('\n', "\r\n"),
            "line 4: column AgentResultMessage",
        ),
        (
            "too large",
            format!("{HEADERS}{}{}", run_row(1, "\"stopped"), "x\n".repeat(limit / 2)),
            "line 2: a row has more than 16777216 bytes; the quote that opens in line 2, column AgentResultMessage, is not closed",
        ),
        (
            "no quote",
            format!("{HEADERS}{}", run_row(1, &"x".repeat(limit))),
            "line 2: a row has more than 16777216 bytes",
        ),
    ] {
        let database = TestDatabase::create(Kind::Sqlite).await;
        let file = write(&database, "runs.csv", &content);
        let rejects = database.folder().join("rejects.ndjson").display().to_string();
        for options in [[].as_slice(), &["--reject-file", &rejects]] {
            let output = import(&database, &[&[file.as_str()], options].concat());
            assert_eq!(output.code, 65, "{name}: {output:#?}");
            assert!(output.stderr.contains(message), "{name}: {}", output.stderr);
        }
    }
}

#[tokio::test]
async fn backslash_escapes_are_noticed() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    for message in [r#""said \"no\" twice""#, r#""ends with \", and goes on""#, r#""\"""#] {
        let content = format!("{HEADERS}{}{}", run_row(1, message), run_row(2, "fine"));
        let output = import_bytes(&database, "runs.csv", &content);
        assert_eq!(output.code, 65, "{message}: {output:#?}");
    }
    let content =
        format!("{HEADERS}{}{}", run_row(1, r#""said \"no\" twice""#), run_row(2, "fine"));
    let file = write(&database, "runs.csv", content);
    let output = import(&database, &[&file]);
    assert!(output.stderr.contains("--escape backslash"), "{}", output.stderr);
    import(&database, &[&file, "--escape", "backslash"]).ok();
    assert_eq!(rows(&database, "job-runs")[0]["AgentResultMessage"], "said \"no\" twice");

    // A path that ends with a backslash is a path.
    let output =
        import_bytes(&database, "path.csv", format!("{HEADERS}{}", run_row(3, r#""C:\dir\""#)));
    output.ok();
    assert_eq!(rows(&database, "job-runs")[2]["AgentResultMessage"], r"C:\dir\");
}

#[tokio::test]
async fn bad_rows_have_the_line_that_an_editor_shows() {
    for (name, line_break) in [("LF", "\n"), ("CRLF", "\r\n"), ("CR", "\r")] {
        for (rows_before, line) in [
            (String::new(), 2),
            (run_row(1, "fine"), 3),
            (run_row(1, "\"three\nlines\nhere\""), 5),
            (format!("\n\n{}", run_row(1, "fine")), 5),
            (format!("{}\n", run_row(1, "fine")), 4),
        ] {
            let database = TestDatabase::create(Kind::Sqlite).await;
            let content =
                format!("{HEADERS}{rows_before}zz,zz,zz,k,Failed,x\n{}", run_row(2, "fine"));
            let content = content.replace('\n', line_break);
            let output = import_bytes(&database, "runs.csv", &content);
            let expected = format!("runs.csv, line {line}, column Id: expected a UUID");
            assert!(output.stderr.contains(&expected), "{name} {line}: {}", output.stderr);
        }
    }
}

#[tokio::test]
async fn a_bad_first_line_of_ndjson_is_a_bad_row() {
    let good = r#"{"Id":"22222222-2222-4222-8222-222222222201","JobId":"11111111-1111-4111-8111-111111111101","AgentId":"33333333-3333-4333-8333-333333333301","AgentKey":"k","AgentState":"Failed"}"#;
    for bad in [
        r#"{"Id": NaN}"#,
        r#"{"Id": "\ud800"}"#,
        r#"{"Id": 1,}"#,
        r#"{"Id": 1} {"Id": 2}"#,
        "{oops",
        r#"{"Id":"x","Id":"y"}"#,
        "{}",
    ] {
        let database = TestDatabase::create(Kind::Sqlite).await;
        let rejects = database.folder().join("rejects.ndjson");
        let file = write(&database, "runs.ndjson", format!("{bad}\n{good}\n"));
        let output =
            import(&database, &[&file, "--reject-file", rejects.to_str().expect("UTF-8")]).ok();
        assert_eq!(output.stdout, "imported 1 rows, 1 rejected\n", "{bad}: {output:#?}");
        let rejected: Value =
            serde_json::from_str(&fs::read_to_string(&rejects).expect("it was made"))
                .expect("JSON");
        assert_eq!(rejected["line"], 1, "{bad}");
        assert!(!rejected["reason"].to_string().contains("at line"), "{rejected}");
    }
}

#[tokio::test]
async fn two_columns_for_one_are_named_and_one_is_taken() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let content = format!(
        "Id,CreatedDate,Name,Component,State\n{}",
        job_row(1, "2026-05-01,EU,crawler,Failed")
    );
    let output = import_bytes(&database, "jobs.csv", content).ok();
    assert!(
        output
            .stderr
            .contains("took Name from the column \"Name\", and ignored the column \"Component\""),
        "{}",
        output.stderr
    );
    assert_eq!(rows(&database, "jobs")[0]["Name"], "EU");

    let content = r#"{"Id":"11111111-1111-4111-8111-000000000002","CreatedDate":"2026-05-01","UpdateDate":"2026-05-02","UpdatedAt":null,"State":"Failed"}"#;
    let output = import_bytes(&database, "jobs.ndjson", content).ok();
    assert!(
        output.stderr.contains("took UpdateDate from \"UpdateDate\", and ignored \"UpdatedAt\""),
        "{}",
        output.stderr
    );
    assert_eq!(rows(&database, "jobs")[1]["UpdateDate"], "2026-05-02T00:00:00Z");

    for (name, content) in [
        (
            "a.csv",
            format!(
                "Id,CreatedDate,JobName,Component,State\n{}",
                job_row(1, "2026-05-01,EU,crawler,Failed")
            ),
        ),
        (
            "b.csv",
            format!(
                "Id,CreatedDate,Name,name,State\n{}",
                job_row(1, "2026-05-01,EU,crawler,Failed")
            ),
        ),
    ] {
        let output = import_bytes(&database, name, content);
        assert_eq!(output.code, 66, "{output:#?}");
        assert!(output.stderr.contains("it has the column Name twice"), "{}", output.stderr);
    }
}

on_both_databases! {
    async fn states_are_understood_or_counted_in_a_warning(database: TestDatabase) {
        let content = format!(
            "Id,State,CreatedDate\n{}{}{}{}{}{}",
            job_row(1, "Canceled,2026-05-01"), job_row(2, "Succeeded,2026-05-01"), job_row(3, "Running,2026-05-01"),
            job_row(4, "Paused,2026-05-01"), job_row(5, "Paused,2026-05-01"), job_row(6, "Zombie,2026-05-01"),
        );
        let output = import_bytes(&database, "jobs.csv", content).ok();
        assert!(
            output.stderr.contains("3 unknown states are shown as Unknown: \"Paused\" (2), \"Zombie\" (1)"),
            "{}", output.stderr
        );
        let states: Vec<_> = rows(&database, "jobs").into_iter().map(|row| row["State"].clone()).collect();
        assert_eq!(states, ["Cancelled", "Completed", "Executing", "Paused", "Paused", "Zombie"]);
    }

    async fn long_texts_are_cut_with_a_note_and_numbers_beyond_the_api_are_refused(database: TestDatabase) {
        let content = format!("{HEADERS}{}", run_row(1, &"ä".repeat(10_001)));
        let output = import_bytes(&database, "runs.csv", content).ok();
        assert!(output.stderr.contains("1 texts of AgentResultMessage were too long"), "{}", output.stderr);
        let server = TestServer::start(&database).await;
        let data = server.query("{ jobs { items { currentRun { agentResultMessage } } } }", serde_json::json!({})).await;
        let message = data["jobs"]["items"][0]["currentRun"]["agentResultMessage"].as_str().expect("a text").to_owned();
        assert_eq!(message.chars().count(), 10_000);
        assert!(message.ends_with("ä…"));

        for (number, is_read) in [("9007199254740991", true), ("9007199254740992", false), ("9223372036854775807", false)] {
            let content = format!(
                "Id,JobId,AgentId,AgentState,AgentExpectedTasksCount\n\
                 22222222-2222-4222-8222-000000000002,11111111-1111-4111-8111-000000000002,33333333-3333-4333-8333-333333333301,Executing,{number}\n"
            );
            let output = import_bytes(&database, "number.csv", content);
            assert_eq!(output.code, if is_read { 0 } else { 65 }, "{output:#?}");
        }
    }

    async fn dates_that_stand_for_none_are_null(database: TestDatabase) {
        let content = format!(
            "Id,State,CreatedDate,ScheduledDate,UpdateDate\n{}",
            job_row(1, "Failed,2026-05-01,0001-01-01 00:00:00.0000000,1753-01-01 00:00:00.000"),
        );
        import_bytes(&database, "jobs.csv", content).ok();
        assert_eq!(rows(&database, "jobs")[0]["ScheduledDate"], Value::Null);
        // A job without a date of its last change has that of its creation.
        assert_eq!(rows(&database, "jobs")[0]["UpdateDate"], "2026-05-01T00:00:00Z");
        let content = format!("Id,State,CreatedDate\n{}", job_row(1, "Failed,0001-01-01"));
        assert_eq!(import_bytes(&database, "none.csv", content).code, 65);
    }

    async fn csv_keeps_every_text(database: TestDatabase) {
        let texts = ["NULL", "   ", "", "\\N", "NaN", "(null)", " a ", "a,b", "\"", "a\r\nb", "\r", "sep=;", "-", "None"];
        let lines: String = texts.iter().enumerate().map(|(n, text)| {
            let mut line = serde_json::json!({
                "Id": format!("11111111-1111-4111-8111-{:012}", n + 1), "Name": text, "Type": text,
                "State": "Failed", "CreatedDate": "2026-05-01T00:00:00Z",
            }).to_string();
            line.push('\n');
            line
        }).collect();
        import_bytes(&database, "jobs.ndjson", lines).ok();
        let before = exported(&database, "jobs", "ndjson");
        let names: Vec<_> = rows(&database, "jobs").into_iter().map(|row| row["Name"].clone()).collect();
        assert_eq!(names, texts);
        let other = TestDatabase::create(database.kind).await;
        import_bytes(&other, "jobs.csv", exported(&database, "jobs", "csv")).ok();
        assert!(exported(&other, "jobs", "ndjson") == before);
    }

    async fn exports_of_all_tables_import_in_one_command(database: TestDatabase) {
        let tables = ["job-runs", "agents", "jobs", "configurations"];
        let empty = TestDatabase::create(database.kind).await;
        empty.open().await.close().await;
        for format in ["csv", "ndjson"] {
            // Empty ones.
            let files = tables.map(|table| {
                write(&empty, &format!("{table}.{format}"), exported(&empty, table, format))
            });
            let output = import(&empty, &files.each_ref().map(String::as_str)).ok();
            assert_eq!(output.stdout, "imported 0 rows, 0 rejected\n");
        }
        let files = [
            write(&database, "runs.csv", format!("{HEADERS}{}", run_row(1, "fine"))),
            write(&database, "jobs.csv", format!("Id,Name,State,CreatedDate,ConfigurationId\n{}", job_row(1, "a,Failed,2026-05-01,44444444-4444-4444-8444-444444444401"))),
            write(&database, "agents.csv", "Id,Name,CreatedDate,UpdateDate\n33333333-3333-4333-8333-333333333301,crawler,2026-05-01T10:00:00Z,\n"),
            format!("configurations={}", write(&database, "c.csv", "Id,Name\n44444444-4444-4444-8444-444444444401,EU\n")),
        ];
        import(&database, &files.each_ref().map(String::as_str)).ok();
        let contents = |database: &TestDatabase| tables.map(|table| exported(database, table, "ndjson"));
        for format in ["csv", "ndjson"] {
            let other = TestDatabase::create(database.kind).await;
            let files = tables.map(|table| {
                write(&other, &format!("{table}.{format}"), exported(&database, table, format))
            });
            let output = import(&other, &files.each_ref().map(String::as_str)).ok();
            assert_eq!(output.stdout, "imported 4 rows, 0 rejected\n");
            assert_eq!(contents(&other), contents(&database));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_refused_with_what_it_looks_like() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let values = run_row(1, "x");
    for (name, content, message) in [
        ("values.csv", values.as_bytes(), "its first line holds values, not the names of columns"),
        ("sql.sql", b"INSERT INTO job VALUES (1)\n", "it looks like SQL statements"),
        ("page.html", b"<html></html>\n", "it looks like XML or HTML"),
        ("one.csv", b"Id^State^CreatedDate\n1^2^3\n", "--delimiter gives another separator"),
        ("other.csv", b"a,b\n1,2\n", "its first line is \"a,b\""),
        ("names.csv", b"Id,Name\n1,2\n", "Expected at least"),
        ("empty.csv", b"", "it is empty"),
        ("db.csv", b"SQLite format 3\0....", "it is an SQLite database"),
        ("x.xz", b"\xfd7zXZ\0...", "it is compressed with xz; unpack it first"),
        ("x.parquet", b"PAR1...", "it is a Parquet file"),
        ("x.xls", b"\xd0\xcf\x11\xe0....", "it is an Excel workbook"),
        ("broken.zip", b"PK\x03\x04....", "it is a zip archive that cannot be read"),
        ("broken.zst", b"\x28\xb5\x2f\xfd....", ""),
        ("cut.json", b"[{\"Id\":\"", ""),
    ] {
        let output = import_bytes(&database, name, content);
        assert!(matches!(output.code, 65 | 66), "{name}: {output:#?}");
        assert!(output.stderr.contains(message), "{name}: {}", output.stderr);
    }
    // A JSON array that is cut is no array, whatever came before.
    let cut = r#"[{"Id":"11111111-1111-4111-8111-000000000001","State":"Failed","CreatedDate":"2026-05-01"},"#;
    let output = import_bytes(&database, "cut.json", cut);
    assert_eq!(output.code, 65, "{output:#?}");
    assert!(output.stderr.contains("the file ends within the array"), "{}", output.stderr);
    // A zip archive holds several files, and is checked as a whole.
    let zip = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/import/archive.zip"))
        .expect("it is there");
    let mut damaged = zip.clone();
    damaged[60] ^= 0xff;
    let output = import_bytes(&database, "damaged.zip", damaged);
    assert!(matches!(output.code, 65 | 66), "{output:#?}");

    // A zip archive may hold several files, and folders.
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::STORE);
    archive.add_directory("export/", stored).expect("adding a folder");
    for (name, content) in [
        ("export/runs.csv", format!("{HEADERS}{}", run_row(1, "fine"))),
        ("export/jobs.csv", format!("Id,State,CreatedDate\n{}", job_row(1, "Failed,2026-05-01"))),
    ] {
        archive.start_file(name, stored).expect("adding a file");
        std::io::Write::write_all(&mut archive, content.as_bytes()).expect("adding a file");
    }
    let content = archive.finish().expect("the archive is whole").into_inner();
    let output = import_bytes(&database, "export.zip", content).ok();
    assert_eq!(output.stdout, "imported 2 rows, 0 rejected\n");
    assert!(output.stderr.contains("export.zip/export/jobs.csv: CSV"), "{}", output.stderr);
}

#[tokio::test]
async fn rows_with_other_numbers_of_fields_are_bad_unless_the_rest_is_empty() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let headers = "Id,State,CreatedDate\n";
    for (rest, code) in [
        ("Failed,2026-05-01,,", 0),
        ("Failed,2026-05-01,,x", 65),
        ("Failed,2026-05-01,\"\"", 65),
        ("Failed", 65),
    ] {
        let content = format!("{headers}{}{}", job_row(1, "Failed,2026-05-01"), job_row(2, rest));
        let output = import_bytes(&database, "jobs.csv", content);
        assert_eq!(output.code, code, "{rest}: {output:#?}");
    }
}
