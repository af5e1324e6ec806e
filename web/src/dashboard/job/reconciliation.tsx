import { errorOf } from '../data/errors';
import type { FullRun } from '../data/types';
import { count, plural } from '../format/number';
import { icons } from '../ui/icons';
import { Count } from '../ui/unavailable';

/** Whether what the agent submitted is what processing received. */
export function Reconciliation({ run, isGoingOn }: { run: FullRun; isGoingOn: boolean }) {
  const submitted = run.agentCluesCompletedCount;
  const received = run.processingTasksReceivedCluesCount;
  // Nothing to compare: nothing was submitted, or nobody counts.
  const error = errorOf(run, 'agentCluesCompletedCount', 'processingTasksReceivedCluesCount');
  if (!submitted && !received && !error) return null;
  const difference = submitted === null || received === null ? null : submitted - received;
  const [tone, Sign, text] = error
    ? (['queued', icons.info, 'they cannot be compared'] as const)
    : difference === null
      ? (['queued', icons.info, 'one of the two does not count them'] as const)
      : difference === 0
        ? (['completed', icons.check, 'all of them arrived'] as const)
        : difference > 0 && isGoingOn
          ? (['executing', icons.info, `${plural(difference, 'clue')} on the way`] as const)
          : difference > 0
            ? (['failed', icons.warning, `${plural(difference, 'clue')} never arrived`] as const)
            : ([
                'cancelling',
                icons.warning,
                `${count(-difference)} more than the agent says it submitted`,
              ] as const);
  return (
    <p className={`reconciliation tone-${tone}`}>
      <Sign />
      <span>
        <b>
          <Count of={run} field="agentCluesCompletedCount" />
        </b>{' '}
        clues submitted by the agent,{' '}
        <b>
          <Count of={run} field="processingTasksReceivedCluesCount" />
        </b>{' '}
        received by processing: {text}.
      </span>
    </p>
  );
}
