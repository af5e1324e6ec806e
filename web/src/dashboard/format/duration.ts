import { t } from '../i18n';
import { perLocale } from '../i18n/locale';
import { decimal, NONE } from './number';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in its two largest units: `3d 4h`, `12m 05s`, `0.8s`. */
export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return NONE;
  const { day, hour, minute, second } = t.units;
  const sign = milliseconds < 0 ? '−' : '';
  const ms = Math.abs(milliseconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (ms < 10 * SECOND) return `${sign}${decimal(Math.floor(ms / 100) / 10)}${second}`;
  if (ms < MINUTE) return `${sign}${Math.floor(ms / SECOND)}${second}`;
  if (ms < HOUR) {
    const seconds = two(Math.floor((ms % MINUTE) / SECOND));
    return `${sign}${Math.floor(ms / MINUTE)}${minute} ${seconds}${second}`;
  }
  if (ms < DAY) {
    const minutes = two(Math.floor((ms % HOUR) / MINUTE));
    return `${sign}${Math.floor(ms / HOUR)}${hour} ${minutes}${minute}`;
  }
  return `${sign}${Math.floor(ms / DAY)}${day} ${Math.floor((ms % DAY) / HOUR)}${hour}`;
}

/** From how long to how long, in the unit of the longer one: `40–55 min`. */
export function lengthRange(least: number, most: number): string {
  const unit =
    units.find((each, index) => most < 2 * sizes[each] * ([60, 60, 24][index] ?? 1)) ?? 'day';
  const size = sizes[unit];
  const round = (ms: number) => Math.max(Math.round(ms / size), 0);
  const format = ranges()[unit];
  return round(least) === round(most)
    ? format.format(round(most))
    : format.formatRange(round(least), round(most));
}

const relatives = perLocale((locale) => new Intl.RelativeTimeFormat(locale, { style: 'short' }));

const units = ['second', 'minute', 'hour', 'day'] as const;
type Unit = (typeof units)[number];
const sizes: Record<Unit, number> = { second: SECOND, minute: MINUTE, hour: HOUR, day: DAY };
const ranges = perLocale(
  (locale) =>
    Object.fromEntries(
      units.map((unit) => [
        unit,
        new Intl.NumberFormat(locale, {
          style: 'unit',
          unit,
          unitDisplay: 'short',
          maximumFractionDigits: 0,
        }),
      ]),
    ) as Record<Unit, Intl.NumberFormat>,
);
const lengths = perLocale(
  (locale) =>
    Object.fromEntries(
      units.map((unit) => [
        unit,
        new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' }),
      ]),
    ) as Record<Unit, Intl.NumberFormat>,
);

/** A length of time in its largest unit, rounded down. */
function roughly(ms: number): [n: number, unit: Unit] {
  if (ms < MINUTE) return [Math.floor(ms / SECOND), 'second'];
  if (ms < HOUR) return [Math.floor(ms / MINUTE), 'minute'];
  if (ms < DAY) return [Math.floor(ms / HOUR), 'hour'];
  return [Math.floor(ms / DAY), 'day'];
}

/** About how long, in one unit, for what ticks: `3 secs`, `4 mins`, `2 hrs`, `5 days`. */
export function about(milliseconds: number): string {
  const [n, unit] = roughly(Math.abs(milliseconds));
  return lengths()[unit].format(n);
}

/** `3 sec ago`, `in 4 min`, `just now`. */
export function relative(moment: number, now: number): string {
  const distance = now - moment;
  if (distance > -SECOND && distance < SECOND) return t.units.justNow;
  const [n, unit] = roughly(Math.abs(distance));
  return relatives().format(distance < 0 ? n : -n, unit);
}
