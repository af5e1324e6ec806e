//! The schema: written down in `schema.graphql`, and described in full.

use serde_json::{Value, json};

use crate::support::{Kind, TestDatabase, TestServer, agent_jobs};

#[test]
fn the_file_is_the_schema() {
    let file = include_str!("../schema.graphql");
    // Not assert_eq!, which would print both.
    assert!(
        file == agent_jobs::graphql::sdl(),
        "schema.graphql is out of date; `make generated` rewrites it"
    );
    assert!(agent_jobs(&["schema"], b"").ok().stdout == file, "what the program prints differs");
}

const INTROSPECTION: &str = "{ __schema {
    types { name kind description
        fields(includeDeprecated: true) { name description args { name description defaultValue } }
        inputFields { name description }
        enumValues(includeDeprecated: true) { name description } }
    directives { name description args { name } } } }";

#[tokio::test]
async fn everything_has_a_description() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let data = server.query(INTROSPECTION, json!({})).await;
    let mut described = 0;
    let mut missing = Vec::new();
    let mut check = |object: &Value, path: String| {
        described += 1;
        let text = object["description"].as_str().unwrap_or_default();
        if text.trim().is_empty() {
            missing.push(path);
        }
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for part in list(&data["__schema"]["types"]) {
        let name = part["name"].as_str().expect("a name").to_owned();
        // What the specification itself defines is not ours to describe.
        if name.starts_with("__") || ["ID", "Int", "Float", "String", "Boolean"].contains(&&*name) {
            continue;
        }
        check(&part, name.clone());
        for field in list(&part["fields"]) {
            let path = format!("{name}.{}", field["name"]);
            for argument in list(&field["args"]) {
                check(&argument, format!("{path}({})", argument["name"]));
            }
            check(&field, path);
        }
        for member in [list(&part["inputFields"]), list(&part["enumValues"])].concat() {
            check(&member, format!("{name}.{}", member["name"]));
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(described > 150, "introspection shows the schema: {described}");
}

/// The fields of a run in the API are the 42 of the table, by their names, and what is derived.
#[tokio::test]
async fn a_run_has_its_42_fields_and_what_follows_from_them() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let server = TestServer::start(&database).await;
    let query = "{ __type(name: \"JobRun\") { fields { name type { kind } } } }";
    let data = server.query(query, json!({})).await;
    let mut fields: Vec<_> = data["__type"]["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|field| (field["name"].as_str().expect("a name"), field["type"]["kind"] == "NON_NULL"))
        .collect();
    let columns = <entity::job_run::Entity as entity::Table>::public();
    let mut expected: Vec<_> =
        columns.map(|column| (column.graphql.as_str(), !column.nullable)).collect();
    assert_eq!(expected.len(), 42);
    expected.extend([
        ("job", false),
        ("agent", false),
        ("history", true),
        ("failureGroup", false),
        ("isActive", true),
        ("isStale", true),
        ("percentCompleted", false),
        ("tasksPerMinute", false),
        ("estimatedRemaining", false),
        ("forecast", false),
        ("isOverdue", true),
    ]);
    fields.sort_unstable();
    expected.sort_unstable();
    assert_eq!(fields, expected);
}
