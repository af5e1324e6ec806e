//! What jobs copy from their current runs, whatever writes the tables and in whichever order.

use proptest::prelude::*;

use crate::support::{ForeignWriter, id, on_both_databases, property};

const FINISHED: &str = "('Completed', 'Cancelled', 'Failed')";

/// The jobs whose copies are not what their runs say.
fn is_wrong(writer: &ForeignWriter) -> String {
    let spent = match writer {
        ForeignWriter::Sqlite(_) => "(r.agent_end_time - r.agent_start_time) / 1000",
        ForeignWriter::Postgres(_) => {
            "CAST(extract(epoch FROM r.agent_end_time - r.agent_start_time) * 1000 AS bigint)"
        }
    };
    format!(
        "NOT EXISTS (SELECT 1 FROM (SELECT 1) AS one LEFT JOIN job_run AS r \
         ON r.id = job.current_run_id \
         WHERE job.agent_id IS NOT DISTINCT FROM r.agent_id \
         AND job.started_date IS NOT DISTINCT FROM r.agent_start_time \
         AND job.finished_date IS NOT DISTINCT FROM CASE WHEN job.state IN {FINISHED} \
           THEN coalesce(r.agent_end_time, job.update_date) END \
         AND job.duration IS NOT DISTINCT FROM CASE WHEN job.state IN {FINISHED} \
           THEN coalesce(r.agent_elapsed_execution_time, {spent}) END \
         AND job.clues_missing = coalesce(r.processing_state IN ('Completed', 'Failed') \
           AND r.processing_tasks_received_clues_count < r.agent_clues_completed_count, false))"
    )
}

/// What a writer does to one of three jobs or of its three runs, with small numbers as values.
type Write = (u32, u32, u32, i64, i64);

fn statement(writer: &ForeignWriter, (what, job, run, a, b): Write) -> String {
    let states = ["Queued", "Executing", "Completed", "Cancelled", "Failed"];
    let state = states[usize::try_from(a).unwrap() % states.len()];
    let finished = states[2 + usize::try_from(a).unwrap() % 3];
    let processing =
        ["Queued", "Executing", "Completed", "Failed"][usize::try_from(b).unwrap() % 4];
    let job_id = writer.uuid(id(1 + job));
    let run_id = writer.uuid(id(10 + 10 * job + run));
    let agent = writer.uuid(id(90 + u32::try_from(a).unwrap() % 2));
    let (at_a, at_b) = (writer.second(a), writer.second(a + b));
    let current = if b % 3 == 0 { "NULL".to_owned() } else { run_id.clone() };
    match what {
        0 | 1 => format!(
            "INSERT INTO job (id, state, created_date, current_run_id) \
             VALUES ({job_id}, '{state}', {at_a}, {current}) \
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, \
             current_run_id = excluded.current_run_id"
        ),
        2 | 3 => format!(
            "INSERT INTO job_run (id, job_id, agent_id, agent_key, agent_state, agent_start_time) \
             SELECT {run_id}, id, {agent}, '', 'Executing', {at_a} FROM job WHERE id = {job_id} \
             ON CONFLICT (id) DO UPDATE SET agent_start_time = excluded.agent_start_time"
        ),
        4 => format!("UPDATE job SET state = '{state}' WHERE id = {job_id}"),
        5 => format!("UPDATE job SET current_run_id = {current} WHERE id = {job_id}"),
        6 => format!("UPDATE job SET update_date = {at_a} WHERE id = {job_id}"),
        7 => format!(
            "UPDATE job_run SET agent_start_time = {at_a}, agent_end_time = {at_b} \
             WHERE id = {run_id}"
        ),
        8 => format!(
            "UPDATE job_run SET agent_state = '{finished}', agent_elapsed_execution_time = {b} \
             WHERE id = {run_id}"
        ),
        9 => format!(
            "UPDATE job_run SET processing_state = '{processing}', agent_clues_completed_count = 5, \
             processing_tasks_received_clues_count = {a} WHERE id = {run_id}"
        ),
        10 => format!("DELETE FROM job_run WHERE id = {run_id}"),
        11 => format!("DELETE FROM job WHERE id = {job_id}"),
        12 => format!(
            "UPDATE job SET started_date = {at_a}, finished_date = NULL, clues_missing = true \
             WHERE id = {job_id}"
        ),
        _ => format!("UPDATE job_run SET agent_id = {agent} WHERE id = {run_id}"),
    }
}

on_both_databases! {
    async fn jobs_have_what_their_current_runs_say(database: TestDatabase) {
        database.open().await.close().await;
        let mut writer = ForeignWriter::connect(&database).await;
        for agent in [90, 91] {
            let (id, now) = (writer.uuid(id(agent)), writer.second(0));
            writer.execute(&format!("INSERT INTO agent (id, created_date) VALUES ({id}, {now})")).await;
        }
        let writer = tokio::sync::Mutex::new(writer);
        let steps = prop::collection::vec((0_u32..14, 0_u32..3, 0_u32..3, 0_i64..10, 0_i64..10), 1..60);
        property(60, &steps, async |steps| {
            let mut writer = writer.lock().await;
            writer.execute("DELETE FROM job").await;
            for write in steps {
                let statement = statement(&writer, write);
                writer.execute(&statement).await;
                let condition = is_wrong(&writer);
                assert_eq!(writer.count_jobs(&condition).await, [], "{statement}");
            }
        });
    }

    async fn no_moment_stops_a_writer(database: TestDatabase) {
        database.open().await.close().await;
        let mut writer = ForeignWriter::connect(&database).await;
        let (agent, now) = (writer.uuid(id(91)), writer.second(0));
        writer.execute(&format!("INSERT INTO agent (id, created_date) VALUES ({agent}, {now})")).await;
        for write in [(0, 0, 0, 1, 1), (2, 0, 0, 1, 1), (4, 0, 0, 2, 0)] {
            let statement = statement(&writer, write);
            writer.execute(&statement).await;
        }
        let (start, end) = match writer {
            ForeignWriter::Sqlite(_) => (i64::MIN.to_string(), i64::MAX.to_string()),
            ForeignWriter::Postgres(_) => ("'-infinity'".to_owned(), "'infinity'".to_owned()),
        };
        let run = writer.uuid(id(10));
        writer.execute(&format!(
            "UPDATE job_run SET agent_state = 'Completed', agent_start_time = {start}, agent_end_time = {end} WHERE id = {run}"
        )).await;
        assert_eq!(writer.count_jobs(&format!("started_date = {start} AND finished_date = {end}")).await.len(), 1);
    }

    async fn progress_does_not_write_the_job(database: TestDatabase) {
        database.open().await.close().await;
        let mut writer = ForeignWriter::connect(&database).await;
        let (agent, now) = (writer.uuid(id(91)), writer.second(0));
        writer.execute(&format!("INSERT INTO agent (id, created_date) VALUES ({agent}, {now})")).await;
        for write in [(0, 0, 0, 1, 1), (2, 0, 0, 1, 1)] {
            let statement = statement(&writer, write);
            writer.execute(&statement).await;
        }
        let run = writer.uuid(id(10));
        // A trigger of the test's own fails if the job is written.
        let refuse = match writer {
            ForeignWriter::Sqlite(_) => "CREATE TRIGGER no_more AFTER UPDATE ON job \
                 BEGIN SELECT raise(ABORT, 'the job was written'); END",
            ForeignWriter::Postgres(_) => "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'the job was written'; END $$;
                 CREATE TRIGGER no_more AFTER UPDATE ON job FOR EACH ROW EXECUTE FUNCTION no_more()",
        };
        for sql in refuse.split_inclusive("END $$;") {
            writer.execute(sql).await;
        }
        for progress in [
            "agent_elapsed_execution_time = 5, agent_clues_completed_count = 7, agent_start_time = agent_start_time",
            "processing_state = 'Executing', processing_tasks_received_clues_count = 3",
            "agent_state = 'ExecutionCompleted', agent_result_message = 'x'",
        ] {
            writer.execute(&format!("UPDATE job_run SET {progress} WHERE id = {run}")).await;
        }
        let end = format!("UPDATE job_run SET agent_start_time = {} WHERE id = {run}", writer.second(9));
        assert!(writer.try_execute(&end).await.is_err());
    }
}
