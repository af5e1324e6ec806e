import { expect, it } from 'vitest';
import { noteErrors } from '../data/errors';
import type { ListedJob } from '../data/types';
import { statesFor } from './actions';
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

it('what is done to all that match leaves out what it was done to', () => {
  expect(statesFor('cancel', [])).not.toContain('CANCELLING');
  expect(statesFor('cancel', ['CANCELLING', 'FAILED'])).toEqual([]);
  expect(statesFor('retry', [])).toEqual(['FAILED', 'CANCELLED']);
  expect(statesFor('retry', ['COMPLETED', 'EXECUTING'])).toEqual(['COMPLETED']);
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
