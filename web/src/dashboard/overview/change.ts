/** How failure rates change from one time to the next. */

interface Figures {
  failed: number;
  finished: number;
  /** From 0 to 1. */
  failureRate: number | null;
}

/** In percentage points. */
export function change(now: Figures, before: Figures): number | null {
  if (now.failureRate === null || before.failureRate === null) return null;
  return (now.failureRate - before.failureRate) * 100;
}

/** Runs of so many are needed for a rate to mean something. */
const LEAST = 10;

/** Whether it has risen by more than chance does: by three standard errors, and by a percentage point. */
export function isWorse(now: Figures, before: Figures): boolean {
  const points = change(now, before);
  if (points === null || points < 1 || now.finished < LEAST || before.finished < LEAST)
    return false;
  const p = (now.failed + before.failed) / (now.finished + before.finished);
  const error = Math.sqrt(p * (1 - p) * (1 / now.finished + 1 / before.finished));
  return points / 100 > 3 * error;
}
