import { expect, it } from 'vitest';
import { noteErrors } from '../data/errors';
import type { ListedJob } from '../data/types';
import { includedKinds, planForJobs } from './actions/plan';
import { cellError, columns, columnsFor } from './columns';
import { cell } from './csv';

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
    columnsFor({ states, isScheduled: false, columns: undefined }, width).map(({ key }) => key);
  expect(keys(720, ['FAILED'])).toContain('message');
  expect(keys(720, ['FAILED'])).not.toContain('clues');
  expect(keys(1_400, [])).toContain('clues');
  expect(keys(1_400, ['QUEUED'])).toContain('scheduled');
  const chosen = { states: [], isScheduled: false, columns: ['id'] };
  expect(columnsFor(chosen, 300).map(({ key }) => key)).toEqual(['job', 'id']);
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
