import { describe, expect, it } from 'vitest';
import type { Settings } from '../settings/settings';
import { formatFilter, parseFilter, readAddress } from './address';
import { changed, conditionsOf, isNarrowed, rangeStart, variablesOf, viewOf } from './filter';

const settings: Settings = {
  language: 'en',
  theme: 'system',
  zone: 'Europe/Berlin',
  hours: '24',
  keys: true,
};
const now = Date.parse('2026-03-29T12:00:00Z');
const id = '018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f';
const other = '018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8ea0';

describe('a filter in an address', () => {
  it('is the same again after it was written and read', () => {
    for (const query of [
      '',
      `?state=executing,failed&configuration=${id}&agent=${id}`,
      '?q=hub%26spot+%2B+50%25&created=yesterday&sort=name&page=7&size=200',
      '?finished=2026-03-01T00:00:00.000Z..2026-03-02T00:00:00.000Z',
      '?started=..2026-03-02T00:00:00.000Z',
      `?configuration=${id},${other}&agent=${id},${other}`,
      '?not-state=queued,completed&provider=hubspot&provider=a%2Cb&priority=-1'.replace('%2C', ','),
      '?message=connection+refused&min-duration=1h30m&max-duration=2d',
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
      '?state=nothing,FAILED&configuration=x&created=tomorrow&sort=__proto__&page=-1&size=7&priority=1.5&min-duration=10',
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
    expect(
      toldOf(
        '?created=yesterdy&started=1..x&max-duration=5&sort=age&size=7&page=-1&scheduled=later',
      ),
    ).toEqual([
      'created=yesterdy',
      'started=1..x',
      'scheduled=later',
      'max-duration=5',
      'sort=age',
      'page=-1',
      'size=7',
    ]);
    expect(toldOf(`?configuration=x,${id}&agent=y&agent=z&q=a&q=b`)).toEqual([
      'q=b',
      'configuration=x',
      'agent=y',
      'agent=z',
    ]);
    expect(readAddress('?q=&q=z').ignored[0]?.hint).toBe('q is given more than once.');
    expect(toldOf('?state=&q=&created=&page=&provider=&min-duration=')).toEqual([]);
    expect(readAddress('?created=yesterdy').ignored[0]?.hint).toBe(
      'created must be one of hour, today, yesterday, week, month, or a range such as 2026-05-01..2026-05-02.',
    );
    expect(readAddress('?min-duration=90').ignored[0]?.hint).toBe(
      'min-duration must be a duration such as 90s, 10m or 1h30m.',
    );
    expect(readAddress('?status=failed').ignored[0]?.hint).toMatch(
      /^Available filters: state, not-state, scheduled/,
    );
  });

  it('has one range, of one time', () => {
    const { filter, ignored } = readAddress('?finished=today&created=2026-03-01..');
    expect(filter).toMatchObject({ time: 'created', range: undefined, to: undefined });
    expect(filter.from).toBe('2026-03-01T00:00:00.000Z');
    expect(ignored).toMatchObject([
      { name: 'finished', hint: 'finished cannot be combined with created.' },
    ]);
    for (const wrong of ['..', '1..2..3', '2026-03-01', 'today..']) {
      expect([wrong, readAddress(`?created=${wrong}`).ignored.length]).toEqual([wrong, 1]);
    }
  });

  it('has lists in one parameter or in several, each value once', () => {
    const { filter, ignored } = readAddress(
      `?configuration=${id},${other}&configuration=${id}&provider=jira&provider=jira&provider=x,y`,
    );
    expect(filter.configurationIds).toEqual([id, other]);
    expect(filter.providers).toEqual(['jira', 'x,y']);
    expect(ignored).toEqual([]);
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

  it('asks for a range of the time that was chosen, and for all values of lists', () => {
    const asked = (query: string) => conditionsOf(parseFilter(query), settings, now);
    const none = { createdAfter: null, createdBefore: null, startedAfter: null };
    const from = '2026-03-01T00:00:00.000Z';
    expect(asked(`?finished=${from}..`)).toMatchObject({
      ...none,
      startedBefore: null,
      finishedAfter: from,
      finishedBefore: null,
    });
    expect(asked(`?started=hour`)).toMatchObject({
      startedAfter: '2026-03-29T11:00:00.000Z',
      finishedAfter: null,
    });
    expect(
      asked(
        `?not-state=completed&configuration=${id},${other}&agent=${other}&provider=jira&priority=0` +
          '&message=refused&min-duration=90s&max-duration=2h',
      ),
    ).toMatchObject({
      states: [],
      excludeStates: ['COMPLETED'],
      configurationIds: [id, other],
      agentIds: [other],
      providers: ['jira'],
      priority: 0,
      messageContains: 'refused',
      minDuration: 90_000,
      maxDuration: 7_200_000,
    });
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
  expect(viewOf(parseFilter('?not-state=failed'))).toBeUndefined();
  expect(isNarrowed(parseFilter('?state=failed'))).toBe(false);
  for (const query of [
    'created=today',
    'priority=0',
    'provider=jira',
    'min-duration=0s',
    'message=x',
    `agent=${id}`,
    'not-state=completed',
  ]) {
    expect([query, isNarrowed(parseFilter(`?${query}`))]).toEqual([query, true]);
  }
});

it('a range of what a view is about follows to the next view', () => {
  const failed = { states: ['FAILED'], isScheduled: false } as const;
  const running = { states: ['EXECUTING'], isScheduled: false } as const;
  const after = (query: string, changes: Parameters<typeof changed>[1]) =>
    formatFilter(changed(parseFilter(query), changes));
  expect(after('?created=yesterday&page=3', failed)).toBe('?state=failed&finished=yesterday');
  expect(after('?state=failed&finished=week', running)).toBe('?state=executing&started=week');
  expect(after('?state=executing&started=week', { isScheduled: true, states: [] })).toBe(
    '?scheduled=1&created=week',
  );
  // What was chosen otherwise stays.
  expect(after('?state=failed&created=week', running)).toBe('?state=executing&created=week');
  expect(after('?finished=week', running)).toBe('?state=executing&finished=week');
  expect(after('?state=failed', running)).toBe('?state=executing');
  expect(after('?state=queued,failed&created=week', { states: ['FAILED'] })).toBe(
    '?state=failed&created=week',
  );
  expect(after('?finished=week', { time: 'started' })).toBe('?started=week');
});
