//! `subscription { jobCounts }`: the counts whenever they change.

use entity::{JobState, configuration, job};
use serde_json::{Value, json};

use crate::support::{
    ForeignWriter, TestServer, Transport, configuration, id, job, on_both_databases,
};

const COUNTS: &str =
    "subscription($of: UUID) { jobCounts(configurationId: $of) { queued executing total } }";

fn counts(queued: i64, executing: i64, total: i64) -> Value {
    json!({ "jobCounts": { "queued": queued, "executing": executing, "total": total } })
}

on_both_databases! {
    async fn shows_each_change(database: TestDatabase) {
        let server = TestServer::start(&database).await;
        server.insert::<configuration::Entity>(&[configuration(101, None)]).await;
        let of = |n| job::Model { configuration_id: Some(id(101)), ..job(n) };
        server.insert::<job::Entity>(&[of(1), of(2), job(3)]).await;
        let mut all = Vec::new();
        for transport in Transport::ALL {
            all.push(server.watch_over(transport, COUNTS, json!({})).await);
        }
        let mut one = server.watch(COUNTS, json!({ "of": id(101) })).await;
        let mut none = server.watch(COUNTS, json!({ "of": id(999) })).await;
        for watch in &mut all {
            assert_eq!(watch.next().await, counts(3, 0, 3));
        }
        assert_eq!(one.next().await, counts(2, 0, 2));
        assert_eq!(none.next().await, counts(0, 0, 0));
        let mut writer = ForeignWriter::connect(&database).await;
        let (first, third) = (writer.uuid(id(1)), writer.uuid(id(3)));
        // Neither a change that does not count nor one elsewhere is shown.
        writer.execute("UPDATE job SET name = 'x'").await;
        for (sql, of_all, of_one) in [
            (format!("UPDATE job SET state = 'Executing' WHERE id = {third}"), counts(2, 1, 3), None),
            (format!("UPDATE job SET state = 'Executing' WHERE id = {first}"), counts(1, 2, 3), Some(counts(1, 1, 2))),
            (format!("DELETE FROM job WHERE id = {first}"), counts(1, 1, 2), Some(counts(1, 0, 1))),
            ("DELETE FROM job".to_owned(), counts(0, 0, 0), Some(counts(0, 0, 0))),
        ] {
            writer.execute(&sql).await;
            for watch in &mut all {
                assert_eq!(watch.next().await, of_all, "{sql}");
            }
            if let Some(of_one) = of_one {
                assert_eq!(one.next().await, of_one, "{sql}");
            }
        }
        server.insert::<configuration::Entity>(&[configuration(999, None)]).await;
        server.insert::<job::Entity>(&[job::Model { state: JobState::Executing, configuration_id: Some(id(999)), ..job(4) }]).await;
        assert_eq!(none.next().await, counts(0, 1, 1));
    }
}
