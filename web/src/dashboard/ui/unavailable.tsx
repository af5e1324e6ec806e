import { errorOf } from '../data/errors';
import { count } from '../format/number';
import { t } from '../i18n';
import { icons } from './icons';

/** Stands where a value is missing because of an error; nothing if there was none. */
export function Unavailable({ error }: { error: string | undefined }) {
  if (error === undefined) return null;
  const text = t.errors.value(error);
  return (
    <span className="unavailable" title={text}>
      <icons.warning width={13} height={13} />
      <span className="hidden">{text}</span>
    </span>
  );
}

/** A count of an object of a response. */
export function Count<T extends object>({ of, field }: { of: T; field: keyof T & string }) {
  const error = errorOf(of, field);
  return error ? <Unavailable error={error} /> : count(of[field] as number | null);
}
