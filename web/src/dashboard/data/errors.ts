import { t } from '../i18n';

/**
 * Partial responses: GraphQL answers a field that fails with null and an error that has its path.
 * The error is noted in the object that the field belongs to, so that it is at hand where the
 * value is shown, however the object got there.
 */
export interface GraphQLError {
  message: string;
  path?: readonly (string | number)[] | undefined;
  extensions?: { code?: string } | undefined;
}

/** GraphQL reserves names that begin like this, so that no field has it. */
const KEY = '__errors';

type Noted = { [KEY]?: Record<string, string> };

function note(object: object, field: string, message: string): void {
  const noted = object as Noted;
  noted[KEY] = { ...noted[KEY], [field]: message };
}

/**
 * Notes the errors of a response in its data. Items of lists that are null because of one are taken
 * out, and the list's field has an error that says how many.
 */
export function noteErrors(data: object, errors: readonly GraphQLError[]): void {
  const incomplete = new Map<unknown[], (missing: string) => void>();
  for (const { message, path = [] } of errors) {
    let value: unknown = data;
    let place: [object: object, field: string, list?: unknown[]] = [data, ''];
    for (const key of path) {
      if (typeof value !== 'object' || value === null) break;
      place = Array.isArray(value) ? [place[0], place[1], value] : [value, String(key)];
      value = (value as Record<string | number, unknown>)[key];
    }
    if (value !== null) continue;
    const [object, field, list] = place;
    if (!list) note(object, field, message);
    else incomplete.set(list, (missing) => note(object, field, `${missing}: ${message}`));
  }
  for (const [list, noteMissing] of incomplete) {
    const present = list.filter((item) => item !== null);
    noteMissing(t.errors.missing(list.length - present.length, list.length));
    list.splice(0, list.length, ...present);
  }
}

/** Why one of these fields has no value: the first error among them; undefined if there is none. */
export function errorOf<T extends object>(
  object: T | null | undefined,
  ...fields: readonly (keyof T & string)[]
): string | undefined {
  const errors = (object as Noted | null | undefined)?.[KEY];
  const field = errors && fields.find((each) => Object.hasOwn(errors, each));
  return field && `${errors[field]} (${field})`;
}

/** Whether one of these fields has a value, or would have one but for an error. */
export const isReported = <T extends object>(object: T, fields: readonly (keyof T & string)[]) =>
  fields.some((field) => object[field] !== null) || errorOf(object, ...fields) !== undefined;

/** How many values of a response have an error in place of them. */
export function countErrors(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Object.keys((value as Noted)[KEY] ?? {}).length;
  return Object.entries(value).reduce(
    (sum, [key, each]) => (key === KEY ? sum : sum + countErrors(each)),
    own,
  );
}
