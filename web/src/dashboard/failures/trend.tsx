import { count } from '../format/number';
import { dayOf } from '../format/time';
import { t } from '../i18n';
import { useHour } from '../live/hour';
import { useSettings } from '../settings/settings';

const DAY = 86_400_000;
/** As many as the query asks for. */
const DAYS = 30;

interface Day {
  day: string;
  count: number;
}

/** One number for each of the last days, today's last. The API leaves out days without failures. */
export function daily(days: readonly Day[], now: number): { at: number; n: number }[] {
  const counts = new Map(days.map(({ day, count }) => [Date.parse(day), count]));
  const today = now - (now % DAY);
  return Array.from({ length: DAYS }, (_, index) => {
    const at = today - (DAYS - 1 - index) * DAY;
    return { at, n: counts.get(at) ?? 0 };
  });
}

/** Failures per day as small bars. The days are those of UTC, as the API counts them. */
export function Trend({ days }: { days: readonly Day[] }) {
  const settings = { ...useSettings(), zone: 'UTC' };
  const bars = daily(days, useHour());
  const most = Math.max(...bars.map(({ n }) => n), 1);
  const sum = bars.reduce((all, { n }) => all + n, 0);
  const peak = bars.findLast(({ n }) => n === most);
  const said = t.failures.trendOf(
    count(sum),
    count(bars.at(-1)?.n),
    peak ? dayOf(peak.at, settings) : undefined,
    count(most),
  );
  return (
    <span className="trend" role="img" aria-label={said} title={said}>
      {bars.map(({ at, n }) => (
        <span
          key={at}
          className={n > 0 ? 'trend-bar' : 'trend-bar is-none'}
          style={n > 0 ? { height: `${Math.max((n / most) * 100, 8)}%` } : undefined}
        />
      ))}
    </span>
  );
}
