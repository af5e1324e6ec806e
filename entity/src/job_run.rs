//! Job runs: attempts at a job, each by one agent.

use async_graphql::SimpleObject;
use sea_orm::entity::prelude::*;

use crate::{JobState, Long, Millis, ProcessingState, Timestamp};

#[derive(Clone, Debug, Default, PartialEq, DeriveEntityModel, SimpleObject)]
#[sea_orm(table_name = "job_run")]
#[graphql(name = "JobRunColumns")]
pub struct Model {
    /// The run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The job it is an attempt at.
    pub job_id: Uuid,
    /// The agent that took it.
    pub agent_id: Uuid,
    /// The key of that agent. Sensitive: in the source platform agents sign in with it.
    // APIs show it by a resolver of their own, to each principal as much as it may see.
    #[graphql(skip)]
    pub agent_key: String,
    /// When anything about the run last changed: its heartbeat. Null if it was never reported.
    pub update_date: Option<Timestamp>,
    /// Whether the agent phase succeeded. Null until it has finished.
    pub agent_result_is_success: Option<bool>,
    /// Whether someone has asked to cancel it.
    pub agent_result_is_cancellation_requested: bool,
    /// The agent's last word: an error, or a summary. Null if it said nothing.
    pub agent_result_message: Option<String>,
    /// Where the agent phase stands.
    pub agent_state: JobState,
    /// When the run was queued for an agent. Null when not known.
    pub agent_queued_date: Option<Timestamp>,
    /// When the agent began. Null until then.
    pub agent_start_time: Option<Timestamp>,
    /// When the agent ended. Null until then.
    pub agent_end_time: Option<Timestamp>,
    /// How long the run waited for the agent, in milliseconds. Null when not known.
    pub agent_elapsed_queued_time: Option<Millis>,
    /// How long the agent has worked, in milliseconds. Null when not known yet.
    pub agent_elapsed_execution_time: Option<Millis>,
    /// How far the agent is by its own account, from 0 to 100. Null when it cannot say.
    pub agent_percent_completed: Option<f64>,
    /// When the agent last submitted clues. Null if it has not yet.
    pub agent_last_submitted_date: Option<Timestamp>,
    /// How many tasks the agent expects in all. Null when it cannot say.
    pub agent_expected_tasks_count: Option<Long>,
    /// How many tasks the agent has found so far: units of its crawl, such as a folder or a page
    /// of results. Null when not known yet.
    pub agent_tasks_count: Option<Long>,
    /// Of the agent's tasks, those that wait. Null when not known yet.
    pub agent_tasks_queued_count: Option<Long>,
    /// Of the agent's tasks, those that are done. Null when not known yet.
    pub agent_tasks_completed_count: Option<Long>,
    /// Of the agent's tasks, those that failed. Null when not known yet.
    pub agent_tasks_failed_count: Option<Long>,
    /// How many clues the agent has found so far: records to submit. Null when not known yet.
    pub agent_clues_count: Option<Long>,
    /// Of the clues, those that wait to be submitted. Null when not known yet.
    pub agent_clues_queued_count: Option<Long>,
    /// Of the clues, those that were submitted. Null when not known yet.
    pub agent_clues_completed_count: Option<Long>,
    /// Of the clues, those that could not be submitted. Null when not known yet.
    pub agent_clues_failed_count: Option<Long>,
    /// Where the processing phase stands. Null before anything was submitted.
    pub processing_state: Option<ProcessingState>,
    /// When the first submitted clue was queued for processing. Null until then.
    pub processing_queued_date: Option<Timestamp>,
    /// When processing began. Null until then.
    pub processing_start_time: Option<Timestamp>,
    /// When processing ended. Null until then.
    pub processing_end_time: Option<Timestamp>,
    /// How many tasks processing has: one for each submitted clue. Null when not known yet.
    pub processing_tasks_count: Option<Long>,
    /// Of the processing tasks, those that wait. Null when not known yet.
    pub processing_tasks_queued_count: Option<Long>,
    /// Of the processing tasks, those that are done. Null when not known yet.
    pub processing_tasks_completed_count: Option<Long>,
    /// Of the processing tasks, those that failed. Null when not known yet.
    pub processing_tasks_failed_count: Option<Long>,
    /// Of the processing tasks, those that were skipped. Null when not known yet.
    pub processing_tasks_skipped_count: Option<Long>,
    /// How often a processing task was tried again. Null when not known yet.
    pub processing_task_retries_count: Option<Long>,
    /// Processing tasks that changed nothing, since the record existed already. Null when not
    /// known yet.
    pub processing_tasks_already_exists_count: Option<Long>,
    /// Processing tasks that changed nothing, since the record was up to date. Null when not
    /// known yet.
    pub processing_tasks_already_up_to_date_count: Option<Long>,
    /// Processing tasks that changed nothing, since a rule ignores the record. Null when not
    /// known yet.
    pub processing_tasks_ignored_count: Option<Long>,
    /// How many payloads processing has received. Null when not known yet.
    pub processing_tasks_received_payloads_count: Option<Long>,
    /// How many clues processing has received. Null when not known yet.
    pub processing_tasks_received_clues_count: Option<Long>,
    /// How many log lines processing has received. Null when not known yet.
    pub processing_tasks_received_log_lines_count: Option<Long>,
    /// When the processing half of the run last changed. Null if it never did.
    pub processing_updated_date: Option<Timestamp>,
    /// The token that the agent sends with each report, so that those of others are rejected. Null
    /// for a run that began elsewhere.
    #[graphql(skip)]
    pub attempt_token: Option<Uuid>,
    /// The number of the agent's newest report.
    #[graphql(skip)]
    pub agent_sequence: Option<Long>,
    /// The number of the pipeline's newest report.
    #[graphql(skip)]
    pub processing_sequence: Option<Long>,
    /// When the agent itself last reported: its lease counts from here. Unlike the update date,
    /// the pipeline's reports leave it alone.
    #[graphql(skip)]
    pub agent_report_date: Option<Timestamp>,
    /// When cancellation was asked for.
    #[graphql(skip)]
    pub cancellation_requested_date: Option<Timestamp>,
    /// The failure group, of a failed run.
    #[graphql(skip)]
    pub failure_group_id: Option<Uuid>,
    /// The version of the fingerprint that grouped it.
    #[graphql(skip)]
    pub failure_group_version: Option<i32>,
}

crate::table::table!("job_run", internal: [
    "attempt_token",
    "agent_sequence",
    "processing_sequence",
    "agent_report_date",
    "cancellation_requested_date",
    "failure_group_id",
    "failure_group_version",
]);

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use crate::{Kind, Table};

    /// The source document's column list, letter by letter.
    const PLATFORM: &str = "Id JobId AgentId AgentKey UpdateDate AgentResultIsSuccess \
        AgentResultIsCancellationRequested AgentResultMessage AgentState AgentQueuedDate \
        AgentStartTime AgentEndTime AgentElapsedQueuedTime AgentElapsedExecutionTime \
        AgentPercentCompleted AgentLastSubmittedDate AgentExpectedTasksCount AgentTasksCount \
        AgentTasksQueuedCount AgentTasksCompletedCount AgentTasksFailedCount AgentCluesCount \
        AgentCluesQueuedCount AgentCluesCompletedCount AgentCluesFailedCount ProcessingState \
        ProcessingQueuedDate ProcessingStartTime ProcessingEndTime ProcessingTasksCount \
        ProcessingTasksQueuedCount ProcessingTasksCompletedCount ProcessingTasksFailedCount \
        ProcessingTasksSkippedCount ProcessingTaskRetriesCount ProcessingTasksAlreadyExistsCount \
        ProcessingTasksAlreadyUpToDateCount ProcessingTasksIgnoredCount \
        ProcessingTasksReceivedPayloadsCount ProcessingTasksReceivedCluesCount \
        ProcessingTasksReceivedLogLinesCount ProcessingUpdatedDate";

    #[test]
    fn has_the_42_columns_of_the_platform_by_name() {
        let fields: Vec<_> = super::Entity::public().collect();
        let names: Vec<_> = fields.iter().map(|field| field.external_name.as_str()).collect();
        assert_eq!(names, PLATFORM.split_whitespace().collect::<Vec<_>>());
        assert_eq!(names.len(), 42);

        let required: Vec<_> =
            fields.iter().filter(|field| !field.nullable).map(|field| field.name).collect();
        assert_eq!(
            required,
            [
                "id",
                "job_id",
                "agent_id",
                "agent_key",
                "agent_result_is_cancellation_requested",
                "agent_state"
            ]
        );
        let of_kind = |kind| fields.iter().filter(|field| field.kind == kind).count();
        assert_eq!(
            (of_kind(Kind::Count), of_kind(Kind::Duration), of_kind(Kind::Timestamp)),
            (21, 2, 9)
        );
        assert_eq!((of_kind(Kind::JobState), of_kind(Kind::ProcessingState)), (1, 1));
    }

    #[test]
    fn every_spelling_means_the_same_column() {
        for field in super::Entity::fields() {
            for spelling in [field.name, &field.graphql, &field.external_name] {
                assert_eq!(crate::snake_case(spelling), field.name);
            }
        }
    }
}
