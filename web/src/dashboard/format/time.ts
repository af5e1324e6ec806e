import { getLocale } from '../i18n/locale';
import type { Settings } from '../settings/settings';
import { NONE } from './number';

const formats = new Map<string, Intl.DateTimeFormat>();

/** The zone that is meant, by its IANA name. */
export function zoneOf({ zone }: Pick<Settings, 'zone'>): string {
  return zone === 'local' ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone;
}

function format(settings: Settings, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const timeZone = zoneOf(settings);
  const hourCycle = settings.hours === '12' ? 'h12' : 'h23';
  const locale = getLocale();
  const key = JSON.stringify([locale, timeZone, hourCycle, options]);
  let found = formats.get(key);
  if (!found) {
    const { hour } = options;
    found = new Intl.DateTimeFormat(locale, {
      ...options,
      timeZone,
      ...(hour ? { hourCycle } : {}),
    });
    formats.set(key, found);
  }
  return found;
}

const day = { day: '2-digit', month: 'short' } as const;
const hour = { hour: '2-digit', minute: '2-digit' } as const;

function isSame(settings: Settings, what: Intl.DateTimeFormatOptions, a: number, b: number) {
  const { format: text } = format(settings, what);
  return text(a) === text(b);
}

/** A moment as briefly as it can be said: today's by the hour, this year's without the year. */
export function brief(moment: string | null | undefined, settings: Settings, now: number): string {
  if (!moment) return NONE;
  const at = Date.parse(moment);
  if (isSame(settings, { ...day, year: 'numeric' }, at, now)) {
    return format(settings, { ...hour, second: '2-digit' }).format(at);
  }
  const isThisYear = isSame(settings, { year: 'numeric' }, at, now);
  return format(settings, isThisYear ? { ...day, ...hour } : { ...day, year: 'numeric' }).format(
    at,
  );
}

/** A moment to the second, with its zone. */
export function full(moment: string | null | undefined, settings: Settings): string {
  if (!moment) return NONE;
  return format(settings, {
    ...day,
    year: 'numeric',
    ...hour,
    second: '2-digit',
    timeZoneName: 'short',
  }).format(Date.parse(moment));
}

/** An hour and minute, with seconds where they tell something apart. */
export function clock(at: number, settings: Settings, withSeconds: boolean): string {
  return format(settings, { ...hour, ...(withSeconds ? { second: '2-digit' } : {}) }).format(at);
}

/** When something began, after `since`: by the hour today, by the weekday in the last days, then by the date. */
export function since(moment: string, settings: Settings, now: number): string {
  const at = Date.parse(moment);
  if (isSame(settings, { ...day, year: 'numeric' }, at, now)) return clock(at, settings, false);
  if (now - at < 6 * 86_400_000) return weekday(at, settings);
  const isThisYear = isSame(settings, { year: 'numeric' }, at, now);
  return format(settings, isThisYear ? day : { ...day, year: 'numeric' }).format(at);
}

/** The day of the week, such as `Friday`. */
export const weekday = (at: number, settings: Settings): string =>
  format(settings, { weekday: 'long' }).format(at);

export function dayOf(at: number, settings: Settings): string {
  return format(settings, day).format(at);
}

/** How far a zone is ahead of UTC at a moment, in milliseconds. */
export function offset(timeZone: string, at: number): number {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  const shown = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return shown - Math.floor(at / 1_000) * 1_000;
}

/** When a day began in the chosen zone: today, or so many days before. */
export function startOfDay(settings: Settings, now: number, daysBack = 0): string {
  const zone = zoneOf(settings);
  const shown = new Date(now + offset(zone, now));
  const midnight = Date.UTC(
    shown.getUTCFullYear(),
    shown.getUTCMonth(),
    shown.getUTCDate() - daysBack,
  );
  // By the offset that holds then, which may be another one than now.
  const guess = midnight - offset(zone, midnight);
  return new Date(midnight - offset(zone, guess)).toISOString();
}

/** A moment as fields have it, such as `2026-05-01T13:30`, in the chosen zone. */
export function toField(moment: string | undefined, settings: Settings): string {
  if (!moment) return '';
  const at = Date.parse(moment);
  return new Date(at + offset(zoneOf(settings), at)).toISOString().slice(0, 16);
}

/** The moment that fields mean in the chosen zone. */
export function fromField(text: string, settings: Settings): string | undefined {
  const shown = Date.parse(`${text}Z`);
  if (Number.isNaN(shown)) return undefined;
  const zone = zoneOf(settings);
  const guess = shown - offset(zone, shown);
  return new Date(shown - offset(zone, guess)).toISOString();
}

/** An hour and minute of a field, such as `13:30`, with the hours that were chosen. */
export function formatClock(clock: string, { hours }: Pick<Settings, 'hours'>): string {
  if (hours === '24') return clock;
  const [hour = 0, minute = 0] = clock.split(':').map(Number);
  return `${hour % 12 || 12}:${String(minute).padStart(2, '0')} ${hour < 12 ? 'AM' : 'PM'}`;
}

/** Reads an hour and minute in either form; undefined for what is none. */
export function parseClock(text: string): string | undefined {
  const found = /^\s*(\d{1,2})(?:[:.](\d{2}))?\s*([ap]\.?m\.?)?\s*$/i.exec(text);
  if (!found) return undefined;
  const [, hourText, minuteText, half] = found;
  let hour = Number(hourText);
  const minute = Number(minuteText ?? 0);
  if (half) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (/^p/i.test(half) ? 12 : 0);
  } else if (minuteText === undefined) return undefined;
  if (hour > 23 || minute > 59) return undefined;
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}
