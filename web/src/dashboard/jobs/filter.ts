/** What the list of jobs shows, as the page's address says it: a link shows the same. */

import type { jobList } from '../data/documents';
import type { VariablesOf } from '../data/graphql';
import { isUuid } from '../data/ids';
import { states as allStates, finished, running } from '../data/states';
import type { JobState } from '../data/types';
import { startOfDay } from '../format/time';
import type { Settings } from '../settings/settings';

export const ranges = {
  hour: 'Last hour',
  today: 'Today',
  yesterday: 'Since yesterday',
  week: 'Last 7 days',
  month: 'Last 30 days',
} as const;
export type Range = keyof typeof ranges;

export const sorts = {
  newest: ['Newest first', 'CREATED_DATE', 'DESC'],
  oldest: ['Oldest first', 'CREATED_DATE', 'ASC'],
  changed: ['Changed last first', 'UPDATE_DATE', 'DESC'],
  unchanged: ['Changed last at the end', 'UPDATE_DATE', 'ASC'],
  name: ['Name, A to Z', 'NAME', 'ASC'],
  'name-down': ['Name, Z to A', 'NAME', 'DESC'],
} as const;
export type Sort = keyof typeof sorts;

export const pageSizes = [25, 50, 100, 200] as const;

export interface Filter {
  states: readonly JobState[];
  /** Only what is scheduled for later. */
  isScheduled: boolean;
  configurationId: string | undefined;
  agentId: string | undefined;
  search: string;
  /** A time range that moves on; or one that stays, below. */
  range: Range | undefined;
  from: string | undefined;
  to: string | undefined;
  sort: Sort;
  /** From 1. */
  page: number;
  take: number;
  /** The columns that were chosen; undefined: those that fit. */
  columns: readonly string[] | undefined;
}

const known = new Set<string>(allStates.map(({ state }) => state));

function momentOf(text: string | null): string | undefined {
  if (!text || Number.isNaN(Date.parse(text))) return undefined;
  return new Date(text).toISOString();
}

/** Reads an address. What makes no sense there is as if it were not. */
export function parseFilter(query: string): Filter {
  const params = new URLSearchParams(query);
  const id = (name: string) => {
    const text = params.get(name);
    return text && isUuid(text) ? text : undefined;
  };
  const key = <T extends string>(name: string, options: Record<T, unknown>): T | undefined => {
    const text = params.get(name);
    return text && Object.hasOwn(options, text) ? (text as T) : undefined;
  };
  const number = (name: string) => {
    const n = Number(params.get(name));
    return Number.isSafeInteger(n) && n > 0 ? n : undefined;
  };
  const named = (params.get('state') ?? '').toUpperCase().replaceAll('-', '_').split(',');
  const range = key('created', ranges);
  const take = number('size');
  // The API counts pages with 32 bits.
  const page = Math.min(number('page') ?? 1, 10_000_000);
  const columns = params.get('columns');
  return {
    states: allStates.map(({ state }) => state).filter((state) => named.includes(state)),
    isScheduled: params.get('scheduled') === '1',
    configurationId: id('configuration'),
    agentId: id('agent'),
    search: (params.get('q') ?? '').slice(0, 200),
    range,
    from: range ? undefined : momentOf(params.get('from')),
    to: range ? undefined : momentOf(params.get('to')),
    sort: key('sort', sorts) ?? 'newest',
    page,
    take: pageSizes.find((size) => size === take) ?? 50,
    columns: columns === null ? undefined : columns.split(',').filter(Boolean),
  };
}

/** The same as an address, without what is as usual. */
export function formatFilter(filter: Filter): string {
  const params = new URLSearchParams();
  const set = (name: string, value: string | number | undefined) => {
    if (value !== undefined && value !== '') params.set(name, String(value));
  };
  const names = filter.states.filter((state) => known.has(state));
  set('state', names.map((state) => state.toLowerCase().replaceAll('_', '-')).join(','));
  set('scheduled', filter.isScheduled ? 1 : undefined);
  set('configuration', filter.configurationId);
  set('agent', filter.agentId);
  set('q', filter.search);
  set('created', filter.range);
  set('from', filter.from);
  set('to', filter.to);
  set('sort', filter.sort === 'newest' ? undefined : filter.sort);
  set('page', filter.page > 1 ? filter.page : undefined);
  set('size', filter.take === 50 ? undefined : filter.take);
  if (filter.columns) params.set('columns', filter.columns.join(','));
  // Commas need no escape in a query, and links are read by people.
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
  return text ? `?${text}` : '';
}

/** When a range that moves on begins. */
export function rangeStart(range: Range, settings: Settings, now: number): string {
  const HOUR = 3_600_000;
  switch (range) {
    case 'hour':
      return new Date(now - HOUR).toISOString();
    case 'today':
      return startOfDay(settings, now);
    case 'yesterday':
      return startOfDay(settings, now, 1);
    case 'week':
      return new Date(now - 7 * 24 * HOUR).toISOString();
    case 'month':
      return new Date(now - 30 * 24 * HOUR).toISOString();
  }
}

type Variables = VariablesOf<typeof jobList>;
export type Conditions = Omit<Variables, 'page' | 'take' | 'orderBy'>;

/** What the API is asked for. */
export function conditionsOf(filter: Filter, settings: Settings, now: number): Conditions {
  const after = filter.range ? rangeStart(filter.range, settings, now) : filter.from;
  return {
    states: filter.isScheduled ? ['QUEUED'] : [...filter.states],
    configurationId: filter.configurationId ?? null,
    agentId: filter.agentId ?? null,
    search: filter.search || null,
    createdAfter: after ?? null,
    createdBefore: filter.to ?? null,
    scheduledAfter: filter.isScheduled ? new Date(now).toISOString() : null,
  };
}

export function variablesOf(filter: Filter, settings: Settings, now: number): Variables {
  const [, field, direction] = sorts[filter.sort];
  return {
    ...conditionsOf(filter, settings, now),
    page: filter.page - 1,
    take: filter.take,
    orderBy: { field, direction },
  };
}

/** The views that have a tab: sets of states. */
export const views = [
  { key: 'all', label: 'All', states: [] as readonly JobState[], isScheduled: false },
  { key: 'running', label: 'Running', states: running, isScheduled: false },
  { key: 'finished', label: 'Finished', states: finished, isScheduled: false },
  { key: 'scheduled', label: 'Scheduled', states: [] as readonly JobState[], isScheduled: true },
] as const;

export function viewOf(filter: Filter): string | undefined {
  return views.find(
    ({ states, isScheduled }) =>
      isScheduled === filter.isScheduled &&
      states.length === filter.states.length &&
      states.every((state) => filter.states.includes(state)),
  )?.key;
}

/** Whether anything but the view narrows the list down. */
export function isNarrowed(filter: Filter): boolean {
  return Boolean(
    filter.configurationId ||
      filter.agentId ||
      filter.search ||
      filter.range ||
      filter.from ||
      filter.to,
  );
}
