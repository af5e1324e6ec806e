import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { NONE } from '../format/number';
import { request } from './client';
import { agentNames, configurationNames, failureGroupTitle, jobCountsNow } from './documents';
import type { Counts } from './types';

/** Lists for choosing from are read whole, but not without end. */
const PAGES = 10;

export interface Named {
  id: string;
  name: string;
  hint?: string | undefined;
}

/** The digits of an id that tell it from others: the first of a UUIDv7 are a time. */
export const lastDigits = (id: string): string => `…${id.slice(-12)}`;

/** What to call something that has no name. */
export function nameOf(thing: { id: string; name: string | null } | null | undefined): string {
  if (!thing) return NONE;
  return thing.name ?? lastDigits(thing.id);
}

export function useConfigurationNames(isEnabled = true) {
  return useQuery({
    queryKey: ['configuration-names'],
    enabled: isEnabled,
    staleTime: 300_000,
    queryFn: async ({ signal }): Promise<Named[]> => {
      const all: Named[] = [];
      for (let page = 0; page < PAGES; page += 1) {
        const { configurations } = await request(configurationNames, { page }, signal);
        for (const item of configurations.items) {
          all.push({ id: item.id, name: nameOf(item), hint: item.provider ?? undefined });
        }
        if (!configurations.hasNextPage) break;
      }
      return all;
    },
  });
}

export function useAgentNames(isEnabled = true) {
  return useQuery({
    queryKey: ['agent-names'],
    enabled: isEnabled,
    staleTime: 300_000,
    queryFn: async ({ signal }): Promise<Named[]> => {
      const all: Named[] = [];
      for (let page = 0; page < PAGES; page += 1) {
        const { agents } = await request(agentNames, { page }, signal);
        for (const item of agents.items) all.push({ id: item.id, name: nameOf(item) });
        if (!agents.hasNextPage) break;
      }
      return all;
    },
  });
}

/** The title of a failure group; undefined while it is not known, or if there is none. */
export function useFailureGroupTitle(id: string | undefined): string | undefined {
  const { data } = useQuery({
    queryKey: ['failure-group-title', id],
    enabled: id !== undefined,
    staleTime: 300_000,
    queryFn: async ({ signal }) =>
      id ? (await request(failureGroupTitle, { id }, signal)).failureGroup : null,
  });
  return data?.title;
}

export function useCounts(configurationId: string | null, isEnabled = true) {
  return useQuery({
    queryKey: ['counts', configurationId],
    enabled: isEnabled,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Counts> =>
      (await request(jobCountsNow, { configurationId }, signal)).jobCounts,
  });
}
