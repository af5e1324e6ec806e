import type { FullRun } from '../data/types';
import type { Messages } from '../i18n';

/** The run's 42 fields, in groups, under the API's names. */
export const groups: readonly (readonly [
  group: keyof Messages['fields']['groups'],
  readonly (keyof FullRun)[],
])[] = [
  ['run', ['id', 'jobId', 'agentId', 'agentKey', 'updateDate']],
  [
    'agentResult',
    [
      'agentResultIsSuccess',
      'agentResultIsCancellationRequested',
      'agentResultMessage',
      'agentState',
      'agentPercentCompleted',
    ],
  ],
  [
    'agentTimes',
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
    'agentCounts',
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
    'processingTimes',
    [
      'processingState',
      'processingQueuedDate',
      'processingStartTime',
      'processingEndTime',
      'processingUpdatedDate',
    ],
  ],
  [
    'processingCounts',
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

/** The fields of one group. */
export const fieldsOf = (wanted: keyof Messages['fields']['groups']): readonly (keyof FullRun)[] =>
  groups.find(([group]) => group === wanted)?.[1] ?? [];

/** A field as text, to show and to copy; undefined for null. */
export function rawText(value: FullRun[keyof FullRun]): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}
