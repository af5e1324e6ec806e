import { expect, it } from 'vitest';
import { daily } from './trend';

it('a trend has a number for each of 30 days, today last, and 0 where the API tells nothing', () => {
  const now = Date.parse('2026-11-27T14:20:00Z');
  const days = daily(
    [
      { day: '2026-11-27T00:00:00Z', count: 4 },
      { day: '2026-11-25T00:00:00Z', count: 9 },
      { day: '2025-01-01T00:00:00Z', count: 100 },
    ],
    now,
  );
  expect(days.length).toBe(30);
  expect(days.slice(-3).map(({ n }) => n)).toEqual([9, 0, 4]);
  expect(days.reduce((sum, { n }) => sum + n, 0)).toBe(13);
});
