/** What the list of jobs shows, as the page's address says it: a link shows the same. */

import type { jobList } from '../data/documents';
import type { VariablesOf } from '../data/graphql';
import { isUuid } from '../data/ids';
import { states as allStates, finished, running } from '../data/states';
import type { JobState } from '../data/types';
import { startOfDay } from '../format/time';
import { t } from '../i18n';
import type { Settings } from '../settings/settings';

export const ranges = ['hour', 'today', 'yesterday', 'week', 'month'] as const;
export type Range = (typeof ranges)[number];

/** What may be wrong with a run's data though its agent completed. */
export const losses = ['failed', 'missing'] as const;
export type Loss = (typeof losses)[number];

export const sorts = {
  newest: ['CREATED_DATE', 'DESC'],
  oldest: ['CREATED_DATE', 'ASC'],
  due: ['SCHEDULED_DATE', 'ASC'],
  'due-down': ['SCHEDULED_DATE', 'DESC'],
  changed: ['UPDATE_DATE', 'DESC'],
  unchanged: ['UPDATE_DATE', 'ASC'],
  name: ['NAME', 'ASC'],
  'name-down': ['NAME', 'DESC'],
} as const;
export type Sort = keyof typeof sorts;
export const sortKeys = Object.keys(sorts) as Sort[];

export const pageSizes = [25, 50, 100, 200] as const;

export interface Filter {
  states: readonly JobState[];
  /** Only what is scheduled for later. */
  isScheduled: boolean;
  configurationId: string | undefined;
  agentId: string | undefined;
  search: string;
  /** Only jobs whose processing failed, or received fewer clues than the agent submitted. */
  processing: Loss | undefined;
  /** A time range that moves on; or one that stays, below. */
  range: Range | undefined;
  from: string | undefined;
  to: string | undefined;
  /** The order that was chosen; undefined: the view's own. */
  sort: Sort | undefined;
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
  'processing',
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

/** Reads one of some words, in upper or lower case. */
const oneOf =
  <T extends string>(options: readonly T[]) =>
  (text: string): T | undefined =>
    options.find((each) => each === text.toLowerCase());

const listed = (options: readonly (string | number)[]) =>
  t.filters.expected.oneOf(options.join(', '));

/** What is due next comes first where it is scheduled, and what is new everywhere else. */
const usualSort = ({ isScheduled }: Pick<Filter, 'isScheduled'>): Sort =>
  isScheduled ? 'due' : 'newest';

/** The order of the list. */
export const sortOf = (filter: Pick<Filter, 'isScheduled' | 'sort'>): Sort =>
  filter.sort ?? usualSort(filter);

/** Reads an address: its filter, and the parameters that are not understood. */
export function readAddress(query: string): { filter: Filter; ignored: Ignored[] } {
  const ignored: Ignored[] = [];
  const values = new Map<Name, string>();
  for (const [given, value] of new URLSearchParams(query)) {
    const name = names.find((each) => each === given.toLowerCase());
    const before = name && values.get(name);
    if (!name) ignored.push({ name: given, value, hint: t.filters.available(names.join(', ')) });
    else if (before === undefined) values.set(name, value);
    else if (name === 'state') values.set(name, `${before},${value}`);
    else ignored.push({ name, value, hint: t.filters.twice(name) });
  }
  const read = <T>(name: Name, parse: (text: string) => T | undefined, expected: string) => {
    const text = values.get(name);
    if (!text) return undefined;
    const value = parse(text);
    if (value === undefined) {
      ignored.push({ name, value: text, hint: t.filters.mustBe(name, expected) });
    }
    return value;
  };
  const range = read('created', oneOf(ranges), listed(ranges));
  const id = (name: Name) =>
    read(name, (text) => (isUuid(text) ? text : undefined), t.filters.expected.id);
  // A moving range and fixed times exclude each other.
  const moment = (name: Name) => {
    if (!range) return read(name, momentOf, t.filters.expected.time);
    const value = values.get(name);
    if (value) ignored.push({ name, value, hint: t.filters.notWithCreated(name) });
    return undefined;
  };

  const named = (values.get('state') ?? '').split(',').filter(Boolean);
  const states = named.map((text) => {
    const state = statesByWord.get(wordOf(text));
    const hint = t.filters.mustBe('state', listed(allStates.map((info) => slugOf(info.state))));
    if (!state) ignored.push({ name: 'state', value: text, hint });
    return state;
  });
  const size = (text: string) => pageSizes.find((each) => String(each) === text);
  const columns = values.get('columns');
  const filter = {
    states: allStates.map(({ state }) => state).filter((state) => states.includes(state)),
    isScheduled:
      read('scheduled', (text) => switches.get(text.toLowerCase()), listed([1, 0])) ?? false,
    configurationId: id('configuration'),
    agentId: id('agent'),
    search: (values.get('q') ?? '').slice(0, 200),
    processing: read('processing', oneOf(losses), listed(losses)),
    range,
    from: moment('from'),
    to: moment('to'),
    sort: read('sort', oneOf(sortKeys), listed(sortKeys)),
    // The API counts pages with 32 bits.
    page: Math.min(read('page', numberOf, t.filters.expected.page) ?? 1, 10_000_000),
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
  set('processing', filter.processing);
  set('created', filter.range);
  set('from', filter.from);
  set('to', filter.to);
  set('sort', filter.sort === usualSort(filter) ? undefined : filter.sort);
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
export type Conditions = NonNullable<Variables['filter']>;

/** What the API is asked for. */
export function conditionsOf(filter: Filter, settings: Settings, now: number): Conditions {
  const after = filter.range ? rangeStart(filter.range, settings, now) : filter.from;
  return {
    states: filter.isScheduled ? ['QUEUED'] : [...filter.states],
    configurationIds: filter.configurationId ? [filter.configurationId] : null,
    agentIds: filter.agentId ? [filter.agentId] : null,
    search: filter.search || null,
    createdAfter: after ?? null,
    createdBefore: filter.to ?? null,
    scheduledAfter: filter.isScheduled ? new Date(now).toISOString() : null,
    processingStates: filter.processing === 'failed' ? ['FAILED'] : null,
    cluesMissing: filter.processing === 'missing' ? true : null,
  };
}

export function variablesOf(filter: Filter, settings: Settings, now: number): Variables {
  const [field, direction] = sorts[sortOf(filter)];
  return {
    filter: conditionsOf(filter, settings, now),
    page: filter.page - 1,
    take: filter.take,
    orderBy: { field, direction },
  };
}

/** The views that have a tab: sets of states. */
export const views = [
  { key: 'all', states: [] as readonly JobState[], isScheduled: false },
  { key: 'running', states: running, isScheduled: false },
  { key: 'finished', states: finished, isScheduled: false },
  { key: 'scheduled', states: [] as readonly JobState[], isScheduled: true },
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
      filter.processing ||
      filter.range ||
      filter.from ||
      filter.to,
  );
}
