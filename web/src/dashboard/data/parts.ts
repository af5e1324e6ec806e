import { errorOf } from './errors';

/**
 * What a total is made of. Counters come from other programs and need not add up: what the parts
 * leave of the total is shown as such, and nothing is made up for what is not known.
 */
export interface Part {
  key: string;
  label: string;
  value: number | null;
  /** Why it has no value, if that is because of an error. */
  error: string | undefined;
}

export interface Parts {
  total: number | null;
  totalError: string | undefined;
  parts: Part[];
  /** What the known parts leave of the total. Null if they say all, or too much, or nothing. */
  unaccounted: number | null;
  /** How many more the parts are than the total. Null unless they are. */
  excess: number | null;
}

type CountField<T> = {
  [Field in keyof T]: T[Field] extends number | null | undefined ? Field : never;
}[keyof T] &
  string;

/** The parts of a total, by the names of the fields that have them. */
export function partsOf<T extends object>(
  object: T,
  total: CountField<T>,
  parts: readonly [key: string, label: string, field: CountField<T>][],
): Parts {
  const read = (field: CountField<T>) => (object[field] ?? null) as number | null;
  const all = parts.map(([key, label, field]) => ({
    key,
    label,
    value: read(field),
    error: errorOf(object, field),
  }));
  const whole = read(total);
  const known = all.filter(({ value }) => value !== null);
  const sum = known.reduce((sum, { value }) => sum + (value ?? 0), 0);
  // A part that has a value which cannot be shown may be all of the rest.
  const isComparable = known.length > 0 && all.every(({ error }) => error === undefined);
  const rest = whole !== null && isComparable ? whole - sum : null;
  return {
    total: whole,
    totalError: errorOf(object, total),
    parts: all,
    unaccounted: rest !== null && rest > 0 ? rest : null,
    excess: rest !== null && rest < 0 ? -rest : null,
  };
}

/** The fields that the server computes `percentCompleted` from. */
export const progressFields = [
  'agentPercentCompleted',
  'agentExpectedTasksCount',
  'agentTasksCompletedCount',
  'agentTasksFailedCount',
] as const;

/** Why progress cannot be told, if that is because of an error. */
export function progressError(
  run:
    | ({ percentCompleted?: number | null } & {
        [field in (typeof progressFields)[number]]?: number | null;
      })
    | null
    | undefined,
): string | undefined {
  if (typeof run?.percentCompleted === 'number') return undefined;
  return errorOf(run, 'percentCompleted', ...progressFields);
}
