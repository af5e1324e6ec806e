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

/** A parameter of an address that is not understood. */
export interface Ignored {
  name: string;
  value: string;
  /** What would be understood. */
  hint: string;
}

const names = [
  'state',
  'scheduled',
  'configuration',
  'agent',
  'q',
  'created',
  'from',
  'to',
  'sort',
  'page',
  'size',
  'columns',
] as const;
type Name = (typeof names)[number];

/** A state as addresses have it. */
const slugOf = (state: JobState) => state.toLowerCase().replaceAll('_', '-');

/** `ExecutionCompleted`, `EXECUTION_COMPLETED` and `execution-completed` are the same word. */
const wordOf = (text: string) => text.toLowerCase().replace(/[-_\s]/g, '');

const statesByWord = new Map<string, JobState>([
  ...allStates.map(({ state }) => [wordOf(state), state] as const),
  ['canceled', 'CANCELLED'],
  ['canceling', 'CANCELLING'],
]);

const switches = new Map([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);

function momentOf(text: string): string | undefined {
  return Number.isNaN(Date.parse(text)) ? undefined : new Date(text).toISOString();
}

function numberOf(text: string): number | undefined {
  const n = Number(text);
  return Number.isSafeInteger(n) && n > 0 ? n : undefined;
}

/** Reads a key of an object, in upper or lower case. */
const keyOf =
  <T extends string>(options: Record<T, unknown>) =>
  (text: string): T | undefined =>
    Object.hasOwn(options, text.toLowerCase()) ? (text.toLowerCase() as T) : undefined;

const listed = (options: readonly (string | number)[]) => `one of ${options.join(', ')}`;

/** Reads an address: its filter, and the parameters that are not understood. */
export function readAddress(query: string): { filter: Filter; ignored: Ignored[] } {
  const ignored: Ignored[] = [];
  const values = new Map<Name, string>();
  for (const [given, value] of new URLSearchParams(query)) {
    const name = names.find((each) => each === given.toLowerCase());
    const before = name && values.get(name);
    if (!name) ignored.push({ name: given, value, hint: `Filters are ${names.join(', ')}.` });
    else if (before === undefined) values.set(name, value);
    else if (name === 'state') values.set(name, `${before},${value}`);
    else ignored.push({ name, value, hint: `${name} is given twice.` });
  }
  const read = <T>(name: Name, parse: (text: string) => T | undefined, expected: string) => {
    const text = values.get(name);
    if (!text) return undefined;
    const value = parse(text);
    if (value === undefined) {
      ignored.push({ name, value: text, hint: `${name} is ${expected}.` });
    }
    return value;
  };
  const range = read('created', keyOf(ranges), listed(Object.keys(ranges)));
  const id = (name: Name) => read(name, (text) => (isUuid(text) ? text : undefined), 'an id');
  // A moving range and fixed times exclude each other.
  const moment = (name: Name) =>
    range
      ? read(name, () => undefined, 'not used together with created')
      : read(name, momentOf, 'a time such as 2026-05-01T10:00:00Z');

  const named = (values.get('state') ?? '').split(',').filter(Boolean);
  const states = named.map((text) => {
    const state = statesByWord.get(wordOf(text));
    const hint = `state is ${listed(allStates.map((info) => slugOf(info.state)))}.`;
    if (!state) ignored.push({ name: 'state', value: text, hint });
    return state;
  });
  const size = (text: string) => pageSizes.find((each) => String(each) === text);
  const columns = values.get('columns');
  const filter = {
    states: allStates.map(({ state }) => state).filter((state) => states.includes(state)),
    isScheduled:
      read('scheduled', (text) => switches.get(text.toLowerCase()), 'one of 1, 0') ?? false,
    configurationId: id('configuration'),
    agentId: id('agent'),
    search: (values.get('q') ?? '').slice(0, 200),
    range,
    from: moment('from'),
    to: moment('to'),
    sort: read('sort', keyOf(sorts), listed(Object.keys(sorts))) ?? 'newest',
    // The API counts pages with 32 bits.
    page: Math.min(read('page', numberOf, 'a whole number from 1') ?? 1, 10_000_000),
    take: read('size', size, listed(pageSizes)) ?? 50,
    columns: columns?.split(',').filter(Boolean),
  };
  return { filter, ignored };
}

export const parseFilter = (query: string): Filter => readAddress(query).filter;

/** The same as an address, without what is as usual. */
export function formatFilter(filter: Filter): string {
  const params = new URLSearchParams();
  const set = (name: string, value: string | number | undefined) => {
    if (value !== undefined && value !== '') params.set(name, String(value));
  };
  set('state', filter.states.map(slugOf).join(','));
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
