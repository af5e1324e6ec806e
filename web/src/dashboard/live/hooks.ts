import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { request } from '../data/client';
import { jobCountsLive, jobCountsNow } from '../data/documents';
import { connection, type Mode } from './connection';

export function useMode(): Mode {
  return useSyncExternalStore(connection.subscribe, connection.getMode);
}

export function useTrouble() {
  return useSyncExternalStore(connection.subscribe, connection.getTrouble);
}

/** Keeps the counts of a configuration, or of all jobs, as the server tells them. */
export function useFollowCounts(configurationId: string | null, isEnabled = true): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!isEnabled) return;
    const key = ['counts', configurationId];
    const variables = { configurationId };
    return connection.watch({
      document: jobCountsLive,
      variables,
      isMinor: true,
      next: (data) => client.setQueryData(key, data.jobCounts),
      poll: async (signal) => {
        const data = await request(jobCountsNow, variables, signal);
        client.setQueryData(key, data.jobCounts);
      },
    });
  }, [client, configurationId, isEnabled]);
}

/** How often to ask for what no subscription tells; never while the page is held still. */
export function useEvery(milliseconds: number): number | false {
  return useMode() === 'paused' ? false : milliseconds;
}
