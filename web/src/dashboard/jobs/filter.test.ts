import { describe, expect, it } from 'vitest';
import type { Settings } from '../settings/settings';
import {
  conditionsOf,
  formatFilter,
  isNarrowed,
  parseFilter,
  rangeStart,
  variablesOf,
  viewOf,
} from './filter';

const settings: Settings = { theme: 'system', zone: 'Europe/Berlin', hours: '24', keys: true };
const now = Date.parse('2026-03-29T12:00:00Z');
const id = '018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f';

describe('a filter in an address', () => {
  it('is the same again after it was written and read', () => {
    for (const query of [
      '',
      `?state=executing,failed&configuration=${id}&agent=${id}`,
      '?q=hub%26spot+%2B+50%25&created=yesterday&sort=name&page=7&size=200',
      '?from=2026-03-01T00:00:00.000Z&to=2026-03-02T00:00:00.000Z',
      '?scheduled=1&columns=state,job,rate',
      '?state=execution-completed&columns=',
    ]) {
      expect(formatFilter(parseFilter(query))).toBe(query);
    }
  });

  it('leaves out what makes no sense', () => {
    const filter = parseFilter(
      '?state=nothing,FAILED&configuration=x&created=tomorrow&from=never&sort=__proto__&page=-1&size=7',
    );
    expect(filter).toEqual({ ...parseFilter(''), states: ['FAILED'] });
    expect(parseFilter('?page=99999999999').page).toBe(10_000_000);
    expect(parseFilter('?created=constructor').range).toBeUndefined();
  });

  it('takes a moving range over a fixed one', () => {
    const filter = parseFilter('?created=today&from=2026-03-01T00:00:00Z');
    expect([filter.range, filter.from]).toEqual(['today', undefined]);
  });
});

describe('what the API is asked for', () => {
  it('begins a day in the chosen zone, also when the clocks change', () => {
    expect(rangeStart('today', settings, now)).toBe('2026-03-28T23:00:00.000Z');
    expect(rangeStart('yesterday', settings, now)).toBe('2026-03-27T23:00:00.000Z');
    const dayAfter = now + 24 * 3_600_000;
    expect(rangeStart('today', settings, dayAfter)).toBe('2026-03-29T22:00:00.000Z');
    expect(rangeStart('yesterday', settings, dayAfter)).toBe('2026-03-28T23:00:00.000Z');
    expect(rangeStart('hour', settings, now)).toBe('2026-03-29T11:00:00.000Z');
  });

  it('counts pages from 0, and asks for scheduled jobs by their date', () => {
    const filter = parseFilter('?scheduled=1&page=3');
    expect(variablesOf(filter, settings, now)).toMatchObject({
      page: 2,
      take: 50,
      states: ['QUEUED'],
      scheduledAfter: '2026-03-29T12:00:00.000Z',
      orderBy: { field: 'CREATED_DATE', direction: 'DESC' },
    });
    expect(conditionsOf(parseFilter(''), settings, now).states).toEqual([]);
  });
});

it('a view is a set of states', () => {
  expect(viewOf(parseFilter(''))).toBe('all');
  expect(viewOf(parseFilter('?state=failed,completed,cancelled&page=2'))).toBe('finished');
  expect(viewOf(parseFilter('?scheduled=1'))).toBe('scheduled');
  expect(viewOf(parseFilter('?state=failed'))).toBeUndefined();
  expect(isNarrowed(parseFilter('?state=failed'))).toBe(false);
  expect(isNarrowed(parseFilter('?created=today'))).toBe(true);
});
