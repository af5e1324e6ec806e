/** Whether today is like the days before it. */
import { startOfDay } from '../format/time';
import type { Settings } from '../settings/settings';
import { type Row, rateOf } from './points';
import { DAY, HOUR } from './span';

/** How many weeks are compared with at most. */
export const WEEKS = 4;
/** So many of the same weekday are enough; otherwise so many of any days. */
const LEAST_WEEKS = 2;
const LEAST_DAYS = 3;
/** The times of so few runs tell nothing of a day. */
const LEAST_RUNS = 10;

export const figures = ['finished', 'failureRate', 'wait', 'duration'] as const;
export type Figure = (typeof figures)[number];
export type Verdict = 'usual' | 'more' | 'less';

interface Figures {
  finished: number;
  /** Runs that completed or failed. */
  rated: number;
  failureRate: number | null;
  wait: number | null;
  duration: number | null;
}

export interface Comparison {
  /** The time that is compared: today's full hours, or all of yesterday in the first hour of a day. */
  from: number;
  to: number;
  isYesterday: boolean;
  /** Days of the same weekday, or any days where there are too few of these. */
  isSameWeekday: boolean;
  /** How many days it is compared with. */
  days: number;
  of: Record<Figure, { value: number | null; usual: number | null; verdict: Verdict }>;
}

export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return null;
  return sorted.length % 2 === 0 && low !== undefined ? (low + high) / 2 : high;
}

/** The median of hourly medians, each counted as often as runs finished in its hour. */
function weighted(values: readonly (readonly [value: number, weight: number])[]): number | null {
  const sorted = values.toSorted(([a], [b]) => a - b);
  const half = sorted.reduce((sum, [, weight]) => sum + weight, 0) / 2;
  let sum = 0;
  for (const [value, weight] of sorted) {
    sum += weight;
    if (sum >= half) return value;
  }
  return null;
}

function figuresOf(rows: readonly Row[], from: number, to: number): Figures {
  const own = rows.filter(({ start }) => {
    const at = Date.parse(start);
    return at >= from && at < to;
  });
  const sum = (key: 'finished' | 'completed' | 'failed') =>
    own.reduce((all, row) => all + row[key], 0);
  const lengths = (key: 'wait' | 'duration') =>
    weighted(own.flatMap((row) => (row[key] ? [[row[key].p50, row.finished] as const] : [])));
  const [completed, failed] = [sum('completed'), sum('failed')];
  return {
    finished: sum('finished'),
    rated: completed + failed,
    failureRate: rateOf({ completed, failed }),
    wait: lengths('wait'),
    duration: lengths('duration'),
  };
}

/**
 * How far a value may lie from the usual one without being worth a word: as far as it did on the days that it
 * is compared with, a quarter of it, or what chance alone brings about.
 */
function toleranceOf(figure: Figure, usual: number, past: readonly number[], today: Figures) {
  const spread = Math.max(...past.map((value) => Math.abs(value - usual)));
  switch (figure) {
    case 'finished':
      return Math.max(spread, usual / 4, 3 * Math.sqrt(usual));
    case 'failureRate': {
      const p = Math.max(usual, 1) / 100;
      return Math.max(spread, 300 * Math.sqrt((p * (1 - p)) / Math.max(today.rated, 1)));
    }
    case 'wait':
    case 'duration':
      return Math.max(spread, usual / 4, 1_000);
  }
}

/** Compares today until the last full hour with the same hours of the days before; undefined if they are too few. */
export function compareToday(
  rows: readonly Row[],
  settings: Settings,
  now: number,
): Comparison | undefined {
  const midnight = (daysBack: number) => Date.parse(startOfDay(settings, now, daysBack));
  const full = Math.floor(now / HOUR) * HOUR;
  const isYesterday = full - midnight(0) < HOUR;
  const back = isYesterday ? 1 : 0;
  const from = midnight(back);
  const to = isYesterday ? midnight(0) : full;
  const first = Math.min(...rows.map(({ start }) => Date.parse(start)));
  // The day on which the statistics begin is not whole.
  const isKnown = (daysBack: number) => midnight(daysBack) >= first;
  const daysBefore = (step: number) =>
    Array.from({ length: (WEEKS * 7) / step }, (_, index) => back + (index + 1) * step).filter(
      isKnown,
    );
  const weeks = daysBefore(7);
  const isSameWeekday = weeks.length >= LEAST_WEEKS;
  const days = isSameWeekday ? weeks : daysBefore(1);
  if (days.length < LEAST_DAYS && !isSameWeekday) return undefined;

  const today = figuresOf(rows, from, to);
  const past = days.map((daysBack) => {
    const start = midnight(daysBack);
    return figuresOf(rows, start, start + Math.min(to - from, DAY));
  });
  const assess = (figure: Figure): Comparison['of'][Figure] => {
    const value = today[figure];
    const known = past.map((day) => day[figure]).filter((each) => each !== null);
    const usual = median(known);
    const isTime = figure === 'wait' || figure === 'duration';
    if (value === null || usual === null || (isTime && today.finished < LEAST_RUNS)) {
      return { value, usual, verdict: 'usual' };
    }
    const distance = value - usual;
    const isUsual = Math.abs(distance) <= toleranceOf(figure, usual, known, today);
    return { value, usual, verdict: isUsual ? 'usual' : distance > 0 ? 'more' : 'less' };
  };
  const of = {
    finished: assess('finished'),
    failureRate: assess('failureRate'),
    wait: assess('wait'),
    duration: assess('duration'),
  };
  return { from, to, isYesterday, isSameWeekday, days: days.length, of };
}
