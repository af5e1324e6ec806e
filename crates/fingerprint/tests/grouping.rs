//! What a fingerprint keeps apart and what it does not.

use std::collections::HashSet;

use fingerprint::{Fingerprint, Phase, TITLE_LENGTH};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn title(message: &str) -> String {
    Fingerprint::of_message(message).expect("it has text").title
}

fn uuid(rng: &mut impl Rng) -> String {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid().to_string()
}

/// A failure of one of six causes.
fn generated(cause: usize, rng: &mut impl Rng) -> String {
    let id = uuid(rng);
    let host =
        format!("node-{}.eu{}.example.com", rng.random_range(1..400), rng.random_range(1..9));
    let address =
        format!("10.{}.{}.{}", rng.random::<u8>(), rng.random::<u8>(), rng.random::<u8>());
    let n: u32 = rng.random_range(1..2_000_000);
    let time = format!(
        "2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        rng.random_range(1..13),
        rng.random_range(1..29),
        rng.random_range(0..24),
        rng.random_range(0..60),
        rng.random_range(0..60),
        rng.random_range(0..1000)
    );
    let directory = ["in", "out", "spool 2", "Year End"][rng.random_range(0..4)];
    match cause {
        0 => format!("HTTP 429 Too Many Requests: retry after {n} s (request {id})"),
        1 => format!(
            "HTTP 503 Service Unavailable from {host} after {} attempts at {time}",
            n % 9 + 1
        ),
        2 => format!("dial tcp {address}:{}: connect: connection refused", n % 60_000 + 80),
        3 => format!(
            "could not read '/data/{directory}/part-{n}.csv': disk quota of {n} bytes exceeded"
        ),
        4 => format!(
            "ERROR: relation \"crm.t_{n}\" does not exist (SQLSTATE 42P01)\nLINE {}: SELECT * FROM …",
            n % 50
        ),
        _ => format!(
            "Traceback (most recent call last):\n  File \"/srv/a{n}/crawl.py\", line {}, in page\n    \
             raise Timeout\nTimeoutError: {host} sent nothing for {}.{:03} seconds, page {n} of {id}",
            n % 900,
            n % 300,
            n % 1000
        ),
    }
}

#[test]
fn four_thousand_failures_of_six_causes_are_six_groups() {
    let mut rng = ChaCha8Rng::seed_from_u64(20);
    let mut groups = vec![HashSet::new(); 6];
    let mut messages = HashSet::new();
    for n in 0..4_000 {
        let message = generated(n % 6, &mut rng);
        groups[n % 6].insert(Fingerprint::of_message(&message).unwrap());
        messages.insert(message);
    }
    assert!(messages.len() > 3_900, "they differ");
    let all: HashSet<_> = groups.iter().flatten().map(|group| group.id).collect();
    assert_eq!((groups.iter().map(HashSet::len).collect::<Vec<_>>(), all.len()), (vec![1; 6], 6));
}

#[test]
fn different_causes_are_kept_apart() {
    for (one, other) in [
        ("Request failed with status code 401", "Request failed with status code 403"),
        ("HTTP 401", "HTTP 429"),
        ("HTTP/1.1 503 Service Unavailable", "HTTP/1.1 502 Bad Gateway"),
        (
            "The remote server returned an error: (403) Forbidden.",
            "The remote server returned an error: (401) Unauthorized.",
        ),
        ("api.example.com returned 500", "api.example.com returned 429"),
        ("got 404 from https://a.example/x", "got 410 from https://a.example/x"),
        ("connect ETIMEDOUT 10.0.0.1:5432", "connect ECONNREFUSED 10.0.0.1:5432"),
        ("dial tcp 10.0.0.1:80: i/o timeout", "dial tcp 10.0.0.1:80: connect: connection refused"),
        (
            "ORA-00942: table or view does not exist",
            "ORA-01017: invalid username/password; logon denied",
        ),
        ("ORA-12541", "ORA-12514"),
        ("ERROR 1045 (28000): refused", "ERROR 1044 (42000): refused"),
        ("Msg 18456, Level 14, State 1, Line 1", "Msg 4060, Level 11, State 1, Line 1"),
        ("Login failed, error 18456, state 8", "Login failed, error 18456, state 38"),
        ("ERROR (SQLSTATE 42P01)", "ERROR (SQLSTATE 42703)"),
        ("SQLSTATE[42S02]: missing", "SQLSTATE[28000]: missing"),
        ("AADSTS50034: no", "AADSTS50126: no"),
        ("failed with 0x80070005", "failed with 0x800706BA"),
        ("Process exited with code 137", "Process exited with code 1"),
        ("OSError: [Errno 28] write", "OSError: [Errno 13] write"),
        ("write failed (os error 28)", "write failed (os error 5)"),
        ("curl: (6) failed", "curl: (28) failed"),
        ("rpc error: code = Unavailable desc = x", "rpc error: code = DeadlineExceeded desc = x"),
        (r#"{"error":{"code":"accessDenied"}}"#, r#"{"error":{"code":"itemNotFound"}}"#),
        ("E_TIMEOUT: no answer", "E_REFUSED: no answer"),
        ("data 52e", "data exceeded"),
        ("LdapErr: DSID-0C090439, data 52e", "LdapErr: DSID-0C090439, data 775"),
        ("java.net.ConnectException: refused", "java.net.SocketTimeoutException: refused"),
        ("KeyError: 'id'", "IndexError: 'id'"),
    ] {
        assert_ne!(title(one), title(other), "{one} | {other}");
    }
}

#[test]
fn failures_of_one_cause_are_grouped() {
    for (one, other) in [
        (r#"relation "orders" does not exist"#, r#"relation "public.customers" does not exist"#),
        ("Table 'shop.orders' doesn't exist", "Table 'crm.x' doesn't exist"),
        ("permission denied for table contacts", "permission denied for table invoice_lines"),
        ("404 of 1,200 items could not be read", "17 of 503 items could not be read"),
        ("retried 429 times", "retried 3 times"),
        ("503 records failed", "12 records failed"),
        ("timed out after 30s", "timed out after 1m30s"),
        ("timed out after 30 seconds", "timed out after 1 second"),
        ("page 18456 failed", "page 2 failed"),
        ("ticket ACME-12 is closed", "ticket OPS-4411 is closed"),
        ("worker-3 died", "worker-12 died"),
        ("at 2026-05-01 10:22:33,123", "at 2026-05-01T10:22:33+02:00"),
        ("on Tue, 15 Nov 2022 08:12:31 GMT", "on Wed, 1 Feb 2023 18:02:01 GMT"),
        ("no host db-1.internal", "no host 10.0.0.7"),
        ("no host [2001:db8::1]:5432", "no host localhost:5432"),
        (r"cannot open C:\data\a.csv", r"cannot open \\server\share\b.csv"),
        ("cannot open /a/b c/D.csv", "cannot open ../x.json:12:3"),
        ("ids 1, 2, 3 failed", "ids 4 failed"),
        ("token eyJhbGciOiJIUzI1NiJ9 expired", "token Zm9vYmFyQmF6UXV4MTIzNDU2 expired"),
        ("alice@example.com is unknown", "bob.x@acme.co.uk is unknown"),
        ("object at 0x7f2b4c0d5e10", "object at 0xffff8a3c1d90"),
        ("first line 7\nsecond line", "first line 8\nanother"),
        ("  spaces\tand 7 tabs ", "spaces and 8 tabs"),
    ] {
        assert_eq!(title(one), title(other), "{one} | {other}");
    }
}

#[test]
fn titles_read_like_the_message() {
    for (message, expected) in [
        (
            "HTTP 429 Too Many Requests: retry after 37 s, gave up after 5 attempts",
            "HTTP 429 Too Many Requests: retry after <duration>, gave up after <number> attempts",
        ),
        (
            "ERROR 1045 (28000): Access denied for user 'crawler'@'10.0.0.17' (using password: YES)",
            "ERROR 1045 (28000): Access denied for user <value>@<value> (using password: YES)",
        ),
        (
            "Run 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f read /var/spool/a.csv from db-1.prod.internal:5432",
            "Run <uuid> read <path> from <host>",
        ),
        ("can't open it, the server doesn't answer", "can't open it, the server doesn't answer"),
        ("x509: certificate has expired", "x509: certificate has expired"),
    ] {
        assert_eq!(title(message), expected);
    }
}

#[test]
fn a_failure_without_a_message_is_known_by_provider_and_phase() {
    for message in ["", " \n\t ", "…", "\u{0}\n--"] {
        assert_eq!(Fingerprint::of_message(message), None, "{message:?}");
    }
    let of = |provider, phase| Fingerprint::without_message(provider, phase);
    assert_eq!(
        of(Some("hubspot"), Phase::Executing).title,
        "No message: hubspot failed while executing"
    );
    assert_eq!(of(None, Phase::Queued), of(Some(" "), Phase::Queued));
    let different = [
        of(Some("hubspot"), Phase::Executing),
        of(Some("hubspot"), Phase::Submitting),
        of(Some("mysql"), Phase::Executing),
        of(None, Phase::Executing),
    ];
    assert_eq!(different.iter().map(|group| group.id).collect::<HashSet<_>>().len(), 4);
}

/// The id is stored, so it must never change for a title.
#[test]
fn ids_are_the_same_everywhere() {
    let group = Fingerprint::of_message("HTTP 503 Service Unavailable").unwrap();
    assert_eq!(group.title, "HTTP 503 Service Unavailable");
    assert_eq!(group.id.to_string(), "029ccd6d-4d11-83e4-897e-c0337c699571");
    assert_eq!(group.id.get_version_num(), 8);
}

#[test]
fn a_long_message_is_read_no_further_than_needed() {
    let long = "a1 \"b' 0x1:2::3/4 <".repeat(60_000);
    for message in
        [long.clone(), format!("Traceback (most recent call last):\n{long}\nKeyError: 'x'")]
    {
        assert!(title(&message).chars().count() <= TITLE_LENGTH);
    }
    let cut = title(&("word ".repeat(100) + "7"));
    assert_eq!((cut.chars().count(), cut.ends_with('…')), (TITLE_LENGTH, true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_title_is_its_own_title(
        message in prop_oneof![
            any::<String>(),
            r#"([a-zA-Z0-9'"<>:/.\\\-_ =(),\[\]{}@%#\n]|HTTP|404|error|code|<uuid>|<value>| at |Z){0,120}"#,
        ]
    ) {
        if let Some(group) = Fingerprint::of_message(&message) {
            prop_assert!(group.title.chars().count() <= TITLE_LENGTH);
            prop_assert!(!group.title.contains('\n'));
            prop_assert_eq!(Fingerprint::of_message(&group.title), Some(group));
        }
    }
}
