//! `jobsConnection`: the list by cursors.

use entity::{JobState, job};
use serde_json::{Value, json};

use crate::support::{ForeignWriter, Rows, TestServer, id, ids, job, on_both_databases, second};

const ORDERS: [&str; 16] = [
    "orderBy: {field: CREATED_DATE, direction: DESC}",
    "orderBy: {field: CREATED_DATE, direction: ASC}",
    "orderBy: {field: UPDATE_DATE, direction: DESC}",
    "orderBy: {field: UPDATE_DATE, direction: ASC}",
    "orderBy: {field: NAME, direction: DESC}",
    "orderBy: {field: NAME, direction: ASC}",
    "orderBy: {field: SCHEDULED_DATE, direction: DESC}",
    "orderBy: {field: SCHEDULED_DATE, direction: ASC}",
    "orderBy: {field: STARTED_DATE, direction: DESC}",
    "orderBy: {field: STARTED_DATE, direction: ASC}",
    "orderBy: {field: FINISHED_DATE, direction: DESC}",
    "orderBy: {field: FINISHED_DATE, direction: ASC}",
    "orderBy: {field: DURATION, direction: DESC}",
    "orderBy: {field: DURATION, direction: ASC}",
    "orderBy: {field: PRIORITY, direction: DESC}",
    "orderBy: {field: PRIORITY, direction: ASC}",
];

/// The cursor of a job as an argument's value, in quotes.
fn cursor_of(stretch: &Value, n: u32) -> String {
    let edges = stretch["edges"].as_array().expect("edges");
    let edge = edges.iter().find(|edge| edge["node"]["id"] == id(n).to_string());
    edge.expect("the job is there")["cursor"].to_string()
}

on_both_databases! {
    async fn both_ways_visit_every_job_once_in_the_order_of_the_list(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let mut rows = Rows::of_history(330);
        for (n, job) in (0_u32..).zip(&mut rows.jobs) {
            match n % 5 {
                // Ties, jobs that are only known from their runs, and names that sort by code
                // points and not by a language.
                0 => job.created_date = second(i64::from(n / 100)),
                1 => (job.name, job.update_date) = (None, None),
                2 => job.name = Some(["", "é", "Z", "a", "Ünit", "日本"][n as usize % 6].to_owned()),
                _ => {}
            }
        }
        rows.insert(&server).await;
        for order in ORDERS {
            for filter in ["", ", filter: { states: [COMPLETED, FAILED, UNKNOWN] }", ", filter: { search: \"a\" }"] {
                let arguments = format!("{order}{filter}");
                let listed = server.all_jobs(200, &arguments).await;
                assert!(listed.len() > 100, "{arguments}: {}", listed.len());
                assert!(server.forwards(70, &arguments).await == listed, "{arguments}");
                assert!(server.backwards(70, &arguments).await == listed, "{arguments}");
            }
        }
    }

    async fn page_info_says_what_lies_around(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let jobs: Vec<_> = (0..6).map(job).collect();
        server.insert::<job::Entity>(&jobs).await;
        let all = server.jobs_connection("").await;
        let (first, third) = (cursor_of(&all, 5), cursor_of(&all, 3));
        let (fourth, last) = (cursor_of(&all, 2), cursor_of(&all, 0));
        for (arguments, shown, has_previous, has_next) in [
            (String::new(), 0..6, false, false),
            ("first: 6".to_owned(), 0..6, false, false),
            ("first: 2".to_owned(), 4..6, false, true),
            ("last: 2".to_owned(), 0..2, true, false),
            (format!("first: 2, after: {first}"), 3..5, true, true),
            (format!("first: 3, after: {third}"), 0..3, true, false),
            (format!("first: 2, after: {last}"), 0..0, true, false),
            (format!("last: 2, before: {fourth}"), 3..5, true, true),
            (format!("last: 3, before: {third}"), 4..6, false, true),
            (format!("last: 2, before: {first}"), 0..0, false, true),
            (format!("first: 3, after: {first}, before: {last}"), 2..5, true, true),
            (format!("last: 3, after: {first}, before: {last}"), 1..4, true, true),
            (format!("after: {third}, before: {third}"), 0..0, true, false),
            (format!("after: {last}, before: {first}"), 0..0, true, false),
        ] {
            let stretch = server.jobs_connection(&arguments).await;
            assert_eq!(ids(&stretch["nodes"]), shown.rev().map(id).collect::<Vec<_>>(), "{arguments}");
            let info = &stretch["pageInfo"];
            assert_eq!(info["hasPreviousPage"], has_previous, "{arguments}");
            assert_eq!(info["hasNextPage"], has_next, "{arguments}");
            let edges = stretch["edges"].as_array().unwrap();
            let cursor = |edge: Option<&Value>| edge.map_or(Value::Null, |edge| edge["cursor"].clone());
            assert_eq!(info["startCursor"], cursor(edges.first()), "{arguments}");
            assert_eq!(info["endCursor"], cursor(edges.last()), "{arguments}");
            let nodes: Vec<_> = edges.iter().map(|edge| edge["node"].clone()).collect();
            assert_eq!(stretch["nodes"], json!(nodes), "{arguments}");
        }
    }

    async fn a_place_stays_right_while_jobs_come_and_go(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let mut writer = ForeignWriter::connect(&database).await;
        let jobs: Vec<_> = (100..160).map(job).collect();
        server.insert::<job::Entity>(&jobs).await;
        let mut found = Vec::new();
        let mut place = String::new();
        for n in 0..6 {
            let stretch = server.jobs_connection(&format!("first: 10{place}")).await;
            found.extend(ids(&stretch["nodes"]));
            assert_eq!(stretch["pageInfo"]["hasNextPage"], n < 5);
            place = format!(", after: {}", stretch["pageInfo"]["endCursor"]);
            // Newer jobs push the list down, and the very job that the cursor is of goes.
            server.insert::<job::Entity>(&[job(500 + n), job(600 + n)]).await;
            let gone = writer.uuid(*found.last().unwrap());
            assert_eq!(writer.execute(&format!("DELETE FROM job WHERE id = {gone}")).await, 1);
        }
        assert_eq!(found, (100..160).rev().map(id).collect::<Vec<_>>());
        let rest = server.jobs_connection(&format!("first: 10{place}")).await;
        assert_eq!(rest["nodes"], json!([]));

        // Backwards, what was added since comes after the last page.
        let before = server.jobs_connection("last: 1").await;
        let place = &before["pageInfo"]["startCursor"];
        let stretch = server.jobs_connection(&format!("last: 3, before: {place}")).await;
        server.insert::<job::Entity>(&[job(700)]).await;
        let again = server.jobs_connection(&format!("last: 3, before: {place}")).await;
        assert_eq!(stretch, again);
    }

    async fn the_number_of_jobs_is_checked(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let jobs: Vec<_> = (0..230).map(|n| job::Model { state: JobState::Failed, ..job(n) }).collect();
        server.insert::<job::Entity>(&jobs).await;
        for (arguments, n) in [("", 20), ("first: 1", 1), ("first: 200", 200), ("last: 200", 200),
            ("first: null", 20), ("first: null, last: 3", 3), ("first: 3, last: null", 3),
            ("filter: { states: FAILED }", 20), ("filter: { states: [QUEUED] }", 0)]
        {
            let stretch = server.jobs_connection(arguments).await;
            assert_eq!(stretch["nodes"].as_array().unwrap().len(), n, "{arguments}");
        }
        for (arguments, argument, message) in [
            ("first: 0", "first", "expected a number from 1 to 200, not 0"),
            ("first: -3", "first", "expected a number from 1 to 200, not -3"),
            ("first: 201", "first", "expected a number from 1 to 200, not 201"),
            ("last: 0", "last", "expected a number from 1 to 200, not 0"),
            ("last: 201", "last", "expected a number from 1 to 200, not 201"),
            ("first: 1, last: 1", "last", "expected either `first` or `last`, not both"),
        ] {
            let query = format!("{{ jobsConnection({arguments}) {{ nodes {{ id }} }} }}");
            let answer = server.answer(&query, json!({})).await;
            let error = &answer["errors"][0];
            assert_eq!(error["message"], format!("{argument}: {message}"), "{answer:#}");
            assert_eq!(error["extensions"], json!({ "code": "BAD_USER_INPUT", "argument": argument }));
        }
    }

    async fn a_cursor_is_for_lists_in_its_order(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<job::Entity>(&[job(1), job(2)]).await;
        let mut cursors = Vec::new();
        for order in ORDERS {
            let stretch = server.jobs_connection(&format!("first: 1, {order}")).await;
            cursors.push(stretch["pageInfo"]["endCursor"].as_str().unwrap().to_owned());
        }
        let query = |argument: &str, order: &str| format!(
            "query($cursor: String) {{ jobsConnection({argument}: $cursor, {order}) {{ nodes {{ id }} }} }}"
        );
        let refuse = async |argument: &str, order: &str, cursor: &str, message: &str| {
            let answer = server.answer(&query(argument, order), json!({ "cursor": cursor })).await;
            let error = &answer["errors"][0];
            assert_eq!(error["message"], format!("{argument}: {message}"), "{cursor}: {answer:#}");
            assert_eq!(error["extensions"], json!({ "code": "BAD_USER_INPUT", "argument": argument }));
        };
        for argument in ["after", "before"] {
            for (n, order) in ORDERS.into_iter().enumerate() {
                for (m, cursor) in cursors.iter().enumerate() {
                    // The same field in the other direction is a place in that list too.
                    if n / 2 == m / 2 {
                        server.query(&query(argument, order), json!({ "cursor": cursor })).await;
                    } else {
                        refuse(argument, order, cursor, "the cursor is from a list in another order").await;
                    }
                }
            }
            // The letter of an order, sixteen bytes of an id and eight of a moment, in base64:
            // not only what no list gives out, but also what no database could compare with.
            let moment = |micros: i64| {
                use base64::Engine as _;
                let bytes = [b"c".as_slice(), &[0; 16], &micros.to_be_bytes()].concat();
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
            };
            let whole = &cursors[0];
            for cursor in [
                "", "nonsense", "%%%", "AAAA", &whole[..whole.len() - 1], &format!("{whole}A"), &format!(" {whole}"),
                &moment(i64::MIN), &moment(i64::MAX), &moment(i64::MIN / 2), &moment(-250_000_000_000_000_000),
            ] {
                refuse(argument, ORDERS[0], cursor, "expected a cursor that this list has given out").await;
            }
            server.query(&query(argument, ORDERS[0]), json!({ "cursor": moment(0) })).await;
        }
    }
}
