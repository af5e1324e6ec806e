/** The order in which agents get the jobs that wait. */
import type { ListedJob } from '../data/types';

type Waiting = Pick<ListedJob, 'id' | 'priority' | 'scheduledDate' | 'createdDate'>;

const dueAt = ({ scheduledDate, createdDate }: Waiting) => Date.parse(scheduledDate ?? createdDate);

/**
 * The first page of a list by due time as jobs are claimed: those that are due by priority first, then those
 * that are not. Unless all that are due are on the page, it stays as it is: another page may have a higher
 * priority.
 */
export function inClaimOrder<J extends Waiting>(
  jobs: readonly J[],
  isWhole: boolean,
  now: number,
): readonly J[] {
  const due = jobs.filter((job) => dueAt(job) <= now);
  if (due.length === jobs.length && !isWhole) return jobs;
  due.sort((a, b) => b.priority - a.priority || dueAt(a) - dueAt(b) || (a.id < b.id ? -1 : 1));
  return [...due, ...jobs.filter((job) => dueAt(job) > now)];
}
