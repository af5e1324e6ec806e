/**
 * What a total is made of. Counters come from other programs and need not add up: what the parts
 * leave of the total is shown as such, and nothing is made up for what is not known.
 */
type Value = number | null | undefined;

export interface Part {
  key: string;
  label: string;
  value: number | null;
}

export interface Parts {
  total: number | null;
  parts: Part[];
  /** What the known parts leave of the total. Null if they say all, or too much, or nothing. */
  unaccounted: number | null;
  /** How many more the parts are than the total. Null unless they are. */
  excess: number | null;
}

export function partsOf(total: Value, parts: readonly [string, string, Value][]): Parts {
  const known = parts.filter(([, , value]) => value !== null && value !== undefined);
  const sum = known.reduce((all, [, , value]) => all + (value ?? 0), 0);
  const whole = total ?? null;
  const rest = whole === null || known.length === 0 ? null : whole - sum;
  return {
    total: whole,
    parts: parts.map(([key, label, value]) => ({ key, label, value: value ?? null })),
    unaccounted: rest !== null && rest > 0 ? rest : null,
    excess: rest !== null && rest < 0 ? -rest : null,
  };
}

interface Progress {
  agentPercentCompleted?: number | null;
  agentExpectedTasksCount?: number | null;
  agentTasksCompletedCount?: number | null;
  agentTasksFailedCount?: number | null;
}

/**
 * How far an agent is, from 0 to 100: by its own account, or by the tasks it expects. Null, never
 * a guess, where neither is told. More tasks than were expected are not more than all of them.
 */
export function progressOf(run: Progress | null | undefined): number | null {
  if (!run) return null;
  if (typeof run.agentPercentCompleted === 'number') {
    return Math.min(Math.max(run.agentPercentCompleted, 0), 100);
  }
  const expected = run.agentExpectedTasksCount;
  if (!expected || typeof run.agentTasksCompletedCount !== 'number') return null;
  const done = run.agentTasksCompletedCount + (run.agentTasksFailedCount ?? 0);
  // It expects what it knows of; only the agent itself can say that it is through.
  return Math.min((done / expected) * 100, 99.9);
}
