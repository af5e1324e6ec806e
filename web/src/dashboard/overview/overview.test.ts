import { describe, expect, it } from 'vitest';
import { parseSettings } from '../settings/settings';
import { countTicks, lengthTicks } from './axis';
import { isWorse } from './change';
import { pointsOf, type Row } from './points';
import { before, DAY, HOUR, spanOf } from './span';
import { compareToday, median } from './today';

/** A Friday. */
const now = Date.parse('2026-11-27T14:20:00Z');
const settings = { ...parseSettings(null), zone: 'UTC' };

const row = (at: number, of: Partial<Row> = {}): Row => ({
  start: new Date(at).toISOString(),
  finished: 10,
  completed: 9,
  failed: 1,
  cancelled: 0,
  wait: { p50: 60_000, p95: 120_000 },
  duration: { p50: 300_000, p95: 900_000 },
  ...of,
});

describe('the time of the charts', () => {
  const iso = (at: number) => new Date(at).toISOString();

  it('ends with the bucket that has not ended yet, and begins where the API begins one', () => {
    const bounds = (length: Parameters<typeof spanOf>[0]) => {
      const { from, to, bucket } = spanOf(length, now);
      return [iso(from), iso(to), bucket];
    };
    expect(bounds('day')).toEqual(['2026-11-26T15:00:00.000Z', '2026-11-27T15:00:00.000Z', 'HOUR']);
    expect(bounds('month')).toEqual([
      '2026-10-29T00:00:00.000Z',
      '2026-11-28T00:00:00.000Z',
      'DAY',
    ]);
    // From a Monday to a Monday.
    expect(bounds('year')).toEqual([
      '2025-11-24T00:00:00.000Z',
      '2026-11-30T00:00:00.000Z',
      'WEEK',
    ]);
    expect(before(spanOf('day', now)).to).toBe(spanOf('day', now).from);
  });

  it('has a point for each bucket, and no rate where nothing finished', () => {
    const span = spanOf('day', now);
    const points = pointsOf([row(span.from + 2 * HOUR, { completed: 3, failed: 1 })], span);
    expect(points.length).toBe(24);
    expect(points[2]?.failureRate).toBe(25);
    expect(points[3]).toMatchObject({ finished: 0, failureRate: null, wait: null });
  });
});

describe('axes', () => {
  it('have round numbers up to the greatest value', () => {
    expect(countTicks(0)).toEqual([0, 1]);
    expect(countTicks(3)).toEqual([0, 1, 2, 3]);
    expect(countTicks(97)).toEqual([0, 50, 100]);
    expect(lengthTicks(50 * 60_000, 20_000)).toEqual([10_000, 60_000, 600_000, 3_600_000]);
    expect(lengthTicks(0, 0)).toEqual([100, 1_000]);
    expect(lengthTicks(1e15, 1e15).length).toBe(2);
    for (const most of [0, 1, 7, 999, 12_345, 86_400_000, 9e9]) {
      const ticks = countTicks(most);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(most);
      expect(ticks.length).toBeLessThanOrEqual(6);
      expect(new Set(ticks).size).toBe(ticks.length);
      expect(lengthTicks(most, most / 9).at(-1)).toBeGreaterThanOrEqual(most);
    }
  });
});

describe('today', () => {
  /** Hours of today, and of the same number of days before. */
  const history = (days: number, today: Partial<Row> = {}): Row[] => {
    const midnight = Date.parse('2026-11-27T00:00:00Z');
    const rows: Row[] = [];
    for (let at = midnight - days * DAY; at < now; at += HOUR) {
      rows.push(row(at, at >= midnight ? today : {}));
    }
    return rows;
  };

  it('is normal when it is like the same weekday of the weeks before', () => {
    const compared = compareToday(history(28), settings, now);
    expect(compared).toMatchObject({ isSameWeekday: true, days: 4, isYesterday: false });
    expect(compared?.of.finished).toEqual({ value: 140, usual: 140, verdict: 'usual' });
    expect(Object.values(compared?.of ?? {}).map(({ verdict }) => verdict)).toEqual(
      Array(4).fill('usual'),
    );
  });

  it('counts the same hours of each day only', () => {
    // The hour that has not ended is left out.
    expect(new Date(compareToday(history(28), settings, now)?.to ?? 0).toISOString()).toBe(
      '2026-11-27T14:00:00.000Z',
    );
  });

  it('says what is not as usual, and which way', () => {
    const today = {
      finished: 4,
      completed: 2,
      failed: 2,
      duration: { p50: 900_000, p95: 1_000_000 },
      wait: { p50: 10_000, p95: 20_000 },
    };
    const of = compareToday(history(28, today), settings, now)?.of;
    expect([of?.finished, of?.failureRate, of?.wait, of?.duration].map((o) => o?.verdict)).toEqual([
      'less',
      'more',
      'less',
      'more',
    ]);
  });

  it('is not told from the times of a few runs', () => {
    const today = { finished: 0, completed: 0, failed: 0, duration: null, wait: null };
    const rows = history(28, today);
    const [last] = rows.slice(-3);
    if (last)
      Object.assign(last, row(0, { start: last.start, finished: 1, wait: { p50: 9e6, p95: 9e6 } }));
    expect(compareToday(rows, settings, now)?.of.wait).toMatchObject({
      value: 9e6,
      verdict: 'usual',
    });
  });

  it('is compared with any days where there are few of the same weekday, and with none where there are few', () => {
    expect(compareToday(history(5), settings, now)).toMatchObject({
      isSameWeekday: false,
      days: 5,
    });
    expect(compareToday(history(2), settings, now)).toBeUndefined();
    expect(compareToday([], settings, now)).toBeUndefined();
  });

  it('is yesterday before the first hour of a day has ended', () => {
    const early = Date.parse('2026-11-27T00:40:00Z');
    const compared = compareToday(history(28), settings, early);
    expect(compared?.isYesterday).toBe(true);
    expect(compared?.of.finished.value).toBe(240);
  });

  it('takes the median of an even number of days as the mean of the middle two', () => {
    expect([median([]), median([3]), median([4, 1]), median([5, 1, 3])]).toEqual([null, 3, 2.5, 3]);
  });
});

it('a failure rate is worse if it has risen by more than chance does', () => {
  const figures = (failed: number, finished: number) => ({
    failed,
    finished,
    failureRate: finished ? failed / finished : null,
  });
  expect(isWorse(figures(40, 200), figures(10, 200))).toBe(true);
  expect(isWorse(figures(12, 200), figures(10, 200))).toBe(false);
  expect(isWorse(figures(3, 5), figures(0, 5))).toBe(false);
  expect(isWorse(figures(10, 200), figures(40, 200))).toBe(false);
  expect(isWorse(figures(0, 0), figures(40, 200))).toBe(false);
});
