import { expect, it } from 'vitest';
import { partsOf, progressOf } from './parts';

it('what the parts leave of a total is unaccounted', () => {
  expect(
    partsOf(10, [
      ['a', 'a', 4],
      ['b', 'b', 3],
    ]),
  ).toMatchObject({ unaccounted: 3, excess: null });
  expect(
    partsOf(7, [
      ['a', 'a', 4],
      ['b', 'b', 3],
    ]),
  ).toMatchObject({ unaccounted: null, excess: null });
  expect(
    partsOf(5, [
      ['a', 'a', 4],
      ['b', 'b', 3],
    ]),
  ).toMatchObject({ unaccounted: null, excess: 2 });
});

it('makes nothing up for what is not known', () => {
  const none = partsOf(null, [
    ['a', 'a', 4],
    ['b', 'b', null],
  ]);
  expect(none).toMatchObject({ total: null, unaccounted: null, excess: null });
  expect(none.parts.map(({ value }) => value)).toEqual([4, null]);
  // That no part is known does not say that all is unaccounted for.
  expect(partsOf(9, [['a', 'a', null]]).unaccounted).toBeNull();
});

it('progress is the agent’s account, or its tasks, or not known', () => {
  expect(progressOf(null)).toBeNull();
  expect(progressOf({})).toBeNull();
  expect(progressOf({ agentPercentCompleted: 34.2, agentExpectedTasksCount: 4 })).toBe(34.2);
  expect(progressOf({ agentPercentCompleted: 140 })).toBe(100);
  const tasks = { agentExpectedTasksCount: 200, agentTasksCompletedCount: 49 };
  expect(progressOf(tasks)).toBe(24.5);
  expect(progressOf({ ...tasks, agentTasksFailedCount: 1 })).toBe(25);
  expect(progressOf({ ...tasks, agentExpectedTasksCount: 0 })).toBeNull();
});

it('never says 100 % by itself', () => {
  const all = { agentExpectedTasksCount: 10, agentTasksCompletedCount: 12 };
  expect(progressOf(all)).toBe(99.9);
});
