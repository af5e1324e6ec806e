import { expect, it } from 'vitest';
import { inClaimOrder } from './claim-order';

it('jobs that are due come by priority, then those that are not', () => {
  const at = (n: number) => new Date(n * 60_000).toISOString();
  const job = (id: string, priority: number, due: number, isScheduled = false) => ({
    id,
    priority,
    createdDate: at(isScheduled ? 0 : due),
    scheduledDate: isScheduled ? at(due) : null,
  });
  const jobs = [
    job('low', 0, 1),
    job('high and late', 4, 5),
    job('high', 4, 3),
    job('scheduled', 2, 9, true),
    job('not due', 4, 20, true),
  ];
  const ids = (isWhole: boolean, now: number) =>
    inClaimOrder(jobs, isWhole, now * 60_000).map(({ id }) => id);
  const claimed = ['high', 'high and late', 'scheduled', 'low', 'not due'];
  expect(ids(false, 10)).toEqual(claimed);
  expect(ids(true, 10)).toEqual(claimed);
  // What is on other pages may be due as well.
  expect(ids(false, 30)).toEqual(jobs.map(({ id }) => id));
  expect(ids(true, 30)[0]).toBe('high');
});
