//! How many statements a request costs: one for each relation and level, however many rows. A
//! list's current runs come with its jobs.

use agent_jobs::samples::fill;
use entity::Timestamp;
use serde_json::json;
use synth::{History, Shape};

use crate::support::{TestServer, on_both_databases};

on_both_databases! {
    async fn one_statement_for_each_relation_and_level(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        let shape = Shape { jobs: 1_500, days: 2, ..Shape::default() };
        let now = Timestamp::from_micros(1_780_000_000_000_000).expect("a moment");
        fill(server.db().writer(), &mut History::new(shape, now), usize::MAX).await.expect("filling");

        for (query, expected) in [
            ("{ jobCounts { total executing byState { count } } }", 1),
            ("{ jobs { items { id name } totalCount pageCount hasNextPage } }", 1),
            ("{ jobs(page: 25, take: 50) { items { id } totalCount } }", 1),
            ("{ jobs(filter: { states: [FAILED, CANCELLED] }) { items { id } totalCount } }", 1),
            ("{ jobs(filter: { search: \"a\" }) { items { id } hasNextPage } }", 1),
            ("{ jobs(filter: { search: \"a\" }) { items { id } totalCount } }", 2),
            ("{ jobs(take: 50) { items { id currentRun { id agentState agent { name } }
                configuration { name } } totalCount } }", 3),
            ("{ jobs(page: 24, take: 50) { items { id currentRun { id agentState agent { name } }
                configuration { name } } totalCount } }", 3),
            ("{ jobsConnection(first: 50) { edges { node { runs { id } configuration { name } } } } }", 3),
            ("{ executingJobs { name currentRun { agentPercentCompleted } } }", 1),
            ("{ configurations { items { name counts { total } jobs { name } } } }", 3),
            ("{ configurations { items { jobs { name currentRun { agent { name } } } } } }", 4),
            ("{ agents { items { name runs(take: 3) { id job { name configuration { name } } } } } }", 4),
            // Other arguments make another list, so another statement.
            ("{ configurations { items { a: jobs(take: 1) { name } b: jobs(take: 2) { name } } } }", 3),
        ] {
            // Folding the counters is maintenance, not a part of any request; here it does not run. The
            // change feed may still read what was filled in, so the least of three is the request's.
            let mut least = u64::MAX;
            for _ in 0..3 {
                let before = server.db().statements();
                server.query(query, json!({})).await;
                least = least.min(server.db().statements() - before);
                if least <= expected {
                    break;
                }
            }
            assert_eq!(least, expected, "{query}");
        }
    }
}
