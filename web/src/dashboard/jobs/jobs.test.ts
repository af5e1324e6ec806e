import { expect, it } from 'vitest';
import { noteErrors } from '../data/errors';
import type { ListedJob } from '../data/types';
import { parseSettings } from '../settings/settings';
import { includedKinds, planForJobs } from './actions/plan';
import { parseFilter } from './address';
import { type Column, cellError, columns, columnsFor } from './columns';
import { cell, fieldsFor, fileName, moment } from './csv';
import { type Sort, sortKeys } from './filter';

it('a value of a CSV file is quoted where it must be, and is never a formula', () => {
  expect(['a,b', 'say "x"', 'two\nlines', '=1+1', '-5', '@x', 'plain'].map(cell)).toEqual([
    '"a,b"',
    '"say ""x"""',
    '"two\nlines"',
    "'=1+1",
    "'-5",
    "'@x",
    'plain',
  ]);
  expect([null, undefined, 0, -5].map(cell)).toEqual(['', '', '0', '-5']);
});

it('jobs that were selected are sorted into what can be done and what is left out', () => {
  const states = ['FAILED', 'COMPLETED', 'QUEUED', 'EXECUTING', 'CANCELLING'] as const;
  const jobs = states.map((state) => ({ id: state, name: state, state }));
  const later = { id: 'later', name: 'later', state: 'QUEUED' as const };
  const now = Date.parse('2026-05-01T00:00:00Z');
  const all = [...jobs, { ...later, scheduledDate: '2026-05-02T00:00:00Z' }];
  const told = (action: 'retry' | 'cancel') => {
    const { parts, skipped } = planForJobs(action, all, now);
    return [parts.map(({ kind, n }) => [kind, n]), skipped.map(({ reason, n }) => [reason, n])];
  };
  expect(told('retry')).toEqual([
    [
      ['FAILED', 1],
      ['COMPLETED', 1],
    ],
    [['notFinished', 4]],
  ]);
  expect(told('cancel')).toEqual([
    [
      ['QUEUED', 1],
      ['EXECUTING', 1],
      ['SCHEDULED', 1],
    ],
    [
      ['finished', 2],
      ['cancelling', 1],
    ],
  ]);
});

it('a retry includes cancelled and completed jobs only where they are named or chosen', () => {
  const plan = (...states: ('FAILED' | 'CANCELLED' | 'COMPLETED')[]) =>
    planForJobs(
      'retry',
      states.map((state) => ({ id: state, name: state, state })),
      0,
    );
  const all = plan('FAILED', 'CANCELLED', 'COMPLETED');
  expect([...includedKinds('retry', all, [], false)]).toEqual(['FAILED']);
  expect([...includedKinds('retry', all, ['CANCELLED'], false)]).toEqual(['FAILED', 'CANCELLED']);
  expect([...includedKinds('retry', plan('COMPLETED'), [], false)]).toEqual([]);
  expect([...includedKinds('retry', plan('COMPLETED'), [], true)]).toEqual(['COMPLETED']);
});

it('a narrow table has the columns that matter most', () => {
  const keys = (width: number, states: ('FAILED' | 'QUEUED')[]) =>
    columnsFor({ states, isScheduled: false, columns: undefined, sort: undefined }, width).map(
      ({ key }) => key,
    );
  expect(keys(720, ['FAILED'])).toContain('message');
  expect(keys(720, ['FAILED'])).not.toContain('clues');
  expect(keys(1_400, [])).toContain('clues');
  expect(keys(1_400, ['QUEUED'])).toContain('scheduled');
});

it('the column that a list is sorted by is shown, whatever was chosen or fits', () => {
  const keys = (sort: Sort | undefined, columns: string[] | undefined, isScheduled = false) =>
    columnsFor({ states: [], isScheduled, columns, sort }, 300).map(({ key }) => key);
  expect(keys(undefined, ['id'])).toEqual(['job', 'created', 'id']);
  expect(keys('changed', ['id'])).toEqual(['job', 'changed', 'id']);
  expect(keys('name-down', ['id'])).toEqual(['job', 'id']);
  expect(keys(undefined, ['id'], true)).toEqual(['job', 'scheduled', 'id']);
  for (const sort of sortKeys) {
    const shown = columnsFor({ states: [], isScheduled: false, columns: undefined, sort }, 300);
    const isOf = ({ sort: own }: Column) => own?.ascending === sort || own?.descending === sort;
    expect([sort, shown.some(isOf)]).toEqual([sort, true]);
  }
});

it('a page about an agent has no column of agents, and twelve hours take more room', () => {
  const any = { states: [], isScheduled: false, columns: undefined, sort: undefined };
  const keys = (options: Parameters<typeof columnsFor>[2]) =>
    columnsFor(any, 1_360, options).map(({ key }) => key);
  expect(keys({})).toContain('agent');
  expect(keys({ fixed: 'agent' })).not.toContain('agent');
  expect(keys({ hours: '12' }).length).toBeLessThan(keys({ hours: '24' }).length);
});

it('a file is named after what it has', () => {
  const settings = { ...parseSettings(null), zone: 'Europe/Berlin' };
  const now = Date.parse('2026-05-01T12:34:56Z');
  const named = (query: string) => fileName(parseFilter(query), settings, now);
  expect(named('')).toBe('jobs-2026-05-01-1434.csv');
  expect(named('?state=failed,execution-completed')).toBe(
    'jobs-failed-execution-completed-2026-05-01-1434.csv',
  );
  expect(named('?scheduled=1')).toBe('jobs-scheduled-2026-05-01-1434.csv');
});

it('a cell is marked for the fields that it shows, and for a run that could not be read', () => {
  const markedFor = (job: object, path: (string | number)[]) => {
    const data = { jobs: { items: [job] } };
    noteErrors(data, [{ message: 'bad', path: ['jobs', 'items', 0, ...path] }]);
    const listed = job as ListedJob;
    const row = { job: listed, state: listed.state, run: listed.currentRun };
    return columns.filter((column) => cellError(row, column)).map(({ key }) => key);
  };
  const run = { agentTasksCount: null, agentTasksFailedCount: null, agentCluesCount: 3 };
  expect(markedFor({ currentRun: { ...run } }, ['currentRun', 'agentTasksCount'])).toEqual([
    'tasks',
  ]);
  expect(markedFor({ currentRun: { ...run } }, ['currentRun', 'agentTasksFailedCount'])).toEqual([
    'progress',
    'tasks',
  ]);
  expect(markedFor({ configuration: null }, ['configuration', 'id'])).toEqual(['job']);
  const ofRun = markedFor({ currentRun: null }, ['currentRun', 'agent', 'id']);
  expect(ofRun).toContain('progress');
  expect(ofRun).not.toContain('state');
});

it('moments in a file are in UTC, as spreadsheets read them', () => {
  expect(moment('2026-05-01T10:22:33.548001+02:00')).toBe('2026-05-01 08:22:33');
  expect(moment(null)).toBeNull();
  expect(moment(undefined)).toBeUndefined();
});

it('a file has the chosen columns, or all', () => {
  const names = (query: string) => fieldsFor(parseFilter(query)).map(({ name }) => name);
  expect(names('?columns=state,clues')).toEqual([
    'JobId',
    'Name',
    'State',
    'ConfigurationId',
    'Configuration',
    'Provider',
    'AgentCluesCount',
    'AgentCluesCompletedCount',
  ]);
  const all = names('');
  expect(new Set(all).size).toBe(all.length);
  // Every column of the list has its fields in the file.
  for (const { key } of columns) {
    expect([key, names(`?columns=${key}`).length > (key === 'job' ? 4 : 5)]).toEqual([key, true]);
  }
});
