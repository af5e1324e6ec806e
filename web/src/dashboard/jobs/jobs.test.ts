import { expect, it } from 'vitest';
import { statesFor } from './actions';
import { columnsFor } from './columns';
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
