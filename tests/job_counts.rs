//! `jobCounts`: right for every writer and every kind of write.

use agent_jobs::jobs::counts;
use entity::job;
use uuid::Uuid;

use crate::support::{
    ForeignWriter, Kind, Numbers, TestDatabase, assert_right, counts_of, id, job,
    on_both_databases, start_counting,
};

on_both_databases! {
    async fn follow_every_kind_of_change(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start_counting(&database).await;
        for (n, (configuration, state)) in [
            (Some(a), "Queued"), (Some(a), "Queued"), (Some(b), "Executing"), (None, "Failed"),
            (None, "Queued"),
        ].into_iter().enumerate() {
            writer.insert_job(id(u32::try_from(n).unwrap()), configuration, state).await;
        }
        // In the order of the states: unknown, queued, executing, ...
        assert_eq!(counts_of(&server, None).await, [0, 3, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(counts_of(&server, Some(a)).await, [0, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(counts_of(&server, Some(b)).await, [0, 0, 1, 0, 0, 0, 0, 0, 0]);

        let [one, four, a_, b_] = [id(0), id(4), a, b].map(|id| writer.uuid(id));
        for change in [
            // One state, another one for several rows, and states that are the same as before.
            format!("UPDATE job SET state = 'Executing' WHERE id = {one}"),
            "UPDATE job SET state = 'Completed' WHERE state = 'Executing'".to_owned(),
            "UPDATE job SET state = state, name = 'x'".to_owned(),
            // From one configuration to another, from none and to none; with the state and alone.
            format!("UPDATE job SET configuration_id = {b_} WHERE id = {one}"),
            format!("UPDATE job SET configuration_id = {a_}, state = 'Cancelling' WHERE id = {four}"),
            format!("UPDATE job SET configuration_id = NULL WHERE configuration_id = {b_}"),
            format!("UPDATE job SET configuration_id = {b_}, state = 'Submitting'"),
            format!("DELETE FROM job WHERE id = {one}"),
            "DELETE FROM job".to_owned(),
        ] {
            assert_ne!(writer.execute(&change).await, 0, "{change}");
            assert_right(&server, &mut writer, &[a, b]).await;
        }
        assert_eq!(counts_of(&server, None).await, Numbers::default());
    }

    async fn follow_rows_that_are_replaced(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start_counting(&database).await;
        for (configuration, state) in
            [(Some(a), "Queued"), (Some(a), "Queued"), (Some(b), "Failed"), (None, "Failed"), (Some(a), "Failed")]
        {
            writer.replace_job(id(1), configuration, state).await;
            assert_right(&server, &mut writer, &[a, b]).await;
            assert_eq!(counts_of(&server, None).await.iter().sum::<i64>(), 1);
        }
    }

    async fn take_back_what_is_rolled_back(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start_counting(&database).await;
        writer.insert_job(id(1), Some(a), "Queued").await;
        writer.execute("BEGIN").await;
        writer.insert_job(id(2), Some(b), "Queued").await;
        writer.execute("UPDATE job SET state = 'Failed'").await;
        assert_eq!(counts_of(&server, None).await, [0, 1, 0, 0, 0, 0, 0, 0, 0], "not committed");
        writer.execute("ROLLBACK").await;
        assert_eq!(counts_of(&server, None).await, [0, 1, 0, 0, 0, 0, 0, 0, 0]);

        writer.execute("BEGIN").await;
        writer.execute("UPDATE job SET state = 'Executing'").await;
        writer.execute("SAVEPOINT before").await;
        writer.execute("DELETE FROM job").await;
        writer.execute("ROLLBACK TO SAVEPOINT before").await;
        writer.execute("COMMIT").await;
        assert_eq!(counts_of(&server, None).await, [0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_right(&server, &mut writer, &[a, b]).await;
    }

    async fn a_state_that_nobody_knows_counts_as_unknown(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start_counting(&database).await;
        for (n, state) in ["Paused", "Paused", "", "QUEUED", "Unknown", "Queued", "it''s"].into_iter().enumerate() {
            writer.insert_job(id(u32::try_from(n).unwrap()), Some(a), state).await;
        }
        assert_eq!(counts_of(&server, None).await, [6, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(counts_of(&server, Some(a)).await, [6, 1, 0, 0, 0, 0, 0, 0, 0]);
        writer.execute("UPDATE job SET state = 'Completed' WHERE state = 'Paused'").await;
        assert_right(&server, &mut writer, &[a, b]).await;
        assert_eq!(counts_of(&server, None).await[0], 4);
    }

    async fn a_count_is_the_length_of_the_list(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start_counting(&database).await;
        for (n, state) in ["Paused", "Queued", "Executing", "ExecutionCompleted", "Cancelling",
            "Submitting", "Completed", "Cancelled", "Failed"].into_iter().enumerate() {
            let n = u32::try_from(n).unwrap();
            for copy in 0..=n {
                let configuration = [Some(a), Some(b), None][copy as usize % 3];
                writer.insert_job(id(100 * n + copy), configuration, state).await;
            }
        }
        // Also with a state that has only just come up, and one that is gone again.
        writer.execute("UPDATE job SET state = 'Resting' WHERE state = 'Paused'").await;
        for configuration in [None, Some(a), Some(b)] {
            let numbers = counts_of(&server, configuration).await;
            let of = configuration.map_or(String::new(), |id| format!(", configurationId: \"{id}\""));
            for (state, n) in ["UNKNOWN", "QUEUED", "EXECUTING", "EXECUTION_COMPLETED", "CANCELLING",
                "SUBMITTING", "COMPLETED", "CANCELLED", "FAILED"].into_iter().zip(numbers)
            {
                let page = server.jobs(&format!("state: {state}, take: 200{of}")).await;
                assert_eq!(page["totalCount"], n, "{state}{of}");
                assert_eq!(page["items"].as_array().unwrap().len(), usize::try_from(n).unwrap());
            }
        }
    }

    async fn a_configuration_without_jobs_has_none(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start_counting(&database).await;
        writer.insert_job(id(1), Some(b), "Failed").await;
        assert_eq!(counts_of(&server, Some(a)).await, Numbers::default());
        // A configuration that does not exist has no jobs either.
        for id in [id(7), Uuid::nil(), Uuid::max()] {
            assert_eq!(counts_of(&server, Some(id)).await, Numbers::default());
        }
    }

    /// Platforms export the nil UUID where they have no configuration.
    async fn the_nil_configuration_is_one_as_any_other(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start_counting(&database).await;
        writer.insert_configuration(Uuid::nil()).await;
        writer.insert_job(id(1), Some(Uuid::nil()), "Failed").await;
        writer.insert_job(id(2), Some(a), "Failed").await;
        assert_right(&server, &mut writer, &[a, b, Uuid::nil()]).await;
        writer.execute("UPDATE job SET state = 'Queued'").await;
        counts::fold(server.db()).await.expect("folding");
        assert_right(&server, &mut writer, &[a, b, Uuid::nil()]).await;
        writer.execute("DELETE FROM job").await;
        assert_right(&server, &mut writer, &[a, b, Uuid::nil()]).await;
    }

    async fn hold_with_many_writers_at_once(database: TestDatabase) {
        let (server, mut writer, [a, b]) = start_counting(&database).await;
        let jobs: Vec<_> = (0..20)
            .map(|n| job::Model { configuration_id: [Some(a), Some(b), None][n as usize % 3], ..job(n) })
            .collect();
        server.insert::<job::Entity>(&jobs).await;
        let mut writers = Vec::new();
        for n in 0..8_u32 {
            let mut writer = ForeignWriter::connect(&database).await;
            let db = server.db().clone();
            writers.push(tokio::spawn(async move {
                for step in 0..12 {
                    // All of them want the same jobs, in different orders.
                    let job = writer.uuid(id((step * (n + 1) + n) % 20));
                    let state = ["Queued", "Executing", "Failed", "Paused"][((step + n) % 4) as usize];
                    writer.execute(&format!("UPDATE job SET state = '{state}' WHERE id = {job}")).await;
                    writer.insert_job(id(1000 * (n + 1) + step), None, state).await;
                    if n == 0 {
                        counts::fold(&db).await.expect("folding");
                    }
                }
            }));
        }
        for writer in writers {
            writer.await.expect("a writer");
        }
        assert_right(&server, &mut writer, &[a, b]).await;
        assert_eq!(counts_of(&server, None).await.iter().sum::<i64>(), 20 + 8 * 12);
    }
}

#[tokio::test]
async fn a_truncated_table_counts_nothing() {
    let database = TestDatabase::create(Kind::Postgres).await;
    let (server, mut writer, [a, b]) = start_counting(&database).await;
    for truncate in ["TRUNCATE job CASCADE", "TRUNCATE configuration CASCADE"] {
        writer
            .execute("INSERT INTO configuration (id, created_date) SELECT gen_random_uuid(), now()")
            .await;
        writer.insert_job(id(1), None, "Queued").await;
        counts::fold(server.db()).await.expect("folding");
        writer.insert_job(id(2), None, "Failed").await;
        writer.execute(truncate).await;
        assert_eq!(counts_of(&server, None).await, Numbers::default(), "{truncate}");
        writer.insert_job(id(3), None, "Failed").await;
        assert_right(&server, &mut writer, &[a, b]).await;
    }
}
