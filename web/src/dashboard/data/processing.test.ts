import { expect, test } from 'vitest';
import { lossOf } from './processing';

const run = (
  processingState: 'COMPLETED' | 'FAILED' | 'EXECUTING' | null,
  submitted: number | null,
  received: number | null,
) => ({
  processingState,
  agentCluesCompletedCount: submitted,
  processingTasksReceivedCluesCount: received,
});

test('failed processing and missing clues are a loss', () => {
  expect(lossOf(run('FAILED', null, null))).toEqual({ isFailed: true, missing: 0 });
  expect(lossOf(run('FAILED', 10, 4))).toEqual({ isFailed: true, missing: 6 });
  expect(lossOf(run('COMPLETED', 10, 4))).toEqual({ isFailed: false, missing: 6 });
});

test('clues in transit, clues that are not counted, and more clues than submitted are none', () => {
  expect(lossOf(run('EXECUTING', 10, 4))).toBeNull();
  expect(lossOf(run(null, 10, 4))).toBeNull();
  expect(lossOf(run('COMPLETED', 10, null))).toBeNull();
  expect(lossOf(run('COMPLETED', null, 4))).toBeNull();
  expect(lossOf(run('COMPLETED', 4, 10))).toBeNull();
  expect(lossOf(null)).toBeNull();
});
