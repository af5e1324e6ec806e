import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { request } from '../data/client';
import { jobDetail, jobRunLive, jobRunNow } from '../data/documents';
import { isUuid } from '../data/ids';
import { isActive, isOver } from '../data/states';
import type { FullRun, JobDetail, JobState } from '../data/types';
import { connection } from '../live/connection';
import { useEvery } from '../live/hooks';

/** A job with its runs and history. No subscription tells of these, so they are asked for. */
export function useJob(id: string, take: number) {
  const often = useEvery(4_000);
  const seldom = useEvery(15_000);
  return useQuery<JobDetail | null>({
    queryKey: ['job', id, take],
    // More of its runs do not empty the page.
    placeholderData: (before) => (before?.id === id ? before : undefined),
    enabled: isUuid(id),
    refetchInterval: ({ state }) => {
      if (state.data === null) return false;
      return state.data && isOver(state.data.state) ? seldom : often;
    },
    queryFn: async ({ signal }) => (await request(jobDetail, { id, take }, signal)).job,
  });
}

/**
 * A run in full, as it goes on. The id of a job stands for its current run, so `attempt`, which
 * run that is, is needed to notice a new one.
 */
export function useRun(id: string, attempt: string | null | undefined) {
  const client = useQueryClient();
  const query = useQuery({
    queryKey: ['run', id, attempt],
    enabled: isUuid(id) && attempt !== undefined,
    queryFn: async ({ signal }): Promise<FullRun | null> =>
      (await request(jobRunNow, { id }, signal)).jobRun,
  });
  useEffect(() => {
    if (!isUuid(id) || attempt === undefined) return;
    const key = ['run', id, attempt];
    const take = (run: FullRun | null) => {
      const before = client.getQueryData<FullRun | null>(key);
      client.setQueryData(key, run);
      // The job's own row, its runs and its history have moved on, too.
      if (
        before !== undefined &&
        (before?.agentState !== run?.agentState || before?.id !== run?.id)
      ) {
        void client.invalidateQueries({ queryKey: ['job'] });
      }
    };
    return connection.watch({
      document: jobRunLive,
      variables: { id },
      next: (data) => take(data.jobRun),
      poll: async (signal) => take((await request(jobRunNow, { id }, signal)).jobRun),
    });
  }, [client, id, attempt]);
  return query;
}

/** Where the job stands: as its run tells, unless it was queued again since. */
export function stateOf(job: JobDetail, run: FullRun | null | undefined): JobState {
  if (!run || run.id !== job.currentRunId) return job.state;
  if (job.state === 'QUEUED' && isOver(run.agentState)) return job.state;
  return run.agentState;
}

/** When a job that waits is to run, unless it was queued again since. */
export function dueOf({ scheduledDate, queuedDate, runs }: JobDetail): string | undefined {
  if (!scheduledDate) return undefined;
  const isRequeued =
    runs.length > 0 && queuedDate !== null && Date.parse(queuedDate) > Date.parse(scheduledDate);
  return isRequeued ? undefined : scheduledDate;
}

/** Whether anything of the run still goes on. */
export function isGoingOn(run: FullRun | null | undefined): boolean {
  if (!run) return false;
  const { agentState, processingState } = run;
  return isActive(agentState) || processingState === 'QUEUED' || processingState === 'EXECUTING';
}
