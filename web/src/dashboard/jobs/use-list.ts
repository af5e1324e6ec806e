import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { request } from '../data/client';
import { jobList } from '../data/documents';
import { isActive } from '../data/states';
import type { Counts, JobPage } from '../data/types';
import { useMode } from '../live/hooks';
import { getSettings, useSettings } from '../settings/settings';
import { type Filter, variablesOf } from './filter';

/** A list that is not in use follows changes, at most this often. */
const REFRESH = 2_000;
/** States that no subscription tells of are asked for this often. */
const POLL = 5_000;
/** For this long after a movement over the list, the user counts as reading it. */
const READING = 8_000;

/**
 * One page of the list. Jobs that execute change in their rows, by the subscription. Who comes and
 * goes is asked for again when the counts change, but not under the hands of a user who reads
 * or selects: they are told that there is news, and decide.
 */
export function useJobList(filter: Filter, counts: Counts | undefined, isBusy: boolean) {
  const mode = useMode();
  const { zone } = useSettings();
  const [hasNews, setNews] = useState(false);
  const { columns: _, ...asked } = filter;
  const query = useQuery({
    queryKey: ['jobs', asked, zone],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<JobPage> =>
      (await request(jobList, variablesOf(filter, getSettings(), Date.now()), signal)).jobs,
  });
  const movedAt = useRef(0);
  const busy = useRef(isBusy);
  busy.current = isBusy;
  const { refetch, dataUpdatedAt } = query;
  const updatedAt = useRef(dataUpdatedAt);
  updatedAt.current = dataUpdatedAt;
  const isLive = mode !== 'paused' && mode !== 'offline';
  const isFree = useCallback(() => !busy.current && Date.now() - movedAt.current > READING, []);

  // Something came, went or changed its state.
  const sign = counts ? JSON.stringify(counts) : '';
  const seen = useRef(sign);
  const [isDue, setDue] = useState(false);
  useEffect(() => {
    if (sign && seen.current && sign !== seen.current) setDue(true);
    seen.current = sign || seen.current;
  }, [sign]);
  const hasOthers = Boolean(
    query.data?.items.some(({ state }) => isActive(state) && state !== 'EXECUTING'),
  );
  useEffect(() => {
    if (!isLive) return;
    const timer = setInterval(() => {
      const age = Date.now() - updatedAt.current;
      const isWanted = (isDue && age > REFRESH) || (hasOthers && age > POLL);
      if (!isWanted || document.visibilityState === 'hidden') return;
      if (isFree()) {
        setDue(false);
        setNews(false);
        void refetch();
      } else if (isDue) {
        setNews(true);
      }
    }, 500);
    return () => clearInterval(timer);
  }, [isLive, isDue, hasOthers, isFree, refetch]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page has no news yet.
  useEffect(() => {
    setNews(false);
    setDue(false);
  }, [JSON.stringify(asked)]);

  return {
    ...query,
    hasNews,
    showNews: () => {
      setNews(false);
      setDue(false);
      void refetch();
    },
    /** To be called when the user moves over the list. */
    touch: () => {
      movedAt.current = Date.now();
    },
  };
}
