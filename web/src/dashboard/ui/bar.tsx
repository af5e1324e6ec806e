import type { CSSProperties, ReactNode } from 'react';
import type { Parts } from '../data/parts';
import { count, percent } from '../format/number';
import { t } from '../i18n';
import { Unavailable } from './unavailable';

/** How far something is. Without a value it says just that it is under way. */
export function ProgressBar({
  value,
  label,
  tone = 'executing',
  isMoving = true,
}: {
  value: number | null;
  label: string;
  tone?: string;
  isMoving?: boolean;
}) {
  const known = value === null ? {} : { 'aria-valuenow': Math.floor(value) };
  return (
    <div
      className={`bar tone-${tone}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={value === null ? t.common.unknown : percent(value)}
      {...known}
    >
      {value === null ? (
        isMoving ? (
          <span className="bar-unknown" />
        ) : null
      ) : (
        <span className="bar-fill" style={{ width: `${value}%` }} />
      )}
    </div>
  );
}

/** What a total is made of: the total, a bar, and a legend that says each number. */
export function PartsOf({
  name,
  parts: { total, totalError, parts, unaccounted, excess },
  of = name,
  expected,
  note,
}: {
  name: string;
  parts: Parts;
  /** What the legend is about, for screen readers. */
  of?: string;
  /** What the total may still become: the bar is this long then. */
  expected?: number | null;
  /** What stands beside the total. */
  note?: ReactNode;
}) {
  const isReported =
    total !== null || totalError || parts.some(({ value, error }) => value !== null || error);
  const sum = parts.reduce((all, { value }) => all + (value ?? 0), 0) + (unaccounted ?? 0);
  const length = Math.max(total ?? 0, expected ?? 0, sum);
  const rest = { key: 'unaccounted', label: t.run.parts.unaccounted, error: undefined };
  const shown = unaccounted === null ? parts : [...parts, { ...rest, value: unaccounted }];
  return (
    <>
      <h3 className="parts-title">
        {name} {isReported ? <b>{count(total)}</b> : <NotReported />}
        <Unavailable error={totalError} />
        {note && <span className="muted">{note}</span>}
      </h3>
      {isReported && (
        <div className="parts">
          <div className="parts-bar" aria-hidden="true">
            {length > 0 &&
              shown.map(({ key, value }) =>
                value ? (
                  <span
                    key={key}
                    className={`part part-${key}`}
                    style={{ '--share': `${(value / length) * 100}%` } as CSSProperties}
                  />
                ) : null,
              )}
          </div>
          <ul className="legend" aria-label={of}>
            {shown.map(({ key, label, value, error }) => (
              <li key={key} className={value || error ? undefined : 'is-none'}>
                <span className={`swatch part-${key}`} aria-hidden="true" />
                <span>{label}</span>
                <b>{error ? <Unavailable error={error} /> : count(value)}</b>
              </li>
            ))}
          </ul>
          {excess !== null && <p className="muted parts-note">{t.run.excess(excess)}</p>}
        </div>
      )}
    </>
  );
}

/** Stands for values that no program reported, in place of a dash for each. */
export function NotReported() {
  return <span className="muted">{t.run.notReported}</span>;
}
