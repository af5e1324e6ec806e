/** What the list of jobs shows, and what the API is asked for it. */

import type { jobList } from '../data/documents';
import type { VariablesOf } from '../data/graphql';
import { finished, isActive, isOver, running } from '../data/states';
import type { JobState } from '../data/types';
import { startOfDay } from '../format/time';
import type { Settings } from '../settings/settings';

/** The times of a job that a range can be about. */
export const times = ['created', 'started', 'finished'] as const;
export type Time = (typeof times)[number];

export const ranges = ['hour', 'today', 'yesterday', 'week', 'month'] as const;
export type Range = (typeof ranges)[number];

/** What may be wrong with a run's data though its agent completed. */
export const losses = ['failed', 'missing'] as const;
export type Loss = (typeof losses)[number];

/** The priorities that have a name. The API takes any number. */
export const priorities = [4, 2, 0] as const;

export const sorts = {
  newest: ['CREATED_DATE', 'DESC'],
  oldest: ['CREATED_DATE', 'ASC'],
  due: ['SCHEDULED_DATE', 'ASC'],
  'due-down': ['SCHEDULED_DATE', 'DESC'],
  started: ['STARTED_DATE', 'DESC'],
  'started-up': ['STARTED_DATE', 'ASC'],
  finished: ['FINISHED_DATE', 'DESC'],
  'finished-up': ['FINISHED_DATE', 'ASC'],
  longest: ['DURATION', 'DESC'],
  shortest: ['DURATION', 'ASC'],
  priority: ['PRIORITY', 'DESC'],
  'priority-up': ['PRIORITY', 'ASC'],
  changed: ['UPDATE_DATE', 'DESC'],
  unchanged: ['UPDATE_DATE', 'ASC'],
  name: ['NAME', 'ASC'],
  'name-down': ['NAME', 'DESC'],
} as const;
export type Sort = keyof typeof sorts;
export const sortKeys = Object.keys(sorts) as Sort[];

export const pageSizes = [25, 50, 100, 200] as const;

/** How long a text of a filter may be, as the API has it. */
export const TEXT_LENGTH = 200;

export interface Filter {
  states: readonly JobState[];
  /** States that are left out. */
  excludedStates: readonly JobState[];
  /** Only what is scheduled for later. */
  isScheduled: boolean;
  configurationIds: readonly string[];
  agentIds: readonly string[];
  providers: readonly string[];
  priority: number | undefined;
  search: string;
  /** A text in the current run's message. */
  message: string;
  /** Only jobs whose processing failed, or received fewer clues than the agent submitted. */
  processing: Loss | undefined;
  /** Only failed jobs of this failure group. */
  failureGroupId: string | undefined;
  /** What the range is about; undefined where there is no range. */
  time: Time | undefined;
  /** A time range that moves on; or one that stays, below. */
  range: Range | undefined;
  from: string | undefined;
  to: string | undefined;
  /** Of the agent's work, in milliseconds. */
  minDuration: number | undefined;
  maxDuration: number | undefined;
  /** The order that was chosen; undefined: the view's own. */
  sort: Sort | undefined;
  /** From 1. */
  page: number;
  take: number;
  /** The columns that were chosen; undefined: those that fit. */
  columns: readonly string[] | undefined;
}

/** No condition at all. */
export const unfiltered = {
  states: [],
  excludedStates: [],
  isScheduled: false,
  configurationIds: [],
  agentIds: [],
  providers: [],
  priority: undefined,
  search: '',
  message: '',
  processing: undefined,
  failureGroupId: undefined,
  time: undefined,
  range: undefined,
  from: undefined,
  to: undefined,
  minDuration: undefined,
  maxDuration: undefined,
} as const satisfies Partial<Filter>;

/** What is due next comes first where all waits, what ended last where all has finished, else what is new. */
export function usualSort({ isScheduled, states }: Pick<Filter, 'isScheduled' | 'states'>): Sort {
  const isWaiting = states.length > 0 && states.every((state) => state === 'QUEUED');
  if (isScheduled || isWaiting) return 'due';
  return states.length > 0 && states.every(isOver) ? 'finished' : 'newest';
}

/** The order of the list. */
export const sortOf = (filter: Pick<Filter, 'isScheduled' | 'states' | 'sort'>): Sort =>
  filter.sort ?? usualSort(filter);

/** The time that a view is about. */
export function usualTime({ states, isScheduled }: Pick<Filter, 'states' | 'isScheduled'>): Time {
  if (isScheduled || states.length === 0) return 'created';
  if (states.every(isOver)) return 'finished';
  return states.every(isActive) ? 'started' : 'created';
}

/** A filter with changes. A range of a view's usual time is of the usual time of the view chosen next. */
export function changed(before: Filter, changes: Partial<Filter>): Filter {
  const after = { ...before, page: 1, ...changes };
  const isOtherView = 'isScheduled' in changes && !('time' in changes);
  if (isOtherView && before.time && before.time === usualTime(before)) {
    return { ...after, time: usualTime(after) };
  }
  return after;
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
  const bound = (time: Time, moment: string | undefined) =>
    filter.time === time ? (moment ?? null) : null;
  return {
    states: filter.isScheduled ? ['QUEUED'] : [...filter.states],
    excludeStates: [...filter.excludedStates],
    configurationIds: [...filter.configurationIds],
    agentIds: [...filter.agentIds],
    providers: [...filter.providers],
    priority: filter.priority ?? null,
    search: filter.search || null,
    messageContains: filter.message || null,
    createdAfter: bound('created', after),
    createdBefore: bound('created', filter.to),
    startedAfter: bound('started', after),
    startedBefore: bound('started', filter.to),
    finishedAfter: bound('finished', after),
    finishedBefore: bound('finished', filter.to),
    minDuration: filter.minDuration ?? null,
    maxDuration: filter.maxDuration ?? null,
    scheduledAfter: filter.isScheduled ? new Date(now).toISOString() : null,
    processingStates: filter.processing === 'failed' ? ['FAILED'] : null,
    failureGroupId: filter.failureGroupId ?? null,
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
  { key: 'next', states: ['QUEUED'] as readonly JobState[], isScheduled: false },
  { key: 'scheduled', states: [] as readonly JobState[], isScheduled: true },
] as const;

export function viewOf(filter: Filter): string | undefined {
  if (filter.excludedStates.length > 0) return undefined;
  return views.find(
    ({ states, isScheduled }) =>
      isScheduled === filter.isScheduled &&
      states.length === filter.states.length &&
      states.every((state) => filter.states.includes(state)),
  )?.key;
}

/** Whether anything but the view narrows the list down. */
export function isNarrowed(filter: Filter): boolean {
  const { states: _, isScheduled: __, ...others } = unfiltered;
  return (Object.keys(others) as (keyof typeof others)[]).some((key) => {
    const value = filter[key];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== '';
  });
}
