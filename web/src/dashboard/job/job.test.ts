import { expect, it } from 'vitest';
import type { FullRun } from '../data/types';
import { groups } from './field-names';
import { lanesOf, ticks } from './lanes';
import { addSample, ratesOf, type Sample } from './samples';

const minute = (n: number) => n * 60_000;
const at = (n: number) => new Date(minute(n)).toISOString();

const run = (fields: Partial<FullRun>): FullRun =>
  ({
    agentQueuedDate: null,
    agentStartTime: null,
    agentEndTime: null,
    agentLastSubmittedDate: null,
    updateDate: null,
    processingState: null,
    processingQueuedDate: null,
    processingStartTime: null,
    processingEndTime: null,
    processingUpdatedDate: null,
    ...fields,
  }) as FullRun;

it('the lanes of a run that goes on end now', () => {
  const fields = { agentQueuedDate: at(0), agentStartTime: at(2), agentLastSubmittedDate: at(5) };
  expect(lanesOf(run(fields), true, minute(10))).toEqual({
    from: 0,
    to: minute(10),
    agent: [
      { kind: 'waiting', from: 0, to: minute(2), isOpen: false },
      { kind: 'working', from: minute(2), to: minute(10), isOpen: true },
    ],
    processing: [],
    lastSubmitted: minute(5),
    isWaitCut: false,
  });
});

it('a long wait does not flatten the run', () => {
  const fields = { agentQueuedDate: at(0), agentStartTime: at(76), agentEndTime: at(77) };
  expect(lanesOf(run(fields), false, minute(99))).toMatchObject({
    from: minute(76),
    to: minute(77),
    isWaitCut: true,
  });
});

it('nothing is known after the last report of a silent agent', () => {
  const fields = { agentStartTime: at(0), updateDate: at(5), isStale: true };
  expect(lanesOf(run(fields), true, minute(65))?.agent).toEqual([
    { kind: 'working', from: 0, to: minute(5), isOpen: false },
    { kind: 'silent', from: minute(5), to: minute(65), isOpen: true },
  ]);
});

it('the lanes of a run without an end stop at its last report', () => {
  const lanes = lanesOf(run({ agentStartTime: at(2), updateDate: at(4) }), false, minute(99));
  expect(lanes?.agent).toEqual([
    { kind: 'working', from: minute(2), to: minute(4), isOpen: false },
  ]);
  expect(lanesOf(run({}), true, minute(1))).toBeUndefined();
});

it('ticks are round moments, and not too many', () => {
  for (const span of [1, 10, 60, 600, 3_600, 86_400, 9e5, 1e8].map((seconds) => seconds * 1_000)) {
    const { at, step } = ticks(1_234_567, 1_234_567 + span, 6, 0);
    expect(at.length).toBeLessThanOrEqual(7);
    expect(at.every((moment) => moment % step === 0)).toBe(true);
  }
  // Midnight in a zone of its own, not in UTC.
  const offset = 5.5 * 3_600_000;
  const { at: days } = ticks(0, 5 * 86_400_000, 6, offset);
  expect(days[0]).toBe(86_400_000 - offset);
});

it('a rate covers a window, and begins anew when a counter falls back', () => {
  let samples: readonly Sample[] = [];
  const add = (second: number, tasks: number | null) => {
    samples = addSample(samples, { at: second * 1_000, tasks, clues: null });
  };
  add(0, 0);
  add(5, 10);
  add(5, 99);
  add(30, 60);
  expect(ratesOf(samples, 'tasks')).toEqual([
    { at: 5_000, rate: 120 },
    { at: 30_000, rate: 120 },
  ]);
  expect(ratesOf(samples, 'clues')).toEqual([]);
  add(35, 5);
  add(40, 10);
  expect(ratesOf(samples, 'tasks').at(-1)).toEqual({ at: 40_000, rate: 60 });
});

it('the table has all 42 fields, once each', () => {
  const names = groups.flatMap(([, names]) => names);
  expect(new Set(names).size).toBe(42);
  expect(names.length).toBe(42);
});
