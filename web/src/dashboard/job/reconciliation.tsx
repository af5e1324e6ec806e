import { errorOf } from '../data/errors';
import { cluesOnTheWay } from '../data/processing';
import type { FullRun } from '../data/types';
import { t } from '../i18n';
import { icons } from '../ui/icons';
import { Count } from '../ui/unavailable';

/** Whether what the agent submitted is what processing received. */
export function Reconciliation({ run, isGoingOn }: { run: FullRun; isGoingOn: boolean }) {
  const submitted = run.agentCluesCompletedCount;
  const received = run.processingTasksReceivedCluesCount;
  // Nothing to compare: nothing was submitted, or there are no counts.
  const error = errorOf(run, 'agentCluesCompletedCount', 'processingTasksReceivedCluesCount');
  if (!submitted && !received && !error) return null;
  const difference = cluesOnTheWay(run);
  const [tone, Sign, text] = error
    ? (['queued', icons.info, t.reconciliation.unreadable] as const)
    : difference === null
      ? (['queued', icons.info, t.reconciliation.notReported] as const)
      : difference === 0
        ? (['completed', icons.check, t.reconciliation.complete] as const)
        : difference > 0 && isGoingOn
          ? (['executing', icons.info, t.reconciliation.inTransit(difference)] as const)
          : difference > 0
            ? (['failed', icons.warning, t.reconciliation.missing(difference)] as const)
            : isGoingOn
              ? // The two halves report at different times.
                (['executing', icons.info, t.reconciliation.counting] as const)
              : (['cancelling', icons.warning, t.reconciliation.excess(-difference)] as const);
  return (
    <p className={`reconciliation tone-${tone}`}>
      <Sign />
      <span>
        {t.reconciliation.clues(
          <b>
            <Count of={run} field="agentCluesCompletedCount" />
          </b>,
          <b>
            <Count of={run} field="processingTasksReceivedCluesCount" />
          </b>,
          text,
        )}
      </span>
    </p>
  );
}
