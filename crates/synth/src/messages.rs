//! An agent's last words.

use rand::Rng;

use super::providers::{Family, Provider};
use super::random::Draw;
use super::work::Work;

/// When in a run something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onset {
    /// Before it has done anything.
    AtOnce,
    /// In the middle of its work.
    Midway,
    /// Never: it stops making progress, and is ended for it.
    Stalled,
}

/// Why a run of this provider failed: one line, or an error with its causes or its stack.
pub fn failure_message(provider: &Provider, onset: Onset, rng: &mut impl Rng) -> String {
    let host =
        format!("{}-{:02}.internal", provider.kind.replace('_', "-"), rng.random_range(1..20));
    let number = rng.random_range(2..900);
    let message = match (onset, provider.family) {
        (Onset::Stalled, _) => rng.pick(STALLED),
        (Onset::AtOnce, Family::Database) => rng.pick(DATABASE_AT_ONCE),
        (Onset::AtOnce, Family::Storage) => rng.pick(STORAGE_AT_ONCE),
        (Onset::AtOnce, _) => rng.pick(SERVICE_AT_ONCE),
        _ if rng.chance(0.12) => rng.pick(AGENT),
        (Onset::Midway, Family::Service) => rng.pick(SERVICE),
        (Onset::Midway, Family::Documents) => rng.pick(DOCUMENTS),
        (Onset::Midway, Family::Database) => rng.pick(DATABASE),
        (Onset::Midway, Family::Storage) => rng.pick(STORAGE),
    };
    let component = rng.pick(provider.components);
    message
        .replace("{label}", provider.label)
        .replace("{component}", component)
        .replace("{host}", &host)
        .replace("{number}", &number.to_string())
}

/// Who or what cancelled a run; agents often do not say.
pub fn cancellation_message(rng: &mut impl Rng) -> Option<String> {
    rng.chance(0.6).then(|| rng.pick(CANCELLED).to_string())
}

/// What an agent sums up at the end of a run that did all its work; most say nothing.
pub fn success_message(work: &Work, rng: &mut impl Rng) -> Option<String> {
    let (tasks, clues) = (work.tasks, work.clues_found(1.0));
    let failed = work.tasks_failed(tasks);
    match rng.random_range(0..10) {
        _ if clues == 0 => Some("Nothing has changed since the last crawl".to_owned()),
        0..6 if failed > 0 => Some(format!("{failed} of {tasks} tasks failed and were skipped")),
        0 => Some(format!("Found {clues} clues in {tasks} tasks")),
        1 => Some(format!("Done: {tasks} tasks, {clues} records")),
        2 => Some("Finished without errors".to_owned()),
        _ => None,
    }
}

const STALLED: &[&str] = &[
    "No progress for 10 minutes",
    "No progress for 10 minutes\n  last task: {component}, page {number}\n  waiting for: response \
     from {host}",
];

const AGENT: &[&str] = &[
    "No space left on device: could not write spool file {number}.part",
    "Out of memory: the agent used more than 4096 MiB and was restarted",
    "The agent was shut down while the run was in progress",
    "System.AggregateException: One or more errors occurred.\n ---> System.TimeoutException: \
     The operation has timed out after 00:01:40.\n   at Crawling.Http.Client.SendAsync(Request \
     request) in Client.cs:line {number}\n   at Crawling.Pipeline.Run(CancellationToken stop)",
];

const SERVICE_AT_ONCE: &[&str] = &[
    "HTTP 401 Unauthorized: the OAuth access token has expired and could not be refreshed \
     (invalid_grant)",
    "HTTP 403 Forbidden: the app lacks a scope that {component} need",
    "The TLS certificate of {host} has expired",
    "Could not resolve host {host}: name or service not known",
    "OAuth refresh token was revoked by an administrator; connect {label} again",
];

const SERVICE: &[&str] = &[
    "HTTP 429 Too Many Requests: {label} rate limit reached, retry after {number} s, \
     gave up after 5 attempts",
    "HTTP 503 Service Unavailable from {host} on page {number} of {component}",
    "Unexpected end of JSON input in the answer for {component}, page {number}",
    "Connection reset by peer while reading {component} from {host}",
    "Daily API quota of {label} is used up",
    "requests.exceptions.HTTPError: 502 Server Error: Bad Gateway\nTraceback (most recent call \
     last):\n  File \"crawl.py\", line {number}, in fetch_page\n    response.raise_for_status()\n  \
     File \"requests/models.py\", line 1021, in raise_for_status",
];

const DOCUMENTS: &[&str] = &[
    "Permission denied on library \"Board minutes\": the account cannot list its items",
    "HTTP 429 Too Many Requests: {label} throttles this account, retry after {number} s",
    "The item was moved while it was read; its delta token is no longer valid",
    "Could not extract text: attachment is larger than 250 MB",
    "java.io.IOException: Premature EOF\n\tat sun.net.www.http.ChunkedInputStream.readAhead\
     (ChunkedInputStream.java:{number})\n\tat com.crawler.documents.Download.copy\
     (Download.java:88)\nCaused by: java.net.SocketException: Connection reset",
];

const DATABASE_AT_ONCE: &[&str] = &[
    "Connection refused: {host}, is the server running?",
    "Access denied for user 'crawler'@'{host}' (using password: YES)",
    "The TLS certificate of {host} has expired",
    "Too many connections: {host} has {number} of them open",
    "permission denied for table {component}",
];

const DATABASE: &[&str] = &[
    "Deadlock found when reading {component}; gave up after 3 attempts",
    "Lost connection to {host} during query, after {number} s",
    "canceling statement due to statement timeout\n  statement: SELECT * FROM {component} WHERE \
     changed_at > $1 ORDER BY id LIMIT 5000\n  elapsed: {number} s",
    "Snapshot too old: the export of {component} took longer than the server keeps versions",
    "Could not read row {number} of {component}: invalid byte sequence for \
     encoding \"UTF8\": 0xe4",
];

const STORAGE_AT_ONCE: &[&str] = &[
    "AccessDenied: the role may not list the bucket of {component}",
    "The security token included in the request has expired",
    "The bucket is in another region than the one that is configured",
];

const STORAGE: &[&str] = &[
    "SlowDown: reduce your request rate, gave up after {number} s",
    "Checksum of an object in {component} does not match, it may have been overwritten",
    "Connection reset by peer while reading {component}, part {number}",
    "RequestTimeTooSkewed: the agent's clock is {number} s off",
];

const CANCELLED: &[&str] = &[
    "Cancelled by a user",
    "Cancelled: superseded by a newer job",
    "Cancelled for maintenance of the source",
    "Cancelled before the end of the maintenance window",
];
