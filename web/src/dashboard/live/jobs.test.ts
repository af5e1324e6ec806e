// @vitest-environment node
import { beforeEach, expect, it, vi } from 'vitest';
import type { LiveJob } from '../data/types';
import { LiveJobs } from './jobs';

const frames: (() => void)[] = [];

beforeEach(() => {
  frames.length = 0;
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
  vi.stubGlobal('cancelAnimationFrame', () => {});
});

const nextFrame = () => {
  for (const run of frames.splice(0)) run();
};

const job = (id: string, percent = 0, started = '2026-05-01T00:00:00Z') =>
  ({
    id,
    state: 'EXECUTING',
    currentRun: { agentPercentCompleted: percent, agentStartTime: started },
  }) as LiveJob;

const update = (jobs: LiveJob[], removed: { id: string; state: 'FAILED' }[] = []) => ({
  isSnapshot: false,
  jobs,
  removed,
});

it('tells each listener once a frame, and only of its own job', () => {
  const jobs = new LiveJobs();
  const [a, b, order] = [vi.fn(), vi.fn(), vi.fn()];
  jobs.subscribe('a', a);
  jobs.subscribe('b', b);
  jobs.subscribeOrder(order);
  jobs.apply({ isSnapshot: true, jobs: [job('a'), job('b')], removed: [] });
  nextFrame();
  const ids = jobs.ids();
  expect([a, b, order].map((each) => each.mock.calls.length)).toEqual([1, 1, 1]);
  for (let percent = 1; percent <= 50; percent += 1) jobs.apply(update([job('a', percent)]));
  expect(frames.length).toBe(1);
  nextFrame();
  expect([a, b, order].map((each) => each.mock.calls.length)).toEqual([2, 1, 1]);
  expect(jobs.get('a')?.currentRun?.agentPercentCompleted).toBe(50);
  expect(jobs.ids()).toBe(ids);
});

it('orders by when jobs began, and forgets removed jobs', () => {
  const jobs = new LiveJobs();
  const late = job('late', 0, '2026-05-03T00:00:00Z');
  const early = job('early', 0, '2026-05-02T00:00:00Z');
  jobs.apply({ isSnapshot: true, jobs: [late, early], removed: [] });
  nextFrame();
  expect(jobs.ids()).toEqual(['early', 'late']);
  const stop = jobs.subscribe('early', () => {});
  jobs.apply(update([], [{ id: 'early', state: 'FAILED' }]));
  jobs.apply(update([], [{ id: 'late', state: 'FAILED' }]));
  nextFrame();
  expect(jobs.ids()).toEqual([]);
  // Only what is shown is remembered.
  expect([jobs.leftTo('early'), jobs.leftTo('late')]).toEqual(['FAILED', undefined]);
  stop();
  expect(jobs.leftTo('early')).toBeUndefined();
});

it('a snapshot replaces all that was known', () => {
  const jobs = new LiveJobs();
  jobs.apply({ isSnapshot: true, jobs: [job('a'), job('b')], removed: [] });
  jobs.apply({ isSnapshot: true, jobs: [job('c')], removed: [] });
  nextFrame();
  expect(jobs.ids()).toEqual(['c']);
  expect(jobs.get('a')).toBeUndefined();
});

it('also tells in a tab that draws no frames', () => {
  const jobs = new LiveJobs();
  const told = vi.fn();
  jobs.subscribe('a', told);
  jobs.apply(update([job('a')]));
  vi.advanceTimersByTime(1_000);
  expect(told).toHaveBeenCalledTimes(1);
});
