import type { ProcessingState } from './types';

interface Clues {
  agentCluesCompletedCount: number | null;
  processingTasksReceivedCluesCount: number | null;
}

/** How many clues the agent submitted that processing did not receive; null if a side is unknown. */
export function cluesOnTheWay(run: Clues): number | null {
  const { agentCluesCompletedCount: submitted, processingTasksReceivedCluesCount: received } = run;
  return submitted === null || received === null ? null : submitted - received;
}

/** What became of a run's data though its agent completed: nothing wrong is null. */
export function lossOf(
  run: (Clues & { processingState: ProcessingState | null }) | null | undefined,
): { isFailed: boolean; missing: number } | null {
  if (!run) return null;
  const { processingState: state } = run;
  const isFailed = state === 'FAILED';
  // While processing goes on, clues are in transit and not missing.
  const isProcessed = isFailed || state === 'COMPLETED';
  const missing = isProcessed ? Math.max(cluesOnTheWay(run) ?? 0, 0) : 0;
  return isFailed || missing > 0 ? { isFailed, missing } : null;
}
