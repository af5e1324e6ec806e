import type { FullRun } from '../data/types';

/** The run's 42 fields, in groups, under the API's names. */
export const groups: readonly (readonly [string, readonly (keyof FullRun)[]])[] = [
  ['Run', ['id', 'jobId', 'agentId', 'agentKey', 'updateDate']],
  [
    'Agent: result and state',
    [
      'agentResultIsSuccess',
      'agentResultIsCancellationRequested',
      'agentResultMessage',
      'agentState',
      'agentPercentCompleted',
    ],
  ],
  [
    'Agent: times',
    [
      'agentQueuedDate',
      'agentStartTime',
      'agentEndTime',
      'agentElapsedQueuedTime',
      'agentElapsedExecutionTime',
      'agentLastSubmittedDate',
    ],
  ],
  [
    'Agent: tasks and clues',
    [
      'agentExpectedTasksCount',
      'agentTasksCount',
      'agentTasksQueuedCount',
      'agentTasksCompletedCount',
      'agentTasksFailedCount',
      'agentCluesCount',
      'agentCluesQueuedCount',
      'agentCluesCompletedCount',
      'agentCluesFailedCount',
    ],
  ],
  [
    'Processing: state and times',
    [
      'processingState',
      'processingQueuedDate',
      'processingStartTime',
      'processingEndTime',
      'processingUpdatedDate',
    ],
  ],
  [
    'Processing: tasks',
    [
      'processingTasksCount',
      'processingTasksQueuedCount',
      'processingTasksCompletedCount',
      'processingTasksFailedCount',
      'processingTasksSkippedCount',
      'processingTaskRetriesCount',
      'processingTasksAlreadyExistsCount',
      'processingTasksAlreadyUpToDateCount',
      'processingTasksIgnoredCount',
      'processingTasksReceivedPayloadsCount',
      'processingTasksReceivedCluesCount',
      'processingTasksReceivedLogLinesCount',
    ],
  ],
];

/** A field as text, to show and to copy; undefined for null. */
export function rawText(value: FullRun[keyof FullRun]): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}
