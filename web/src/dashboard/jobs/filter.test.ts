import { describe, expect, it } from 'vitest';
import type { Settings } from '../settings/settings';
import {
  conditionsOf,
  formatFilter,
  isNarrowed,
  parseFilter,
  rangeStart,
  readAddress,
  variablesOf,
  viewOf,
} from './filter';

const settings: Settings = {
  language: 'en',
  theme: 'system',
  zone: 'Europe/Berlin',
  hours: '24',
  keys: true,
};
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
      '?scheduled=1&sort=newest',
      '?sort=due',
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

  it('takes states and names in any usual spelling', () => {
    for (const [query, expected] of [
      ['?state=FAILED', ['FAILED']],
      ['?State=Failed', ['FAILED']],
      ['?STATE=executionCompleted,EXECUTION_COMPLETED', ['EXECUTION_COMPLETED']],
      ['?state=execution%20completed', ['EXECUTION_COMPLETED']],
      ['?state=Canceled', ['CANCELLED']],
      ['?state=queued&state=canceling', ['QUEUED', 'CANCELLING']],
    ] as const) {
      const { filter, ignored } = readAddress(query);
      expect([query, filter.states, ignored]).toEqual([query, expected, []]);
    }
    const { filter, ignored } = readAddress('?Created=Today&SORT=name&Scheduled=true&Q=CRM');
    expect(filter).toMatchObject({
      range: 'today',
      sort: 'name',
      isScheduled: true,
      search: 'CRM',
    });
    expect(ignored).toEqual([]);
  });

  it('names what it does not understand', () => {
    const toldOf = (query: string) =>
      readAddress(query).ignored.map(({ name, value }) => `${name}=${value}`);
    expect(toldOf('?status=failed&state=failed,failled')).toEqual([
      'status=failed',
      'state=failled',
    ]);
    expect(toldOf('?created=yesterdy&from=never&sort=age&size=7&page=-1&scheduled=later')).toEqual([
      'created=yesterdy',
      'scheduled=later',
      'from=never',
      'sort=age',
      'page=-1',
      'size=7',
    ]);
    expect(toldOf('?configuration=x&agent=y&agent=z')).toEqual([
      'agent=z',
      'configuration=x',
      'agent=y',
    ]);
    expect(readAddress('?agent=&agent=z').ignored[0]?.hint).toBe('agent is given more than once.');
    expect(toldOf('?state=&q=&created=&page=')).toEqual([]);
    expect(readAddress('?created=yesterdy').ignored[0]?.hint).toBe(
      'created must be one of hour, today, yesterday, week, month.',
    );
    expect(readAddress('?status=failed').ignored[0]?.hint).toMatch(
      /^Available filters: state, scheduled/,
    );
  });

  it('takes a moving range over a fixed one', () => {
    const filter = parseFilter('?created=today&from=2026-03-01T00:00:00Z');
    expect([filter.range, filter.from]).toEqual(['today', undefined]);
    const { ignored } = readAddress('?created=today&from=2026-03-01T00:00:00Z');
    expect(ignored).toMatchObject([
      { name: 'from', hint: 'from cannot be combined with created.' },
    ]);
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
      filter: { states: ['QUEUED'], scheduledAfter: '2026-03-29T12:00:00.000Z' },
      orderBy: { field: 'SCHEDULED_DATE', direction: 'ASC' },
    });
    expect(variablesOf(parseFilter('?sort=newest'), settings, now).orderBy).toEqual({
      field: 'CREATED_DATE',
      direction: 'DESC',
    });
    expect(conditionsOf(parseFilter(''), settings, now).states).toEqual([]);
  });

  it('asks for what is wrong with the data of jobs whose agents completed', () => {
    const asked = (query: string) => conditionsOf(parseFilter(query), settings, now);
    expect(asked('?processing=failed')).toMatchObject({
      processingStates: ['FAILED'],
      cluesMissing: null,
    });
    expect(asked('?processing=Missing')).toMatchObject({
      processingStates: null,
      cluesMissing: true,
    });
    expect(formatFilter(parseFilter('?processing=missing'))).toBe('?processing=missing');
    expect(isNarrowed(parseFilter('?processing=failed'))).toBe(true);
    expect(readAddress('?processing=lost').ignored).toMatchObject([{ name: 'processing' }]);
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
