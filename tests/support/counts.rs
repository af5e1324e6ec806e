//! Comparing the counts with the jobs.

use entity::{JobState, configuration};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ForeignWriter, TestDatabase, TestServer, configuration};

/// A number for each state, in the order of `JobState::ALL`.
pub type Numbers = [i64; 9];

const QUERY: &str = "query($id: UUID) { jobCounts(configurationId: $id) {
    unknown queued executing executionCompleted cancelling submitting completed cancelled failed
    total byState { state count } } }";

/// The server's counts, which must agree with each other.
pub async fn counts_of(server: &TestServer, configuration: Option<Uuid>) -> Numbers {
    let counts = server.query(QUERY, json!({ "id": configuration })).await["jobCounts"].take();
    let number = |value: &Value| value.as_i64().expect("a number");
    let fields = [
        "unknown",
        "queued",
        "executing",
        "executionCompleted",
        "cancelling",
        "submitting",
        "completed",
        "cancelled",
        "failed",
    ];
    let numbers = fields.map(|field| number(&counts[field]));
    let by_state = counts["byState"].as_array().expect("a list");
    let states: Vec<_> = by_state.iter().map(|entry| entry["state"].as_str().unwrap()).collect();
    assert_eq!(
        states,
        [
            "UNKNOWN",
            "QUEUED",
            "EXECUTING",
            "EXECUTION_COMPLETED",
            "CANCELLING",
            "SUBMITTING",
            "COMPLETED",
            "CANCELLED",
            "FAILED"
        ]
    );
    let listed: Vec<_> = by_state.iter().map(|entry| number(&entry["count"])).collect();
    assert_eq!(listed, numbers);
    assert_eq!(number(&counts["total"]), numbers.iter().sum::<i64>());
    numbers
}

/// The numbers of jobs that a `GROUP BY` finds.
async fn recount(writer: &mut ForeignWriter, configuration: Option<Uuid>) -> Numbers {
    let condition = configuration
        .map_or("true".to_owned(), |id| format!("configuration_id = {}", writer.uuid(id)));
    let mut numbers = Numbers::default();
    for (state, n) in writer.count_jobs(&condition).await {
        let state = JobState::from_name(&state);
        numbers[JobState::ALL.iter().position(|each| *each == state).unwrap()] += n;
    }
    numbers
}

/// That all counts are those of a recount.
pub async fn assert_right(
    server: &TestServer,
    writer: &mut ForeignWriter,
    configurations: &[Uuid],
) {
    for configuration in [None].into_iter().chain(configurations.iter().copied().map(Some)) {
        let expected = recount(writer, configuration).await;
        assert_eq!(counts_of(server, configuration).await, expected, "{configuration:?}");
    }
}

/// A server over two configurations, and another program beside it.
pub async fn start_counting(database: &TestDatabase) -> (TestServer, ForeignWriter, [Uuid; 2]) {
    let server = TestServer::start(database).await;
    let configurations = [configuration(901, Some("A")), configuration(902, None)];
    server.insert::<configuration::Entity>(&configurations).await;
    (server, ForeignWriter::connect(database).await, configurations.map(|row| row.id))
}
